//! Connections between calls.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use maintenance_core::*;
use maintenance_sqlx::sqlite::{self, SqliteRepository};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use crate::store;

fn options(folder: &tempfile::TempDir) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(folder.path().join("maintenance.db")).create_if_missing(true)
}

#[tokio::test]
async fn calls_that_follow_each_other_keep_a_connection_which_then_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let given = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&given);
    let pool = SqlitePoolOptions::new().max_connections(2).before_acquire(move |_, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(true) })
    });
    let pool = pool.connect_with(options(&folder)).await.unwrap();
    sqlite::migrate(&pool).await.unwrap();
    let (store, before) = (SqliteRepository::new(pool.clone()), given.load(Ordering::Relaxed));
    for _ in 0..100 {
        store.worker(store::worker(1).id).await.unwrap();
    }
    let taken = given.load(Ordering::Relaxed) - before;
    assert!(taken < 100, "each of 100 calls took a connection from the pool");
    let all_back = async {
        while pool.num_idle() < pool.size() as usize {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all_back).await.expect("a connection is kept for ever");
}

#[tokio::test]
async fn a_connection_that_no_call_takes_goes_back_though_calls_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options(&folder)).await.unwrap();
    sqlite::migrate(&pool).await.unwrap();
    let store = SqliteRepository::new(pool.clone());
    let id = store::worker(1).id;
    for answer in futures_util::future::join_all((0..3).map(|_| store.worker(id))).await {
        answer.unwrap();
    }
    assert!(pool.size() > 1, "several calls at once took one connection");
    // A connection goes back after milliseconds. Only its age, a second, would end this otherwise.
    for _ in 0..2_000 {
        if pool.num_idle() + 1 >= pool.size() as usize {
            return;
        }
        store.worker(id).await.unwrap();
    }
    panic!("connections are kept from the host while one client goes on");
}

#[tokio::test]
async fn the_hosts_pool_closes_though_a_connection_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options(&folder)).await.unwrap();
    sqlite::migrate(&pool).await.unwrap();
    let store = SqliteRepository::new(pool.clone());
    store.worker(store::worker(1).id).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), pool.close()).await.expect("the pool does not close");
    let error = store.worker(store::worker(1).id).await.unwrap_err();
    assert_eq!(error.kind, RepositoryErrorKind::Unavailable);
}

#[test]
fn a_store_may_outlive_its_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(async {
        let pool = SqlitePoolOptions::new().max_connections(2).min_connections(1);
        let pool = pool.connect_with(options(&folder)).await.unwrap();
        sqlite::migrate(&pool).await.unwrap();
        let store = SqliteRepository::new(pool);
        store.worker(store::worker(1).id).await.unwrap();
        store
    });
    drop(runtime);
    drop(store);
}
