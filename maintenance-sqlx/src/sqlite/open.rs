//! A pool set up as the engine wants it.

use std::{path::Path, time::Duration};

use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// Opens the database file at that path, made if there is none, as [`open_with`] does.
pub async fn open(path: impl AsRef<Path>) -> Result<SqlitePool, sqlx::Error> {
    open_with(SqliteConnectOptions::new().filename(path).create_if_missing(true)).await
}

/// Opens a database with those options, and over them: write-ahead log, synchronous `NORMAL` (a power cut may
/// cost the last commits, never the file), foreign keys on, temporary data in memory (or most writes would make
/// and remove a file), and 10 seconds of patience with other processes' locks.
pub async fn open_with(options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .pragma("temp_store", "memory")
        .busy_timeout(Duration::from_secs(10));
    // A file needs no test whether it is still there.
    SqlitePoolOptions::new().max_connections(4).test_before_acquire(false).connect_with(options).await
}
