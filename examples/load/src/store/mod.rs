//! The tables that are measured on: made, filled, metered and removed again.

mod memory;
pub(crate) mod postgres;
mod postgres_sql;
pub(crate) mod sqlite;
mod sqlite_sql;

use std::sync::Arc;

use async_trait::async_trait;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

pub(crate) use memory::Memory;

use crate::{Result, engine::Store, work::Prepared};

/// Tables under one name.
#[async_trait]
pub(crate) trait Database: Send + Sync {
    /// The engine's store over them.
    fn store(&self) -> Store;

    /// Adds so many pending requests, each with its message.
    async fn prepare(&self, n: u32, told: Told) -> Result<Vec<Prepared>>;

    /// Takes away all requests that were filed since the fill, so that slices don't weigh on each other and
    /// the tables keep their size.
    async fn settle(&self) -> Result<()>;

    /// Clears up what slices have left in the files.
    async fn tidy(&self) -> Result<()> {
        Ok(())
    }

    /// What the server has counted so far.
    async fn meter(&self) -> Result<Reading> {
        Ok(Reading::default())
    }

    /// Database, version and settings.
    async fn describe(&self) -> Result<Vec<(String, String)>>;

    /// Removes the tables.
    async fn remove(&self) -> Result<()>;
}

/// Whether a prepared message is still to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    NotYet,
    Sent,
}

/// Which indexes the tables have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Indexes {
    /// The engine's own.
    Ours,
    /// Those that the specification lists, and no other.
    Specification,
}

/// The indexes that the specification lists.
const SPECIFICATION: &[(&str, &str)] = &[
    ("maintenance_workers", "phone_number"),
    ("maintenance_workers", "status"),
    ("complex_maintenance_assignments", "worker_id"),
    ("complex_maintenance_assignments", "complex_id"),
    ("maintenance_requests", "renter_id"),
    ("maintenance_requests", "status"),
    ("maintenance_requests", "created_at"),
    ("maintenance_requests", "assigned_worker_id"),
    ("maintenance_requests", "whatsapp_status"),
    ("maintenance_attachments", "request_id"),
    ("maintenance_comments", "request_id"),
    ("maintenance_comments", "user_id"),
    ("maintenance_status_history", "request_id"),
    ("maintenance_status_history", "changed_at"),
];

/// The statements that make the specification's indexes.
fn specification_indexes() -> impl Iterator<Item = String> {
    let numbered = SPECIFICATION.iter().enumerate();
    numbered.map(|(n, (table, column))| format!("create index specification_{n} on {table} ({column})"))
}

/// Counters of the server.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Reading {
    pub(crate) statements: Option<u64>,
    pub(crate) wal_bytes: Option<u64>,
}

/// How many requests one statement of a fill adds.
const CHUNK: u32 = 20_000;

/// A bar on the terminal for a fill of that many requests.
fn progress(what: &str, rows: u32) -> ProgressBar {
    let bar = ProgressBar::new(rows.into());
    if let Ok(style) = ProgressStyle::with_template("{msg:24} {bar:40} {human_pos}/{human_len} {eta}") {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}

/// The chunks of a fill: first and last number of each.
fn chunks(rows: u32) -> impl Iterator<Item = (u32, u32)> {
    (0..rows.div_ceil(CHUNK)).map(move |n| (n * CHUNK + 1, rows.min((n + 1) * CHUNK)))
}

pub(crate) type Tables = Arc<dyn Database>;
