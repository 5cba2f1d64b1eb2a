//! Bursts of submits by several engines at once, as by several processes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: a failed expectation is its result")]

use std::{collections::BTreeMap, sync::Arc};

use maintenance_core::{Error, Maintenance, Repository, RequestId};
use maintenance_memory::conformance::{World, accepted, batch::burst};
use maintenance_sqlx::sqlite::{self, SqliteRepository};
use maintenance_tests::databases;
use uuid::Uuid;

/// Four engines, each with a pool and a queue of its own, file 500 each: nobody gets more than twice the mean.
async fn four_engines_spread<F: Future<Output = Arc<dyn Repository>>>(world: &World, store: impl Fn() -> F) {
    for _ in 0..20 {
        world.worker(&["plumbing"]).await;
    }
    let mut engines = Vec::new();
    for _ in 0..4 {
        let engine = Maintenance::new(store().await, world.directory.clone());
        let new = world.new_request();
        engines.push(tokio::spawn(async move { burst(&engine, &new, 500).await }));
    }
    let mut given = BTreeMap::new();
    for engine in engines {
        for (worker, n) in engine.await.unwrap() {
            *given.entry(worker).or_insert(0) += n;
        }
    }
    let most = given.values().max().copied().unwrap_or_default();
    assert!(given.len() == 20 && most <= 200, "the mean is 100: {given:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_by_four_engines_spreads_on_sqlite() {
    let (pool, folder) = databases::sqlite_pool().await;
    let world = World::new(Arc::new(SqliteRepository::new(pool)));
    let file = folder.path().join("maintenance.sqlite");
    four_engines_spread(&world, || async {
        Arc::new(SqliteRepository::new(sqlite::open(&file).await.unwrap())) as Arc<dyn Repository>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_by_four_engines_spreads_in_memory() {
    let store = maintenance_memory::MemoryRepository::new();
    let world = World::new(Arc::new(store.clone()));
    four_engines_spread(&world, || async { Arc::new(store.clone()) as Arc<dyn Repository> }).await;
}

#[cfg(feature = "postgres")]
mod on_postgres {
    use maintenance_sqlx::{postgres::PgRepository, sqlx};
    use maintenance_tests::databases::Schema;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_burst_by_four_engines_spreads() {
        let schema = Schema::empty().await;
        let world = World::new(Arc::new(PgRepository::new(schema.migrated().await)));
        four_engines_spread(&world, || async {
            Arc::new(PgRepository::new(schema.pool(8).await)) as Arc<dyn Repository>
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_row_that_breaks_a_hosts_constraint_is_refused_alone_with_its_cause() {
        let schema = Schema::empty().await;
        let pool = schema.migrated().await;
        let world = World::new(Arc::new(PgRepository::new(pool.clone())));
        world.worker(&["plumbing"]).await;
        let table = "create table host_renters (id uuid primary key)";
        let constraint = "alter table maintenance_requests add constraint host_renter_fkey
                   foreign key (renter_id) references host_renters (id)";
        for sql in [table, constraint] {
            sqlx::raw_sql(sql).execute(&pool).await.unwrap();
        }
        let known = "insert into host_renters (id) values ($1)";
        sqlx::query(known).bind(world.renter.uuid()).execute(&pool).await.unwrap();
        only_the_stranger_is_refused(&world, "host_renter_fkey").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_breaks_a_hosts_constraint_is_refused_alone_with_its_cause() {
    let (pool, _folder) = databases::sqlite_pool().await;
    let world = World::new(Arc::new(SqliteRepository::new(pool.clone())));
    world.worker(&["plumbing"]).await;
    let trigger = format!(
        "create trigger host_renter before insert on maintenance_requests when new.renter_id <> '{}'
         begin select raise(abort, 'host_renter_check'); end",
        world.renter
    );
    maintenance_sqlx::sqlx::raw_sql(maintenance_sqlx::sqlx::AssertSqlSafe(trigger))
        .execute(&pool)
        .await
        .unwrap();
    only_the_stranger_is_refused(&world, "host_renter_check").await;
}

/// Of ten requests filed together, one is of a renter whom the host doesn't know.
async fn only_the_stranger_is_refused(world: &World, constraint: &str) {
    let id = |n: u128| RequestId::from_uuid(Uuid::from_u128(0xF00 + n));
    let new = |n: u128| {
        let mut new = world.new_request().id(id(n));
        if n == 4 {
            new.renter_id = Uuid::from_u128(0xBAD).into();
        }
        new
    };
    let answers = world.maintenance.submit_many(&(0..10).map(new).collect::<Vec<_>>()).await;
    for (n, answer) in (0..).zip(answers) {
        match answer {
            Ok(submitted) => assert!(n != 4 && accepted(&submitted.submission).is_some()),
            Err(Error::Repository(error)) => {
                let cause = error.source.map(|cause| cause.to_string()).unwrap_or_default();
                assert!(n == 4 && cause.contains(constraint), "{n}: {cause}");
            }
            Err(error) => panic!("{n}: {error}"),
        }
    }
}
