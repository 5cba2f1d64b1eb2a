//! Locks that a host's open transaction holds on a request, on PostgreSQL.
#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "test code: a failed expectation is its result")]

use std::{sync::Arc, time::Duration};

use maintenance_core::{Assign, DeliveryEvent, NotificationRepository as _, WhatsAppStatus};
use maintenance_sqlx::{postgres::PgRepository, sqlx};
use maintenance_tests::{World, databases::Schema};

/// What must not wait for the host: it fails here rather than to hang.
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_holds_a_request_holds_up_neither_outcomes_nor_webhooks() {
    let schema = Schema::empty().await;
    let pool = schema.migrated().await;
    let world = World::new(Arc::new(PgRepository::new(pool.clone())));
    world.worker(&["plumbing"]).await;
    let (held, free) = (world.filed().await, world.filed().await);

    let mut host = pool.begin().await.unwrap();
    let lock = "select from maintenance_requests where id = $1 for update";
    sqlx::query(lock).bind(held.id.uuid()).execute(&mut *host).await.unwrap();
    let report = tokio::time::timeout(LIMIT, world.dispatch()).await.unwrap();
    assert_eq!(report.sent, 2);
    let message = world.newest_message(held.id).await;
    assert_eq!(message.status, WhatsAppStatus::Sent, "its outcome is recorded");
    assert_eq!(world.record(free.id).await.request.whatsapp_status, WhatsAppStatus::Sent);
    assert_eq!(world.record(held.id).await.request.whatsapp_status, WhatsAppStatus::Pending, "to follow");
    let other = world.newest_message(free.id).await;
    let news = [world.news(&message, DeliveryEvent::Read), world.news(&other, DeliveryEvent::Delivered)];
    tokio::time::timeout(LIMIT, world.maintenance.record_deliveries(&news)).await.unwrap().unwrap();
    assert_eq!(world.newest_message(held.id).await.status, WhatsAppStatus::Read);
    assert_eq!(world.record(free.id).await.request.whatsapp_status, WhatsAppStatus::Delivered);
    tokio::time::timeout(LIMIT, world.dispatch()).await.unwrap();
    assert_eq!(world.record(held.id).await.request.whatsapp_status, WhatsAppStatus::Pending);

    host.commit().await.unwrap();
    world.dispatch().await;
    let request = world.record(held.id).await.request;
    assert_eq!(request.whatsapp_status, WhatsAppStatus::Read, "the mirror has followed");
    assert_eq!(request.whatsapp_message_id, message.provider_message_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_follows_late_does_not_overwrite_a_newer_message() {
    let schema = Schema::empty().await;
    let pool = schema.migrated().await;
    let world = World::new(Arc::new(PgRepository::new(pool.clone())));
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;

    let mut host = pool.begin().await.unwrap();
    let lock = "select from maintenance_requests where id = $1 for update";
    sqlx::query(lock).bind(request.id.uuid()).execute(&mut *host).await.unwrap();
    tokio::time::timeout(LIMIT, world.dispatch()).await.unwrap();
    // The same transaction gives the request to somebody else.
    let other = world.worker(&["plumbing"]).await;
    let within = world.maintenance.within(PgRepository::in_transaction(&mut host));
    within.assign(request.id, other.id, Assign::by(world.landlord())).await.unwrap();
    drop(within);
    host.commit().await.unwrap();
    let catch_up = world.maintenance.repository().catch_up(world.record(request.id).await.request.created_at);
    assert_eq!(catch_up.await.unwrap(), []);
    let record = world.record(request.id).await;
    assert_eq!(record.request.whatsapp_status, WhatsAppStatus::Pending, "that of the newer message");
    assert_eq!(record.notifications[0].status, WhatsAppStatus::Sent);
}
