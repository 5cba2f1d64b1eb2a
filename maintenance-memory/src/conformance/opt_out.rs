//! Renters who want no news.

use maintenance_core::{
    Answer, Inbound, InboundOutcome, Move, News, NotificationKind, RequestStatus, Sender, WhatsAppStatus,
};
use uuid::Uuid;

use super::{
    World,
    news::{moved, news_of, told},
    phones::{answers, digits, message, outcomes, received, text},
};

/// The digits of the world's renter.
pub(super) const RENTER: &str = "12025550100";

/// What waits isn't sent either. It is the organisation's: the same person may be another's renter.
pub async fn a_renter_who_opts_out_hears_nothing_until_they_opt_in(world: World) {
    let world = world.telling(News::ALL);
    let request = world.filed().await;
    for _ in 0..2 {
        world.maintenance.opt_out(world.renter).await.unwrap();
    }
    let other = world.of(Uuid::from_u128(7).into()).telling(News::ALL);
    assert!(!other.maintenance.opt_in(world.renter).await.unwrap());
    let mut theirs = other.new_request();
    theirs.renter_id = world.renter;
    other.directory.set_contact(world.renter, "Renter One", "+12025550100");
    other.maintenance.submit(theirs).await.unwrap();
    let report = world.dispatch().await;
    assert_eq!((report.sent, report.withdrawn), (1, 1));
    let message = news_of(&world, request.id).await.remove(0);
    let code = message.error.map(|error| error.code);
    assert_eq!((message.status, code.as_deref()), (WhatsAppStatus::Failed, Some("opted_out")));
    assert_eq!(message.attempts, 0);
    assert!(world.maintenance.opt_in(world.renter).await.unwrap());
    assert!(!world.maintenance.opt_in(world.renter).await.unwrap());
    world.worker(&["plumbing"]).await;
    world.filed().await;
    assert_eq!(world.dispatch().await.sent, 2, "to the worker and to the renter");
}

/// Whoever was told nothing is a stranger. The answer goes out although its renter has just opted out.
pub async fn a_renter_opts_out_from_the_chat_and_is_answered_once(world: World) {
    let world = world.telling(News::ALL);
    let stop = |body: &str| message(&world, RENTER, text(body));
    assert_eq!(outcomes(&received(&world, &[stop("STOP")]).await), [(InboundOutcome::Stranger, 1)]);
    let request = world.filed().await;
    world.dispatch().await;
    world.wait(60);
    assert_eq!(outcomes(&received(&world, &[stop("Stop what?")]).await), [(InboundOutcome::Commented, 1)]);
    let messages = [stop(" Arrêt! "), message(&world, "12025550199", text("STOP"))];
    let report = received(&world, &messages).await;
    assert_eq!(outcomes(&report), [(InboundOutcome::OptedOut, 1), (InboundOutcome::Stranger, 1)]);
    world.wait(60);
    assert_eq!(outcomes(&received(&world, &[stop("baja")]).await), [(InboundOutcome::OptedOut, 1)]);
    moved(&world, request.id, RequestStatus::Cancelled).await;
    let report = world.dispatch().await;
    assert_eq!((report.sent, report.withdrawn), (2, 1));
    assert_eq!(told(&world), [News::Filed]);
    assert_eq!(answers(&world.record(request.id).await), [Answer::Commented, Answer::OptedOut]);
    let sent = world.notifier.messages().pop().unwrap();
    assert_eq!((sent.kind, sent.answer), (NotificationKind::Answer, Some(Answer::OptedOut)));
    assert_eq!(sent.to.phone_number().digits(), RENTER);
    assert!(sent.open_until.is_some_and(|until| until > maintenance_core::Clock::now(&world.clock)));
    assert!(world.maintenance.opt_in(world.renter).await.unwrap());
}

