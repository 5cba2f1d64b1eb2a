//! Letting go of old messages.

use std::time::Duration;

use maintenance_core::{
    Channel, CleanedUp, DeliveryEffect, DeliveryEvent, DeliveryUpdate, Error, Move, RequestId, RequestStatus,
    WhatsAppStatus,
};
use uuid::Uuid;

use super::World;

const DAY: u64 = 24 * 60 * 60;
const KEEP: Duration = Duration::from_hours(90 * 24);

fn cleaned(messages: u64, early_deliveries: u64) -> CleanedUp {
    CleanedUp { messages, early_deliveries, ..CleanedUp::default() }
}

/// A request whose worker was told, over since.
async fn told_and_over(world: &World) -> RequestId {
    let id = world.filed().await.id;
    world.dispatch().await;
    world.wait(600);
    for to in [RequestStatus::InProgress, RequestStatus::Completed] {
        world.maintenance.change_status(id, Move::to(to, world.landlord())).await.unwrap();
    }
    id
}

/// News of a message that nobody knows, by the provider's id alone.
fn unknown(world: &World) -> DeliveryUpdate {
    DeliveryUpdate {
        channel: Channel::DEFAULT,
        notification_id: None,
        provider_message_id: "wamid.unknown".into(),
        event: DeliveryEvent::Delivered,
        at: maintenance_core::Clock::now(&world.clock),
        error: None,
        next: None,
    }
}

/// Old messages of requests that are over go with their provider ids; the request shows what it showed.
pub async fn old_messages_of_requests_that_are_over_go(world: World) {
    world.worker(&["plumbing"]).await;
    let id = told_and_over(&world).await;
    let message = world.newest_message(id).await;
    world
        .maintenance
        .record_deliveries(&[world.news(&message, DeliveryEvent::Read), unknown(&world)])
        .await
        .unwrap();
    let before = world.record(id).await;
    world.wait(89 * DAY);
    assert_eq!(world.maintenance.clean_up(KEEP, 100).await.unwrap(), cleaned(0, 0), "not old enough");
    world.wait(2 * DAY);
    assert_eq!(world.maintenance.clean_up(KEEP, 100).await.unwrap(), cleaned(1, 1));
    assert_eq!(world.maintenance.clean_up(KEEP, 100).await.unwrap(), CleanedUp::default());
    let after = world.record(id).await;
    assert_eq!((&after.request, after.notifications.len()), (&before.request, 0));
    assert_eq!(after.request.whatsapp_status, WhatsAppStatus::Read);
    // Its news are those of an unknown message from now on, by either id.
    let effects =
        world.maintenance.record_deliveries(&[world.news(&message, DeliveryEvent::Failed)]).await.unwrap();
    assert_eq!(effects, [DeliveryEffect::Unknown]);
    assert_eq!(world.record(id).await, after);
    // It can be reopened, and its worker is told.
    let again = Move::to(RequestStatus::InProgress, world.landlord()).note("it drips again");
    world.maintenance.change_status(id, again).await.unwrap();
    assert_eq!(world.dispatch().await.sent, 1);
    assert_eq!(world.record(id).await.request.whatsapp_status, WhatsAppStatus::Sent);
}

/// A message stays while it is pending, and while its request is open or has one that is pending.
pub async fn what_is_still_needed_stays(world: World) {
    world.worker(&["plumbing"]).await;
    let open = world.filed().await.id;
    world.dispatch().await;
    let over = told_and_over(&world).await;
    let unsent = world.filed().await.id;
    world.wait(91 * DAY);
    // The worker of this one is still to hear that it was called off.
    let cancelled = Move::to(RequestStatus::Cancelled, world.landlord());
    world.maintenance.change_status(open, cancelled).await.unwrap();
    assert_eq!(world.maintenance.clean_up(KEEP, 100).await.unwrap(), cleaned(1, 0));
    assert_eq!(world.record(over).await.notifications, []);
    assert_eq!(world.record(open).await.notifications.len(), 2);
    assert_eq!(world.record(unsent).await.notifications.len(), 1);
    let report = world.dispatch().await;
    assert_eq!(report.sent, 2, "whoever was told of it hears that it was called off: {report:?}");
    assert_eq!(world.maintenance.clean_up(KEEP, 100).await.unwrap(), cleaned(1, 0));
}

/// At most so many go at a time, the oldest first, of all organisations.
pub async fn messages_go_in_batches_and_of_all_organizations(world: World) {
    let other = world.of(Uuid::from_u128(1).into());
    let mut over = Vec::new();
    for world in [&world, &other] {
        world.worker(&["plumbing"]).await;
        for _ in 0..3 {
            over.push((world, told_and_over(world).await));
            world.wait(60);
        }
    }
    world.wait(91 * DAY);
    for left in [4, 2, 0] {
        assert_eq!(world.maintenance.clean_up(KEEP, 2).await.unwrap(), cleaned(2, 0));
        let mut messages = Vec::new();
        for (world, id) in &over {
            messages.push(world.record(*id).await.notifications.len());
        }
        let expected = [vec![0; over.len() - left], vec![1; left]].concat();
        assert_eq!(messages, expected, "the oldest first");
    }
    assert_eq!(world.maintenance.clean_up(KEEP, 2).await.unwrap(), CleanedUp::default());
    assert_eq!(world.maintenance.clean_up(Duration::MAX, 2).await.unwrap(), CleanedUp::default());
    for limit in [0, 10_001, u32::MAX] {
        let error = world.maintenance.clean_up(KEEP, limit).await.unwrap_err();
        assert!(matches!(&error, Error::Invalid(_)), "{error}");
    }
}
