//! Several channels, and several organisations that share them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use maintenance_core::{
    Channel, Claim, Claimed, Clock as _, DeliveryEffect, DeliveryEvent, LeaseId, NextStep,
    NotificationRepository as _, OrganizationId, Priority, RequestId, Scope, SendEffect, SendOutcome,
    SendRecord, WhatsAppStatus,
};
use uuid::Uuid;

use super::{World, refused};

fn channel(name: &str) -> Channel {
    Channel::new(name).unwrap()
}

/// Another organisation with a worker, whose messages go by the channel `south`; the world's own go by `north`.
async fn north_and_south(world: &mut World) -> World {
    let mut other = world.of(OrganizationId::from_uuid(Uuid::from_u128(0x0F)));
    for world in [&mut *world, &mut other] {
        world.maintenance = world.maintenance.clone().with_channels(|organization: OrganizationId, _| {
            channel(if organization.is_none() { "north" } else { "south" })
        });
        world.worker(&["plumbing"]).await;
    }
    other
}

fn claim(world: &World, limit: u32) -> Claim {
    let now = world.clock.now();
    Claim::new(now, now + chrono::TimeDelta::seconds(300), LeaseId::from_uuid(Uuid::from_u128(1)), limit)
}

fn channels(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|claimed| claimed.notification.channel.as_str()).collect()
}

/// A message that repeats a failed one goes by the channel of that one; one that a person asks for is a new message.
pub async fn a_message_goes_by_the_channel_that_it_was_filed_with(mut world: World) {
    let moved = Arc::new(AtomicBool::new(false));
    let south = moved.clone();
    world.maintenance = world
        .maintenance
        .clone()
        .with_channels(move |_, _| channel(if south.load(Ordering::SeqCst) { "south" } else { "north" }));
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    moved.store(true, Ordering::SeqCst);
    assert_eq!(world.dispatch().await.sent, 1);
    let message = world.newest_message(request.id).await;
    let mut failure = world.news(&message, DeliveryEvent::Failed);
    failure.next = Some(NextStep::Retry { after: None });
    world.maintenance.record_deliveries(&[failure]).await.unwrap();
    world.wait(60);
    assert_eq!(world.dispatch().await.sent, 1);
    world.maintenance.notify_again(request.id, world.landlord()).await.unwrap();
    assert_eq!(world.dispatch().await.sent, 1);
    let went: Vec<_> = world.notifier.messages().into_iter().map(|message| message.channel).collect();
    assert_eq!(went, [channel("north"), channel("north"), channel("south")]);
    let kept: Vec<_> = world.record(request.id).await.notifications.into_iter().map(|n| n.channel).collect();
    assert_eq!(kept, went);
}

/// A host that names no channel sends by the default one.
pub async fn without_channels_every_message_goes_by_the_default_one(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.dispatch().await;
    assert_eq!(world.notifier.messages()[0].channel, Channel::DEFAULT);
    assert_eq!(world.newest_message(request.id).await.channel, Channel::DEFAULT);
}

/// After its rest one message tries the stopped channel, whoever it is from.
pub async fn a_stopped_channel_stops_no_other(mut world: World) {
    let other = north_and_south(&mut world).await;
    let north = channel("north");
    world
        .notifier
        .refuse_channel(&north, refused(NextStep::Stop { scope: Scope::Channel }, SendEffect::NotSent));
    for _ in 0..3 {
        world.filed().await;
        other.filed().await;
    }
    let dispatcher = world.dispatcher();
    let report = dispatcher.dispatch_due().await.unwrap();
    assert_eq!((report.sent, report.put_back), (3, 3));
    let [pause] = &report.pauses[..] else { panic!("one channel rests: {:?}", report.pauses) };
    assert_eq!((&pause.channel, pause.needs_person), (&north, true));
    world.filed().await;
    other.filed().await;
    let report = dispatcher.dispatch_due().await.unwrap();
    assert_eq!((report.claimed, report.sent), (1, 1), "what rests isn't even taken");
    world.wait(60);
    other.filed().await;
    let report = dispatcher.dispatch_due().await.unwrap();
    assert_eq!((report.claimed, report.sent, report.put_back), (2, 1, 1), "one message tries");
    world.notifier.accept_channel(&north);
    assert_eq!(dispatcher.dispatch_due().await.unwrap().claimed, 0);
    world.wait(60);
    assert_eq!(dispatcher.dispatch_due().await.unwrap().sent, 1, "one message tries");
    assert_eq!(dispatcher.dispatch_due().await.unwrap().sent, 3, "and the others follow");
}

