//! Measures the engine on a database of a chosen size, in one run with the same effects written by hand: as
//! one statement (the limit), and as a naive transaction of six on the specification's indexes alone.
//!
//! `cargo run --release -p maintenance-load -- --database postgres://… --compare-rows 10000`
//!
//! Who is compared takes turns in slices of a second, and a ratio is taken within a round, so that what else
//! the machine does meets all alike. What one slice needs is prepared before it and cleared after it, untimed.

mod args;
mod bars;
mod baseline;
mod channel;
mod dataset;
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
mod work;

use std::error::Error;

use clap::Parser as _;
use indicatif::{ProgressBar, ProgressStyle};

use args::Args;
use measure::Group;
use plan::{Plan, by_clients};
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
    let mut facts = machine::describe();
    facts.extend(setup.tables.describe().await?);
    facts.push(("requests".to_owned(), numbers::count(args.backlog)));
    let plan = Plan::new(setup, args);
    let groups = plan.groups().await?;
    let mut report = Report { args, facts, results: Results::default(), bars: vec![], footprint: None };
    let bar = ProgressBar::new(u64::try_from(args.rounds * groups.len())?);
    if let Ok(style) = ProgressStyle::with_template("{msg:50} {bar:30} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    let measured = rounds(&plan, &groups, &mut report, &bar).await;
    bar.finish_and_clear();
    drop(groups);
    if let Some(name) = setup.name.as_ref().filter(|_| args.wants("memory") && measured.is_ok()) {
        report.footprint = Some(footprint::measure(args, name)?);
        setup.tables.settle().await?;
    }
    // What was measured before an error is told all the same.
    report.write()?;
    report.print();
    if let Some(directory) = &args.plot {
        plot::draw(&report.results, args, directory)?;
    }
    measured
}

async fn rounds(plan: &Plan<'_>, groups: &[Group], report: &mut Report<'_>, bar: &ProgressBar) -> Result<()> {
    for _ in 0..plan.args.rounds {
        go(groups, plan.setup, &mut report.results, bar).await?;
        report.write()?;
    }
    if plan.args.plot.is_some() {
        let measured =
            |clients: usize| report.results.rows.iter().any(|row| row.group == by_clients(clients));
        let left = plot::CLIENTS.into_iter().filter(|clients| !measured(*clients));
        let groups: Vec<Group> = left.map(|clients| plan.submit(clients)).collect();
        go(&groups, plan.setup, &mut report.results, bar).await?;
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
