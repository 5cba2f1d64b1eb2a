//! The PostgreSQL store. Needs a server: `pg_virtualenv cargo test …` makes a throwaway one.
#![cfg(feature = "postgres")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "test code with small numbers: a failed expectation is its result"
)]

mod store;

use maintenance_core::*;
use maintenance_sqlx::MigrateError;
use maintenance_sqlx::postgres::{self, PgRepository};
use sqlx::{
    AssertSqlSafe, PgPool, SqlStr,
    migrate::{Migration, MigrationType, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};
use store::{
    NoDirectory,
    catalogue::{Found, Kind, TABLES},
};

/// A schema of the test's own, empty.
async fn empty(schema: &'static str) -> PgPool {
    assert!(
        std::env::var_os("PGHOST").is_some(),
        "needs PostgreSQL: run under `pg_virtualenv`, or set PGHOST and its like"
    );
    let options = PgConnectOptions::new().options([("search_path", schema)]);
    let pool = PgPoolOptions::new().test_before_acquire(false).connect_with(options).await.unwrap();
    let create = format!("drop schema if exists {schema} cascade; create schema {schema}");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&pool).await.unwrap();
    pool
}

async fn schema(schema: &'static str) -> PgPool {
    let pool = empty(schema).await;
    postgres::migrate(&pool).await.unwrap();
    pool
}

#[tokio::test]
async fn workers_and_assignments() {
    store::workers(&PgRepository::new(schema("workers").await)).await;
}

#[tokio::test]
async fn a_request_lives() {
    store::life(PgRepository::new(schema("life").await)).await;
}

#[tokio::test]
async fn a_request_lives_in_the_hosts_transaction() {
    let pool = schema("host").await;
    let mut tx = pool.begin().await.unwrap();
    store::life(PgRepository::in_transaction(&mut tx)).await;
    tx.rollback().await.unwrap();
    let left: i64 =
        sqlx::query_scalar("select count(*) from maintenance_workers").fetch_one(&pool).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    store::lists(PgRepository::new(schema("lists").await)).await;
}

