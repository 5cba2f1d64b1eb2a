//! The name of a channel: one of the numbers that a host sends from.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use super::{
    invalid::{Rule, string_form},
    text::plain_name,
};

/// The host's name for one of its numbers, such as `north` or `acme.support`: 1 to 64 ASCII letters, digits, `-`, `_` and
/// `.`; letter case counts. It isn't the number, so a number can be replaced without touching a message.
///
/// A host with one number never mentions it: every message goes out by [`Channel::DEFAULT`].
///
/// ```
/// use maintenance_core::Channel;
///
/// assert_eq!(Channel::new("acme.support")?.as_str(), "acme.support");
/// assert_eq!(Channel::default().as_str(), "default");
/// assert!(Channel::new("acme support").is_err());
/// # Ok::<(), maintenance_core::Rule>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Channel(Cow<'static, str>);

impl Channel {
    /// `default`: the channel of a host that has one number and never names it.
    pub const DEFAULT: Self = Self(Cow::Borrowed("default"));

    /// The channel of that name. Fails when it isn't 1 to 64 ASCII letters, digits, `-`, `_` and `.`.
    pub fn new(name: &str) -> Result<Self, Rule> {
        // Each message that is read has a channel, and most hosts have one: that needs no text of its own.
        if name == Self::DEFAULT.as_str() {
            return Ok(Self::DEFAULT);
        }
        plain_name(name).map(|name| Self(Cow::Owned(name)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the one of a host that names none.
    pub fn is_default(&self) -> bool {
        *self == Self::DEFAULT
    }
}

string_form!(Channel);

impl Default for Channel {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_1_to_64_plain_characters() {
        for good in ["a", "default", "North-2_b.c", &"x".repeat(64)] {
            assert_eq!(Channel::new(good).unwrap().as_str(), good);
        }
        for bad in ["", " ", "a b", "a\n", "é", "a/b", "a'b", "\u{0}", &"x".repeat(65)] {
            assert!(Channel::new(bad).is_err(), "{bad:?}");
        }
    }
}
