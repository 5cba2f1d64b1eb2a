//! Where a step's connection comes from.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use maintenance_core::{RepositoryError, RepositoryErrorKind};
use sqlx::{Connection as _, Sqlite, SqliteConnection, error::DatabaseError, pool::PoolConnection};
use tokio::sync::{Mutex, MutexGuard};

use super::step::{Query, Rows, Step, execute_within};
use crate::{error, limit::Deadline, queue::Queue};

/// A pool, or the connection with the host's open transaction.
#[derive(Clone)]
pub(super) enum Source<'c> {
    Pool(Pool),
    Host(Arc<Mutex<&'c mut SqliteConnection>>),
}

#[derive(Clone)]
pub(super) struct Pool {
    pub(super) queue: Queue<Sqlite>,
    /// Held while writing: waiting here is fair and ends at once, SQLite's own waiting is by sleeping.
    pub(super) writer: Arc<Mutex<()>>,
    /// How long a step may take, with its wait for its turn.
    pub(super) limit: Duration,
}

impl Pool {
    /// This process's turn to write. Until it comes nothing is written, so a wait that takes too long is `Busy`.
    async fn turn(&self, deadline: &Deadline) -> Result<MutexGuard<'_, ()>, RepositoryError> {
        deadline.bound(RepositoryErrorKind::Busy, self.writer.lock()).await
    }
}

impl Source<'_> {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Pool(_) => "a pool",
            Self::Host(_) => "the host's transaction",
        }
    }
}

impl<'c> Source<'c> {
    /// A connection to read by: writers don't hold it up.
    pub(super) async fn reader(&self) -> Result<Connection<'_, 'c>, RepositoryError> {
        match self {
            Self::Pool(pool) => {
                let connection = Deadline::after(pool.limit)
                    .bound(RepositoryErrorKind::Unavailable, idle(&pool.queue))
                    .await?;
                Ok(Connection::Pool(connection.map_err(failed)?))
            }
            Self::Host(connection) => Ok(Connection::Host(connection.lock().await)),
        }
    }

    /// Writes with one statement, which is a transaction of its own; how many rows it wrote.
    pub(super) async fn execute(&self, query: Query) -> Result<u64, RepositoryError> {
        match self {
            Self::Pool(pool) => {
                let deadline = Deadline::after(pool.limit);
                let _turn = pool.turn(&deadline).await?;
                let write = async { query.execute(&mut *idle(&pool.queue).await?).await };
                let done = deadline.bound(RepositoryErrorKind::Unavailable, write).await?;
                Ok(done.map_err(failed)?.rows_affected())
            }
            Self::Host(connection) => execute_within(&mut **connection.lock().await, query).await,
        }
    }

    /// Writes a step of several statements, whole or not at all; the rows of all of them, in order.
    pub(super) async fn write(
        &self,
        step: &'static Step,
        bind: impl FnOnce(Query) -> Query + Send,
    ) -> Result<Rows, RepositoryError> {
        match self {
            Self::Pool(pool) => {
                let deadline = Deadline::after(pool.limit);
                let _turn = pool.turn(&deadline).await?;
                let write = async { step.alone(idle(&pool.queue).await?, bind).await };
                deadline.bound(RepositoryErrorKind::Unavailable, write).await?.map_err(failed)
            }
            Self::Host(connection) => step.within(&mut **connection.lock().await, bind).await,
        }
    }
}

/// A connection with no transaction. One whose last rollback failed, as on a full disk, still counts as in a
/// transaction: it is closed, and the next one taken.
async fn idle(queue: &Queue<Sqlite>) -> Result<PoolConnection<Sqlite>, sqlx::Error> {
    loop {
        let connection = queue.acquire().await?;
        if !connection.is_in_transaction() {
            return Ok(connection);
        }
        connection.close().await?;
    }
}

pub(super) enum Connection<'s, 'c> {
    Pool(PoolConnection<Sqlite>),
    Host(MutexGuard<'s, &'c mut SqliteConnection>),
}

impl Deref for Connection<'_, '_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Pool(connection) => connection,
            Self::Host(connection) => connection,
        }
    }
}

impl DerefMut for Connection<'_, '_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Pool(connection) => connection,
            Self::Host(connection) => connection,
        }
    }
}

/// The error of a statement that left the transaction it ran in as it was.
pub(super) fn failed(error: sqlx::Error) -> RepositoryError {
    error::failed(error, kind)
}

/// The error of a statement that ended the host's transaction.
pub(super) fn aborted(error: sqlx::Error) -> RepositoryError {
    error::failed(error, |error| RepositoryErrorKind::Aborted {
        code: error.code().unwrap_or_default().into_owned(),
    })
}

fn kind(error: &dyn DatabaseError) -> RepositoryErrorKind {
    // The low byte of an extended code is its class: 5 busy, 6 locked, 8 read-only, 10 I/O, 13 full,
    // 14 can't open, 19 constraint.
    let code: u32 = error.code().and_then(|code| code.parse().ok()).unwrap_or_default();
    match code & 0xff {
        5 | 6 => RepositoryErrorKind::Busy,
        8 | 13 => RepositoryErrorKind::NotWritable,
        10 | 14 => RepositoryErrorKind::Unavailable,
        19 if error.is_unique_violation() => RepositoryErrorKind::Conflict,
        19 if error.is_foreign_key_violation() => RepositoryErrorKind::NotFound,
        _ => RepositoryErrorKind::Other,
    }
}
