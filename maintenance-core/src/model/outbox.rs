//! What a dispatcher takes from the outbox, and what the store tells it.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{
    delivery::DeliveryUpdate,
    notification::Notification,
    request::{Priority, Request},
    worker::WorkerStatus,
};
use crate::values::{LeaseId, PhoneNumber, WorkerId};

/// A notification under a lease, with all that sending it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The notification, with this claim counted in `claims`.
    pub notification: Notification,
    /// Its request as it stands.
    pub request: Request,
    /// Whether it is the request's newest assignment message; of another kind, the newest of that kind to the same
    /// worker about the request.
    pub is_newest: bool,
    /// What the recipient was told of the request before. Of interest for a
    /// [`Withdrawn`](crate::NotificationKind::Withdrawn) or a [`Changed`](crate::NotificationKind::Changed) message;
    /// [`Told::No`] for every other kind.
    pub told: Told,
    /// The recipient's number as it stands.
    pub phone_number: PhoneNumber,
    /// The recipient's status as it stands.
    pub worker_status: WorkerStatus,
}

/// Whether a worker was told what a later message builds on: that a request is theirs and not yet that it no longer is.
///
/// For a [`Changed`](crate::NotificationKind::Changed) message it is about the request as it was before the change: an
/// assignment message [says](crate::NotificationRepository::claim) the request as it was when it was taken from the
/// outbox, so one that was taken after the change has told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// An assignment message to them went out, or may have. For a change, none is pending, and none that went out was
    /// taken after the change.
    Yes,
    /// None went out, but one is still pending. For a change, one is pending, whether or not others went out.
    Pending,
    /// None went out and none is pending. For a change also if one that went out was taken after the change.
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

/// What a store did with outcomes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// How many of them counted, as [`Notification::apply_outcome`] says.
    pub counted: usize,
    /// Updates that came by webhook before the send's own answer was recorded, without our id, so that no message
    /// was found for them. It is now: they are to be applied, and the store keeps them until they are.
    pub early: Vec<DeliveryUpdate>,
}
