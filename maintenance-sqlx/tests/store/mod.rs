//! What both databases must do, against the core's own rules. The suite for every store is in the crate of
//! tests; this is what SQL alone can get wrong.

pub(crate) mod catalogue;

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use maintenance_core::*;
use uuid::Uuid;

pub(crate) struct NoDirectory;

#[async_trait]
impl Directory for NoDirectory {
    async fn complex_of(&self, _: PropertyId) -> Result<Option<ComplexId>, DirectoryError> {
        Ok(Some(complex(1)))
    }

    async fn contacts(&self, _: &[RenterId]) -> Result<HashMap<RenterId, RenterContact>, DirectoryError> {
        Ok(HashMap::new())
    }
}

/// A clock that stands still.
struct Still;

impl Clock for Still {
    fn now(&self) -> DateTime<Utc> {
        at(0)
    }
}

pub(crate) fn id(n: u128) -> Uuid {
    Uuid::from_u128((n << 64) | 0x4000_8000_0000_0000_0000)
}

pub(crate) fn complex(n: u128) -> ComplexId {
    id(0xc000 + n).into()
}

pub(crate) fn at(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_767_000_000_000_000 + micros).unwrap()
}

pub(crate) fn worker(n: u128) -> Worker {
    Worker {
        id: id(0xa000 + n).into(),
        first_name: Name::new("Ann 'O\"Brien' \\ ü").unwrap(),
        last_name: Name::new("Lee").unwrap(),
        phone_number: PhoneNumber::try_from("+12025550123".to_owned()).unwrap(),
        email: Email::new("ann@example.com").unwrap(),
        specialties: [Specialty::PLUMBING, Specialty::new("pool care").unwrap()].into(),
        status: WorkerStatus::Active,
        created_at: at(n as i64),
        updated_at: at(n as i64),
    }
}

pub(crate) fn assignment(
    n: u128,
    worker: &Worker,
    complex: ComplexId,
    is_primary: bool,
) -> ComplexAssignment {
    ComplexAssignment {
        id: id(0xb000 + n).into(),
        worker_id: worker.id,
        complex_id: complex,
        is_primary,
        assigned_at: at(n as i64),
        updated_at: at(n as i64),
    }
}

pub(crate) fn new_request(n: u128) -> NewRequest {
    NewRequest {
        id: Some(id(n).into()),
        renter_id: id(0xd000).into(),
        property_id: id(0xe000).into(),
        complex_id: None,
        title: "The sink leaks".into(),
        description: "Since Monday.\n\tAlways.".into(),
        priority: Priority::High,
        location: "Kitchen".into(),
        specialty: Some("plumbing".into()),
    }
}

fn kind<T>(result: Result<T, RepositoryError>) -> RepositoryErrorKind {
    result.err().expect("an error").kind
}

pub(crate) async fn staff(store: &dyn Repository) -> Vec<Worker> {
    let workers: Vec<_> = (1..=3).map(worker).collect();
    for (n, worker) in workers.iter().enumerate() {
        assert_eq!(store.add_worker(worker).await.unwrap(), Inserted::New);
        let n = n as u128;
        store.assign_complex(&assignment(n, worker, complex(1), n == 0)).await.unwrap();
    }
    workers
}

/// Filed at the same moment, as over a pool: each call gets the answer to its own opening.
pub(crate) async fn at_once<S: Repository + Clone + 'static>(store: S) {
    let away = staff(&store).await.remove(2);
    let away = Worker { status: WorkerStatus::OnLeave, updated_at: at(50), ..away };
    store.save_worker(&away, worker(3).updated_at).await.unwrap();
    let maintenance = Maintenance::new(store.clone(), NoDirectory);
    let request = maintenance.submit(new_request(1)).await.unwrap().request;
    let message = maintenance.record(request.id).await.unwrap().notifications[0].clone();
    let with_message = |n: u128, message_id: u128| {
        let request = Request { id: id(0x6000 + n).into(), ..request.clone() };
        let id = id(0x7000 + message_id).into();
        let message = Notification { id, request_id: request.id, ..message.clone() };
        Opening { request, notification: Some(message) }
    };
    let opening = |n: u128| with_message(n, n);
    let mut refused = opening(4);
    refused.request.assigned_worker_id = Some(away.id);
    refused.notification.as_mut().unwrap().worker_id = away.id;
    let given = [opening(1), opening(2), with_message(2, 22), refused, opening(5)];
    let answers = join_all(given.iter().map(|opening| store.open(opening))).await;
    let [one, two, again, refused, five] = answers.try_into().unwrap();
    assert_eq!((one.unwrap(), five.unwrap()), (Inserted::New, Inserted::New));
    let twice = [two.unwrap() == Inserted::New, again.unwrap() == Inserted::New];
    assert_ne!(twice[0], twice[1], "one of the two files it");
    assert_eq!(kind(refused), RepositoryErrorKind::Conflict);
    for n in [1, 2, 5] {
        let record = store.record(opening(n).request.id).await.unwrap().unwrap();
        assert_eq!(record.notifications.len(), 1);
    }
    assert_eq!(store.request(opening(4).request.id).await.unwrap(), None);
}

