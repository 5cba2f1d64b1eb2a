//! The host's row, the request and its message commit together, or none.
#![expect(clippy::unwrap_used, reason = "test code: a failed expectation is its result")]

use std::sync::Arc;

use maintenance_core::{
    Assign, Error, Filed, Maintenance, Move, OrganizationId, Organizations, PageRequest, RequestStatus,
    Submission, WorkerFilter, WorkerStatus, mock::MockDirectory,
};
use maintenance_memory::{
    MemoryRepository,
    conformance::{World, accepted, file_one},
};
use maintenance_sqlx::{sqlite::SqliteRepository, sqlx};
use maintenance_tests::databases;
use uuid::Uuid;

const TABLE: &str = "create table host_audit (entry text not null)";
const ENTRY: &str = "insert into host_audit (entry) values ('filed')";
const ENTRIES: &str = "select count(*) from host_audit";

fn id(n: u128) -> maintenance_core::RequestId {
    Uuid::from_u128(n).into()
}

/// What the engine does inside the host's transaction: it sees what was written there, a refused step leaves
/// the transaction usable, and a pool sees nothing of it yet.
async fn acts_inside<R: Organizations>(world: &World, inside: R) {
    let (outside, inside) = (&world.maintenance, world.maintenance.within(inside));
    let worker = inside.add_worker(world.new_worker(&["plumbing"])).await.unwrap();
    inside.assign_complex(worker.id, world.complex, true).await.unwrap();
    let new = world.new_request().id(id(1)).complex(world.complex);
    let filed = inside.submit(new.clone()).await.unwrap();
    assert_eq!(accepted(&filed.submission), Some(worker.id), "it sees the worker who isn't committed yet");

    // Refusals of every kind.
    assert!(inside.assign_complex(world.nobody(), world.complex, true).await.is_err());
    let nothing = inside.change_status(id(9), Move::to(RequestStatus::Cancelled, world.landlord())).await;
    assert!(matches!(nothing, Err(Error::NotFound { .. })));
    let again = inside.submit(new.clone()).await.unwrap();
    assert_eq!(again.submission, Submission::AlreadyFiled);
    let mut other = new;
    other.form.title = "Another".into();
    assert!(matches!(inside.submit(other).await, Err(Error::Reused(_))));
    let stale =
        inside.repository().save_worker(&worker, worker.created_at - chrono::TimeDelta::days(1)).await;
    assert!(stale.is_err());
    let refused = inside.change_status(id(1), Move::to(RequestStatus::Completed, world.landlord())).await;
    assert!(matches!(refused, Err(Error::Refused { .. })));
    inside.set_worker_status(worker.id, WorkerStatus::Inactive).await.unwrap();
    let record = inside.record(id(1)).await.unwrap();
    let mut late = maintenance_core::Filing {
        request: record.request,
        assignment: None,
        notification: None,
        news: None,
    };
    late.request.id = id(2);
    late.notification = record.notifications.first().cloned();
    assert!(file_one(inside.repository(), &late).await.is_err(), "its worker has left");
    inside.set_worker_status(worker.id, WorkerStatus::Active).await.unwrap();

    // The transaction is still usable.
    inside.change_status(id(1), Move::to(RequestStatus::InProgress, world.landlord())).await.unwrap();
    late.notification = None;
    assert!(matches!(file_one(inside.repository(), &late).await, Ok(Filed::New(_))));
    assert!(matches!(outside.request(id(1)).await, Err(Error::NotFound { .. })), "nobody else sees it yet");
}

/// What holds after the commit.
async fn committed(world: &World) {
    let record = world.record(id(1)).await;
    assert_eq!((record.request.status, record.history.len()), (RequestStatus::InProgress, 1));
    assert_eq!(world.dispatch().await.sent, 1, "now it is sent");
}

