//! Where a call's connection comes from.

use std::{sync::Arc, time::Duration};

use maintenance_core::{Inserted, Listing, RepositoryError, RepositoryErrorKind};
use sqlx::{
    Connection as _, Execute, Executor as _, Row as _, Sqlite, SqliteConnection, error::DatabaseError,
    sqlite::SqliteRow,
};
use tokio::sync::{Mutex, MutexGuard};

use super::script::{Query, Rows, Script, execute_as_savepoint};
use crate::{
    error,
    kept::{Kept, Lent},
    limit::Deadline,
    queue::Queue,
};

/// A pool, or the connection with the host's open transaction.
#[derive(Clone)]
pub(super) enum Source<'c> {
    Pool(Pool),
    Host(Arc<Mutex<&'c mut SqliteConnection>>),
}

#[derive(Clone)]
pub(super) struct Pool {
    pub(super) queue: Queue<Sqlite>,
    /// Held while writing. This lock is fair and wakes its next holder at once; SQLite's own wait sleeps and
    /// retries.
    pub(super) writer: Arc<Mutex<()>>,
    /// The connection that wrote last, for the next write: its cache of pages still holds if nobody else has
    /// written.
    pub(super) to_write: Kept<Sqlite>,
    /// How long a call may take, including the wait for its turn.
    pub(super) limit: Duration,
}

impl Pool {
    /// Waits for this process's turn to write. Nothing is written before it, so a wait that takes too long is
    /// `Busy`.
    async fn turn(&self, deadline: &Deadline) -> Result<MutexGuard<'_, ()>, RepositoryError> {
        deadline.bound(RepositoryErrorKind::Busy, self.writer.lock()).await
    }

    /// A connection to write with, for whoever's turn it is.
    async fn acquire_to_write(&self) -> Result<Lent<Sqlite>, sqlx::Error> {
        match self.to_write.take(None) {
            Some(kept) => Ok(kept),
            None => acquire_idle(&self.queue).await,
        }
    }
}

impl Source<'_> {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Pool(_) => "a pool",
            Self::Host(_) => "the host's transaction",
        }
    }

    /// Reads rows. Writers don't hold it up.
    pub(super) async fn rows<'q>(
        &self,
        query: impl Execute<'q, Sqlite> + 'q,
    ) -> Result<Vec<SqliteRow>, RepositoryError> {
        let rows = match self {
            Self::Pool(pool) => {
                let read = async {
                    let mut connection = acquire_idle(&pool.queue).await?;
                    let rows = connection.fetch_all(query).await?;
                    pool.queue.keep(connection, pool.limit);
                    Ok(rows)
                };
                Deadline::after(pool.limit).bound(RepositoryErrorKind::Unavailable, read).await?
            }
            Self::Host(connection) => connection.lock().await.fetch_all(query).await,
        };
        rows.map_err(repository_error)
    }

    /// Reads at most one row.
    pub(super) async fn read<'q, T>(
        &self,
        query: impl Execute<'q, Sqlite> + 'q,
        decode: fn(&SqliteRow) -> Result<T, RepositoryError>,
    ) -> Result<Option<T>, RepositoryError> {
        self.rows(query).await?.first().map(decode).transpose()
    }

    /// Reads the first column of the only row.
    pub(super) async fn read_value<'q, T>(
        &self,
        query: impl Execute<'q, Sqlite> + 'q,
    ) -> Result<T, RepositoryError>
    where
        T: for<'r> sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
    {
        let rows = self.rows(query).await?;
        let row = rows.first().ok_or_else(|| repository_error(sqlx::Error::RowNotFound))?;
        row.try_get(0).map_err(repository_error)
    }

    /// Reads a list; rows that can't be decoded are reported beside the others.
    pub(super) async fn list<'q, T>(
        &self,
        query: impl Execute<'q, Sqlite> + 'q,
        decode: fn(&SqliteRow) -> Result<T, RepositoryError>,
    ) -> Result<Listing<T>, RepositoryError> {
        Ok(self.rows(query).await?.iter().map(decode).collect())
    }

    /// Inserts one row; if it wrote nothing, reads the row that is stored under its id.
    pub(super) async fn insert_or_read<T>(
        &self,
        insert: Query,
        stored: Query,
        decode: fn(&SqliteRow) -> Result<T, RepositoryError>,
        missing: RepositoryErrorKind,
    ) -> Result<Inserted<T>, RepositoryError> {
        if self.execute(insert).await? > 0 {
            return Ok(Inserted::New);
        }
        self.read(stored, decode).await?.map(Inserted::Existing).ok_or_else(|| missing.into())
    }

    /// Writes with one statement, which is a transaction of its own; returns the number of rows that it
    /// wrote.
    pub(super) async fn execute(&self, query: Query) -> Result<u64, RepositoryError> {
        match self {
            Self::Pool(pool) => {
                let deadline = Deadline::after(pool.limit);
                let _turn = pool.turn(&deadline).await?;
                let write = async {
                    let mut connection = pool.acquire_to_write().await?;
                    let done = query.execute(&mut **connection).await?;
                    pool.queue.keep_among(&pool.to_write, connection, pool.limit);
                    Ok(done.rows_affected())
                };
                let done = deadline.bound(RepositoryErrorKind::Unavailable, write).await?;
                done.map_err(repository_error)
            }
            Self::Host(connection) => execute_as_savepoint(&mut **connection.lock().await, query).await,
        }
    }

    /// Writes with a script, all of it or nothing; returns the rows of all its statements in order.
    pub(super) async fn write(
        &self,
        script: &'static Script,
        bind: impl FnOnce(Query) -> Query + Send,
    ) -> Result<Rows, RepositoryError> {
        match self {
            Self::Pool(pool) => {
                let deadline = Deadline::after(pool.limit);
                let _turn = pool.turn(&deadline).await?;
                let write = async {
                    let mut connection = pool.acquire_to_write().await?;
                    let rows = script.run_as_transaction(&mut connection, bind).await?;
                    pool.queue.keep_among(&pool.to_write, connection, pool.limit);
                    Ok(rows)
                };
                deadline.bound(RepositoryErrorKind::Unavailable, write).await?.map_err(repository_error)
            }
            Self::Host(connection) => script.run_as_savepoint(&mut **connection.lock().await, bind).await,
        }
    }
}

/// A connection with no open transaction. A connection whose last rollback failed, as on a full disk, still
/// has one: it is closed, and the next one is taken.
async fn acquire_idle(queue: &Queue<Sqlite>) -> Result<Lent<Sqlite>, sqlx::Error> {
    loop {
        let mut connection = queue.acquire(None).await?;
        if !connection.is_in_transaction() {
            return Ok(connection);
        }
        connection.close_on_drop();
    }
}

/// The error of a statement. The transaction in which it ran is still open.
pub(super) fn repository_error(error: sqlx::Error) -> RepositoryError {
    error::repository_error(error, kind)
}

/// The error of a statement that ended the host's transaction.
pub(super) fn aborted(error: sqlx::Error) -> RepositoryError {
    error::repository_error(error, |error| RepositoryErrorKind::Aborted {
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