/// Thousands wait in a storm: what a step holds meanwhile.
pub(crate) fn waiting_takes_little_memory(store: &dyn Repository) {
    let complexes = [complex(1)];
    let ranking = size_of_val(&*store.candidates(&complexes));
    let reading = size_of_val(&*store.request(id(1).into()));
    assert!(ranking < 4_096 && reading < 4_096, "{ranking} and {reading} bytes");
}

/// Workers and assignments.
pub(crate) async fn workers(store: &dyn Repository) {
    let workers = staff(store).await;
    let [one, two, _] = &workers[..] else { panic!() };
    assert_eq!(store.worker(one.id).await.unwrap().as_ref(), Some(one));
    assert_eq!(store.add_worker(one).await.unwrap(), Inserted::Existing(one.clone()));
    assert_eq!(store.worker(id(1).into()).await.unwrap(), None);

    let away = Worker { status: WorkerStatus::OnLeave, updated_at: at(50), ..one.clone() };
    assert_eq!(kind(store.save_worker(&away, at(49)).await), RepositoryErrorKind::Conflict);
    let nobody = Worker { id: id(1).into(), ..one.clone() };
    assert_eq!(kind(store.save_worker(&nobody, at(1)).await), RepositoryErrorKind::NotFound);
    store.save_worker(&away, one.updated_at).await.unwrap();
    assert_eq!(store.worker(one.id).await.unwrap(), Some(away.clone()));

    let all = Slice { after: None, limit: 10 };
    let list = |filter: WorkerFilter, slice| async move {
        let listing = store.workers(&filter, slice).await.unwrap();
        assert!(listing.corrupt.is_empty());
        listing.items.into_iter().map(|worker| worker.created_at).collect::<Vec<_>>()
    };
    assert_eq!(list(WorkerFilter::default(), all).await, [at(3), at(2), at(1)]);
    let after = Position { at: at(3), id: workers[2].id.uuid() };
    assert_eq!(list(WorkerFilter::default(), Slice { after: Some(after), limit: 1 }).await, [at(2)]);
    let on_leave = WorkerFilter { status: Some(WorkerStatus::OnLeave), ..Default::default() };
    assert_eq!(list(on_leave, all).await, [at(1)]);
    let trade = |name| WorkerFilter {
        specialty: Some(Specialty::new(name).unwrap()),
        complex_id: Some(complex(1)),
        ..Default::default()
    };
    assert_eq!(list(trade("pool care"), all).await.len(), 3);
    assert_eq!(list(trade("roofing"), all).await.len(), 0);

    // A pair that is assigned keeps its id; a new primary ends the old one.
    let again = store.assign_complex(&assignment(9, two, complex(1), true)).await.unwrap();
    assert_eq!(
        again,
        ComplexAssignment { updated_at: at(9), is_primary: true, ..assignment(1, two, complex(1), false) }
    );
    let all = store.assignments(AssignmentsOf::Complex(complex(1))).await.unwrap().items;
    assert_eq!(
        all.iter().map(|a| (a.is_primary, a.updated_at)).collect::<Vec<_>>(),
        [(false, at(9)), (true, at(9)), (false, at(2))]
    );
    let unknown = assignment(10, &nobody, complex(1), true);
    assert_eq!(kind(store.assign_complex(&unknown).await), RepositoryErrorKind::NotFound);
    assert!(store.assignments(AssignmentsOf::Worker(two.id)).await.unwrap().items[0].is_primary);
    assert!(store.unassign_complex(two.id, complex(1)).await.unwrap());
    assert!(!store.unassign_complex(two.id, complex(1)).await.unwrap());
    assert_eq!(store.candidates(&[complex(1)]).await.unwrap().items.len(), 2);
}

