//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::Parser;

/// Fills a database and measures the engine on it, beside the same effects written by hand.
#[derive(Parser, Debug, Clone)]
pub(crate) struct Args {
    /// Where: `postgres://…` (schemas of its own are made and dropped), `sqlite:FILE`, or `memory`.
    #[arg(long, value_name = "URL")]
    pub(crate) database: String,
    /// How many requests one round of batches and messages has ready at most.
    #[arg(long, default_value_t = 40_000)]
    pub(crate) requests: u32,
    /// How many clients work at once; submits are measured by 1 and by 32 whatever this says.
    #[arg(long, default_value_t = 8)]
    pub(crate) clients: usize,
    /// How many complexes there are.
    #[arg(long, default_value_t = 100)]
    pub(crate) complexes: u32,
    /// How many workers serve a complex.
    #[arg(long, default_value_t = 20)]
    pub(crate) workers_per_complex: u32,
    /// How many requests the tables hold before the measurements.
    #[arg(long, value_name = "ROWS", default_value_t = 1_000_000)]
    pub(crate) backlog: u32,
    /// How many requests, messages or pages of a batch go together.
    #[arg(long, default_value_t = 100)]
    pub(crate) batch: u32,
    /// How long one measurement takes in a round, in seconds.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// The same for each page of each list, of which there are many; as `--seconds` unless given.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) page_seconds: Option<f64>,
    /// How often everything is measured.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// Measure reads and submits beside tables of these sizes too: complexes and renters in proportion, so
    /// that a complex has as many requests as in the large tables.
    #[arg(long, value_name = "ROWS", value_delimiter = ',')]
    pub(crate) compare_rows: Vec<u32>,
    /// Write the results for machines to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the table as Markdown to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Measure throughput by clients too, and draw plots into this directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) plot: Option<PathBuf>,
    /// Measure only what has one of these words in its name.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Leave the tables there afterwards.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Measure on the tables that a run with the same sizes and `--keep` left there, and don't fill them anew.
    #[arg(long)]
    pub(crate) filled: bool,
    /// How many submits are in flight while the process's memory is measured.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) in_flight: usize,
    /// Only measure the memory of this process, on tables that are there: what the program starts as a child.
    #[arg(long, hide = true, value_name = "SCHEMA")]
    pub(crate) memory_of: Option<String>,
}

impl Args {
    pub(crate) fn window(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.clamp(0.01, 3_600.0))
    }

    pub(crate) fn page_window(&self) -> Duration {
        Duration::from_secs_f64(self.page_seconds.unwrap_or(self.seconds).clamp(0.01, 3_600.0))
    }

    /// Whether only lists are measured, which need no other tables to compare with.
    pub(crate) fn pages_alone(&self) -> bool {
        !self.only.is_empty() && self.only.iter().all(|word| word.starts_with("page"))
    }

    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| name.contains(word.as_str()))
    }
}
