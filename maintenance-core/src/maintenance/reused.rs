//! An id used twice, for different things.

use std::fmt;

use serde::Serialize;
use uuid::Uuid;

/// An id that was used before with other content.
///
/// Names both contents where they differ; a private text is told by its length alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct Reused {
    /// What has the id: `request`, `comment`.
    pub what: &'static str,
    /// The id.
    pub id: Uuid,
    /// Where the stored content, as it is now, differs from what was brought. Nothing, if it was edited since to what
    /// was brought.
    pub differences: Vec<Difference>,
}

/// One field in which two contents differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The field.
    pub field: &'static str,
    /// What is stored.
    pub stored: String,
    /// What was brought now.
    pub given: String,
}

impl fmt::Display for Reused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} id {} was already used with different content; use a new id", self.what, self.id)?;
        for (n, Difference { field, stored, given }) in self.differences.iter().enumerate() {
            write!(f, "{} {field} is {stored}, now {given}", if n == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

/// Collects the differences of two contents under one id.
#[derive(Default)]
pub(crate) struct Differences(Vec<Difference>);

impl Differences {
    /// Compares a field that may be shown.
    pub(crate) fn shown<T: PartialEq + fmt::Display>(
        mut self,
        field: &'static str,
        stored: &T,
        given: &T,
    ) -> Self {
        if stored != given {
            self.0.push(Difference { field, stored: stored.to_string(), given: given.to_string() });
        }
        self
    }

    /// Compares a private text.
    pub(crate) fn private(mut self, field: &'static str, stored: &str, given: &str) -> Self {
        if stored != given {
            let length = |text: &str| format!("a text of {} characters", text.chars().count());
            self.0.push(Difference {
                field,
                stored: length(stored),
                given: format!("another, {}", length(given)),
            });
        }
        self
    }

    /// `Ok` when nothing differs.
    pub(crate) fn none(self, what: &'static str, id: impl Into<Uuid>) -> Result<(), Reused> {
        if self.0.is_empty() { Ok(()) } else { Err(self.reused(what, id)) }
    }

    /// The error for an id that was used with other content.
    pub(crate) fn reused(self, what: &'static str, id: impl Into<Uuid>) -> Reused {
        Reused { what, id: id.into(), differences: self.0 }
    }
}