/// From submit to completion through the use cases.
pub(crate) async fn life<R: Repository>(store: R) {
    let workers = staff(&store).await;
    let maintenance = Maintenance::new(store, NoDirectory);
    let store = maintenance.repository();
    let filed = maintenance.submit(new_request(7)).await.unwrap();
    let request = filed.request.clone();
    assert_eq!(request.assigned_worker_id, Some(workers[0].id));
    assert_eq!(store.request(request.id).await.unwrap().as_ref(), Some(&request));
    assert_eq!(maintenance.submit(new_request(7)).await.unwrap().submission, Submission::AlreadyFiled);

    let candidates = store.candidates(&[complex(1)]).await.unwrap().items;
    let candidates: Vec<_> = candidates.into_iter().map(|(_, candidate)| candidate).collect();
    let busy = candidates.iter().find(|c| c.worker_id == workers[0].id).unwrap();
    assert_eq!((busy.open_requests, busy.last_assigned_at), (1, Some(request.created_at)));
    assert_eq!(candidates.iter().filter(|c| c.last_assigned_at.is_none()).count(), 2);

    let boss = Actor::Landlord(id(0xf000).into());
    let moved =
        maintenance.change_status(request.id, Move::to(RequestStatus::InProgress, boss)).await.unwrap();
    let note = Some("The other one is nearer.");
    let given = maintenance.assign(request.id, workers[1].id, boss, note).await.unwrap();
    assert_eq!((moved.version, given.version), (2, 3));
    let comment = NewComment { id: Some(id(0x77).into()), comment: "On my way.".into() };
    let staff = Actor::Worker(workers[1].id);
    let said = maintenance.comment(request.id, staff, comment.clone()).await.unwrap();
    assert_eq!(maintenance.comment(request.id, staff, comment).await.unwrap(), said);
    let file = NewAttachment {
        id: Some(id(0x78).into()),
        file_url: "https://files.example.com/sink.jpg".into(),
        file_type: "image/jpeg".into(),
    };
    let attached = maintenance.attach(request.id, file.clone()).await.unwrap();
    assert_eq!(maintenance.attach(request.id, file).await.unwrap(), attached);
    maintenance.change_status(request.id, Move::to(RequestStatus::InProgress, staff)).await.unwrap();
    let done =
        maintenance.change_status(request.id, Move::to(RequestStatus::Completed, staff)).await.unwrap();
    assert!(done.completed_at.is_some());

    let record = maintenance.record(request.id).await.unwrap();
    assert_eq!(record.request, done);
    assert_eq!(record.history.len(), 4);
    assert!(record.history.windows(2).all(|pair| pair[0].changed_at < pair[1].changed_at));
    assert_eq!((record.comments, record.attachments), (vec![said], vec![attached]));
    let told: Vec<_> = record.notifications.iter().map(|n| n.worker_id).collect();
    assert_eq!(told, [workers[0].id, workers[1].id]);
    assert_eq!(maintenance.repository().record(id(1).into()).await.unwrap(), None);

    // Refusals write nothing.
    let stale = RequestStep { request: done.clone(), change: None, notification: None };
    assert_eq!(kind(store.apply(&stale).await), RepositoryErrorKind::Conflict);
    let mut gone = stale.clone();
    gone.request.id = id(1).into();
    assert_eq!(kind(store.apply(&gone).await), RepositoryErrorKind::NotFound);
    let away = Worker { status: WorkerStatus::Inactive, updated_at: at(90), ..workers[2].clone() };
    store.save_worker(&away, workers[2].updated_at).await.unwrap();
    let mut tell = stale.clone();
    tell.request.version += 1;
    tell.notification =
        Some(Notification { worker_id: away.id, id: id(0x99).into(), ..record.notifications[0].clone() });
    assert_eq!(kind(store.apply(&tell).await), RepositoryErrorKind::Conflict);
    let mut opening = Opening { request: request.clone(), notification: tell.notification.clone() };
    assert_eq!(store.open(&opening).await.unwrap(), Inserted::Existing(done.clone()));
    opening.request.id = id(0x55).into();
    opening.request.assigned_worker_id = Some(away.id);
    assert_eq!(kind(store.open(&opening).await), RepositoryErrorKind::Conflict);
    assert_eq!(store.request(id(0x55).into()).await.unwrap(), None);
    let lost = Comment {
        id: id(0x56).into(),
        request_id: id(0x55).into(),
        ..maintenance
            .comments(&CommentFilter::default(), &PageRequest::default())
            .await
            .unwrap()
            .items
            .remove(0)
    };
    assert_eq!(kind(store.add_comment(&lost).await), RepositoryErrorKind::NotFound);
    assert_eq!(maintenance.record(request.id).await.unwrap().notifications.len(), 2);
}

