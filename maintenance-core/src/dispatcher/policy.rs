//! How a dispatcher works.

use std::time::Duration;

use crate::Backoff;

/// How a dispatcher works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DispatchPolicy {
    /// How many notifications one step takes; 100 by default.
    pub batch: u32,
    /// How many of them are sent at a time; 32 by default.
    pub concurrency: usize,
    /// How long a notification is held when its outcome is unknown, because the answer was lost or the
    /// dispatcher died: 5 minutes by default. Within that time a webhook settles it; only then is it sent
    /// again. Must be well above what sending a batch takes, since it is also the lease: a message that
    /// could not be begun in half of it is left to the next step.
    pub hold: Duration,
    /// After how many attempts a notification fails; 8 by default.
    pub max_attempts: u32,
    /// The waits between attempts; 5 seconds doubling up to 10 minutes by default.
    pub backoff: Backoff,
    /// After what time a channel that a person must mend is tried again, with one message; 1 minute by default.
    pub probe: Duration,
    /// How often `Dispatcher::run` looks for due notifications when nothing wakes it; 1 second by default.
    pub poll: Duration,
}

impl Default for DispatchPolicy {
    fn default() -> Self {
        Self {
            batch: 100,
            concurrency: 32,
            hold: Duration::from_mins(5),
            max_attempts: 8,
            backoff: Backoff { first: Duration::from_secs(5), ceiling: Duration::from_mins(10) },
            probe: Duration::from_mins(1),
            poll: Duration::from_secs(1),
        }
    }
}
