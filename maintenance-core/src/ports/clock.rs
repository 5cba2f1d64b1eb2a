//! The port to the time.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};

use crate::values::whole_micros;

/// Where the time comes from. The engine reads no clock elsewhere.
#[auto_impl::auto_impl(&, Box, Arc)]
pub trait Clock: Send + Sync {
    /// The time now, UTC. The engine cuts it to whole microseconds.
    fn now(&self) -> DateTime<Utc>;

    /// The time passed since some fixed moment. It never goes back and never jumps, whatever happens to the wall
    /// clock, so the engine measures by it how long something rests.
    fn monotonic(&self) -> Duration;
}

/// The machine's clock: what a host uses in production.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
    fn now(&self) -> DateTime<Utc> {
        whole_micros(Utc::now())
    }

    fn monotonic(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}
