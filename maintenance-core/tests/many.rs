//! One loop for many dispatchers. Time is tokio's own, paused: nothing sleeps.
#![cfg(all(feature = "tokio", feature = "mock"))]
#![expect(clippy::unwrap_used, reason = "test code: a failed expectation is its result")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use maintenance_core::{
    Clock, DeliveryError, DispatchPolicy, Dispatcher, Dispatchers, Listing, Maintenance, NewRequest,
    NewWorker, NextStep, Notifier, NotifyError, Outgoing, Receipt, RepositoryErrorKind, RequestForm, Scope,
    SendEffect, WhatsAppStatus, mock::MockRepository,
};
use maintenance_memory::{MemoryRepository, TableDirectory};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep},
};

const SECOND: Duration = Duration::from_secs(1);

/// A wall clock that goes with tokio's time.
#[derive(Clone)]
struct Wall(Instant);

impl Clock for Wall {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::from_std(self.monotonic()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A channel that keeps when each send began, and does with it what its function says.
#[derive(Clone)]
struct Channel {
    begun: Arc<Mutex<Vec<Instant>>>,
    takes: Duration,
    /// The answers to the first sends; all others are accepted.
    refusals: Arc<Mutex<Vec<NextStep>>>,
}

impl Channel {
    fn new() -> Self {
        Self { begun: Arc::default(), takes: Duration::ZERO, refusals: Arc::default() }
    }

    fn sends(&self) -> usize {
        self.begun.lock().unwrap().len()
    }
}

#[async_trait]
impl Notifier for Channel {
    async fn notify(&self, message: &Outgoing) -> Result<Receipt, NotifyError> {
        self.begun.lock().unwrap().push(Instant::now());
        sleep(self.takes).await;
        match self.refusals.lock().unwrap().pop() {
            Some(next) => {
                let error = DeliveryError::new("1", "refused in a test");
                Err(NotifyError { next, effect: SendEffect::NotSent, error })
            }
            None => Ok(Receipt { provider_message_id: message.notification_id.to_string() }),
        }
    }
}

/// A customer with a store of their own, and one worker.
struct Customer {
    maintenance: Maintenance<MemoryRepository<'static>>,
    directory: TableDirectory,
}

impl Customer {
    async fn new() -> Self {
        let directory = TableDirectory::new();
        let maintenance = Maintenance::new(MemoryRepository::new(), directory.clone());
        Self::with(maintenance.with_clock(Wall(Instant::now())), directory).await
    }

    /// A customer whose engine shares what this one's knows of the channels.
    async fn beside(&self) -> Self {
        let directory = TableDirectory::new();
        Self::with(self.maintenance.beside(MemoryRepository::new(), directory.clone()), directory).await
    }

    async fn with(maintenance: Maintenance<MemoryRepository<'static>>, directory: TableDirectory) -> Self {
        let worker = NewWorker {
            first_name: "Worker".into(),
            last_name: "One".into(),
            phone_number: "+12025550123".into(),
            email: "worker@example.com".into(),
            ..NewWorker::default()
        };
        let worker = maintenance.add_worker(worker).await.unwrap();
        maintenance.assign_complex(worker.id, directory.complex(1), true).await.unwrap();
        Self { maintenance, directory }
    }

    async fn file(&self) -> maintenance_core::RequestId {
        let form = RequestForm::new("No heating", "Cold radiators", "All rooms");
        let (renter, property) =
            (self.directory.renter("Renter One", "+12025550100"), self.directory.property(1));
        self.maintenance.submit(NewRequest::new(renter, property, form)).await.unwrap().request.id
    }

    async fn status(&self, id: maintenance_core::RequestId) -> WhatsAppStatus {
        self.maintenance.request(id).await.unwrap().whatsapp_status
    }

    fn dispatcher(&self, channel: &Channel) -> Dispatcher<MemoryRepository<'static>, Channel> {
        self.maintenance.dispatcher(channel.clone(), DispatchPolicy::default())
    }
}

/// What the mocked store does when it is asked for messages.
type Claims = Box<dyn Fn() -> Result<(), RepositoryErrorKind> + Send + Sync>;

/// A dispatcher over a store that never has anything.
fn mocked(claims: Claims) -> Dispatcher<Arc<MockRepository>, Channel> {
    let mut repository = MockRepository::new();
    repository.expect_time().returning(|| Ok(None));
    repository.expect_catch_up().returning(|_| Ok(Vec::new()));
    repository.expect_index_texts().returning(|_| Ok(0));
    repository.expect_claim().returning(move |_| Ok(claims().map(|()| Listing::default())?));
    let maintenance = Maintenance::new(Arc::new(repository), TableDirectory::new());
    maintenance.dispatcher(Channel::new(), DispatchPolicy::default())
}

/// A loop that runs until it is stopped.
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    fn start(dispatchers: &Dispatchers) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let dispatchers = dispatchers.clone();
        let task =
            tokio::spawn(async move { dispatchers.run(async { stopped.await.unwrap_or_default() }).await });
        Self { stop, task }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_has_nothing_to_do_is_polled_ever_more_slowly() {
    let (dispatchers, begun) = (Dispatchers::new(), Instant::now());
    let looks = Arc::new(Mutex::new(Vec::new()));
    let noted = looks.clone();
    dispatchers.add(mocked(Box::new(move || {
        noted.lock().unwrap().push(begun.elapsed());
        Ok(())
    })));
    let running = Running::start(&dispatchers);
    sleep(Duration::from_mins(10)).await;
    running.stop().await;
    let looks = looks.lock().unwrap().clone();
    let seconds: Vec<u64> = looks.iter().take(7).map(Duration::as_secs).collect();
    assert_eq!(seconds, [0, 1, 3, 7, 15, 30, 45]);
    assert!((40..=45).contains(&looks.len()), "one per 15 seconds: {}", looks.len());
}

#[tokio::test(start_paused = true)]
async fn a_submit_wakes_its_own_dispatcher_at_once_and_no_other() {
    let (dispatchers, channel) = (Dispatchers::new(), Channel::new());
    let (first, others) = (Customer::new().await, Arc::new(Mutex::new(0)));
    dispatchers.add(first.dispatcher(&channel));
    for _ in 0..100 {
        let looks = others.clone();
        dispatchers.add(mocked(Box::new(move || {
            *looks.lock().unwrap() += 1;
            Ok(())
        })));
    }
    let running = Running::start(&dispatchers);
    sleep(Duration::from_mins(2)).await;
    let (id, begun, before) = (first.file().await, Instant::now(), *others.lock().unwrap());
    while first.status(id).await != WhatsAppStatus::Sent {
        sleep(Duration::from_millis(1)).await;
    }
    assert!(begun.elapsed() < SECOND / 10, "{:?}", begun.elapsed());
    assert!(*others.lock().unwrap() - before < 20, "the others go on at their own pace");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_tried_again_waits_for_at_most_twice_as_long_as_it_had_to() {
    let (dispatchers, channel, customer) = (Dispatchers::new(), Channel::new(), Customer::new().await);
    dispatchers.add(customer.dispatcher(&channel));
    let running = Running::start(&dispatchers);
    sleep(Duration::from_mins(2)).await;
    *channel.refusals.lock().unwrap() = vec![NextStep::Retry { after: Some(6 * SECOND) }];
    let id = customer.file().await;
    let begun = Instant::now();
    while customer.status(id).await != WhatsAppStatus::Sent {
        sleep(Duration::from_millis(100)).await;
    }
    assert!((6 * SECOND..=13 * SECOND).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_or_panics_stops_no_other_and_its_observer_hears_of_it() {
    let (dispatchers, channel, customer) = (Dispatchers::new(), Channel::new(), Customer::new().await);
    let errors = Arc::new(Mutex::new(0));
    let counted = errors.clone();
    let failing = mocked(Box::new(|| Err(RepositoryErrorKind::Unavailable)));
    dispatchers.add(failing.observed_by(move |report| *counted.lock().unwrap() += report.errors.len()));
    let (panicking, panics) = (Customer::new().await, Arc::new(Mutex::new(0)));
    let counted = panics.clone();
    dispatchers.add(panicking.dispatcher(&Channel::new()).observed_by(move |_| {
        *counted.lock().unwrap() += 1;
        panic!("an observer's bug");
    }));
    dispatchers.add(customer.dispatcher(&channel));
    let running = Running::start(&dispatchers);
    for sent in 1..=5 {
        customer.file().await;
        panicking.file().await;
        sleep(Duration::from_mins(1)).await;
        assert_eq!((channel.sends(), *panics.lock().unwrap()), (sent, sent), "it begins anew");
    }
    assert!(*errors.lock().unwrap() > 10, "it is tried again and again");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_removed_finishes_what_it_has_under_way_and_takes_no_more() {
    let (dispatchers, customer) = (Dispatchers::new(), Customer::new().await);
    let channel = Channel { takes: 20 * SECOND, ..Channel::new() };
    let running = Running::start(&dispatchers);
    let added = dispatchers.add(customer.dispatcher(&channel));
    let id = customer.file().await;
    while channel.sends() == 0 {
        sleep(SECOND / 10).await;
    }
    added.remove().await;
    assert_eq!(customer.status(id).await, WhatsAppStatus::Sent, "it was finished");
    customer.file().await;
    sleep(Duration::from_mins(1)).await;
    assert_eq!(channel.sends(), 1);
    dispatchers.add(customer.dispatcher(&channel));
    sleep(SECOND).await;
    assert_eq!(channel.sends(), 2, "one that is added while the loop runs begins at once");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_removed_before_the_loop_runs_never_begins() {
    let (dispatchers, channel, customer) = (Dispatchers::new(), Channel::new(), Customer::new().await);
    customer.file().await;
    dispatchers.add(customer.dispatcher(&channel)).remove().await;
    let running = Running::start(&dispatchers);
    sleep(Duration::from_mins(1)).await;
    running.stop().await;
    assert_eq!(channel.sends(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_loop_finishes_what_is_under_way_everywhere_when_it_is_told_to_end() {
    let dispatchers = Dispatchers::new();
    let channel = Channel { takes: 20 * SECOND, ..Channel::new() };
    let mut filed = Vec::new();
    for _ in 0..10 {
        let customer = Customer::new().await;
        dispatchers.add(customer.dispatcher(&channel));
        filed.push((customer.file().await, customer));
    }
    let running = Running::start(&dispatchers);
    sleep(SECOND).await;
    running.stop().await;
    for (id, customer) in filed {
        assert_eq!(customer.status(id).await, WhatsAppStatus::Sent);
    }
}

#[tokio::test(start_paused = true)]
async fn of_engines_side_by_side_one_probes_a_channel_that_stopped() {
    let (dispatchers, channel, first) = (Dispatchers::new(), Channel::new(), Customer::new().await);
    let stop = NextStep::Stop { scope: Scope::Channel };
    *channel.refusals.lock().unwrap() = vec![stop; 3];
    let mut customers = vec![first];
    for _ in 0..20 {
        customers.push(customers.first().unwrap().beside().await);
    }
    for customer in &customers {
        dispatchers.add(customer.dispatcher(&channel));
    }
    let running = Running::start(&dispatchers);
    let first = customers.first().unwrap();
    let id = first.file().await;
    sleep(SECOND).await;
    let mut filed = vec![(first, id)];
    for customer in customers.iter().skip(1) {
        filed.push((customer, customer.file().await));
    }
    // The first send, and two probes that find the channel still stopped.
    sleep(Duration::from_secs(170)).await;
    assert!((1..=3).contains(&channel.sends()), "{}", channel.sends());
    sleep(Duration::from_mins(3)).await;
    for (customer, id) in filed {
        assert_eq!(customer.status(id).await, WhatsAppStatus::Sent);
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_checked_at_the_start_and_once_per_hold() {
    let mut repository = MockRepository::new();
    let checks = Arc::new(Mutex::new(0));
    let counted = checks.clone();
    repository.expect_time().returning(move || {
        *counted.lock().unwrap() += 1;
        Ok(None)
    });
    repository.expect_catch_up().returning(|_| Ok(Vec::new()));
    repository.expect_index_texts().returning(|_| Ok(0));
    repository.expect_claim().returning(|_| Ok(Listing::default()));
    let maintenance = Maintenance::new(Arc::new(repository), TableDirectory::new());
    let dispatchers = Dispatchers::new();
    dispatchers.add(maintenance.dispatcher(Channel::new(), DispatchPolicy::default()));
    let running = Running::start(&dispatchers);
    sleep(SECOND).await;
    assert_eq!(*checks.lock().unwrap(), 1);
    sleep(Duration::from_mins(26)).await;
    assert_eq!(*checks.lock().unwrap(), 6);
    running.stop().await;
}
