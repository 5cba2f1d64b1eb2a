//! Opening a pool as the engine wants it.

use std::{path::Path, time::Duration};

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// Opens the database file at this path with the settings of [`open_with`], and creates the file if it
/// doesn't exist.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("maintenance.db");
/// use maintenance_sqlx::sqlite::{migrate, open};
///
/// let pool = open(path).await?;
/// migrate(&pool).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Fails if the file can't be created or opened, or if it isn't an SQLite database.
pub async fn open(path: impl AsRef<Path>) -> Result<SqlitePool, sqlx::Error> {
    open_with(SqliteConnectOptions::new().filename(path).create_if_missing(true)).await
}

/// Opens a database with these options and the following settings, which override the options:
///
/// - a write-ahead log and synchronous `NORMAL`: a power cut may cost the last commits, but never the file;
/// - foreign keys on;
/// - temporary data in memory, since otherwise most writes would create and remove a file;
/// - a checkpoint whenever the log has grown by 16 MB, not 4: a page that was written several times meanwhile goes to the
///   file once, and the writer waits for the disk a quarter as often (a fifth more submits per second);
/// - a busy time-out of 10 seconds for other processes' locks.
///
/// # Errors
///
/// Fails if the database can't be opened.
pub async fn open_with(options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .pragma("temp_store", "memory")
        .pragma("wal_autocheckpoint", "4000")
        .busy_timeout(Duration::from_secs(10));
    // A file doesn't go away as a server does, so connections need no test before each use.
    SqlitePoolOptions::new().max_connections(4).test_before_acquire(false).connect_with(options).await
}
