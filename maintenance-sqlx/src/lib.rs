//! PostgreSQL and SQLite stores of maintenance requests.
//!
//! One repository type a database, over a pool or inside the host's open transaction:
//!
//! ```
//! # #[cfg(feature = "postgres")]
//! # async fn example(
//! #     maintenance: maintenance_core::Maintenance<maintenance_sqlx::postgres::PgRepository<'static>>,
//! #     pool: sqlx::PgPool,
//! #     directory: impl maintenance_core::Directory,
//! #     mut request: maintenance_core::NewRequest,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! use maintenance_sqlx::postgres::PgRepository;
//!
//! request.complex_id = directory.complex_of(request.property_id).await?; // before you begin
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
//! Inside it the engine never begins, commits, or changes a setting. Your transaction holds one of the pool's
//! connections, so two rules keep a small pool from waiting for itself:
//!
//! 1. Resolve the complex before you begin. Inside the transaction the engine never asks your `Directory`, and refuses
//!    a request without its `complex_id`.
//! 2. While the transaction is open, call nothing else that needs a connection of the pool: neither the engine over the
//!    pool nor a query of your own.
//!
//! A refused step (`NotFound`, `Conflict` from a guard, a row that was there) is a statement that wrote nothing, so the
//! transaction stays usable. An error of the database itself ends a PostgreSQL transaction: its kind is `Aborted`, with
//! the database's code. Roll back; after `40001` and `40P01` begin anew. SQLite's errors leave the transaction usable,
//! apart from the few that end it, which are `Aborted` too.
//!
//! A worker whom you give a request in your transaction stays locked until you commit: setting their status waits for
//! that, and `reassign_all` then finds the request.
//!
//! # Time limits
//!
//! A step over a pool ends within a time limit, 30 seconds unless the repository is given another
//! (`with_time_limit`), the wait for a connection included. In your transaction your own limits hold.
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
mod deliveries;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod encode;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod error;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod limit;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod lists;
mod migrate;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod order;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod outcomes;
#[cfg(all(test, any(feature = "postgres", feature = "sqlite")))]
mod plans;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod queue;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod row;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod storable;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod writes;

pub use migrate::MigrateError;
