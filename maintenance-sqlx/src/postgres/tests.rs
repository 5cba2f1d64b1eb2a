//! Every statement prepares against the migrated schema, and what a migration of the future may need.

use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection, PgPool, SqlSafeStr, SqlStr,
    migrate::{Migration, MigrationType, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    filing,
    migrate::{migrate_in, migrator, run},
    notifications, requests, workers,
};
use crate::{MigrateError, migrate::statements};

/// The server to test on.
pub(super) fn server() -> String {
    std::env::var("MAINTENANCE_TEST_DATABASE_URL").expect(
        "MAINTENANCE_TEST_DATABASE_URL must be the URL of a PostgreSQL server on which schemas may be made; \
         tests/run starts a throwaway one",
    )
}

#[tokio::test]
async fn every_statement_prepares() {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    // Never committed, so that nothing of it is left behind.
    let mut step = connection.begin().await.unwrap();
    let schema = "create schema maintenance_prepares; set local search_path to maintenance_prepares";
    sqlx::raw_sql(schema).execute(&mut *step).await.unwrap();
    migrate_in(&mut step).await.unwrap();
    for statements in
        [workers::STATEMENTS, requests::STATEMENTS, filing::STATEMENTS, notifications::STATEMENTS]
    {
        for sql in statements {
            let prepared = step.prepare(AssertSqlSafe((*sql).to_owned()).into_sql_str()).await;
            prepared.unwrap_or_else(|error| panic!("{error}: {sql}"));
        }
    }
}

/// A pool in an empty schema of that name.
async fn empty(name: &str) -> PgPool {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    let schema = format!("drop schema if exists {name} cascade; create schema {name}");
    sqlx::raw_sql(AssertSqlSafe(schema)).execute(&mut connection).await.unwrap();
    let options = server().parse::<PgConnectOptions>().unwrap().options([("search_path", name)]);
    PgPoolOptions::new().connect_with(options).await.unwrap()
}

async fn drop_schema(pool: PgPool, name: &str) {
    let end = format!("drop schema {name} cascade");
    sqlx::raw_sql(AssertSqlSafe(end)).execute(&pool).await.unwrap();
    pool.close().await;
}

/// Our migrations, then one that can't run inside a transaction, then another.
fn with_one_alone() -> Migrator {
    let migration = |version, sql, no_tx| {
        Migration::new(version, "later".into(), MigrationType::Simple, SqlStr::from_static(sql), no_tx)
    };
    let mut migrations: Vec<_> = migrator().iter().cloned().collect();
    let alone = "-- Repeatable: what failed half-way goes first.
drop index concurrently if exists later_idx;
create index concurrently later_idx
    on maintenance_requests (title);
";
    migrations.push(migration(2, alone, true));
    migrations.push(migration(3, "create table later (id uuid);", false));
    let mut later = Migrator::with_migrations(migrations);
    later.dangerous_set_table_name("_maintenance_migrations");
    later
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_migration_runs_outside_a_transaction_where_it_must_however_many_start_at_once() {
    let name = "maintenance_migrates_alone";
    let pool = empty(name).await;
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { run(&pool, &with_one_alone()).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let valid: bool =
        sqlx::query_scalar("select indisvalid from pg_index where indexrelid = 'later_idx'::regclass")
            .fetch_one(&pool)
            .await
            .unwrap();
    let applied: Vec<i64> =
        sqlx::query_scalar("select version from _maintenance_migrations order by version")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!((valid, applied), (true, vec![1, 2, 3]));
    drop_schema(pool, name).await;
}

#[tokio::test]
async fn in_the_hosts_transaction_a_migration_that_must_run_alone_is_refused_by_its_number() {
    let name = "maintenance_migrates_within";
    let pool = empty(name).await;
    let mut step = pool.begin().await.unwrap();
    let error = super::migrate::run_in(&mut step, &with_one_alone()).await.unwrap_err();
    assert!(matches!(error, MigrateError::NotInTransaction(2)), "{error}");
    step.rollback().await.unwrap();
    drop_schema(pool, name).await;
}

/// PostgreSQL refuses several statements in one prepared text, as a server that shards by schema refuses them in any.
#[tokio::test]
async fn a_migration_is_sent_statement_by_statement() {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    let mut step = connection.begin().await.unwrap();
    let schema = "create schema maintenance_statements; set local search_path to maintenance_statements";
    sqlx::raw_sql(schema).execute(&mut *step).await.unwrap();
    for migration in migrator().iter() {
        for statement in statements(migration) {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut *step).await.unwrap();
        }
    }
}
