//! A write of several statements as one step, in one call: each call crosses to the connection's thread and
//! back, which costs more than most statements.

use futures_util::FutureExt as _;
use maintenance_core::RepositoryError;
use sqlx::{
    Sqlite, SqliteConnection,
    pool::PoolConnection,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::source::{aborted, failed};

pub(super) type Query = sqlx::query::Query<'static, Sqlite, SqliteArguments>;
pub(super) type Rows = Vec<SqliteRow>;

/// Statements that are written together or not at all, with one set of parameters. Made by [`step!`].
pub(super) struct Step {
    /// As a transaction of its own that begins as a writer, so that it waits for its turn and never fails
    /// half-way for a lock.
    pub(super) alone: &'static str,
    /// Within the host's transaction.
    pub(super) within: &'static str,
}

/// The step of these statements, given as `concat!` takes them.
macro_rules! step {
    ($($sql:tt)*) => {
        $crate::sqlite::step::Step {
            alone: concat!("begin immediate;\n", $($sql)*, ";\ncommit"),
            within: concat!("savepoint maintenance_step;\n", $($sql)*, ";\nrelease maintenance_step"),
        }
    };
}
pub(super) use step;

/// What undoes a step, one statement per call: a call that nobody waits for ends after its first statement.
type Undo = &'static [&'static str];

const ROLLBACK: &str = "rollback";
const UNDO_ALONE: Undo = &[ROLLBACK];
const UNDO_WITHIN: Undo = &["rollback to maintenance_step", "release maintenance_step"];

impl Step {
    pub(super) async fn alone(
        &'static self,
        connection: PoolConnection<Sqlite>,
        bind: impl FnOnce(Query) -> Query,
    ) -> Result<Rows, sqlx::Error> {
        let mut open = Open { connection, undo: UNDO_ALONE };
        let done = bind(sqlx::query(self.alone)).fetch_all(&mut *open.connection).await;
        if done.is_err() {
            let undone = sqlx::raw_sql(ROLLBACK).execute(&mut *open.connection).await;
            // On a full disk the rollback itself can fail: only closing the connection ends it then.
            if undone.is_err_and(|error| !nothing_to_undo(&error)) {
                open.connection.close_on_drop();
            }
        }
        open.undo = &[];
        done
    }

    pub(super) async fn within(
        &'static self,
        connection: &mut SqliteConnection,
        bind: impl FnOnce(Query) -> Query,
    ) -> Result<Rows, RepositoryError> {
        let open = Open { connection, undo: UNDO_WITHIN };
        let done = bind(sqlx::query(self.within)).fetch_all(&mut *open.connection).await;
        open.end(done).await
    }
}

/// Writes with one statement within the host's transaction; how many rows it wrote.
pub(super) async fn execute_within(
    connection: &mut SqliteConnection,
    query: Query,
) -> Result<u64, RepositoryError> {
    let open = Open { connection, undo: UNDO_WITHIN };
    let connection = &mut *open.connection;
    let done = async {
        sqlx::raw_sql("savepoint maintenance_step").execute(&mut *connection).await?;
        let done = query.execute(&mut *connection).await?;
        sqlx::raw_sql("release maintenance_step").execute(&mut *connection).await?;
        Ok(done.rows_affected())
    };
    let done = done.await;
    open.end(done).await
}

impl Open<&mut SqliteConnection> {
    /// The step within the host's transaction ended. Some errors end the whole transaction, and then there is no
    /// savepoint to go back to.
    async fn end<T>(mut self, done: Result<T, sqlx::Error>) -> Result<T, RepositoryError> {
        let mut lives = true;
        if done.is_err() {
            for undo in UNDO_WITHIN {
                lives &= sqlx::raw_sql(*undo).execute(&mut *self.connection).await.is_ok();
            }
        }
        self.undo = &[];
        done.map_err(if lives { failed } else { aborted })
    }
}

/// Whether a rollback failed because the error before it had ended the transaction, or it never began.
fn nothing_to_undo(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.message().contains("no transaction is active"))
}

/// A connection amid a step. Rolls the step back when dropped before it completes, as by a time-out.
struct Open<C: std::ops::DerefMut<Target = SqliteConnection>> {
    connection: C,
    undo: Undo,
}

impl<C: std::ops::DerefMut<Target = SqliteConnection>> Drop for Open<C> {
    fn drop(&mut self) {
        for undo in self.undo {
            // The first poll puts the statement onto the connection's queue, behind the step and before whatever
            // comes next. A step that had ended has nothing to undo.
            let _ = sqlx::raw_sql(*undo).execute(&mut *self.connection).now_or_never();
        }
    }
}
