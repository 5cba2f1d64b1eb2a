//! The outbox, compared with the core's own rules as its model.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use maintenance_core::*;

use super::*;

/// The message to which each provider id belongs.
type Sends = BTreeMap<String, NotificationId>;

/// A generator of small numbers that are the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Batches of claims, outcomes and webhook updates come to what `apply_outcome` and `apply_delivery` say, one
/// by one.
pub(crate) async fn outbox<R: Repository>(store: R, rounds: u64) {
    let workers = staff(&store).await;
    let maintenance = Maintenance::new(store, NoDirectory).with_clock(Still);
    let store = maintenance.repository();
    let mut requests = Vec::new();
    for n in 0..4 {
        requests.push(maintenance.submit(new_request(n)).await.unwrap().request.id);
    }
    let mut dice = Dice(42);
    let mut model: BTreeMap<NotificationId, Notification> = BTreeMap::new();
    let mut sends = Sends::new();
    let mut next = 0x1_0000_u128;
    for round in 0..rounds {
        // New messages keep some of them pending. Each new one is its request's newest.
        for request in &requests {
            if dice.throw(3) == 0 {
                let record = store.record(*request).await.unwrap().unwrap();
                let now = record.request.updated_at + TimeDelta::microseconds(1);
                let mut step = Step::on(&record.request, now);
                next += 1;
                step.writes.push(Write::Notify(Notification {
                    id: id(next).into(),
                    to: workers[0].id.into(),
                    created_at: now,
                    due_at: now,
                    status: WhatsAppStatus::Pending,
                    provider_message_id: None,
                    attempts: 0,
                    claims: 0,
                    since: now,
                    lease: None,
                    error: None,
                    sent_at: None,
                    delivered_at: None,
                    read_at: None,
                    failed_at: None,
                    ..record.notifications[0].clone()
                }));
                store.apply(&step).await.unwrap();
            }
        }
        check(store, &requests, (&mut model, &mut sends), &mut dice, round).await;
    }
}

pub(super) async fn all(
    store: &dyn Repository,
    requests: &[RequestId],
) -> BTreeMap<NotificationId, Notification> {
    let mut found = BTreeMap::new();
    for request in requests {
        let record = store.record(*request).await.unwrap().unwrap();
        let newest = record.notifications.last().unwrap();
        assert_eq!(
            (&record.request.whatsapp_message_id, record.request.whatsapp_status),
            (&newest.provider_message_id, newest.status),
            "the mirror"
        );
        found.extend(record.notifications.into_iter().map(|n| (n.id, n)));
    }
    found
}

async fn check(
    store: &dyn Repository,
    requests: &[RequestId],
    (model, sends): (&mut BTreeMap<NotificationId, Notification>, &mut Sends),
    dice: &mut Dice,
    round: u64,
) {
    *model = all(store, requests).await;
    let now = at(0) + TimeDelta::days(3_000) + TimeDelta::hours(round as i64);
    let lease = LeaseId::from_uuid(id(0x9_0000 + u128::from(round)));
    let claim = Claim::new(now, now + TimeDelta::hours(3), lease, 3);
    let claimed = store.claim(&claim).await.unwrap();
    assert!(claimed.corrupt.is_empty());
    let due: Vec<_> = claim.choose(model.values()).iter().map(|n| n.id).collect();
    let taken: Vec<_> = claimed.items.iter().map(|claimed| claimed.notification.id).collect();
    assert_eq!(taken, due);
    for claimed in &claimed.items {
        let n = model.get_mut(&claimed.notification.id).unwrap();
        (n.lease, n.due_at) = (Some(lease), claim.until);
        n.claims += 1;
        assert_eq!(&claimed.notification, n);
    }
    assert_eq!(&all(store, requests).await, model);

    let ids: Vec<_> = model.keys().copied().collect();
    let provider = |dice: &mut Dice| format!("wamid.{}", dice.throw(12));
    let error = |dice: &mut Dice| DeliveryError::new(format!("{}", dice.throw(3)), "no");
    if dice.throw(2) == 0 {
        deliver(store, (model, sends), dice, &ids).await;
    }
    let mut records = Vec::new();
    for _ in 0..dice.throw(5) {
        let notification_id = ids[dice.throw(ids.len() as u64) as usize];
        let held = model[&notification_id].lease;
        records.push(SendRecord {
            notification_id,
            lease: if dice.throw(4) == 0 { lease } else { held.unwrap_or(lease) },
            attempts: dice.throw(4) as u32,
            at: at(dice.throw(200) as i64),
            outcome: match dice.throw(4) {
                0 => SendOutcome::Sent { provider_message_id: provider(dice) },
                1 => SendOutcome::Later { due_at: now, error: Some(error(dice)) },
                2 => SendOutcome::Later { due_at: now, error: None },
                _ => SendOutcome::Failed { error: error(dice) },
            },
        });
    }
    let mut stood = 0;
    for record in &records {
        let n = model.get_mut(&record.notification_id).unwrap();
        stood += usize::from(n.apply_outcome(record));
        if let SendOutcome::Sent { provider_message_id } = &record.outcome {
            sends.entry(provider_message_id.clone()).or_insert(record.notification_id);
        }
    }
    assert_eq!(store.record_outcomes(&records).await.unwrap().counted, stood);
    assert_eq!(&all(store, requests).await, model, "{records:?}");
    deliver(store, (model, sends), dice, &ids).await;
}

async fn deliver(
    store: &dyn Repository,
    (model, sends): (&mut BTreeMap<NotificationId, Notification>, &mut Sends),
    dice: &mut Dice,
    ids: &[NotificationId],
) {
    let mut updates = Vec::new();
    for _ in 0..dice.throw(9) {
        let event =
            [DeliveryEvent::Sent, DeliveryEvent::Delivered, DeliveryEvent::Read, DeliveryEvent::Failed]
                [dice.throw(4) as usize];
        let failure = event == DeliveryEvent::Failed && dice.throw(4) > 0;
        updates.push(DeliveryUpdate {
            channel: Channel::DEFAULT,
            notification_id: match dice.throw(3) {
                0 => Some(ids[dice.throw(ids.len() as u64) as usize]),
                1 => Some(id(1).into()),
                _ => None,
            },
            provider_message_id: format!("wamid.{}", dice.throw(12)),
            event,
            at: at(dice.throw(200) as i64),
            error: failure.then(|| DeliveryError::new(format!("{}", dice.throw(3)), "no")),
            next: None,
        });
    }
    let mut effects = Vec::new();
    for update in &updates {
        let ours = update.notification_id.filter(|id| model.contains_key(id));
        let theirs = || sends.get(&update.provider_message_id).copied();
        effects.push(match ours.or_else(theirs).and_then(|id| model.get_mut(&id)) {
            Some(n) => {
                n.apply_delivery(update);
                sends.entry(update.provider_message_id.clone()).or_insert(n.id);
                DeliveryEffect::Known { notification_id: n.id, request_id: n.request_id }
            }
            None => DeliveryEffect::Unknown,
        });
    }
    let mut requests: Vec<_> = model.values().map(|n| n.request_id).collect();
    requests.sort_unstable();
    requests.dedup();
    assert_eq!(store.record_deliveries(&updates, at(0)).await.unwrap(), effects, "{updates:?}");
    assert_eq!(&all(store, &requests).await, model, "{updates:?}");
}
