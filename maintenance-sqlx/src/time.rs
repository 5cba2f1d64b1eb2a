//! The times that both databases hold in order.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// The time, or the nearest of the years 1 to 9999: beyond those the width of a text differs, and PostgreSQL reads no
/// year 0. Only a filter can ask for such a time.
pub(crate) fn storable(at: DateTime<Utc>) -> DateTime<Utc> {
    at.clamp(year(1), year(9_999))
}

fn year(year: i32) -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN).and_utc()
}
