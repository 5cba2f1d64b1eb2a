//! The dispatcher under fire: slow, hanging and panicking channels and directories, a store that fails, clocks that
//! jump. Time is tokio's own, paused: nothing sleeps.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: a failed expectation is its result")]

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use maintenance_core::*;
use maintenance_memory::{MemoryRepository, TableDirectory};
use tokio::{sync::oneshot, task::JoinHandle, time::Instant};

/// A wall clock that goes with tokio's time, and jumps when told.
#[derive(Clone)]
struct Wall(Instant, Arc<AtomicI64>);

impl Wall {
    fn new() -> Self {
        Self(Instant::now(), Arc::default())
    }

    fn jump(&self, hours: i64) {
        self.1.fetch_add(hours, Ordering::SeqCst);
    }
}

impl Clock for Wall {
    fn now(&self) -> DateTime<Utc> {
        let passed = TimeDelta::from_std(self.monotonic()).unwrap();
        DateTime::UNIX_EPOCH
            + TimeDelta::days(20_000)
            + passed
            + TimeDelta::hours(self.1.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// What a channel does with a message.
#[derive(Clone)]
enum Conduct {
    Accepts,
    Hangs,
    Panics,
    Takes(Duration),
    Refuses(NextStep, SendEffect),
}

/// A channel that behaves by the message's title, and keeps the title of each message and when it was begun.
#[derive(Clone, Default)]
struct Channel {
    conduct: Arc<Mutex<BTreeMap<&'static str, Conduct>>>,
    begun: Arc<Mutex<Vec<(String, Instant)>>>,
}

impl Channel {
    fn set(&self, title: &'static str, conduct: Conduct) {
        self.conduct.lock().unwrap().insert(title, conduct);
    }

    fn begun(&self) -> Vec<String> {
        self.begun.lock().unwrap().iter().map(|(title, _)| title.clone()).collect()
    }

    fn times(&self, title: &str) -> usize {
        self.begun().iter().filter(|begun| *begun == title).count()
    }
}

#[async_trait]
impl Notifier for Channel {
    async fn notify(&self, message: &Outgoing) -> Result<Receipt, NotifyError> {
        let title = message.content.title.as_str();
        self.begun.lock().unwrap().push((title.to_owned(), Instant::now()));
        let conduct = self.conduct.lock().unwrap().get(title).cloned().unwrap_or(Conduct::Accepts);
        match conduct {
            Conduct::Accepts => {}
            Conduct::Hangs => std::future::pending().await,
            Conduct::Panics => panic!("a notifier's bug"),
            Conduct::Takes(time) => tokio::time::sleep(time).await,
            Conduct::Refuses(next, effect) => {
                return Err(NotifyError {
                    next,
                    effect,
                    error: DeliveryError::new("1", "refused in a test"),
                });
            }
        }
        Ok(Receipt { provider_message_id: format!("wamid.{}.{}", message.notification_id, message.attempt) })
    }

    fn template(&self, message: &Outgoing) -> Option<String> {
        message.content.title.as_str().split_once(' ').map(|(template, _)| template.to_owned())
    }
}

/// An engine in memory with one worker and one renter.
struct Scene {
    maintenance: Maintenance<MemoryRepository<'static>>,
    store: MemoryRepository<'static>,
    wall: Wall,
    channel: Channel,
    renter: RenterId,
    property: PropertyId,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|directory| directory).await
    }

    async fn with<D: Directory + 'static>(directory: impl FnOnce(TableDirectory) -> D) -> Self {
        let (table, store, wall) = (TableDirectory::new(), MemoryRepository::new(), Wall::new());
        let (renter, property) = (table.renter("Renter One", "+12025550100"), table.property(1));
        let complex = table.complex(1);
        let maintenance = Maintenance::new(store.clone(), directory(table)).with_clock(wall.clone());
        let worker = NewWorker {
            first_name: "Worker".into(),
            last_name: "One".into(),
            phone_number: "+12025550123".into(),
            email: "worker@example.com".into(),
            ..NewWorker::default()
        };
        let worker = maintenance.add_worker(worker).await.unwrap();
        maintenance.assign_complex(worker.id, complex, true).await.unwrap();
        Self { maintenance, store, wall, channel: Channel::default(), renter, property }
    }

    async fn file(&self, title: &str, priority: Priority) -> RequestId {
        self.file_for(self.renter, title, priority).await
    }

