//! The examples are programs: `cargo run --example NAME`. What a test uses too is a module here.

#[path = "../axum-host/mod.rs"]
pub mod axum_host;

#[path = "../doctor/mod.rs"]
pub mod doctor;
