//! Workers who do their jobs from the chat, and what may go wrong there.

use chrono::TimeDelta;
use maintenance_core::{
    Action, Answer, Assign, Clock, Inbound, InboundClaim, InboundContent, InboundOutcome, InboundSettlement,
    LeaseId, Notification, RequestId, RequestStatus, Sender, Settled, Tap,
};

use super::{
    World,
    phones::{answers, digits, message, numbered, outcomes, photo, received, receiver, tap, text, told},
    replies::People,
};

/// A worker takes, begins and finishes the job from the chat, and each step is theirs.
pub async fn a_worker_does_the_whole_job_from_the_chat(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let (request, message) = told(&world, &worker, RequestStatus::Pending).await;
    let from = digits(&worker);
    let mut on = message.clone();
    for action in [Action::Accept, Action::Start, Action::Done] {
        world.wait(60);
        received(&world, &[tap(&world, &from, action, &on)]).await;
        world.dispatch().await;
        on = world.record(request.id).await.notifications.pop().unwrap();
    }
    let record = world.record(request.id).await;
    assert_eq!(record.request.status, RequestStatus::Completed);
    assert!(record.history.iter().all(|change| change.changed_by == worker.id.into()));
    assert_eq!(answers(&record), [Answer::Accepted, Answer::Started, Answer::Completed]);
    let acknowledged = record.notifications.iter().find(|kept| kept.id == message.id).unwrap();
    assert_eq!(acknowledged.acknowledged_at, Some(record.notifications[1].created_at));
    // Each answer offers what can be done next, in the conversation that the worker opened.
    let sent = world.notifier.messages();
    let offered: Vec<_> = sent.iter().map(|sent| sent.offers.clone()).collect();
    let decline = Action::Decline;
    let accept = vec![Action::Accept, decline];
    assert_eq!(offered, [accept, vec![Action::Start, decline], vec![Action::Done, decline], vec![]]);
    assert_eq!(sent[0].open_until, None);
    assert!(sent[1..].iter().all(|sent| sent.open_until > Some(world.clock.now())));
}

/// Who declines gives the job to the next, with the button's words as the note; with nobody left it is nobody's.
pub async fn a_job_that_is_declined_goes_to_the_next(world: World) {
    let (first, second) = (world.worker(&["plumbing"]).await, numbered(&world, "+12025550111").await);
    world.maintenance.assign_complex(second.id, world.complex, false).await.unwrap();
    let request = world.filed().await;
    world.dispatch().await;
    let mut declined = Vec::new();
    for _ in 0..2 {
        world.wait(60);
        let record = world.record(request.id).await;
        let has_it = record.request.assigned_worker_id.unwrap();
        let message = world.newest_message(request.id).await;
        let from = digits(if has_it == first.id { &first } else { &second });
        let report = received(&world, &[tap(&world, &from, Action::Decline, &message)]).await;
        assert_eq!(outcomes(&report), [(InboundOutcome::Declined, 1)]);
        world.dispatch().await;
        declined.push(has_it);
    }
    assert_ne!(declined[0], declined[1]);
    let record = world.record(request.id).await;
    assert_eq!((record.request.status, record.request.assigned_worker_id), (RequestStatus::Pending, None));
    let changes: Vec<_> = record.assignments.iter().map(|change| change.new_worker_id).collect();
    assert_eq!(changes, [Some(declined[0]), Some(declined[1]), None]);
    let note = record.assignments[1].notes.as_ref().unwrap();
    assert_eq!(note.as_str(), "the button decline");
    assert_eq!(answers(&record), [Answer::Declined, Answer::Declined]);
}

/// Two workers' taps race after a reassignment: the one who has the job moves it, and the other is told.
pub async fn of_two_who_tap_after_a_reassignment_one_moves_the_request(world: World) {
    let people = People::of(&world).await;
    let (request, old) = told(&world, &people.former, RequestStatus::Pending).await;
    world.wait(1);
    world.maintenance.assign(request.id, people.assigned.id, Assign::by(world.landlord())).await.unwrap();
    world.dispatch().await;
    let new = world.newest_message(request.id).await;
    let taps = [
        tap(&world, &digits(&people.former), Action::Start, &old),
        tap(&world, &digits(&people.assigned), Action::Start, &new),
    ];
    world.maintenance.receive(&taps).await.unwrap();
    let receivers = [(); 4].map(|()| {
        let receiver = receiver(&world);
        tokio::spawn(async move { receiver.receive_due().await.unwrap() })
    });
    let mut became = Vec::new();
    for receiver in receivers {
        let report = receiver.await.unwrap();
        assert!(report.errors.is_empty(), "{report:?}");
        became.extend(outcomes(&report));
    }
    became.sort();
    assert_eq!(became, [(InboundOutcome::Started, 1), (InboundOutcome::NotTheirs, 1)]);
    let record = world.record(request.id).await;
    assert_eq!((record.request.status, record.history.len()), (RequestStatus::InProgress, 1));
}

