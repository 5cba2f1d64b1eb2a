//! Where a step's connection comes from.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use maintenance_core::{RepositoryError, RepositoryErrorKind};
use sqlx::{PgConnection, Postgres, error::DatabaseError, pool::PoolConnection};
use tokio::sync::{Mutex, MutexGuard};

use crate::{error, queue::Queue};

/// A pool, or the connection with the host's open transaction.
#[derive(Clone)]
pub(super) enum Source<'c> {
    Pool(Queue<Postgres>),
    Host(Arc<Mutex<&'c mut PgConnection>>),
}

impl<'c> Source<'c> {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Pool(_) => "a pool",
            Self::Host(_) => "the host's transaction",
        }
    }

    /// A connection for one step.
    pub(super) async fn connection(&self) -> Result<Connection<'_, 'c>, RepositoryError> {
        match self {
            Self::Pool(queue) => Ok(Connection::Pool(queue.acquire().await.map_err(failed)?)),
            Self::Host(connection) => Ok(Connection::Host(connection.lock().await)),
        }
    }

    /// Whether a statement that failed may simply run again: in the host's transaction nothing runs after it.
    pub(super) fn can_repeat(&self) -> bool {
        matches!(self, Self::Pool(_))
    }
}

pub(super) enum Connection<'s, 'c> {
    Pool(PoolConnection<Postgres>),
    Host(MutexGuard<'s, &'c mut PgConnection>),
}

impl Deref for Connection<'_, '_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Pool(connection) => connection,
            Self::Host(connection) => connection,
        }
    }
}

impl DerefMut for Connection<'_, '_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Pool(connection) => connection,
            Self::Host(connection) => connection,
        }
    }
}

/// The error of a statement.
pub(super) fn failed(error: sqlx::Error) -> RepositoryError {
    error::failed(error, kind)
}

fn kind(error: &dyn DatabaseError) -> RepositoryErrorKind {
    let code = error.code();
    match code.as_deref().unwrap_or_default() {
        // Serialisation failure, deadlock, unique violation.
        "40001" | "40P01" | "23505" => RepositoryErrorKind::Conflict,
        "23503" => RepositoryErrorKind::NotFound,
        // A lock or a statement that took longer than the host allows.
        "55P03" | "57014" => RepositoryErrorKind::Busy,
        // Shutting down, out of connections, or a replica that was a primary.
        "53300" | "25006" => RepositoryErrorKind::Unavailable,
        code if code.starts_with("57P") || code.starts_with("08") => RepositoryErrorKind::Unavailable,
        _ => RepositoryErrorKind::Other,
    }
}
