//! Telling a worker that their request was edited.

use maintenance_core::{
    Actor, Assign, Claim, Clock as _, DeliveryEvent, Edit, LeaseId, Move, NewHold, NextStep, Notification,
    NotificationKind, NotificationRepository as _, Outgoing, Priority, Request, RequestId, RequestStatus,
    SendEffect, SendOutcome, SendRecord, WhatsAppStatus, WorkerStatus,
};
use uuid::Uuid;

use super::{World, refused};

async fn retitle(world: &World, id: RequestId, title: &str) -> Request {
    world.maintenance.edit(id, Edit::by(world.landlord()).title(title)).await.unwrap()
}

/// Sends until nothing is left to send; returns the kind and the title of each message so far.
async fn told(world: &World) -> Vec<(NotificationKind, String)> {
    for _ in 0..3 {
        world.dispatch().await;
        world.wait(60);
    }
    let shown = |message: Outgoing| (message.kind, message.content.title.as_str().to_owned());
    world.notifier.messages().into_iter().map(shown).collect()
}

fn assignment(title: &str) -> (NotificationKind, String) {
    (NotificationKind::Assignment, title.to_owned())
}

fn changed(title: &str) -> (NotificationKind, String) {
    (NotificationKind::Changed, title.to_owned())
}

/// A second message would say the same.
pub async fn a_message_that_waits_says_the_request_as_edited(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    retitle(&world, request.id, "The tap leaks").await;
    assert_eq!(told(&world).await, [assignment("The tap leaks")]);
    let messages = world.record(request.id).await.notifications;
    let states: Vec<_> = messages.iter().map(|message| (message.kind, message.status)).collect();
    assert_eq!(
        states,
        [
            (NotificationKind::Assignment, WhatsAppStatus::Sent),
            (NotificationKind::Changed, WhatsAppStatus::Failed)
        ]
    );
    assert_eq!(messages[1].error.as_ref().unwrap().code, "withdrawn");
}

/// However often it was edited before the message went out, and again for each edit after it. The message says
/// everything as it is then, with the renter's contact; the request mirrors the assignment's message.
pub async fn a_worker_who_was_told_hears_of_the_change_once(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.dispatch().await;
    retitle(&world, request.id, "The tap leaks").await;
    retitle(&world, request.id, "The pipe leaks").await;
    let expected = [assignment("The sink leaks"), changed("The pipe leaks")];
    assert_eq!(told(&world).await, expected);
    let message = world.notifier.messages().pop().unwrap();
    assert_eq!(message.to.phone_number(), &worker.phone_number);
    assert!(message.content.renter.is_some());
    let record = world.record(request.id).await;
    assert_eq!(record.request.whatsapp_message_id, record.notifications[0].provider_message_id);

    let hold = NewHold::by(world.landlord(), "the insurer looks at it");
    world.maintenance.hold(request.id, hold).await.unwrap();
    assert_eq!(told(&world).await.len(), 3);
    let content = world.notifier.messages().pop().unwrap().content;
    assert_eq!(content.hold.unwrap().reason.as_str(), "the insurer looks at it");
}

/// Whoever edits it knows; whoever has never been told, or has it no more, doesn't care.
pub async fn a_change_is_told_to_nobody_whom_it_does_not_concern(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let by_worker = Actor::Worker(worker.id);
    let request = world.filed().await;
    world.dispatch().await;
    let own = Edit::by(by_worker).specialty(Some("roofing"));
    world.maintenance.edit(request.id, own).await.unwrap();
    let held = NewHold::by(by_worker, "waiting for parts");
    world.maintenance.hold(request.id, held).await.unwrap();
    assert_eq!(world.record(request.id).await.notifications.len(), 1, "they know");

    retitle(&world, request.id, "The tap leaks").await;
    let cancel = Move::to(RequestStatus::Cancelled, world.landlord());
    world.maintenance.change_status(request.id, cancel).await.unwrap();
    let gone = (NotificationKind::Withdrawn, "The tap leaks".to_owned());
    assert_eq!(told(&world).await, [assignment("The sink leaks"), gone]);

    // Their message failed for good, so that they know nothing of it.
    let request = world.filed().await;
    world.notifier.refuse_next(refused(NextStep::GiveUp, SendEffect::NotSent));
    world.dispatch().await;
    let message = world.newest_message(request.id).await;
    assert_eq!(message.status, WhatsAppStatus::Failed);
    let before = told(&world).await;

    // They are on leave when the message is to go out.
    let other = world.filed().await;
    let sent = told(&world).await.len();
    assert_eq!(sent, before.len() + 1);
    retitle(&world, other.id, "The pipe leaks").await;
    world.maintenance.set_worker_status(worker.id, WorkerStatus::OnLeave).await.unwrap();
    assert_eq!(told(&world).await.len(), sent);
}

