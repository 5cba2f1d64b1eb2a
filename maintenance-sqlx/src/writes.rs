//! The writes of a core step, sorted into what both databases bind.

use std::collections::BTreeMap;

use maintenance_core::{
    NotificationId, RepositoryError, RepositoryErrorKind, RequestStatus, Step, WorkerId, Write,
};

use crate::encode;

/// What a step changes in the request's own row, and the rows that it adds, each list as one JSON array.
pub(crate) struct Writes {
    /// The new status, if it changes.
    pub(crate) status: Option<RequestStatus>,
    /// Whether the worker changes.
    pub(crate) assigns: bool,
    /// The new worker, or nobody.
    pub(crate) worker: Option<WorkerId>,
    /// The columns that edits change, with their values, as one JSON object.
    pub(crate) edited: String,
    /// Rows of the history of edits.
    pub(crate) edits: String,
    /// Rows of the status history.
    pub(crate) history: String,
    /// Rows of the assignment history.
    pub(crate) assignments: String,
    /// Rows of the outbox, the answer to a message from a phone among them.
    pub(crate) messages: String,
    /// The message that becomes acknowledged.
    pub(crate) acknowledged: Option<NotificationId>,
    /// What a message from a phone becomes, as one JSON object.
    pub(crate) settlement: Option<String>,
}

impl TryFrom<&Step> for Writes {
    type Error = RepositoryError;

    /// Fails with `Unsupported` when the step has a write that this crate doesn't know.
    fn try_from(step: &Step) -> Result<Self, RepositoryError> {
        let (mut status, mut assigns, mut worker) = (None, false, None);
        let (mut history, mut assignments, mut messages) = (Vec::new(), Vec::new(), Vec::new());
        let (mut edited, mut edits) = (BTreeMap::new(), Vec::new());
        let (mut acknowledged, mut settlement) = (None, None);
        for write in &step.writes {
            match write {
                Write::Status(change) => {
                    status = Some(change.new_status);
                    history.push(encode::status_change(change));
                }
                Write::Assignment(change) => {
                    (assigns, worker) = (true, change.new_worker_id);
                    assignments.push(encode::assignment_change(change));
                }
                Write::Edit(edit) => {
                    let unknown = || RepositoryError::from(RepositoryErrorKind::Unsupported);
                    edited.extend(encode::changed_columns(&edit.change).ok_or_else(unknown)?);
                    edits.push(encode::edited_field(edit).ok_or_else(unknown)?);
                }
                Write::Notify(message) => messages.push(encode::notification(message)),
                Write::Acknowledge(message) => acknowledged = Some(*message),
                Write::Settle(settled) => {
                    messages.extend(settled.answer.as_ref().map(encode::notification));
                    settlement = Some(encode::settlement(settled));
                }
                _ => return Err(RepositoryErrorKind::Unsupported.into()),
            }
        }
        Ok(Self {
            status,
            assigns,
            worker,
            edited: encode::columns(&edited),
            edits: encode::rows(edits),
            history: encode::rows(history),
            assignments: encode::rows(assignments),
            messages: encode::rows(messages),
            acknowledged,
            settlement,
        })
    }
}
