//! What both databases need to bring the engine's tables up to date beside the host's own migrations.

/// The tables could not be brought up to date. The failed migration changed nothing; the migrations before it
/// stay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The database has a table of that name which this engine did not make.
    #[error(
        "the database already has a table `{0}` that this engine did not make; give the engine another schema \
         (by the connection's search_path) or another database file"
    )]
    TableTaken(String),
    /// The schema in which PostgreSQL would make the tables does not exist.
    #[error("no schema of the connection's search_path exists; create it first")]
    NoSchema,
    /// A schema does not exist, or the role may not use it, and the role could not create it.
    #[error(
        "the schema {schema:?} can't be used and could not be created; create it and grant the role its use, or grant \
         the role `create` on the database"
    )]
    Schema {
        /// The schema.
        schema: String,
        /// What the database said.
        source: sqlx::Error,
    },
    /// A migration that can't run inside a transaction is missing, and `migrate_in` was called.
    #[error(
        "migration {0} can't run inside a transaction; call `migrate` with the pool instead of `migrate_in`"
    )]
    NotInTransaction(i64),
    /// The database's migrations and those of this version disagree, or a statement failed.
    #[error(transparent)]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl From<sqlx::Error> for MigrateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Migrate(error.into())
    }
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) use migrations::*;

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod migrations {
    use std::borrow::Cow;

    use sqlx::{
        SqlStr,
        migrate::{AppliedMigration, MigrateError, Migration, MigrationType, Migrator},
    };

    /// The table that lists the engine's applied migrations, apart from the host's.
    pub(crate) const TABLE: &str = "_maintenance_migrations";

    /// The tables that the first migration makes.
    pub(crate) const TABLES: [&str; 18] = [
        "maintenance_workers",
        "complex_maintenance_assignments",
        "maintenance_requests",
        "maintenance_numbers",
        "maintenance_texts",
        "maintenance_words",
        "maintenance_unindexed_texts",
        "maintenance_attachments",
        "maintenance_comments",
        "maintenance_status_history",
        "maintenance_assignment_history",
        "maintenance_notifications",
        "maintenance_notification_sends",
        "maintenance_early_deliveries",
        "maintenance_edits",
        "maintenance_event_consumers",
        "maintenance_events",
        "maintenance_event_position",
    ];

    pub(crate) fn migrator(migrations: &[(i64, &'static str, &'static str)]) -> Migrator {
        let migration = |&(version, description, sql)| {
            let sql = SqlStr::from_static(sql);
            Migration::new(version, Cow::Borrowed(description), MigrationType::Simple, sql, false)
        };
        let mut migrator = Migrator::with_migrations(migrations.iter().map(migration).collect());
        migrator.dangerous_set_table_name(TABLE);
        migrator
    }

    /// The migrations that a database lacks, in order. Migrations beyond ours, which a newer version of the
    /// engine has applied, are ignored: this version runs on its tables.
    pub(crate) fn missing<'m>(
        migrator: &'m Migrator,
        applied: &[AppliedMigration],
    ) -> Result<Vec<&'m Migration>, MigrateError> {
        let newest = migrator.iter().map(|migration| migration.version).max().unwrap_or_default();
        let mut missing = Vec::new();
        for migration in migrator.iter() {
            match applied.iter().find(|applied| applied.version == migration.version) {
                Some(applied) if applied.checksum != migration.checksum => {
                    return Err(MigrateError::VersionMismatch(migration.version));
                }
                Some(_) => {}
                None => missing.push(migration),
            }
        }
        let unknown = |applied: &&AppliedMigration| {
            applied.version < newest && !migrator.version_exists(applied.version)
        };
        match applied.iter().find(unknown) {
            Some(unknown) => Err(MigrateError::VersionMissing(unknown.version)),
            None => Ok(missing),
        }
    }

    /// The statements of a migration without its comments. The last line of each statement ends with a
    /// semicolon.
    ///
    /// They go to the server one at a time, since a server that shards by schema refuses several in one text,
    /// and PostgreSQL would run several in one transaction.
    pub(crate) fn statements(migration: &Migration) -> Vec<String> {
        let mut statements = vec![String::new()];
        for line in migration.sql.as_str().lines().filter(|line| !line.trim_start().starts_with("--")) {
            if let Some(statement) = statements.last_mut() {
                statement.push_str(line);
                statement.push('\n');
            }
            if line.trim_end().ends_with(';') {
                statements.push(String::new());
            }
        }
        statements.retain(|statement| !statement.trim().is_empty());
        statements
    }
}
