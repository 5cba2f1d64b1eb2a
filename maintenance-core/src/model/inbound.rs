//! Messages from phones: kept before they are answered, and applied afterwards.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::notification::Notification;
use crate::values::{Channel, InboundId, LeaseId, OrganizationId, RequestId, text_enum::text_enum};

/// A message from a phone, as its channel received it. `Debug` shows no text, name or number, and so no provider's id, which
/// may hold a number.
#[derive(Clone, PartialEq)]
pub struct Inbound {
    /// The channel that it came by.
    pub channel: Channel,
    /// The provider's id of the message, which is its key within the channel.
    pub provider_message_id: String,
    /// Who sent it.
    pub from: Sender,
    /// When it was sent, UTC; providers tell whole seconds.
    pub sent_at: DateTime<Utc>,
    /// The provider's id of the message that it replies to, if the sender quoted or tapped one.
    pub replies_to: Option<String>,
    /// What it says.
    pub content: InboundContent,
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound")
            .field("channel", &self.channel)
            .field("from", &self.from)
            .field("sent_at", &self.sent_at)
            .field("is_reply", &self.replies_to.is_some())
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

/// Who sent a message, as the provider knows them; at least one of the two is there.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Sender {
    /// The digits of their number without `+`, as the provider writes it. It may differ from the number that a message
    /// was sent to, see [`PhoneNumber::variants`](crate::PhoneNumber::variants).
    pub wa_id: Option<String>,
    /// The provider's id of the person, for whoever hides their number.
    pub user_id: Option<String>,
}

impl Sender {
    /// The sender with that number, in digits without `+`.
    pub fn number(wa_id: impl Into<String>) -> Self {
        Self { wa_id: Some(wa_id.into()), user_id: None }
    }

    /// The text by which a store keeps one sender's messages in order.
    pub fn key(&self) -> &str {
        self.wa_id.as_deref().or(self.user_id.as_deref()).unwrap_or_default()
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("has_number", &self.wa_id.is_some())
            .field("has_user_id", &self.user_id.is_some())
            .finish()
    }
}

/// What a message from a phone says. Stores keep it as JSON.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum InboundContent {
    /// A button was tapped, or a row of a list.
    Tap {
        /// What the engine put into the button: a [`Tap`](crate::Tap) as text.
        payload: String,
        /// What stood on it.
        title: String,
    },
    /// A text.
    Text {
        /// The text.
        body: String,
    },
    /// A file: a photo, a document, a voice message, a video.
    File(InboundFile),
    /// A place on the map.
    Location {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// What the sender calls it, and its address.
        name: Option<String>,
    },
    /// An emoji on a message, or none when it was taken away.
    Reaction {
        /// The provider's id of the message.
        message_id: String,
        /// The emoji.
        emoji: Option<String>,
    },
    /// The sender has another number now.
    NumberChanged {
        /// Its digits without `+`.
        wa_id: String,
    },
    /// Something that the channel can't pass on, such as a poll.
    Unsupported,
    /// No longer kept here: it is in the record of its request, or was forgotten with it.
    Gone,
}

impl InboundContent {
    /// The name of its kind, as stores keep it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Tap { .. } => "tap",
            Self::Text { .. } => "text",
            Self::File(_) => "file",
            Self::Location { .. } => "location",
            Self::Reaction { .. } => "reaction",
            Self::NumberChanged { .. } => "number_changed",
            Self::Unsupported => "unsupported",
            Self::Gone => "gone",
        }
    }
}

impl fmt::Debug for InboundContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

/// A file in a message, which is still at the provider.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundFile {
    /// What kind of file it is.
    pub kind: FileKind,
    /// The provider's id of the file.
    pub media_id: String,
    /// Its MIME type, as the provider says.
    pub mime_type: Option<String>,
    /// The SHA-256 of its bytes as the provider says, in hex or base64.
    pub sha256: Option<String>,
    /// What the sender wrote below it.
    pub caption: Option<String>,
    /// The name of a document.
    pub file_name: Option<String>,
}

impl fmt::Debug for InboundFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboundFile").field("kind", &self.kind).finish_non_exhaustive()
    }
}

text_enum! {
    /// What kind of file a message brings.
    #[non_exhaustive]
    pub enum FileKind {
        /// A photo.
        Image = "image",
        /// A document.
        Document = "document",
        /// A voice message or other sound.
        Audio = "audio",
        /// A video.
        Video = "video",
    }
}

text_enum! {
    /// What became of a message from a phone.
    #[non_exhaustive]
    pub enum InboundOutcome {
        /// The worker took the job.
        Accepted = "accepted",
        /// The worker gave it up, and it went to another or to nobody.
        Declined = "declined",
        /// The worker began.
        Started = "started",
        /// The worker finished.
        Completed = "completed",
        /// It became a comment.
        Commented = "commented",
        /// It became an attachment.
        Attached = "attached",
        /// It said which request the messages before it are about.
        Chosen = "chosen",
        /// The renter gets no news any more.
        OptedOut = "opted_out",
        /// The renter said that what is done isn't, and the request is open again.
        Reopened = "reopened",
        /// It asked for what was so already.
        AlreadySo = "already_so",
        /// Its button belongs to an older message, and it changed nothing.
        Old = "old",
        /// The request's status doesn't allow it.
        NotPossible = "not_possible",
        /// The request isn't the sender's, or no longer.
        NotTheirs = "not_theirs",
        /// The sender is a worker who is inactive.
        Inactive = "inactive",
        /// The button is of a message to a worker of another organisation.
        OtherOrganization = "other_organization",
        /// Nobody knows the sender.
        Stranger = "stranger",
        /// The sender has no open request that it could be about.
        NothingOpen = "nothing_open",
        /// The sender was asked which request it is about, and never said.
        Unanswered = "unanswered",
        /// The file could not be fetched or is of a kind that isn't kept.
        FileRefused = "file_refused",
        /// It can't become what it should: a text that is empty or too long.
        Unusable = "unusable",
        /// It asks for nothing: a reaction, a changed number, something that the channel can't pass on.
        Ignored = "ignored",
    }
}

