//! Messages to workers: the outbox, and the record of what became of each.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    DeliveryError, DeliveryEvent, DeliveryUpdate, LeaseId, NotificationId, PhoneNumber, Request, RequestId,
    WhatsAppStatus, WorkerId, clock, text_enum::text_enum,
};

text_enum! {
    /// What a message is about.
    #[non_exhaustive]
    pub enum NotificationKind {
        /// The request is yours: sent when it is assigned, and again when it is reopened.
        Assignment = "assignment",
        /// The request is no longer yours: sent to a worker who was told of it, when it is given to another or
        /// cancelled.
        Withdrawn = "withdrawn",
    }
}

/// A message to a worker. Filed in the same step as what it tells of, sent by a
/// [`Dispatcher`](crate::Dispatcher), moved on by webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// The request it is about.
    pub request_id: RequestId,
    /// The recipient.
    pub worker_id: WorkerId,
    /// What it is about.
    pub kind: NotificationKind,
    /// How far it has come.
    pub status: WhatsAppStatus,
    /// The provider's id, once known.
    pub provider_message_id: Option<String>,
    /// How often sending it was tried.
    pub attempts: u32,
    /// When a dispatcher may take it, UTC; counts while the status is pending.
    #[serde(deserialize_with = "clock::de")]
    pub due_at: DateTime<Utc>,
    /// The hold under which it was last taken, until the outcome is recorded.
    pub lease: Option<LeaseId>,
    /// The newest error.
    pub error: Option<DeliveryError>,
    /// When it was filed, UTC; later than every notification of the request before it.
    #[serde(deserialize_with = "clock::de")]
    pub created_at: DateTime<Utc>,
    /// When the provider accepted it, UTC.
    #[serde(deserialize_with = "clock::de_option", default)]
    pub sent_at: Option<DateTime<Utc>>,
    /// When it reached the phone, UTC.
    #[serde(deserialize_with = "clock::de_option", default)]
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was seen, UTC.
    #[serde(deserialize_with = "clock::de_option", default)]
    pub read_at: Option<DateTime<Utc>>,
    /// When it failed, UTC; kept even if evidence of delivery came after all.
    #[serde(deserialize_with = "clock::de_option", default)]
    pub failed_at: Option<DateTime<Utc>>,
}

impl Notification {
    /// Whether the engine took it back, so that its failure says nothing of the recipient.
    pub(crate) fn was_withdrawn(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.code == DeliveryError::WITHDRAWN)
    }

    /// Records the outcome of the attempt whose lease it is under. This and [`learn`](Self::learn) say what a
    /// store's own statements must come to.
    pub fn record(&mut self, record: &SendRecord) {
        let pending = self.status == WhatsAppStatus::Pending;
        self.lease = None;
        self.attempts = record.attempts;
        match &record.outcome {
            SendOutcome::Sent { provider_message_id } => {
                self.error.take_if(|_| pending);
                self.status = self.status.advance(WhatsAppStatus::Sent);
                self.provider_message_id.get_or_insert_with(|| provider_message_id.clone());
                earliest(&mut self.sent_at, record.at);
            }
            SendOutcome::Later { due_at, error } if pending => {
                self.due_at = *due_at;
                if error.is_some() {
                    self.error.clone_from(error);
                }
            }
            SendOutcome::Failed { error } if pending => {
                self.status = WhatsAppStatus::Failed;
                self.error = Some(error.clone());
                self.failed_at = Some(record.at);
            }
            SendOutcome::Later { .. } | SendOutcome::Failed { .. } => {}
        }
    }

    /// Takes in what a webhook tells. Repeats and any order come to the same.
    ///
    /// Providers tell whole seconds, so what happened within the second of the filing would seem to be before
    /// it: it counts as at the filing.
    pub fn learn(&mut self, update: &DeliveryUpdate) {
        let DeliveryUpdate { provider_message_id, event, at, error, .. } = update;
        let at = &self.created_at.max(*at);
        self.provider_message_id.get_or_insert_with(|| provider_message_id.clone());
        if *event == DeliveryEvent::Failed {
            // Of several failures the earliest is kept, so that their order doesn't matter.
            let code = |error: &Option<DeliveryError>| error.as_ref().map(|error| error.code.clone());
            let stored = self.failed_at.map(|at| (at, code(&self.error)));
            if stored.is_none_or(|stored| (*at, code(error)) < stored) {
                self.failed_at = Some(*at);
                self.error.clone_from(error);
            }
        } else {
            self.error.take_if(|_| self.status == WhatsAppStatus::Pending);
            earliest(&mut self.sent_at, *at);
        }
        if matches!(event, DeliveryEvent::Delivered | DeliveryEvent::Read) {
            earliest(&mut self.delivered_at, *at);
        }
        if *event == DeliveryEvent::Read {
            earliest(&mut self.read_at, *at);
        }
        self.status = self.status.advance(event.status());
    }

    /// A message that tells the worker that the request is theirs, filed with a step stamped `created_at` and
    /// due at once.
    pub(crate) fn assignment(
        id: NotificationId,
        request_id: RequestId,
        worker_id: WorkerId,
        created_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            request_id,
            worker_id,
            kind: NotificationKind::Assignment,
            status: WhatsAppStatus::Pending,
            provider_message_id: None,
            attempts: 0,
            due_at: now,
            lease: None,
            error: None,
            created_at,
            sent_at: None,
            delivered_at: None,
            read_at: None,
            failed_at: None,
        }
    }
}

fn earliest(slot: &mut Option<DateTime<Utc>>, at: DateTime<Utc>) {
    *slot = Some(slot.map_or(at, |before| before.min(at)));
}

/// A notification under a lease, with all that sending it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The notification, with the claim counted in `attempts`.
    pub notification: Notification,
    /// Its request as it stands.
    pub request: Request,
    /// The recipient's number as it stands.
    pub phone_number: PhoneNumber,
}

impl Claimed {
    /// Whether the message would tell what is no longer so: the work is over, or someone else's.
    pub(crate) fn is_moot(&self) -> bool {
        !self.request.status.is_open() || self.request.assigned_worker_id != Some(self.notification.worker_id)
    }
}

/// The request for a batch of due notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The time now: pending notifications due by then are taken, longest due first.
    pub now: DateTime<Utc>,
    /// When they come due again if no outcome is recorded.
    pub until: DateTime<Utc>,
    /// The lease to put on them.
    pub lease: LeaseId,
    /// How many at most.
    pub limit: u32,
}

/// What became of one claimed notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendRecord {
    /// The notification.
    pub notification_id: NotificationId,
    /// The lease under which it was sent: a record under any other lease is ignored.
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
