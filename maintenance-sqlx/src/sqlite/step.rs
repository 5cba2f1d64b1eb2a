//! A write of several statements as one step, in one call: each call crosses to the connection's thread and
//! back, which costs more than most statements.

use futures_util::FutureExt as _;
use sqlx::{
    Sqlite, SqliteConnection,
    pool::PoolConnection,
    sqlite::{SqliteArguments, SqliteRow},
};

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

const ROLLBACK: &str = "rollback";
const ROLLBACK_WITHIN: &str = "rollback to maintenance_step; release maintenance_step";

impl Step {
    pub(super) async fn alone(
        &'static self,
        connection: PoolConnection<Sqlite>,
        bind: impl FnOnce(Query) -> Query,
    ) -> Result<Rows, sqlx::Error> {
        let mut open = Open { connection, undo: Some(ROLLBACK) };
        let done = bind(sqlx::query(self.alone)).fetch_all(&mut *open.connection).await;
        if done.is_err() {
            let undone = sqlx::raw_sql(ROLLBACK).execute(&mut *open.connection).await;
            // On a full disk the rollback itself can fail: only closing the connection ends it then.
            if undone.is_err_and(|error| !nothing_to_undo(&error)) {
                open.connection.close_on_drop();
            }
        }
        open.undo = None;
        done
    }

    pub(super) async fn within(
        &'static self,
        connection: &mut SqliteConnection,
        bind: impl FnOnce(Query) -> Query,
    ) -> Result<Rows, sqlx::Error> {
        let mut open = Open { connection, undo: Some(ROLLBACK_WITHIN) };
        let done = bind(sqlx::query(self.within)).fetch_all(&mut *open.connection).await;
        if done.is_err() {
            // Some errors end the host's whole transaction; then there is no savepoint to go back to.
            let _ = sqlx::raw_sql(ROLLBACK_WITHIN).execute(&mut *open.connection).await;
        }
        open.undo = None;
        done
    }
}

/// Whether a rollback failed because the error before it had ended the transaction, or it never began.
fn nothing_to_undo(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.message().contains("no transaction is active"))
}

/// A connection amid a step. Given up half-way, as by a time-out, what was written is undone.
struct Open<C: std::ops::DerefMut<Target = SqliteConnection>> {
    connection: C,
    undo: Option<&'static str>,
}

impl<C: std::ops::DerefMut<Target = SqliteConnection>> Drop for Open<C> {
    fn drop(&mut self) {
        if let Some(undo) = self.undo {
            // The first poll puts it onto the connection's queue, behind the step and before whatever comes
            // next. A step that had ended has nothing to undo.
            let _ = sqlx::raw_sql(undo).execute(&mut *self.connection).now_or_never();
        }
    }
}
