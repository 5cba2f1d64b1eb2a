//! Measuring: contenders take turns in short slices, so that what else the machine does meets all alike.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use serde::Serialize;

use crate::{Result, numbers, store::Database, work::Work};

/// How long one contender works before the next one's turn.
const SLICE: Duration = Duration::from_secs(1);

/// One thing, done in one way.
pub(crate) struct Contender {
    pub(crate) name: String,
    pub(crate) clients: usize,
    pub(crate) work: Arc<dyn Work>,
    /// Where statements and WAL are counted.
    pub(crate) meter: Option<Arc<dyn Database>>,
    /// The contenders of the group that it is compared with.
    pub(crate) versus: Vec<(Versus, String)>,
}

/// What a contender is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Versus {
    /// The same by hand, as fast as it goes: throughput.
    Limit,
    /// The same by hand, without thinking of speed: throughput.
    Naive,
    /// The same with smaller tables or fewer candidates: time.
    Smaller,
}

impl Contender {
    pub(crate) fn new(name: impl Into<String>, clients: usize, work: impl Work + 'static) -> Self {
        Self { name: name.into(), clients, work: Arc::new(work), meter: None, versus: vec![] }
    }

    pub(crate) fn metered(mut self, by: &Arc<dyn Database>) -> Self {
        self.meter = Some(Arc::clone(by));
        self
    }

    pub(crate) fn versus(mut self, what: Versus, name: impl Into<String>) -> Self {
        self.versus.push((what, name.into()));
        self
    }
}

/// What is compared in one table.
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) contenders: Vec<Contender>,
    /// How long each contender works in a round.
    pub(crate) window: Duration,
}

/// What one contender did in one round.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Round {
    pub(crate) operations: u64,
    pub(crate) seconds: f64,
    pub(crate) p50_micros: f64,
    pub(crate) p99_micros: f64,
    pub(crate) statements: Option<u64>,
    pub(crate) wal_bytes: Option<u64>,
}

impl Round {
    pub(crate) fn throughput(&self) -> f64 {
        if self.seconds > 0.0 { numbers::of(self.operations) / self.seconds } else { 0.0 }
    }

    pub(crate) fn each(&self, count: Option<u64>) -> Option<f64> {
        count.filter(|_| self.operations > 0).map(|count| numbers::of(count) / numbers::of(self.operations))
    }
}

/// A round that is under way.
#[derive(Default)]
struct Tally {
    round: Round,
    latencies: Vec<u64>,
}

/// Measures a group once: every contender for the window, in turns.
pub(crate) async fn round(group: &Group) -> Result<Vec<Round>> {
    let mut tallies: Vec<Tally> = group.contenders.iter().map(|_| Tally::default()).collect();
    let window = group.window.as_secs_f64();
    // A pool that is used up early ends a slice early: more slices make up for it, within reason.
    let most = 4 + 6 * group.window.as_secs();
    for _ in 0..most {
        let mut all_done = true;
        for (contender, tally) in group.contenders.iter().zip(&mut tallies) {
            let left = window - tally.round.seconds;
            if left > 0.02 * window {
                all_done = false;
                let time = SLICE.min(Duration::from_secs_f64(left));
                slice(contender, tally, time)
                    .await
                    .map_err(|error| format!("{}, {}: {error}", group.name, contender.name))?;
            }
        }
        if all_done {
            break;
        }
    }
    Ok(tallies.into_iter().map(finish).collect())
}

async fn slice(contender: &Contender, tally: &mut Tally, time: Duration) -> Result<()> {
    contender.work.prepare().await?;
    let before = read(contender).await?;
    let begun = Instant::now();
    let clients = (0..contender.clients.max(1)).map(|_| {
        let work = Arc::clone(&contender.work);
        tokio::spawn(client(work, begun, time))
    });
    let done = try_join_all(clients).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let after = read(contender).await?;
    for done in done {
        let (operations, latencies) = done?;
        tally.round.operations += operations;
        tally.latencies.extend(latencies);
    }
    tally.round.seconds += seconds;
    let add = |sum: &mut Option<u64>, before: Option<u64>, after: Option<u64>| {
        if let (Some(before), Some(after)) = (before, after) {
            *sum = Some(sum.unwrap_or_default() + after.saturating_sub(before));
        }
    };
    if let (Some(before), Some(after)) = (before, after) {
        add(&mut tally.round.statements, before.statements, after.statements);
        add(&mut tally.round.wal_bytes, before.wal_bytes, after.wal_bytes);
    }
    contender.work.clear().await
}

async fn read(contender: &Contender) -> Result<Option<crate::store::Reading>> {
    match &contender.meter {
        Some(database) => database.meter().await.map(Some),
        None => Ok(None),
    }
}

async fn client(work: Arc<dyn Work>, begun: Instant, time: Duration) -> Result<(u64, Vec<u64>)> {
    let (mut operations, mut latencies) = (0, Vec::new());
    while begun.elapsed() < time {
        let start = Instant::now();
        let done = work.once().await?;
        if done == 0 {
            break;
        }
        operations += done;
        latencies.push(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    Ok((operations, latencies))
}

fn finish(tally: Tally) -> Round {
    let Tally { mut round, mut latencies } = tally;
    latencies.sort_unstable();
    round.p50_micros = percentile(&latencies, 50);
    round.p99_micros = percentile(&latencies, 99);
    round
}

fn percentile(sorted: &[u64], percent: usize) -> f64 {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or(0.0, |nanos| numbers::of(*nanos) / 1_000.0)
}
