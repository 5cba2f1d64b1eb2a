//! Bringing an SQLite file's tables up to date.

use sqlx::{SqliteConnection, SqlitePool, migrate::Migrator};

use crate::migrate::{MigrateError, TABLE, TABLES, run};

/// The engine's migrations, under their own table `_maintenance_migrations`.
pub fn migrator() -> Migrator {
    crate::migrate::migrator(&[(
        1,
        "maintenance",
        include_str!("../../migrations/sqlite/0001_maintenance.sql"),
    )])
}

/// Brings the tables up to date, all or nothing; does nothing when they are. Any number of processes may do
/// it at once, beside the host's own migrations, whatever the numbers of those.
pub async fn migrate(pool: &SqlitePool) -> Result<(), MigrateError> {
    let mut step = pool.begin_with("begin immediate").await?;
    migrate_in(&mut step).await?;
    Ok(step.commit().await?)
}

/// The same inside the host's open transaction.
pub async fn migrate_in(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    if !is_ours(connection).await?
        && let Some(table) = taken(connection).await?
    {
        return Err(MigrateError::TableTaken(table));
    }
    Ok(run(connection, &migrator()).await?)
}

/// Whether the first migration was applied here.
async fn is_ours(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    const HAS_TABLE: &str = "select count(*) > 0 from sqlite_schema where name = $1";
    const HAS_FIRST: &str = "select count(*) > 0 from _maintenance_migrations where version = 1";
    let has_table: bool = sqlx::query_scalar(HAS_TABLE).bind(TABLE).fetch_one(&mut *connection).await?;
    if has_table { sqlx::query_scalar(HAS_FIRST).fetch_one(connection).await } else { Ok(false) }
}

/// A table or view of someone else's under one of our names.
async fn taken(connection: &mut SqliteConnection) -> Result<Option<String>, sqlx::Error> {
    const NAMES: &str = "select lower(name) from sqlite_schema where type in ('table', 'view') order by name";
    let names: Vec<String> = sqlx::query_scalar(NAMES).fetch_all(connection).await?;
    Ok(names.into_iter().find(|name| TABLES.contains(&name.as_str())))
}
