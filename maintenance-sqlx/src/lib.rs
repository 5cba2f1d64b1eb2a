//! PostgreSQL and SQLite stores of maintenance requests.
//!
//! One repository type a database, over a pool or inside the host's open transaction:
//!
//! ```
//! # #[cfg(feature = "postgres")]
//! # async fn example(
//! #     maintenance: maintenance_core::Maintenance<maintenance_sqlx::postgres::PgRepository<'static>>,
//! #     pool: sqlx::PgPool,
//! #     request: maintenance_core::NewRequest,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! use maintenance_sqlx::postgres::PgRepository;
//!
//! let mut tx = pool.begin().await?;
//! sqlx::query("insert into host_audit (entry) values ('filed')").execute(&mut *tx).await?;
//! let filed = maintenance.within(PgRepository::in_transaction(&mut tx)).submit(request).await?;
//! tx.commit().await?; // the host's row, the request and its message, or none
//! maintenance.wake();
//! # Ok(())
//! # }
//! ```
//!
//! Features: `sqlite`, `postgres`; none by default. The runtime and TLS are features of `sqlx` that the host
//! turns on; this crate exports the [`sqlx`] that it was built with.
//!
//! # The host's transaction
//!
//! Inside it the engine never begins, commits, or changes a setting. A refused step (`NotFound`, `Conflict`
//! from a guard, a row that was there) is a statement that wrote nothing, so the transaction stays usable.
//! What a database itself aborts, such as a deadlock or a serialisation failure, ends a PostgreSQL
//! transaction as it always does.
//!
//! # Private data
//!
//! No error of this crate holds a row's values: of a database's error it keeps code, constraint and message,
//! never the detail that quotes the row.

pub use sqlx;

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod columns;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod decode;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod error;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod limit;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod lists;
mod migrate;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod outbox;
#[cfg(all(test, any(feature = "postgres", feature = "sqlite")))]
mod plans;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod queue;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod time;

pub use migrate::MigrateError;