/// Every filter gives the rows that it says, in pages of every size.
pub(crate) async fn lists<R: Repository>(store: R) {
    let workers = staff(&store).await;
    let maintenance = Maintenance::new(store, NoDirectory);
    let store = maintenance.repository();
    let mut all = Vec::new();
    let template = maintenance.submit(NewRequest { id: None, ..new_request(0) }).await.unwrap().request;
    for n in 0..60_u128 {
        let status = RequestStatus::ALL[(n % 4) as usize];
        let created_at = at((n / 2) as i64);
        let request = Request {
            id: id(1_000 + (n * 7) % 60).into(),
            renter_id: id(0xd000 + n % 3).into(),
            property_id: id(0xe000 + n % 5).into(),
            complex_id: complex(n % 2),
            assigned_worker_id: (n % 3 != 0).then(|| workers[(n % 2) as usize].id),
            status,
            priority: Priority::ALL[(n / 4 % 4) as usize],
            whatsapp_status: WhatsAppStatus::ALL[(n % 5) as usize],
            completed_at: (status == RequestStatus::Completed).then_some(created_at),
            created_at,
            ..template.clone()
        };
        store.open(&Opening { request: request.clone(), notification: None }).await.unwrap();
        all.push(request);
    }
    all.push(template);
    all.sort_by_key(|request| std::cmp::Reverse((request.created_at, request.id)));
    for shape in 0..256_u32 {
        let on = |bit: u32| shape & (1 << bit) != 0;
        let filter = RequestFilter {
            renter_id: on(0).then(|| id(0xd001).into()),
            assigned_worker_id: on(1).then_some(workers[1].id),
            complex_id: on(2).then_some(complex(1)),
            property_id: on(3).then(|| id(0xe001).into()),
            statuses: match shape % 3 {
                0 => vec![],
                1 => vec![RequestStatus::InProgress],
                _ => vec![RequestStatus::Cancelled, RequestStatus::Pending, RequestStatus::Pending],
            },
            priority: on(5).then_some(Priority::Low),
            whatsapp_status: on(6).then_some(WhatsAppStatus::Delivered),
            created_from: on(7).then_some(at(5)),
            created_before: on(4).then_some(at(25)),
        };
        let expected: Vec<_> = all.iter().filter(|r| matches(&filter, r)).cloned().collect();
        let (mut found, mut page) = (Vec::new(), PageRequest::first(1 + shape % 7));
        loop {
            let read = maintenance.requests(&filter, &page).await.unwrap();
            assert!(read.corrupt.is_empty());
            found.extend(read.items);
            let Some(next) = read.next else { break };
            page.after = Some(next);
        }
        assert_eq!(found, expected, "{filter:?}");
    }
    let absurd = RequestFilter {
        created_from: Some(DateTime::<Utc>::MIN_UTC),
        created_before: Some(DateTime::<Utc>::MAX_UTC),
        ..Default::default()
    };
    assert_eq!(store.requests(&absurd, Slice { after: None, limit: 100 }).await.unwrap().items.len(), 61);
}

fn matches(filter: &RequestFilter, request: &Request) -> bool {
    filter.renter_id.is_none_or(|id| request.renter_id == id)
        && filter.assigned_worker_id.is_none_or(|id| request.assigned_worker_id == Some(id))
        && filter.complex_id.is_none_or(|id| request.complex_id == id)
        && filter.property_id.is_none_or(|id| request.property_id == id)
        && (filter.statuses.is_empty() || filter.statuses.contains(&request.status))
        && filter.priority.is_none_or(|priority| request.priority == priority)
        && filter.whatsapp_status.is_none_or(|status| request.whatsapp_status == status)
        && filter.created_from.is_none_or(|from| request.created_at >= from)
        && filter.created_before.is_none_or(|before| request.created_at < before)
}