/// A plain text is about the only open job; with several the worker is asked once, and what they wrote waits for it.
pub async fn a_text_waits_until_its_worker_says_which_job_it_is_about(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let from = digits(&worker);
    let say = |body: &str| message(&world, &from, text(body));
    let nothing = received(&world, &[say("Hello?")]).await;
    assert_eq!(outcomes(&nothing), [(InboundOutcome::NothingOpen, 1)]);
    let (one, _) = told(&world, &worker, RequestStatus::Pending).await;
    received(&world, &[say("I come at noon.")]).await;
    assert_eq!(world.record(one.id).await.comments[0].comment.as_str(), "I come at noon.");

    world.wait(60);
    let (two, _) = told(&world, &worker, RequestStatus::InProgress).await;
    assert_eq!(received(&world, &[say("I need a pump.")]).await.asked, 1);
    world.wait(1);
    let second = Inbound { content: photo("photo"), ..say("") };
    assert_eq!(received(&world, &[second]).await.asked, 1);
    world.dispatch().await;
    let asked: Vec<_> = world.notifier.messages();
    let asked: Vec<_> = asked.iter().filter(|sent| sent.answer == Some(Answer::WhichOne)).collect();
    let [list] = asked[..] else { panic!("asked {} times", asked.len()) };
    assert_eq!(list.choices.iter().map(|choice| choice.id).collect::<Vec<_>>(), [two.id, one.id]);
    assert_eq!(list.choices[0].title, two.title);

    world.wait(60);
    let choose = |request: RequestId| {
        let payload = Tap { action: Action::Choose, on: list.notification_id, request: Some(request) };
        message(&world, &from, InboundContent::Tap { payload: payload.to_string(), title: "#2".into() })
    };
    let report = received(&world, &[choose(two.id)]).await;
    let became = [InboundOutcome::Commented, InboundOutcome::Attached, InboundOutcome::Chosen];
    assert_eq!(outcomes(&report), became.map(|outcome| (outcome, 1)));
    let record = world.record(two.id).await;
    assert_eq!(record.comments[0].comment.as_str(), "I need a pump.");
    assert_eq!(record.attachments.len(), 1);
    assert_eq!(world.record(one.id).await.comments.len(), 1);

    // Nobody chooses: after a day it is left, for a person to look at.
    assert_eq!(received(&world, &[say("Anybody?")]).await.asked, 1);
    world.wait(24 * 3_600 + 1);
    let report = receiver(&world).receive_due().await.unwrap();
    assert_eq!(outcomes(&report), [(InboundOutcome::Unanswered, 1)]);
}

/// A file that can't be fetched yet is tried again, and one that never can be is refused; neither holds up the next.
pub async fn a_file_that_cannot_be_kept_holds_up_no_other_message(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let (request, told) = told(&world, &worker, RequestStatus::Pending).await;
    let from = digits(&worker);
    let mut messages = vec![message(&world, &from, photo("later")), message(&world, &from, photo("refused"))];
    messages.push(tap(&world, &from, Action::Accept, &told));
    let report = received(&world, &messages).await;
    assert_eq!(report.put_back, 1);
    assert_eq!(outcomes(&report), [(InboundOutcome::Accepted, 1), (InboundOutcome::FileRefused, 1)]);
    world.wait(3_600);
    let report = receiver(&world).receive_due().await.unwrap();
    assert_eq!((report.put_back, report.outcomes.len()), (1, 0));
    for _ in 0..40 {
        world.wait(3 * 3_600);
        receiver(&world).receive_due().await.unwrap();
    }
    let record = world.record(request.id).await;
    assert_eq!(record.attachments, []);
    assert_eq!(answers(&record), [Answer::FileRefused, Answer::Accepted, Answer::FileRefused]);
}

/// A thousand texts of one sender delay nobody else's: each claim takes one message of each sender, in their order.
pub async fn a_flood_from_one_sender_delays_nobody_else(world: World) {
    let mut flood: Vec<Inbound> =
        (0..1_000).map(|n| message(&world, "12025550199", text(&format!("text {n}")))).collect();
    flood.push(message(&world, "12025550198", text("one")));
    world.maintenance.receive(&flood).await.unwrap();
    let claim = async |limit| {
        let (lease, now) = (LeaseId::mint(&world.ids), world.clock.now());
        let until = now + TimeDelta::minutes(5);
        let claim = InboundClaim { now, until, lease, limit };
        world.store.claim_inbound(&claim).await.unwrap().items
    };
    let first = claim(10).await;
    let senders: Vec<_> = first.iter().map(|kept| kept.message.from.key().to_owned()).collect();
    assert_eq!(senders.len(), 2);
    assert!(senders.contains(&"12025550198".to_owned()));
    assert!(claim(10).await.is_empty(), "no second message of a sender is taken beside the first");
    world.wait(301);
    let again = claim(10).await;
    assert_eq!(again.iter().map(|kept| (kept.id, kept.claims)).collect::<Vec<_>>(), {
        first.iter().map(|kept| (kept.id, 2)).collect::<Vec<_>>()
    });
}

