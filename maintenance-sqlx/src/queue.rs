//! Waiting for a connection.

use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{Database, Pool, pool::PoolConnection};
use tokio::sync::Semaphore;

/// A pool and the queue for its connections. One who waits in the pool itself takes some 14 kB of memory, one
/// who waits here a few hundred bytes: so no more are let into the pool than it has connections, in order.
///
/// The pool's time-out counts from there on. Whom it strikes, all who stand behind are sent away with, since they
/// would wait in vain as long each.
pub(crate) struct Queue<DB: Database> {
    pool: Pool<DB>,
    turns: Arc<Mutex<Arc<Semaphore>>>,
}

impl<DB: Database> Queue<DB> {
    pub(crate) fn new(pool: Pool<DB>) -> Self {
        let turns = Arc::new(Mutex::new(turns(&pool)));
        Self { pool, turns }
    }

    pub(crate) async fn acquire(&self) -> Result<PoolConnection<DB>, sqlx::Error> {
        let turns = Arc::clone(&self.turns.lock().unwrap_or_else(PoisonError::into_inner));
        let Ok(_turn) = turns.acquire().await else { return Err(sqlx::Error::PoolTimedOut) };
        let connection = Box::pin(self.pool.acquire()).await;
        if connection.is_err() {
            self.send_away(&turns);
        }
        connection
    }

    /// Ends the waiting of all who stand there; others may queue anew.
    fn send_away(&self, standing: &Arc<Semaphore>) {
        standing.close();
        let mut turns_now = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&turns_now, standing) {
            *turns_now = turns(&self.pool);
        }
    }
}

fn turns<DB: Database>(pool: &Pool<DB>) -> Arc<Semaphore> {
    let connections = usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX);
    Arc::new(Semaphore::new(connections.clamp(1, Semaphore::MAX_PERMITS)))
}

impl<DB: Database> Clone for Queue<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), turns: Arc::clone(&self.turns) }
    }
}
