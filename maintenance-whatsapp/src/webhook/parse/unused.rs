//! What Meta posts besides messages and their statuses.

use std::fmt;

use serde_json::Value;

use super::part::plain_word;

/// A change of which the engine uses nothing, such as the status of a template, of the account, or of a number's quality:
/// for the host to act on. `Debug` shows its path and field alone.
///
/// Meta posts the fields to which the host's app is subscribed; its documentation says what each value holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Unused {
    /// Where it is, as in `entry[0].changes[0]`.
    pub path: String,
    /// The change's field, such as `message_template_status_update`.
    pub field: String,
    /// The change's value.
    pub value: Value,
}

impl Unused {
    /// The field as a log may show it.
    pub(in crate::webhook) fn plain_field(&self) -> &str {
        plain_word(&self.field)
    }
}

impl fmt::Debug for Unused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unused")
            .field("path", &self.path)
            .field("field", &self.plain_field())
            .finish_non_exhaustive()
    }
}
