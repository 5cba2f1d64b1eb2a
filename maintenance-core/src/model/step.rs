//! Steps: what a use case decided about a request, written whole or not at all.

use chrono::{DateTime, Utc};

use crate::values::{NotificationId, RequestId, WorkerId};

use super::{
    assignment_history::AssignmentChange,
    delivery::WhatsAppStatus,
    edit::EditedField,
    history::StatusChange,
    inbound::InboundSettlement,
    notification::{Notification, NotificationKind},
    request::{Request, RequestStatus},
};

/// A request to file, with what goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filing {
    /// The request.
    pub request: Request,
    /// The row of its assignment history, if a worker was selected.
    pub assignment: Option<AssignmentChange>,
    /// The message to that worker.
    pub notification: Option<Notification>,
    /// The message that tells the renter of it, if they are to be told. Its id is derived from the request's.
    pub news: Option<Notification>,
}

/// A decided change of one request: facts that are written together.
///
/// The step's guard is the version that the decision rests on, and that the recipient of each assignment message is
/// active.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The request.
    pub request_id: RequestId,
    /// The version of the request that the decision rests on; the step raises it by one.
    pub seen: u32,
    /// The request's `updated_at` from now on, UTC.
    pub at: DateTime<Utc>,
    /// What to write.
    pub writes: Vec<Write>,
}

/// One fact of a [`Step`]. A store that doesn't know one refuses the step as
/// [`Unsupported`](crate::RepositoryErrorKind::Unsupported).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Write {
    /// The request moves to the change's new status, and `completed_at` is the step's time exactly if that is completed.
    /// The change becomes a row of the status history. At most one per step.
    Status(StatusChange),
    /// The request gets the change's new worker, or none. The change becomes a row of the assignment history. At most
    /// one per step.
    Assignment(AssignmentChange),
    /// The request's field gets the change's value after. The edit becomes a row of the history of edits. At most one
    /// per field and step. With a new priority, the request's pending messages that are under no lease get it too.
    Edit(EditedField),
    /// The message goes into the outbox. An assignment message becomes the request's newest, which its `whatsapp_*`
    /// columns mirror from now on; at most one per step.
    Notify(Notification),
    /// The message becomes acknowledged at the step's time, if it isn't yet.
    Acknowledge(NotificationId),
    /// The message from a phone that asked for the step is settled with it, and answered. The step is a `Conflict` if it
    /// would not count, as [`InboundRepository::settle_inbound`](crate::InboundRepository::settle_inbound) says. At most one
    /// per step.
    Settle(InboundSettlement),
}

impl Step {
    /// A step on the request as it was seen, without any writes yet. It is stamped `at`, the request's next time.
    pub fn on(seen: &Request, at: DateTime<Utc>) -> Self {
        Self { request_id: seen.id, seen: seen.version, at, writes: Vec::new() }
    }

    /// The request after the step: the model that a store's own statements must agree with.
    #[must_use]
    pub fn after(&self, mut request: Request) -> Request {
        request.version = self.seen.saturating_add(1);
        request.updated_at = self.at;
        for write in &self.writes {
            match write {
                Write::Status(change) => {
                    request.status = change.new_status;
                    request.completed_at = (change.new_status == RequestStatus::Completed).then_some(self.at);
                }
                Write::Assignment(change) => request.assigned_worker_id = change.new_worker_id,
                Write::Edit(edit) => edit.change.apply(&mut request),
                Write::Notify(message) if message.kind == NotificationKind::Assignment => {
                    request.whatsapp_message_id = None;
                    request.whatsapp_status = WhatsAppStatus::Pending;
                }
                Write::Notify(_) | Write::Acknowledge(_) | Write::Settle(_) => {}
            }
        }
        request
    }

    /// The assignment message of the step, if it has one.
    pub fn assignment_message(&self) -> Option<&Notification> {
        self.writes.iter().find_map(|write| match write {
            Write::Notify(message) if message.kind == NotificationKind::Assignment => Some(message),
            _ => None,
        })
    }

    /// The worker who must be active for the step to be written.
    pub fn must_be_active(&self) -> Option<WorkerId> {
        self.assignment_message().and_then(|message| message.to.worker())
    }

    /// Whether the step leaves something to send.
    pub(crate) fn notifies(&self) -> bool {
        self.writes.iter().any(|write| match write {
            Write::Notify(_) => true,
            Write::Settle(settlement) => settlement.answer.is_some(),
            _ => false,
        })
    }
}
