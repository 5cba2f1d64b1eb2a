//! Where a step's connection comes from.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use maintenance_core::{RepositoryError, RepositoryErrorKind};
use sqlx::{Connection as _, Sqlite, SqliteConnection, error::DatabaseError, pool::PoolConnection};
use tokio::sync::{Mutex, MutexGuard};

use super::step::{Query, Rows, Step};
use crate::{error, queue::Queue};

/// A pool, or the connection with the host's open transaction.
#[derive(Clone)]
pub(super) enum Source<'c> {
    Pool {
        queue: Queue<Sqlite>,
        /// Held while writing: waiting here is fair and ends at once, SQLite's own waiting is by sleeping.
        writer: Arc<Mutex<()>>,
    },
    Host(Arc<Mutex<&'c mut SqliteConnection>>),
}

impl Source<'_> {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Pool { .. } => "a pool",
            Self::Host(_) => "the host's transaction",
        }
    }
}

impl<'c> Source<'c> {
    /// A connection to read by.
    pub(super) async fn reader(&self) -> Result<Connection<'_, 'c>, RepositoryError> {
        match self {
            Self::Pool { queue, .. } => {
                Ok(Connection::Pool { connection: idle(queue).await.map_err(failed)?, _turn: None })
            }
            Self::Host(connection) => Ok(Connection::Host(connection.lock().await)),
        }
    }

    /// A connection to write by with one statement, which is a transaction of its own.
    pub(super) async fn writer(&self) -> Result<Connection<'_, 'c>, RepositoryError> {
        match self {
            Self::Pool { queue, writer } => {
                let turn = writer.lock().await;
                let connection = idle(queue).await.map_err(failed)?;
                Ok(Connection::Pool { connection, _turn: Some(turn) })
            }
            Self::Host(connection) => Ok(Connection::Host(connection.lock().await)),
        }
    }

    /// Writes a step of several statements, whole or not at all; the rows of all of them, in order.
    pub(super) async fn write(
        &self,
        step: &'static Step,
        bind: impl FnOnce(Query) -> Query + Send,
    ) -> Result<Rows, RepositoryError> {
        match self {
            Self::Pool { queue, writer } => {
                let _turn = writer.lock().await;
                let connection = idle(queue).await.map_err(failed)?;
                step.alone(connection, bind).await.map_err(failed)
            }
            Self::Host(connection) => step.within(&mut **connection.lock().await, bind).await.map_err(failed),
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
    Pool { connection: PoolConnection<Sqlite>, _turn: Option<MutexGuard<'s, ()>> },
    Host(MutexGuard<'s, &'c mut SqliteConnection>),
}

impl Deref for Connection<'_, '_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Pool { connection, .. } => connection,
            Self::Host(connection) => connection,
        }
    }
}

impl DerefMut for Connection<'_, '_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Pool { connection, .. } => connection,
            Self::Host(connection) => connection,
        }
    }
}

/// The error of a statement.
pub(super) fn failed(error: sqlx::Error) -> RepositoryError {
    error::failed(error, kind)
}

fn kind(error: &dyn DatabaseError) -> RepositoryErrorKind {
    // The low byte of an extended code is its class: 5 busy, 6 locked, 10 I/O, 14 can't open, 19 constraint.
    let code: u32 = error.code().and_then(|code| code.parse().ok()).unwrap_or_default();
    match code & 0xff {
        5 | 6 => RepositoryErrorKind::Busy,
        10 | 14 => RepositoryErrorKind::Unavailable,
        19 if error.is_unique_violation() => RepositoryErrorKind::Conflict,
        19 if error.is_foreign_key_violation() => RepositoryErrorKind::NotFound,
        _ => RepositoryErrorKind::Other,
    }
}
