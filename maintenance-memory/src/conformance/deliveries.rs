//! Applying the updates that webhooks bring.

use maintenance_core::{
    Actor, Assign, Channel, Claim, Clock as _, DeliveryEffect, DeliveryError, DeliveryEvent, DeliveryUpdate,
    NextStep, Notification, NotificationRepository as _, Request, Scope, SendOutcome, SendRecord,
    WhatsAppStatus,
};
use uuid::Uuid;

use super::World;

use DeliveryEvent::{Delivered, Failed, Read, Sent};

async fn sent_message(world: &World) -> (Request, Notification) {
    let request = world.filed().await;
    world.dispatch().await;
    world.wait(10);
    (request.clone(), world.newest_message(request.id).await)
}

/// `read` alone implies delivered. Evidence of delivery beats `failed`, whichever comes first.
pub async fn news_moves_a_message_forward_only(world: World) {
    world.worker(&["plumbing"]).await;
    for (told, status) in [
        (vec![Sent], WhatsAppStatus::Sent),
        (vec![Delivered, Sent], WhatsAppStatus::Delivered),
        (vec![Read, Delivered, Sent], WhatsAppStatus::Read),
        (vec![Failed, Sent], WhatsAppStatus::Failed),
        (vec![Failed, Delivered], WhatsAppStatus::Delivered),
        (vec![Delivered, Failed], WhatsAppStatus::Delivered),
        (vec![Read, Failed], WhatsAppStatus::Read),
    ] {
        let (request, message) = sent_message(&world).await;
        for event in &told {
            let effects = world.maintenance.record_deliveries(&[world.news(&message, *event)]).await.unwrap();
            assert!(matches!(&effects[..], [DeliveryEffect::Known { .. }]));
        }
        let record = world.record(request.id).await;
        let after = &record.notifications[0];
        assert_eq!((after.status, record.request.whatsapp_status), (status, status), "{told:?}");
        assert_eq!(
            after.delivered_at.is_some(),
            told.contains(&Delivered) || told.contains(&Read),
            "{told:?}"
        );
        assert_eq!(after.error.is_some(), told.contains(&Failed), "an error is kept: {told:?}");
        assert_eq!(after.failed_at.is_some(), told.contains(&Failed));
        assert_eq!(record.request.updated_at, request.updated_at);
    }
}

/// All 120 orders of five updates are tried, each followed by its reverse.
pub async fn news_in_any_order_and_twice_ends_in_the_same_state(world: World) {
    world.worker(&["plumbing"]).await;
    let news = |message: &Notification| {
        let at = |seconds| message.created_at + chrono::TimeDelta::seconds(seconds);
        let one = |event, seconds, code: Option<&str>| DeliveryUpdate {
            channel: Channel::DEFAULT,
            notification_id: Some(message.id),
            provider_message_id: "wamid.9".into(),
            event,
            at: at(seconds),
            error: code.map(|code| DeliveryError::new(code, "why")),
            next: None,
        };
        [
            one(Sent, 2, None),
            one(Delivered, 1, None),
            one(Read, 3, None),
            one(Failed, 4, Some("131026")),
            one(Failed, 4, Some("131000")),
        ]
    };
    let mut seen = None;
    for order in permutations(5) {
        let request = world.filed().await;
        let message = world.newest_message(request.id).await;
        let news = news(&message);
        for n in order.iter().chain(order.iter().rev()) {
            world.maintenance.record_deliveries(std::slice::from_ref(&news[*n])).await.unwrap();
        }
        let after = world.newest_message(request.id).await;
        let times = [after.sent_at, after.delivered_at, after.read_at, after.failed_at]
            .map(|at| (at.unwrap() - message.created_at).num_seconds());
        let state = (after.status, times, after.error, after.provider_message_id);
        assert_eq!(*seen.get_or_insert(state.clone()), state, "in order {order:?}");
    }
    let (status, times, error, _) = seen.unwrap();
    assert_eq!((status, times, error.unwrap().code.as_str()), (WhatsAppStatus::Read, [1, 1, 3, 4], "131000"));
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![vec![]];
    }
    permutations(n - 1)
        .into_iter()
        .flat_map(|rest| {
            (0..n).map(move |place| {
                let mut order = rest.clone();
                order.insert(place, n - 1);
                order
            })
        })
        .collect()
}

