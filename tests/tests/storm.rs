//! Heavy load: many submitters, several dispatchers and many webhooks at the same moment.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "test code: a failed expectation is its result"
)]

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use maintenance_core::{
    Channel, Clock as _, DeliveryEvent, DeliveryUpdate, DispatchPolicy, Maintenance, NotificationId,
    Notifier, NotifyError, Organizations, Outgoing, Receipt, RequestStatus, WhatsAppStatus,
};
use maintenance_memory::{ManualClock, conformance::World};
use maintenance_tests::databases::{self, Store};
use tokio::{sync::watch, task::JoinSet};
use uuid::Uuid;

/// Accepts everything. For each message webhooks come at once, out of order and twice.
#[derive(Clone)]
struct Flood {
    maintenance: Maintenance<Store>,
    clock: ManualClock,
    sent: Arc<Mutex<Vec<NotificationId>>>,
    webhooks: Arc<Mutex<JoinSet<()>>>,
}

#[async_trait::async_trait]
impl Notifier for Flood {
    async fn notify(&self, message: &Outgoing) -> Result<Receipt, NotifyError> {
        let id = message.notification_id;
        let mut told = {
            let mut sent = self.sent.lock().unwrap();
            sent.push(id);
            sent.iter().rev().take(6).copied().collect::<Vec<_>>()
        };
        // Posts that overlap, each in an order of its own.
        for event in [DeliveryEvent::Read, DeliveryEvent::Sent, DeliveryEvent::Delivered, DeliveryEvent::Read]
        {
            told.rotate_left(1);
            told.reverse();
            let (maintenance, at) = (self.maintenance.clone(), self.clock.now());
            let update = |id: &NotificationId| DeliveryUpdate {
                channel: Channel::DEFAULT,
                notification_id: Some(*id),
                provider_message_id: provider_id(*id),
                event,
                at,
                error: None,
                next: None,
            };
            let updates: Vec<_> = told.iter().chain(&told).map(update).collect();
            self.webhooks.lock().unwrap().spawn(async move {
                maintenance.record_deliveries(&updates).await.unwrap();
            });
        }
        Ok(Receipt { provider_message_id: provider_id(id) })
    }
}

fn provider_id(id: NotificationId) -> String {
    format!("wamid.{id}")
}

async fn storm(store: impl Organizations + 'static, submitters: u128, each: u128, dispatchers: usize) {
    let world = World::new(store);
    for _ in 0..5 {
        world.worker(&["plumbing"]).await;
    }
    let flood = Flood {
        maintenance: world.maintenance.clone(),
        clock: world.clock.clone(),
        sent: Arc::default(),
        webhooks: Arc::default(),
    };
    let (stop, stopped) = watch::channel(false);
    let policy = DispatchPolicy { batch: 10, poll: Duration::from_millis(10), ..DispatchPolicy::default() };
    let mut running = JoinSet::new();
    for _ in 0..dispatchers {
        let dispatcher = world.maintenance.dispatcher(flood.clone(), policy);
        let mut stopped = stopped.clone();
        running.spawn(async move {
            dispatcher
                .run(async move {
                    let _ = stopped.wait_for(|stop| *stop).await;
                })
                .await;
        });
    }
    // Every request is submitted twice, by two tasks at the same moment.
    let mut submitting = JoinSet::new();
    for submitter in 0..submitters {
        let (maintenance, new) = (world.maintenance.clone(), world.new_request());
        submitting.spawn(async move {
            for n in 0..each {
                let id = Uuid::from_u128(((submitter / 2) << 64) + n + 1).into();
                maintenance.submit(new.clone().id(id)).await.unwrap();
            }
        });
    }
    while let Some(done) = submitting.join_next().await {
        done.unwrap();
    }
    // Sends what the loops have not taken yet; then they stop.
    let dispatcher = world.maintenance.dispatcher(flood.clone(), policy);
    while dispatcher.dispatch_due().await.unwrap().claimed > 0 {}
    stop.send(true).unwrap();
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
    let mut webhooks = std::mem::take(&mut *flood.webhooks.lock().unwrap());
    while let Some(done) = webhooks.join_next().await {
        done.unwrap();
    }

    let expected = usize::try_from(submitters / 2 * each).unwrap();
    let sent = flood.sent.lock().unwrap().clone();
    assert_eq!(
        (sent.len(), sent.iter().collect::<BTreeSet<_>>().len()),
        (expected, expected),
        "each sent once"
    );
    let mut requests = 0;
    let mut page = maintenance_core::PageRequest::first(200);
    loop {
        let listed =
            world.maintenance.requests(&maintenance_core::RequestFilter::default(), &page).await.unwrap();
        for request in listed.items {
            requests += 1;
            let record = world.record(request.id).await;
            assert_eq!(record.notifications.len(), 1, "one message each");
            let message = &record.notifications[0];
            assert_eq!(
                (message.status, record.request.whatsapp_status),
                (WhatsAppStatus::Read, WhatsAppStatus::Read)
            );
            assert_eq!((message.attempts, message.lease, record.request.version), (1, None, 1));
            assert_eq!(record.request.status, RequestStatus::Pending);
        }
        match listed.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    assert_eq!(requests, expected, "each filed once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_submitters_two_dispatchers_and_a_flood_on_sqlite() {
    let (store, _alive) = databases::sqlite().await;
    storm(store, 8, 20, 2).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thirty_two_submitters_four_dispatchers_and_a_flood_on_postgres() {
    let schema = databases::Schema::empty().await;
    let pool = schema.migrated().await;
    drop(pool);
    let pool = schema.pool(40).await;
    storm(Arc::new(maintenance_sqlx::postgres::PgRepository::new(pool)), 32, 20, 4).await;
}
