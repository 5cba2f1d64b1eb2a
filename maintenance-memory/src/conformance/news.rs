//! What renters are told of their requests.

use std::time::Duration;

use maintenance_core::{
    Actor, Addressee, Assign, Clock as _, Deferral, DeliveryEvent, Move, News, NextStep, Notification,
    NotificationKind, Outgoing, PersonalData, RequestId, RequestStatus, SendEffect, WhatsAppStatus,
};
use uuid::Uuid;

use super::{World, refused};

/// The messages to renters that went out, oldest first.
pub(super) fn sent(world: &World) -> Vec<Outgoing> {
    world.notifier.messages().into_iter().filter(|sent| sent.kind == NotificationKind::News).collect()
}

/// Their news.
pub(super) fn told(world: &World) -> Vec<News> {
    sent(world).iter().filter_map(|message| message.news).collect()
}

/// The news of a request, oldest first.
pub(super) async fn news_of(world: &World, id: RequestId) -> Vec<Notification> {
    let mut messages = world.record(id).await.notifications;
    messages.retain(|message| message.kind == NotificationKind::News);
    messages
}

/// Moves the request by the landlord.
pub(super) async fn moved(world: &World, id: RequestId, to: RequestStatus) {
    let wanted = Move::to(to, world.landlord()).note("why");
    world.maintenance.change_status(id, wanted).await.unwrap();
}

/// Each message goes to the renter's number, says the request, and has nothing for them to tap.
pub async fn a_renter_hears_of_each_step_of_their_request(world: World) {
    let world = world.telling(News::ALL);
    let request = world.filed().await;
    world.dispatch().await;
    let worker = world.worker(&["plumbing"]).await;
    world.maintenance.assign_by_selection(request.id, Assign::by(Actor::System)).await.unwrap();
    world.dispatch().await;
    for to in [RequestStatus::InProgress, RequestStatus::Completed, RequestStatus::InProgress] {
        moved(&world, request.id, to).await;
        world.dispatch().await;
    }
    moved(&world, request.id, RequestStatus::Cancelled).await;
    world.dispatch().await;
    let expected = [News::Filed, News::Assigned, News::Started, News::Done, News::Started, News::Cancelled];
    assert_eq!(told(&world), expected);
    for message in sent(&world) {
        let told = (message.to.phone_number().as_str(), message.content.request_id, &message.content.title);
        assert_eq!(told, ("+12025550100", request.id, &request.title));
        assert_eq!((message.content.renter, message.offers, message.answer), (None, vec![], None));
    }
    let news = news_of(&world, request.id).await;
    assert!(news.iter().all(|message| message.to == world.renter.into()));
    assert!(news.iter().all(|message| (message.status, message.attempts) == (WhatsAppStatus::Sent, 1)));
    let record = world.record(request.id).await;
    assert_eq!(record.request.assigned_worker_id, Some(worker.id));
    let mirrored = record.request.whatsapp_message_id;
    assert!(
        news.iter().all(|message| message.provider_message_id != mirrored),
        "it is of the worker's message"
    );
}

/// Off by default, and per organisation.
pub async fn a_renter_is_told_what_the_host_wants_told(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    moved(&world, request.id, RequestStatus::InProgress).await;
    assert!(news_of(&world, request.id).await.is_empty());
    let other = world.of(Uuid::from_u128(7).into());
    let wanted = other.maintenance.organization();
    let wants = move |organization, news| organization == wanted && news == News::Done;
    for (world, expected) in [(world, vec![]), (other, vec![News::Done])] {
        let request = world.filed().await;
        let engine = world.maintenance.clone().with_renter_news(wants);
        for to in [RequestStatus::InProgress, RequestStatus::Completed] {
            engine.change_status(request.id, Move::to(to, world.landlord())).await.unwrap();
        }
        let news = news_of(&world, request.id).await;
        assert_eq!(news.iter().filter_map(|message| message.news).collect::<Vec<_>>(), expected);
    }
}

