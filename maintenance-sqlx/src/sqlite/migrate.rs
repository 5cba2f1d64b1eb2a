//! Brings an SQLite file's tables up to date.

use sqlx::{
    AssertSqlSafe, SqliteConnection, SqlitePool,
    migrate::{AppliedMigration, Migrate as _, Migrator},
};

use crate::migrate::{MigrateError, TABLE, TABLES, missing, statements};

/// The engine's migrations. They are recorded in a table of their own, `_maintenance_migrations`.
pub fn migrator() -> Migrator {
    crate::migrate::migrator(&[(
        1,
        "maintenance",
        include_str!("../../migrations/sqlite/0001_maintenance.sql"),
    )])
}

/// Brings the tables up to date, or changes nothing. Any number of processes may do so at once. The host's
/// own migrations and their numbers don't matter.
///
/// If the tables are up to date, or a newer version of the engine has changed them, it only reads.
///
/// # Errors
///
/// See [`MigrateError`]. Nothing has changed then.
pub async fn migrate(pool: &SqlitePool) -> Result<(), MigrateError> {
    if missing(&migrator(), &applied(&mut *pool.acquire().await?).await?)?.is_empty() {
        return Ok(());
    }
    let mut tx = pool.begin_with("begin immediate").await?;
    migrate_in(&mut tx).await?;
    Ok(tx.commit().await?)
}

/// Does the same inside the host's open transaction, whose commit or rollback decides about all of it.
///
/// # Errors
///
/// See [`MigrateError`].
pub async fn migrate_in(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    let (migrator, applied) = (migrator(), applied(connection).await?);
    if applied.is_empty()
        && let Some(table) = taken(connection).await?
    {
        return Err(MigrateError::TableTaken(table));
    }
    let missing = missing(&migrator, &applied)?;
    if !missing.is_empty() {
        connection.ensure_migrations_table(TABLE).await?;
    }
    for migration in missing {
        for statement in statements(migration) {
            let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await;
            done.map_err(|error| sqlx::migrate::MigrateError::ExecuteMigration(error, migration.version))?;
        }
        // `skip` records the migration as applied without running it.
        connection.skip(TABLE, migration).await?;
    }
    Ok(())
}

/// The migrations that are applied in this database.
async fn applied(connection: &mut SqliteConnection) -> Result<Vec<AppliedMigration>, MigrateError> {
    const HAS_TABLE: &str = "select count(*) > 0 from sqlite_schema where name = $1";
    if sqlx::query_scalar(HAS_TABLE).bind(TABLE).fetch_one(&mut *connection).await? {
        Ok(connection.list_applied_migrations(TABLE).await?)
    } else {
        Ok(Vec::new())
    }
}

/// A table or view of someone else's under one of our names.
async fn taken(connection: &mut SqliteConnection) -> Result<Option<String>, sqlx::Error> {
    const NAMES: &str = "select lower(name) from sqlite_schema where type in ('table', 'view') order by name";
    let names: Vec<String> = sqlx::query_scalar(NAMES).fetch_all(connection).await?;
    Ok(names.into_iter().find(|name| TABLES.contains(&name.as_str())))
}