/// Messages that arrive in another order are applied in the order in which they were sent.
pub async fn messages_are_applied_in_the_order_in_which_they_were_sent(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let (request, on) = told(&world, &worker, RequestStatus::Pending).await;
    let from = digits(&worker);
    let at = |seconds: i64, action| Inbound {
        sent_at: world.clock.now() + TimeDelta::seconds(seconds),
        ..tap(&world, &from, action, &on)
    };
    let messages = [at(3, Action::Done), at(2, Action::Start), at(1, Action::Accept)];
    let report = received(&world, &messages).await;
    let became = [InboundOutcome::Accepted, InboundOutcome::Started, InboundOutcome::Completed];
    assert_eq!(outcomes(&report), became.map(|outcome| (outcome, 1)));
    assert_eq!(world.record(request.id).await.request.status, RequestStatus::Completed);
}

/// A receiver that dies between two lines leaves its message, which another applies once after the hold.
pub async fn a_receiver_that_dies_leaves_its_message_to_the_next(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let (request, on) = told(&world, &worker, RequestStatus::Pending).await;
    world.maintenance.receive(&[tap(&world, &digits(&worker), Action::Start, &on)]).await.unwrap();
    let (lease, now) = (LeaseId::mint(&world.ids), world.clock.now());
    let dead = InboundClaim { now, until: now + TimeDelta::minutes(5), lease, limit: 10 };
    let taken = world.store.claim_inbound(&dead).await.unwrap().items;
    assert_eq!(taken.len(), 1);
    assert!(receiver(&world).receive_due().await.unwrap().outcomes.is_empty());
    world.wait(301);
    let report = receiver(&world).receive_due().await.unwrap();
    assert_eq!(outcomes(&report), [(InboundOutcome::Started, 1)]);
    // The dead one wakes: its settlement counts for nothing, and files no second answer.
    let late = InboundSettlement {
        id: taken[0].id,
        lease,
        at: world.clock.now(),
        state: Settled::Applied(InboundOutcome::Started),
        about: None,
        answer: None,
    };
    assert!(!world.store.settle_inbound(&late).await.unwrap());
    assert_eq!(answers(&world.record(request.id).await), [Answer::Started]);
}

/// A worker is known by the ways in which WhatsApp writes their number, and by the id under which our messages reach them.
pub async fn a_worker_is_known_by_their_number_and_by_the_id_that_was_learnt(world: World) {
    let mexican = numbered(&world, "+525512345678").await;
    let (_, on) = told(&world, &mexican, RequestStatus::Pending).await;
    let report = received(&world, &[tap(&world, "5215512345678", Action::Accept, &on)]).await;
    assert_eq!(outcomes(&report), [(InboundOutcome::Accepted, 1)]);
    let stored = world.maintenance.worker(mexican.id).await.unwrap();
    assert_eq!(stored.phone_number.as_str(), "+525512345678", "the stored number is never rewritten");

    let hidden = Sender { wa_id: None, user_id: Some("US.13491208655302741918".into()) };
    let from = |on: &Notification, action| Inbound { from: hidden.clone(), ..tap(&world, "", action, on) };
    world.wait(1);
    let report = received(&world, &[from(&on, Action::Start)]).await;
    assert_eq!(outcomes(&report), [(InboundOutcome::Stranger, 1)]);
    for _ in 0..2 {
        world.maintenance.record_reached(&[(on.id, hidden.clone())]).await.unwrap();
    }
    world.wait(1);
    let report = received(&world, &[from(&on, Action::Start)]).await;
    assert_eq!(outcomes(&report), [(InboundOutcome::Started, 1)]);
}

/// The clean-up removes what was applied, and leaves what waits.
pub async fn the_clean_up_removes_what_was_applied(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    told(&world, &worker, RequestStatus::Pending).await;
    let from = digits(&worker);
    received(
        &world,
        &[message(&world, &from, text("I come at noon.")), message(&world, &from, photo("later"))],
    )
    .await;
    world.wait(60);
    let keep = std::time::Duration::from_secs(30);
    assert_eq!(world.maintenance.clean_up(keep, 100).await.unwrap().inbound, 1);
    assert_eq!(world.maintenance.clean_up(keep, 100).await.unwrap().inbound, 0);
    assert_eq!(receiver(&world).receive_due().await.unwrap().put_back, 1);
}
