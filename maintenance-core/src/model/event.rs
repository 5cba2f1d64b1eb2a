//! What happened, for the host's other parts: search, invoices, live screens.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::delivery::DeliveryEvent;
use crate::values::{OrganizationId, RequestId, text_enum::text_enum, time};

text_enum! {
    /// What happened.
    #[non_exhaustive]
    pub enum EventKind {
        /// A request was filed; `about` is its id.
        Filed = "filed",
        /// A request got another worker, or has none any more; `about` is the row of its assignment history.
        Assigned = "assigned",
        /// A request has another status; `about` is the row of its status history.
        Status = "status",
        /// A field of a request was edited, or a hold; `about` is the row of its history of edits.
        Edited = "edited",
        /// Somebody commented on a request; `about` is the comment.
        Commented = "commented",
        /// A file was attached to a request; `about` is the attachment.
        Attached = "attached",
        /// The channel accepted a message; `about` is the message, as for the next three.
        Told = "told",
        /// A message reached the phone.
        Delivered = "delivered",
        /// A message was seen.
        Read = "read",
        /// A message failed, or was taken back before it went out.
        Failed = "failed",
        /// A channel or a template stopped until somebody acts; `detail` names it. `about` is new for each.
        Paused = "paused",
        /// A row can't be read; `detail` names table, column and row. `about` is new for each.
        Corrupt = "corrupt",
    }
}

impl From<DeliveryEvent> for EventKind {
    fn from(news: DeliveryEvent) -> Self {
        match news {
            DeliveryEvent::Sent => Self::Told,
            DeliveryEvent::Delivered => Self::Delivered,
            DeliveryEvent::Read => Self::Read,
            DeliveryEvent::Failed => Self::Failed,
        }
    }
}

/// Something that happened. It is written together with what it tells of, in the same step, and says where to look: read
/// the request or its record for what is true now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// Its place: greater than that of every event that was read before it.
    pub position: EventPosition,
    /// What happened.
    pub kind: EventKind,
    /// The organisation; nil for what concerns all.
    #[serde(default, skip_serializing_if = "OrganizationId::is_none")]
    pub organization_id: OrganizationId,
    /// The request, if it is about one.
    pub request_id: Option<RequestId>,
    /// The row that it is about. No two events of one kind are about the same.
    pub about: Uuid,
    /// When it was recorded, UTC.
    #[serde(deserialize_with = "time::de")]
    pub at: DateTime<Utc>,
    /// What there is to say beyond that, without private data.
    pub detail: Option<String>,
}

/// How far a consumer has come in the events: those up to here are done. Starts at 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventPosition(pub u64);

/// An event to write, which gets its position when it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// What happened.
    pub kind: EventKind,
    /// The organisation.
    pub organization_id: OrganizationId,
    /// The request, if it is about one.
    pub request_id: Option<RequestId>,
    /// The row that it is about.
    pub about: Uuid,
    /// When, UTC.
    pub at: DateTime<Utc>,
    /// What there is to say beyond that.
    pub detail: Option<String>,
}

impl NewEvent {
    /// The event at its place.
    pub fn at_position(self, position: EventPosition) -> Event {
        let Self { kind, organization_id, request_id, about, at, detail } = self;
        Event { position, kind, organization_id, request_id, about, at, detail }
    }
}
