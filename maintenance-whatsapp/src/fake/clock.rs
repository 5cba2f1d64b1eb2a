//! The fake's clock, which a test may replace.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use maintenance_core::{Clock, SystemClock};

/// The clock that a fake and its messages share.
#[derive(Clone)]
pub(super) struct FakeClock(Arc<RwLock<Arc<dyn Clock>>>);

impl FakeClock {
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).now()
    }

    pub(super) fn set(&self, clock: impl Clock + 'static) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(clock);
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(Arc::new(SystemClock))))
    }
}

/// Messages of one fake have one clock; it is no part of what they say.
impl PartialEq for FakeClock {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for FakeClock {}
