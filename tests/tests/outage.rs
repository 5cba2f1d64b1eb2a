//! The database is lost again and again while submitters and a dispatcher work: its wire is cut, or the server
//! crashes.
#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: a failed expectation is its result")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use maintenance_core::{
    Channel, DeliveryEvent, DeliveryUpdate, DispatchPolicy, Error, NotificationId, Notifier, NotifyError,
    Outgoing, Receipt, RepositoryErrorKind, RequestId, WhatsAppStatus,
};
use maintenance_memory::conformance::World;
use maintenance_sqlx::{
    postgres::PgRepository,
    sqlx::postgres::{PgConnectOptions, PgPoolOptions},
};
use maintenance_tests::{Wire, databases::Schema};
use tokio::task::JoinSet;
use uuid::Uuid;

const TIMEOUT: Duration = Duration::from_secs(2);

/// Accepts everything, and counts how often each message came.
#[derive(Clone, Default)]
struct Counting(Arc<Mutex<BTreeMap<NotificationId, u32>>>);

#[async_trait::async_trait]
impl Notifier for Counting {
    async fn notify(&self, message: &Outgoing) -> Result<Receipt, NotifyError> {
        *self.0.lock().unwrap().entry(message.notification_id).or_default() += 1;
        // The store may go at any moment of a batch.
        tokio::task::yield_now().await;
        Ok(Receipt { provider_message_id: format!("wamid.{}", message.notification_id) })
    }
}

/// Asserts that the store was unavailable and nothing else.
fn unavailable(error: &Error) {
    let kind = if let Error::Repository(error) = error { Some(&error.kind) } else { None };
    assert_eq!(kind, Some(&RepositoryErrorKind::Unavailable), "{error:?}");
}

/// Tries until the store answers: each lost connection of the pool fails one call.
async fn persist<T, F: Future<Output = Result<T, Error>>>(act: impl Fn() -> F) -> T {
    loop {
        match act().await {
            Ok(done) => return done,
            Err(error) => unavailable(&error),
        }
    }
}

/// Applies a webhook's `delivered` for every message that went out.
async fn hear_of_all(world: &World, counting: &Counting) {
    let news = |id: &NotificationId| DeliveryUpdate {
        channel: Channel::DEFAULT,
        notification_id: Some(*id),
        provider_message_id: format!("wamid.{id}"),
        event: DeliveryEvent::Delivered,
        at: maintenance_core::Clock::now(&world.clock),
        error: None,
        next: None,
    };
    let news: Vec<_> = counting.0.lock().unwrap().keys().map(news).collect();
    persist(|| world.maintenance.record_deliveries(&news)).await;
}

/// A store whose pool gives up soon.
async fn world(options: PgConnectOptions) -> World {
    let pool = PgPoolOptions::new().max_connections(8).acquire_timeout(TIMEOUT).test_before_acquire(false);
    World::new(PgRepository::new(pool.connect_with(options).await.unwrap()))
}

/// Submitters and a dispatcher go on while `strike` takes the database away a few times.
async fn ordeal<F: Future<Output = ()>>(world: &World, strike: impl Fn() -> F) {
    for _ in 0..3 {
        world.worker(&["plumbing"]).await;
    }
    let counting = Counting::default();
    let policy = DispatchPolicy { batch: 5, ..DispatchPolicy::default() };

    let mut submitting = JoinSet::new();
    for submitter in 0..8_u128 {
        let (maintenance, new) = (world.maintenance.clone(), world.new_request());
        submitting.spawn(async move {
            let mut refused = 0;
            for n in 1..=40_u128 {
                let id = RequestId::from_uuid(Uuid::from_u128((submitter << 64) + n));
                // The caller's id makes it safe to try again until there is an answer.
                while let Err(error) = maintenance.submit(new.clone().id(id)).await {
                    unavailable(&error);
                    refused += 1;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
            refused
        });
    }
    let dispatcher = world.maintenance.dispatcher(counting.clone(), policy);
    let dispatching = tokio::spawn(async move {
        let mut empty = 0;
        while empty < 3 {
            match dispatcher.dispatch_due().await {
                Ok(report) if report.claimed == 0 => {
                    empty += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Ok(_) => empty = 0,
                Err(error) => unavailable(&error),
            }
        }
        dispatcher
    });
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        strike().await;
    }
    let mut refused = 0;
    while let Some(done) = submitting.join_next().await {
        refused += done.unwrap();
    }
    assert!(refused > 0, "the outages were felt");
    let dispatcher = dispatching.await.unwrap();

    // Webhooks come for every message that went out, even if its outcome was not recorded. What was claimed and
    // never sent comes due again after the hold.
    hear_of_all(world, &counting).await;
    world.wait(301);
    while persist(|| dispatcher.dispatch_due()).await.claimed > 0 {}
    hear_of_all(world, &counting).await;

    let sent = counting.0.lock().unwrap().clone();
    assert!(sent.values().all(|times| *times == 1), "no message twice: {sent:?}");
    let mut filed = 0;
    for submitter in 0..8_u128 {
        for n in 1..=40_u128 {
            let id = Uuid::from_u128((submitter << 64) + n).into();
            let record = persist(|| world.maintenance.record(id)).await;
            let [message] = record.notifications.as_slice() else { panic!("one message each") };
            assert!(sent.contains_key(&message.id), "no message lost");
            assert_eq!(message.status, WhatsAppStatus::Delivered);
            filed += 1;
        }
    }
    assert_eq!(filed, 320);
}

/// Held by each test here, since each takes the server away.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_wire_that_is_cut_and_mended_loses_and_doubles_nothing() {
    let _alone = ALONE.lock().await;
    let schema = Schema::empty().await;
    schema.migrated().await.close().await;
    let server = schema.options();
    let wire = Wire::to(server.get_host().to_owned(), server.get_port()).await;
    let world = world(server.host("127.0.0.1").port(wire.address.port())).await;
    ordeal(&world, || async {
        wire.cut();
        let begun = Instant::now();
        unavailable(&world.maintenance.submit(world.new_request()).await.unwrap_err());
        assert!(begun.elapsed() < TIMEOUT * 2, "within the pool's time-out");
        wire.mend();
    })
    .await;
}

/// Needs a server that may be crashed: `MAINTENANCE_TEST_CRASH` is the command that does it and starts it again.
/// tests/run sets it for the server that it starts itself; for any other server there is nothing to try.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_crashes_and_starts_again_loses_and_doubles_nothing() {
    let Ok(crash) = std::env::var("MAINTENANCE_TEST_CRASH") else {
        eprintln!("not tried: MAINTENANCE_TEST_CRASH is not set");
        return;
    };
    let _alone = ALONE.lock().await;
    let schema = Schema::empty().await;
    schema.migrated().await.close().await;
    let world = world(schema.options()).await;
    ordeal(&world, || async {
        let crash = crash.clone();
        let crashed = move || std::process::Command::new("sh").args(["-c", &crash]).status();
        assert!(tokio::task::spawn_blocking(crashed).await.unwrap().unwrap().success());
    })
    .await;
}
