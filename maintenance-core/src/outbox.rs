//! What a dispatcher takes from the outbox, and what it writes back.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{
    DeliveryError, DeliveryUpdate, LeaseId, Notification, NotificationId, PhoneNumber, Priority, Request,
    WorkerId, WorkerStatus,
};

/// A notification under a lease, with all that sending it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The notification, with this claim counted in `claims`.
    pub notification: Notification,
    /// Its request as it stands.
    pub request: Request,
    /// Whether it is the request's newest assignment message.
    pub is_newest: bool,
    /// Whether an assignment message about the request reached the recipient, for a
    /// [`Withdrawn`](crate::NotificationKind::Withdrawn) message; [`Told::No`] for every other kind.
    pub told: Told,
    /// The recipient's number as it stands.
    pub phone_number: PhoneNumber,
    /// The recipient's status as it stands.
    pub worker_status: WorkerStatus,
}

/// Whether a worker was told that a request is theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// An assignment message to them went out, or may have.
    Yes,
    /// None went out, but one is still pending.
    Pending,
    /// None went out.
    No,
}

/// The request for a batch of due notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The time now: pending notifications due by then are taken, the most urgent first, and of those the longest
    /// due first.
    pub now: DateTime<Utc>,
    /// When they come due again if no outcome is recorded.
    pub until: DateTime<Utc>,
    /// The lease to put on them.
    pub lease: LeaseId,
    /// How many at most.
    pub limit: u32,
    /// Takes only messages of this priority and above.
    pub at_least: Priority,
}

/// A request to put back what waits for one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deferral {
    /// The recipient.
    pub worker_id: WorkerId,
    /// The time now: what is pending and due by then is put back, in the order in which it would be claimed.
    pub now: DateTime<Utc>,
    /// When the first of them comes due.
    pub first: DateTime<Utc>,
    /// How much later each of the others comes due.
    pub every: Duration,
    /// How many at most.
    pub limit: u32,
}

/// What became of one claimed notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendRecord {
    /// The notification.
    pub notification_id: NotificationId,
    /// The lease under which it was sent.
    pub lease: LeaseId,
    /// How many attempts count from now on.
    pub attempts: u32,
    /// When the outcome was known, UTC.
    pub at: DateTime<Utc>,
    /// The outcome.
    pub outcome: SendOutcome,
}

/// The outcome of one attempt to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The provider accepted it: counts as sent.
    Sent {
        /// The provider's id of the message.
        provider_message_id: String,
    },
    /// It stays pending and comes due again. Ignored if a webhook has shown in the meantime that it went out.
    Later {
        /// When, UTC.
        due_at: DateTime<Utc>,
        /// Why, if there is a reason to keep.
        error: Option<DeliveryError>,
    },
    /// It failed for good. Ignored if a webhook has shown in the meantime that it went out.
    Failed {
        /// Why.
        error: DeliveryError,
    },
}

/// What a store did with outcomes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// How many of them counted, as [`Notification::apply_outcome`] says.
    pub counted: usize,
    /// Updates that came by webhook before the send's own answer was recorded, without our id, so that no message
    /// was found for them. It is now: they are to be applied, and the store keeps them until they are.
    pub early: Vec<DeliveryUpdate>,
}
