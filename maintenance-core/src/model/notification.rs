//! Messages to workers and renters: the outbox, and the record of what became of each.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    addressee::Addressee,
    answer::Answer,
    delivery::{DeliveryError, DeliveryEvent, DeliveryUpdate, WhatsAppStatus},
    news::News,
    request::{Priority, Request},
    send::{SendOutcome, SendRecord},
};
use crate::values::{
    Channel, IdSource, LeaseId, NotificationId, OrganizationId, RequestId, text_enum::text_enum, time,
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
        /// The request was edited: sent to its worker if they were told of it as it was before.
        Changed = "changed",
        /// An answer to what the recipient wrote or tapped; [`Notification::answer`] says which.
        Answer = "answer",
        /// News of their request for its renter; [`Notification::news`] says which.
        News = "news",
    }
}

/// A message to a worker or a renter. Filed in the same step as what it tells of, sent by a `Dispatcher`, moved on by webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// The organisation of its request.
    #[serde(default, skip_serializing_if = "OrganizationId::is_none")]
    pub organization_id: OrganizationId,
    /// The channel that it goes out by, decided when it was filed.
    #[serde(default, skip_serializing_if = "Channel::is_default")]
    pub channel: Channel,
    /// The request it is about.
    pub request_id: RequestId,
    /// The recipient.
    #[serde(flatten)]
    pub to: Addressee,
    /// What it is about.
    pub kind: NotificationKind,
    /// What it answers, for a message of the kind [`Answer`](NotificationKind::Answer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// What it tells, for a message of the kind [`News`](NotificationKind::News).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub news: Option<News>,
    /// The priority of its request: more urgent messages go out first. It follows an edit while the message waits.
    pub priority: Priority,
    /// How far it has come.
    pub status: WhatsAppStatus,
    /// The provider's id, once known. Of a message that went out more than once, the first that was known.
    pub provider_message_id: Option<String>,
    /// How many attempts the channel judged.
    pub attempts: u32,
    /// How often a dispatcher took it since an outcome was last recorded.
    pub claims: u32,
    /// When a dispatcher may take it, UTC; counts while the status is pending.
    #[serde(deserialize_with = "time::de")]
    pub due_at: DateTime<Utc>,
    /// The hold under which it was last taken, until the outcome is recorded.
    pub lease: Option<LeaseId>,
    /// The newest error.
    pub error: Option<DeliveryError>,
    /// When its news was first filed, UTC: before `created_at` for a message that repeats a failed one. The engine
    /// gives up on passing errors by the age that counts from here.
    #[serde(deserialize_with = "time::de")]
    pub since: DateTime<Utc>,
    /// When it was filed, UTC; later than every notification of the request before it.
    #[serde(deserialize_with = "time::de")]
    pub created_at: DateTime<Utc>,
    /// When the provider accepted it, UTC.
    #[serde(deserialize_with = "time::de_option", default)]
    pub sent_at: Option<DateTime<Utc>>,
    /// When it reached the phone, UTC.
    #[serde(deserialize_with = "time::de_option", default)]
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was seen, UTC.
    #[serde(deserialize_with = "time::de_option", default)]
    pub read_at: Option<DateTime<Utc>>,
    /// When it failed, UTC; kept even if evidence of delivery came after all.
    #[serde(deserialize_with = "time::de_option", default)]
    pub failed_at: Option<DateTime<Utc>>,
    /// When the worker took the job by answering this message, UTC.
    #[serde(deserialize_with = "time::de_option", default)]
    pub acknowledged_at: Option<DateTime<Utc>>,
}

