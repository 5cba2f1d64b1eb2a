//! The name of a consumer of events.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    invalid::{Rule, string_form},
    text::plain_name,
};

/// The name of a part of the host that follows the events, such as `search` or `billing`: 1 to 64 ASCII letters, digits,
/// `-`, `_` and `.`. How far it has come is kept under this name.
///
/// ```
/// use maintenance_core::ConsumerName;
///
/// assert_eq!(ConsumerName::new("search")?.as_str(), "search");
/// assert!(ConsumerName::new("full text").is_err());
/// # Ok::<(), maintenance_core::Rule>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConsumerName(String);

impl ConsumerName {
    /// The consumer of that name. Fails when it isn't 1 to 64 ASCII letters, digits, `-`, `_` and `.`.
    pub fn new(name: &str) -> Result<Self, Rule> {
        plain_name(name).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

string_form!(ConsumerName);

impl fmt::Display for ConsumerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
