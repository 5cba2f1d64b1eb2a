//! Sending what is due.

use std::{collections::BTreeSet, time::Duration};

use maintenance_core::{
    Claim, Clock as _, DeliveryEvent, DispatchPolicy, LeaseId, Move, NextStep, NotificationRepository as _,
    RequestStatus, Scope, SendEffect, SendOutcome, SendRecord, WhatsAppStatus,
};
use uuid::Uuid;

use crate::{World, refused};

fn claim(world: &World, lease: u128, hold: i64) -> Claim {
    let now = world.clock.now();
    let lease = LeaseId::from_uuid(Uuid::from_u128(lease));
    Claim { now, until: now + chrono::TimeDelta::seconds(hold), lease, limit: 100 }
}

/// With all that the worker needs.
pub async fn a_due_message_is_sent_once(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let report = world.dispatch().await;
    assert_eq!((report.claimed, report.sent, report.fenced), (1, 1, 0));
    assert_eq!(world.dispatch().await.claimed, 0);
    world.wait(10_000);
    assert_eq!(world.dispatch().await.claimed, 0);
    let [message] = &world.notifier.messages()[..] else { panic!("one message") };
    assert_eq!((message.request_id, &message.to, message.attempt), (request.id, &worker.phone_number, 1));
    assert_eq!((&message.title, &message.description), (&request.title, &request.description));
    let renter = message.renter.as_ref().unwrap();
    assert_eq!((renter.name.as_str(), renter.phone_number.as_str()), ("Renter One", "+12025550100"));
    let record = world.record(request.id).await;
    let sent = &record.notifications[0];
    assert_eq!(
        (sent.status, sent.provider_message_id.as_deref()),
        (WhatsAppStatus::Sent, Some("recorded.1"))
    );
    assert_eq!((sent.attempts, sent.lease, sent.sent_at), (1, None, Some(request.created_at)));
    assert_eq!(record.request.whatsapp_message_id.as_deref(), Some("recorded.1"));
    assert_eq!(record.request.version, 1, "delivery is no step of the request");
}

/// Each message is taken by one of them.
pub async fn two_dispatchers_share_the_work(world: World) {
    world.worker(&["plumbing"]).await;
    for _ in 0..40 {
        world.filed().await;
    }
    let policy = DispatchPolicy { batch: 7, ..DispatchPolicy::default() };
    let dispatchers: Vec<_> = (0..2)
        .map(|_| {
            let dispatcher = world.maintenance.dispatcher(world.notifier.clone(), policy);
            tokio::spawn(async move {
                let mut sent = 0;
                loop {
                    let report = dispatcher.dispatch_due().await.unwrap();
                    sent += report.sent;
                    if report.claimed == 0 {
                        return sent;
                    }
                }
            })
        })
        .collect();
    let mut sent = 0;
    for dispatcher in dispatchers {
        sent += dispatcher.await.unwrap();
    }
    let told: BTreeSet<_> = world.notifier.messages().iter().map(|message| message.notification_id).collect();
    assert_eq!((sent, told.len(), world.notifier.messages().len()), (40, 40, 40));
}