/// The update is matched by our id, before the provider's id is stored. The outcome recorded later takes
/// nothing back.
pub async fn news_ahead_of_the_sends_own_record_is_kept(world: World) {
    world.worker(&["plumbing"]).await;
    for outcome in [
        SendOutcome::Sent { provider_message_id: "wamid.7".into() },
        SendOutcome::Later { due_at: world.clock.now(), error: Some(DeliveryError::new("1", "lost")) },
        SendOutcome::Failed { error: DeliveryError::new("1", "lost") },
    ] {
        let request = world.filed().await;
        let store = world.maintenance.repository();
        let now = world.clock.now();
        let lease = Uuid::from_u128(1).into();
        let until = now + chrono::TimeDelta::seconds(300);
        let taken = store.claim(&Claim::new(now, until, lease, 9)).await.unwrap().items;
        let message = taken[0].notification.clone();
        world.wait(2);
        let mut news = world.news(&message, Delivered);
        news.provider_message_id = "wamid.7".into();
        store.record_deliveries(&[news], now).await.unwrap();
        let at = world.clock.now();
        let record = SendRecord { notification_id: message.id, lease, attempts: 1, at, outcome };
        assert_eq!(store.record_outcomes(&[record]).await.unwrap().counted, 1);
        let record = world.record(request.id).await;
        let after = &record.notifications[0];
        assert_eq!((after.status, &after.error, after.lease), (WhatsAppStatus::Delivered, &None, None));
        assert_eq!(after.provider_message_id.as_deref(), Some("wamid.7"));
        assert_eq!(record.request.whatsapp_message_id.as_deref(), Some("wamid.7"));
        assert_eq!(record.request.whatsapp_status, WhatsAppStatus::Delivered);
        assert_eq!(world.dispatch().await.claimed, 0);
    }
}

/// Some updates name our id, others only the provider's.
pub async fn a_batch_with_several_news_of_one_message_ends_as_they_would_alone(world: World) {
    world.worker(&["plumbing"]).await;
    let (first, one) = sent_message(&world).await;
    let (second, two) = sent_message(&world).await;
    let by_theirs = |message: &Notification, event| DeliveryUpdate {
        channel: Channel::DEFAULT,
        notification_id: None,
        ..world.news(message, event)
    };
    let mut stray = world.news(&one, Read);
    stray.notification_id = Some(Uuid::from_u128(4).into());
    stray.provider_message_id = "wamid.stray".into();
    let batch = [
        by_theirs(&one, Read),
        world.news(&two, Failed),
        stray,
        world.news(&one, Delivered),
        by_theirs(&two, Delivered),
        world.news(&one, Delivered),
    ];
    let effects = world.maintenance.record_deliveries(&batch).await.unwrap();
    let known = |effect: &DeliveryEffect| matches!(effect, DeliveryEffect::Known { .. });
    assert_eq!(effects.iter().map(known).collect::<Vec<_>>(), [true, true, false, true, true, true]);
    let (first, second) = (world.record(first.id).await, world.record(second.id).await);
    assert_eq!(first.request.whatsapp_status, WhatsAppStatus::Read);
    assert_eq!(second.request.whatsapp_status, WhatsAppStatus::Delivered);
    assert_eq!(second.notifications[0].error.as_ref().unwrap().code, "131026");
    let (mut alone_one, mut alone_two) = (one, two);
    for n in [0, 3, 5] {
        alone_one.apply_delivery(&batch[n]);
    }
    for n in [1, 4] {
        alone_two.apply_delivery(&batch[n]);
    }
    assert_eq!((&first.notifications[0], &second.notifications[0]), (&alone_one, &alone_two));
}

