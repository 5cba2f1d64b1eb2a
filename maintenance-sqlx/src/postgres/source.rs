//! Where a step's connection comes from.

use std::{sync::Arc, time::Duration};

use maintenance_core::{RepositoryError, RepositoryErrorKind};
use sqlx::{
    Execute, Executor, PgConnection, Postgres, Row as _, error::DatabaseError, pool::PoolConnection,
    postgres::PgRow,
};
use tokio::sync::{Mutex, MutexGuard};

use crate::{error, limit::Deadline, queue::Queue};

/// A pool, or the connection with the host's open transaction.
#[derive(Clone)]
pub(super) enum Source<'c> {
    Pool {
        queue: Queue<Postgres>,
        /// How long a step may take, with its wait for a connection.
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

    /// A connection for one step.
    pub(super) async fn connection(&self) -> Result<Connection<'_, 'c>, RepositoryError> {
        match self {
            Self::Pool { queue, limit } => {
                let deadline = Deadline::after(*limit);
                let connection = deadline.bound(RepositoryErrorKind::Unavailable, queue.acquire()).await?;
                let connection = connection.map_err(failed)?;
                Ok(Connection::Pool(Pooled { connection, deadline, limit: *limit, unfit: false }))
            }
            Self::Host(connection) => Ok(Connection::Host(connection.lock().await)),
        }
    }
}

/// A step's connection: every statement of a step goes through it, for its time limit and its errors.
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

    pub(super) async fn fetch_optional<'q>(
        &mut self,
        query: impl Execute<'q, Postgres> + 'q,
    ) -> Result<Option<PgRow>, RepositoryError> {
        Ok(self.fetch_all(query).await?.into_iter().next())
    }

    pub(super) async fn fetch_one<'q>(
        &mut self,
        query: impl Execute<'q, Postgres> + 'q,
    ) -> Result<PgRow, RepositoryError> {
        self.fetch_optional(query).await?.ok_or_else(|| failed(sqlx::Error::RowNotFound))
    }

    /// The first column of the only row.
    pub(super) async fn fetch_value<'q, T>(
        &mut self,
        query: impl Execute<'q, Postgres> + 'q,
    ) -> Result<T, RepositoryError>
    where
        T: for<'r> sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
    {
        self.fetch_one(query).await?.try_get(0).map_err(failed)
    }

    /// How many rows the statement wrote.
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

/// A pool's connection amid a step. One whose statement ended goes back to the pool. One whose statement did not,
/// since it took too long or its caller gave up, is closed: to return it, sqlx would wait for that statement without
/// limit, and on a frozen wire so would everyone who wants a connection.
pub(super) struct Pooled {
    connection: PoolConnection<Postgres>,
    deadline: Deadline,
    limit: Duration,
    /// Whether a statement is under way, or the server of this connection takes no writes.
    unfit: bool,
}

impl Pooled {
    /// A statement begins, which has to end by that time.
    fn begin(&mut self) -> Deadline {
        self.unfit = true;
        self.deadline
    }

    /// The statement ended, or ran out of time.
    fn end<T>(
        &mut self,
        done: Result<Result<T, sqlx::Error>, RepositoryError>,
    ) -> Result<T, RepositoryError> {
        let done = done?.map_err(failed);
        // A former primary goes on serving reads after a failover: the next connection may find the new one.
        self.unfit = matches!(&done, Err(error) if error.kind == RepositoryErrorKind::NotWritable);
        done
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if self.unfit {
            self.connection.close_on_drop();
        } else {
            // What sqlx does as well, but with an end: it pings the server first.
            let returned = self.connection.return_to_pool();
            sqlx::__rt::spawn(sqlx::__rt::timeout(self.limit, returned));
        }
    }
}

/// The error of a statement over a pool.
pub(super) fn failed(error: sqlx::Error) -> RepositoryError {
    error::failed(error, kind)
}

/// The error of a statement in the host's transaction, which ended with it: PostgreSQL refuses whatever follows.
fn aborted(error: sqlx::Error) -> RepositoryError {
    error::failed(error, |error| match kind(error) {
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