/// A generator of small numbers, the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Batches of claims, outcomes and webhook updates come to what `record` and `learn` say, one by one.
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
    let mut next = 0x1_0000_u128;
    for round in 0..rounds {
        // New messages, so that some are pending; each is its request's newest.
        for request in &requests {
            if dice.throw(3) == 0 {
                let record = store.record(*request).await.unwrap().unwrap();
                let mut step = RequestStep { request: record.request, change: None, notification: None };
                step.request.version += 1;
                step.request.updated_at += TimeDelta::microseconds(1);
                next += 1;
                step.notification = Some(Notification {
                    id: id(next).into(),
                    worker_id: workers[0].id,
                    created_at: step.request.updated_at,
                    due_at: step.request.updated_at,
                    status: WhatsAppStatus::Pending,
                    provider_message_id: None,
                    attempts: 0,
                    lease: None,
                    error: None,
                    sent_at: None,
                    delivered_at: None,
                    read_at: None,
                    failed_at: None,
                    ..record.notifications[0].clone()
                });
                step.request.whatsapp_message_id = None;
                step.request.whatsapp_status = WhatsAppStatus::Pending;
                store.apply(&step).await.unwrap();
            }
        }
        check(store, &requests, &mut model, &mut dice, round).await;
    }
}

async fn all(store: &dyn Repository, requests: &[RequestId]) -> BTreeMap<NotificationId, Notification> {
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
    model: &mut BTreeMap<NotificationId, Notification>,
    dice: &mut Dice,
    round: u64,
) {
    *model = all(store, requests).await;
    let now = at(0) + TimeDelta::days(3_000) + TimeDelta::hours(round as i64);
    let lease = LeaseId::from_uuid(id(0x9_0000 + u128::from(round)));
    let claim = Claim { now, until: now + TimeDelta::hours(3), lease, limit: 3 };
    let claimed = store.claim(claim).await.unwrap();
    assert!(claimed.corrupt.is_empty());
    let mut due: Vec<_> = model
        .values()
        .filter(|n| n.status == WhatsAppStatus::Pending && n.due_at <= now)
        .map(|n| (n.due_at, n.id))
        .collect();
    due.sort_unstable();
    due.truncate(3);
    let taken: Vec<_> = claimed.items.iter().map(|claimed| claimed.notification.id).collect();
    assert_eq!(taken, due.iter().map(|(_, id)| *id).collect::<Vec<_>>());
    for claimed in &claimed.items {
        let n = model.get_mut(&claimed.notification.id).unwrap();
        (n.lease, n.due_at) = (Some(lease), claim.until);
        n.attempts += 1;
        assert_eq!(&claimed.notification, n);
    }
    assert_eq!(&all(store, requests).await, model);

    let ids: Vec<_> = model.keys().copied().collect();
    let provider = |dice: &mut Dice| format!("wamid.{}", dice.throw(12));
    let error = |dice: &mut Dice| DeliveryError::new(format!("{}", dice.throw(3)), "no");
    if dice.throw(2) == 0 {
        deliver(store, model, dice, &ids).await;
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
        if n.lease == Some(record.lease) {
            n.record(record);
            stood += 1;
        }
    }
    assert_eq!(store.record_outcomes(&records).await.unwrap(), stood);
    assert_eq!(&all(store, requests).await, model, "{records:?}");
    deliver(store, model, dice, &ids).await;
}

async fn deliver(
    store: &dyn Repository,
    model: &mut BTreeMap<NotificationId, Notification>,
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
            notification_id: match dice.throw(3) {
                0 => Some(ids[dice.throw(ids.len() as u64) as usize]),
                1 => Some(id(1).into()),
                _ => None,
            },
            provider_message_id: format!("wamid.{}", dice.throw(12)),
            event,
            at: at(dice.throw(200) as i64),
            error: failure.then(|| DeliveryError::new(format!("{}", dice.throw(3)), "no")),
        });
    }
    let mut effects = Vec::new();
    for update in &updates {
        let ours = update.notification_id.filter(|id| model.contains_key(id));
        let theirs = || {
            let mut known = model.values();
            known.find(|n| n.provider_message_id.as_ref() == Some(&update.provider_message_id)).map(|n| n.id)
        };
        effects.push(match ours.or_else(theirs).and_then(|id| model.get_mut(&id)) {
            Some(n) => {
                n.learn(update);
                DeliveryEffect::Known
            }
            None => DeliveryEffect::Unknown,
        });
    }
    let mut requests: Vec<_> = model.values().map(|n| n.request_id).collect();
    requests.sort_unstable();
    requests.dedup();
    assert_eq!(store.record_deliveries(&updates).await.unwrap(), effects, "{updates:?}");
    assert_eq!(&all(store, &requests).await, model, "{updates:?}");
}