    async fn file_for(&self, renter_id: RenterId, title: &str, priority: Priority) -> RequestId {
        let form = RequestForm::new(title, "Cold radiators", "All rooms").priority(priority);
        let new = NewRequest::new(renter_id, self.property, form);
        self.maintenance.submit(new).await.unwrap().request.id
    }

    fn dispatcher(&self, policy: DispatchPolicy) -> Dispatcher<MemoryRepository<'static>, Channel> {
        self.maintenance.dispatcher(self.channel.clone(), policy)
    }

    fn run(&self, policy: DispatchPolicy) -> Running {
        Running::start(self.dispatcher(policy))
    }

    async fn message(&self, id: RequestId) -> Notification {
        self.maintenance.record(id).await.unwrap().notifications.pop().unwrap()
    }

    async fn status(&self, id: RequestId) -> WhatsAppStatus {
        self.message(id).await.status
    }

    /// Waits until a condition holds, at most for that time.
    async fn until<F: Future<Output = bool>>(&self, limit: Duration, holds: impl Fn() -> F) {
        let begun = Instant::now();
        while !holds().await {
            assert!(begun.elapsed() < limit, "not within {limit:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A dispatcher that runs until it is stopped.
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    fn start(dispatcher: Dispatcher<MemoryRepository<'static>, Channel>) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let task =
            tokio::spawn(async move { dispatcher.run(async { stopped.await.unwrap_or_default() }).await });
        Self { stop, task }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

const SECOND: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_millis(100);
const PASSES: NextStep = NextStep::Retry { after: None };

#[tokio::test(start_paused = true)]
async fn a_known_outcome_is_recorded_while_others_are_still_being_sent() {
    let scene = Scene::new().await;
    scene.channel.set("slow", Conduct::Takes(5 * SECOND));
    let slow = scene.file("slow", Priority::Medium).await;
    let mut quick = Vec::new();
    for _ in 0..19 {
        quick.push(scene.file("quick", Priority::Medium).await);
    }
    let running = scene.run(DispatchPolicy::default());
    for id in quick {
        scene.until(SOON, || async { scene.status(id).await == WhatsAppStatus::Sent }).await;
    }
    assert_eq!(scene.status(slow).await, WhatsAppStatus::Pending);
    scene.until(6 * SECOND, || async { scene.status(slow).await == WhatsAppStatus::Sent }).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_emergency_waits_behind_no_batch_under_way() {
    let scene = Scene::new().await;
    scene.channel.set("slow", Conduct::Takes(20 * SECOND));
    for _ in 0..150 {
        scene.file("slow", Priority::High).await;
    }
    let running = scene.run(DispatchPolicy::default());
    scene.until(SOON, || async { scene.channel.times("slow") == 32 }).await;
    let emergency = scene.file("emergency", Priority::Emergency).await;
    scene.until(SOON, || async { scene.status(emergency).await == WhatsAppStatus::Sent }).await;
    assert_eq!(scene.channel.times("slow"), 32, "no more than the policy allows at a time");
    running.task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_send_that_never_returns_costs_its_own_message_alone() {
    let scene = Scene::new().await;
    for title in ["hangs", "panics"] {
        let conduct = if title == "hangs" { Conduct::Hangs } else { Conduct::Panics };
        scene.channel.set(title, conduct);
        let bad = scene.file(title, Priority::Medium).await;
        let running = scene.run(DispatchPolicy::default());
        for _ in 0..40 {
            let good = scene.file("good", Priority::Medium).await;
            scene.until(SECOND, || async { scene.status(good).await == WhatsAppStatus::Sent }).await;
        }
        scene.until(31 * SECOND, || async { scene.message(bad).await.error.is_some() }).await;
        let message = scene.message(bad).await;
        assert_eq!(
            (message.status, message.attempts),
            (WhatsAppStatus::Pending, 1),
            "held: it may have gone out"
        );
        let wait = message.due_at - scene.wall.now();
        assert!(wait > TimeDelta::seconds(260), "{wait}");
        assert_eq!(scene.channel.times(title), 1);
        running.stop().await;
        scene.channel.set(title, Conduct::Accepts);
    }
}

#[tokio::test(start_paused = true)]
async fn a_known_outcome_is_kept_until_the_store_takes_it() {
    let scene = Scene::new().await;
    let mut filed = Vec::new();
    for _ in 0..20 {
        filed.push(scene.file("once", Priority::Medium).await);
    }
    scene.store.set_outcomes_failing(true);
    let running = scene.run(DispatchPolicy::default());
    // Far beyond the hold: the leases end meanwhile.
    tokio::time::sleep(3_600 * SECOND).await;
    scene.file("later", Priority::Medium).await;
    tokio::time::sleep(SECOND).await;
    assert_eq!(scene.channel.times("later"), 0, "nothing more goes out while no outcome can be written");
    scene.store.set_outcomes_failing(false);
    for id in filed {
        scene.until(10 * SECOND, || async { scene.status(id).await == WhatsAppStatus::Sent }).await;
    }
    scene.until(10 * SECOND, || async { scene.channel.times("later") == 1 }).await;
    assert_eq!(scene.channel.times("once"), 20, "each once");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_round_says_when_an_outcome_could_not_be_recorded() {
    let scene = Scene::new().await;
    let id = scene.file("once", Priority::Medium).await;
    scene.store.set_outcomes_failing(true);
    let begun = Instant::now();
    let answer = scene.dispatcher(DispatchPolicy::default()).dispatch_due().await;
    assert!(
        matches!(answer, Err(Error::Repository(error)) if error.kind == RepositoryErrorKind::Unavailable)
    );
    assert!(begun.elapsed() >= DispatchPolicy::default().hold, "tried until its lease ended");
    assert_eq!(scene.status(id).await, WhatsAppStatus::Pending);
}

#[tokio::test(start_paused = true)]
async fn processes_that_can_record_nothing_send_a_bounded_number_of_copies() {
    let scene = Scene::new().await;
    let id = scene.file("copied", Priority::Medium).await;
    let policy = DispatchPolicy::default();
    for _ in 0..50 {
        // A process that dies before it can write what became of its send.
        scene.store.set_outcomes_failing(true);
        let running = scene.run(policy);
        tokio::time::sleep(SECOND).await;
        running.task.abort();
        scene.store.set_outcomes_failing(false);
        tokio::time::sleep(policy.hold).await;
    }
    assert_eq!(scene.channel.times("copied"), 10);
    let running = scene.run(policy);
    scene.until(2 * policy.hold, || async { scene.status(id).await == WhatsAppStatus::Failed }).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_few_calls_and_fails_nothing() {
    for (next, effect) in [
        (PASSES, SendEffect::NotSent),
        (PASSES, SendEffect::Unknown),
        (NextStep::Pause { scope: Scope::Channel, after: SECOND }, SendEffect::NotSent),
    ] {
        let scene = Scene::new().await;
        scene.channel.set("any", Conduct::Refuses(next, effect));
        let mut filed = Vec::new();
        for _ in 0..200 {
            filed.push(scene.file("any", Priority::Medium).await);
        }
        let running = scene.run(DispatchPolicy::default());
        tokio::time::sleep(35 * 60 * SECOND).await;
        let calls = scene.channel.times("any");
        assert!(calls < 150, "{next:?}, {effect}: {calls} calls");
        scene.channel.set("any", Conduct::Accepts);
        for id in filed {
            let sent = || async { scene.status(id).await == WhatsAppStatus::Sent };
            scene.until(3_600 * SECOND, sent).await;
        }
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_template_that_is_refused_stops_its_own_messages_alone() {
    let scene = Scene::new().await;
    let refused = Conduct::Refuses(NextStep::Stop { scope: Scope::Template }, SendEffect::NotSent);
    scene.channel.set("edited one", refused);
    let mut stopped = Vec::new();
    for _ in 0..50 {
        stopped.push(scene.file("edited one", Priority::High).await);
    }
    let reports = Arc::new(Mutex::new(Vec::new()));
    let observer = {
        let reports = reports.clone();
        move |report: &DispatchReport| reports.lock().unwrap().extend(report.pauses.clone())
    };
    let policy = DispatchPolicy { concurrency: 4, ..DispatchPolicy::default() };
    let running = Running::start(scene.dispatcher(policy).observed_by(observer));
    let good = scene.file("good one", Priority::Low).await;
    scene.until(SECOND, || async { scene.status(good).await == WhatsAppStatus::Sent }).await;
    assert!(scene.channel.times("edited one") <= 4, "{:?}", scene.channel.begun());
    tokio::time::sleep(600 * SECOND).await;
    assert!(scene.channel.times("edited one") <= 20, "one message a minute probes");
    for id in &stopped {
        assert_eq!(scene.message(*id).await.attempts, 0, "it burns no attempt");
    }
    let told = reports.lock().unwrap().clone();
    assert!(told.iter().all(|pause| pause.needs_person && pause.template.as_deref() == Some("edited")));
    assert!(!told.is_empty());
    scene.channel.set("edited one", Conduct::Accepts);
    for id in stopped {
        scene.until(120 * SECOND, || async { scene.status(id).await == WhatsAppStatus::Sent }).await;
    }
    running.stop().await;
}

/// A message that is withdrawn tries nothing, so the next one does, and none of them waits for a poll.
#[tokio::test(start_paused = true)]
async fn when_a_channel_works_again_what_waits_for_it_follows_at_once() {
    let scene = Scene::new().await;
    scene
        .channel
        .set("tried", Conduct::Refuses(NextStep::Stop { scope: Scope::Channel }, SendEffect::NotSent));
    scene.file("tried", Priority::High).await;
    let poll = 600 * SECOND;
    let running = scene.run(DispatchPolicy { poll, ..DispatchPolicy::default() });
    scene.until(SECOND, || async { scene.channel.times("tried") == 1 }).await;
    let mut waiting = Vec::new();
    for n in 0..20 {
        let id = scene.file("waits", if n < 5 { Priority::Emergency } else { Priority::Low }).await;
        if n < 5 {
            let cancelled = Move::to(RequestStatus::Cancelled, Actor::System);
            scene.maintenance.change_status(id, cancelled).await.unwrap();
        } else {
            waiting.push(id);
        }
    }
    scene.channel.set("tried", Conduct::Accepts);
    scene.until(poll + SECOND, || async { scene.status(waiting[0]).await == WhatsAppStatus::Sent }).await;
    for id in waiting {
        scene.until(SECOND, || async { scene.status(id).await == WhatsAppStatus::Sent }).await;
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_rest_is_not_prolonged_by_a_clock_that_jumps() {
    let scene = Scene::new().await;
    scene.channel.set("any", Conduct::Refuses(NextStep::Stop { scope: Scope::Channel }, SendEffect::NotSent));
    scene.file("any", Priority::Medium).await;
    let dispatcher = scene.dispatcher(DispatchPolicy::default());
    scene.wall.jump(3);
    assert_eq!(dispatcher.dispatch_due().await.unwrap().put_back, 1);
    scene.wall.jump(-3);
    let [pause] = &dispatcher.pauses()[..] else { panic!("the channel rests") };
    assert!(pause.until <= scene.wall.now() + TimeDelta::seconds(60));
    scene.channel.set("any", Conduct::Accepts);
    let id = scene.file("other", Priority::Medium).await;
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(dispatcher.dispatch_due().await.unwrap().sent, 1, "not three hours later");
    assert_eq!(scene.status(id).await, WhatsAppStatus::Sent);
    assert!(dispatcher.pauses().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_over_the_hold_sends_nothing_that_is_under_way_again() {
    let scene = Scene::new().await;
    scene.channel.set("slow", Conduct::Takes(5 * SECOND));
    let id = scene.file("slow", Priority::Medium).await;
    let running = scene.run(DispatchPolicy::default());
    scene.until(SECOND, || async { scene.channel.times("slow") == 1 }).await;
    // As when a machine wakes up after an hour: by the clock the hold is over.
    scene.wall.jump(1);
    scene.until(6 * SECOND, || async { scene.status(id).await == WhatsAppStatus::Sent }).await;
    assert_eq!(scene.channel.times("slow"), 1);
    // Nor is it forgotten when it comes due again for a reason of its own.
    scene.channel.set("slow", Conduct::Refuses(PASSES, SendEffect::NotSent));
    scene.file("slow", Priority::Medium).await;
    scene.until(60 * SECOND, || async { scene.channel.times("slow") > 2 }).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_while_the_clocks_differ_by_more_than_leases_bear() {
    let scene = Scene::new().await;
    let servers = Wall::new();
    scene.store.set_clock(servers.clone());
    servers.jump(-1);
    let id = scene.file("any", Priority::Medium).await;
    let errors = Arc::new(Mutex::new(Vec::new()));
    let observer = {
        let errors = errors.clone();
        move |report: &DispatchReport| {
            errors.lock().unwrap().extend(report.errors.iter().map(ToString::to_string));
        }
    };
    let running = Running::start(scene.dispatcher(DispatchPolicy::default()).observed_by(observer));
    tokio::time::sleep(600 * SECOND).await;
    assert!(scene.channel.begun().is_empty());
    let told = errors.lock().unwrap().clone();
    assert!(told[0].contains("the store's at") && told[0].contains("150s"), "{told:?}");
    servers.jump(1);
    scene.until(2 * SECOND, || async { scene.status(id).await == WhatsAppStatus::Sent }).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_observer_hears_of_what_needs_somebody() {
    let scene = Scene::new().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let observer = {
        let told = told.clone();
        move |report: &DispatchReport| {
            let mut told = told.lock().unwrap();
            told.extend(report.errors.iter().map(|error| format!("{error}")));
            told.extend(report.problems.iter().map(|problem| problem.error.to_string()));
            told.extend(report.pauses.iter().map(|pause| format!("needs a person: {}", pause.needs_person)));
        }
    };
    scene.channel.set("any", Conduct::Refuses(NextStep::Stop { scope: Scope::Channel }, SendEffect::NotSent));
    scene.file("any", Priority::Medium).await;
    scene.store.set_outcomes_failing(true);
    let running = Running::start(scene.dispatcher(DispatchPolicy::default()).observed_by(observer));
    tokio::time::sleep(SECOND).await;
    let told = told.lock().unwrap().clone();
    for expected in [
        "the store can't be reached or did not answer in time",
        "1: refused in a test",
        "needs a person: true",
    ] {
        assert!(told.iter().any(|told| told == expected), "{expected}: {told:?}");
    }
    running.task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_backlog_for_one_recipient_costs_few_calls_and_holds_up_nobody() {
    let scene = Scene::new().await;
    let limited = NextStep::WaitForRecipient { after: 6 * SECOND, every: 6 * SECOND };
    scene.channel.set("limited", Conduct::Refuses(limited, SendEffect::NotSent));
    for _ in 0..3_000 {
        scene.file("limited", Priority::Medium).await;
    }
    let claimed = Arc::new(Mutex::new(0));
    let observer = {
        let claimed = claimed.clone();
        move |report: &DispatchReport| *claimed.lock().unwrap() += report.claimed
    };
    let running = Running::start(scene.dispatcher(DispatchPolicy::default()).observed_by(observer));
    tokio::time::sleep(12 * SECOND).await;
    let calls = scene.channel.times("limited");
    assert!(calls <= 40, "{calls} calls in two turns of the recipient");
    let claimed = *claimed.lock().unwrap();
    assert!(claimed <= 300, "{claimed} taken: the others were put back in one write");
    running.stop().await;
}

/// A directory that answers whole only if every renter is known, and never for one of them.
struct Trap {
    table: TableDirectory,
    renter: RenterId,
    hangs: bool,
}

#[async_trait]
impl Directory for Trap {
    async fn complex_of(
        &self,
        organization: OrganizationId,
        property: PropertyId,
    ) -> Result<Option<ComplexId>, DirectoryError> {
        self.table.complex_of(organization, property).await
    }

    async fn contacts(
        &self,
        organization: OrganizationId,
        renters: &[RenterId],
    ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError> {
        if renters.contains(&self.renter) {
            if self.hangs {
                std::future::pending::<()>().await;
            }
            panic!("a row that breaks the host's reader");
        }
        self.table.contacts(organization, renters).await
    }
}

#[tokio::test(start_paused = true)]
async fn one_renter_whose_contact_cannot_be_had_holds_up_no_other() {
    for hangs in [true, false] {
        let trap = RenterId::from_uuid(uuid::Uuid::from_u128(13));
        let scene = Scene::with(|table| Trap { table, renter: trap, hangs }).await;
        let mut filed = vec![scene.file_for(trap, "trap", Priority::Medium).await];
        for _ in 0..10 {
            filed.push(scene.file("good", Priority::Medium).await);
        }
        let running = scene.run(DispatchPolicy::default());
        for id in filed {
            scene.until(5 * SECOND, || async { scene.status(id).await == WhatsAppStatus::Sent }).await;
        }
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_with_a_loop_of_its_own_can_wait_for_the_next_submit() {
    let scene = Scene::new().await;
    let dispatcher = scene.dispatcher(DispatchPolicy::default());
    assert_eq!(dispatcher.dispatch_due().await.unwrap().claimed, 0);
    let (woken, ()) = tokio::join!(tokio::time::timeout(SECOND, dispatcher.woken()), async {
        scene.file("any", Priority::Medium).await;
    });
    woken.unwrap();
    assert_eq!(dispatcher.dispatch_due().await.unwrap().sent, 1);
}
