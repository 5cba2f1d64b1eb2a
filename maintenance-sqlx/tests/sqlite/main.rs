//! The SQLite store.
#![cfg(feature = "sqlite")]
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
mod pool;
#[path = "../store/mod.rs"]
mod store;
mod tables;

use std::{sync::Mutex, task::Poll, time::Duration};

use futures_util::future::join_all;
use maintenance_core::*;
use maintenance_sqlx::sqlite::{self, SqliteRepository};
use sqlx::{
    AssertSqlSafe, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

struct File {
    pool: SqlitePool,
    _folder: tempfile::TempDir,
}

async fn file() -> File {
    let folder = tempfile::tempdir().unwrap();
    let pool = sqlite::open(folder.path().join("maintenance.db")).await.unwrap();
    sqlite::migrate(&pool).await.unwrap();
    File { pool, _folder: folder }
}

#[tokio::test]
async fn workers_and_assignments() {
    store::workers(&SqliteRepository::new(file().await.pool)).await;
}

#[tokio::test]
async fn a_request_lives() {
    let file = file().await;
    store::life(SqliteRepository::new(file.pool.clone())).await;
}

#[tokio::test]
async fn a_request_lives_in_the_hosts_transaction() {
    let file = file().await;
    let mut tx = file.pool.begin_with("begin immediate").await.unwrap();
    store::life(SqliteRepository::in_transaction(&mut tx)).await;
    tx.rollback().await.unwrap();
    let left: i64 =
        sqlx::query_scalar("select count(*) from maintenance_workers").fetch_one(&file.pool).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn the_outbox_does_what_the_core_says() {
    let file = file().await;
    store::outbox(SqliteRepository::new(file.pool.clone()), 150).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_submitters_at_once_see_no_error() {
    let file = file().await;
    store::submitters(SqliteRepository::new(file.pool.clone())).await;
}

#[tokio::test]
async fn writers_take_turns() {
    let file = file().await;
    let store = SqliteRepository::new(file.pool.clone());
    let written = Mutex::new([0_u32; 8]);
    // The lock is held until all writers are in the queue.
    let held = file.pool.begin_with("begin immediate").await.unwrap();
    let writers = (0..8).map(|writer| {
        let (store, written) = (&store, &written);
        async move {
            for n in 0..20 {
                store.add_worker(&store::worker(100 * (writer as u128 + 1) + n)).await.unwrap();
                let mut written = written.lock().unwrap();
                written[writer] += 1;
                let (least, most) = (written.iter().min().unwrap(), written.iter().max().unwrap());
                assert!(most - least <= 1, "{written:?}");
            }
        }
    });
    let begin = async { held.rollback().await.unwrap() };
    futures_util::future::join(join_all(writers), begin).await;
}

#[tokio::test]
async fn requests_filed_at_once_each_get_their_own_answer() {
    store::at_once(SqliteRepository::new(file().await.pool.clone())).await;
}

#[tokio::test]
async fn a_call_that_waits_for_a_connection_takes_little_memory() {
    let file = file().await;
    store::waiting_takes_little_memory(&SqliteRepository::new(file.pool.clone()));
}

#[tokio::test]
async fn when_one_caller_times_out_everyone_queued_behind_it_fails_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new().filename(folder.path().join("one.db")).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(30));
    let pool = pool.connect_with(options).await.unwrap();
    sqlite::migrate(&pool).await.unwrap();
    let taken = pool.acquire().await.unwrap();
    let store = SqliteRepository::new(pool);
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let answers = join_all((0..20).map(|n| store.worker(store::worker(n).id))).await;
    for answer in answers {
        assert_eq!(answer.unwrap_err().kind, RepositoryErrorKind::Unavailable);
    }
    assert!(begun.elapsed() < Duration::from_mins(1), "each waited for a time-out of their own");
    tokio::time::resume();
    drop(taken);
    assert_eq!(store.worker(store::worker(1).id).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn new_primaries_at_once_leave_one() {
    let file = file().await;
    store::primaries(SqliteRepository::new(file.pool.clone())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dispatchers_and_webhooks_at_once_agree() {
    let file = file().await;
    store::crowd(SqliteRepository::new(file.pool.clone())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cancelled_submit_leaves_no_half_step() {
    let file = file().await;
    store::cancelled(SqliteRepository::new(file.pool.clone())).await;
}

#[tokio::test]
async fn a_corrupt_row_is_reported_and_holds_up_no_other() {
    let file = file().await;
    let bad = [
        ("title", "maintenance_requests set title = ''"),
        ("created_at", "maintenance_requests set created_at = '2026-02-30T00:00:00.000000Z'"),
        ("completed_at", "maintenance_requests set completed_at = created_at"),
        ("renter_id", "maintenance_requests set renter_id = 'nobody'"),
        ("version", "maintenance_requests set version = -1"),
        ("hold_until", "maintenance_requests set hold_until = created_at"),
        ("error_text", "maintenance_notifications set error_code = 'x'"),
    ];
    store::corrupt(SqliteRepository::new(file.pool.clone()), &bad, |update| {
        let pool = file.pool.clone();
        async move {
            sqlx::raw_sql(AssertSqlSafe(update)).execute(&pool).await.unwrap();
        }
    })
    .await;
    let store = SqliteRepository::new(file.pool.clone());
    let spoil = "update maintenance_workers set specialties = '[\"secret' where status = 'active'";
    sqlx::raw_sql(spoil).execute(&file.pool).await.unwrap();
    let trade = WorkerFilter { specialty: Some(Specialty::ROOFING), ..Default::default() };
    let listing = store.workers(&trade, Slice { after: None, limit: 9 }).await.unwrap();
    assert_eq!(listing.corrupt.len(), 3);
    assert!(!format!("{:?}", listing.corrupt).contains("secret"));
    assert_eq!(store.candidates(&[store::anyone(1)]).await.unwrap().corrupt.len(), 3);
}

#[tokio::test]
async fn a_write_that_fails_half_way_leaves_nothing() {
    let file = file().await;
    let mut tx = file.pool.begin_with("begin immediate").await.unwrap();
    store::halves(SqliteRepository::in_transaction(&mut tx)).await;
    tx.rollback().await.unwrap();
    store::halves(SqliteRepository::new(file.pool.clone())).await;
}

/// Polls a call once, and drops it after `passes` has completed.
async fn cancelled_after(passes: impl Future, call: impl Future) {
    let mut call = Box::pin(call);
    std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready())).await;
    passes.await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_write_in_the_hosts_transaction_undoes_only_itself() {
    let file = file().await;
    sqlx::raw_sql("create table host_audit (entry integer not null)").execute(&file.pool).await.unwrap();
    let staff = store::staff(&SqliteRepository::new(file.pool.clone())).await;
    // Meanwhile the call's statements run on, while nobody polls it.
    let statements = async |n: usize| {
        for _ in 0..n {
            sqlx::raw_sql("select 1").execute(&file.pool).await.unwrap();
        }
    };
    for round in 0..100_usize {
        let mut tx = file.pool.begin_with("begin immediate").await.unwrap();
        sqlx::raw_sql("insert into host_audit values (1)").execute(&mut *tx).await.unwrap();
        let served = {
            let inside = SqliteRepository::in_transaction(&mut tx);
            let assign = async |n: usize| {
                let complex = store::complex(10 + n as u128);
                let assignment = store::assignment(n as u128, &staff[0], complex, false);
                inside.assign_complex(&assignment).await.map(drop)
            };
            let n = 100 + 4 * round;
            cancelled_after(statements(0), assign(n)).await;
            assign(n + 1).await.unwrap();
            cancelled_after(statements(round % 6), assign(n + 2)).await;
            assign(n + 3).await.unwrap();
            inside.assignments(AssignmentsOf::Worker(staff[0].id)).await.unwrap().items
        };
        tx.commit().await.unwrap();
        for acknowledged in [101 + 4 * round, 103 + 4 * round] {
            let complex = store::complex(10 + acknowledged as u128);
            assert!(served.iter().any(|served| served.complex_id == complex), "round {round}");
        }
    }
    let entries: i64 =
        sqlx::query_scalar("select count(*) from host_audit").fetch_one(&file.pool).await.unwrap();
    assert_eq!(entries, 100, "no row of the host's was undone");
}
