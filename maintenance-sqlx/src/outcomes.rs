//! The outcomes of sends as both databases bind them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use maintenance_core::{LeaseId, NotificationId, SendOutcome, SendRecord};

use crate::storable::{code_and_text, without_nul};

/// The record of a send, with a column for each part of each kind of outcome.
pub(crate) struct Outcome {
    pub(crate) id: NotificationId,
    pub(crate) lease: LeaseId,
    pub(crate) attempts: u32,
    pub(crate) at: DateTime<Utc>,
    pub(crate) kind: &'static str,
    pub(crate) provider_message_id: Option<String>,
    pub(crate) due_at: Option<DateTime<Utc>>,
    pub(crate) error_code: Option<String>,
    pub(crate) error_text: Option<String>,
}

impl From<&SendRecord> for Outcome {
    fn from(record: &SendRecord) -> Self {
        let (kind, provider_message_id, due_at, error) = match &record.outcome {
            SendOutcome::Sent { provider_message_id } => {
                ("sent", Some(without_nul(provider_message_id)), None, None)
            }
            SendOutcome::Later { due_at, error } => ("later", None, Some(*due_at), error.as_ref()),
            SendOutcome::Failed { error } => ("failed", None, None, Some(error)),
        };
        let (error_code, error_text) = code_and_text(error);
        Self {
            id: record.notification_id,
            lease: record.lease,
            attempts: record.attempts,
            at: record.at,
            kind,
            provider_message_id,
            due_at,
            error_code,
            error_text,
        }
    }
}

/// The outcomes in waves to be written one after the other. A wave holds at most one outcome per
/// notification, since a statement can change a row only once. Usually there is one wave.
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
