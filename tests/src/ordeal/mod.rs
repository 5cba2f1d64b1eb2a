//! A seeded ordeal: a real process with an engine, its dispatcher, its webhook and its callers, struck by faults, and
//! afterwards held against what it told and against what the phones got.
//!
//! A seed repeats what is random: which blow falls when, what is submitted and by whom it is changed, when webhooks
//! come. It doesn't repeat how the machine runs the threads meanwhile, so one seed may have to be tried a few times.

mod audit;
mod callers;
mod chance;
mod fault;
pub mod host;
mod ledger;
mod lines;
mod meta;
mod process;
mod round;
mod scene;
mod store;
mod strike;
mod table;
mod whims;

pub use audit::Tally;
pub use fault::Fault;
pub use round::{Plan, round};
pub use store::Kind;
pub use table::Table;
