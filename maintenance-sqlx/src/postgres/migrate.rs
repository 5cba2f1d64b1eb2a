//! Bringing a schema's tables up to date.

use sqlx::{PgConnection, PgPool, migrate::Migrator};

use crate::migrate::{MigrateError, TABLE, TABLES, run};

/// The engine's migrations, under their own table `_maintenance_migrations`.
pub fn migrator() -> Migrator {
    crate::migrate::migrator(&[(
        1,
        "maintenance",
        include_str!("../../migrations/postgres/0001_maintenance.sql"),
    )])
}

/// Brings the tables of the `search_path`'s first schema up to date, all or nothing; does nothing when they
/// are. Any number of processes may do it at once, beside the host's own migrations, whatever the numbers of
/// those.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    let mut step = pool.begin().await?;
    migrate_in(&mut step).await?;
    Ok(step.commit().await?)
}

/// The same inside the host's open transaction. Holds an advisory lock until that ends, so that two
/// migrations at once come one after the other.
pub async fn migrate_in(connection: &mut PgConnection) -> Result<(), MigrateError> {
    const LOCK: &str = "select pg_advisory_xact_lock(7020396481305213285)";
    sqlx::query(LOCK).execute(&mut *connection).await?;
    let schema: Option<String> =
        sqlx::query_scalar("select current_schema()::text").fetch_one(&mut *connection).await?;
    let Some(schema) = schema else { return Err(MigrateError::NoSchema) };
    if !is_ours(connection, &schema).await?
        && let Some(table) = first_of(connection, &schema, &TABLES).await?
    {
        return Err(MigrateError::TableTaken(table));
    }
    Ok(run(connection, &migrator()).await?)
}

/// Whether the first migration was applied here.
async fn is_ours(connection: &mut PgConnection, schema: &str) -> Result<bool, sqlx::Error> {
    const HAS_FIRST: &str = "select exists (select from _maintenance_migrations where version = 1)";
    if first_of(connection, schema, &[TABLE]).await?.is_none() {
        return Ok(false);
    }
    sqlx::query_scalar(HAS_FIRST).fetch_one(connection).await
}

/// The first table, view or other relation of the schema under one of these names.
async fn first_of(
    connection: &mut PgConnection,
    schema: &str,
    names: &[&str],
) -> Result<Option<String>, sqlx::Error> {
    const FIRST: &str = "
        select c.relname::text
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace s on s.oid = c.relnamespace
         where s.nspname = $1 and c.relname = any ($2)
         order by c.relname
         limit 1";
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    sqlx::query_scalar(FIRST).bind(schema.to_owned()).bind(names).fetch_optional(connection).await
}
