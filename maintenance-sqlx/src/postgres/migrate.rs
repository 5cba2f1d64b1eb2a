//! Brings a schema's tables up to date.

use std::{collections::BTreeMap, time::Duration};

use futures_util::StreamExt as _;
use sqlx::{
    AssertSqlSafe, PgConnection, PgPool,
    migrate::{AppliedMigration, Migrate as _, Migration, Migrator},
};

use super::schema::{SchemaName, set_local_search_path, set_search_path};
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
    run(pool, None, &migrator()).await
}

/// How many schemas are migrated at a time, at most. The server's processors are the limit: on two of them eight at a time
/// gained next to nothing.
const AT_ONCE: u32 = 4;

/// Does the same in each of the schemas, a few at a time, and creates those that don't exist. Goes on when one fails, and
/// returns the error of each that did. Any number of processes may do so at once; those that come to the same schema wait
/// for one another.
///
/// Each takes one of the pool's connections, and the `search_path` of none has changed afterwards.
///
/// # Errors
///
/// By schema, see [`MigrateError`]. A schema that was to be created is there with all its tables or not at all.
///
/// ```no_run
/// use maintenance_sqlx::{postgres::{SchemaName, migrate_all}, sqlx::PgPool};
///
/// # async fn start(pool: PgPool) -> Result<(), Box<dyn std::error::Error>> {
/// let schemas = [SchemaName::new("customer_17")?, SchemaName::new("customer_18")?];
/// for (schema, error) in migrate_all(&pool, schemas).await {
///     eprintln!("{schema}: {error}");
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "it says which schemas could not be migrated"]
pub async fn migrate_all(
    pool: &PgPool,
    schemas: impl IntoIterator<Item = SchemaName>,
) -> BTreeMap<SchemaName, MigrateError> {
    let migrator = migrator();
    let schemas: Vec<SchemaName> = schemas.into_iter().collect();
    let migrated = schemas.into_iter().map(async |schema| {
        let done = run(pool, Some(&schema), &migrator).await;
        done.err().map(|error| (schema, error))
    });
    let at_once = pool.options().get_max_connections().clamp(1, AT_ONCE);
    let failed = futures_util::stream::iter(migrated).buffer_unordered(at_once as usize);
    failed.filter_map(std::future::ready).collect().await
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

/// The key of the advisory lock that a migration of that schema holds: FNV-1a, so that migrations of different schemas
/// seldom wait for one another. Every version of the engine must come to the same.
fn key(schema: &str) -> i64 {
    let mixed = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = b"maintenance.".iter().chain(schema.as_bytes()).copied().fold(0xcbf2_9ce4_8422_2325, mixed);
    i64::from_ne_bytes(hash.to_ne_bytes())
}

/// How long to wait before asking for the lock again. Waiting in the database would deadlock with `create
/// index concurrently`: it holds the lock and waits for the end of every older snapshot, and a waiter holds
/// one.
const PAUSE: Duration = Duration::from_millis(50);

/// `schema` is created if it doesn't exist; without one the first schema of the `search_path` is meant.
pub(super) async fn run(
    pool: &PgPool,
    schema: Option<&SchemaName>,
    migrator: &Migrator,
) -> Result<(), MigrateError> {
    loop {
        // Each statement must see what others committed while it waited, whatever the pool's isolation level.
        let mut tx = pool.begin_with("begin isolation level read committed").await?;
        if let Some(schema) = schema {
            set_local_search_path(&mut tx, schema).await?;
        }
        let next = missing(migrator, &applied(&mut tx).await?)?.first().map(|next| next.no_tx);
        match next {
            None => return Ok(()),
            Some(true) => {
                tx.rollback().await?;
                apply_alone(pool, schema, migrator).await?;
            }
            Some(false) => {
                let name = match schema {
                    Some(schema) => schema.as_str().to_owned(),
                    None => current(&mut tx).await?.ok_or(MigrateError::NoSchema)?,
                };
                lock(&mut tx, "select pg_try_advisory_xact_lock($1)", &name).await?;
                if let Some(schema) = schema {
                    create(&mut tx, schema).await?;
                }
                apply(&mut tx, &name, migrator).await?;
                tx.commit().await?;
            }
        }
    }
}

pub(super) async fn run_in(connection: &mut PgConnection, migrator: &Migrator) -> Result<(), MigrateError> {
    if missing(migrator, &applied(connection).await?)?.is_empty() {
        return Ok(());
    }
    let name = current(connection).await?.ok_or(MigrateError::NoSchema)?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(key(&name)).execute(&mut *connection).await?;
    match apply(connection, &name, migrator).await? {
        Some(alone) => Err(MigrateError::NotInTransaction(alone)),
        None => Ok(()),
    }
}

async fn lock(connection: &mut PgConnection, ask: &'static str, schema: &str) -> Result<(), sqlx::Error> {
    while !sqlx::query_scalar::<_, bool>(ask).bind(key(schema)).fetch_one(&mut *connection).await? {
        sqlx::__rt::sleep(PAUSE).await;
    }
    Ok(())
}

/// The first schema of the `search_path` that exists and that the role may use.
async fn current(connection: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("select current_schema()::text").fetch_one(connection).await
}

/// Creates the schema, unless it is there. The caller holds its lock.
async fn create(connection: &mut PgConnection, schema: &SchemaName) -> Result<(), MigrateError> {
    if current(connection).await?.is_some() {
        return Ok(());
    }
    let create = AssertSqlSafe(format!("create schema {}", schema.search_path()));
    let created = sqlx::raw_sql(create).execute(connection).await;
    let refused = |source| MigrateError::Schema { schema: schema.as_str().to_owned(), source };
    created.map(|_| ()).map_err(refused)
}

/// Applies the missing migrations inside the transaction, up to the first one that can't run in a
/// transaction. Returns that one's version.
async fn apply(
    connection: &mut PgConnection,
    schema: &str,
    migrator: &Migrator,
) -> Result<Option<i64>, MigrateError> {
    let applied = applied(connection).await?;
    if applied.is_empty()
        && let Some(table) = first_of(connection, schema, &TABLES).await?
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
async fn apply_alone(
    pool: &PgPool,
    schema: Option<&SchemaName>,
    migrator: &Migrator,
) -> Result<(), MigrateError> {
    let mut connection = pool.acquire().await?;
    // The end of the session releases the lock and forgets the search_path, even if this future is dropped.
    connection.close_on_drop();
    if let Some(schema) = schema {
        set_search_path(&mut connection, schema.search_path()).await?;
    }
    let name = current(&mut connection).await?.ok_or(MigrateError::NoSchema)?;
    lock(&mut connection, "select pg_try_advisory_lock($1)", &name).await?;
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
