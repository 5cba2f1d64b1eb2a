//! Every statement can be prepared against the migrated schema, orders are the core's, and later migrations
//! will run.

use maintenance_core::WhatsAppStatus;
use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection, PgPool, Postgres, SqlSafeStr, SqlStr, Transaction,
    migrate::{Migration, MigrationType, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    archive, events, filing, import, inbound,
    migrate::{migrate_in, migrator, run},
    notifications, renters, requests, texts, workers,
};
use crate::{MigrateError, migrate::statements, order::delivery_order};

/// The server to test on.
pub(super) fn server() -> String {
    std::env::var("MAINTENANCE_TEST_DATABASE_URL").expect(
        "MAINTENANCE_TEST_DATABASE_URL must be the URL of a PostgreSQL server on which schemas may be made; \
         tests/run starts a throwaway one",
    )
}

/// A transaction in a new schema of the given name. It is never committed, so nothing of it is left behind.
pub(super) async fn begin_in_schema<'c>(
    connection: &'c mut PgConnection,
    name: &str,
) -> Transaction<'c, Postgres> {
    let mut tx = connection.begin().await.unwrap();
    for sql in [format!("create schema {name}"), format!("set local search_path to {name}")] {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    }
    tx
}

/// Every statement whose text doesn't depend on what is asked for.
pub(super) fn every_statement() -> Vec<&'static str> {
    [
        workers::STATEMENTS,
        requests::STATEMENTS,
        &filing::statements(),
        notifications::STATEMENTS,
        events::STATEMENTS,
        inbound::STATEMENTS,
        renters::STATEMENTS,
        &import::statements(),
        archive::STATEMENTS,
        &[texts::INDEX],
    ]
    .concat()
}

#[tokio::test]
async fn every_statement_can_be_prepared() {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    let mut tx = begin_in_schema(&mut connection, "maintenance_prepares").await;
    migrate_in(&mut tx).await.unwrap();
    for sql in every_statement() {
        let prepared = tx.prepare(AssertSqlSafe(sql.to_owned()).into_sql_str()).await;
        prepared.unwrap_or_else(|error| panic!("{error}: {sql}"));
    }
}

#[tokio::test]
async fn the_database_orders_deliveries_as_the_core_does() {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    for status in WhatsAppStatus::ALL {
        let place_of = concat!("select ", delivery_order!(place_of "$1::text"));
        let place: i32 =
            sqlx::query_scalar(place_of).bind(status.as_str()).fetch_one(&mut connection).await.unwrap();
        let at = concat!("select ", delivery_order!(at "$1::integer"));
        let back: String = sqlx::query_scalar(at).bind(place).fetch_one(&mut connection).await.unwrap();
        assert_eq!((place, back.as_str()), (i32::from(status.progress()), status.as_str()));
    }
}

/// A pool in an empty schema of the given name.
async fn empty(name: &str) -> PgPool {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    for sql in [format!("drop schema if exists {name} cascade"), format!("create schema {name}")] {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
    let options = server().parse::<PgConnectOptions>().unwrap().options([("search_path", name)]);
    PgPoolOptions::new().connect_with(options).await.unwrap()
}

async fn drop_schema(pool: PgPool, name: &str) {
    let end = format!("drop schema {name} cascade");
    sqlx::raw_sql(AssertSqlSafe(end)).execute(&pool).await.unwrap();
    pool.close().await;
}

/// Our migrations, a migration that can't run inside a transaction, and another one after it.
fn with_one_alone() -> Migrator {
    let migration = |version, sql, no_tx| {
        Migration::new(version, "later".into(), MigrationType::Simple, SqlStr::from_static(sql), no_tx)
    };
    let mut migrations: Vec<_> = migrator().iter().cloned().collect();
    let alone = "-- It can be repeated: what is left of a failed attempt is dropped first.
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
            tokio::spawn(async move { run(&pool, None, &with_one_alone()).await })
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
    let mut tx = pool.begin().await.unwrap();
    let error = super::migrate::run_in(&mut tx, &with_one_alone()).await.unwrap_err();
    assert!(matches!(error, MigrateError::NotInTransaction(2)), "{error}");
    tx.rollback().await.unwrap();
    drop_schema(pool, name).await;
}

/// PostgreSQL refuses several statements in one prepared text. A server that shards by schema refuses them in
/// any text.
#[tokio::test]
async fn a_migration_is_sent_statement_by_statement() {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    let mut tx = begin_in_schema(&mut connection, "maintenance_statements").await;
    for migration in migrator().iter() {
        for statement in statements(migration) {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut *tx).await.unwrap();
        }
    }
}
