//! Bringing a database's tables up to date, beside whatever migrations the host runs of its own.

/// The tables could not be brought up to date; nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The database has a table of that name which this engine did not make.
    #[error(
        "there is a table `{0}` that is not the engine's: give the engine {place} of its own",
        place = PLACE
    )]
    TableTaken(String),
    /// The schema in which PostgreSQL would make the tables does not exist.
    #[error("no schema of the search_path exists: create it first")]
    NoSchema,
    /// The migrations in the database and those of this version disagree, or a statement failed.
    #[error(transparent)]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

const PLACE: &str = "another schema (by the connection's search_path) or another database file";

impl From<sqlx::Error> for MigrateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Migrate(error.into())
    }
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) use steps::*;

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod steps {
    use std::borrow::Cow;

    use sqlx::{
        SqlStr,
        migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator},
    };

    /// Where the engine keeps which of its migrations a database has, apart from the host's.
    pub(crate) const TABLE: &str = "_maintenance_migrations";

    /// The tables that the first migration makes.
    pub(crate) const TABLES: [&str; 10] = [
        "maintenance_workers",
        "complex_maintenance_assignments",
        "maintenance_requests",
        "maintenance_attachments",
        "maintenance_comments",
        "maintenance_status_history",
        "maintenance_assignment_history",
        "maintenance_notifications",
        "maintenance_notification_sends",
        "maintenance_early_deliveries",
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

    /// Applies what is missing. `Migrator::run` on a borrowed connection can't be spawned; this can.
    pub(crate) async fn run<C: Migrate + Send>(
        conn: &mut C,
        migrator: &Migrator,
    ) -> Result<(), MigrateError> {
        conn.ensure_migrations_table(TABLE).await?;
        if let Some(version) = conn.dirty_version(TABLE).await? {
            return Err(MigrateError::Dirty(version));
        }
        let applied = conn.list_applied_migrations(TABLE).await?;
        if let Some(newer) = applied.iter().find(|applied| !migrator.version_exists(applied.version)) {
            return Err(MigrateError::VersionMissing(newer.version));
        }
        for migration in migrator.iter() {
            match applied.iter().find(|applied| applied.version == migration.version) {
                Some(applied) if applied.checksum != migration.checksum => {
                    return Err(MigrateError::VersionMismatch(migration.version));
                }
                Some(_) => {}
                None => {
                    conn.apply(TABLE, migration).await?;
                }
            }
        }
        Ok(())
    }
}
