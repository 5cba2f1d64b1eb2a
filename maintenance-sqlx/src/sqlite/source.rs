//! Where a step's connection comes from, and how a write of several statements is one step.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use futures_util::lock::{Mutex, MutexGuard, OwnedMutexGuard};
use maintenance_core::{RepositoryError, RepositoryErrorKind};
use sqlx::{
    Connection, Sqlite, SqliteConnection, SqlitePool, Transaction, error::DatabaseError, pool::PoolConnection,
};

use crate::error;

/// A pool, or the connection with the host's open transaction.
#[derive(Clone)]
pub(super) enum Source<'c> {
    Pool {
        pool: SqlitePool,
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
    pub(super) async fn reader(&self) -> Result<Reader<'_, 'c>, RepositoryError> {
        match self {
            Self::Pool { pool, .. } => Ok(Reader::Pool(pool.acquire().await.map_err(failed)?)),
            Self::Host(connection) => Ok(Reader::Host(connection.lock().await)),
        }
    }

    /// A connection in a write transaction, to be [committed](Writer::commit).
    pub(super) async fn writer(&self) -> Result<Writer<'_, 'c>, RepositoryError> {
        match self {
            Self::Pool { pool, writer } => {
                let turn = Arc::clone(writer).lock_owned().await;
                let step = begin(pool).await.map_err(failed)?;
                Ok(Writer::Pool { step, _turn: turn })
            }
            Self::Host(connection) => Ok(Writer::Host(connection.lock().await)),
        }
    }
}

/// Begins as a writer. A connection whose last rollback failed, as on a full disk, still counts as in a
/// transaction and can begin no other: it is closed, and the next one taken.
async fn begin(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    loop {
        match pool.begin_with("begin immediate").await {
            Err(sqlx::Error::InvalidSavePointStatement) => {
                let connection = pool.acquire().await?;
                if connection.is_in_transaction() {
                    connection.close().await?;
                }
            }
            begun => return begun,
        }
    }
}

pub(super) enum Reader<'s, 'c> {
    Pool(PoolConnection<Sqlite>),
    Host(MutexGuard<'s, &'c mut SqliteConnection>),
}

impl Deref for Reader<'_, '_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Pool(connection) => connection,
            Self::Host(connection) => connection,
        }
    }
}

impl DerefMut for Reader<'_, '_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Pool(connection) => connection,
            Self::Host(connection) => connection,
        }
    }
}

/// Dropped without a commit, our own transaction is rolled back; the host's is the host's.
pub(super) enum Writer<'s, 'c> {
    Pool { step: Transaction<'static, Sqlite>, _turn: OwnedMutexGuard<()> },
    Host(MutexGuard<'s, &'c mut SqliteConnection>),
}

impl Writer<'_, '_> {
    pub(super) async fn commit(self) -> Result<(), RepositoryError> {
        match self {
            Self::Pool { step, _turn } => step.commit().await.map_err(failed),
            Self::Host(_) => Ok(()),
        }
    }
}

impl Deref for Writer<'_, '_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Pool { step, .. } => step,
            Self::Host(connection) => connection,
        }
    }
}

impl DerefMut for Writer<'_, '_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Pool { step, .. } => step,
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
