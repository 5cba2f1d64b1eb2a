//! Bounded text: what people wrote, cut of outer white space, within a stated length.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Serialize};

use super::invalid::Rule;

/// Text of 1 to `MAX` characters without outer white space and without control characters other than
/// line breaks and tabs.
///
/// Private by nature: `Debug` tells its length alone, and there is no `Display`, so that `{title}` in a log line does
/// not compile. Where it is meant to be read, as in a message or an API's answer, read it by
/// [`as_str`](Self::as_str), or dereference it to `str`; serde writes it as a string.
///
/// ```
/// use maintenance_core::Title;
///
/// let title = Title::new("  The sink leaks ")?;
/// assert_eq!(title.as_str(), "The sink leaks");
/// assert_eq!(format!("{title:?}"), "Text(14 characters)");
/// assert_eq!(Title::new(" ").unwrap_err().to_string(), "is empty; it must have 1 to 200 characters");
/// # Ok::<(), maintenance_core::Rule>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text<const MAX: usize>(String);

/// A worker's first or last name, or a renter's name.
pub type Name = Text<100>;
/// A request's title.
pub type Title = Text<200>;
/// A request's description.
pub type Description = Text<10_000>;
/// Where in the property the work is.
pub type Location = Text<500>;
/// The name of a complex, an address or a unit.
pub type PlaceText = Text<200>;
/// What the work on a request waits for.
pub type HoldReason = Text<200>;
/// A comment.
pub type CommentText = Text<5_000>;
/// A note on a change of status or of worker.
pub type Note = Text<2_000>;

impl<const MAX: usize> Text<MAX> {
    /// The text, trimmed. Fails when it is empty, longer than `MAX` characters, or holds a control
    /// character.
    pub fn new(text: &str) -> Result<Self, Rule> {
        let text = text.trim();
        let length = text.chars().count();
        if length == 0 {
            return Err(Rule::new(format!("is empty; it must have 1 to {MAX} characters")));
        }
        if length > MAX {
            return Err(Rule::new(format!("has {length} characters; it must have 1 to {MAX}")));
        }
        if let Some(bad) = text.chars().find(|&c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            let code = u32::from(bad);
            return Err(Rule::new(format!("holds the control character U+{code:04X}; remove it")));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Puts a text of ours in its place, which satisfies the rules; whether another was there.
    pub(crate) fn replace(&mut self, text: &str) -> bool {
        let other = self.0 != text;
        text.clone_into(&mut self.0);
        other
    }
}

impl<const MAX: usize> Deref for Text<MAX> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = Rule;

    fn try_from(text: String) -> Result<Self, Rule> {
        Self::new(&text)
    }
}

impl<const MAX: usize> From<Text<MAX>> for String {
    fn from(text: Text<MAX>) -> Self {
        text.0
    }
}

impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} characters)", self.0.chars().count())
    }
}

/// The name that a host gives to something of its own, such as a channel: 1 to 64 ASCII letters, digits, `-`, `_` and `.`.
pub(super) fn plain_name(name: &str) -> Result<String, Rule> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if (1..=64).contains(&name.len()) && name.bytes().all(plain) {
        Ok(name.to_owned())
    } else {
        Err(Rule::new("must be a name of 1 to 64 ASCII letters, digits, hyphens, underscores or full stops"))
    }
}
