//! Where a call's connection comes from.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use maintenance_core::{Inserted, Listing, RepositoryError, RepositoryErrorKind};
use sqlx::{
    Execute, Executor, PgConnection, Postgres, Row as _,
    error::DatabaseError,
    postgres::{PgArguments, PgRow},
};
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    error,
    kept::{Lent, Setting, give_back},
    limit::Deadline,
    queue::Queue,
};

use super::schema::{SchemaName, set_search_path};

pub(super) type Query = sqlx::query::Query<'static, Postgres, PgArguments>;

/// A pool, or the connection with the host's open transaction.
#[derive(Clone)]
pub(super) enum Source<'c> {
    Pool {
        queue: Queue<Postgres>,
        /// The schema of the tables; `None` for the one of the pool's connections.
        schema: Option<SchemaName>,
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
            Self::Pool { queue, schema, limit } => {
                let deadline = Deadline::after(*limit);
                let path = schema.as_ref().map(SchemaName::search_path);
                let acquired = queue.acquire(path.as_deref());
                let connection = deadline.bound(RepositoryErrorKind::Unavailable, acquired).await?;
                let connection = connection.map_err(repository_error)?;
                let queue = queue.clone();
                let (connection, next) = (Some(connection), Next::Keep);
                let mut pooled = Pooled { connection, queue, deadline, limit: *limit, next };
                if let Some(path) = path {
                    pooled.enter(path).await?;
                }
                Ok(Connection::Pool(pooled))
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
            Self::Pool(pooled) => pooled.run(|connection| connection.fetch_all(query)).await,
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

    /// Inserts one row by a statement that returns it; if it wrote nothing, reads the row that is stored under its id.
    pub(super) async fn insert_or_read<T>(
        &mut self,
        insert: Query,
        stored: Query,
        decode: fn(&PgRow) -> Result<T, RepositoryError>,
        missing: RepositoryErrorKind,
    ) -> Result<Inserted<T>, RepositoryError> {
        if !self.fetch_all(insert).await?.is_empty() {
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
            Self::Pool(pooled) => pooled.run(|connection| connection.execute(query)).await?,
            Self::Host(connection) => connection.execute(query).await.map_err(aborted)?,
        };
        Ok(done.rows_affected())
    }
}

/// A pool's connection during a call.
pub(super) struct Pooled {
    /// Empty only while it is dropped.
    connection: Option<Lent<Postgres>>,
    queue: Queue<Postgres>,
    deadline: Deadline,
    limit: Duration,
    next: Next,
}

/// What becomes of a connection after its call.
enum Next {
    /// The next call takes it: its statements ended well.
    Keep,
    /// It goes back to the pool, which tests it: its statement failed.
    GiveBack,
    /// A statement is under way, which took too long or whose caller gave up. To return the connection, sqlx would wait
    /// for that statement without limit, and on a frozen network so would everyone who wants a connection. Or its server
    /// takes no writes.
    Close,
}

impl Pooled {
    /// Sets the connection's `search_path`, unless it is set so. When that doesn't end well, nobody can tell which one the
    /// session has, and the connection is closed.
    async fn enter(&mut self, path: String) -> Result<(), RepositoryError> {
        if self.connection.as_ref().is_some_and(|lent| lent.has(Some(&path))) {
            return Ok(());
        }
        let set = self.run(|connection| set_search_path(connection, path.clone())).await;
        if set.is_err() {
            self.next = Next::Close;
        }
        let found = set?;
        if let Some(lent) = &mut self.connection {
            let earlier = lent.setting.take().map_or(found, |setting| setting.earlier);
            lent.setting = Some(Setting { now: path, earlier, set: set_search_path });
        }
        Ok(())
    }

    /// Runs a statement, which must end by the call's deadline.
    async fn run<'a, T>(
        &'a mut self,
        statement: impl FnOnce(&'a mut PgConnection) -> BoxFuture<'a, Result<T, sqlx::Error>>,
    ) -> Result<T, RepositoryError> {
        self.next = Next::Close;
        let Some(connection) = &mut self.connection else { return Err(RepositoryErrorKind::Other.into()) };
        let done = self.deadline.bound(RepositoryErrorKind::Unavailable, statement(connection)).await?;
        let done = done.map_err(repository_error);
        self.next = match &done {
            Ok(_) => Next::Keep,
            // After a failover a former primary still serves reads. The next connection may find the new primary.
            Err(error) if error.kind == RepositoryErrorKind::NotWritable => Next::Close,
            Err(_) => Next::GiveBack,
        };
        done
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        match self.next {
            Next::Keep => self.queue.keep(connection, self.limit),
            Next::GiveBack => give_back(connection, self.limit),
            Next::Close => connection.close_on_drop(),
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
