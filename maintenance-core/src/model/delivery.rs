//! How far a message has come, and how a webhook moves it.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::next_step::NextStep;
use crate::values::{Channel, NotificationId, RequestId, text_enum::text_enum};

text_enum! {
    /// How far a message has come.
    pub enum WhatsAppStatus {
        /// Not yet accepted by the provider.
        Pending = "pending",
        /// Accepted by the provider.
        Sent = "sent",
        /// On the recipient's phone.
        Delivered = "delivered",
        /// Seen by the recipient.
        Read = "read",
        /// Will not arrive.
        Failed = "failed",
    }
}

impl WhatsAppStatus {
    /// The place in the order pending < sent < failed < delivered < read.
    ///
    /// That one order is the whole rule of delivery: a message only ever moves up it, by whatever news
    /// comes, however often and in whatever order. So `failed` follows pending or sent, and evidence of
    /// delivery beats `failed` whether it comes before or after.
    pub const fn progress(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Sent => 1,
            Self::Failed => 2,
            Self::Delivered => 3,
            Self::Read => 4,
        }
    }

    /// The status after this news: the one further along.
    #[must_use]
    pub const fn advance(self, news: Self) -> Self {
        if news.progress() > self.progress() { news } else { self }
    }
}

/// Why a message failed or had to wait: the provider's code and what it means, without private data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryError {
    /// The provider's error code, or the engine's own word for it: `withdrawn`, `no_number`, `opted_out`, `timeout`.
    pub code: String,
    /// What it means.
    pub text: String,
}

impl DeliveryError {
    /// An error of that code and text.
    pub fn new(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self { code: code.into(), text: text.into() }
    }

    /// The code of a message that the engine took back before it went out.
    pub(crate) const WITHDRAWN: &str = "withdrawn";
    /// The code of a message to a renter of whom the host's directory knows no number.
    #[cfg(feature = "tokio")]
    pub(crate) const NO_NUMBER: &str = "no_number";
    /// The code of news for a renter who opted out.
    #[cfg(feature = "tokio")]
    pub(crate) const OPTED_OUT: &str = "opted_out";
}

impl fmt::Display for DeliveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.text)
    }
}

/// What a provider tells of a message after it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeliveryEvent {
    /// It was sent.
    Sent,
    /// It reached the phone.
    Delivered,
    /// It was seen; implies that it reached the phone.
    Read,
    /// It failed.
    Failed,
}

impl DeliveryEvent {
    /// The status that the event alone leads to.
    pub const fn status(self) -> WhatsAppStatus {
        match self {
            Self::Sent => WhatsAppStatus::Sent,
            Self::Delivered => WhatsAppStatus::Delivered,
            Self::Read => WhatsAppStatus::Read,
            Self::Failed => WhatsAppStatus::Failed,
        }
    }
}

/// One status of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryUpdate {
    /// The channel whose webhook brought it. It says nothing of a message that went out by another.
    #[serde(default, skip_serializing_if = "Channel::is_default")]
    pub channel: Channel,
    /// Our own id, when the webhook carried it back: it finds the message even before its send was recorded.
    pub notification_id: Option<NotificationId>,
    /// The provider's id of the message.
    pub provider_message_id: String,
    /// What happened.
    pub event: DeliveryEvent,
    /// When, by the provider's clock, UTC.
    pub at: DateTime<Utc>,
    /// Why, for a failure.
    pub error: Option<DeliveryError>,
    /// What to do about a failure, by the same classification as for an attempt that was not accepted; `None` leaves
    /// the message failed, as [`NextStep::GiveUp`] and [`NextStep::Fix`] do.
    pub next: Option<NextStep>,
}

/// What an update did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeliveryEffect {
    /// The message is known; its record now holds what the update said, if it did not before.
    Known {
        /// The message.
        notification_id: NotificationId,
        /// Its request.
        request_id: RequestId,
    },
    /// No message of that channel has that id yet. The update is kept for a while and applied if the answer of a send
    /// brings the id. Not an error: a number may be shared with other senders.
    Unknown,
}
