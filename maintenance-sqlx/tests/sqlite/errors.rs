//! What the errors of SQLite mean to a caller, and how soon they come.

use std::time::Duration;

use futures_util::future::join_all;
use maintenance_core::*;
use maintenance_sqlx::sqlite::SqliteRepository;
use sqlx::{AssertSqlSafe, SqlitePool};

use crate::{
    file,
    store::{self, NoDirectory},
};

#[tokio::test]
async fn another_process_holding_the_file_is_busy_and_passes() {
    let file = file().await;
    let options = (*file.pool.connect_options()).clone().busy_timeout(Duration::from_millis(30));
    let store = SqliteRepository::new(SqlitePool::connect_with(options).await.unwrap());
    store::staff(&store).await;
    let maintenance = Maintenance::new(store, NoDirectory);
    let request = maintenance.submit(store::new_request(1)).await.unwrap().request;
    let request = Request { id: store::id(2).into(), ..request };
    let filing = Filing { request, assignment: None, notification: None, news: None };
    let held = file.pool.begin_with("begin immediate").await.unwrap();
    let store = maintenance.repository();
    assert_eq!(store.add_worker(&store::worker(9)).await.unwrap_err().kind, RepositoryErrorKind::Busy);
    assert_eq!(store::file_one(store, &filing).await.unwrap_err().kind, RepositoryErrorKind::Busy);
    held.rollback().await.unwrap();
    assert!(matches!(store::file_one(store, &filing).await, Ok(Filed::New(_))));
}

/// The kinds of error with which `n` simultaneous submits fail, and how long the last one waited.
async fn submits(
    maintenance: &Maintenance<SqliteRepository<'static>>,
    n: u128,
) -> (Vec<RepositoryErrorKind>, Duration) {
    let begun = std::time::Instant::now();
    let submits = (0..n).map(|n| maintenance.submit(store::new_request(n)));
    let kinds = join_all(submits).await.into_iter().map(|answer| match answer.unwrap_err() {
        Error::Repository(error) => error.kind,
        other => panic!("{other}"),
    });
    (kinds.collect(), begun.elapsed())
}

#[tokio::test]
async fn while_another_process_holds_the_file_every_call_fails_as_busy_in_bounded_time() {
    let file = file().await;
    let options = (*file.pool.connect_options()).clone().busy_timeout(Duration::from_millis(500));
    let store = SqliteRepository::new(SqlitePool::connect_with(options).await.unwrap());
    let maintenance = Maintenance::new(store, NoDirectory);
    let held = file.pool.begin_with("begin immediate").await.unwrap();
    let (kinds, waited) = submits(&maintenance, 2_000).await;
    assert!(kinds.iter().all(|kind| *kind == RepositoryErrorKind::Busy), "{kinds:?}");
    // If each of the 21 groups waited in turn it would take 10 seconds, and with eight tries each 84 seconds.
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    held.rollback().await.unwrap();
    maintenance.submit(store::new_request(1)).await.unwrap();
}

#[tokio::test]
async fn the_time_limit_of_a_call_includes_the_wait_for_its_turn_and_for_the_file() {
    let file = file().await;
    let options = (*file.pool.connect_options()).clone().busy_timeout(Duration::from_secs(8));
    let store = SqliteRepository::new(SqlitePool::connect_with(options).await.unwrap());
    let store = store.with_time_limit(Duration::from_millis(300));
    let held = file.pool.begin_with("begin immediate").await.unwrap();
    let workers: Vec<_> = (1..=20).map(store::worker).collect();
    let begun = std::time::Instant::now();
    for answer in join_all(workers.iter().map(|worker| store.add_worker(worker))).await {
        let kind = answer.unwrap_err().kind;
        assert!(matches!(kind, RepositoryErrorKind::Busy | RepositoryErrorKind::Unavailable), "{kind:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    held.rollback().await.unwrap();
}

#[tokio::test]
async fn a_read_only_file_and_a_full_disk_are_not_writable() {
    let file = file().await;
    let options = (*file.pool.connect_options()).clone();
    let reader = SqlitePool::connect_with(options.clone().read_only(true)).await.unwrap();
    let maintenance = Maintenance::new(SqliteRepository::new(reader), NoDirectory);
    let (kinds, _) = submits(&maintenance, 3).await;
    assert!(kinds.iter().all(|kind| *kind == RepositoryErrorKind::NotWritable), "{kinds:?}");
    assert_eq!(maintenance.repository().worker(store::id(1).into()).await.unwrap(), None, "it can be read");

    let full = SqlitePool::connect_with(options.pragma("max_page_count", "1")).await.unwrap();
    let maintenance = Maintenance::new(SqliteRepository::new(full), NoDirectory);
    let mut large = store::new_request(1);
    large.id = None;
    large.form.description = "water ".repeat(600);
    let refused = loop {
        match maintenance.submit(large.clone()).await {
            Ok(_) => {}
            Err(Error::Repository(error)) => break error,
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(refused.kind, RepositoryErrorKind::NotWritable, "{refused:?}");
}

#[tokio::test]
async fn only_an_error_that_ends_the_hosts_transaction_is_aborted() {
    let file = file().await;
    store::staff(&SqliteRepository::new(file.pool.clone())).await;
    let engine = Maintenance::new(SqliteRepository::new(file.pool.clone()), NoDirectory);
    for (raises, kind) in [
        ("abort", RepositoryErrorKind::Other),
        ("rollback", RepositoryErrorKind::Aborted { code: "1811".into() }),
    ] {
        let trigger = format!(
            "create trigger {raises}_requests before insert on maintenance_requests
             begin select raise({raises}, 'refused'); end;
             create trigger {raises}_workers before insert on maintenance_workers
             begin select raise({raises}, 'refused'); end"
        );
        sqlx::raw_sql(AssertSqlSafe(trigger)).execute(&file.pool).await.unwrap();
        let mut tx = file.pool.begin_with("begin immediate").await.unwrap();
        let inside = engine.within(SqliteRepository::in_transaction(&mut tx));
        let new = store::new_request(1).complex(store::complex(1));
        let Error::Repository(error) = inside.submit(new).await.unwrap_err() else { panic!() };
        assert_eq!(error.kind, kind);
        drop(tx);
        let mut tx = file.pool.begin_with("begin immediate").await.unwrap();
        let inside = SqliteRepository::in_transaction(&mut tx);
        assert_eq!(inside.add_worker(&store::worker(9)).await.unwrap_err().kind, kind);
        drop(tx);
        let end = format!("drop trigger {raises}_requests; drop trigger {raises}_workers");
        sqlx::raw_sql(AssertSqlSafe(end)).execute(&file.pool).await.unwrap();
    }
}

#[tokio::test]
async fn a_closed_pool_is_unavailable() {
    let file = file().await;
    file.pool.close().await;
    let store = SqliteRepository::new(file.pool.clone());
    assert_eq!(store.worker(store::id(1).into()).await.unwrap_err().kind, RepositoryErrorKind::Unavailable);
}

#[tokio::test]
async fn a_spoilt_value_is_not_quoted() {
    let file = file().await;
    store::unquoted(SqliteRepository::new(file.pool.clone()), |update| {
        let pool = file.pool.clone();
        async move {
            sqlx::raw_sql(update).execute(&pool).await.unwrap();
        }
    })
    .await;
}
