//! The SQLite store.
//!
//! [`open`] sets up a file as the engine wants it: write-ahead log, foreign keys on, synchronous `NORMAL`, a
//! busy time-out. Of a host's own pool nothing is changed: it must have foreign keys on (sqlx's default), and
//! a busy time-out spares its users needless `Busy` errors. `sqlite::memory:` is one database a connection:
//! give its pool one connection that never ends.
//!
//! SQLite has one writer at a time. Over a pool, writes wait their turn in this process and then begin as
//! writers (`BEGIN IMMEDIATE`), so that none fails half-way for a lock. In a host's transaction the same holds
//! if the host begins it by `pool.begin_with("begin immediate")`: one that has read first and writes later
//! fails with `Busy` when another wrote in between. There a step of several statements stands in a savepoint
//! of its own, so that one that fails leaves nothing of itself behind. An error that ends the whole transaction, as
//! a full disk may, is `Aborted`.
//!
//! Ids are stored as hyphenated lower-case text, times as UTC text of fixed width with six decimals
//! (`2026-01-02T03:04:05.000006Z`), specialties as a JSON array.

mod claims;
mod convert;
mod deliveries;
mod filing;
mod migrate;
mod notifications;
mod open;
mod outcomes;
#[cfg(test)]
mod plans;
mod requests;
mod script;
mod source;
#[cfg(test)]
mod tests;
mod workers;

use std::{fmt, sync::Arc, time::Duration};

use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::Mutex;

#[cfg(test)]
pub(crate) use convert::JsonRow;
pub use migrate::{migrate, migrate_in, migrator};
pub use open::{open, open_with};

use crate::{limit, queue::Queue};
use source::{Pool, Source};

/// The store over an SQLite pool or inside the host's open transaction. Clones share the connection.
#[derive(Clone)]
pub struct SqliteRepository<'c> {
    source: Source<'c>,
}

impl SqliteRepository<'static> {
    /// The store over that pool; its tables are made by [`migrate`].
    pub fn new(pool: SqlitePool) -> Self {
        let pool = Pool { queue: Queue::new(pool), writer: Arc::default(), limit: limit::DEFAULT };
        Self { source: Source::Pool(pool) }
    }

    /// With another time limit for each step, which counts from the call on, with the wait for its turn: 30 seconds by
    /// default. A step whose turn doesn't come ends as `Busy`, one that takes longer as `Unavailable`. A lock of
    /// another process is waited for as long as the pool's busy time-out says, and no longer than this.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        if let Source::Pool(pool) = &mut self.source {
            pool.limit = limit;
        }
        self
    }
}

impl<'c> SqliteRepository<'c> {
    /// The store inside the host's open transaction: it sees what the host wrote there, and what it writes
    /// commits or goes with the rest.
    pub fn in_transaction(connection: &'c mut SqliteConnection) -> Self {
        Self { source: Source::Host(Arc::new(Mutex::new(connection))) }
    }
}

impl fmt::Debug for SqliteRepository<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteRepository").field("over", &self.source.name()).finish()
    }
}