/// It is told of by the message that tells them that the request is theirs again.
pub async fn a_change_before_the_request_comes_back_is_not_told_apart(world: World) {
    let first = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.dispatch().await;
    let second = world.worker(&["plumbing"]).await;
    retitle(&world, request.id, "The tap leaks").await;
    for worker in [second.id, first.id] {
        world.maintenance.assign(request.id, worker, Assign::by(world.landlord())).await.unwrap();
    }
    assert_eq!(told(&world).await, [assignment("The sink leaks"), assignment("The tap leaks")]);
}

async fn take(world: &World, lease: u128, limit: u32) -> Vec<(RequestId, Notification)> {
    let now = world.clock.now();
    let until = now + chrono::TimeDelta::seconds(300);
    let lease = LeaseId::from_uuid(Uuid::from_u128(lease));
    let claim = Claim::new(now, until, lease, limit);
    let taken = world.maintenance.repository().claim(&claim).await.unwrap().items;
    taken.into_iter().map(|claimed| (claimed.request.id, claimed.notification)).collect()
}

async fn sent(world: &World, message: &Notification) {
    let record = SendRecord {
        notification_id: message.id,
        lease: message.lease.unwrap(),
        attempts: message.attempts + 1,
        at: world.clock.now(),
        outcome: SendOutcome::Sent { provider_message_id: format!("wamid.{}", message.id) },
    };
    world.maintenance.repository().record_outcomes(&[record]).await.unwrap();
}

/// The message says the request as it was when it was taken from the outbox, whenever it went out.
pub async fn what_was_taken_before_an_edit_is_followed_by_the_change(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let (_, message) = take(&world, 1, 10).await.remove(0);
    retitle(&world, request.id, "The tap leaks").await;
    let report = world.dispatch().await;
    assert_eq!((report.sent, report.put_back), (0, 1), "whether they are told isn't known yet");
    world.wait(5);
    sent(&world, &message).await;
    assert_eq!(told(&world).await, [changed("The tap leaks")]);

    // Taken after the edit, and sent before the change's turn: it has said all.
    let request = world.filed().await;
    retitle(&world, request.id, "The pipe leaks").await;
    let (_, message) = take(&world, 2, 1).await.remove(0);
    assert_eq!(message.kind, NotificationKind::Assignment);
    sent(&world, &message).await;
    assert_eq!(told(&world).await.len(), 1);

    // Nobody knows whether it went out, and then a webhook tells that it did.
    let request = world.filed().await;
    world.notifier.refuse_next(refused(NextStep::Retry { after: None }, SendEffect::Unknown));
    world.dispatch().await;
    retitle(&world, request.id, "The drain leaks").await;
    assert_eq!(world.dispatch().await.put_back, 1);
    let message = world.newest_message(request.id).await;
    world.maintenance.record_deliveries(&[world.news(&message, DeliveryEvent::Delivered)]).await.unwrap();
    assert_eq!(told(&world).await.split_off(2), [changed("The drain leaks")]);
}

/// The outbox takes the most urgent first. What is under way keeps its priority.
pub async fn a_raised_priority_moves_the_waiting_message_forward(world: World) {
    world.worker(&["plumbing"]).await;
    let (first, second) = (world.filed().await, world.filed().await);
    let priority = |priority| Edit::by(world.landlord()).priority(priority);
    world.maintenance.edit(second.id, priority(Priority::Emergency)).await.unwrap();
    let taken = take(&world, 1, 2).await;
    assert!(
        taken
            .iter()
            .all(|(request, message)| { (*request, message.priority) == (second.id, Priority::Emergency) })
    );
    let (next, message) = take(&world, 2, 1).await.remove(0);
    assert_eq!((next, message.priority), (first.id, Priority::High));
    world.maintenance.edit(first.id, priority(Priority::Emergency)).await.unwrap();
    let priorities = async |id| -> Vec<_> {
        world.record(id).await.notifications.iter().map(|message| message.priority).collect()
    };
    assert_eq!(priorities(first.id).await, [Priority::High, Priority::Emergency], "one is under way");
    sent(&world, &message).await;
    world.maintenance.edit(first.id, priority(Priority::Low)).await.unwrap();
    assert_eq!(priorities(first.id).await, [Priority::High, Priority::Low, Priority::Low], "one was sent");

    let mut failed = world.news(&world.newest_message(first.id).await, DeliveryEvent::Failed);
    failed.next = Some(NextStep::Retry { after: None });
    world.maintenance.record_deliveries(&[failed]).await.unwrap();
    let again = world.newest_message(first.id).await;
    assert_eq!((again.status, again.priority), (WhatsAppStatus::Pending, Priority::Low), "filed anew");
}
