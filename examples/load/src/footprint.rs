//! The resident memory of a process whose dispatcher runs while many submits are in flight: a process of its
//! own, so that nothing else of this program counts.

use std::{
    process::{Command, Stdio},
    sync::Arc,
};

use futures_util::future::join_all;
use maintenance_core::{DispatchPolicy, Maintenance};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::{
    Result,
    args::Args,
    dataset::Dataset,
    engine::{Instant, Store},
};

/// Kilobytes of resident memory.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Footprint {
    /// Before the submits.
    pub(crate) idle_kb: u64,
    /// The most there ever was.
    pub(crate) peak_kb: u64,
    /// How many submits were in flight.
    pub(crate) submits: usize,
    /// How many of them failed.
    pub(crate) failed: usize,
}

/// Starts the child on the tables of that schema or file.
pub(crate) fn measure(args: &Args, tables: &str) -> Result<Footprint> {
    let mut child = Command::new(std::env::current_exe()?);
    for (name, value) in [
        ("--database", args.database.clone()),
        ("--memory-of", tables.to_owned()),
        ("--clients", args.clients.to_string()),
        ("--complexes", args.complexes.to_string()),
        ("--workers-per-complex", args.workers_per_complex.to_string()),
        ("--backlog", args.backlog.to_string()),
        ("--in-flight", args.in_flight.to_string()),
    ] {
        child.arg(name).arg(value);
    }
    let output = child.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("the process whose memory is measured failed".into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What the child does.
pub(crate) async fn child(store: Store, dataset: Dataset, in_flight: usize) -> Result<Footprint> {
    let maintenance = Maintenance::new(store, dataset);
    let dispatcher = maintenance.dispatcher(Instant, DispatchPolicy::default());
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(async move {
        dispatcher
            .run(async {
                // Ends as well when the sender is gone.
                let _ = stopped.await;
            })
            .await;
    });
    let idle_kb = status("VmRSS:")?;
    let maintenance = Arc::new(maintenance);
    let submits = (0..u32::try_from(in_flight)?).map(|n| {
        let maintenance = Arc::clone(&maintenance);
        tokio::spawn(async move { maintenance.submit(dataset.request(n)).await })
    });
    let submits: Vec<_> = submits.collect();
    let answers = join_all(submits).await;
    let failed = answers.iter().filter(|answer| !matches!(answer, Ok(Ok(_)))).count();
    let _ = stop.send(());
    running.await?;
    Ok(Footprint { idle_kb, peak_kb: status("VmHWM:")?, submits: in_flight, failed })
}

/// A figure of this process, in kilobytes; Linux alone tells it.
fn status(name: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such figure of the process")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