/// A store skips the channels that rest, and takes one message of each that is tried: the most urgent.
pub async fn a_claim_minds_the_channels_that_rest_and_that_are_tried(mut world: World) {
    let other = north_and_south(&mut world).await;
    for priority in [Priority::Low, Priority::Emergency, Priority::High] {
        for world in [&world, &other] {
            let mut new = world.new_request();
            new.form.priority = priority;
            world.maintenance.submit(new).await.unwrap();
        }
    }
    let store = world.maintenance.repository();
    let north_rests = Claim { resting: vec![channel("north"), channel("unused")], ..claim(&world, 2) };
    assert_eq!(channels(&store.claim(&north_rests).await.unwrap().items), ["south", "south"]);
    let north_is_tried = Claim { trying: vec![channel("north"), channel("unused")], ..claim(&world, 100) };
    let taken = store.claim(&north_is_tried).await.unwrap().items;
    assert_eq!(channels(&taken), ["north", "south"]);
    assert_eq!(taken[0].notification.priority, Priority::Emergency);
    let all_rest = Claim { resting: vec![channel("north"), channel("south")], ..claim(&world, 100) };
    assert_eq!(channels(&store.claim(&all_rest).await.unwrap().items), [""; 0]);
    assert_eq!(channels(&store.claim(&claim(&world, 100)).await.unwrap().items), ["north", "north"]);
}

/// One organisation has many messages due, and others one each, filed later.
pub async fn everybody_has_their_turn_in_a_storm(world: World) {
    world.worker(&["plumbing"]).await;
    for _ in 0..20 {
        world.filed().await;
    }
    world.wait(1);
    let others: Vec<_> = (1..=4).map(|n| world.of(OrganizationId::from_uuid(Uuid::from_u128(n)))).collect();
    for (n, other) in others.iter().enumerate() {
        other.worker(&["plumbing"]).await;
        let mut new = other.new_request();
        new.form.priority = if n == 3 { Priority::Emergency } else { Priority::Low };
        other.maintenance.submit(new).await.unwrap();
    }
    let store = world.maintenance.repository();
    let taken = async |limit| -> Vec<u128> {
        let items = store.claim(&claim(&world, limit)).await.unwrap().items;
        items.iter().map(|claimed| claimed.notification.organization_id.uuid().as_u128()).collect()
    };
    assert_eq!(taken(2).await, [4, 0], "the emergency, and of the others the more urgent");
    assert_eq!(taken(6).await, [0, 1, 2, 3, 0, 0], "each had its turn before the storm goes on");
    assert_eq!(taken(100).await, [0; 16]);
    assert_eq!(taken(100).await, [0; 0]);
}

/// Six organisations with up to 40 messages each by three channels, claimed until nothing is left, with channels that rest
/// and that are tried in every combination.
pub async fn every_claim_takes_what_the_model_says(world: World) {
    let mut dice = 42_u64;
    let mut throw = move |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    let mut worlds = Vec::new();
    for n in 0..6 {
        let mut of = world.of(OrganizationId::from_uuid(Uuid::from_u128(n)));
        let by = channel(["default", "north", "south"][usize::try_from(n % 3).unwrap()]);
        of.maintenance = of.maintenance.clone().with_channels(move |_, _| by.clone());
        of.worker(&["plumbing"]).await;
        worlds.push((of, Vec::new()));
    }
    for _ in 0..3 {
        for (of, requests) in &mut worlds {
            for _ in 0..[0, 1, 2, 13][usize::try_from(throw(4)).unwrap()] {
                let mut new = of.new_request();
                new.form.priority = Priority::ALL[usize::try_from(throw(4)).unwrap()];
                requests.push(of.maintenance.submit(new).await.unwrap().request.id);
            }
        }
        world.wait(1);
    }
    let store = world.maintenance.repository();
    let mut messages = Vec::new();
    for (of, requests) in &worlds {
        for request in requests {
            messages.push(of.newest_message(*request).await);
        }
    }
    assert!(messages.len() > 60, "{}", messages.len());
    for round in 0.. {
        let some = |dice: u64| -> Vec<Channel> {
            let names = ["default", "north", "south"].into_iter().enumerate();
            names.filter(|(n, _)| dice >> n & 1 == 1).map(|(_, name)| channel(name)).collect()
        };
        let trouble = if round < 30 { (throw(8), throw(8)) } else { (0, 0) };
        let limit = u32::try_from(1 + throw(12)).unwrap();
        let at_least = if throw(4) == 0 && round < 30 { Priority::High } else { Priority::Low };
        let (resting, trying) = (some(trouble.0), some(trouble.1));
        let claim = Claim { at_least, resting, trying, ..claim(&world, limit) };
        let expected: Vec<_> = claim.choose(&messages).iter().map(|n| n.id).collect();
        let items = store.claim(&claim).await.unwrap().items;
        let taken: Vec<_> = items.iter().map(|claimed| claimed.notification.id).collect();
        assert_eq!(taken, expected, "{claim:?}");
        messages.retain(|message| !taken.contains(&message.id));
        if messages.is_empty() {
            return;
        }
    }
}