/// A renter who hides their number is known by the id under which our message reached them, and one of two organisations
/// opts out of both.
pub async fn a_renter_is_known_by_the_id_that_was_learnt(world: World) {
    let world = world.telling(News::ALL);
    let other = world.of(Uuid::from_u128(7).into()).telling(News::ALL);
    let (one, two) = (world.filed().await, other.filed().await);
    world.dispatch().await;
    let hidden = Sender { wa_id: None, user_id: Some("US.13491208655302741918".into()) };
    let (one, two) = (news_of(&world, one.id).await.remove(0), news_of(&other, two.id).await.remove(0));
    let stop = || Inbound { from: hidden.clone(), ..message(&world, "", text("PARAR")) };
    assert_eq!(outcomes(&received(&world, &[stop()]).await), [(InboundOutcome::Stranger, 1)]);
    for _ in 0..2 {
        let reached = [(one.id, hidden.clone()), (two.id, hidden.clone())];
        world.maintenance.record_reached(&reached).await.unwrap();
    }
    world.wait(1);
    assert_eq!(outcomes(&received(&world, &[stop()]).await), [(InboundOutcome::OptedOut, 1)]);
    assert!(world.maintenance.opt_in(world.renter).await.unwrap());
    assert!(other.maintenance.opt_in(other.renter).await.unwrap());
}

/// A worker's word is about their work, unless they were told news as a renter.
pub async fn a_worker_who_says_stop_comments_on_their_job(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    world.filed().await;
    world.dispatch().await;
    let stop = || message(&world, &digits(&worker), text("STOP"));
    assert_eq!(outcomes(&received(&world, &[stop()]).await), [(InboundOutcome::Commented, 1)]);
    world.directory.set_contact(world.renter, "Renter One", "+12025550123");
    let world = world.telling(News::ALL);
    world.filed().await;
    world.dispatch().await;
    world.wait(1);
    let stop = || message(&world, &digits(&worker), text("STOP"));
    assert_eq!(outcomes(&received(&world, &[stop()]).await), [(InboundOutcome::OptedOut, 1)]);
}

/// Under which number they were reached is forgotten; that they want no news is kept.
pub async fn who_is_forgotten_is_not_written_to(world: World) {
    let world = world.telling(News::ALL);
    let request = world.filed().await;
    world.dispatch().await;
    world.wait(1);
    received(&world, &[message(&world, RENTER, text("STOP"))]).await;
    world.maintenance.forget_renter(world.renter).await.unwrap_err();
    let cancel = Move::to(RequestStatus::Cancelled, world.landlord());
    world.maintenance.change_status(request.id, cancel).await.unwrap();
    world.maintenance.forget_renter(world.renter).await.unwrap();
    world.wait(1);
    let report = received(&world, &[message(&world, RENTER, text("STOP"))]).await;
    assert_eq!(outcomes(&report), [(InboundOutcome::Stranger, 1)]);
    assert!(world.maintenance.opt_in(world.renter).await.unwrap());
}

/// What a renter writes about their open request becomes a comment of theirs; when it is over they are told that nobody reads
/// it.
pub async fn what_a_renter_writes_is_added_to_their_open_request(world: World) {
    let world = world.telling(News::ALL);
    let (one, two) = (world.filed().await, world.filed().await);
    world.dispatch().await;
    world.wait(60);
    let on = news_of(&world, one.id).await.remove(0);
    let reply = Inbound {
        replies_to: on.provider_message_id.clone(),
        ..message(&world, RENTER, text("Please ring twice."))
    };
    assert_eq!(outcomes(&received(&world, &[reply]).await), [(InboundOutcome::Commented, 1)]);
    let comment = world.record(one.id).await.comments.remove(0);
    assert_eq!((comment.comment.as_str(), comment.user_id), ("Please ring twice.", world.renter.into()));
    world.wait(60);
    let long = "x".repeat(5_001);
    for (body, outcome) in
        [("I am at home.", InboundOutcome::Commented), (long.as_str(), InboundOutcome::Unusable)]
    {
        let report = received(&world, &[message(&world, RENTER, text(body))]).await;
        assert_eq!(outcomes(&report), [(outcome, 1)]);
        world.wait(1);
    }
    assert_eq!(world.record(two.id).await.comments.len() + world.record(one.id).await.comments.len(), 2);
    for id in [one.id, two.id] {
        moved(&world, id, RequestStatus::Cancelled).await;
    }
    let report = received(&world, &[message(&world, RENTER, text("Hello?"))]).await;
    assert_eq!(outcomes(&report), [(InboundOutcome::NothingOpen, 1)]);
    world.dispatch().await;
    let sent = world.notifier.messages().pop().unwrap();
    assert_eq!(sent.answer, Some(Answer::NotRead));
}
