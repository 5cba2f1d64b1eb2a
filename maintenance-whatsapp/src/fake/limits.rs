//! The rate limits of a number and of each recipient, by the fake's clock.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use super::check::ApiError;
use crate::Pacing;

/// What was sent lately, against the limits.
#[derive(Debug)]
pub(super) struct Limits {
    pacing: Pacing,
    /// When each number sent within the last second.
    numbers: HashMap<String, VecDeque<DateTime<Utc>>>,
    /// When the whole burst of each recipient of a number is available again.
    recipients: HashMap<(String, String), DateTime<Utc>>,
}

impl Limits {
    pub(super) fn new(pacing: Pacing) -> Self {
        Self { pacing, numbers: HashMap::new(), recipients: HashMap::new() }
    }

    /// Counts a message; refuses it when it is beyond a limit, and then it doesn't count.
    pub(super) fn count(
        &mut self,
        phone_number_id: &str,
        to: &str,
        now: DateTime<Utc>,
    ) -> Result<(), ApiError> {
        let sent = self.numbers.entry(phone_number_id.to_owned()).or_default();
        while sent.front().is_some_and(|at| *at + TimeDelta::seconds(1) <= now) {
            sent.pop_front();
        }
        if sent.len() >= self.pacing.number_per_second as usize {
            return Err(ApiError::new(130_429, "Rate limit hit: too many messages of this number"));
        }
        let interval = TimeDelta::from_std(self.pacing.recipient_interval).unwrap_or(TimeDelta::MAX);
        let burst = i32::try_from(self.pacing.recipient_burst).unwrap_or(i32::MAX);
        let recipient = self.recipients.entry((phone_number_id.to_owned(), to.to_owned())).or_insert(now);
        let whole_again =
            now.max(*recipient).checked_add_signed(interval).unwrap_or(DateTime::<Utc>::MAX_UTC);
        if whole_again - now > interval.checked_mul(burst).unwrap_or(TimeDelta::MAX) {
            return Err(ApiError::new(131_056, "Pair rate limit hit: too many messages to this recipient"));
        }
        *recipient = whole_again;
        sent.push_back(now);
        Ok(())
    }
}
