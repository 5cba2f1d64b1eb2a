//! One blow of each fault.

use std::{process::Command, time::Duration};

#[cfg(feature = "postgres")]
use maintenance_sqlx::sqlx;
use maintenance_whatsapp::fake::Fault as Answer;
use tokio::time::sleep;

use super::{
    chance::Chance,
    fault::Fault,
    ledger::now,
    lines::Order,
    round::Round,
    scene::{HOLD, LONGEST_FREEZE, REQUEST_TIMEOUT},
    store::{Kind, Pool},
};
use crate::Wire;

/// A message's answer takes so long, so that there is something under way when a blow falls.
const USUAL: Duration = Duration::from_millis(25);

impl Round {
    /// Strikes once, and takes back what would last.
    pub(super) async fn strike(&self, fault: Fault, chance: &mut Chance) {
        match fault {
            Fault::Killed => {
                self.until_busy(chance).await;
                self.kill_and_start().await;
            }
            Fault::WiresCut => {
                let wire = self.wire(chance);
                wire.cut();
                sleep(chance.millis(30..500)).await;
                wire.mend();
            }
            Fault::WiresFrozen => {
                let wire = self.wire(chance);
                wire.freeze();
                sleep(chance.millis(50..u64::try_from(LONGEST_FREEZE.as_millis()).unwrap())).await;
                if chance.percent(50) {
                    wire.cut();
                    sleep(Duration::from_millis(5)).await;
                }
                wire.mend();
            }
            Fault::AnswersLost => self.lose_answers(chance).await,
            Fault::ServerCrash => self.crash_server().await,
            Fault::DiskFull => self.fill_disk(chance).await,
            Fault::ReadOnly => {
                let (on, off) = match self.kind {
                    Kind::Sqlite => ("pragma query_only = on", "pragma query_only = off"),
                    #[cfg(feature = "postgres")]
                    Kind::Postgres => {
                        ("set default_transaction_read_only = on", "set default_transaction_read_only = off")
                    }
                };
                self.tell(Order::Sql(on.into())).await;
                sleep(chance.millis(100..800)).await;
                self.tell(Order::Sql(off.into())).await;
            }
            Fault::ForeignLock => self.lock(chance).await,
            Fault::ClockJumps => {
                let hold = i64::try_from(HOLD.as_millis()).unwrap();
                let forward =
                    i64::try_from(chance.below(u64::try_from(2 * HOLD.as_millis()).unwrap())).unwrap();
                let back = -i64::try_from(chance.below(3_600_000)).unwrap();
                let to = *chance.pick(&[forward, forward.min(hold / 4), back, back / 1_000, 0]).unwrap();
                self.set_clock(to).await;
                sleep(chance.millis(50..700)).await;
            }
            Fault::CallsDropped => self.for_a_while(Order::Cancel, 40, chance).await,
            Fault::BadNotifier => self.for_a_while(Order::Notifier, 40, chance).await,
            Fault::BadDirectory => self.for_a_while(Order::Directory, 60, chance).await,
            Fault::Everything => {
                let all: Vec<_> =
                    Fault::ALL.iter().copied().filter(|fault| self.can_be_mixed(*fault)).collect();
                let one = *chance.pick(&all).unwrap();
                Box::pin(self.strike(one, chance)).await;
            }
        }
    }

    fn can_be_mixed(&self, fault: Fault) -> bool {
        fault.befalls(self.kind) && fault != Fault::Everything && fault != Fault::ServerCrash
    }

    fn wire(&self, chance: &mut Chance) -> &Wire {
        let wires: Vec<_> = [Some(&self.channel), Some(&self.webhook), self.database.wire.as_ref()]
            .into_iter()
            .flatten()
            .collect();
        chance.pick(&wires).unwrap()
    }

    async fn for_a_while(&self, order: fn(u64) -> Order, percent: u64, chance: &mut Chance) {
        self.tell(order(percent)).await;
        sleep(chance.millis(100..900)).await;
        self.tell(order(0)).await;
    }

    /// Sets the process's clock so many milliseconds forward or back.
    pub(super) async fn set_clock(&self, millis: i64) {
        let mut clock = self.clock.lock().await;
        if millis > *clock {
            self.ledger.entries().jumps.push(now());
        }
        *clock = millis;
        self.tell(Order::Clock(millis)).await;
    }

    /// Waits until the process has told some lines since now: one that has just started connects at first.
    async fn until_busy(&self, chance: &mut Chance) {
        let at_least = self.ledger.entries().lines + chance.below(60);
        self.until(|entries| entries.lines >= at_least, Duration::from_secs(3)).await;
    }

    async fn lose_answers(&self, chance: &mut Chance) {
        let times = usize::try_from(chance.below(4)).unwrap() + 1;
        let answers = [
            Answer::hang_up().kept(),
            Answer::hang_up(),
            Answer::delay(REQUEST_TIMEOUT + Duration::from_millis(100)),
            Answer::answer(502, "<html>Bad gateway</html>").kept(),
            Answer::error(131_000).kept(),
            Answer::error(131_056),
            Answer::error(130_429).retry_after(1),
        ];
        // The first that applies decides: before the usual delay.
        self.fake.heal();
        self.fake.fault(chance.pick(&answers).unwrap().clone().times(times));
        self.usual();
        sleep(chance.millis(50..400)).await;
    }

    /// The channel as it usually answers.
    pub(super) fn usual(&self) {
        self.fake.fault(Answer::delay(USUAL).always());
    }

    async fn crash_server(&self) {
        let Ok(crash) = std::env::var("MAINTENANCE_TEST_CRASH") else { return };
        let crashed = move || Command::new("sh").args(["-c", &crash]).status();
        assert!(tokio::task::spawn_blocking(crashed).await.unwrap().unwrap().success());
    }

    /// The file may have no more pages, or no file may be written beyond a size.
    async fn fill_disk(&self, chance: &mut Chance) {
        if chance.percent(50) {
            self.tell(Order::Sql("pragma max_page_count = 1".into())).await;
            sleep(chance.millis(100..800)).await;
            self.tell(Order::Sql("pragma max_page_count = 1073741823".into())).await;
        } else {
            let limit = chance.below(200_000).to_string();
            self.limit_files(&limit).await;
            sleep(chance.millis(100..800)).await;
            self.limit_files("unlimited").await;
        }
    }

    /// Limits the size of what the process may write (`prlimit` of util-linux).
    async fn limit_files(&self, limit: &str) {
        let id = self.process.lock().await.id().to_string();
        let limited = Command::new("prlimit").args(["--pid", &id, &format!("--fsize={limit}:")]).status();
        assert!(limited.unwrap().success(), "prlimit sets the limit of a process of ours");
    }

    /// Holds locks for a while as a host might: the whole file, or some rows.
    async fn lock(&self, chance: &mut Chance) {
        let time = chance.millis(50..1_500);
        match &self.database.pool {
            Pool::Sqlite(pool) => {
                let held = pool.begin_with("begin immediate").await.unwrap();
                sleep(time).await;
                held.rollback().await.unwrap();
            }
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => {
                let mut held = pool.begin().await.unwrap();
                let rows = chance.pick(&[
                    "select from maintenance_requests order by random() limit 20 for update",
                    "select from maintenance_notifications order by random() limit 20 for update",
                    "select from maintenance_workers limit 1 for update",
                ]);
                sqlx::raw_sql(*rows.unwrap()).execute(&mut *held).await.unwrap();
                sleep(time).await;
                held.rollback().await.unwrap();
            }
        }
    }
}
