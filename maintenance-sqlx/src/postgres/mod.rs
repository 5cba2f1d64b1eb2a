//! The PostgreSQL store.
//!
//! Every write is one statement, so one round trip, and so one step even without a transaction. Names are
//! unqualified: the connection's `search_path` decides the schema, and one schema an organisation is a choice
//! of deployment. No advisory locks (but for migrations), notifications, triggers or sequences.
//!
//! # The pool
//!
//! - `PgPoolOptions::test_before_acquire(false)`: by default sqlx pings the server at every acquire, one round
//!   trip more a step. Without it a connection that the server closed meanwhile shows at its next statement, as
//!   `Unavailable`.
//! - Leave `plan_cache_mode` as it is: with `force_generic_plan` a page of a property with far more requests
//!   than others may sort all of them.
//! - Keep sqlx's statement cache: unprepared statements halve throughput, and a capacity of 0 leaks them on
//!   the server.
//! - `PgBouncer`: session mode as it is; transaction mode from 1.21 with `max_prepared_statements` set.
//!
//! - A connection whose statement ran out of time, or whose caller gave up amid it, is closed and replaced: sqlx would
//!   wait for that statement without limit. So is one whose server takes no writes any more, as after a failover. The
//!   server notices a client that is gone only by its own settings: set `tcp_keepalives_idle`, `tcp_keepalives_interval`
//!   and `tcp_user_timeout` there, or per connection by `PgConnectOptions::options`, so that a lost client's locks go.
//!   sqlx has no setting for the client's side of the connection.
//!
//! # The host's transaction
//!
//! A refused step leaves it usable. Isolation levels above `read committed` work; a serialisation failure is `Aborted`
//! with the code `40001`, as every error of PostgreSQL itself is with its code: the transaction is over.
//! Over a pool serialisation failures and deadlocks are `Conflict`, and the use cases decide again.

mod claims;
mod convert;
mod deliveries;
mod filing;
mod migrate;
mod mirror;
mod notifications;
mod outcomes;
#[cfg(test)]
mod plans;
mod requests;
mod source;
#[cfg(test)]
mod tests;
mod workers;

use std::{fmt, sync::Arc, time::Duration};

use sqlx::{PgConnection, PgPool};
use tokio::sync::Mutex;

pub use migrate::{migrate, migrate_in, migrator};

use crate::{limit, queue::Queue};
use source::Source;

/// The store over a PostgreSQL pool or inside the host's open transaction. Clones share the connection.
#[derive(Clone)]
pub struct PgRepository<'c> {
    source: Source<'c>,
}

impl PgRepository<'static> {
    /// The store over that pool; its tables are made by [`migrate`].
    pub fn new(pool: PgPool) -> Self {
        Self { source: Source::Pool { queue: Queue::new(pool), limit: limit::DEFAULT } }
    }

    /// With another time limit for each step, which counts from the call on, with the wait for a connection: 30
    /// seconds by default. A step that takes longer ends as `Unavailable`, and its connection is closed.
    #[must_use]
    pub fn with_time_limit(mut self, time_limit: Duration) -> Self {
        if let Source::Pool { limit, .. } = &mut self.source {
            *limit = time_limit;
        }
        self
    }
}

impl<'c> PgRepository<'c> {
    /// The store inside the host's open transaction: it sees what the host wrote there, and what it writes
    /// commits or goes with the rest.
    pub fn in_transaction(connection: &'c mut PgConnection) -> Self {
        Self { source: Source::Host(Arc::new(Mutex::new(connection))) }
    }
}

impl fmt::Debug for PgRepository<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgRepository").field("over", &self.source.name()).finish()
    }
}
