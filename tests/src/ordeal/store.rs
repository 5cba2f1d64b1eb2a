//! The two databases of an ordeal, as the test and the process under it reach them.

use std::{any::Any, fmt};

#[cfg(feature = "postgres")]
use maintenance_sqlx::{postgres::PgRepository, sqlx::PgPool};
use maintenance_sqlx::{
    sqlite::{self, SqliteRepository},
    sqlx::{self, AssertSqlSafe, SqlitePool},
};

#[cfg(feature = "postgres")]
use crate::databases::{Schema, in_schema};
use crate::{Wire, databases::Store};

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A file.
    Sqlite,
    /// A schema of its own on the test server.
    #[cfg(feature = "postgres")]
    Postgres,
}

impl Kind {
    /// Those that this build can reach.
    pub const ALL: &[Self] = &[
        Self::Sqlite,
        #[cfg(feature = "postgres")]
        Self::Postgres,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sqlite => "SQLite",
            #[cfg(feature = "postgres")]
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// A pool of either.
#[derive(Clone)]
pub(super) enum Pool {
    /// Of a file.
    Sqlite(SqlitePool),
    /// Of a schema.
    #[cfg(feature = "postgres")]
    Postgres(PgPool),
}

impl Pool {
    /// The pool of the process under test; `place` as [`Database::place`] gives it.
    pub(super) async fn connect(place: &str) -> Result<Self, sqlx::Error> {
        #[cfg(feature = "postgres")]
        if let Some((schema, port)) = place.strip_prefix("postgres:").and_then(|place| place.split_once(':'))
        {
            let options = in_schema(schema).host("127.0.0.1").port(port.parse().unwrap());
            let pool = sqlx::postgres::PgPoolOptions::new().max_connections(8).test_before_acquire(false);
            let pool = pool.acquire_timeout(std::time::Duration::from_secs(2));
            return Ok(Self::Postgres(pool.connect_lazy_with(options)));
        }
        sqlite::open(place).await.map(Self::Sqlite)
    }

    /// The store over it.
    pub(super) fn repository(&self) -> Store {
        match self {
            Self::Sqlite(pool) => std::sync::Arc::new(SqliteRepository::new(pool.clone())) as Store,
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => std::sync::Arc::new(PgRepository::new(pool.clone())),
        }
    }

    /// Runs SQL on all its connections, having waited until they are free; whatever comes of it.
    pub(super) async fn everywhere(&self, sql: &str) {
        async fn on_all<DB: sqlx::Database>(pool: &sqlx::Pool<DB>, sql: &str)
        where
            for<'c> &'c mut DB::Connection: sqlx::Executor<'c, Database = DB>,
        {
            let mut held = Vec::new();
            for _ in 0..pool.options().get_max_connections() {
                held.extend(pool.acquire().await.ok());
            }
            for connection in &mut held {
                let _ = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut **connection).await;
            }
        }
        match self {
            Self::Sqlite(pool) => on_all(pool, sql).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => on_all(pool, sql).await,
        }
    }
}

/// A fresh, migrated database of an ordeal.
pub(super) struct Database {
    /// The test's own way to it, which no fault touches.
    pub(super) pool: Pool,
    /// The wire by which the process reaches a server.
    pub(super) wire: Option<Wire>,
    /// Where the process finds it.
    pub(super) place: String,
    _alive: Box<dyn Any + Send + Sync>,
}

impl Database {
    /// A fresh one.
    pub(super) async fn fresh(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("maintenance.sqlite");
                let pool = sqlite::open(&path).await.unwrap();
                sqlite::migrate(&pool).await.unwrap();
                let place = path.to_str().unwrap().to_owned();
                Self { pool: Pool::Sqlite(pool), wire: None, place, _alive: Box::new(folder) }
            }
            #[cfg(feature = "postgres")]
            Kind::Postgres => {
                let schema = Schema::empty().await;
                schema.migrated().await.close().await;
                let server = schema.options();
                let wire = Wire::to(server.get_host().to_owned(), server.get_port()).await;
                let place = format!("postgres:{}:{}", schema.name(), wire.address.port());
                // Tests a connection before it is used: the server may have been ended meanwhile.
                let pool = sqlx::postgres::PgPoolOptions::new().max_connections(4);
                let pool = Pool::Postgres(pool.connect_with(server).await.unwrap());
                Self { pool, wire: Some(wire), place, _alive: Box::new(schema) }
            }
        }
    }
}
