//! Brings a schema's tables up to date.

use std::time::Duration;

use sqlx::{
    AssertSqlSafe, PgConnection, PgPool,
    migrate::{AppliedMigration, Migrate as _, Migration, Migrator},
};

use crate::migrate::{MigrateError, TABLE, TABLES, missing, statements};

/// The engine's migrations. They are recorded in a table of their own, `_maintenance_migrations`.
pub fn migrator() -> Migrator {
    crate::migrate::migrator(&[(
        1,
        "maintenance",
        include_str!("../../migrations/postgres/0001_maintenance.sql"),
    )])
}

/// Brings the tables in the first schema of the `search_path` up to date. Any number of processes may do so
/// at once. The host's own migrations and their numbers don't matter.
///
/// If the tables are up to date, or a newer version of the engine has changed them, it only reads. Then the
/// role needs no right but to read `_maintenance_migrations`. Otherwise it must be allowed to create tables.
///
/// # Errors
///
/// See [`MigrateError`]. The failed migration has changed nothing; the migrations before it stay.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    run(pool, &migrator()).await
}

/// Does the same inside the host's open transaction, whose commit or rollback decides about all of it. It
/// holds an advisory lock until the transaction ends, so that simultaneous migrations run one after the
/// other; that needs the isolation level `read committed`.
///
/// # Errors
///
/// See [`MigrateError`]. A migration that can't run inside a transaction is refused as `NotInTransaction`.
pub async fn migrate_in(connection: &mut PgConnection) -> Result<(), MigrateError> {
    run_in(connection, &migrator()).await
}

/// The key of the advisory lock that a migration holds.
const LOCK: i64 = 7_020_396_481_305_213_285;

/// How long to wait before asking for the lock again. Waiting in the database would deadlock with `create
/// index concurrently`: it holds the lock and waits for the end of every older snapshot, and a waiter holds
/// one.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) async fn run(pool: &PgPool, migrator: &Migrator) -> Result<(), MigrateError> {
    loop {
        // Each statement must see what others committed while it waited, whatever the pool's isolation level.
        let mut tx = pool.begin_with("begin isolation level read committed").await?;
        let next = missing(migrator, &applied(&mut tx).await?)?.first().map(|next| next.no_tx);
        match next {
            None => return Ok(()),
            Some(true) => {
                tx.rollback().await?;
                apply_alone(pool, migrator).await?;
            }
            Some(false) => {
                lock(&mut tx, "select pg_try_advisory_xact_lock($1)").await?;
                apply(&mut tx, migrator).await?;
                tx.commit().await?;
            }
        }
    }
}

pub(super) async fn run_in(connection: &mut PgConnection, migrator: &Migrator) -> Result<(), MigrateError> {
    if missing(migrator, &applied(connection).await?)?.is_empty() {
        return Ok(());
    }
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *connection).await?;
    match apply(connection, migrator).await? {
        Some(alone) => Err(MigrateError::NotInTransaction(alone)),
        None => Ok(()),
    }
}

async fn lock(connection: &mut PgConnection, ask: &'static str) -> Result<(), sqlx::Error> {
    while !sqlx::query_scalar::<_, bool>(ask).bind(LOCK).fetch_one(&mut *connection).await? {
        sqlx::__rt::sleep(PAUSE).await;
    }
    Ok(())
}

/// Applies the missing migrations inside the transaction, up to the first one that can't run in a
/// transaction. Returns that one's version.
async fn apply(connection: &mut PgConnection, migrator: &Migrator) -> Result<Option<i64>, MigrateError> {
    let schema: Option<String> =
        sqlx::query_scalar("select current_schema()::text").fetch_one(&mut *connection).await?;
    let Some(schema) = schema else { return Err(MigrateError::NoSchema) };
    let applied = applied(connection).await?;
    if applied.is_empty()
        && let Some(table) = first_of(connection, &schema, &TABLES).await?
    {
        return Err(MigrateError::TableTaken(table));
    }
    connection.ensure_migrations_table(TABLE).await?;
    for migration in missing(migrator, &applied)? {
        if migration.no_tx {
            return Ok(Some(migration.version));
        }
        apply_one(connection, migration).await?;
    }
    Ok(None)
}

/// Applies the next migration outside a transaction, if it is still the next one. A migration that runs so
/// must be repeatable after it failed half-way.
async fn apply_alone(pool: &PgPool, migrator: &Migrator) -> Result<(), MigrateError> {
    let mut connection = pool.acquire().await?;
    // The end of the session releases the lock, even if this future is dropped.
    connection.close_on_drop();
    lock(&mut connection, "select pg_try_advisory_lock($1)").await?;
    if let Some(next) = missing(migrator, &applied(&mut connection).await?)?.first().filter(|next| next.no_tx)
    {
        apply_one(&mut connection, next).await?;
    }
    Ok(connection.close().await?)
}

async fn apply_one(connection: &mut PgConnection, migration: &Migration) -> Result<(), MigrateError> {
    for statement in statements(migration) {
        let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await;
        done.map_err(|error| sqlx::migrate::MigrateError::ExecuteMigration(error, migration.version))?;
    }
    // `skip` records the migration as applied without running it.
    Ok(connection.skip(TABLE, migration).await?)
}

/// The migrations that are applied in the first schema of the `search_path`.
async fn applied(connection: &mut PgConnection) -> Result<Vec<AppliedMigration>, MigrateError> {
    const HAS_TABLE: &str = "select to_regclass(quote_ident(current_schema()) || '.' || $1) is not null";
    if sqlx::query_scalar(HAS_TABLE).bind(TABLE).fetch_one(&mut *connection).await? {
        Ok(connection.list_applied_migrations(TABLE).await?)
    } else {
        Ok(Vec::new())
    }
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
