//! Taking data out, and letting it go: rows about a person, and what forgetting and clean-up did.

use serde::{Deserialize, Serialize};

use super::{
    assignment::ComplexAssignment, assignment_history::AssignmentChange, attachment::FileUrl,
    comment::Comment, delivery::DeliveryError, edit::EditedField, history::StatusChange,
    notification::Notification, record::RequestRecord, worker::Worker,
};
use crate::values::Text;

/// What stands in place of a forgotten text. It satisfies the rules of every text.
pub const FORGOTTEN: &str = "(forgotten)";

impl<const MAX: usize> Text<MAX> {
    /// Replaces the text by [`FORGOTTEN`]; whether another text was there.
    pub fn forget(&mut self) -> bool {
        self.replace(FORGOTTEN)
    }
}

impl DeliveryError {
    /// Replaces the text by [`FORGOTTEN`]; whether another text was there.
    pub fn forget(&mut self) -> bool {
        let other = self.text != FORGOTTEN;
        FORGOTTEN.clone_into(&mut self.text);
        other
    }
}

/// One thing that the store has about a person. As JSON it is an object with one key that says what it is:
/// `{"comment": {…}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PersonalData {
    /// The worker that the person is.
    Worker(Worker),
    /// A complex that they serve.
    ComplexAssignment(ComplexAssignment),
    /// A request that they filed, with all that happened to it.
    Request(Box<RequestRecord>),
    /// A comment that they wrote on somebody else's request.
    Comment(Comment),
    /// A change of status that they made to somebody else's request.
    StatusChange(StatusChange),
    /// A change of worker of somebody else's request, which they made, or which gave them the request or took it.
    AssignmentChange(AssignmentChange),
    /// A field of somebody else's request that they edited.
    Edit(EditedField),
    /// A message to them.
    Notification(Notification),
}

/// How much of a renter was forgotten. What had been forgotten before is not counted again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Requests whose texts were replaced.
    pub requests: u64,
    /// Notes that were replaced, in both histories.
    pub notes: u64,
    /// Comments that were replaced.
    pub comments: u64,
    /// Messages whose error texts were replaced.
    pub messages: u64,
    /// Messages from phones about their requests whose content was removed.
    pub inbound: u64,
    /// The files whose attachments were deleted. The files themselves are the host's to delete.
    pub files: Vec<FileUrl>,
}

/// How many rows a clean-up deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CleanedUp {
    /// Messages, each with the provider's ids that it was given.
    pub messages: u64,
    /// Webhook updates whose message never became known.
    pub early_deliveries: u64,
    /// Messages from phones that were applied.
    pub inbound: u64,
}

impl CleanedUp {
    /// Whether nothing was left to delete.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
