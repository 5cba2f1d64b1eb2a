//! Keeps sends within Meta's rate limits: messages per second for the number, and fewer for one recipient.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use governor::{
    NotUntil, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed, keyed::DefaultKeyedStateStore},
};
use maintenance_core::PhoneNumber;

use crate::Pacing;

/// The longest time that a send waits here for the number's limit; beyond it the dispatcher puts the message
/// back.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// After how many sends the recipients are dropped whose whole burst is available again.
const FORGET_EVERY: u32 = 1024;

type PerRecipient<C> =
    RateLimiter<PhoneNumber, DefaultKeyedStateStore<PhoneNumber>, C, NoOpMiddleware<<C as Clock>::Instant>>;

pub(crate) struct Pace<C: Clock = DefaultClock> {
    number: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    recipients: PerRecipient<C>,
    clock: C,
    sends: AtomicU32,
}

impl<C: Clock + Clone> Pace<C> {
    pub(crate) fn new(pacing: Pacing, clock: C) -> Self {
        let Pacing { number_per_second, recipient_interval, recipient_burst } = pacing;
        // A burst and what is refilled in the second after it add up to the limit, so that no second exceeds
        // it.
        let burst = (number_per_second / 20).max(1);
        let steady = (number_per_second.saturating_sub(burst) + 1).max(1);
        let number = quota(Duration::from_secs(1) / steady, burst);
        let recipient = quota(recipient_interval, recipient_burst);
        Self {
            number: RateLimiter::direct_with_clock(number, clock.clone()),
            recipients: RateLimiter::hashmap_with_clock(recipient, clock.clone()),
            clock,
            sends: AtomicU32::new(0),
        }
    }

    /// Counts a message to the recipient, or returns how long to wait before there may be one.
    pub(crate) fn recipient(&self, to: &PhoneNumber) -> Result<(), Duration> {
        if self.sends.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.recipients.retain_recent();
            self.recipients.shrink_to_fit();
        }
        self.recipients.check_key(to).map_err(|until| self.wait(&until))
    }

    /// Counts a message of the number, or returns how long to wait before there may be one.
    fn number(&self) -> Result<(), Duration> {
        self.number.check().map_err(|until| self.wait(&until))
    }

    /// Waits until the number may send, or returns the wait that is left if it is too long.
    pub(crate) async fn wait_for_number(&self) -> Result<(), Duration> {
        let mut waited = Duration::ZERO;
        loop {
            let Err(wait) = self.number() else { return Ok(()) };
            waited += wait;
            if waited > LONGEST_WAIT {
                return Err(wait);
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn wait(&self, until: &NotUntil<C::Instant>) -> Duration {
        until.wait_time_from(self.clock.now())
    }
}

/// One every `interval`, and `burst` at once.
fn quota(interval: Duration, burst: u32) -> Quota {
    let interval = interval.max(Duration::from_nanos(1));
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(interval).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst)
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn recipient(n: u32) -> PhoneNumber {
        PhoneNumber::try_from(format!("+1{:03}55501{:02}", 201 + n / 100, n % 100)).unwrap()
    }

    #[test]
    fn one_recipient_gets_a_burst_and_then_one_every_interval() {
        let clock = FakeRelativeClock::default();
        let pace = Pace::new(Pacing::default(), clock.clone());
        assert_eq!((0..100).filter(|_| pace.recipient(&recipient(101)).is_ok()).count(), 45);
        assert_eq!(pace.recipient(&recipient(101)), Err(Duration::from_secs(6)));
        assert_eq!(pace.recipient(&recipient(102)), Ok(()));
        clock.advance(Duration::from_secs(6));
        assert_eq!(pace.recipient(&recipient(101)), Ok(()));
        assert_eq!(pace.recipient(&recipient(101)), Err(Duration::from_secs(6)));
    }

    #[test]
    fn no_second_holds_more_than_the_numbers_limit_and_little_less() {
        for limit in [1, 2, 10, 80, 1000] {
            let clock = FakeRelativeClock::default();
            let pace = Pace::new(Pacing { number_per_second: limit, ..Pacing::default() }, clock.clone());
            let mut sent = std::collections::VecDeque::new();
            let mut total = 0;
            for at in 0..5_000_u64 {
                while pace.number().is_ok() {
                    sent.push_back(at);
                    total += 1;
                }
                while sent.front().is_some_and(|&first| first + 1_000 <= at) {
                    sent.pop_front();
                }
                assert!(sent.len() <= limit as usize, "{limit}: {}", sent.len());
                clock.advance(Duration::from_millis(1));
            }
            assert!(total >= 5 * limit * 9 / 10, "{limit}: {total}");
        }
    }

    #[test]
    fn a_recipient_whose_whole_burst_is_available_again_is_forgotten() {
        let clock = FakeRelativeClock::default();
        let pace = Pace::new(Pacing::default(), clock.clone());
        for n in 0..1_000 {
            pace.recipient(&recipient(n)).unwrap();
        }
        clock.advance(Duration::from_hours(1));
        for n in 0..100 {
            let _ = pace.recipient(&recipient(n));
        }
        assert!(pace.recipients.len() <= 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_send_that_would_wait_too_long_for_the_number_is_told_how_long() {
        let pacing = Pacing { number_per_second: 1, ..Pacing::default() };
        // With a clock that stands still the wait never ends by itself, so the bound must end it.
        let pace = Pace::new(pacing, FakeRelativeClock::default());
        assert_eq!(pace.wait_for_number().await, Ok(()));
        assert_eq!(pace.wait_for_number().await, Err(Duration::from_secs(1)));
    }
}
