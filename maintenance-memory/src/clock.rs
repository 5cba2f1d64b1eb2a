//! A clock that moves when a test says so.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use maintenance_core::{Clock, whole_micros};

use crate::lock;

/// A clock that stands still until it is moved. Clones share their time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<(DateTime<Utc>, Duration)>>);

impl ManualClock {
    /// A clock at 2026-01-01 00:00 UTC.
    pub fn new() -> Self {
        Self::at(DateTime::UNIX_EPOCH + TimeDelta::seconds(1_767_225_600))
    }

    /// A clock at that time, cut to whole microseconds.
    pub fn at(time: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new((whole_micros(time), Duration::ZERO))))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let (time, passed) = &mut *lock(&self.0);
        *time = TimeDelta::from_std(by).ok().and_then(|by| time.checked_add_signed(by)).unwrap_or(*time);
        *passed = passed.saturating_add(by);
    }

    /// Sets the wall clock, forward or back. The monotonic time stays as it is.
    pub fn set(&self, time: DateTime<Utc>) {
        lock(&self.0).0 = whole_micros(time);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        lock(&self.0).0
    }

    fn monotonic(&self) -> Duration {
        lock(&self.0).1
    }
}
