//! Random steps, claims, outcomes and news come to the same on every store, by its port alone.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "test code with small numbers: a failed expectation is its result"
)]

use std::{future::Future, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use maintenance_core::{
    AssignmentCause, AssignmentChange, Channel, Claim, DeliveryError, DeliveryEvent, DeliveryUpdate,
    Description, EditedField, Email, FieldChange, Filed, Filing, Hold, HoldReason, LeaseId, Location, Name,
    News, Note, Notification, NotificationKind, OrganizationId, PhoneNumber, Priority, Repository,
    RepositoryError, Request, RequestId, RequestNumber, RequestRecord, RequestStatus, SendOutcome,
    SendRecord, Specialty, StatusChange, Step, Title, UserId, WhatsAppStatus, Worker, WorkerId, WorkerStatus,
    Write,
};
use maintenance_memory::MemoryRepository;
use maintenance_tests::databases::{self, Store};
use proptest::{prelude::*, sample::select, test_runner::TestCaseError};
use uuid::Uuid;

/// One call of the port. Numbers pick among what there is by then.
#[derive(Debug, Clone)]
enum Call {
    /// A worker's status is set.
    Worker(u8, WorkerStatus),
    /// A request is filed, for a worker with a message to them or for nobody.
    File(u8, Option<u8>, Priority),
    /// A step: its version is the request's or an older one, its time is the clock's or that of the request's step.
    Step {
        request: u8,
        old: bool,
        status: Option<RequestStatus>,
        worker: Option<Whose>,
        edits: Vec<Edits>,
        tells: Vec<Tells>,
    },
    /// A claim of so many, while some channels rest and some are tried.
    Claim { limit: u32, resting: Vec<u8>, trying: Vec<u8> },
    /// What became of a message, under its lease or an older one.
    Outcome(usize, Came, bool),
    /// News of a message, by our id or the provider's, and by its channel or another.
    News(usize, DeliveryEvent, bool, Option<u8>),
    /// A failed message is filed anew.
    Again(usize),
    /// Time passes, in seconds.
    Waits(u32),
}

type Tells = (NotificationKind, u8);

/// The worker whose a request is, or nobody.
type Whose = Option<u8>;

/// A field's new value.
#[derive(Debug, Clone, Copy)]
enum Edits {
    Title(u8),
    Description(u8),
    Location(u8),
    Priority(Priority),
    Trade(Option<&'static str>),
    Property(u8),
    Complex(u8),
    Hold(Option<Until>),
}

/// Until when, in microseconds from now, if that is known.
type Until = Option<u32>;

impl Edits {
    /// As it is written on that request.
    fn on(self, request: &Request, now: DateTime<Utc>) -> FieldChange {
        let text = |n: u8| format!("{n} \u{e000}\u{2028}\"\\'\n");
        match self {
            Self::Title(n) => {
                FieldChange::Title { before: request.title.clone(), after: Title::new(&text(n)).unwrap() }
            }
            Self::Description(n) => FieldChange::Description {
                before: request.description.clone(),
                after: Description::new(&text(n)).unwrap(),
            },
            Self::Location(n) => FieldChange::Location {
                before: request.location.clone(),
                after: Location::new(&text(n)).unwrap(),
            },
            Self::Priority(after) => FieldChange::Priority { before: request.priority, after },
            Self::Trade(trade) => FieldChange::Specialty {
                before: request.specialty.clone(),
                after: trade.map(|trade| Specialty::new(trade).unwrap()),
            },
            Self::Property(n) => {
                FieldChange::Property { before: request.property_id, after: id(6, n).into() }
            }
            Self::Complex(n) => FieldChange::Complex { before: request.complex_id, after: id(7, n).into() },
            Self::Hold(hold) => FieldChange::Hold {
                before: request.hold.clone(),
                after: hold.map(|until| Hold {
                    reason: HoldReason::new(&text(0)).unwrap(),
                    until: until.map(|micros| now + TimeDelta::microseconds(i64::from(micros))),
                }),
            },
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Came {
    Sent,
    Later { tried: bool },
    Failed { tried: bool },
}

fn any_calls() -> impl Strategy<Value = Vec<Call>> {
    let kind = || select(NotificationKind::ALL);
    let worker = || 0..3_u8;
    let event = select(vec![DeliveryEvent::Sent, DeliveryEvent::Delivered, DeliveryEvent::Failed]);
    let channels = || proptest::collection::vec(0..3_u8, 0..2);
    let other = proptest::option::weighted(0.2, 0..3_u8);
    let came = prop_oneof![
        3 => Just(Came::Sent),
        2 => any::<bool>().prop_map(|tried| Came::Later { tried }),
        3 => any::<bool>().prop_map(|tried| Came::Failed { tried }),
    ];
    let edit = prop_oneof![
        (0..3_u8).prop_map(Edits::Title),
        (0..3_u8).prop_map(Edits::Description),
        (0..3_u8).prop_map(Edits::Location),
        select(Priority::ALL).prop_map(Edits::Priority),
        proptest::option::of(select(vec!["plumbing", "roofing"])).prop_map(Edits::Trade),
        (0..3_u8).prop_map(Edits::Property),
        (0..3_u8).prop_map(Edits::Complex),
        proptest::option::of(proptest::option::of(any::<u32>())).prop_map(Edits::Hold),
    ];
    let call = prop_oneof![
        1 => (worker(), select(WorkerStatus::ALL)).prop_map(|(n, status)| Call::Worker(n, status)),
        2 => (0..3_u8, proptest::option::of(worker()), select(Priority::ALL))
            .prop_map(|(n, worker, priority)| Call::File(n, worker, priority)),
        9 => (
            0..3_u8,
            proptest::bool::weighted(0.1),
            proptest::option::of(select(RequestStatus::ALL)),
            proptest::option::of(proptest::option::of(worker())),
            proptest::collection::vec(edit, 0..3),
            proptest::collection::vec((kind(), worker()), 0..3),
        )
            .prop_map(|(request, old, status, worker, edits, tells)| Call::Step { request, old, status, worker, edits, tells }),
        4 => (1..7_u32, channels(), channels())
            .prop_map(|(limit, resting, trying)| Call::Claim { limit, resting, trying }),
        5 => (any::<usize>(), came, proptest::bool::weighted(0.9)).prop_map(|(n, came, held)| Call::Outcome(n, came, held)),
        4 => (any::<usize>(), event, any::<bool>(), other).prop_map(|(n, event, ours, by)| Call::News(n, event, ours, by)),
        2 => any::<usize>().prop_map(Call::Again),
        3 => (1..400_u32).prop_map(Call::Waits),
    ];
    proptest::collection::vec(call, 0..60)
}

fn id(kind: u128, n: impl Into<u128>) -> Uuid {
    Uuid::from_u128((kind << 96) | (0x4000_8000 << 48) | n.into())
}

fn channel(n: u8) -> Channel {
    if n == 0 { Channel::DEFAULT } else { Channel::new(&format!("channel-{n}")).unwrap() }
}

fn worker_id(n: u8) -> WorkerId {
    id(1, n).into()
}

fn request_id(n: u8) -> RequestId {
    id(2, n).into()
}

/// A store with what the calls made so far.
struct Life {
    store: Store,
    now: DateTime<Utc>,
    minted: u128,
    messages: Vec<Notification>,
}

impl Life {
    async fn of(store: Store) -> Self {
        let now = DateTime::from_timestamp_micros(1_767_000_000_000_000).unwrap();
        for n in 0..3 {
            let worker = Worker {
                id: worker_id(n),
                organization_id: OrganizationId::NONE,
                first_name: Name::new("Worker").unwrap(),
                last_name: Name::new("One").unwrap(),
                phone_number: PhoneNumber::try_from("+12025550123".to_owned()).unwrap(),
                email: Email::new("worker@example.com").unwrap(),
                specialties: [].into(),
                status: WorkerStatus::Active,
                created_at: now,
                updated_at: now,
            };
            store.add_worker(&worker).await.unwrap();
        }
        Self { store, now, minted: 0, messages: Vec::new() }
    }

    fn mint(&mut self) -> Uuid {
        self.minted += 1;
        // Later ids aren't greater ones.
        id(3, (self.minted * 0x9E37) % 0x1_0001)
    }

    fn message(&mut self, request: &Request, (kind, worker): Tells, at: DateTime<Utc>) -> Notification {
        Notification {
            id: self.mint().into(),
            organization_id: request.organization_id,
            channel: channel(worker % 2),
            request_id: request.id,
            to: match kind {
                NotificationKind::News => request.renter_id.into(),
                _ => worker_id(worker).into(),
            },
            kind,
            answer: None,
            news: (kind == NotificationKind::News).then(|| News::ALL[usize::from(worker)]),
            priority: request.priority,
            status: WhatsAppStatus::Pending,
            provider_message_id: None,
            attempts: 0,
            claims: 0,
            due_at: self.now,
            lease: None,
            error: None,
            since: at,
            created_at: at,
            sent_at: None,
            delivered_at: None,
            read_at: None,
            failed_at: None,
            acknowledged_at: None,
        }
    }

    fn change(&mut self, request: &Request, to: Option<WorkerId>, at: DateTime<Utc>) -> AssignmentChange {
        AssignmentChange {
            id: self.mint().into(),
            request_id: request.id,
            previous_worker_id: request.assigned_worker_id,
            new_worker_id: to,
            changed_by: UserId::SYSTEM,
            changed_at: at,
            cause: AssignmentCause::ByHand,
            notes: Some(Note::new("why \u{e000}\u{2028}\"\\").unwrap()),
            ranking: Vec::new(),
        }
    }

    fn pick(&self, n: usize) -> Option<usize> {
        n.checked_rem(self.messages.len())
    }

    async fn call(&mut self, call: &Call) -> String {
        match call {
            Call::Worker(n, status) => {
                let mut worker = self.store.worker(worker_id(*n)).await.unwrap().unwrap();
                let seen = worker.updated_at;
                worker.status = *status;
                worker.updated_at = self.now.max(seen + TimeDelta::microseconds(1));
                answer(self.store.save_worker(&worker, seen).await)
            }
            Call::File(n, worker, priority) => self.file(*n, *worker, *priority).await,
            Call::Step { request, old, status, worker, edits, tells } => {
                let Some(before) = self.store.request(request_id(*request)).await.unwrap() else {
                    return String::new();
                };
                self.step(before, *old, *status, *worker, edits, tells).await
            }
            Call::Claim { limit, resting, trying } => {
                let lease = LeaseId::from_uuid(self.mint());
                let until = self.now + TimeDelta::seconds(300);
                let channels = |of: &[u8]| of.iter().copied().map(channel).collect();
                let claim = Claim {
                    resting: channels(resting),
                    trying: channels(trying),
                    ..Claim::new(self.now, until, lease, *limit)
                };
                let mut claimed = self.store.claim(&claim).await.unwrap();
                for claimed in &mut claimed.items {
                    claimed.request.number = RequestNumber::NONE;
                    let message = self.messages.iter_mut().find(|n| n.id == claimed.notification.id);
                    message.unwrap().lease = Some(lease);
                }
                format!("{claimed:#?}")
            }
            Call::Outcome(n, came, held) => {
                let Some(n) = self.pick(*n) else { return String::new() };
                let message = &self.messages[n];
                let error = || DeliveryError::new("1", "refused");
                let due_at = self.now + TimeDelta::seconds(30);
                let (tried, outcome) = match *came {
                    Came::Sent => {
                        (true, SendOutcome::Sent { provider_message_id: format!("wamid.{}", message.id) })
                    }
                    Came::Later { tried } => (tried, SendOutcome::Later { due_at, error: tried.then(error) }),
                    Came::Failed { tried } => (tried, SendOutcome::Failed { error: error() }),
                };
                let lease = message.lease.filter(|_| *held).unwrap_or(LeaseId::from_uuid(id(4, 1_u8)));
                let record = SendRecord {
                    notification_id: message.id,
                    lease,
                    attempts: u32::from(tried),
                    at: self.now,
                    outcome,
                };
                let mut recorded = self.store.record_outcomes(&[record]).await.unwrap();
                recorded.early.sort_by_key(|update| (update.at, update.event.status()));
                format!("{recorded:?}")
            }
            Call::News(n, event, ours, by) => {
                let Some(n) = self.pick(*n) else { return String::new() };
                let message = &self.messages[n];
                let update = DeliveryUpdate {
                    channel: by.map_or_else(|| message.channel.clone(), channel),
                    notification_id: ours.then_some(message.id),
                    provider_message_id: format!("wamid.{}", message.id),
                    event: *event,
                    at: self.now,
                    error: (*event == DeliveryEvent::Failed)
                        .then(|| DeliveryError::new("2", "not delivered")),
                    next: None,
                };
                format!("{:?}", self.store.record_deliveries(&[update], self.now).await.unwrap())
            }
            Call::Again(n) => {
                let Some(n) = self.pick(*n) else { return String::new() };
                let old = self.messages[n].clone();
                let request = self.store.request(old.request_id).await.unwrap().unwrap();
                let at = self.next(&request).max(old.created_at + TimeDelta::microseconds(1));
                let again = Notification { id: self.mint().into(), created_at: at, lease: None, ..old };
                let filed = self.store.file_again(old.id, &again).await.unwrap();
                self.messages.extend(filed.then_some(again));
                filed.to_string()
            }
            Call::Waits(seconds) => {
                self.now += TimeDelta::seconds(i64::from(*seconds));
                String::new()
            }
        }
    }

    /// The request's next time, as the use cases take it.
    fn next(&self, request: &Request) -> DateTime<Utc> {
        self.now.max(request.updated_at + TimeDelta::microseconds(1))
    }

    async fn file(&mut self, n: u8, worker: Option<u8>, priority: Priority) -> String {
        let mut request = Request {
            id: request_id(n),
            renter_id: id(5, n).into(),
            title: Title::new("The sink leaks").unwrap(),
            description: Description::new("It drips.").unwrap(),
            status: RequestStatus::Pending,
            priority,
            created_at: self.now,
            updated_at: self.now,
            completed_at: None,
            property_id: id(6, n).into(),
            location: Location::new("Kitchen").unwrap(),
            assigned_worker_id: None,
            whatsapp_message_id: None,
            whatsapp_status: WhatsAppStatus::Pending,
            complex_id: id(7, 1_u8).into(),
            specialty: None,
            version: 1,
            organization_id: OrganizationId::NONE,
            fingerprint: None,
            hold: None,
            number: RequestNumber::NONE,
        };
        let assignment = worker.map(|worker| self.change(&request, Some(worker_id(worker)), self.now));
        request.assigned_worker_id = worker.map(worker_id);
        let notification =
            worker.map(|worker| self.message(&request, (NotificationKind::Assignment, worker), self.now));
        let news = n.is_multiple_of(2).then(|| Notification {
            id: id(9, n).into(),
            ..self.message(&request, (NotificationKind::News, 0), self.now)
        });
        let filing = Filing { request, assignment, notification, news };
        match self.store.file(std::slice::from_ref(&filing)).await.unwrap().remove(0) {
            // Each store gives numbers of its own.
            Ok(Filed::New(_)) => {
                self.messages.extend(filing.notification.into_iter().chain(filing.news));
                "new".to_owned()
            }
            Ok(Filed::Existing(stored)) => answer(Ok(unnumbered(stored))),
            Err(error) => answer::<Filed>(Err(error)),
        }
    }

    async fn step(
        &mut self,
        before: Request,
        old: bool,
        status: Option<RequestStatus>,
        worker: Option<Whose>,
        edits: &[Edits],
        tells: &[Tells],
    ) -> String {
        let at = self.next(&before);
        let mut step = Step::on(&before, at);
        step.seen -= u32::from(old);
        if let Some(to) = status {
            step.writes.push(Write::Status(StatusChange {
                id: self.mint().into(),
                request_id: before.id,
                previous_status: before.status,
                new_status: to,
                changed_by: UserId::SYSTEM,
                // The step's own time is what counts for the request.
                changed_at: at + TimeDelta::seconds(1),
                notes: None,
            }));
        }
        if let Some(to) = worker {
            step.writes.push(Write::Assignment(self.change(&before, to.map(worker_id), at)));
        }
        for edit in edits {
            let change = edit.on(&before, self.now);
            // A field is edited once per step.
            let is_edited =
                |write: &Write| matches!(write, Write::Edit(edit) if edit.change.field() == change.field());
            if !step.writes.iter().any(is_edited) {
                step.writes.push(Write::Edit(EditedField {
                    id: self.mint().into(),
                    request_id: before.id,
                    edited_by: UserId::SYSTEM,
                    edited_at: at,
                    change,
                }));
            }
        }
        // One assignment message per step, and no worker is told both at once.
        let (mut messages, mut told) = (Vec::new(), Vec::new());
        for (kind, worker) in tells {
            let second = *kind == NotificationKind::Assignment && step.assignment_message().is_some();
            if !second && !told.contains(worker) {
                told.push(*worker);
                let message = self.message(&step.after(before.clone()), (*kind, *worker), at);
                step.writes.push(Write::Notify(message.clone()));
                messages.push(message);
            }
        }
        let applied = self.store.apply(&step).await;
        if applied.is_ok() {
            self.messages.append(&mut messages);
            let after = self.store.request(before.id).await.unwrap().unwrap();
            assert_eq!(after, step.after(before), "{step:#?}");
        }
        answer(applied)
    }

    /// All that the store has of the requests.
    async fn records(&self) -> String {
        let mut records = String::new();
        for n in 0..3 {
            let record = self.store.record(request_id(n)).await.unwrap();
            let record = record.map(|record| RequestRecord { request: unnumbered(record.request), ..record });
            records += &serde_json::to_string_pretty(&record).unwrap();
        }
        records
    }
}

fn unnumbered(request: Request) -> Request {
    Request { number: RequestNumber::NONE, ..request }
}

fn answer<T: std::fmt::Debug>(answer: Result<T, RepositoryError>) -> String {
    answer.map_or_else(|error| format!("{:?}", error.kind), |answer| format!("{answer:?}"))
}

async fn same(calls: &[Call], store: Store) -> Result<(), TestCaseError> {
    let memory: Arc<dyn Repository> = Arc::new(MemoryRepository::new());
    let (mut expected, mut found) = (Life::of(memory).await, Life::of(store).await);
    for call in calls {
        prop_assert_eq!(found.call(call).await, expected.call(call).await, "{:?}", call);
        prop_assert_eq!(found.records().await, expected.records().await, "after {:?}", call);
    }
    Ok(())
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn steps_on_sqlite_are_steps_in_memory(calls in any_calls()) {
        run(async {
            let (store, _alive) = databases::sqlite().await;
            same(&calls, Arc::new(store)).await
        })?;
    }
}

#[cfg(feature = "postgres")]
proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn steps_on_postgres_are_steps_in_memory(calls in any_calls()) {
        run(async {
            let (store, _alive) = databases::postgres().await;
            same(&calls, Arc::new(store)).await
        })?;
    }
}