/// Filing is told once, also when the submit is repeated, and as the assignment if that is wanted.
pub async fn a_filing_is_told_of_once(world: World) {
    let world = world.telling(&[News::Filed, News::Assigned]);
    let mut new = world.new_request();
    new.id = Some(Uuid::from_u128(0x5001).into());
    for _ in 0..2 {
        world.maintenance.submit(new.clone()).await.unwrap();
    }
    world.worker(&["plumbing"]).await;
    world.maintenance.submit(new.clone()).await.unwrap();
    new.form = maintenance_core::RequestForm::new("Another", "Another.", "Kitchen");
    world.maintenance.submit(new.clone()).await.unwrap_err();
    let others = [world.new_request(), world.new_request()];
    for filed in world.maintenance.submit_many(&others).await {
        let id = filed.unwrap().request.id;
        let news = news_of(&world, id).await;
        assert_eq!(news.iter().map(|message| message.news).collect::<Vec<_>>(), [Some(News::Assigned)]);
    }
    let news = news_of(&world, Uuid::from_u128(0x5001).into()).await;
    assert_eq!(news.iter().map(|message| message.news).collect::<Vec<_>>(), [Some(News::Filed)]);
    let world = world.telling(&[News::Filed]);
    let news = news_of(&world, world.filed().await.id).await;
    assert_eq!(news.iter().map(|message| message.news).collect::<Vec<_>>(), [Some(News::Filed)]);
}

/// Cancelling is told if it was somebody else.
pub async fn a_renter_is_not_told_of_what_they_did(world: World) {
    let world = world.telling(&[News::Cancelled, News::Started]);
    for (by, expected) in [(Actor::Renter(world.renter), 0), (world.landlord(), 1)] {
        let request = world.filed().await;
        world.maintenance.change_status(request.id, Move::to(RequestStatus::Cancelled, by)).await.unwrap();
        assert_eq!(news_of(&world, request.id).await.len(), expected);
    }
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    for to in [RequestStatus::InProgress, RequestStatus::Completed] {
        moved(&world, request.id, to).await;
    }
    let again = Move::to(RequestStatus::InProgress, Actor::Renter(world.renter)).note("it drips again");
    world.maintenance.change_status(request.id, again).await.unwrap();
    assert_eq!(news_of(&world, request.id).await.len(), 1);
}

/// Of several news that wait, the newest goes out if the request still stands so.
pub async fn news_that_is_no_longer_so_is_not_sent(world: World) {
    let world = world.telling(News::ALL);
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    for to in [RequestStatus::InProgress, RequestStatus::Completed] {
        moved(&world, request.id, to).await;
    }
    let handed_back = world.filed().await;
    moved(&world, handed_back.id, RequestStatus::InProgress).await;
    moved(&world, handed_back.id, RequestStatus::Pending).await;
    world.dispatch().await;
    assert_eq!(told(&world), [News::Done]);
    for message in news_of(&world, request.id).await.iter().chain(&news_of(&world, handed_back.id).await) {
        let code = message.error.as_ref().map(|error| error.code.as_str());
        let expected = if message.news == Some(News::Done) { None } else { Some("withdrawn") };
        assert_eq!((code, message.attempts), (expected, u32::from(expected.is_none())));
    }
}

/// Neither one whom the directory doesn't know nor one without a number can be told. While it fails, the message waits.
pub async fn a_renter_without_a_number_is_not_told(world: World) {
    let world = world.telling(&[News::Filed]);
    let without = world.directory.renter("Renter Two", "no number");
    let mut expected = Vec::new();
    for (renter, code) in [(without, true), (Uuid::from_u128(3).into(), true), (world.renter, false)] {
        let mut new = world.new_request();
        new.renter_id = renter;
        expected.push((world.maintenance.submit(new).await.unwrap().request.id, code));
    }
    world.directory.set_failing(true);
    let report = world.dispatch().await;
    assert_eq!((report.sent, report.failed, report.put_back), (0, 0, 3));
    world.directory.set_failing(false);
    world.wait(5);
    let report = world.dispatch().await;
    assert_eq!((report.sent, report.failed, report.put_back), (1, 2, 0));
    for (request, fails) in expected {
        let message = news_of(&world, request).await.remove(0);
        let code = message.error.map(|error| error.code);
        assert_eq!((code.as_deref(), message.attempts), (fails.then_some("no_number"), u32::from(!fails)));
    }
}

