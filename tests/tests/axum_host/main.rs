//! The example `axum-host`, driven over HTTP as its callers do, on SQLite and on PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code: a failed expectation is its result"
)]

#[macro_use]
mod backend;
mod landlords;
mod organizations;
mod readme;
mod requests;
mod start;
