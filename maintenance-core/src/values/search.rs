//! What to search texts for.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use super::invalid::{Rule, string_form};

/// Words to search texts for: all of them must occur, the last one as the beginning of a word. Neither letter case nor
/// anything between the words counts.
///
/// Private by nature, as [`Text`](crate::Text) is: `Debug` tells its length alone.
///
/// ```
/// use maintenance_core::SearchText;
///
/// let search = SearchText::new("Kitchen lea")?;
/// assert!(search.is_in("The sink leaks (kitchen)"));
/// assert!(!search.is_in("The kitchens leak"));
/// # Ok::<(), maintenance_core::Rule>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SearchText(String);

impl SearchText {
    const MAX: usize = 200;

    /// The text, trimmed. Fails when it has no letter or digit, or more than 200 characters.
    pub fn new(text: &str) -> Result<Self, Rule> {
        let text = text.trim();
        let length = text.chars().count();
        if length > Self::MAX {
            return Err(Rule::new(format!("has {length} characters; it must have 1 to {}", Self::MAX)));
        }
        if !text.chars().any(char::is_alphanumeric) {
            return Err(Rule::new("has no word to search for; give at least one letter or digit"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The words in their order, as they were given; never none.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        words(&self.0)
    }

    /// Whether all words occur in the text: the model that a store's own search must agree with on plain words.
    pub fn is_in(&self, text: &str) -> bool {
        let lower = text.to_lowercase();
        let found: BTreeSet<&str> = words(&lower).collect();
        let sought = self.0.to_lowercase();
        let mut sought: Vec<&str> = words(&sought).collect();
        let last = sought.pop().unwrap_or_default();
        let begins = found.range(last..).next().is_some_and(|word| word.starts_with(last));
        begins && sought.iter().all(|word| found.contains(word))
    }
}

/// What stands between characters that are no letters or digits.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

string_form!(SearchText);

impl fmt::Debug for SearchText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SearchText({} characters)", self.0.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_word_or_is_too_long_is_refused() {
        for bad in ["", "  ", "-.,", &"x".repeat(201)] {
            assert!(SearchText::new(bad).is_err(), "{bad}");
        }
        let search = SearchText::new(" 'Über'-dr ").unwrap();
        assert_eq!(search.words().collect::<Vec<_>>(), ["Über", "dr"]);
        assert!(search.is_in("dripping ÜBER all") && !search.is_in("Überdrip") && !search.is_in(""));
        assert_eq!(format!("{search:?}"), "SearchText(9 characters)");
    }
}
