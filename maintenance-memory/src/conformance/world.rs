//! A complex, its workers, a renter, and an engine over some store.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use maintenance_core::{
    Actor, ComplexId, DeliveryError, DeliveryEvent, DeliveryUpdate, DispatchPolicy, DispatchReport,
    Dispatcher, Filed, Filing, Maintenance, NewRequest, NewWorker, News, NextStep, Notification,
    NotificationKind, NotifyError, OrganizationId, Organizations, PageRequest, Priority, PropertyId,
    RenterId, Repository, RepositoryError, Request, RequestFilter, RequestForm, RequestId, RequestRecord,
    SendEffect, SharedRepository, Submission, UserId, Worker, WorkerId,
};
use uuid::Uuid;

use crate::{ManualClock, RecordingNotifier, SequentialIds, TableDirectory};

/// An engine over a store, with a clock, ids, a directory and a channel that a test controls.
pub struct World {
    /// The engine.
    pub maintenance: Maintenance<Arc<dyn Repository>>,
    /// Its clock, which stands still until it is moved.
    pub clock: ManualClock,
    /// The host's tables.
    pub directory: TableDirectory,
    /// The channel.
    pub notifier: RecordingNotifier,
    /// The renter who files requests.
    pub renter: RenterId,
    /// Their property.
    pub property: PropertyId,
    /// Its complex.
    pub complex: ComplexId,
    /// What renters are told.
    pub(super) told: BTreeSet<News>,
    pub(super) ids: SequentialIds,
    pub(super) store: Arc<dyn SharedRepository>,
}

impl World {
    /// A world with one renter in one complex without workers.
    pub fn new(store: impl Organizations + 'static) -> Self {
        let (clock, directory, ids) = (ManualClock::new(), TableDirectory::new(), SequentialIds::new());
        Self::with(OrganizationId::NONE, Arc::new(store), clock, directory, ids, RecordingNotifier::new())
    }

    /// Another organisation of the same store, with a renter and a complex of its own. Clock, ids, directory and channel
    /// are shared; each world has an engine of its own.
    #[must_use]
    pub fn of(&self, organization: OrganizationId) -> Self {
        let (store, clock, directory) =
            (self.store.clone(), self.clock.clone(), self.directory.of(organization));
        Self::with(organization, store, clock, directory, self.ids.clone(), self.notifier.clone())
    }

    fn with(
        organization: OrganizationId,
        store: Arc<dyn SharedRepository>,
        clock: ManualClock,
        directory: TableDirectory,
        ids: SequentialIds,
        notifier: RecordingNotifier,
    ) -> Self {
        let (property, complex) = (directory.property(1), directory.complex(1));
        let renter = directory.renter("Renter One", "+12025550100");
        let seen: Arc<dyn Repository> = store.of(organization);
        let maintenance =
            Maintenance::new(seen, directory.clone()).with_clock(clock.clone()).with_ids(ids.clone());
        let told = BTreeSet::new();
        Self { maintenance, clock, directory, notifier, renter, property, complex, told, ids, store }
    }

    /// The same, where renters are told that news.
    #[must_use]
    pub fn telling(mut self, news: &[News]) -> Self {
        self.told = news.iter().copied().collect();
        self.maintenance = self.maintenance.with_renter_news(self.told.clone());
        self
    }

    /// An engine over the same store that serves all of its organisations, as the one that receives messages must.
    pub fn shared_engine(&self) -> Maintenance<Arc<dyn SharedRepository>> {
        let engine = Maintenance::new(self.store.clone(), self.directory.clone());
        let engine = engine.with_renter_news(self.told.clone());
        engine.with_clock(self.clock.clone()).with_ids(self.ids.clone())
    }

    /// A landlord.
    pub fn landlord(&self) -> Actor {
        Actor::Landlord(UserId::from_uuid(Uuid::from_u128(0xA11)))
    }

