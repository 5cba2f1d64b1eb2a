//! Connections to the database that stay open and carry nothing any more.
#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "test code: a failed expectation is its result")]

use std::{sync::Arc, time::Duration};

use maintenance_core::{Error, RepositoryErrorKind};
use maintenance_memory::conformance::World;
use maintenance_sqlx::{postgres::PgRepository, sqlx::postgres::PgPoolOptions};
use maintenance_tests::{Wire, databases::Schema};
use tokio::{task::JoinSet, time::timeout};

/// A call must have ended by then; without a time limit it never ends.
const BOUND: Duration = Duration::from_secs(20);

/// A world whose store has that many connections over a wire, all of them open, and that limit.
async fn world(connections: u32, limit: Duration) -> (World, Wire, Schema) {
    let schema = Schema::empty().await;
    schema.migrated().await.close().await;
    let server = schema.options();
    let wire = Wire::to(server.get_host().to_owned(), server.get_port()).await;
    let pool = PgPoolOptions::new().max_connections(connections).test_before_acquire(false);
    let pool = pool.connect_with(server.host("127.0.0.1").port(wire.address.port())).await.unwrap();
    let world = World::new(Arc::new(PgRepository::new(pool.clone()).with_time_limit(limit)));
    world.worker(&["plumbing"]).await;
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(pool.acquire().await.unwrap());
    }
    for mut connection in open {
        connection.return_to_pool().await;
    }
    (world, wire, schema)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_on_a_frozen_connection_ends_in_time_and_the_next_one_has_a_new_connection() {
    let (world, wire, _schema) = world(2, Duration::from_secs(1)).await;
    wire.freeze_open();
    let mut callers = JoinSet::new();
    for _ in 0..2 {
        let (maintenance, new) = (world.maintenance.clone(), world.new_request());
        callers.spawn(async move { timeout(BOUND, maintenance.submit(new)).await.unwrap() });
    }
    while let Some(answer) = callers.join_next().await {
        let error = answer.unwrap().unwrap_err();
        let unavailable =
            matches!(&error, Error::Repository(error) if error.kind == RepositoryErrorKind::Unavailable);
        assert!(unavailable, "{error:?}");
    }
    // On a machine with much else to do a new connection may take longer than the limit of one step.
    timeout(BOUND, async { while world.maintenance.submit(world.new_request()).await.is_err() {} })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_give_up_on_a_frozen_connection_leave_a_pool_that_works() {
    // The engine's own time limit does not apply.
    let (world, wire, _schema) = world(2, Duration::from_hours(1)).await;
    wire.freeze_open();
    for _ in 0..2 {
        let submit = world.maintenance.submit(world.new_request());
        assert!(timeout(Duration::from_millis(200), submit).await.is_err());
    }
    timeout(BOUND, world.maintenance.submit(world.new_request())).await.unwrap().unwrap();
}

/// On one thread, so that nothing runs between the end of the step and the freeze: it strikes while sqlx tests the
/// connection that is given back.
#[tokio::test]
async fn a_connection_that_freezes_as_it_is_given_back_is_replaced() {
    let (world, wire, _schema) = world(1, Duration::from_secs(1)).await;
    world.filed().await;
    wire.freeze_open();
    timeout(BOUND, async { while world.maintenance.submit(world.new_request()).await.is_err() {} })
        .await
        .unwrap();
}
