//! Faults of every kind, one at a time and mixed, against a real process on both databases; see
//! `maintenance_tests::ordeal`. Each test is short; `every_fault_again_and_again` is the long form, which `tests/run
//! --long` runs and whose table stands in ARCHITECTURE.md.
//!
//! - `MAINTENANCE_ORDEAL_SEED` repeats a seed that a failed test printed;
//! - `MAINTENANCE_ORDEAL_ROUNDS` is the number of rounds of each fault on each database: 1, and 10 in the long form.
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "test code: its table and its seeds are its result"
)]

use std::{
    path::Path,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use maintenance_core::{Clock as _, SystemClock};
use maintenance_tests::ordeal::{Fault, Kind, Plan, Table, Tally, round};
use tokio::{sync::Semaphore, task::JoinSet};

/// How many rounds are under way at a time in the long form.
const TOGETHER: usize = 6;

fn given<T: FromStr>(variable: &str) -> Option<T> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Every round has a seed of its own, unless one is given.
fn seed() -> u64 {
    static MORE: AtomicU64 = AtomicU64::new(0);
    let now = SystemClock.now().timestamp_micros().unsigned_abs() % 1_000_000_007;
    given("MAINTENANCE_ORDEAL_SEED").unwrap_or_else(|| now * 1_000 + MORE.fetch_add(1, Relaxed))
}

/// Goes through these rounds, so many at a time, and returns the table and whether all is well.
async fn go(plans: Vec<Plan>, together: usize) -> (Table, bool) {
    let turns = Arc::new(Semaphore::new(together));
    let mut rounds = JoinSet::new();
    for plan in plans {
        let turns = Arc::clone(&turns);
        rounds.spawn(async move {
            let _turn = turns.acquire_owned().await;
            let program = Path::new(env!("CARGO_BIN_EXE_ordeal-host"));
            // In a task of its own, so that one that panics is told of with its seed.
            (plan, tokio::spawn(round(program, plan)).await)
        });
    }
    let (mut table, mut well) = (Table::default(), true);
    while let Some(Ok((plan, done))) = rounds.join_next().await {
        let tally = done.unwrap_or_else(|error| Tally {
            illegal: vec![format!("the round itself ended in an error: {error}")],
            ..Tally::default()
        });
        well &= tell(plan, &tally);
        table.add(plan.fault, plan.kind, tally);
    }
    (table, well)
}

/// Tells what is wrong with a round, and with which seed.
fn tell(plan: Plan, tally: &Tally) -> bool {
    let wrong = [("lost", &tally.lost), ("illegal", &tally.illegal), ("copy not allowed", &tally.copies)];
    for (what, cases) in wrong {
        for case in cases {
            eprintln!(
                "{} on {}, MAINTENANCE_ORDEAL_SEED={}: {what}: {case}",
                plan.fault, plan.kind, plan.seed
            );
        }
    }
    wrong.iter().all(|(_, cases)| cases.is_empty())
}

fn plans(faults: &[Fault], rounds: usize, time: Duration) -> Vec<Plan> {
    let mut plans = Vec::new();
    for _ in 0..rounds {
        for fault in faults {
            let befallen = Kind::ALL.iter().filter(|kind| fault.befalls(**kind));
            plans.extend(befallen.map(|kind| Plan { fault: *fault, kind: *kind, seed: seed(), time }));
        }
    }
    plans
}

/// The short form: all these faults at once, each on a database of its own.
async fn endure(faults: &[Fault]) {
    let rounds = given("MAINTENANCE_ORDEAL_ROUNDS").unwrap_or(1);
    let plans = plans(faults, rounds, Duration::from_millis(1_500));
    let together = plans.len().min(TOGETHER);
    let (table, well) = go(plans, together).await;
    println!("{table}");
    assert!(well, "what is wrong, and with which seed, stands above");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_loses_nothing() {
    endure(&[Fault::Killed]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_or_frozen_lose_nothing() {
    endure(&[Fault::WiresCut, Fault::WiresFrozen, Fault::AnswersLost]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_full_read_only_or_locked_loses_nothing() {
    endure(&[Fault::DiskFull, Fault::ReadOnly, Fault::ForeignLock]).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_server_that_is_ended_loses_nothing() {
    if std::env::var("MAINTENANCE_TEST_CRASH").is_err() {
        eprintln!("not tried: MAINTENANCE_TEST_CRASH is not set");
        return;
    }
    endure(&[Fault::ServerCrash]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_loses_and_doubles_nothing() {
    endure(&[Fault::ClockJumps]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_dropped_lose_nothing() {
    endure(&[Fault::CallsDropped]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notifier_and_a_directory_that_panic_and_hang_lose_nothing() {
    endure(&[Fault::BadNotifier, Fault::BadDirectory]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_faults_mixed_lose_nothing() {
    endure(&[Fault::Everything]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a quarter of an hour: tests/run --long"]
async fn every_fault_again_and_again() {
    let rounds = given("MAINTENANCE_ORDEAL_ROUNDS").unwrap_or(10);
    let crashable = std::env::var("MAINTENANCE_TEST_CRASH").is_ok();
    let faults: Vec<_> =
        Fault::ALL.iter().copied().filter(|fault| crashable || *fault != Fault::ServerCrash).collect();
    let mut plans = plans(&faults, rounds, Duration::from_secs(5));
    // Whoever ends the server waits for all others on it: that is done last.
    plans.sort_by_key(|plan| plan.fault == Fault::ServerCrash);
    let (table, well) = go(plans, TOGETHER).await;
    println!("{table}");
    assert!(well, "what is wrong, and with which seed, stands above");
}