/// An update of an unknown message changes nothing.
pub async fn unknown_messages_are_reported(world: World) {
    world.worker(&["plumbing"]).await;
    let (request, message) = sent_message(&world).await;
    let before = world.record(request.id).await;
    let stranger = DeliveryUpdate {
        channel: Channel::DEFAULT,
        notification_id: None,
        provider_message_id: "wamid.of.another.sender".into(),
        ..world.news(&message, Read)
    };
    let effects = world.maintenance.record_deliveries(&[stranger]).await.unwrap();
    assert_eq!(effects, [DeliveryEffect::Unknown]);
    assert_eq!(world.maintenance.record_deliveries(&[]).await.unwrap(), []);
    assert_eq!(world.record(request.id).await, before);
}

/// An update of an older message is kept with that message and does not show on the request.
pub async fn the_request_mirrors_its_newest_message(world: World) {
    world.worker(&["plumbing"]).await;
    let (request, first) = sent_message(&world).await;
    world.maintenance.notify_again(request.id, Actor::System).await.unwrap();
    world.maintenance.record_deliveries(&[world.news(&first, Read)]).await.unwrap();
    let record = world.record(request.id).await;
    assert_eq!(record.notifications[0].status, WhatsAppStatus::Read);
    assert_eq!(record.request.whatsapp_status, WhatsAppStatus::Pending);
    assert_eq!(record.request.whatsapp_message_id, None);
    world.dispatch().await;
    let second = world.newest_message(request.id).await;
    world
        .maintenance
        .record_deliveries(&[world.news(&second, Delivered), world.news(&first, Read)])
        .await
        .unwrap();
    let record = world.record(request.id).await;
    assert_eq!(record.request.whatsapp_status, WhatsAppStatus::Delivered);
    assert_eq!(record.request.whatsapp_message_id, second.provider_message_id);
}

/// A `failed` without our id that comes before the send's answer is applied when that answer is recorded.
pub async fn news_without_our_id_ahead_of_the_sends_own_record_is_kept(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let store = world.maintenance.repository();
    let (now, lease) = (world.clock.now(), Uuid::from_u128(1).into());
    let until = now + chrono::TimeDelta::seconds(300);
    let claim = Claim::new(now, until, lease, 9);
    let message = store.claim(&claim).await.unwrap().items[0].notification.clone();
    let mut early = world.news(&message, Failed);
    early.provider_message_id = "wamid.7".into();
    early.notification_id = None;
    for _ in 0..2 {
        let effects = world.maintenance.record_deliveries(std::slice::from_ref(&early)).await.unwrap();
        assert_eq!(effects, [DeliveryEffect::Unknown]);
    }
    let outcome = SendOutcome::Sent { provider_message_id: "wamid.7".into() };
    let record = SendRecord { notification_id: message.id, lease, attempts: 1, at: now, outcome };
    let recorded = store.record_outcomes(&[record]).await.unwrap();
    assert_eq!(recorded.early, std::slice::from_ref(&early));
    // The process may die here; `catch_up` finds what was kept.
    assert_eq!(store.catch_up(now).await.unwrap(), [early]);
    world.dispatch().await;
    let record = world.record(request.id).await;
    assert_eq!(record.request.whatsapp_status, WhatsAppStatus::Failed);
    assert_eq!(record.notifications[0].error.as_ref().unwrap().code, "131026");
    assert_eq!(store.catch_up(now).await.unwrap(), [], "applied once");
}

/// After the hold an update that matched nothing is taken to be of somebody else's message.
pub async fn news_kept_for_too_long_is_forgotten(world: World) {
    world.worker(&["plumbing"]).await;
    let (_, message) = sent_message(&world).await;
    let mut stranger = world.news(&message, Read);
    stranger.notification_id = None;
    stranger.provider_message_id = "wamid.late".into();
    world.maintenance.record_deliveries(&[stranger]).await.unwrap();
    world.wait(301);
    world.dispatch().await;
    let store = world.maintenance.repository();
    let (now, lease) = (world.clock.now(), Uuid::from_u128(1).into());
    let outcome = SendOutcome::Sent { provider_message_id: "wamid.late".into() };
    let record = SendRecord { notification_id: message.id, lease, attempts: 1, at: now, outcome };
    assert_eq!(store.record_outcomes(&[record]).await.unwrap().early, []);
}

