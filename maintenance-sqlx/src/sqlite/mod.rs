//! The SQLite store.
//!
//! [`open`] sets up a database file as the engine wants it. The store changes no setting of a pool that the
//! host opened itself. Such a pool must have foreign keys on, which is sqlx's default, and a busy time-out
//! spares its users needless `Busy` errors. `sqlite::memory:` is one database per connection: give its pool
//! one connection that never ends.
//!
//! SQLite has one writer at a time. Over a pool, writers of this process queue, and each write begins as a
//! writer (`begin immediate`), so that none fails half-way for a lock. In the host's transaction the same
//! holds if the host begins it with `pool.begin_with("begin immediate")`. A transaction that reads first and
//! writes later fails with `Busy` if another one wrote in between.
//!
//! Inside the host's transaction each write is a savepoint, so that a write that fails leaves nothing of
//! itself behind. An error that ends the whole transaction, such as a full disk, is `Aborted`.
//!
//! Ids are stored as hyphenated lower-case text, times as UTC text of fixed width with six decimals
//! (`2026-01-02T03:04:05.000006Z`), and specialties as a JSON array.

mod archive;
mod claims;
mod convert;
mod deliveries;
mod events;
mod filing;
mod import;
mod inbound;
mod migrate;
mod notifications;
mod open;
mod outcomes;
#[cfg(test)]
mod plans;
mod renters;
mod requests;
mod script;
mod source;
#[cfg(test)]
mod tests;
mod workers;

use std::{fmt, sync::Arc, time::Duration};

use maintenance_core::{OrganizationId, Organizations};
use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::Mutex;

#[cfg(test)]
pub(crate) use convert::JsonRow;
pub use migrate::{migrate, migrate_in, migrator};
pub use open::{open, open_with};

use crate::{kept::Kept, limit, queue::Queue};
use source::{Pool, Source};

/// The store over an SQLite pool or inside the host's open transaction. Clones share the connection.
#[derive(Clone)]
pub struct SqliteRepository<'c> {
    source: Source<'c>,
    organization: OrganizationId,
}

impl SqliteRepository<'static> {
    /// The store over a pool. [`migrate`] makes its tables.
    ///
    /// ```no_run
    /// use maintenance_sqlx::sqlite::{SqliteRepository, migrate, open};
    ///
    /// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = open("maintenance.db").await?;
    /// migrate(&pool).await?;
    /// let repository = SqliteRepository::new(pool);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(pool: SqlitePool) -> Self {
        let pool = Pool {
            queue: Queue::new(pool),
            writer: Arc::default(),
            to_write: Kept::new(),
            limit: limit::DEFAULT,
        };
        Self { source: Source::Pool(pool), organization: OrganizationId::NONE }
    }

    /// Sets the time limit of each call, 30 seconds by default. It includes the wait for the call's turn to
    /// write. A call whose turn doesn't come fails with `Busy`, one that takes longer fails with
    /// `Unavailable`. The wait for another process's lock ends with the pool's busy time-out, and at the
    /// latest with this limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// # use maintenance_sqlx::sqlite::SqliteRepository;
    ///
    /// # fn start(pool: sqlx::SqlitePool) {
    /// let repository = SqliteRepository::new(pool).with_time_limit(Duration::from_secs(5));
    /// # }
    /// ```
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        if let Source::Pool(pool) = &mut self.source {
            pool.limit = limit;
        }
        self
    }
}

impl<'c> SqliteRepository<'c> {
    /// The store inside the host's open transaction. It sees what the host wrote there, and the host's commit
    /// or rollback decides about what it writes.
    ///
    /// ```
    /// # use maintenance_core::{Maintenance, NewRequest};
    /// use maintenance_sqlx::sqlite::SqliteRepository;
    ///
    /// # async fn file(
    /// #     maintenance: Maintenance<SqliteRepository<'static>>,
    /// #     pool: sqlx::SqlitePool,
    /// #     request: NewRequest,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut tx = pool.begin_with("begin immediate").await?;
    /// let filed = maintenance.within(SqliteRepository::in_transaction(&mut tx)).submit(request).await?;
    /// tx.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn in_transaction(connection: &'c mut SqliteConnection) -> Self {
        Self { source: Source::Host(Arc::new(Mutex::new(connection))), organization: OrganizationId::NONE }
    }
}

impl Organizations for SqliteRepository<'_> {
    fn of(&self, organization: OrganizationId) -> Self {
        Self { organization, ..self.clone() }
    }
}

impl fmt::Debug for SqliteRepository<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteRepository").field("over", &self.source.name()).finish()
    }
}
