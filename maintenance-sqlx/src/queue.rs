//! The queue for a pool's connections.

use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{Database, Pool, pool::PoolConnection};
use tokio::sync::Semaphore;

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
}

impl<DB: Database> Queue<DB> {
    pub(crate) fn new(pool: Pool<DB>) -> Self {
        let permits = Arc::new(Mutex::new(permits(&pool)));
        Self { pool, permits }
    }

    pub(crate) async fn acquire(&self) -> Result<PoolConnection<DB>, sqlx::Error> {
        let permits = Arc::clone(&self.permits.lock().unwrap_or_else(PoisonError::into_inner));
        let Ok(_permit) = permits.acquire().await else { return Err(sqlx::Error::PoolTimedOut) };
        let connection = Box::pin(self.pool.acquire()).await;
        if connection.is_err() {
            self.fail_waiting(&permits);
        }
        connection
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
        Self { pool: self.pool.clone(), permits: Arc::clone(&self.permits) }
    }
}