#[tokio::test]
async fn the_outbox_does_what_the_core_says() {
    store::outbox(PgRepository::new(schema("outbox").await), 150).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_submitters_at_once_see_no_error() {
    let store = PgRepository::new(schema("submitters").await);
    store::staff(&store).await;
    let maintenance = Maintenance::new(store, NoDirectory);
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let maintenance = maintenance.clone();
            tokio::spawn(async move {
                for n in 0..50 {
                    maintenance.submit(store::new_request(1_000 * (task + 1) + n)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn new_primaries_at_once_leave_one() {
    store::primaries(PgRepository::new(schema("primaries").await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dispatchers_and_webhooks_at_once_agree() {
    store::crowd(PgRepository::new(schema("crowd").await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cancelled_submit_leaves_no_half_step() {
    store::cancelled(PgRepository::new(schema("cancelled").await)).await;
}

#[tokio::test]
async fn the_tables_are_those_of_the_specification() {
    let pool = schema("catalogue").await;
    for table in TABLES {
        let columns: Vec<(String, String, bool)> = sqlx::query_as(
            "select column_name::text, udt_name::text, is_nullable = 'YES'
               from information_schema.columns
              where table_schema = current_schema() and table_name = $1 and is_generated = 'NEVER'
              order by ordinal_position",
        )
        .bind(table.name)
        .fetch_all(&pool)
        .await
        .unwrap();
        let references: Vec<(String, String)> = sqlx::query_as(
            "select a.attname::text, c.confrelid::regclass::text
               from pg_constraint c
               join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
               join pg_attribute t on t.attrelid = c.confrelid and t.attnum = c.confkey[1]
              where c.conrelid = $1::regclass and c.contype = 'f' and t.attname = 'id'",
        )
        .bind(table.name)
        .fetch_all(&pool)
        .await
        .unwrap();
        let indexes: Vec<(String, bool, bool)> = sqlx::query_as(
            "select (select string_agg(a.attname, ',' order by k.place)
                       from unnest(i.indkey::int2[]) with ordinality k (number, place)
                       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number),
                    i.indisunique, i.indpred is not null
               from pg_index i
               join pg_class c on c.oid = i.indexrelid
               join pg_am m on m.oid = c.relam and m.amname = 'btree'
              where i.indrelid = $1::regclass",
        )
        .bind(table.name)
        .fetch_all(&pool)
        .await
        .unwrap();
        table.check(Found { columns, references, indexes }, |kind| match kind {
            Kind::Id => "uuid",
            Kind::Text => "text",
            Kind::Texts => "_text",
            Kind::Flag => "bool",
            Kind::Time => "timestamptz",
            Kind::Count => "int4",
        });
    }
}

#[tokio::test]
async fn a_value_that_no_enum_has_is_refused() {
    let pool = schema("enums").await;
    store::life(PgRepository::new(pool.clone())).await;
    for table in TABLES {
        for column in table.enums {
            let update = format!("update {} set {column} = 'bogus'", table.name);
            assert!(sqlx::raw_sql(AssertSqlSafe(update)).execute(&pool).await.is_err(), "{column}");
        }
    }
}

/// The host's own first migration, under the same number as ours.
fn hosts() -> Migrator {
    let sql = SqlStr::from_static("create table host_things (id integer primary key)");
    Migrator::with_migrations(vec![Migration::new(1, "host".into(), MigrationType::Simple, sql, false)])
}

async fn tables(pool: &PgPool) -> i64 {
    let count = "select count(*) from pg_tables where schemaname = current_schema()";
    sqlx::query_scalar(count).fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn migrations_run_at_once_again_and_beside_the_hosts() {
    let pool = empty("migrations").await;
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { postgres::migrate(&pool).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    hosts().run(&pool).await.unwrap();
    postgres::migrate(&pool).await.unwrap();
    hosts().run(&pool).await.unwrap();
    assert_eq!(tables(&pool).await, 10);
}

#[tokio::test]
async fn a_migration_in_the_hosts_transaction_goes_with_it() {
    let pool = empty("migration_host").await;
    let mut tx = pool.begin().await.unwrap();
    postgres::migrate_in(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(tables(&pool).await, 0);
}

#[tokio::test]
async fn a_table_of_someone_else_stops_the_migration_before_it_begins() {
    let pool = empty("taken").await;
    sqlx::raw_sql("create view maintenance_requests as select 1 as n").execute(&pool).await.unwrap();
    let error = postgres::migrate(&pool).await.unwrap_err();
    assert!(matches!(&error, MigrateError::TableTaken(table) if table == "maintenance_requests"));
    assert!(error.to_string().contains("another schema"), "{error}");
    assert_eq!(tables(&pool).await, 0);
    sqlx::raw_sql("drop schema taken cascade").execute(&pool).await.unwrap();
    assert!(matches!(postgres::migrate(&pool).await, Err(MigrateError::NoSchema)));
}

#[tokio::test]
async fn a_corrupt_row_is_reported_and_holds_up_no_other() {
    let pool = schema("corrupt").await;
    let bad = [
        ("title", "maintenance_requests set title = ''"),
        ("updated_at", "maintenance_requests set updated_at = 'infinity'"),
        ("updated_at", "maintenance_requests set updated_at = '-infinity'"),
        ("completed_at", "maintenance_requests set completed_at = created_at"),
        ("version", "maintenance_requests set version = -1"),
        ("error_text", "maintenance_notifications set error_code = 'x'"),
    ];
    store::corrupt(PgRepository::new(pool.clone()), &bad, |update| {
        let pool = pool.clone();
        async move {
            sqlx::raw_sql(AssertSqlSafe(update)).execute(&pool).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn an_error_quotes_no_row() {
    let pool = schema("quotes").await;
    let store = PgRepository::new(pool.clone());
    store::staff(&store).await;
    let clash = sqlx::raw_sql("create unique index on maintenance_workers (email)").execute(&pool).await;
    assert!(clash.is_err());
    sqlx::raw_sql("alter table maintenance_workers add constraint none check (first_name = '') not valid")
        .execute(&pool)
        .await
        .unwrap();
    let error = store.add_worker(&store::worker(9)).await.unwrap_err();
    let told = format!("{error} {error:?} {}", error.source.as_ref().unwrap());
    assert!(told.contains("23514") && !told.contains("Ann") && !told.contains("+1202"), "{told}");
}
