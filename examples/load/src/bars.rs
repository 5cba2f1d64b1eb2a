//! The bars, and whether they are met.

use serde::Serialize;

use crate::{
    args::Args,
    footprint::Footprint,
    measure::Versus,
    plan::{self, by_clients, of_rows, together},
    results::Results,
};

/// What was promised, and what came out.
#[derive(Debug, Serialize)]
pub(crate) struct Bar {
    pub(crate) what: String,
    pub(crate) bound: f64,
    pub(crate) at_least: bool,
    /// `None` when it wasn't measured.
    pub(crate) figure: Option<f64>,
    /// What the figure is of, where there are several.
    pub(crate) note: String,
}

impl Bar {
    fn new(what: impl Into<String>, at_least: bool, bound: f64, figure: Option<f64>) -> Self {
        Self { what: what.into(), bound, at_least, figure, note: String::new() }
    }

    pub(crate) fn met(&self) -> Option<bool> {
        self.figure.map(|figure| if self.at_least { figure >= self.bound } else { figure <= self.bound })
    }
}

/// All bars that this database has.
pub(crate) fn bars(results: &Results, args: &Args, footprint: Option<Footprint>) -> Vec<Bar> {
    use plan::{DELIVERY, ENGINE, NOTIFIER, POST, SELECTION, SEND, SIZE, SUBMIT_MANY, WEBHOOK};
    let batch = together(ENGINE, args.batch);
    let limit = |group: &str, name: &str| results.compared(group, name, Versus::Limit);
    let mut bars = submit_bars(results, args);
    bars.extend([
        Bar::new(
            format!("submit_many of {} / the same by hand", args.batch),
            true,
            0.9,
            limit(SUBMIT_MANY, &batch),
        ),
        Bar::new("claim, send, record / hand-written claim and record", true, 0.6, limit(SEND, &batch)),
        Bar::new(
            "delivery updates, 1,000 together / one by one",
            true,
            7.0,
            results.throughputs((DELIVERY, &together(ENGINE, POST)), (DELIVERY, ENGINE)),
        ),
        slowest_page(results),
    ]);
    for (what, name) in [("candidates", "candidates"), ("submit latency", "submit")] {
        let figure = results.compared(SIZE, &of_rows(name, args.backlog), Versus::Smaller);
        bars.push(Bar::new(format!("{what}: large tables / small"), false, 1.3, figure));
    }
    bars.extend([
        Bar::new(
            "selection: 2,000 candidates / 200",
            false,
            12.0,
            results.compared(SELECTION, &plan::candidates(2_000), Versus::Smaller),
        ),
        Bar::new(
            "webhook of 1,000, verify and parse / HMAC and Value, time",
            false,
            1.0,
            limit(WEBHOOK, ENGINE).map(|throughput| 1.0 / throughput),
        ),
        Bar::new("notifier, 64 in flight / bare reqwest", true, 0.85, limit(NOTIFIER, ENGINE)),
    ]);
    let megabytes = footprint.map(|footprint| kilobytes(footprint.peak_kb) / 1_000.0);
    let mut memory = Bar::new(
        format!("resident memory, {} submits in flight, MB", args.in_flight),
        false,
        100.0,
        megabytes,
    );
    if let Some(Footprint { idle_kb, failed, .. }) = footprint {
        memory.note = format!("{:.0} MB before; {failed} submits failed", kilobytes(idle_kb) / 1_000.0);
    }
    bars.push(memory);
    if args.database == "memory" {
        // The store in memory searches row by row: the bars of databases don't apply to it.
        let pure = ["selection", "webhook", "notifier"];
        bars.retain(|bar| pure.iter().any(|name| bar.what.starts_with(name)));
    }
    bars
}

/// Submits by few and by many clients, beside one hand-written statement per request or the rows alone.
fn submit_bars(results: &Results, args: &Args) -> Vec<Bar> {
    use plan::{ENGINE, FEW, MANY, ROWS_ALONE};
    let limit = |clients| results.compared(&by_clients(clients), ENGINE, Versus::Limit);
    if args.database.starts_with("sqlite:") {
        let group = by_clients(MANY);
        let rows_alone = results.throughputs((&group, ENGINE), (&group, ROWS_ALONE));
        let mut bar =
            Bar::new(format!("{group} / the same rows alone with rusqlite"), true, 0.75, rows_alone);
        if let Some(ratio) = limit(MANY) {
            bar.note = format!("{ratio:.2} when rusqlite chooses the worker too");
        }
        return vec![bar];
    }
    [(FEW, 0.8), (MANY, 1.5)]
        .map(|(clients, bound)| {
            let what = format!("{} / one hand-written statement per request", by_clients(clients));
            Bar::new(what, true, bound, limit(clients))
        })
        .into()
}

fn kilobytes(kb: u64) -> f64 {
    crate::numbers::of(kb) * 1.024
}

/// The page whose time grows most with the tables.
fn slowest_page(results: &Results) -> Bar {
    let pages = results.rows.iter().filter(|row| row.group.starts_with(plan::PAGE));
    let ratios = pages.filter_map(|row| Some((row, results.versus(row, Versus::Smaller)?)));
    let mut ratios: Vec<_> = ratios.collect();
    ratios.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let mut bar =
        Bar::new("any list page: large tables / small", false, 1.5, ratios.first().map(|(_, ratio)| *ratio));
    let over: Vec<String> = ratios
        .iter()
        .enumerate()
        .filter(|(n, (_, ratio))| *n == 0 || *ratio > bar.bound)
        .map(|(_, (row, ratio))| {
            format!("{}, {} {ratio:.2}", row.group.trim_start_matches(plan::PAGE), row.name)
        })
        .collect();
    bar.note = format!("{} pages; highest: {}", ratios.len(), over.join("; "));
    bar
}
