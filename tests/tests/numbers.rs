//! The numbers that host transactions give which file at the same time, on PostgreSQL.
#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "test code: a failed expectation is its result")]

use std::{collections::BTreeSet, time::Duration};

use maintenance_core::{Organizations as _, RequestNumber};
use maintenance_memory::conformance::World;
use maintenance_sqlx::{
    postgres::PgRepository,
    sqlx::{PgPool, PgTransaction},
};
use maintenance_tests::databases::Schema;
use uuid::Uuid;

/// Whatever must not wait fails after this time instead of hanging.
const LIMIT: Duration = Duration::from_secs(20);

async fn pool(schema: &Schema) -> PgPool {
    let pool = schema.pool(20).await;
    maintenance_sqlx::postgres::migrate(&pool).await.unwrap();
    pool
}

async fn filed_in(world: &World, tx: &mut PgTransaction<'_>) -> RequestNumber {
    let inside = world.maintenance.within(PgRepository::in_transaction(tx));
    let new = world.new_request().complex(world.complex);
    tokio::time::timeout(LIMIT, inside.submit(new)).await.unwrap().unwrap().request.number
}

/// A transaction holds one slot, however often it files.
#[tokio::test(flavor = "multi_thread")]
async fn fifteen_open_transactions_and_the_pool_file_without_waiting_for_each_other() {
    let schema = Schema::empty().await;
    let pool = pool(&schema).await;
    let world = World::new(PgRepository::new(pool.clone()));
    let (mut numbers, mut open) = (BTreeSet::new(), Vec::new());
    for n in 0..15 {
        let mut tx = pool.begin().await.unwrap();
        for _ in 0..=n {
            assert!(numbers.insert(filed_in(&world, &mut tx).await));
        }
        open.push(tx);
    }
    for _ in 0..20 {
        let filed = tokio::time::timeout(LIMIT, world.filed()).await.unwrap();
        assert!(numbers.insert(filed.number));
    }
    for (n, tx) in open.into_iter().enumerate() {
        if n % 2 == 0 { tx.commit().await.unwrap() } else { tx.rollback().await.unwrap() }
    }
    for _ in 0..40 {
        world.filed().await;
    }
    // Of a transaction that was rolled back the numbers may be given again.
    let stored: BTreeSet<_> = world.requests().await.iter().map(|request| request.number).collect();
    assert_eq!(stored.len(), 8 * 8 + 20 + 40);
}

/// It files once one of the sixteen has ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_filing_waits_while_all_slots_are_held() {
    let schema = Schema::empty().await;
    let pool = pool(&schema).await;
    let world = World::new(PgRepository::new(pool.clone()));
    let (mut numbers, mut open) = (BTreeSet::new(), Vec::new());
    for _ in 0..16 {
        let mut tx = pool.begin().await.unwrap();
        assert!(numbers.insert(filed_in(&world, &mut tx).await));
        open.push(tx);
    }
    let (maintenance, new) = (world.maintenance.clone(), world.new_request());
    let late = tokio::spawn(async move { maintenance.submit(new).await.unwrap().request.number });
    for tx in open {
        tx.commit().await.unwrap();
    }
    assert!(numbers.insert(tokio::time::timeout(LIMIT, late).await.unwrap().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_s_first_request_gets_its_number_in_a_transaction_too() {
    let schema = Schema::empty().await;
    let pool = pool(&schema).await;
    let organization = Uuid::from_u128(0x0B).into();
    let world = World::new(PgRepository::new(pool.clone())).of(organization);
    let mut tx = pool.begin().await.unwrap();
    let inside = world.maintenance.within(PgRepository::in_transaction(&mut tx).of(organization));
    let new = world.new_request().complex(world.complex);
    assert_eq!(inside.submit(new).await.unwrap().request.number, RequestNumber::new(1));
    drop(inside);
    tx.commit().await.unwrap();
    assert_eq!(world.filed().await.number, RequestNumber::new(2));
}
