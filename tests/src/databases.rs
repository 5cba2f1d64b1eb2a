//! Fresh stores: in memory, on a SQLite file, on PostgreSQL in a schema of their own, and inside a host's open
//! transaction. What comes with a store must live as long as it is used.

use std::sync::Arc;

use maintenance_core::Repository;
use maintenance_memory::MemoryRepository;
use maintenance_sqlx::{
    sqlite::{self, SqliteRepository},
    sqlx::SqlitePool,
};
use tempfile::TempDir;

/// A store that cases share among tasks.
pub type Store = Arc<dyn Repository>;

/// A store in memory.
pub async fn memory() -> (MemoryRepository<'static>, ()) {
    std::future::ready((MemoryRepository::new(), ())).await
}

/// A store inside an open transaction on a store in memory.
pub async fn memory_transaction() -> (MemoryRepository<'static>, ()) {
    // Leaked, so that tasks may share it; the transaction ends with the test process.
    let transaction = Box::leak(Box::new(MemoryRepository::new().begin()));
    std::future::ready((MemoryRepository::in_transaction(transaction), ())).await
}

/// The pool of a fresh, migrated SQLite file.
pub async fn sqlite_pool() -> (SqlitePool, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let pool = sqlite::open(folder.path().join("maintenance.sqlite")).await.unwrap();
    sqlite::migrate(&pool).await.unwrap();
    (pool, folder)
}

/// A store on a SQLite file.
pub async fn sqlite() -> (SqliteRepository<'static>, TempDir) {
    let (pool, folder) = sqlite_pool().await;
    (SqliteRepository::new(pool), folder)
}

/// A store inside a host's open transaction on a SQLite file.
pub async fn sqlite_transaction() -> (SqliteRepository<'static>, TempDir) {
    let (pool, folder) = sqlite_pool().await;
    // Leaked, so that tasks may share it; the transaction ends with the test process.
    let transaction = Box::leak(Box::new(pool.begin_with("begin immediate").await.unwrap()));
    (SqliteRepository::in_transaction(transaction), folder)
}

#[cfg(feature = "postgres")]
pub use with_postgres::{Schema, in_schema, postgres, postgres_transaction};

#[cfg(feature = "postgres")]
mod with_postgres {
    use maintenance_sqlx::{
        postgres::{self, PgRepository},
        sqlx::{
            self, AssertSqlSafe, ConnectOptions as _, PgPool,
            postgres::{PgConnectOptions, PgPoolOptions},
        },
    };
    use uuid::Uuid;

    /// A schema of its own on the test server. Dropping it ends its connections and drops everything in it.
    pub struct Schema {
        name: String,
        server: PgConnectOptions,
    }

    impl Schema {
        /// A name that no schema has on the server at `MAINTENANCE_TEST_DATABASE_URL`.
        pub fn missing() -> Self {
            Self { name: format!("maintenance_{}", unique().simple()), server: server() }
        }

        /// An empty schema on that server.
        pub async fn empty() -> Self {
            let schema = Self::missing();
            run(&schema.server, format!("create schema {}", schema.name)).await;
            schema
        }

        /// Its name.
        pub fn name(&self) -> &str {
            &self.name
        }

        /// How to connect to it.
        pub fn options(&self) -> PgConnectOptions {
            in_schema(&self.name)
        }

        /// A pool whose connections are in it.
        pub async fn pool(&self, connections: u32) -> PgPool {
            let options = PgPoolOptions::new().max_connections(connections).test_before_acquire(false);
            options.connect_with(self.options()).await.unwrap()
        }

        /// Such a pool, with the tables made.
        pub async fn migrated(&self) -> PgPool {
            let pool = self.pool(8).await;
            postgres::migrate(&pool).await.unwrap();
            pool
        }
    }

    /// The test server.
    fn server() -> PgConnectOptions {
        let url = std::env::var("MAINTENANCE_TEST_DATABASE_URL").expect(
            "MAINTENANCE_TEST_DATABASE_URL must be the URL of a PostgreSQL server on which schemas may be made; \
             tests/run starts a throwaway one",
        );
        url.parse().unwrap()
    }

    /// How to connect to a schema of the test server; its end ends such connections, of whatever process.
    pub fn in_schema(name: &str) -> PgConnectOptions {
        server().application_name(name).options([("search_path", name)])
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
        fn drop(&mut self) {
            let end = format!(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{0}';
                 drop schema if exists {0} cascade",
                self.name
            );
            let server = self.server.clone();
            // The test's own runtime can't be waited on from here.
            let dropped = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(run(&server, end));
            });
            if dropped.join().is_err() {
                eprintln!("the schema {} could not be dropped", self.name);
            }
        }
    }

    /// A store on PostgreSQL.
    pub async fn postgres() -> (PgRepository<'static>, Schema) {
        let schema = Schema::empty().await;
        let pool = schema.migrated().await;
        (PgRepository::new(pool), schema)
    }

    /// A store inside a host's open transaction on PostgreSQL.
    pub async fn postgres_transaction() -> (PgRepository<'static>, Schema) {
        let schema = Schema::empty().await;
        let pool = schema.migrated().await;
        // Leaked, so that tasks may share it; the schema's end ends its connection.
        let transaction = Box::leak(Box::new(pool.begin().await.unwrap()));
        (PgRepository::in_transaction(transaction), schema)
    }
}