impl InboundOutcome {
    /// Whether the message did what it asked for, or what it asked for was so already.
    pub const fn is_applied(self) -> bool {
        use InboundOutcome::{
            Accepted, AlreadySo, Attached, Chosen, Commented, Completed, Declined, Ignored, OptedOut,
            Reopened, Started,
        };
        matches!(
            self,
            Accepted
                | AlreadySo
                | Attached
                | Chosen
                | Commented
                | Completed
                | Declined
                | Ignored
                | OptedOut
                | Reopened
                | Started
        )
    }
}

/// The request for a batch of messages to apply. [`choose`](Self::choose) says what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundClaim {
    /// The time now, UTC: messages due by then are taken.
    pub now: DateTime<Utc>,
    /// When they come due again if nothing is settled, UTC.
    pub until: DateTime<Utc>,
    /// The lease to put on them.
    pub lease: LeaseId,
    /// How many at most.
    pub limit: u32,
}

/// A kept message, with what a store knows of it beside its content.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptInbound {
    /// Our id of it. What it becomes, a comment or an attachment, has this id too, so that it becomes it once.
    pub id: InboundId,
    /// The message.
    pub message: Inbound,
    /// When the webhook brought it first, UTC.
    pub received_at: DateTime<Utc>,
    /// When it may be taken, UTC; counts until it is applied.
    pub due_at: DateTime<Utc>,
    /// The lease under which it was last taken.
    pub lease: Option<LeaseId>,
    /// How often it was taken.
    pub claims: u32,
    /// The organisation and the request that it is about, once that is known.
    pub about: Option<(OrganizationId, RequestId)>,
    /// Since when it waits for its sender to choose a request, UTC.
    pub asked_at: Option<DateTime<Utc>>,
    /// Whether another message of its sender waits for that choice. A store says so when it is claimed; it isn't kept.
    pub sender_was_asked: bool,
    /// What became of it and when, UTC, once it is applied.
    pub applied: Option<(DateTime<Utc>, InboundOutcome)>,
}

impl KeptInbound {
    /// A message as it is first kept.
    pub fn new(id: InboundId, message: Inbound, received_at: DateTime<Utc>) -> Self {
        Self {
            id,
            message,
            received_at,
            due_at: received_at,
            lease: None,
            claims: 0,
            about: None,
            asked_at: None,
            sender_was_asked: false,
            applied: None,
        }
    }

    /// Applies a settlement; whether it counted. What a message said is kept no longer once it did what it asked for: it is
    /// in the record of its request then. This is the model that a store's own statements must agree with.
    pub fn settle(&mut self, settlement: &InboundSettlement) -> bool {
        if self.applied.is_some() || self.lease != Some(settlement.lease) {
            return false;
        }
        self.lease = None;
        self.about = settlement.about.or(self.about);
        match settlement.state {
            Settled::Applied(outcome) => {
                self.applied = Some((settlement.at, outcome));
                if outcome.is_applied() {
                    self.message.content = InboundContent::Gone;
                }
            }
            Settled::Later { due_at } => self.due_at = due_at,
            Settled::Asked { until } => {
                self.due_at = until;
                self.asked_at = self.asked_at.or(Some(settlement.at));
            }
        }
        true
    }
}

impl InboundClaim {
    /// Which of these messages the claim takes, in order: of each sender who has none under a lease the oldest that is due,
    /// the longest due first. So one sender's messages are applied in their order, and a thousand of them delay nobody
    /// else's. This is the model that a store's own statement must agree with, except that it leaves out what another
    /// claim holds at that moment.
    pub fn choose<'k>(&self, kept: impl IntoIterator<Item = &'k KeptInbound>) -> Vec<&'k KeptInbound> {
        let mut open: Vec<_> = kept.into_iter().filter(|kept| kept.applied.is_none()).collect();
        open.sort_by_key(|kept| (kept.message.sent_at, kept.received_at, kept.id));
        let key = |kept: &'k KeptInbound| (&kept.message.channel, kept.message.from.key());
        let is_held = |kept: &&&KeptInbound| kept.lease.is_some() && kept.due_at > self.now;
        let mut seen: std::collections::BTreeSet<_> =
            open.iter().filter(is_held).map(|kept| key(kept)).collect();
        let mut due: Vec<_> = open
            .into_iter()
            .filter(|kept| kept.due_at <= self.now)
            .filter(|kept| seen.insert(key(kept)))
            .collect();
        due.sort_by_key(|kept| (kept.due_at, kept.message.sent_at, kept.id));
        due.truncate(self.limit as usize);
        due
    }
}

/// What became of a claimed message, written under its lease, with the answer to its sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundSettlement {
    /// The message.
    pub id: InboundId,
    /// The lease of the claim.
    pub lease: LeaseId,
    /// When, UTC.
    pub at: DateTime<Utc>,
    /// What became of it.
    pub state: Settled,
    /// The organisation and the request that it is about, if that is known now.
    pub about: Option<(OrganizationId, RequestId)>,
    /// The answer to its sender, which goes into the outbox in the same step.
    pub answer: Option<Notification>,
}

/// What became of a claimed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is done with.
    Applied(InboundOutcome),
    /// It is taken again at that time, UTC.
    Later {
        /// The time.
        due_at: DateTime<Utc>,
    },
    /// Its sender is asked which request it is about; it is taken again when they choose, or at that time, UTC.
    Asked {
        /// The time.
        until: DateTime<Utc>,
    },
}
