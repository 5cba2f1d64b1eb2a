//! A renter replies to the news that their request is done.

use std::time::Duration;

use maintenance_core::{
    Answer, Inbound, InboundContent, InboundFile, InboundOutcome, News, Notification, NotificationKind,
    Request, RequestStatus, UserId, WorkerStatus,
};

use super::{
    World,
    news::{moved, news_of, told},
    opt_out::RENTER,
    phones::{answers, message, outcomes, photo, received, receiver, text},
};

const WEEK: u64 = 7 * 24 * 3_600;

/// A request that was done, and the news of it, which the renter got.
async fn done(world: &World) -> (Request, Notification) {
    let request = world.filed().await;
    world.dispatch().await;
    for to in [RequestStatus::InProgress, RequestStatus::Completed] {
        moved(world, request.id, to).await;
    }
    world.dispatch().await;
    let news = news_of(world, request.id).await.pop().unwrap();
    assert_eq!(news.news, Some(News::Done));
    (world.record(request.id).await.request, news)
}

/// A reply to that message, sent now.
fn reply(world: &World, from: &str, to: &Notification, body: &str) -> Inbound {
    Inbound { replies_to: to.provider_message_id.clone(), ..message(world, from, text(body)) }
}

/// The text is the note of the change, and the worker is told again. The renter is answered, and not told what they did.
pub async fn a_reply_to_the_news_that_it_is_done_reopens_the_request(world: World) {
    let world = world.telling(&[News::Started, News::Done]);
    let worker = world.worker(&["plumbing"]).await;
    let (request, news) = done(&world).await;
    world.wait(WEEK);
    let again = reply(&world, RENTER, &news, "It drips again.");
    let report = received(&world, &[again.clone(), again]).await;
    assert_eq!(outcomes(&report), [(InboundOutcome::Reopened, 1)]);
    let record = world.record(request.id).await;
    let after = (record.request.status, record.request.completed_at, record.request.assigned_worker_id);
    assert_eq!(after, (RequestStatus::InProgress, None, Some(worker.id)));
    let change = record.history.last().unwrap();
    let note = change.notes.as_ref().map(maintenance_core::Text::as_str);
    assert_eq!((change.changed_by, note), (UserId::from(world.renter), Some("It drips again.")));
    assert_eq!(answers(&record), [Answer::Reopened]);
    let before = told(&world).len();
    world.dispatch().await;
    assert_eq!(told(&world).len(), before);
    let kinds: Vec<_> = world.notifier.messages().iter().map(|sent| sent.kind).collect();
    assert!(kinds.ends_with(&[NotificationKind::Assignment, NotificationKind::Answer]), "{kinds:?}");
    // A second reply finds it open, and adds to it.
    world.wait(1);
    let report = received(&world, &[reply(&world, RENTER, &news, "Are you coming?")]).await;
    assert_eq!(outcomes(&report), [(InboundOutcome::Commented, 1)]);
    let record = world.record(request.id).await;
    assert_eq!(record.comments[0].comment.as_str(), "Are you coming?");
    assert_eq!(answers(&record), [Answer::Reopened, Answer::Commented]);
}

/// Whose worker left is reopened for nobody, as by any other who reopens it.
pub async fn a_request_whose_worker_left_is_reopened_for_nobody(world: World) {
    let world = world.telling(&[News::Done]);
    let worker = world.worker(&["plumbing"]).await;
    let (request, news) = done(&world).await;
    world.maintenance.set_worker_status(worker.id, WorkerStatus::Inactive).await.unwrap();
    received(&world, &[reply(&world, RENTER, &news, "It drips again.")]).await;
    let after = world.record(request.id).await.request;
    assert_eq!((after.status, after.assigned_worker_id), (RequestStatus::InProgress, None));
}

