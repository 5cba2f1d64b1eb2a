//! One ordeal: a fresh database, a process, blows for a while, then all is healed, drained and audited.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use maintenance_core::{Maintenance, RequestId, WhatsAppStatus};
use maintenance_whatsapp::fake::{Automatic, FakeCloudApi};
use tokio::{
    sync::{Mutex, RwLock},
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    audit::{Tally, audit},
    chance::Chance,
    fault::Fault,
    ledger::{Entries, Ledger},
    lines::Order,
    meta,
    process::Process,
    scene::{Scene, cloud_api, workers},
    store::{Database, Kind},
};
use crate::{APP_SECRET, Wire, databases::Store};

/// How long a process may take until its first request is filed.
const STARTING: Duration = Duration::from_secs(20);
/// How often a fault strikes in a round, however long that takes.
const AT_LEAST: usize = 3;
/// How long draining may take.
const DRAINING: Duration = Duration::from_secs(90);

/// Held alone by whoever ends the database server.
static SERVER: RwLock<()> = RwLock::const_new(());

/// What a round is to be.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// What goes wrong.
    pub fault: Fault,
    /// To which database.
    pub kind: Kind,
    /// The seed of all that is random.
    pub seed: u64,
    /// How long it goes wrong.
    pub time: Duration,
}

/// A round under way.
pub(super) struct Round {
    pub(super) kind: Kind,
    pub(super) fake: Arc<FakeCloudApi>,
    pub(super) channel: Wire,
    pub(super) webhook: Wire,
    pub(super) database: Database,
    pub(super) process: Mutex<Process>,
    pub(super) clock: Mutex<i64>,
    pub(super) ledger: Arc<Ledger>,
    /// The test's own engine over the database, to read by.
    maintenance: Maintenance<Store>,
    program: PathBuf,
    arguments: [String; 3],
    epochs: AtomicU32,
    left: Arc<AtomicUsize>,
    beside: JoinSet<()>,
}

/// Goes through one round. `program` is the process to start.
pub async fn round(program: &Path, plan: Plan) -> Tally {
    let alone = plan.fault == Fault::ServerCrash;
    let _alone = if alone { Some(SERVER.write().await) } else { None };
    let _beside = if !alone && plan.kind != Kind::Sqlite { Some(SERVER.read().await) } else { None };

    let mut chance = Chance::new(plan.seed);
    let mut round = Round::begin(program, plan, &mut chance).await;
    let (mut one, mut other) = (chance.branch(), chance.branch());
    let until = Instant::now() + plan.time;
    let strikes = if plan.fault == Fault::Everything {
        let (some, more) = tokio::join!(
            round.strike_until(until, plan.fault, &mut one),
            round.strike_until(until, plan.fault, &mut other)
        );
        some + more
    } else {
        round.strike_until(until, plan.fault, &mut one).await
    };
    round.heal().await;
    let drained = round.drain().await;
    round.beside.shutdown().await;
    let messages = round.fake.messages();
    let mut tally = audit(&round.maintenance, &round.ledger, &messages).await;
    tally.strikes = strikes;
    if !drained {
        tally.lost.push(format!("not drained within {DRAINING:?}"));
    }
    tally
}

impl Round {
    async fn begin(program: &Path, plan: Plan, chance: &mut Chance) -> Self {
        let (database, scene) = (Database::fresh(plan.kind).await, Scene::new());
        let maintenance = Maintenance::new(database.pool.repository(), scene.directory.clone());
        for worker in workers() {
            let worker = maintenance.add_worker(worker).await.unwrap();
            maintenance.assign_complex(worker.id, scene.complex, false).await.unwrap();
        }
        let fake = Arc::new(FakeCloudApi::start(cloud_api(None)).await.unwrap());
        let to: std::net::SocketAddr = fake.config().base_url.trim_start_matches("http://").parse().unwrap();
        let channel = Wire::to(to.ip().to_string(), to.port()).await;
        let address = format!("http://{}", channel.address);
        let arguments = [database.place.clone(), address, plan.seed.to_string()];
        let ledger = Arc::new(Ledger::default());
        let process = Process::start(program, &arguments, 0, &ledger).await;
        let webhook = Wire::to("127.0.0.1".into(), process.port).await;
        fake.webhook(format!("http://{}/whatsapp", webhook.address), APP_SECRET.to_owned(), Automatic::Off);
        let left = Arc::new(AtomicUsize::new(0));
        let mut beside = JoinSet::new();
        let (posting, posted) = (Arc::clone(&fake), Arc::clone(&left));
        beside.spawn(meta::deliver(posting, Arc::clone(&ledger), chance.branch(), posted));
        beside.spawn(watch(maintenance.clone(), Arc::clone(&ledger), chance.branch()));
        let round = Self {
            kind: plan.kind,
            fake,
            channel,
            webhook,
            database,
            process: Mutex::new(process),
            clock: Mutex::new(0),
            ledger,
            maintenance,
            program: program.to_owned(),
            arguments,
            epochs: AtomicU32::new(0),
            left,
            beside,
        };
        round.usual();
        round.until(|entries| !entries.filed.is_empty(), STARTING).await;
        round
    }