/// A renter whose limit is reached holds up nobody else, whoever has the same id.
pub async fn what_waits_for_one_renter_is_put_back_spread_out(world: World) {
    let world = world.telling(&[News::Filed]);
    let first = world.filed().await;
    let wait = NextStep::WaitForRecipient { after: Duration::from_secs(6), every: Duration::from_mins(1) };
    world.notifier.refuse_next(refused(wait, SendEffect::NotSent));
    assert_eq!(world.dispatch().await.put_back, 1);
    let due = |message: &Notification| (message.due_at - world.clock.now()).num_seconds();
    assert_eq!(due(&news_of(&world, first.id).await[0]), 6);
    world.filed().await;
    world.filed().await;
    let now = world.clock.now();
    let (every, limit) = (Duration::from_mins(1), 10);
    let worker = Addressee::Worker(Uuid::from(world.renter).into());
    let defer = |to, first| Deferral { to, now, first, every, limit };
    let store = world.maintenance.repository();
    assert_eq!(store.defer(defer(worker, now)).await.unwrap(), 0);
    assert_eq!(store.defer(defer(world.renter.into(), now)).await.unwrap(), 2);
}

/// A failure that passes files the news anew once, while it is the newest.
pub async fn news_that_failed_is_told_again_while_it_is_the_newest(world: World) {
    let world = world.telling(News::ALL);
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.dispatch().await;
    let assigned = news_of(&world, request.id).await.remove(0);
    let mut failure = world.news(&assigned, DeliveryEvent::Failed);
    failure.next = Some(NextStep::Retry { after: None });
    for _ in 0..3 {
        world.maintenance.record_deliveries(std::slice::from_ref(&failure)).await.unwrap();
    }
    let news = news_of(&world, request.id).await;
    assert_eq!(news.iter().map(|message| message.news).collect::<Vec<_>>(), [Some(News::Assigned); 2]);
    world.wait(60);
    world.dispatch().await;
    assert_eq!(told(&world), [News::Assigned, News::Assigned]);
    moved(&world, request.id, RequestStatus::InProgress).await;
    let again = news_of(&world, request.id).await.remove(1);
    let mut failure = world.news(&again, DeliveryEvent::Failed);
    failure.next = Some(NextStep::Retry { after: None });
    world.maintenance.record_deliveries(&[failure]).await.unwrap();
    assert_eq!(news_of(&world, request.id).await.len(), 3);
}

/// A worker doesn't see what the renter was told; the renter's own data has it.
pub async fn news_is_the_renters_own(world: World) {
    let world = world.telling(News::ALL);
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let shown = world.maintenance.acting_as(Actor::Worker(worker.id)).record(request.id).await.unwrap();
    assert!(shown.notifications.iter().all(|message| message.to == worker.id.into()));
    assert_eq!(shown.notifications.len(), 1);
    let exported = world.maintenance.export_person(world.renter).await.unwrap().items;
    let [PersonalData::Request(record)] = &exported[..] else { panic!("one request: {exported:?}") };
    assert_eq!(record.notifications.iter().filter(|message| message.to == world.renter.into()).count(), 1);
    let exported = world.maintenance.export_person(worker.id).await.unwrap().items;
    let messages = exported.iter().filter(|data| matches!(data, PersonalData::Notification(_)));
    assert_eq!(messages.count(), 1);
}
