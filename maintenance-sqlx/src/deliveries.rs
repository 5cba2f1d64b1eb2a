//! A webhook's updates as both databases bind them, and what became of each.

use chrono::{DateTime, Utc};
use maintenance_core::{DeliveryEffect, DeliveryUpdate, NotificationId, RepositoryError};

use crate::{
    row::Raw,
    storable::{code_and_text, without_nul},
};

/// A webhook's update, with a column for each of its parts.
pub(crate) struct Update {
    pub(crate) channel: String,
    pub(crate) id: Option<NotificationId>,
    pub(crate) provider_message_id: String,
    pub(crate) event: &'static str,
    pub(crate) at: DateTime<Utc>,
    pub(crate) error_code: Option<String>,
    pub(crate) error_text: Option<String>,
    /// What to do about a failure, as JSON. It is kept with an update whose message isn't known yet.
    pub(crate) next: Option<String>,
}

impl From<&DeliveryUpdate> for Update {
    fn from(update: &DeliveryUpdate) -> Self {
        let (error_code, error_text) = code_and_text(update.error.as_ref());
        Self {
            channel: update.channel.as_str().to_owned(),
            id: update.notification_id,
            provider_message_id: without_nul(&update.provider_message_id),
            event: update.event.status().as_str(),
            at: update.at,
            error_code,
            error_text,
            next: update.next.and_then(|next| serde_json::to_string(&next).ok()),
        }
    }
}

/// The effect of an update. Columns: the message that was found for it, and that message's request.
pub(crate) fn effect<R: Raw>(row: &R) -> Result<DeliveryEffect, RepositoryError> {
    let id = |at| {
        let corrupt = |error| {
            RepositoryError::corrupt("maintenance_notifications", "id", "(the message of an update)", error)
        };
        row.uuid(at).map_err(corrupt)
    };
    Ok(match (id(0)?, id(1)?) {
        (Some(notification), Some(request)) => {
            DeliveryEffect::Known { notification_id: notification.into(), request_id: request.into() }
        }
        _ => DeliveryEffect::Unknown,
    })
}