/// A message that was sent again has two ids of the provider, and an update may name either.
pub async fn every_copy_of_a_message_is_found_by_its_own_id(world: World) {
    world.worker(&["plumbing"]).await;
    let (request, message) = sent_message(&world).await;
    let store = world.maintenance.repository();
    let at = world.clock.now();
    let outcome = SendOutcome::Sent { provider_message_id: "wamid.copy".into() };
    let lease = Uuid::from_u128(1).into();
    let record = SendRecord { notification_id: message.id, lease, attempts: 2, at, outcome };
    store.record_outcomes(&[record]).await.unwrap();
    let mut of_the_copy = world.news(&message, Delivered);
    of_the_copy.notification_id = None;
    of_the_copy.provider_message_id = "wamid.copy".into();
    let mut of_the_first = world.news(&message, Read);
    of_the_first.notification_id = None;
    for (news, status) in [(of_the_copy, WhatsAppStatus::Delivered), (of_the_first, WhatsAppStatus::Read)] {
        world.maintenance.record_deliveries(&[news]).await.unwrap();
        assert_eq!(world.newest_message(request.id).await.status, status);
    }
    let message = world.newest_message(request.id).await;
    assert_eq!(message.provider_message_id.as_deref(), Some("recorded.1"), "the first that was known");
}

/// The failed message keeps its record. The new one goes on with its attempts and its age.
pub async fn a_failure_that_passes_files_the_message_anew_once(world: World) {
    world.worker(&["plumbing"]).await;
    let (request, message) = sent_message(&world).await;
    let mut failure = world.news(&message, Failed);
    failure.next = Some(NextStep::Retry { after: None });
    for _ in 0..3 {
        world.maintenance.record_deliveries(std::slice::from_ref(&failure)).await.unwrap();
    }
    let record = world.record(request.id).await;
    let [failed, again] = &record.notifications[..] else { panic!("two messages: {record:?}") };
    assert_eq!((failed.status, again.status), (WhatsAppStatus::Failed, WhatsAppStatus::Pending));
    assert_eq!((again.attempts, again.since, &again.error), (1, failed.since, &failed.error));
    assert_eq!(record.request.whatsapp_status, WhatsAppStatus::Pending);
    assert_eq!((record.request.version, record.request.updated_at), (1, request.updated_at));
    assert_eq!(world.dispatch().await.claimed, 0, "it waits");
    world.wait(60);
    assert_eq!(world.dispatch().await.sent, 1);
    world.maintenance.record_deliveries(&[failure]).await.unwrap();
    let record = world.record(request.id).await;
    assert_eq!((record.notifications.len(), record.request.whatsapp_status), (2, WhatsAppStatus::Sent));

    // Somebody else has the request by now: nothing is filed.
    let (request, message) = sent_message(&world).await;
    let other = world.worker(&["plumbing"]).await;
    world.maintenance.assign(request.id, other.id, Assign::by(world.landlord())).await.unwrap();
    let mut failure = world.news(&message, Failed);
    failure.next = Some(NextStep::Retry { after: None });
    let before = world.record(request.id).await.notifications.len();
    world.maintenance.record_deliveries(&[failure]).await.unwrap();
    assert_eq!(world.record(request.id).await.notifications.len(), before);
}

/// An error about the sender that comes by webhook has the effect that it has at sending.
pub async fn a_failure_about_us_rests_the_channel(world: World) {
    world.worker(&["plumbing"]).await;
    let (_, message) = sent_message(&world).await;
    let mut failure = world.news(&message, Failed);
    failure.next = Some(NextStep::Stop { scope: Scope::Channel });
    world.maintenance.record_deliveries(&[failure]).await.unwrap();
    world.filed().await;
    let report = world.dispatch().await;
    assert_eq!(report.claimed, 0);
    assert!(report.channel_pause().is_some_and(|pause| pause.needs_person));
    world.wait(60);
    assert_eq!(world.dispatch().await.sent, 1, "one message tries");
    assert_eq!(world.dispatch().await.sent, 1, "and the others follow");
}