/// Many make a different worker the primary of one complex at once: all succeed, one primary is left.
pub(crate) async fn primaries<R: Repository + Clone + 'static>(store: R) {
    let workers = staff(&store).await;
    let tasks: Vec<_> = (0..9_u128)
        .map(|n| {
            let (store, worker) = (store.clone(), workers[(n % 3) as usize].clone());
            let assignment = assignment(100 + n, &worker, complex(n % 2 + 1), true);
            tokio::spawn(async move { store.assign_complex(&assignment).await.map(drop) })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    for n in 1..=2 {
        let all = store.assignments(AssignmentsOf::Complex(complex(n))).await.unwrap().items;
        assert_eq!(all.iter().filter(|assignment| assignment.is_primary).count(), 1);
    }
}

/// Dispatchers and webhooks at once over the same messages: every message is taken once, nothing fails, and
/// the mirrors are right.
pub(crate) async fn crowd<R: Repository + Clone + 'static>(store: R) {
    staff(&store).await;
    let maintenance = Maintenance::new(store.clone(), NoDirectory);
    let mut requests = Vec::new();
    for n in 0..60 {
        requests.push(maintenance.submit(new_request(n)).await.unwrap().request.id);
    }
    let now = at(0) + TimeDelta::days(3_000);
    let tasks: Vec<_> = (0..6_u128)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                let lease = LeaseId::from_uuid(id(0x9_0000 + task));
                let mut taken = 0;
                loop {
                    let claim = Claim { now, until: now + TimeDelta::hours(1), lease, limit: 7 };
                    let claimed = store.claim(claim).await.unwrap().items;
                    if claimed.is_empty() {
                        return taken;
                    }
                    taken += claimed.len();
                    let ids: Vec<_> = claimed.iter().map(|claimed| claimed.notification.id).collect();
                    let updates: Vec<_> =
                        [DeliveryEvent::Read, DeliveryEvent::Delivered, DeliveryEvent::Sent]
                            .into_iter()
                            .flat_map(|event| ids.iter().map(move |id| (*id, event)))
                            .map(|(id, event)| DeliveryUpdate {
                                notification_id: Some(id),
                                provider_message_id: format!("wamid.{id}"),
                                event,
                                at: now,
                                error: None,
                            })
                            .collect();
                    let records: Vec<_> = ids
                        .iter()
                        .map(|id| SendRecord {
                            notification_id: *id,
                            lease,
                            attempts: 1,
                            at: now,
                            outcome: SendOutcome::Sent { provider_message_id: format!("wamid.{id}") },
                        })
                        .collect();
                    let (again, mut reversed) = (store.clone(), updates.clone());
                    reversed.reverse();
                    let other =
                        tokio::spawn(async move { again.record_deliveries(&reversed).await.unwrap() });
                    assert_eq!(store.record_outcomes(&records).await.unwrap(), records.len());
                    store.record_deliveries(&updates).await.unwrap();
                    other.await.unwrap();
                }
            })
        })
        .collect();
    let mut taken = 0;
    for task in tasks {
        taken += task.await.unwrap();
    }
    assert_eq!(taken, 60);
    for notification in all(&store, &requests).await.values() {
        assert_eq!(notification.status, WhatsAppStatus::Read);
        assert_eq!(notification.attempts, 1);
    }
}

/// Submits given up at any moment leave whole steps and a pool that works.
pub(crate) async fn cancelled<R: Repository + Clone + 'static>(store: R) {
    staff(&store).await;
    let maintenance = Maintenance::new(store.clone(), NoDirectory);
    for n in 0..200_u128 {
        let submit = maintenance.submit(new_request(n));
        let patience = std::time::Duration::from_micros(20 * n as u64);
        let _ = tokio::time::timeout(patience, submit).await;
    }
    for n in 0..200_u128 {
        maintenance.submit(new_request(n)).await.unwrap();
        let record = maintenance.record(id(n).into()).await.unwrap();
        assert_eq!(record.notifications.len(), 1);
    }
}

