//! The times that both databases hold in order.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// The time, or the nearest of a four-digit year: beyond those the width of a text differs, and PostgreSQL's
/// calendar ends. Only a filter can ask for such a time.
pub(crate) fn storable(at: DateTime<Utc>) -> DateTime<Utc> {
    at.clamp(year(0), year(9_999))
}

fn year(year: i32) -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN).and_utc()
}
