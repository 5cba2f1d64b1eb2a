//! How a dispatcher works.

use std::time::Duration;

use crate::{model::Priority, values::Backoff};

/// How a dispatcher works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DispatchPolicy {
    /// How many notifications one claim takes; 100 by default.
    pub batch: u32,
    /// How many of them are sent at a time; 32 by default. A quarter as many emergencies may go out besides, so that
    /// none waits behind slow sends.
    pub concurrency: usize,
    /// How long a notification is held when its outcome is unknown, because the answer was lost or the dispatcher
    /// died: 5 minutes by default. Within that time a webhook settles it; only then is it sent again, and after each
    /// further unknown outcome the hold is twice as long. It is also the lease of a claim, so the clocks of
    /// dispatchers on one store must not differ by more than half of it, which `Dispatcher::run` checks.
    pub hold: Duration,
    /// How long one send may take; 30 seconds by default. Beyond it the outcome counts as unknown. Must be well
    /// under `hold` and above the notifier's own time-outs.
    pub send_limit: Duration,
    /// How long the host's directory may take to answer; 2 seconds by default. Renters whose contact it can't give
    /// within twice that time are left out of their messages.
    pub directory_limit: Duration,
    /// How often a notification may be taken without any outcome recorded before it fails; 10 by default. Bounds how
    /// often a message goes out when nothing can be recorded, as on a full disk.
    pub max_claims: u32,
    /// At what age a notification fails whose errors all pass by themselves; 24 hours for every priority by default.
    pub give_up_after: Patience,
    /// The waits between attempts; 5 seconds doubling up to 10 minutes by default.
    pub backoff: Backoff,
    /// How often a stopped channel or template is probed with one message; 1 minute by default.
    pub probe: Duration,
    /// How often `Dispatcher::run` looks for due notifications when nothing wakes it; 1 second by default. In `Dispatchers`
    /// it grows while there is nothing to do.
    pub poll: Duration,
}

impl Default for DispatchPolicy {
    fn default() -> Self {
        Self {
            batch: 100,
            concurrency: 32,
            hold: Duration::from_mins(5),
            send_limit: Duration::from_secs(30),
            directory_limit: Duration::from_secs(2),
            max_claims: 10,
            give_up_after: Patience::default(),
            backoff: Backoff { first: Duration::from_secs(5), ceiling: Duration::from_mins(10) },
            probe: Duration::from_mins(1),
            poll: Duration::from_secs(1),
        }
    }
}

impl DispatchPolicy {
    /// How many sends may be under way at a time.
    pub(super) fn slots(&self) -> usize {
        self.concurrency.max(1)
    }

    /// How many emergencies may be under way besides.
    pub(super) fn reserve(&self) -> usize {
        self.slots().div_ceil(4)
    }

    /// How long to hold what may have gone out, after that attempt: twice as long after each, so that a channel that
    /// loses its answers all day makes few copies.
    pub(super) fn hold_after(&self, attempt: u32) -> Duration {
        Backoff { first: self.hold, ceiling: self.hold.max(Duration::from_hours(24)) }.after(attempt)
    }
}

/// How long something is tried, by the request's priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For [`Priority::Low`].
    pub low: Duration,
    /// For [`Priority::Medium`].
    pub medium: Duration,
    /// For [`Priority::High`].
    pub high: Duration,
    /// For [`Priority::Emergency`].
    pub emergency: Duration,
}

impl Patience {
    /// The same for every priority.
    pub const fn all(patience: Duration) -> Self {
        Self { low: patience, medium: patience, high: patience, emergency: patience }
    }

    /// That of a priority.
    pub const fn of(self, priority: Priority) -> Duration {
        match priority {
            Priority::Low => self.low,
            Priority::Medium => self.medium,
            Priority::High => self.high,
            Priority::Emergency => self.emergency,
        }
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self::all(Duration::from_hours(24))
    }
}
