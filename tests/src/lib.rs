//! What the tests of several crates share: a small world to act in, and the conformance cases that every store
//! must pass.
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

pub mod conformance;
pub mod databases;
pub mod model;
pub mod ordeal;
mod phone;
mod proxy;
mod world;

pub use phone::{APP_SECRET, Phone, VERIFY_TOKEN};
pub use proxy::Wire;
pub use world::{World, accepted, file_one, refused};