/// Each bad update spoils one request of its own or its message: lists and claims report it and keep the rest.
pub(crate) async fn corrupt<R: Repository, F: Future<Output = ()>>(
    store: R,
    bad: &[(&'static str, &'static str)],
    execute: impl Fn(String) -> F,
) {
    staff(&store).await;
    let maintenance = Maintenance::new(store, NoDirectory).with_clock(Still);
    let store = maintenance.repository();
    let count = bad.len() as u128;
    for n in 0..=count {
        maintenance.submit(new_request(n)).await.unwrap();
    }
    for (n, (_, update)) in bad.iter().enumerate() {
        let key = if update.starts_with("maintenance_requests") { "id" } else { "request_id" };
        execute(format!("update {update} where {key} = '{}'", id(n as u128))).await;
    }
    for (n, (column, update)) in bad.iter().enumerate() {
        let error = store.record(id(n as u128).into()).await.unwrap_err().kind;
        let table = update.split(' ').next().unwrap();
        assert!(
            matches!(&error, RepositoryErrorKind::Corrupt { table: t, column: c, .. } if *t == table && c == column),
            "{update}: {error:?}"
        );
    }
    let of_requests = bad.iter().filter(|(_, update)| update.starts_with("maintenance_requests")).count();
    let listing = store.requests(&RequestFilter::default(), Slice { after: None, limit: 50 }).await.unwrap();
    assert_eq!(listing.corrupt.len(), of_requests);
    assert_eq!(listing.items.len(), bad.len() + 1 - of_requests);
    let now = at(0) + TimeDelta::days(3_000);
    let lease = LeaseId::from_uuid(id(0x9_0000));
    let claim = Claim { now, until: now + TimeDelta::hours(1), lease, limit: 50 };
    let claimed = store.claim(claim).await.unwrap();
    assert_eq!((claimed.items.len(), claimed.corrupt.len()), (1, bad.len()));
    let again = store.claim(claim).await.unwrap();
    assert_eq!((again.items.len(), again.corrupt.len()), (0, 0));
}

/// A step that fails half-way leaves nothing of itself behind, also in a host's transaction if that goes on.
pub(crate) async fn halves<R: Repository>(store: R) {
    staff(&store).await;
    let maintenance = Maintenance::new(store, NoDirectory);
    let store = maintenance.repository();
    let boss = Actor::Landlord(id(0xf000).into());
    let one = maintenance.submit(new_request(1)).await.unwrap().request;
    let two = maintenance.submit(new_request(2)).await.unwrap().request;
    maintenance.change_status(one.id, Move::to(RequestStatus::InProgress, boss)).await.unwrap();
    let record = maintenance.record(one.id).await.unwrap();
    let (change, message) = (record.history[0].clone(), record.notifications[0].clone());

    // The change's id is taken.
    let request = Request { status: RequestStatus::InProgress, version: 2, ..two.clone() };
    let change = StatusChange { request_id: two.id, ..change };
    let step = RequestStep { request, change: Some(change), notification: None };
    assert_eq!(kind(store.apply(&step).await), RepositoryErrorKind::Conflict);
    assert_eq!(maintenance.record(two.id).await.unwrap().request, two);

    // The id of the second one's message is taken by another request's.
    let opening = |n: u128, message_id: NotificationId| {
        let request = Request { id: id(n).into(), ..two.clone() };
        let message = Notification { id: message_id, request_id: request.id, ..message.clone() };
        Opening { request, notification: Some(message) }
    };
    let openings = [opening(0x61, id(0x71).into()), opening(0x62, message.id)];
    assert_eq!(kind(store.open_many(&openings).await), RepositoryErrorKind::Conflict);
    assert_eq!(kind(store.open(&openings[1]).await), RepositoryErrorKind::Conflict);
    for opening in &openings {
        assert_eq!(store.request(opening.request.id).await.unwrap(), None);
    }

    // Filed after all, and again: nothing new.
    let openings = [opening(0x61, id(0x71).into()), opening(0x62, id(0x72).into())];
    assert_eq!(kinds(store.open_many(&openings).await), [true, true]);
    assert_eq!(kinds(store.open_many(&openings).await), [false, false]);
    assert!(matches!(store.open(&openings[0]).await, Ok(Inserted::Existing(_))));
    assert_eq!(maintenance.record(id(0x61).into()).await.unwrap().notifications.len(), 1);
}

fn kinds(answers: Result<Vec<Result<Inserted<Request>, RepositoryError>>, RepositoryError>) -> Vec<bool> {
    answers.unwrap().into_iter().map(|answer| answer.unwrap() == Inserted::New).collect()
}
