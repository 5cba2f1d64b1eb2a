//! The queue for a pool's connections.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{Database, Pool};
use tokio::sync::Semaphore;

use crate::kept::{Kept, Lent};

/// A pool and the queue for its connections. A caller who waits in sqlx's pool takes some 14 kB of memory,
/// one who waits here takes a few hundred bytes. So this queue lets no more callers into the pool than it has
/// connections, in the order in which they came.
///
/// The pool's time-out counts from the moment a caller enters the pool. When one caller times out, everyone
/// queued behind it fails at once, since each of them would wait as long in vain.
pub(crate) struct Queue<DB: Database> {
    pool: Pool<DB>,
    /// Replaced when one caller times out; whoever waits for the old one then fails.
    permits: Arc<Mutex<Arc<Semaphore>>>,
    kept: Kept<DB>,
}

impl<DB: Database> Queue<DB> {
    pub(crate) fn new(pool: Pool<DB>) -> Self {
        let permits = Arc::new(Mutex::new(permits(&pool)));
        Self { pool, permits, kept: Kept::new() }
    }

    /// A connection that a call kept, with that setting if there is one, or else one of the pool's.
    pub(crate) async fn acquire(&self, setting: Option<&str>) -> Result<Lent<DB>, sqlx::Error> {
        if let Some(kept) = self.kept.take(setting) {
            return Ok(kept);
        }
        let permits = Arc::clone(&self.permits.lock().unwrap_or_else(PoisonError::into_inner));
        let Ok(_permit) = permits.acquire().await else { return Err(sqlx::Error::PoolTimedOut) };
        let connection = Box::pin(self.pool.acquire()).await;
        if connection.is_err() {
            self.fail_waiting(&permits);
        }
        connection.map(Lent::new)
    }

    /// Keeps a connection, whose last statement has ended well, for the next call. One that is dropped instead goes back
    /// to the pool.
    pub(crate) fn keep(&self, lent: Lent<DB>, limit: Duration) {
        self.keep_among(&self.kept, lent, limit);
    }

    /// Keeps a connection of this pool among others than those that [`acquire`](Self::acquire) gives.
    pub(crate) fn keep_among(&self, kept: &Kept<DB>, lent: Lent<DB>, limit: Duration) {
        kept.keep(lent, &self.pool, limit);
    }

    /// Fails everyone who waits for these permits. Later callers queue for new ones.
    fn fail_waiting(&self, waited_for: &Arc<Semaphore>) {
        waited_for.close();
        let mut current = self.permits.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, waited_for) {
            *current = permits(&self.pool);
        }
    }
}

/// One permit per connection that the pool may have.
fn permits<DB: Database>(pool: &Pool<DB>) -> Arc<Semaphore> {
    let connections = usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX);
    Arc::new(Semaphore::new(connections.clamp(1, Semaphore::MAX_PERMITS)))
}

impl<DB: Database> Clone for Queue<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), permits: Arc::clone(&self.permits), kept: self.kept.clone() }
    }
}