impl Notification {
    /// A message about `request` by that channel, filed with a step stamped `created_at` and due at once.
    pub(crate) fn new(
        id: NotificationId,
        channel: Channel,
        kind: NotificationKind,
        request: &Request,
        to: impl Into<Addressee>,
        created_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            organization_id: request.organization_id,
            channel,
            request_id: request.id,
            to: to.into(),
            kind,
            answer: None,
            news: None,
            priority: request.priority,
            status: WhatsAppStatus::Pending,
            provider_message_id: None,
            attempts: 0,
            claims: 0,
            due_at: now,
            lease: None,
            error: None,
            since: created_at,
            created_at,
            sent_at: None,
            delivered_at: None,
            read_at: None,
            failed_at: None,
            acknowledged_at: None,
        }
    }

    /// The answer to a message from a phone about that request, due at once. It goes by the channel that the message came by.
    pub(crate) fn answering(
        id: NotificationId,
        channel: Channel,
        answer: Answer,
        request: &Request,
        to: Addressee,
        now: DateTime<Utc>,
    ) -> Self {
        let kind = NotificationKind::Answer;
        Self { answer: Some(answer), ..Self::new(id, channel, kind, request, to, now, now) }
    }

    /// That news of its request for the renter, due at once.
    pub(crate) fn telling(
        id: NotificationId,
        channel: Channel,
        news: News,
        request: &Request,
        created_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Self {
        let (kind, renter) = (NotificationKind::News, request.renter_id);
        Self { news: Some(news), ..Self::new(id, channel, kind, request, renter, created_at, now) }
    }

    /// Whether the engine took it back, so that its failure says nothing of the recipient.
    pub(crate) fn was_withdrawn(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.code == DeliveryError::WITHDRAWN)
    }

    /// Applies the outcome of an attempt; returns whether it counted. This and
    /// [`apply_delivery`](Self::apply_delivery) are the model that a store's own statements must agree with.
    ///
    /// That a message was sent counts whenever it is told, like a webhook's word, so that no later claim sends it
    /// again. Any other outcome counts only under the lease of its attempt: a slow dispatcher can't overwrite its
    /// successor.
    pub fn apply_outcome(&mut self, record: &SendRecord) -> bool {
        let leased = self.lease == Some(record.lease);
        let pending = self.status == WhatsAppStatus::Pending;
        match &record.outcome {
            SendOutcome::Sent { provider_message_id } => {
                self.error.take_if(|_| pending);
                self.status = self.status.advance(WhatsAppStatus::Sent);
                self.provider_message_id.get_or_insert_with(|| provider_message_id.clone());
                earliest(&mut self.sent_at, record.at);
            }
            _ if !leased => return false,
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
        self.attempts = self.attempts.max(record.attempts);
        if leased {
            self.lease = None;
            self.claims = 0;
        }
        true
    }

    /// Applies what a webhook tells. Idempotent and independent of order.
    ///
    /// Providers tell whole seconds, so what happened within the second of the filing would seem to be before
    /// it: it counts as at the filing.
    pub fn apply_delivery(&mut self, update: &DeliveryUpdate) {
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

    /// The id of the message that repeats this one. For an answer and for news it is derived from this one's id: nothing else
    /// shows that they were repeated already, and a webhook may report a failure more than once.
    pub(crate) fn next_id(&self, ids: &dyn IdSource) -> NotificationId {
        match self.kind {
            NotificationKind::Answer | NotificationKind::News => {
                Uuid::new_v5(&self.id.uuid(), b"again").into()
            }
            _ => NotificationId::mint(ids),
        }
    }

    /// The message that repeats this one, which a webhook told had failed for a reason that passes. It keeps the
    /// channel, the attempts, the reason and the age.
    pub(crate) fn again(&self, id: NotificationId, created_at: DateTime<Utc>, due_at: DateTime<Utc>) -> Self {
        Self {
            id,
            status: WhatsAppStatus::Pending,
            provider_message_id: None,
            claims: 0,
            due_at,
            lease: None,
            created_at: created_at.max(self.created_at + TimeDelta::microseconds(1)),
            sent_at: None,
            delivered_at: None,
            read_at: None,
            failed_at: None,
            ..self.clone()
        }
    }
}

fn earliest(slot: &mut Option<DateTime<Utc>>, at: DateTime<Utc>) {
    *slot = Some(slot.map_or(at, |before| before.min(at)));
}
