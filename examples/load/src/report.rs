//! The table: on the terminal, as Markdown, and for machines.

use anstream::println;
use anstyle::{AnsiColor, Style};
use maintenance_core::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::{
    Result,
    args::Args,
    bars::{Bar, bars},
    footprint::Footprint,
    measure::{Round, Versus},
    numbers::{shown, time},
    results::{Results, Row},
};

/// All that a run found.
pub(crate) struct Report<'a> {
    pub(crate) args: &'a Args,
    /// Machine, database and settings.
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) results: Results,
    pub(crate) bars: Vec<Bar>,
    pub(crate) footprint: Option<Footprint>,
}

/// The columns of the table.
const HEAD: [&str; 11] = [
    "what",
    "by",
    "clients",
    "a second",
    "p50",
    "p99",
    "/ limit",
    "/ naive",
    "time / small",
    "statements",
    "WAL bytes",
];

fn cells(results: &Results, row: &Row) -> [String; 11] {
    let figure = |figure: Option<f64>| figure.map_or_else(String::new, shown);
    [
        row.group.clone(),
        row.name.clone(),
        row.clients.to_string(),
        shown(row.median(Round::throughput)),
        time(row.median(|round| round.p50_micros)),
        time(row.median(|round| round.p99_micros)),
        figure(results.versus(row, Versus::Limit)),
        figure(results.versus(row, Versus::Naive)),
        figure(results.versus(row, Versus::Smaller)),
        figure(row.median_of(|round| round.each(round.statements))),
        figure(row.median_of(|round| round.each(round.wal_bytes))),
    ]
}

impl Report<'_> {
    /// Writes the files that are wanted, with the bars as they stand.
    pub(crate) fn write(&mut self) -> Result<()> {
        self.bars = bars(&self.results, self.args, self.footprint);
        if !self.args.only.is_empty() {
            self.bars.retain(|bar| bar.figure.is_some());
        }
        if let Some(file) = &self.args.json {
            std::fs::write(file, serde_json::to_vec_pretty(&self.json())?)?;
        }
        if let Some(file) = &self.args.markdown {
            std::fs::write(file, self.markdown())?;
        }
        Ok(())
    }

    /// Head and rows, without the columns that have no figure at all, as where nothing counts statements.
    fn table(&self) -> Vec<Vec<String>> {
        let rows: Vec<_> = self.results.rows.iter().map(|row| cells(&self.results, row)).collect();
        let filled =
            |column: usize| rows.iter().any(|row| row.get(column).is_some_and(|cell| !cell.is_empty()));
        let columns: Vec<usize> = (0..HEAD.len()).filter(|column| filled(*column)).collect();
        let head = HEAD.map(ToOwned::to_owned);
        let chosen = |row: &[String; 11]| columns.iter().filter_map(|n| row.get(*n).cloned()).collect();
        std::iter::once(&head).chain(&rows).map(chosen).collect()
    }

    /// The command that repeats it. Where the database is, is the reader's own affair.
    fn command(&self) -> String {
        let Args {
            requests, clients, complexes, workers_per_complex, backlog, batch, seconds, rounds, ..
        } = self.args;
        let database = match self.args.database.split_once(':') {
            Some(("sqlite", _)) => "sqlite:load.sqlite",
            Some(_) => "postgres://…",
            None => "memory",
        };
        let mut words = vec![
            "cargo run --release -p maintenance-load --".to_owned(),
            format!("--database {database} --requests {requests} --clients {clients}"),
            format!("--complexes {complexes} --workers-per-complex {workers_per_complex}"),
            format!("--backlog {backlog} --batch {batch} --seconds {seconds} --rounds {rounds}"),
        ];
        words.extend(self.args.page_seconds.map(|seconds| format!("--page-seconds {seconds}")));
        let list = |name: &str, values: Vec<String>| {
            (!values.is_empty()).then(|| format!("--{name} '{}'", values.join(",")))
        };
        words.extend(list("compare-rows", self.args.compare_rows.iter().map(ToString::to_string).collect()));
        words.extend(list("only", self.args.only.clone()));
        words.extend(self.args.plot.as_ref().map(|_| "--plot DIR".to_owned()));
        words.join(" ")
    }

    pub(crate) fn print(&self) {
        let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
        for (name, value) in &self.facts {
            println!("{dim}{name:20}{dim:#} {value}");
        }
        let table = self.table();
        let width = |column: usize| {
            let cells = table.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
        let line = |cells: &[String]| {
            let cells = cells.iter().zip(&widths).enumerate();
            let padded =
                cells.map(
                    |(column, (cell, width))| {
                        if column < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                    },
                );
            padded.collect::<Vec<_>>().join("  ")
        };
        if let Some((head, rows)) = table.split_first() {
            println!("\n{bold}{}{bold:#}", line(head));
            for row in rows {
                println!("{}", line(row));
            }
        }
        println!();
        for bar in &self.bars {
            let (word, colour) = verdict(bar);
            let style = colour.on_default();
            println!("{style}{word:13}{style:#} {:62} {:>8}  {}", bar.what, figure(bar), promise(bar));
            if !bar.note.is_empty() {
                println!("{dim}{:13} {}{dim:#}", "", bar.note);
            }
        }
    }

    fn markdown(&self) -> String {
        let facts: Vec<String> = self.facts.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let mut lines = vec![
            format!("Measured on {} by", SystemClock.now().format("%Y-%m-%d")),
            format!("\n```sh\n{}\n```\n", self.command()),
            format!("{}.\n", facts.join(", ")),
            "| bar | | figure | |\n|---|---|--:|---|".to_owned(),
        ];
        lines.extend(self.bars.iter().map(|bar| {
            let note = if bar.note.is_empty() { String::new() } else { format!(": {}", bar.note) };
            format!("| {} | {} | {} | {}{note} |", bar.what, promise(bar), figure(bar), verdict(bar).0)
        }));
        if let Some((head, rows)) = self.table().split_first() {
            let right = "--:|".repeat(head.len().saturating_sub(2));
            lines.push(format!("\n| {} |\n|---|---|{right}", head.join(" | ")));
            lines.extend(rows.iter().map(|row| format!("| {} |", row.join(" | "))));
        }
        lines.join("\n") + "\n"
    }

    fn json(&self) -> Value {
        json!({
            "at": SystemClock.now(),
            "command": self.command(),
            "facts": self.facts.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "rows": self.results.rows,
            "bars": self.bars,
            "memory": self.footprint,
        })
    }
}

fn verdict(bar: &Bar) -> (&'static str, AnsiColor) {
    match bar.met() {
        Some(true) => ("met", AnsiColor::Green),
        Some(false) => ("not met", AnsiColor::Red),
        None => ("not measured", AnsiColor::Yellow),
    }
}

fn promise(bar: &Bar) -> String {
    format!("{} {}", if bar.at_least { "at least" } else { "at most" }, bar.bound)
}

fn figure(bar: &Bar) -> String {
    bar.figure.map_or_else(|| "–".to_owned(), shown)
}
