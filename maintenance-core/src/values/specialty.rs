//! The trades: an open vocabulary, normalised so that one trade has one spelling.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use super::invalid::{Rule, string_form};

/// A trade, such as `plumbing`. Any name of 1 to 50 characters; letter case, spaces and hyphens don't count.
///
/// ```
/// use maintenance_core::Specialty;
///
/// assert_eq!(Specialty::new(" Pest-Control ")?, Specialty::PEST_CONTROL);
/// # Ok::<(), maintenance_core::Rule>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Specialty(Cow<'static, str>);

macro_rules! usual {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        $($(#[$doc])* pub const $name: Self = Self(Cow::Borrowed($text));)*
        /// The trades that have a constant here.
        pub const USUAL: &[Self] = &[$(Self::$name),*];
    };
}

impl Specialty {
    usual! {
        /// Appliances.
        APPLIANCE = "appliance",
        /// Carpentry.
        CARPENTRY = "carpentry",
        /// Cleaning.
        CLEANING = "cleaning",
        /// Electrical work.
        ELECTRICAL = "electrical",
        /// A bit of everything: a worker with this trade is a generalist, who may stand in where the
        /// [`SelectionPolicy`](crate::SelectionPolicy) allows it.
        GENERAL = "general",
        /// Heating, ventilation, air conditioning.
        HVAC = "hvac",
        /// Gardens and grounds.
        LANDSCAPING = "landscaping",
        /// Locks and keys.
        LOCKSMITH = "locksmith",
        /// Painting.
        PAINTING = "painting",
        /// Pest control.
        PEST_CONTROL = "pest_control",
        /// Plumbing.
        PLUMBING = "plumbing",
        /// Roofs.
        ROOFING = "roofing",
    }

    /// The trade of that name, normalised: trimmed, lower case, runs of spaces, hyphens and underscores
    /// as one `_`.
    pub fn new(name: &str) -> Result<Self, Rule> {
        const RULE: &str =
            "must be a trade of 1 to 50 letters, digits, spaces, hyphens or underscores, with a letter in it";
        if name.len() > 400 {
            return Err(Rule::new(RULE));
        }
        // Most trades are usual ones, and each candidate that is read has some: these need no text of their own.
        if let Some(usual) = Self::USUAL.iter().find(|usual| usual.as_str() == name) {
            return Ok(usual.clone());
        }
        let lower = name.to_lowercase();
        let words: Vec<&str> = lower
            .split(|c: char| c.is_whitespace() || c == '-' || c == '_')
            .filter(|word| !word.is_empty())
            .collect();
        let normal = words.join("_");
        let valid = normal.chars().count() <= 50
            && normal.chars().any(char::is_alphabetic)
            && normal.chars().all(|c| c.is_alphanumeric() || c == '_');
        if valid { Ok(Self(Cow::Owned(normal))) } else { Err(Rule::new(RULE)) }
    }

    /// The normalised name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

string_form!(Specialty);

impl fmt::Display for Specialty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trade_has_one_spelling_however_it_is_written() {
        for (written, kept) in
            [("HVAC", "hvac"), (" pool  -_ care", "pool_care"), ("Électricité", "électricité")]
        {
            assert_eq!(Specialty::new(written).unwrap().as_str(), kept);
        }
        for usual in Specialty::USUAL {
            assert_eq!(&Specialty::new(usual.as_str()).unwrap(), usual);
        }
    }

    #[test]
    fn what_names_no_trade_is_refused() {
        for bad in ["", "  ", "---", "42", "plumb\u{0}ing", "a;b", &"x".repeat(51)] {
            assert!(Specialty::new(bad).is_err(), "{bad}");
        }
    }
}
