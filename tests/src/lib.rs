//! What the tests of several crates share: fresh databases, a fake phone, a proxy that fails, random events,
//! faults.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::print_stderr,
    reason = "this crate is test code: a failed expectation is its result"
)]

/// The README, whose Rust blocks are compiled and run as tests.
#[cfg(all(doctest, feature = "postgres"))]
#[doc = include_str!("../../README.md")]
pub struct Readme;

pub mod databases;
pub mod model;
pub mod ordeal;
mod phone;
mod proxy;

pub use phone::{APP_SECRET, Phone, VERIFY_TOKEN};
pub use proxy::Wire;
