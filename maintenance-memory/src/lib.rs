//! What a host's own tests of maintenance requests use, all in memory and predictable.
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod archive;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod directory;
mod events;
mod ids;
mod inbound;
mod notifications;
mod notifier;
mod requests;
mod store;
mod transaction;
mod workers;

pub use clock::ManualClock;
pub use directory::TableDirectory;
pub use ids::SequentialIds;
pub use notifier::RecordingNotifier;
pub use store::MemoryRepository;
pub use transaction::MemoryTransaction;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. The rows are whole even after a panic elsewhere, since every step computes first and writes last.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
