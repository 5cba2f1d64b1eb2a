//! A schema of its own for each test, on the server at `MAINTENANCE_TEST_DATABASE_URL`.

use std::ops::Deref;

use maintenance_sqlx::postgres;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

/// A pool in a fresh schema. Dropping it ends the schema's connections and drops the schema with its content.
pub(crate) struct Schema {
    name: String,
    server: PgConnectOptions,
    pool: PgPool,
}

impl Schema {
    pub(crate) async fn empty() -> Self {
        let url = std::env::var("MAINTENANCE_TEST_DATABASE_URL").expect(
            "MAINTENANCE_TEST_DATABASE_URL must be the URL of a PostgreSQL server on which schemas may be made; \
             tests/run starts a throwaway one",
        );
        let server: PgConnectOptions = url.parse().unwrap();
        let name = format!("maintenance_{}", unique().simple());
        run(&server, format!("create schema {name}")).await;
        let options = server.clone().application_name(&name).options([("search_path", name.as_str())]);
        let pool = PgPoolOptions::new().test_before_acquire(false).connect_with(options).await.unwrap();
        Self { name, server, pool }
    }

    pub(crate) async fn migrated() -> Self {
        let schema = Self::empty().await;
        postgres::migrate(&schema.pool).await.unwrap();
        schema
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Deref for Schema {
    type Target = PgPool;

    fn deref(&self) -> &PgPool {
        &self.pool
    }
}

async fn run(server: &PgConnectOptions, sql: String) {
    let mut connection = server.connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "tests of one server at a time must not share a schema")]
fn unique() -> Uuid {
    Uuid::new_v4()
}

impl Drop for Schema {
    #[expect(clippy::print_stderr, reason = "a test that has failed already must not panic again")]
    fn drop(&mut self) {
        let end = format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{0}';
             drop schema if exists {0} cascade",
            self.name
        );
        let server = self.server.clone();
        // A drop can't wait on the test's own runtime.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(&server, end));
        });
        if dropped.join().is_err() {
            eprintln!("the schema {} could not be dropped", self.name);
        }
    }
}
