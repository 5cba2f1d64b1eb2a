//! The PostgreSQL store. Needs a server at `MAINTENANCE_TEST_DATABASE_URL`: tests/run starts a throwaway one.
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

mod errors;
#[path = "../server/mod.rs"]
mod server;
#[path = "../store/mod.rs"]
mod store;
mod tables;

use maintenance_sqlx::postgres::PgRepository;
use server::Schema;
use sqlx::{AssertSqlSafe, postgres::PgPoolOptions};

#[tokio::test]
async fn workers_and_assignments() {
    let schema = Schema::migrated().await;
    store::workers(&PgRepository::new(schema.clone())).await;
}

#[tokio::test]
async fn a_request_lives() {
    let schema = Schema::migrated().await;
    store::life(PgRepository::new(schema.clone())).await;
}

#[tokio::test]
async fn a_request_lives_in_the_hosts_transaction() {
    let pool = Schema::migrated().await;
    let mut tx = pool.begin().await.unwrap();
    store::life(PgRepository::in_transaction(&mut tx)).await;
    tx.rollback().await.unwrap();
    let left: i64 =
        sqlx::query_scalar("select count(*) from maintenance_workers").fetch_one(&*pool).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn requests_filed_at_once_each_get_their_own_answer() {
    store::at_once(PgRepository::new(Schema::migrated().await.clone())).await;
}

#[tokio::test]
async fn a_call_that_waits_for_a_connection_takes_little_memory() {
    let pool = PgPoolOptions::new().connect_lazy("postgres://localhost/nobody_connects").unwrap();
    store::waiting_takes_little_memory(&PgRepository::new(pool));
}

#[tokio::test]
async fn the_outbox_does_what_the_core_says() {
    let schema = Schema::migrated().await;
    store::outbox(PgRepository::new(schema.clone()), 150).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_submitters_at_once_see_no_error() {
    let schema = Schema::migrated().await;
    store::submitters(PgRepository::new(schema.clone())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn new_primaries_at_once_leave_one() {
    let schema = Schema::migrated().await;
    store::primaries(PgRepository::new(schema.clone())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dispatchers_and_webhooks_at_once_agree() {
    let schema = Schema::migrated().await;
    store::crowd(PgRepository::new(schema.clone())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cancelled_submit_leaves_no_half_step() {
    let schema = Schema::migrated().await;
    store::cancelled(PgRepository::new(schema.clone())).await;
}

#[tokio::test]
async fn a_corrupt_row_is_reported_and_holds_up_no_other() {
    let pool = Schema::migrated().await;
    let bad = [
        ("title", "maintenance_requests set title = ''"),
        ("updated_at", "maintenance_requests set updated_at = 'infinity'"),
        ("updated_at", "maintenance_requests set updated_at = '-infinity'"),
        ("completed_at", "maintenance_requests set completed_at = created_at"),
        ("version", "maintenance_requests set version = -1"),
        ("hold_until", "maintenance_requests set hold_until = created_at"),
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
async fn a_write_that_fails_half_way_leaves_nothing() {
    let schema = Schema::migrated().await;
    store::halves(PgRepository::new(schema.clone())).await;
}
