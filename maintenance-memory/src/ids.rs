//! Ids in a known order.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use maintenance_core::IdSource;
use uuid::{Builder, Uuid};

/// Well-formed version 4 ids that count from 1: `00000000-0000-4000-8000-000000000001` and on. Clones share
/// their count.
#[derive(Debug, Clone, Default)]
pub struct SequentialIds(Arc<AtomicU64>);

impl SequentialIds {
    /// Ids from 1.
    pub fn new() -> Self {
        Self::default()
    }
}

impl IdSource for SequentialIds {
    fn uuid(&self) -> Uuid {
        numbered(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// The well-formed version 4 UUID of that number.
pub(crate) fn numbered(number: u64) -> Uuid {
    Builder::from_random_bytes(u128::from(number).to_be_bytes()).into_uuid()
}