/// After the window, after it was cancelled, and with a text that is no note: each is answered with the reason.
pub async fn what_cannot_be_reopened_is_answered_with_the_reason(world: World) {
    let world = world.telling(&[News::Done]);
    world.worker(&["plumbing"]).await;
    let (late, news) = done(&world).await;
    world.wait(WEEK + 1);
    let report = received(&world, &[reply(&world, RENTER, &news, "It drips again.")]).await;
    assert_eq!(outcomes(&report), [(InboundOutcome::NotPossible, 1)]);
    let record = world.record(late.id).await;
    assert_eq!((record.request.status, answers(&record)), (RequestStatus::Completed, vec![Answer::TooLate]));
    world.maintenance.receive(&[reply(&world, RENTER, &news, "It drips.")]).await.unwrap();
    let patient = receiver(&world).reopen_within(Duration::from_secs(WEEK + 1));
    let report = patient.receive_due().await.unwrap();
    assert_eq!(outcomes(&report), [(InboundOutcome::Reopened, 1)]);

    let (cancelled, news) = done(&world).await;
    for to in [RequestStatus::InProgress, RequestStatus::Cancelled] {
        moved(&world, cancelled.id, to).await;
    }
    world.wait(1);
    let report = received(&world, &[reply(&world, RENTER, &news, "It drips again.")]).await;
    assert_eq!(outcomes(&report), [(InboundOutcome::NothingOpen, 1)]);
    assert_eq!(answers(&world.record(cancelled.id).await), [Answer::NotRead]);

    let (request, news) = done(&world).await;
    world.wait(1);
    let report = received(&world, &[reply(&world, RENTER, &news, &"x".repeat(2_001))]).await;
    assert_eq!(outcomes(&report), [(InboundOutcome::Unusable, 1)]);
    let record = world.record(request.id).await;
    assert_eq!(
        (record.request.status, answers(&record)),
        (RequestStatus::Completed, vec![Answer::TextRefused])
    );
}

/// Another's reply, a text that replies to nothing, and a reply to other news change nothing.
pub async fn nothing_else_reopens_a_request(world: World) {
    let world = world.telling(&[News::Assigned, News::Done]);
    world.worker(&["plumbing"]).await;
    let neighbour = world.directory.renter("Renter Two", "+12025550177");
    let mut theirs = world.new_request();
    theirs.renter_id = neighbour;
    world.maintenance.submit(theirs).await.unwrap();
    let (request, news) = done(&world).await;
    let assigned = news_of(&world, request.id).await.remove(0);
    assert_eq!((assigned.news, assigned.provider_message_id.is_some()), (Some(News::Assigned), true));
    let messages = [
        reply(&world, "12025550177", &news, "It drips again."),
        reply(&world, "12025550199", &news, "It drips again."),
        message(&world, RENTER, text("It drips again.")),
    ];
    let report = received(&world, &messages).await;
    let each = [InboundOutcome::NotTheirs, InboundOutcome::Stranger, InboundOutcome::NothingOpen];
    assert_eq!(outcomes(&report), each.map(|outcome| (outcome, 1)));
    world.wait(1);
    received(&world, &[reply(&world, RENTER, &assigned, "Thanks.")]).await;
    let record = world.record(request.id).await;
    assert_eq!(
        (record.request.status, answers(&record)),
        (RequestStatus::Completed, vec![Answer::NotRead; 2])
    );
}

/// A renter's photo is added to their open request. As a reply to the news that it is done it reopens the request, also
/// without words. One that can't be kept changes nothing.
pub async fn a_renters_photo_is_added_or_reopens_the_request(world: World) {
    let world = world.telling(&[News::Assigned, News::Done]);
    world.worker(&["plumbing"]).await;
    let (request, news) = done(&world).await;
    let photo_of = |media: &str, caption: Option<&str>, quoted: Option<&Notification>| {
        let InboundContent::File(file) = photo(media) else { unreachable!() };
        let content = InboundContent::File(InboundFile { caption: caption.map(str::to_owned), ..file });
        let replies_to = quoted.and_then(|quoted| quoted.provider_message_id.clone());
        Inbound { replies_to, ..message(&world, RENTER, content) }
    };
    let cases = [
        (photo_of("refused", None, Some(&news)), InboundOutcome::FileRefused, RequestStatus::Completed),
        (photo_of("plain", None, Some(&news)), InboundOutcome::Reopened, RequestStatus::InProgress),
        (photo_of("more", None, None), InboundOutcome::Attached, RequestStatus::InProgress),
        (photo_of("words", Some("Look."), None), InboundOutcome::Commented, RequestStatus::InProgress),
    ];
    for (sent, outcome, status) in cases {
        world.wait(1);
        let report = received(&world, &[sent]).await;
        assert_eq!(outcomes(&report), [(outcome, 1)]);
        assert_eq!(world.record(request.id).await.request.status, status, "after {outcome}");
    }
    let record = world.record(request.id).await;
    let note =
        record.history.last().and_then(|change| change.notes.as_ref()).map(maintenance_core::Text::as_str);
    assert_eq!((record.attachments.len(), record.comments.len(), note), (3, 1, Some("image")));
    let comment = &record.comments[0];
    assert_eq!((comment.comment.as_str(), comment.user_id), ("Look.", world.renter.into()));
    assert_eq!(
        answers(&record),
        [Answer::FileRefused, Answer::Reopened, Answer::Attached, Answer::Commented]
    );
}
