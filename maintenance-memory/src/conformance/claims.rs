//! Taking what is due, and recording what became of it.

use std::{collections::BTreeSet, time::Duration};

use maintenance_core::{
    Claim, Claimed, Clock as _, Deferral, DispatchPolicy, LeaseId, NextStep, NotificationRepository as _,
    Priority, SendEffect, SendOutcome, SendRecord, WhatsAppStatus, WorkerStatus,
};
use uuid::Uuid;

use super::{World, refused};

fn claim(world: &World, lease: u128, hold: i64) -> Claim {
    let now = world.clock.now();
    let lease = LeaseId::from_uuid(Uuid::from_u128(lease));
    Claim::new(now, now + chrono::TimeDelta::seconds(hold), lease, 100)
}

/// No message is taken by both of them.
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

/// The outcome of its send is unknown, so nobody sends the message before the lease has ended.
pub async fn a_dispatcher_that_died_is_followed_after_the_hold(world: World) {
    world.worker(&["plumbing"]).await;
    world.filed().await;
    let store = world.maintenance.repository();
    let taken = store.claim(&claim(&world, 1, 300)).await.unwrap().items;
    let message = &taken[0].notification;
    assert_eq!((taken.len(), message.attempts, message.claims), (1, 0, 1));
    world.wait(299);
    assert_eq!(world.dispatch().await.claimed, 0);
    world.wait(1);
    assert_eq!(world.dispatch().await.sent, 1);
    assert_eq!(world.notifier.messages()[0].attempt, 1, "the channel never judged the first");
}

/// A failure that is recorded under an older lease changes nothing.
pub async fn a_late_record_does_not_overwrite_its_successor(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let store = world.maintenance.repository();
    let slow = claim(&world, 1, 10);
    let taken = store.claim(&slow).await.unwrap().items;
    world.wait(10);
    let successor = claim(&world, 2, 300);
    assert_eq!(store.claim(&successor).await.unwrap().items.len(), 1);
    let outcome = |lease, outcome| SendRecord {
        notification_id: taken[0].notification.id,
        lease,
        attempts: 1,
        at: world.clock.now(),
        outcome,
    };
    let late =
        outcome(slow.lease, SendOutcome::Failed { error: refused(NextStep::Fix, SendEffect::NotSent).error });
    assert_eq!(store.record_outcomes(std::slice::from_ref(&late)).await.unwrap().counted, 0);
    let message = world.newest_message(request.id).await;
    assert_eq!((message.status, message.lease), (WhatsAppStatus::Pending, Some(successor.lease)));
    let sent = outcome(successor.lease, SendOutcome::Sent { provider_message_id: "wamid.2".into() });
    assert_eq!(store.record_outcomes(&[late, sent.clone()]).await.unwrap().counted, 1);
    let before = world.record(request.id).await;
    store.record_outcomes(&[sent]).await.unwrap();
    assert_eq!(world.record(request.id).await, before, "an outcome is idempotent");
    assert_eq!(store.record_outcomes(&[]).await.unwrap().counted, 0);
    assert_eq!(world.newest_message(request.id).await.status, WhatsAppStatus::Sent);
}

/// Each message is due later than the one before it, the urgent first, and they are put back by one write.
pub async fn what_waits_for_one_recipient_is_put_back_spread_out(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let mut filed = Vec::new();
    for priority in [Priority::Low, Priority::Low, Priority::Emergency, Priority::High] {
        let mut new = world.new_request();
        new.form.priority = priority;
        filed.push(world.maintenance.submit(new).await.unwrap().request.id);
        world.wait(1);
    }
    world.maintenance.set_worker_status(worker.id, WorkerStatus::OnLeave).await.unwrap();
    let other = world.worker(&["plumbing"]).await;
    let untouched = world.filed().await;
    assert_eq!(untouched.assigned_worker_id, Some(other.id));
    let now = world.clock.now();
    let first = now + chrono::TimeDelta::seconds(6);
    let every = Duration::from_millis(6_500);
    let deferral = |limit| Deferral { to: worker.id.into(), now, first, every, limit };
    let store = world.maintenance.repository();
    assert_eq!(store.defer(deferral(100)).await.unwrap(), 4);
    assert_eq!(store.defer(deferral(100)).await.unwrap(), 0, "none is due any more");
    let mut due = Vec::new();
    for request in filed {
        due.push((world.newest_message(request).await.due_at - first).num_milliseconds());
    }
    assert_eq!(due, [13_000, 19_500, 0, 6_500]);
    assert_eq!(world.newest_message(untouched.id).await.due_at, untouched.created_at);
    world.wait(100);
    let now = world.clock.now();
    let deferral = Deferral { to: worker.id.into(), now, first, every, limit: 3 };
    assert_eq!(store.defer(deferral).await.unwrap(), 3, "at most as many as asked for");
}

