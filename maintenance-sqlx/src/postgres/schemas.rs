//! A store per schema over one pool.

use maintenance_core::OrganizationId;
use sqlx::PgPool;

use super::{PgRepository, SchemaName, source::Source};
use crate::{limit, queue::Queue};

/// The schemas of one database over one pool: a repository for each customer who has a schema of their own. Clones share
/// the pool's connections.
///
/// A call chooses its schema by the `search_path` of the connection that it takes: one round trip more, unless the
/// connection was in that schema already. Before a connection goes back to the pool it gets its earlier `search_path`
/// again, and where that can't be done it is closed: so your own queries never see another. The path names the schema
/// alone, so that what a schema lacks is not found in `public`.
///
/// Two limits:
///
/// - The setting is the session's. `PgBouncer` in transaction mode gives each statement any session, and so a call could
///   **run in another customer's schema**. Connect directly or in session mode, or use a pool per schema whose role has
///   the `search_path`.
/// - In your own transaction the `search_path` is yours. Set it before you lend the transaction to the engine, as below.
///
/// ```
/// use maintenance_core::{Maintenance, NewRequest, Directory};
/// use maintenance_sqlx::{postgres::{PgRepository, SchemaName, Schemas, migrate_all}, sqlx::{self, PgPool}};
///
/// # async fn start(pool: PgPool, directory: impl Directory + Clone + 'static, new: NewRequest) -> Result<(), Box<dyn std::error::Error>> {
/// let names = [SchemaName::new("customer_17")?, SchemaName::new("customer_18")?];
/// for (schema, error) in migrate_all(&pool, names.clone()).await {
///     eprintln!("{schema}: {error}"); // the others are up to date
/// }
/// let schemas = Schemas::new(pool.clone());
/// let engines = names.clone().map(|name| Maintenance::new(schemas.repository(&name), directory.clone()));
/// engines[0].submit(new.clone()).await?;
///
/// // In your own transaction:
/// let mut tx = pool.begin().await?;
/// sqlx::query("select set_config('search_path', $1, true)")
///     .bind(names[1].search_path())
///     .execute(&mut *tx)
///     .await?;
/// engines[1].within(PgRepository::in_transaction(&mut tx)).submit(new).await?;
/// tx.commit().await?;
/// engines[1].wake();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Schemas {
    queue: Queue<sqlx::Postgres>,
}

impl Schemas {
    /// The schemas that the pool's role may use.
    pub fn new(pool: PgPool) -> Self {
        Self { queue: Queue::new(pool) }
    }

    /// The store in that schema. [`migrate_all`](super::migrate_all) makes its tables.
    pub fn repository(&self, schema: &SchemaName) -> PgRepository<'static> {
        let (queue, schema) = (self.queue.clone(), Some(schema.clone()));
        PgRepository {
            source: Source::Pool { queue, schema, limit: limit::DEFAULT },
            organization: OrganizationId::NONE,
        }
    }
}

impl std::fmt::Debug for Schemas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schemas").finish_non_exhaustive()
    }
}