/// Who has the secret of one number can't move a message of another, whichever ids they know.
pub async fn news_of_another_channel_changes_nothing(mut world: World) {
    let other = north_and_south(&mut world).await;
    let request = world.filed().await;
    let store = world.maintenance.repository();
    let taken = store.claim(&claim(&world, 9)).await.unwrap().items;
    let message = &taken[0].notification;
    let news = |channel: &Channel, ours: bool| {
        let mut news = world.news(message, DeliveryEvent::Read);
        news.channel = channel.clone();
        news.notification_id = news.notification_id.filter(|_| ours);
        news.provider_message_id = "wamid.7".into();
        news
    };
    let (north, south) = (channel("north"), channel("south"));

    // Ahead of the send's own answer: by our id, and kept by the provider's.
    let before = world.record(request.id).await;
    for ours in [true, false] {
        let effects = other.maintenance.record_deliveries(&[news(&south, ours)]).await.unwrap();
        assert_eq!(effects, [DeliveryEffect::Unknown]);
    }
    assert_eq!(world.record(request.id).await, before);
    let early = news(&north, false);
    assert_eq!(
        store.record_deliveries(std::slice::from_ref(&early), message.created_at).await.unwrap(),
        [DeliveryEffect::Unknown]
    );
    let outcome = SendOutcome::Sent { provider_message_id: "wamid.7".into() };
    let (lease, at) = (LeaseId::from_uuid(Uuid::from_u128(1)), world.clock.now());
    let record = SendRecord { notification_id: message.id, lease, attempts: 1, at, outcome };
    assert_eq!(
        store.record_outcomes(&[record]).await.unwrap().early,
        std::slice::from_ref(&early),
        "its own channel's"
    );
    assert_eq!(
        store.catch_up(message.created_at).await.unwrap(),
        std::slice::from_ref(&early),
        "its own channel's"
    );

    // After it, alone and among others.
    let before = world.record(request.id).await;
    for ours in [true, false] {
        let batch = [news(&south, ours), news(&south, !ours)];
        assert_eq!(store.record_deliveries(&batch, at).await.unwrap(), [DeliveryEffect::Unknown; 2]);
    }
    assert_eq!(world.record(request.id).await, before);
    let known = DeliveryEffect::Known { notification_id: message.id, request_id: request.id };
    let batch = [news(&south, true), early, news(&south, false)];
    let effects = store.record_deliveries(&batch, at).await.unwrap();
    assert_eq!(effects, [DeliveryEffect::Unknown, known, DeliveryEffect::Unknown]);
    assert_eq!(world.newest_message(request.id).await.status, WhatsAppStatus::Read);
}

/// A failure told by one number's webhook rests that number.
pub async fn a_failure_told_by_webhook_rests_its_own_channel(mut world: World) {
    let other = north_and_south(&mut world).await;
    let request: RequestId = world.filed().await.id;
    world.dispatch().await;
    let message = world.newest_message(request).await;
    let mut failure = world.news(&message, DeliveryEvent::Failed);
    failure.next = Some(NextStep::Stop { scope: Scope::Channel });
    world.maintenance.record_deliveries(&[failure]).await.unwrap();
    world.filed().await;
    other.filed().await;
    let report = world.dispatch().await;
    assert_eq!((report.claimed, report.sent), (1, 1));
    assert_eq!(report.channel_pause().map(|pause| pause.channel.as_str()), Some("north"));
}
