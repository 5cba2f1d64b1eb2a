//! What both databases bind of the outbox's batches.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use maintenance_core::{
    DeliveryEffect, DeliveryError, DeliveryUpdate, LeaseId, NotificationId, SendOutcome, SendRecord,
};
use uuid::Uuid;

/// A send's record, flat.
pub(crate) struct Outcome {
    pub(crate) id: NotificationId,
    pub(crate) lease: LeaseId,
    pub(crate) attempts: u32,
    pub(crate) at: DateTime<Utc>,
    pub(crate) kind: &'static str,
    pub(crate) provider_message_id: Option<String>,
    pub(crate) due_at: Option<DateTime<Utc>>,
    pub(crate) error: Option<DeliveryError>,
}

/// The records flat, in waves that each hold one record of a notification at most: a statement can change a row only
/// once. Usually there is one wave.
pub(crate) fn waves(records: &[SendRecord]) -> Vec<Vec<Outcome>> {
    let mut waves: Vec<Vec<Outcome>> = Vec::new();
    let mut earlier = BTreeMap::<NotificationId, usize>::new();
    for outcome in records.iter().map(Outcome::from) {
        let wave = earlier.entry(outcome.id).or_default();
        if waves.len() == *wave {
            waves.push(Vec::new());
        }
        if let Some(outcomes) = waves.get_mut(*wave) {
            outcomes.push(outcome);
        }
        *wave += 1;
    }
    waves
}

impl From<&SendRecord> for Outcome {
    fn from(record: &SendRecord) -> Self {
        let (kind, provider_message_id, due_at, error) = match &record.outcome {
            SendOutcome::Sent { provider_message_id } => {
                ("sent", Some(storable(provider_message_id)), None, None)
            }
            SendOutcome::Later { due_at, error } => ("later", None, Some(*due_at), error.as_ref()),
            SendOutcome::Failed { error } => ("failed", None, None, Some(error)),
        };
        Self {
            id: record.notification_id,
            lease: record.lease,
            attempts: record.attempts,
            at: record.at,
            kind,
            provider_message_id,
            due_at,
            error: error.map(storable_error),
        }
    }
}

/// A webhook's update without what no database takes.
pub(crate) fn storable_update(update: &DeliveryUpdate) -> DeliveryUpdate {
    DeliveryUpdate {
        provider_message_id: storable(&update.provider_message_id),
        error: update.error.as_ref().map(storable_error),
        ..*update
    }
}

fn storable_error(error: &DeliveryError) -> DeliveryError {
    DeliveryError::new(storable(&error.code), storable(&error.text))
}

/// A provider's text without U+0000, which PostgreSQL can't hold: one such text must not fail a whole batch.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// What an update did, by the message that was found for it and that message's request.
pub(crate) fn effect(notification: Option<Uuid>, request: Option<Uuid>) -> DeliveryEffect {
    match (notification, request) {
        (Some(notification), Some(request)) => {
            DeliveryEffect::Known { notification_id: notification.into(), request_id: request.into() }
        }
        _ => DeliveryEffect::Unknown,
    }
}

/// What to do about an update's failure, as it is kept until its message is known.
pub(crate) fn next(update: &DeliveryUpdate) -> Option<String> {
    update.next.and_then(|next| serde_json::to_string(&next).ok())
}
