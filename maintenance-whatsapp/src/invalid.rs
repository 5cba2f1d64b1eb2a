//! Collects what is wrong with a configuration, so that all of it is told at once.

use std::borrow::Cow;

use maintenance_core::{FieldError, Invalid};

/// The wrong fields found so far.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<FieldError>);

impl Fields {
    /// Notes the rule against the field unless it holds.
    pub(crate) fn rule(&mut self, holds: bool, field: impl Into<Cow<'static, str>>, rule: impl Into<String>) {
        if !holds {
            self.0.push(FieldError { field: field.into(), rule: rule.into() });
        }
    }

    pub(crate) fn finish(self) -> Result<(), Invalid> {
        if self.0.is_empty() { Ok(()) } else { Err(Invalid { fields: self.0 }) }
    }
}
