//! The 24 hours in which a person who wrote may be answered without a template.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

const OPEN_FOR: TimeDelta = TimeDelta::hours(24);

/// When each phone wrote last to each number.
#[derive(Debug, Default)]
pub(super) struct Windows(HashMap<(String, String), DateTime<Utc>>);

impl Windows {
    /// The phone wrote to the number at that time.
    pub(super) fn heard(&mut self, phone_number_id: &str, phone: &str, at: DateTime<Utc>) {
        let heard = self.0.entry((phone_number_id.to_owned(), phone.to_owned())).or_insert(at);
        *heard = at.max(*heard);
    }

    /// Whether the number may send the phone anything at that time.
    pub(super) fn is_open(&self, phone_number_id: &str, phone: &str, now: DateTime<Utc>) -> bool {
        let heard = self.0.get(&(phone_number_id.to_owned(), phone.to_owned()));
        heard.is_some_and(|heard| now < *heard + OPEN_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_of_one_number_and_phone_and_lasts_for_24_hours_after_the_newest_message() {
        let at = |hour: i64| DateTime::UNIX_EPOCH + TimeDelta::hours(hour);
        let mut windows = Windows::default();
        assert!(!windows.is_open("1065", "+12025550123", at(0)));
        windows.heard("1065", "+12025550123", at(2));
        windows.heard("1065", "+12025550123", at(1));
        assert!(windows.is_open("1065", "+12025550123", at(25)));
        assert!(!windows.is_open("1065", "+12025550123", at(26)));
        assert!(!windows.is_open("2076", "+12025550123", at(3)));
        assert!(!windows.is_open("1065", "+12025550124", at(3)));
    }
}