/// Certainly not sent: once more after the wait, not before.
pub async fn a_refusal_is_retried_after_the_backoff(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    for wait in [5, 10] {
        world.notifier.refuse_next(refused(NextStep::Retry { after: None }, SendEffect::NotSent));
        assert_eq!(world.dispatch().await.retried, 1);
        let message = world.newest_message(request.id).await;
        assert_eq!((message.status, message.error.unwrap().code.as_str()), (WhatsAppStatus::Pending, "1"));
        world.wait(wait - 1);
        assert_eq!(world.dispatch().await.claimed, 0);
        world.wait(1);
    }
    assert_eq!(world.dispatch().await.sent, 1);
    let message = world.newest_message(request.id).await;
    assert_eq!((message.attempts, message.error), (3, None), "sent after all: the error is gone");
    let attempts: Vec<_> = world.notifier.messages().iter().map(|message| message.attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
}

/// Rather than the backoff.
pub async fn the_wait_that_the_channel_asks_for_is_honoured(world: World) {
    world.worker(&["plumbing"]).await;
    world.filed().await;
    let after = Some(Duration::from_hours(24));
    world.notifier.refuse_next(refused(NextStep::Retry { after }, SendEffect::NotSent));
    world.dispatch().await;
    world.wait(86_399);
    assert_eq!(world.dispatch().await.claimed, 0);
    world.wait(1);
    assert_eq!(world.dispatch().await.sent, 1);
}

/// It may have gone out: not again before the window is over.
pub async fn an_unknown_outcome_is_held_for_the_confirmation_window(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.notifier.refuse_next(refused(NextStep::Retry { after: None }, SendEffect::Unknown));
    assert_eq!(world.dispatch().await.held, 1);
    world.wait(299);
    assert_eq!(world.dispatch().await.claimed, 0);
    world.wait(1);
    assert_eq!(world.dispatch().await.sent, 1);
    assert_eq!(world.newest_message(request.id).await.attempts, 2);
}

/// Also when the channel is to rest for less than that.
pub async fn what_may_have_gone_out_is_held_whatever_comes_next(world: World) {
    for next in [
        NextStep::Wait { after: Duration::from_secs(1) },
        NextStep::Pause { scope: Scope::Channel, after: Duration::from_secs(1) },
        NextStep::Stop { scope: Scope::Channel },
        NextStep::Retry { after: Some(Duration::from_secs(1)) },
    ] {
        world.worker(&["plumbing"]).await;
        world.filed().await;
        world.notifier.refuse_next(refused(next, SendEffect::Unknown));
        world.dispatch().await;
        world.wait(299);
        assert_eq!(world.dispatch().await.claimed, 0, "{next:?}");
        world.wait(1);
        assert_eq!(world.dispatch().await.sent, 1, "{next:?}");
    }
}

/// It did go out: never again.
pub async fn a_webhook_settles_an_unknown_outcome(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.notifier.refuse_next(refused(NextStep::Retry { after: None }, SendEffect::Unknown));
    world.dispatch().await;
    let message = world.newest_message(request.id).await;
    world.maintenance.record_deliveries(&[world.news(&message, DeliveryEvent::Sent)]).await.unwrap();
    world.wait(100_000);
    assert_eq!(world.dispatch().await.claimed, 0);
    let message = world.newest_message(request.id).await;
    assert_eq!((message.status, message.error), (WhatsAppStatus::Sent, None));
    assert_eq!(world.record(request.id).await.request.whatsapp_message_id.as_deref(), Some("wamid.1"));
}

/// Its outcome is unknown too.
pub async fn a_dispatcher_that_died_is_followed_after_the_hold(world: World) {
    world.worker(&["plumbing"]).await;
    world.filed().await;
    let store = world.maintenance.repository();
    let taken = store.claim(claim(&world, 1, 300)).await.unwrap().items;
    assert_eq!((taken.len(), taken[0].notification.attempts), (1, 1));
    world.wait(299);
    assert_eq!(world.dispatch().await.claimed, 0);
    world.wait(1);
    assert_eq!(world.dispatch().await.sent, 1);
    assert_eq!(world.notifier.messages()[0].attempt, 2);
}

/// The lease fences it off.
pub async fn a_late_record_does_not_overwrite_its_successor(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let store = world.maintenance.repository();
    let slow = claim(&world, 1, 10);
    let taken = store.claim(slow).await.unwrap().items;
    world.wait(10);
    let successor = claim(&world, 2, 300);
    assert_eq!(store.claim(successor).await.unwrap().items.len(), 1);
    let outcome = |lease, outcome| SendRecord {
        notification_id: taken[0].notification.id,
        lease,
        attempts: 1,
        at: world.clock.now(),
        outcome,
    };
    let late =
        outcome(slow.lease, SendOutcome::Failed { error: refused(NextStep::Fix, SendEffect::NotSent).error });
    assert_eq!(store.record_outcomes(std::slice::from_ref(&late)).await.unwrap(), 0);
    let message = world.newest_message(request.id).await;
    assert_eq!((message.status, message.lease), (WhatsAppStatus::Pending, Some(successor.lease)));
    let sent = outcome(successor.lease, SendOutcome::Sent { provider_message_id: "wamid.2".into() });
    assert_eq!(store.record_outcomes(&[late, sent.clone()]).await.unwrap(), 1);
    assert_eq!(store.record_outcomes(&[sent]).await.unwrap(), 0, "a record counts once");
    assert_eq!(store.record_outcomes(&[]).await.unwrap(), 0);
    assert_eq!(world.newest_message(request.id).await.status, WhatsAppStatus::Sent);
}

/// No attempt is counted while the recipient's pace is used up.
pub async fn a_throttled_recipient_waits_and_the_others_go_on(world: World) {
    world.worker(&["plumbing"]).await;
    let mut requests = Vec::new();
    for _ in 0..3 {
        world.wait(1);
        requests.push(world.filed().await.id);
    }
    world.notifier.accept_next();
    world
        .notifier
        .refuse_next(refused(NextStep::Wait { after: Duration::from_secs(6) }, SendEffect::NotSent));
    let policy = DispatchPolicy { concurrency: 1, ..DispatchPolicy::default() };
    let dispatcher = world.maintenance.dispatcher(world.notifier.clone(), policy);
    let report = dispatcher.dispatch_due().await.unwrap();
    assert_eq!((report.sent, report.put_back), (2, 1));
    assert!(report.pause.is_none());
    let waiting = world.newest_message(requests[1]).await;
    assert_eq!((waiting.status, waiting.attempts), (WhatsAppStatus::Pending, 0));
    world.wait(5);
    assert_eq!(world.dispatch().await.claimed, 0);
    world.wait(1);
    assert_eq!(world.dispatch().await.sent, 1);
}

/// A person must act; meanwhile nothing is burned, and one message tries whether they did.
pub async fn a_bad_token_pauses_the_channel_and_burns_no_attempt(world: World) {
    world.worker(&["plumbing"]).await;
    let mut requests = Vec::new();
    for _ in 0..5 {
        requests.push(world.filed().await.id);
    }
    let policy = DispatchPolicy { concurrency: 1, ..DispatchPolicy::default() };
    let dispatcher = world.maintenance.dispatcher(world.notifier.clone(), policy);
    for wait in [59, 60] {
        world.notifier.refuse_next(refused(NextStep::Stop { scope: Scope::Channel }, SendEffect::NotSent));
        let report = dispatcher.dispatch_due().await.unwrap();
        let pause = report.pause.expect("the channel rests");
        assert!(pause.needs_person);
        assert_eq!(
            (pause.error.code.as_str(), pause.until),
            ("1", world.clock.now() + chrono::TimeDelta::seconds(60))
        );
        assert_eq!((report.sent, report.failed, report.put_back), (0, 0, report.claimed));
        assert_eq!(report.claimed, if wait == 59 { 5 } else { 1 }, "after a rest one message tries");
        world.wait(wait);
        if wait == 59 {
            let resting = dispatcher.dispatch_due().await.unwrap();
            assert!(resting.claimed == 0 && resting.pause.is_some());
            world.wait(1);
        }
    }
    assert_eq!(world.notifier.messages().len(), 2, "five were taken, one was tried, twice");
    assert_eq!(dispatcher.dispatch_due().await.unwrap().sent, 1);
    assert_eq!(dispatcher.dispatch_due().await.unwrap().sent, 4);
    for request in requests {
        assert_eq!(world.newest_message(request).await.attempts, 1);
    }
}

/// The reason stays, and so does the request.
pub async fn the_last_attempt_fails_the_message_with_its_reason(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    for attempt in 1..=8 {
        world.notifier.refuse_next(refused(NextStep::Retry { after: None }, SendEffect::NotSent));
        let report = world.dispatch().await;
        assert_eq!((report.retried, report.failed), if attempt < 8 { (1, 0) } else { (0, 1) });
        world.wait(600);
    }
    assert_eq!(world.dispatch().await.claimed, 0);
    let record = world.record(request.id).await;
    let message = &record.notifications[0];
    assert_eq!((message.status, message.attempts), (WhatsAppStatus::Failed, 8));
    assert_eq!(message.error.as_ref().unwrap().text, "refused in a test");
    assert!(message.failed_at.is_some());
    assert_eq!(
        (record.request.whatsapp_status, record.request.status),
        (WhatsAppStatus::Failed, RequestStatus::Pending)
    );
    for next in [NextStep::GiveUp, NextStep::Fix] {
        let request = world.filed().await;
        world.notifier.refuse_next(refused(next, SendEffect::NotSent));
        assert_eq!(world.dispatch().await.failed, 1, "at once");
        assert_eq!(world.newest_message(request.id).await.attempts, 1);
    }
}

/// The renter called it off before it went out.
pub async fn a_message_that_is_no_longer_true_is_not_sent(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world
        .maintenance
        .change_status(request.id, Move::to(RequestStatus::Cancelled, world.landlord()))
        .await
        .unwrap();
    let report = world.dispatch().await;
    assert_eq!((report.claimed, report.withdrawn, report.sent), (1, 1, 0));
    assert!(world.notifier.messages().is_empty());
    let message = world.newest_message(request.id).await;
    assert_eq!((message.status, message.attempts), (WhatsAppStatus::Failed, 0));
}

/// The host's trouble costs no attempt.
pub async fn a_failing_directory_puts_messages_back(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.directory.set_failing(true);
    assert!(world.dispatcher().dispatch_due().await.is_err());
    world.directory.set_failing(false);
    assert_eq!(world.newest_message(request.id).await.attempts, 0);
    assert_eq!(world.dispatch().await.claimed, 0);
    world.wait(5);
    assert_eq!(world.dispatch().await.sent, 1);
}

/// A worker without the renter's number beats no worker.
pub async fn an_unknown_renter_does_not_stop_the_message(world: World) {
    world.worker(&["plumbing"]).await;
    let mut new = world.new_request();
    new.renter_id = Uuid::from_u128(3).into();
    world.maintenance.submit(new).await.unwrap();
    assert_eq!(world.dispatch().await.sent, 1);
    assert_eq!(world.notifier.messages()[0].renter, None);
}