/// A message of higher priority is taken before older ones of lower priority.
pub async fn the_urgent_are_taken_first(world: World) {
    world.worker(&["plumbing"]).await;
    for priority in [Priority::Low, Priority::Medium, Priority::High, Priority::Emergency, Priority::Low] {
        let mut new = world.new_request();
        new.form.priority = priority;
        world.maintenance.submit(new).await.unwrap();
        world.wait(1);
    }
    let store = world.maintenance.repository();
    let urgent = Claim { at_least: Priority::High, limit: 1, ..claim(&world, 1, 300) };
    let taken = |items: Vec<Claimed>| -> Vec<Priority> {
        items.iter().map(|claimed| claimed.notification.priority).collect()
    };
    assert_eq!(taken(store.claim(&urgent).await.unwrap().items), [Priority::Emergency]);
    let urgent = Claim { limit: 100, ..urgent };
    assert_eq!(taken(store.claim(&urgent).await.unwrap().items), [Priority::High]);
    let rest = Claim { limit: 2, ..claim(&world, 2, 300) };
    let items = store.claim(&rest).await.unwrap().items;
    assert_eq!(taken(items.clone()), [Priority::Medium, Priority::Low]);
    let next = store.claim(&Claim { limit: 2, ..rest }).await.unwrap().items;
    assert_eq!(taken(next.clone()), [Priority::Low]);
    assert!(items[1].notification.created_at < next[0].notification.created_at, "the older first");
}

/// Claims without a recorded outcome don't count as attempts. They have a limit of their own.
pub async fn a_message_taken_too_often_without_an_outcome_fails(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let store = world.maintenance.repository();
    for n in 1..=8 {
        assert_eq!(store.claim(&claim(&world, n, 300)).await.unwrap().items.len(), 1);
        world.wait(300);
    }
    world.notifier.refuse_next(refused(NextStep::Retry { after: None }, SendEffect::NotSent));
    assert_eq!(world.dispatch().await.retried, 1, "eight that died say nothing of the message");
    let message = world.newest_message(request.id).await;
    assert_eq!((message.status, message.attempts, message.claims), (WhatsAppStatus::Pending, 1, 0));
    world.wait(5);
    for n in 1..=10 {
        assert_eq!(store.claim(&claim(&world, n, 300)).await.unwrap().items.len(), 1);
        world.wait(300);
    }
    assert_eq!(world.dispatch().await.failed, 1);
    assert_eq!(world.notifier.messages().len(), 1, "it isn't sent once more");
    let message = world.newest_message(request.id).await;
    assert_eq!(
        (message.status, message.error.unwrap().code.as_str()),
        (WhatsAppStatus::Failed, "no_outcome")
    );
}

/// A success that is recorded under an older lease still keeps the message from going out again.
pub async fn that_a_message_was_sent_counts_after_its_lease_too(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let store = world.maintenance.repository();
    let slow = claim(&world, 1, 10);
    let id = store.claim(&slow).await.unwrap().items[0].notification.id;
    world.wait(10);
    let successor = claim(&world, 2, 300);
    assert_eq!(store.claim(&successor).await.unwrap().items.len(), 1);
    let sent = SendRecord {
        notification_id: id,
        lease: slow.lease,
        attempts: 1,
        at: world.clock.now(),
        outcome: SendOutcome::Sent { provider_message_id: "wamid.slow".into() },
    };
    assert_eq!(store.record_outcomes(&[sent]).await.unwrap().counted, 1);
    let message = world.newest_message(request.id).await;
    assert_eq!((message.status, message.lease), (WhatsAppStatus::Sent, Some(successor.lease)));
    world.wait(1_000);
    assert_eq!(world.dispatch().await.claimed, 0, "never again");
}
