//! PostgreSQL and SQLite stores of maintenance requests, by the features `postgres` and `sqlite`.
#![cfg_attr(all(feature = "postgres", feature = "sqlite"), doc = "", doc = include_str!("../README.md"))]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use sqlx;

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod archive;
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
mod kept;
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