    async fn strike_until(&self, until: Instant, fault: Fault, chance: &mut Chance) -> usize {
        let mut strikes = 0;
        loop {
            sleep(chance.millis(40..350)).await;
            if strikes >= AT_LEAST && Instant::now() >= until {
                return strikes;
            }
            self.strike(fault, chance).await;
            strikes += 1;
        }
    }

    /// Waits until this is so, or the time is over.
    pub(super) async fn until(&self, holds: impl Fn(&Entries) -> bool, time: Duration) {
        let until = Instant::now() + time;
        while !holds(&self.ledger.entries()) && Instant::now() < until {
            sleep(Duration::from_millis(2)).await;
        }
    }

    pub(super) async fn tell(&self, order: Order) {
        self.process.lock().await.tell(&order);
    }

    /// Kills the process, and starts another that is told what the dead one can't have told the end of.
    pub(super) async fn kill_and_start(&self) {
        let mut process = self.process.lock().await;
        process.kill();
        *self.clock.lock().await = 0;
        let epoch = self.epochs.fetch_add(1, Relaxed) + 1;
        *process = Process::start(&self.program, &self.arguments, epoch, &self.ledger).await;
        for id in self.ledger.unanswered() {
            process.tell(&Order::Again(id));
        }
        self.webhook.lead_to(process.port);
    }

    async fn heal(&self) {
        for wire in [Some(&self.channel), Some(&self.webhook), self.database.wire.as_ref()] {
            wire.into_iter().for_each(Wire::mend);
        }
        self.fake.heal();
        self.set_clock(0).await;
        self.tell(Order::Quiet).await;
    }

    /// Waits until the callers have ended, every status was answered 200, and every message is settled.
    async fn drain(&self) -> bool {
        let until = Instant::now() + DRAINING;
        let mut waiting: Option<Vec<RequestId>> = None;
        while Instant::now() < until {
            sleep(Duration::from_millis(100)).await;
            if !self.process.lock().await.is_quiet() {
                continue;
            }
            let mut still = Vec::new();
            let ids = waiting.unwrap_or_else(|| self.ledger.entries().filed.iter().copied().collect());
            for id in ids {
                let record = self.maintenance.record(id).await;
                let pending = |record: maintenance_core::RequestRecord| {
                    record.notifications.iter().any(|message| message.status == WhatsAppStatus::Pending)
                };
                if record.is_ok_and(pending) {
                    still.push(id);
                }
            }
            if still.is_empty() && self.left.load(Relaxed) == 0 {
                // A mirror that was owed to a locked request follows at the dispatcher's next poll.
                sleep(Duration::from_millis(400)).await;
                return true;
            }
            waiting = Some(still);
        }
        false
    }
}

/// Looks at some messages again and again: how far they have come must never go back.
async fn watch(maintenance: Maintenance<Store>, ledger: Arc<Ledger>, mut chance: Chance) {
    loop {
        sleep(Duration::from_millis(60)).await;
        let filed: Vec<_> = ledger.entries().filed.iter().copied().collect();
        for _ in 0..6 {
            let Some(id) = chance.pick(&filed) else { break };
            // While the server is away there is nothing to see.
            let Ok(record) = maintenance.record(*id).await else { continue };
            for message in record.notifications {
                ledger.see(message.id, message.status);
            }
        }
    }
}
