//! How long to wait before trying again.

use std::time::Duration;

/// Doubling waits: `first`, twice that, and so on up to `ceiling`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first attempt.
    pub first: Duration,
    /// The longest wait.
    pub ceiling: Duration,
}

impl Backoff {
    /// The wait after that attempt, counted from 1.
    pub fn after(self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.ceiling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_ceiling_and_never_overflow() {
        let backoff = Backoff { first: Duration::from_secs(5), ceiling: Duration::from_mins(10) };
        let seconds: Vec<u64> = (1..=9).map(|attempt| backoff.after(attempt).as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        assert_eq!(backoff.after(u32::MAX), backoff.ceiling);
        assert_eq!(Backoff { first: Duration::MAX, ..backoff }.after(40), backoff.ceiling);
    }
}
