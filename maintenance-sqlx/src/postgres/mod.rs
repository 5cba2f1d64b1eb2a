//! The PostgreSQL store.
//!
//! Every write is one statement, so it is atomic and one round trip even without a transaction. Table names
//! are unqualified: the connection's `search_path` decides the schema, and a host may give each customer
//! a schema of its own over one pool ([`Schemas`]). The store uses no notifications, triggers or sequences, and advisory
//! locks for migrations only.
//!
//! The [crate's page](crate) says how to set up the pool.
//!
//! # Errors
//!
//! Over a pool, serialisation failures and deadlocks are `Conflict`, and the use cases decide again. In the
//! host's transaction every error of PostgreSQL itself is `Aborted` with its code, since the transaction is
//! over; so are serialisation failures (`40001`) above the isolation level `read committed`.

mod archive;
mod arrays;
mod claims;
mod convert;
mod deliveries;
mod events;
mod filing;
mod import;
mod inbound;
mod migrate;
mod mirror;
mod notifications;
mod numbers;
mod outcomes;
#[cfg(test)]
mod plans;
mod renters;
mod requests;
mod row_security;
mod schema;
mod schemas;
#[cfg(test)]
mod shapes;
mod source;
#[cfg(test)]
mod tests;
mod texts;
mod workers;

use std::{fmt, sync::Arc, time::Duration};

use maintenance_core::{OrganizationId, Organizations};
use sqlx::{PgConnection, PgPool};
use tokio::sync::Mutex;

pub use migrate::{migrate, migrate_all, migrate_in, migrator};
pub use row_security::secure_rows;
pub use schema::{InvalidSchemaName, SchemaName};
pub use schemas::Schemas;

use crate::{limit, queue::Queue};
use source::Source;

/// The store over a PostgreSQL pool or inside the host's open transaction. Clones share the connection.
#[derive(Clone)]
pub struct PgRepository<'c> {
    source: Source<'c>,
    organization: OrganizationId,
}

impl PgRepository<'static> {
    /// The store over a pool. [`migrate`] makes its tables.
    ///
    /// ```no_run
    /// use maintenance_sqlx::postgres::{PgRepository, migrate};
    /// use sqlx::postgres::PgPoolOptions;
    ///
    /// # async fn start(url: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = PgPoolOptions::new().test_before_acquire(false).connect(url).await?;
    /// migrate(&pool).await?;
    /// let repository = PgRepository::new(pool);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(pool: PgPool) -> Self {
        Self {
            source: Source::Pool { queue: Queue::new(pool), schema: None, limit: limit::DEFAULT },
            organization: OrganizationId::NONE,
        }
    }

    /// Sets the time limit of each call, 30 seconds by default. It includes the wait for a connection. A call
    /// that takes longer fails with `Unavailable`, and its connection is closed.
    ///
    /// ```
    /// use std::time::Duration;
    /// # use maintenance_sqlx::postgres::PgRepository;
    ///
    /// # fn start(pool: sqlx::PgPool) {
    /// let repository = PgRepository::new(pool).with_time_limit(Duration::from_secs(5));
    /// # }
    /// ```
    #[must_use]
    pub fn with_time_limit(mut self, time_limit: Duration) -> Self {
        if let Source::Pool { limit, .. } = &mut self.source {
            *limit = time_limit;
        }
        self
    }
}

impl<'c> PgRepository<'c> {
    /// The store inside the host's open transaction. It sees what the host wrote there, and the host's commit
    /// or rollback decides about what it writes.
    ///
    /// ```
    /// # use maintenance_core::{Maintenance, NewRequest};
    /// use maintenance_sqlx::postgres::PgRepository;
    ///
    /// # async fn file(
    /// #     maintenance: Maintenance<PgRepository<'static>>,
    /// #     pool: sqlx::PgPool,
    /// #     request: NewRequest,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut tx = pool.begin().await?;
    /// let filed = maintenance.within(PgRepository::in_transaction(&mut tx)).submit(request).await?;
    /// tx.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn in_transaction(connection: &'c mut PgConnection) -> Self {
        Self { source: Source::Host(Arc::new(Mutex::new(connection))), organization: OrganizationId::NONE }
    }
}

impl Organizations for PgRepository<'_> {
    fn of(&self, organization: OrganizationId) -> Self {
        Self { organization, ..self.clone() }
    }
}

impl fmt::Debug for PgRepository<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgRepository").field("over", &self.source.name()).finish()
    }
}
