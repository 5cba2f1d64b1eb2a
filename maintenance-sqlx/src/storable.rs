//! What both databases can hold of a time and of a text.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use maintenance_core::DeliveryError;

/// The time, or the nearest one of the years 1 to 9999. Beyond those SQLite's texts no longer sort by time, and
/// PostgreSQL reads no year 0. Only a filter can ask for such a time.
pub(crate) fn clamp_to_storable(at: DateTime<Utc>) -> DateTime<Utc> {
    at.clamp(first_day_of(1), first_day_of(9_999))
}

fn first_day_of(year: i32) -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN).and_utc()
}

/// A provider's text without U+0000. PostgreSQL can't hold that character, and one such text must not fail a
/// whole batch.
pub(crate) fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A delivery error's code and text, each without U+0000.
pub(crate) fn code_and_text(error: Option<&DeliveryError>) -> (Option<String>, Option<String>) {
    error.map(|error| (without_nul(&error.code), without_nul(&error.text))).unzip()
}
