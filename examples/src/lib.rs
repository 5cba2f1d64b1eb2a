//! The examples are programs: `cargo run --example NAME`. A host that a test starts too is a module here.

#[path = "../axum-host/mod.rs"]
pub mod axum_host;
