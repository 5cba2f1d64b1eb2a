//! Several statements that are written together or not at all, in one call. Each call crosses to the
//! connection's thread and back, which costs more than most statements.

use futures_util::FutureExt as _;
use maintenance_core::RepositoryError;
use sqlx::{
    Sqlite, SqliteConnection,
    pool::PoolConnection,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::source::{aborted, repository_error};

pub(super) type Query = sqlx::query::Query<'static, Sqlite, SqliteArguments>;
pub(super) type Rows = Vec<SqliteRow>;

/// Statements with one set of parameters, in both of the forms in which they can be written. Made by
/// [`script!`].
pub(super) struct Script {
    /// As a transaction of its own. It begins as a writer, so that it waits for its turn and never fails
    /// half-way for a lock.
    pub(super) transaction: &'static str,
    /// As a savepoint within the host's transaction.
    pub(super) savepoint: &'static str,
}

/// The script of these statements, given as to `concat!`.
macro_rules! script {
    ($($sql:tt)*) => {
        $crate::sqlite::script::Script {
            transaction: concat!("begin immediate;\n", $($sql)*, ";\ncommit"),
            savepoint: concat!("savepoint maintenance_script;\n", $($sql)*, ";\nrelease maintenance_script"),
        }
    };
}
pub(super) use script;

/// The statements that roll back, one per call: of a call that nobody waits for, only the first statement
/// runs.
type Undo = &'static [&'static str];

const ROLLBACK: &str = "rollback";
const UNDO_TRANSACTION: Undo = &[ROLLBACK];
const UNDO_SAVEPOINT: Undo = &["rollback to maintenance_script", "release maintenance_script"];

impl Script {
    /// Runs the script as a transaction of its own.
    pub(super) async fn run_as_transaction(
        &'static self,
        connection: &mut PoolConnection<Sqlite>,
        bind: impl FnOnce(Query) -> Query,
    ) -> Result<Rows, sqlx::Error> {
        let mut open = RollbackOnDrop { connection: &mut **connection, undo: UNDO_TRANSACTION };
        let done = bind(sqlx::query(self.transaction)).fetch_all(&mut *open.connection).await;
        let mut undone = Ok(());
        if done.is_err() {
            undone = sqlx::raw_sql(ROLLBACK).execute(&mut *open.connection).await.map(drop);
        }
        open.undo = &[];
        drop(open);
        // On a full disk the rollback itself can fail. Then only closing the connection ends the transaction.
        if undone.is_err_and(|error| !nothing_to_undo(&error)) {
            connection.close_on_drop();
        }
        done
    }

    /// Runs the script as a savepoint within the host's transaction.
    pub(super) async fn run_as_savepoint(
        &'static self,
        connection: &mut SqliteConnection,
        bind: impl FnOnce(Query) -> Query,
    ) -> Result<Rows, RepositoryError> {
        let open = RollbackOnDrop { connection, undo: UNDO_SAVEPOINT };
        let done = bind(sqlx::query(self.savepoint)).fetch_all(&mut *open.connection).await;
        open.end(done).await
    }
}

/// Runs one statement as a savepoint within the host's transaction; returns the number of rows that it wrote.
pub(super) async fn execute_as_savepoint(
    connection: &mut SqliteConnection,
    query: Query,
) -> Result<u64, RepositoryError> {
    let open = RollbackOnDrop { connection, undo: UNDO_SAVEPOINT };
    let connection = &mut *open.connection;
    let done = async {
        sqlx::raw_sql("savepoint maintenance_script").execute(&mut *connection).await?;
        let done = query.execute(&mut *connection).await?;
        sqlx::raw_sql("release maintenance_script").execute(&mut *connection).await?;
        Ok(done.rows_affected())
    };
    let done = done.await;
    open.end(done).await
}

/// Whether a rollback failed only because no transaction was open: the error before it had ended the
/// transaction, or it never began.
fn nothing_to_undo(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.message().contains("no transaction is active"))
}

/// A connection with an open transaction or savepoint. Rolls back when dropped before it completes, as by a
/// time-out.
struct RollbackOnDrop<C: std::ops::DerefMut<Target = SqliteConnection>> {
    connection: C,
    undo: Undo,
}

impl RollbackOnDrop<&mut SqliteConnection> {
    /// The statements within the host's transaction have completed. After an error that ended the whole
    /// transaction there is no savepoint to roll back to.
    async fn end<T>(mut self, done: Result<T, sqlx::Error>) -> Result<T, RepositoryError> {
        let mut transaction_is_open = true;
        if done.is_err() {
            for undo in UNDO_SAVEPOINT {
                transaction_is_open &= sqlx::raw_sql(*undo).execute(&mut *self.connection).await.is_ok();
            }
        }
        self.undo = &[];
        done.map_err(if transaction_is_open { repository_error } else { aborted })
    }
}

impl<C: std::ops::DerefMut<Target = SqliteConnection>> Drop for RollbackOnDrop<C> {
    fn drop(&mut self) {
        for undo in self.undo {
            // The first poll puts the statement into the connection's queue, after the script and before
            // whatever comes next. If the script has completed, there is nothing to undo.
            let _ = sqlx::raw_sql(*undo).execute(&mut *self.connection).now_or_never();
        }
    }
}
