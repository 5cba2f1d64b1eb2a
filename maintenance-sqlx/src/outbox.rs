//! What both databases bind of the outbox's batches.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use maintenance_core::{
    DeliveryEffect, DeliveryError, DeliveryUpdate, LeaseId, NotificationId, SendOutcome, SendRecord,
};

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

/// The records flat, one a lease of a notification: the first takes the lease off, so that a repeat finds none.
pub(crate) fn outcomes(records: &[SendRecord]) -> Vec<Outcome> {
    let mut seen = BTreeSet::new();
    let records = records.iter().filter(|record| seen.insert((record.notification_id, record.lease)));
    let outcomes = records.map(|record| {
        let (kind, provider_message_id, due_at, error) = match &record.outcome {
            SendOutcome::Sent { provider_message_id } => {
                ("sent", Some(storable(provider_message_id)), None, None)
            }
            SendOutcome::Later { due_at, error } => ("later", None, Some(*due_at), error.as_ref()),
            SendOutcome::Failed { error } => ("failed", None, None, Some(error)),
        };
        Outcome {
            id: record.notification_id,
            lease: record.lease,
            attempts: record.attempts,
            at: record.at,
            kind,
            provider_message_id,
            due_at,
            error: error.map(storable_error),
        }
    });
    outcomes.collect()
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

/// What an update did.
pub(crate) fn effect(known: bool) -> DeliveryEffect {
    if known { DeliveryEffect::Known } else { DeliveryEffect::Unknown }
}
