//! Measures the engine on a database of a chosen size, in one run with the same effects written by hand: as
//! one statement (the limit), and as a naive transaction of six on the specification's indexes alone.
//!
//! `cargo run --release --example load -- --database postgres://… --compare-rows 10000`
//!
//! Who is compared takes turns in slices of a second, and a ratio is taken within a round, so that what else
//! the machine does meets all alike. What one slice needs is stocked before it and cleared after it, untimed.

mod args;
mod bars;
mod baseline;
mod channel;
mod engine;
mod footprint;
mod machine;
mod measure;
mod numbers;
mod pages;
mod plan;
mod plot;
mod pure;
mod report;
mod results;
mod setup;
mod store;
mod town;
mod work;

use std::error::Error;

use clap::Parser as _;
use indicatif::{ProgressBar, ProgressStyle};

use args::Args;
use measure::Group;
use plan::Plan;
use report::Report;
use results::Results;
use setup::Setup;

/// What went wrong, in words.
pub(crate) type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(tables) = &args.memory_of {
        return setup::child(&args, tables).await;
    }
    let setup = setup::setup(&args).await?;
    let measured = measure_all(&setup, &args).await;
    if !args.keep {
        setup.remove().await?;
    }
    measured
}

async fn measure_all(setup: &Setup, args: &Args) -> Result<()> {
    let plan = Plan::new(setup, args);
    let groups = plan.groups().await?;
    let mut results = Results::default();
    let bar = ProgressBar::new(u64::try_from(args.rounds * groups.len())?);
    if let Ok(style) = ProgressStyle::with_template("{msg:50} {bar:30} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    let measured = rounds(&plan, &groups, &mut results, &bar).await;
    bar.finish_and_clear();
    drop(groups);
    let footprint = match &setup.name {
        Some(name) if args.wants("memory") && measured.is_ok() => {
            let measured = footprint::measure(args, name);
            setup.tables.settle().await?;
            Some(measured?)
        }
        _ => None,
    };
    let mut facts = machine::describe();
    facts.extend(setup.tables.describe().await?);
    facts.push(("requests".to_owned(), numbers::shown(f64::from(args.backlog))));
    let bars = bars::bars(&results, args, footprint);
    let report = Report { args, facts, results: &results, bars, footprint };
    report.print();
    if let Some(file) = &args.json {
        std::fs::write(file, serde_json::to_vec_pretty(&report.json())?)?;
    }
    if let Some(file) = &args.markdown {
        std::fs::write(file, report.markdown())?;
    }
    if let Some(directory) = &args.plot {
        plot::draw(&results, args, directory)?;
    }
    // What was measured before an error has been told all the same.
    measured
}

async fn rounds(plan: &Plan<'_>, groups: &[Group], results: &mut Results, bar: &ProgressBar) -> Result<()> {
    for _ in 0..plan.args.rounds {
        go(groups, plan.setup, results, bar).await?;
    }
    if plan.args.plot.is_some() {
        go(&plan.by_clients(&plot::CLIENTS), plan.setup, results, bar).await?;
    }
    Ok(())
}

async fn go(groups: &[Group], setup: &Setup, results: &mut Results, bar: &ProgressBar) -> Result<()> {
    for group in groups {
        bar.set_message(group.name.clone());
        results.add(group, measure::round(group).await?);
        if !group.name.starts_with(plan::PAGE) {
            setup.tidy().await?;
        }
        bar.inc(1);
    }
    Ok(())
}
