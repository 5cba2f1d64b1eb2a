//! What one step of a dispatcher did.

use chrono::{DateTime, Utc};

use crate::{DeliveryError, NotificationId, NotifyError, RepositoryError};

/// What one step of a dispatcher did.
#[derive(Debug, Default)]
pub struct DispatchReport {
    /// Notifications taken.
    pub claimed: usize,
    /// Accepted by the channel.
    pub sent: usize,
    /// Certainly not sent; they come due again.
    pub retried: usize,
    /// Their outcome is unknown; held for a webhook to settle them.
    pub held: usize,
    /// Put back without an attempt: the recipient's pace, a paused channel, or no time left under the lease.
    pub put_back: usize,
    /// Failed for good.
    pub failed: usize,
    /// Not sent, since the request is over or someone else's by now.
    pub withdrawn: usize,
    /// Outcomes that came too late: the notification was taken by another dispatcher in the meantime.
    pub fenced: usize,
    /// Why messages were not accepted.
    pub problems: Vec<Problem>,
    /// Notifications that could not be read; they are looked at again after the hold.
    pub corrupt: Vec<RepositoryError>,
    /// The channel rests; nothing is taken from the outbox until then.
    pub pause: Option<Pause>,
}

/// A message that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The notification.
    pub notification_id: NotificationId,
    /// What the channel said of it.
    pub error: NotifyError,
}

/// A rest of the whole channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Until when, UTC.
    pub until: DateTime<Utc>,
    /// Whether a person must act, as after a bad token; otherwise it passes by itself.
    pub needs_person: bool,
    /// What the channel said.
    pub error: DeliveryError,
}
