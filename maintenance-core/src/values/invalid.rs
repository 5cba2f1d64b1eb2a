//! What is wrong with a caller's input: every field at once, each with the rule it broke.

use std::{borrow::Cow, fmt};

use serde::Serialize;

/// One field and the rule it broke.
///
/// The text says what was wrong and what would be right. It never quotes a name, a number or a text,
/// since errors end up in logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field, as the caller wrote it: `phone_number`, `specialties[2]`.
    pub field: Cow<'static, str>,
    /// What was wrong and what would be right.
    pub rule: String,
}

/// Input that was refused: all its wrong fields, in the order of the input.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, thiserror::Error)]
pub struct Invalid {
    /// The wrong fields; never empty in an error.
    pub fields: Vec<FieldError>,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid input: ")?;
        for (n, FieldError { field, rule }) in self.fields.iter().enumerate() {
            write!(f, "{}{field} {rule}", if n == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl Invalid {
    /// One wrong field.
    pub fn field(field: impl Into<Cow<'static, str>>, rule: impl Into<String>) -> Self {
        let mut invalid = Self::default();
        invalid.push(field, rule);
        invalid
    }

    pub(crate) fn push(&mut self, field: impl Into<Cow<'static, str>>, rule: impl Into<String>) {
        self.fields.push(FieldError { field: field.into(), rule: rule.into() });
    }

    /// The value, or `None` with the rule it broke noted under the field's name.
    pub(crate) fn keep<T, E: fmt::Display>(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        value: Result<T, E>,
    ) -> Option<T> {
        value.map_err(|rule| self.push(field, rule.to_string())).ok()
    }

    /// The finished value, if nothing was noted.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.fields.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}

/// The rule that a value broke, without the field's name: the error of every validated type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Rule(pub(crate) Cow<'static, str>);

impl Rule {
    pub(crate) fn new(rule: impl Into<Cow<'static, str>>) -> Self {
        Self(rule.into())
    }
}

/// The string form of a validated type, by which serde reads and writes it: `new` on the way in.
macro_rules! string_form {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = $crate::values::Rule;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.into()
            }
        }
    };
}

pub(crate) use string_form;
