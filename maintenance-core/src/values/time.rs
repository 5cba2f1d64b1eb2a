//! Times: UTC in whole microseconds, the precision that every store keeps.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Deserializer};

/// The time with anything below a microsecond cut off.
pub fn whole_micros(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}

/// The time to stamp on a change to something last changed at `before`: `now`, yet always later than
/// `before`, so that the steps of one row keep their order when a clock stands still or jumps back.
pub(crate) fn next_timestamp(now: DateTime<Utc>, before: DateTime<Utc>) -> DateTime<Utc> {
    now.max(before.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(before))
}

/// That much later. Nothing in the engine waits for years: the bound keeps an absurd wait from overflowing.
pub(crate) fn later(at: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let most = TimeDelta::days(3_650);
    at.checked_add_signed(TimeDelta::from_std(by).unwrap_or(most).min(most)).unwrap_or(at)
}

/// For `#[serde(deserialize_with)]`: a time cut to whole microseconds.
pub(crate) fn de<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    DateTime::deserialize(deserializer).map(whole_micros)
}

/// As [`de`], for a time that may be absent.
pub(crate) fn de_option<'de, D: Deserializer<'de>>(d: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    Option::<DateTime<Utc>>::deserialize(d).map(|at| at.map(whole_micros))
}
