//! Where a call's connection comes from.

use std::{sync::Arc, time::Duration};

use maintenance_core::{Inserted, Listing, RepositoryError, RepositoryErrorKind};
use sqlx::{
    Execute, Executor, PgConnection, Postgres, Row as _,
    error::DatabaseError,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
};
use tokio::sync::{Mutex, MutexGuard};

use crate::{error, limit::Deadline, queue::Queue};

pub(super) type Query = sqlx::query::Query<'static, Postgres, PgArguments>;

/// A pool, or the connection with the host's open transaction.
#[derive(Clone)]
pub(super) enum Source<'c> {
    Pool {
        queue: Queue<Postgres>,
        /// How long a call may take, including the wait for its connection.
        limit: Duration,
    },
    Host(Arc<Mutex<&'c mut PgConnection>>),
}

impl<'c> Source<'c> {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Pool { .. } => "a pool",
            Self::Host(_) => "the host's transaction",
        }
    }

    /// A connection for one call.
    pub(super) async fn connection(&self) -> Result<Connection<'_, 'c>, RepositoryError> {
        match self {
            Self::Pool { queue, limit } => {
                let deadline = Deadline::after(*limit);
                let connection = deadline.bound(RepositoryErrorKind::Unavailable, queue.acquire()).await?;
                let connection = connection.map_err(repository_error)?;
                Ok(Connection::Pool(Pooled { connection, deadline, limit: *limit, must_close: false }))
            }
            Self::Host(connection) => Ok(Connection::Host(connection.lock().await)),
        }
    }

    /// Reads a list; rows that can't be decoded are reported beside the others.
    pub(super) async fn list<'q, T>(
        &self,
        query: impl Execute<'q, Postgres> + 'q,
        decode: fn(&PgRow) -> Result<T, RepositoryError>,
    ) -> Result<Listing<T>, RepositoryError> {
        let rows = self.connection().await?.fetch_all(query).await?;
        Ok(rows.iter().map(decode).collect())
    }
}

/// A call's connection. Every statement of the call goes through it, which applies the time limit and maps
/// the errors.
pub(super) enum Connection<'s, 'c> {
    Pool(Pooled),
    Host(MutexGuard<'s, &'c mut PgConnection>),
}

impl Connection<'_, '_> {
    pub(super) async fn fetch_all<'q>(
        &mut self,
        query: impl Execute<'q, Postgres> + 'q,
    ) -> Result<Vec<PgRow>, RepositoryError> {
        match self {
            Self::Pool(pooled) => {
                let deadline = pooled.begin();
                let rows =
                    deadline.bound(RepositoryErrorKind::Unavailable, pooled.connection.fetch_all(query));
                let rows = rows.await;
                pooled.end(rows)
            }
            Self::Host(connection) => connection.fetch_all(query).await.map_err(aborted),
        }
    }

    /// Reads at most one row.
    pub(super) async fn read<'q, T>(
        &mut self,
        query: impl Execute<'q, Postgres> + 'q,
        decode: fn(&PgRow) -> Result<T, RepositoryError>,
    ) -> Result<Option<T>, RepositoryError> {
        self.fetch_all(query).await?.first().map(decode).transpose()
    }

    /// Inserts one row; if it wrote nothing, reads the row that is stored under its id.
    pub(super) async fn insert_or_read<T>(
        &mut self,
        insert: Query,
        stored: Query,
        decode: fn(&PgRow) -> Result<T, RepositoryError>,
        missing: RepositoryErrorKind,
    ) -> Result<Inserted<T>, RepositoryError> {
        if self.execute(insert).await? > 0 {
            return Ok(Inserted::New);
        }
        self.read(stored, decode).await?.map(Inserted::Existing).ok_or_else(|| missing.into())
    }

    /// Reads the first column of the only row.
    pub(super) async fn fetch_value<'q, T>(
        &mut self,
        query: impl Execute<'q, Postgres> + 'q,
    ) -> Result<T, RepositoryError>
    where
        T: for<'r> sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
    {
        let rows = self.fetch_all(query).await?;
        let row = rows.first().ok_or_else(|| repository_error(sqlx::Error::RowNotFound))?;
        row.try_get(0).map_err(repository_error)
    }

    /// Returns the number of rows that the statement wrote.
    pub(super) async fn execute<'q>(
        &mut self,
        query: impl Execute<'q, Postgres> + 'q,
    ) -> Result<u64, RepositoryError> {
        let done = match self {
            Self::Pool(pooled) => {
                let deadline = pooled.begin();
                let done = deadline.bound(RepositoryErrorKind::Unavailable, pooled.connection.execute(query));
                let done = done.await;
                pooled.end(done)?
            }
            Self::Host(connection) => connection.execute(query).await.map_err(aborted)?,
        };
        Ok(done.rows_affected())
    }
}

/// A pool's connection during a call. It goes back to the pool once its statement has ended. If the statement
/// took too long or its caller gave up, the connection is closed: to return it, sqlx would wait for that
/// statement without limit, and on a frozen network so would everyone who wants a connection.
pub(super) struct Pooled {
    connection: PoolConnection<Postgres>,
    deadline: Deadline,
    limit: Duration,
    /// Whether a statement is under way, or this connection's server takes no writes.
    must_close: bool,
}

impl Pooled {
    /// A statement begins; it must end by the returned deadline.
    fn begin(&mut self) -> Deadline {
        self.must_close = true;
        self.deadline
    }

    /// The statement ended, or ran out of time.
    fn end<T>(
        &mut self,
        done: Result<Result<T, sqlx::Error>, RepositoryError>,
    ) -> Result<T, RepositoryError> {
        let done = done?.map_err(repository_error);
        // After a failover a former primary still serves reads. The next connection may find the new primary.
        self.must_close = matches!(&done, Err(error) if error.kind == RepositoryErrorKind::NotWritable);
        done
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if self.must_close {
            self.connection.close_on_drop();
        } else {
            // sqlx's own drop does the same without a limit: it pings the server first.
            let returned = self.connection.return_to_pool();
            sqlx::__rt::spawn(sqlx::__rt::timeout(self.limit, returned));
        }
    }
}

/// The error of a statement over a pool.
pub(super) fn repository_error(error: sqlx::Error) -> RepositoryError {
    error::repository_error(error, kind)
}

/// The error of a statement in the host's transaction. It ended the transaction: PostgreSQL refuses whatever
/// follows.
fn aborted(error: sqlx::Error) -> RepositoryError {
    error::repository_error(error, |error| match kind(error) {
        RepositoryErrorKind::Unavailable => RepositoryErrorKind::Unavailable,
        _ => RepositoryErrorKind::Aborted { code: error.code().unwrap_or_default().into_owned() },
    })
}

fn kind(error: &dyn DatabaseError) -> RepositoryErrorKind {
    let code = error.code();
    match code.as_deref().unwrap_or_default() {
        // Serialisation failure, deadlock, unique violation.
        "40001" | "40P01" | "23505" => RepositoryErrorKind::Conflict,
        "23503" => RepositoryErrorKind::NotFound,
        // A lock or a statement that took longer than the host allows.
        "55P03" | "57014" => RepositoryErrorKind::Busy,
        // A replica, or a replica that was a primary; a full disk.
        "25006" | "53100" => RepositoryErrorKind::NotWritable,
        // Out of connections, shutting down, or the connection is lost.
        "53300" => RepositoryErrorKind::Unavailable,
        code if code.starts_with("57P") || code.starts_with("08") => RepositoryErrorKind::Unavailable,
        _ => RepositoryErrorKind::Other,
    }
}
