//! A request with all that happened to it.

use serde::{Deserialize, Serialize};

use super::{
    assignment_history::AssignmentChange, attachment::Attachment, comment::Comment, edit::EditedField,
    history::StatusChange, notification::Notification, request::Request,
};

/// A request with all that happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// The request.
    pub request: Request,
    /// Its status changes, oldest first.
    pub history: Vec<StatusChange>,
    /// The changes of its worker, oldest first.
    pub assignments: Vec<AssignmentChange>,
    /// The fields that were edited, oldest first.
    pub edits: Vec<EditedField>,
    /// Its comments, oldest first.
    pub comments: Vec<Comment>,
    /// Its attachments, oldest first.
    pub attachments: Vec<Attachment>,
    /// Its messages, oldest first.
    pub notifications: Vec<Notification>,
}