    /// A new worker with these trades, as a form would send it.
    pub fn new_worker(&self, trades: &[&str]) -> NewWorker {
        NewWorker {
            first_name: "Worker".into(),
            last_name: "Ångström 工".into(),
            phone_number: "+1 202 555 0123".into(),
            email: "worker@example.com".into(),
            specialties: trades.iter().map(ToString::to_string).collect(),
            ..NewWorker::default()
        }
    }

    /// Adds a worker with these trades to the complex.
    pub async fn worker(&self, trades: &[&str]) -> Worker {
        let worker = self.maintenance.add_worker(self.new_worker(trades)).await.unwrap();
        self.maintenance.assign_complex(worker.id, self.complex, false).await.unwrap();
        worker
    }

    /// A new request about a leaking sink, as a form would send it.
    pub fn new_request(&self) -> NewRequest {
        let form = RequestForm::new(
            "The sink leaks",
            "Water under the kitchen sink.\nIt drips – \"often\", 'fast' & ever faster 💧",
            "Kitchen",
        );
        let form = form.priority(Priority::High).specialty("plumbing");
        NewRequest::new(self.renter, self.property, form)
    }

    /// Files a request.
    pub async fn filed(&self) -> Request {
        let submitted = self.maintenance.submit(self.new_request()).await.unwrap();
        assert!(matches!(submitted.submission, Submission::Filed(_)));
        submitted.request
    }

    /// A dispatcher over the recording channel with the default policy.
    pub fn dispatcher(&self) -> Dispatcher<Arc<dyn Repository>, RecordingNotifier> {
        self.maintenance.dispatcher(self.notifier.clone(), DispatchPolicy::default())
    }

    /// Sends what is due, once.
    pub async fn dispatch(&self) -> DispatchReport {
        self.dispatcher().dispatch_due().await.unwrap()
    }

    /// Has all texts indexed, as dispatchers do meanwhile.
    pub async fn index_texts(&self) {
        while self.maintenance.repository().index_texts(7).await.unwrap() > 0 {}
    }

    /// The record of a request.
    pub async fn record(&self, id: RequestId) -> RequestRecord {
        self.maintenance.record(id).await.unwrap()
    }

    /// Every request, newest first.
    pub async fn requests(&self) -> Vec<Request> {
        let (all, page) = (RequestFilter::default(), PageRequest::first(200));
        self.maintenance.requests(&all, &page).await.unwrap().items
    }

    /// The newest assignment message of a request.
    pub async fn newest_message(&self, id: RequestId) -> Notification {
        let mut messages = self.record(id).await.notifications;
        messages.retain(|message| message.kind == NotificationKind::Assignment);
        messages.pop().expect("the request has a message")
    }

    /// Moves the clock.
    pub fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// A webhook's update of a message, as of now.
    pub fn news(&self, message: &Notification, event: DeliveryEvent) -> DeliveryUpdate {
        let error =
            (event == DeliveryEvent::Failed).then(|| DeliveryError::new("131026", "Message undeliverable"));
        DeliveryUpdate {
            channel: message.channel.clone(),
            notification_id: Some(message.id),
            provider_message_id: message.provider_message_id.clone().unwrap_or_else(|| "wamid.1".into()),
            event,
            at: maintenance_core::Clock::now(&self.clock),
            error,
            next: None,
        }
    }

    /// The id of a worker who doesn't exist.
    pub fn nobody(&self) -> WorkerId {
        WorkerId::from_uuid(Uuid::from_u128(0xDEAD))
    }
}

/// Files one request through the store itself.
pub async fn file_one(repository: &dyn Repository, filing: &Filing) -> Result<Filed, RepositoryError> {
    repository.file(std::slice::from_ref(filing)).await?.remove(0)
}

/// The worker whom a submit chose, if it filed the request.
pub fn accepted(submission: &Submission) -> Option<WorkerId> {
    match submission {
        Submission::Filed(selection) => selection.chosen,
        Submission::AlreadyFiled => None,
    }
}

/// A channel's refusal with that consequence.
pub fn refused(next: NextStep, effect: SendEffect) -> NotifyError {
    NotifyError { next, effect, error: DeliveryError::new("1", "refused in a test") }
}
