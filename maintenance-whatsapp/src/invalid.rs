//! Collects the wrong fields of a configuration, so that an error names all of them.

use std::borrow::Cow;

use maintenance_core::{FieldError, Invalid};

/// The wrong fields found so far.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<FieldError>);

impl Fields {
    /// Adds the field with its rule, unless the rule holds.
    pub(crate) fn rule(&mut self, holds: bool, field: impl Into<Cow<'static, str>>, rule: impl Into<String>) {
        if !holds {
            self.0.push(FieldError { field: field.into(), rule: rule.into() });
        }
    }

    /// The error with all wrong fields, if there is any.
    pub(crate) fn finish(self) -> Result<(), Invalid> {
        if self.0.is_empty() { Ok(()) } else { Err(Invalid { fields: self.0 }) }
    }
}
