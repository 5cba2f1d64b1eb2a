//! Sending what is due.

use std::time::Duration;

use maintenance_core::{
    Assign, Clock as _, DeliveryEvent, DispatchPolicy, Move, NextStep, RequestStatus, Scope, SendEffect,
    WhatsAppStatus, WorkerStatus,
};
use uuid::Uuid;

use super::{World, refused};

/// The message holds all that the worker needs.
pub async fn a_due_message_is_sent_once(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let report = world.dispatch().await;
    assert_eq!((report.claimed, report.sent, report.fenced), (1, 1, 0));
    assert_eq!(world.dispatch().await.claimed, 0);
    world.wait(10_000);
    assert_eq!(world.dispatch().await.claimed, 0);
    let [message] = &world.notifier.messages()[..] else { panic!("one message") };
    let told = (message.content.request_id, message.to.phone_number(), message.attempt);
    assert_eq!(told, (request.id, &worker.phone_number, 1));
    assert_eq!(
        (&message.content.title, &message.content.description),
        (&request.title, &request.description)
    );
    let renter = message.content.renter.as_ref().unwrap();
    let number = renter.phone_number.as_ref().map(maintenance_core::PhoneNumber::as_str);
    assert_eq!((renter.name.as_str(), number), ("Renter One", Some("+12025550100")));
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

/// A message that was certainly not sent is tried again after the wait and not before.
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

/// It takes the place of the backoff.
pub async fn the_wait_that_the_channel_asks_for_is_honoured(world: World) {
    world.worker(&["plumbing"]).await;
    world.filed().await;
    let after = Some(Duration::from_hours(20));
    world.notifier.refuse_next(refused(NextStep::Retry { after }, SendEffect::NotSent));
    world.dispatch().await;
    world.wait(71_999);
    assert_eq!(world.dispatch().await.claimed, 0);
    world.wait(1);
    assert_eq!(world.dispatch().await.sent, 1);
}

/// The message may have gone out, so it is not sent again before the window has ended.
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

/// This holds also where the channel is to rest for less than the window.
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

/// The webhook says that the message went out, so it is never sent again.
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

/// No attempt is counted, and the channel is not asked again for other messages to that recipient.
pub async fn a_recipient_whose_limit_is_reached_waits_and_the_others_go_on(world: World) {
    let limited = world.worker(&["plumbing"]).await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(world.filed().await.id);
    }
    world.maintenance.set_worker_status(limited.id, WorkerStatus::OnLeave).await.unwrap();
    let other = world.worker(&["plumbing"]).await;
    let goes_on = world.filed().await;
    assert_eq!(goes_on.assigned_worker_id, Some(other.id));
    world.maintenance.set_worker_status(limited.id, WorkerStatus::Active).await.unwrap();
    let wait = NextStep::WaitForRecipient { after: Duration::from_secs(6), every: Duration::from_mins(1) };
    world.notifier.refuse_next(refused(wait, SendEffect::NotSent));
    let policy = DispatchPolicy { concurrency: 1, ..DispatchPolicy::default() };
    let dispatcher = world.maintenance.dispatcher(world.notifier.clone(), policy);
    let report = dispatcher.dispatch_due().await.unwrap();
    assert_eq!((report.sent, report.put_back), (1, 3));
    assert!(report.pauses.is_empty());
    assert_eq!(world.notifier.messages().len(), 2, "asked once for the recipient who must wait");
    let mut due = Vec::new();
    for request in waiting {
        let message = world.newest_message(request).await;
        assert_eq!((message.status, message.attempts), (WhatsAppStatus::Pending, 0));
        due.push((message.due_at - world.clock.now()).num_seconds());
    }
    due.sort_unstable();
    assert_eq!(due, [6, 66, 126], "spread out by the recipient's limit");
    world.wait(5);
    assert_eq!(dispatcher.dispatch_due().await.unwrap().claimed, 0);
    world.wait(1);
    assert_eq!(dispatcher.dispatch_due().await.unwrap().sent, 1);
}

/// The channel rests until a person has acted. After each rest one message tries whether they have.
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
        let pause = report.channel_pause().expect("the channel rests");
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
            assert!(resting.claimed == 0 && resting.channel_pause().is_some());
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