/// What holds after a rollback.
async fn rolled_back(world: &World) {
    assert!(world.requests().await.is_empty());
    assert_eq!(world.dispatch().await.claimed, 0);
    let workers = world.maintenance.workers(&WorkerFilter::default(), &PageRequest::default()).await.unwrap();
    assert!(workers.items.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn in_memory_the_engines_rows_commit_together_or_not_at_all() {
    for commit in [false, true] {
        let store = MemoryRepository::new();
        let world = World::new(store.clone());
        let mut tx = store.begin();
        acts_inside(&world, MemoryRepository::in_transaction(&mut tx)).await;
        // Spawned, as a web framework does with a handler.
        let end = async move {
            if commit {
                tx.commit().unwrap();
            }
        };
        tokio::spawn(end).await.unwrap();
        if commit { committed(&world).await } else { rolled_back(&world).await }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_the_hosts_row_and_the_engines_commit_together_or_not_at_all() {
    for commit in [false, true] {
        let (pool, _alive) = databases::sqlite_pool().await;
        sqlx::raw_sql(TABLE).execute(&pool).await.unwrap();
        let world = World::new(Arc::new(SqliteRepository::new(pool.clone())));
        let mut tx = pool.begin_with("begin immediate").await.unwrap();
        sqlx::query(ENTRY).execute(&mut *tx).await.unwrap();
        acts_inside(&world, SqliteRepository::in_transaction(&mut tx)).await;
        // Spawned, as a web framework does with a handler.
        let end = async move { if commit { tx.commit().await } else { tx.rollback().await } };
        tokio::spawn(end).await.unwrap().unwrap();
        let entries: i64 = sqlx::query_scalar(ENTRIES).fetch_one(&pool).await.unwrap();
        assert_eq!(entries, i64::from(commit));
        if commit { committed(&world).await } else { rolled_back(&world).await }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_files_in_its_own_transaction_can_be_spawned() {
    let (pool, _alive) = databases::sqlite_pool().await;
    let world = World::new(Arc::new(SqliteRepository::new(pool.clone())));
    let maintenance = world.maintenance.clone();
    let new = world.new_request().complex(world.complex);
    let handler = async move {
        let mut tx = pool.begin_with("begin immediate").await.unwrap();
        maintenance.within(SqliteRepository::in_transaction(&mut tx)).submit(new).await.unwrap();
        tx.commit().await.unwrap();
        maintenance.wake();
    };
    tokio::spawn(handler).await.unwrap();
    assert_eq!(world.requests().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_hosts_transaction_a_request_brings_its_complex_and_the_directory_is_not_asked() {
    let (pool, _alive) = databases::sqlite_pool().await;
    let world = World::new(Arc::new(SqliteRepository::new(pool.clone())));
    // A mock that expects nothing fails the test when it is asked.
    let engine = Maintenance::new(SqliteRepository::new(pool.clone()), MockDirectory::new());
    let mut tx = pool.begin_with("begin immediate").await.unwrap();
    let inside = engine.within(SqliteRepository::in_transaction(&mut tx));
    let mut without = world.new_request();
    without.form.title = String::new();
    let with = world.new_request().complex(world.complex);
    let many = inside.submit_many(&[without.clone(), with.clone()]).await;
    assert!(matches!(many.as_slice(), [Err(Error::Invalid(_)), Ok(_)]), "{many:?}");
    let Err(Error::Invalid(invalid)) = inside.submit(without).await else { panic!("it must be refused") };
    let fields: Vec<_> = invalid.fields.iter().map(|field| &*field.field).collect();
    assert_eq!(fields, ["title", "complex_id"], "all that is wrong at once");
    assert!(invalid.to_string().contains("resolve the property's complex before you begin"), "{invalid}");
    inside.submit(with).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_worker_who_leaves_while_a_host_gives_them_a_request_keeps_none() {
    for begin in ["begin", "begin immediate"] {
        let (pool, _alive) = databases::sqlite_pool().await;
        let world = World::new(Arc::new(SqliteRepository::new(pool.clone())));
        let (leaving, landlord) = (world.worker(&["plumbing"]).await.id, world.landlord());
        let mut tx = pool.begin_with(begin).await.unwrap();
        let within = world.maintenance.within(SqliteRepository::in_transaction(&mut tx));
        let new = world.new_request().complex(world.complex);
        let filed = within.submit(new).await.unwrap();
        assert_eq!(accepted(&filed.submission), Some(leaving));
        drop(within);
        let engine = world.maintenance.clone();
        let leaves = tokio::spawn(async move {
            engine.set_worker_status(leaving, WorkerStatus::OnLeave).await.unwrap();
            engine.reassign_all(leaving, Assign::by(landlord)).await.unwrap()
        });
        tx.commit().await.unwrap();
        assert_eq!(leaves.await.unwrap().len(), 1, "it is found");
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use std::{collections::HashMap, time::Duration};

    use maintenance_core::{ComplexId, Directory, DirectoryError, PropertyId, RenterContact, RenterId};
    use maintenance_sqlx::postgres::PgRepository;
    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn on_postgres_the_hosts_row_and_the_engines_commit_together_or_not_at_all() {
        for commit in [false, true] {
            let schema = databases::Schema::empty().await;
            let pool = schema.migrated().await;
            sqlx::raw_sql(TABLE).execute(&pool).await.unwrap();
            let world = World::new(Arc::new(PgRepository::new(pool.clone())));
            let mut tx = pool.begin().await.unwrap();
            sqlx::query(ENTRY).execute(&mut *tx).await.unwrap();
            acts_inside(&world, PgRepository::in_transaction(&mut tx)).await;
            assert_eq!(world.dispatch().await.claimed, 0, "nothing is sent before the host commits");
            let end = async move { if commit { tx.commit().await } else { tx.rollback().await } };
            tokio::spawn(end).await.unwrap().unwrap();
            let entries: i64 = sqlx::query_scalar(ENTRIES).fetch_one(&pool).await.unwrap();
            assert_eq!(entries, i64::from(commit));
            if commit { committed(&world).await } else { rolled_back(&world).await }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_handler_that_files_in_its_own_transaction_can_be_spawned() {
        let schema = databases::Schema::empty().await;
        let pool = schema.migrated().await;
        let world = World::new(Arc::new(PgRepository::new(pool.clone())));
        let maintenance = world.maintenance.clone();
        let new = world.new_request().complex(world.complex);
        let handler = async move {
            let mut tx = pool.begin().await.unwrap();
            maintenance.within(PgRepository::in_transaction(&mut tx)).submit(new).await.unwrap();
            tx.commit().await.unwrap();
            maintenance.wake();
        };
        tokio::spawn(handler).await.unwrap();
        assert_eq!(world.requests().await.len(), 1);
    }

    /// The host's properties, over the same pool as everything else.
    struct Properties(sqlx::PgPool, ComplexId);

    #[async_trait::async_trait]
    impl Directory for Properties {
        async fn complex_of(
            &self,
            _: OrganizationId,
            _: PropertyId,
        ) -> Result<Option<ComplexId>, DirectoryError> {
            sqlx::query("select 1").execute(&self.0).await.map_err(DirectoryError::new)?;
            Ok(Some(self.1))
        }

        async fn contacts(
            &self,
            _: OrganizationId,
            _: &[RenterId],
        ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError> {
            Ok(HashMap::new())
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_small_pool_serves_more_filings_at_once_than_it_has_connections() {
        let schema = databases::Schema::empty().await;
        schema.migrated().await.close().await;
        let pool = schema.pool(4).await;
        let world = World::new(Arc::new(PgRepository::new(pool.clone())));
        world.worker(&["plumbing"]).await;
        let directory = Arc::new(Properties(pool.clone(), world.complex));
        let engine = Maintenance::new(PgRepository::new(pool.clone()), directory.clone());
        for resolves in [false, true] {
            let mut filings = JoinSet::new();
            for _ in 0..8 {
                let (engine, pool, mut new) = (engine.clone(), pool.clone(), world.new_request());
                let directory = directory.clone();
                filings.spawn(async move {
                    new.complex_id = if resolves {
                        directory.complex_of(OrganizationId::NONE, new.property_id).await.unwrap()
                    } else {
                        None
                    };
                    let mut tx = pool.begin().await.unwrap();
                    let inside = engine.within(PgRepository::in_transaction(&mut tx));
                    let filed = inside.submit(new).await;
                    drop(inside);
                    tx.commit().await.unwrap();
                    filed
                });
            }
            let all = tokio::time::timeout(Duration::from_secs(20), filings.join_all()).await.unwrap();
            for filed in all {
                match filed {
                    Ok(filed) => assert!(resolves && matches!(filed.submission, Submission::Filed(_))),
                    Err(error) => assert!(!resolves && matches!(error, Error::Invalid(_)), "{error}"),
                }
            }
        }
        assert_eq!(world.requests().await.len(), 8);
    }
}
