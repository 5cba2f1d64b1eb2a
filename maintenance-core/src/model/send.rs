//! What became of an attempt to send.

use chrono::{DateTime, Utc};

use crate::values::{LeaseId, NotificationId};

use super::delivery::DeliveryError;

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