/// An outage of an hour fails no message, however often it was tried; one of a day does, and the reason is
/// kept.
pub async fn passing_errors_fail_a_message_by_its_age_alone(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let mut attempts = 0;
    while world.clock.now() < request.created_at + chrono::TimeDelta::hours(24) {
        world.notifier.refuse_next(refused(NextStep::Retry { after: None }, SendEffect::NotSent));
        let report = world.dispatch().await;
        assert_eq!(report.failed, 0);
        attempts += report.retried;
        world.wait(600);
    }
    assert!(attempts > 100, "{attempts}");
    let report = world.dispatch().await;
    assert_eq!((report.failed, report.sent), (1, 0));
    world.wait(600);
    assert_eq!(world.dispatch().await.claimed, 0);
    let record = world.record(request.id).await;
    let message = &record.notifications[0];
    assert_eq!((message.status, message.attempts as usize), (WhatsAppStatus::Failed, attempts));
    assert_eq!(message.error.as_ref().unwrap().text, "refused in a test");
    assert!(message.failed_at.is_some());
    assert_eq!(
        (record.request.whatsapp_status, record.request.status),
        (WhatsAppStatus::Failed, RequestStatus::Pending)
    );
}

/// The channel refused this message or its recipient for good.
pub async fn a_final_refusal_fails_a_message_at_once(world: World) {
    world.worker(&["plumbing"]).await;
    for next in [NextStep::GiveUp, NextStep::Fix] {
        let request = world.filed().await;
        world.notifier.refuse_next(refused(next, SendEffect::NotSent));
        assert_eq!(world.dispatch().await.failed, 1, "at once");
        assert_eq!(world.newest_message(request.id).await.attempts, 1);
    }
}

/// The worker was active when the message was filed. The renter's name and number must not go to somebody
/// who is not.
pub async fn a_worker_who_is_not_active_any_more_is_told_nothing(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.maintenance.set_worker_status(worker.id, WorkerStatus::Inactive).await.unwrap();
    let report = world.dispatch().await;
    assert_eq!((report.withdrawn, report.sent), (1, 0));
    assert!(world.notifier.messages().is_empty());
    assert_eq!(world.newest_message(request.id).await.error.unwrap().code, "withdrawn");
}

/// The request went to another worker and back, and was completed and reopened, before anything was sent.
pub async fn a_worker_gets_one_message_however_often_it_was_filed(world: World) {
    let first = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let second = world.worker(&["plumbing"]).await;
    for worker in [second.id, first.id] {
        world.maintenance.assign(request.id, worker, Assign::by(world.landlord())).await.unwrap();
    }
    let by = world.landlord();
    for (to, note) in [
        (RequestStatus::InProgress, None),
        (RequestStatus::Completed, None),
        (RequestStatus::InProgress, Some("it leaks again")),
    ] {
        let wanted = note.into_iter().fold(Move::to(to, by), Move::note);
        world.maintenance.change_status(request.id, wanted).await.unwrap();
    }
    let report = world.dispatch().await;
    assert_eq!((report.sent, world.notifier.messages().len()), (1, 1));
    assert_eq!(world.notifier.messages()[0].to.phone_number(), &first.phone_number);
    world.wait(1_000);
    assert_eq!(world.dispatch().await.sent, 0);
}

/// The request was cancelled before its message went out.
pub async fn a_message_that_is_no_longer_true_is_not_sent(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world
        .maintenance
        .change_status(request.id, Move::to(RequestStatus::Cancelled, world.landlord()))
        .await
        .unwrap();
    let report = world.dispatch().await;
    assert_eq!((report.withdrawn, report.sent), (1, 0));
    world.wait(60);
    let report = world.dispatch().await;
    assert_eq!((report.withdrawn, report.sent), (1, 0), "nor that it is no longer theirs");
    assert!(world.notifier.messages().is_empty());
    for message in world.record(request.id).await.notifications {
        assert_eq!((message.status, message.attempts), (WhatsAppStatus::Failed, 0));
    }
}

/// The worker gets the message without the renter's contact, and the report names the directory's errors.
pub async fn a_failing_directory_stops_no_message(world: World) {
    world.worker(&["plumbing"]).await;
    world.filed().await;
    world.directory.set_failing(true);
    let report = world.dispatch().await;
    assert_eq!((report.sent, report.errors.len()), (1, 2), "renters and places");
    assert_eq!(world.notifier.messages()[0].content.renter, None);
}

/// The worker gets the message without a contact.
pub async fn an_unknown_renter_does_not_stop_the_message(world: World) {
    world.worker(&["plumbing"]).await;
    let mut new = world.new_request();
    new.renter_id = Uuid::from_u128(3).into();
    world.maintenance.submit(new).await.unwrap();
    assert_eq!(world.dispatch().await.sent, 1);
    assert_eq!(world.notifier.messages()[0].content.renter, None);
}
