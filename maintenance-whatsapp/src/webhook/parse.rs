//! Reads the messages and the updates from a post.
//!
//! One pass over the bytes is enough when every level has the expected type and every change is about messages, as in
//! practice they nearly always are. Only when one isn't does a second pass read the body level by level, so that a part
//! that can't be read affects no other.

mod apart;
mod message;
mod part;
mod sender;
mod status;
mod unused;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use maintenance_core::{
    Channel, DeliveryEffect, DeliveryEvent, DeliveryUpdate, Inbound, NotificationId, Sender,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use message::Message;
use part::{At, ChannelOf};
pub(super) use part::{object, phone_number_id};
use sender::{Contact, Contacts};
use status::{Status, error_of};
pub use unused::Unused;

/// The field of changes that are about messages.
const MESSAGES: &str = "messages";

/// The contents of a post. `Debug` shows no text, name or number of a person.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Webhook {
    /// What happened to messages, in the order of the post.
    pub updates: Vec<DeliveryUpdate>,
    /// Whom these messages reached, where the post says their business-scoped id, by which alone those who hide their
    /// number write: the position of the update in `updates`, and the person.
    pub reached: Vec<(usize, Sender)>,
    /// The messages from phones, in the order of the post.
    pub inbound: Vec<Inbound>,
    /// The changes of which the engine uses nothing, for the host.
    pub unused: Vec<Unused>,
    /// The parts that were read and that nobody has a use for.
    pub ignored: Vec<Ignored>,
    /// The parts that could not be read.
    pub problems: Vec<ItemProblem>,
}

impl Webhook {
    /// Which messages of the engine's reached whom, for [`record_reached`](maintenance_core::Maintenance::record_reached), given
    /// what the updates did. Only what was delivered counts: it is told once per message.
    pub fn recipients(&self, effects: &[DeliveryEffect]) -> Vec<(NotificationId, Sender)> {
        let delivered =
            |at: &usize| self.updates.get(*at).is_some_and(|update| update.event == DeliveryEvent::Delivered);
        let reached = self.reached.iter().filter(|(at, _)| delivered(at));
        let known = reached.filter_map(|(at, person)| match effects.get(*at)? {
            DeliveryEffect::Known { notification_id, .. } => Some((*notification_id, person.clone())),
            _ => None,
        });
        known.collect()
    }
}

/// A part of a post that nobody has a use for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Where it is, as in `entry[0].changes[0].value.statuses[17]`.
    pub path: String,
    /// What it is: a status that the engine has no use for, or an error that is about no message.
    pub what: String,
}

/// A part of a post that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} {what}")]
pub struct ItemProblem {
    /// Where it is, as in `entry[0].changes[0].value.statuses[17]`; `body` for the whole.
    pub path: String,
    /// What was wrong; it quotes nothing from the post.
    pub what: &'static str,
}

/// Reads a post whose signature was verified, of a host with one number: the messages and updates are of
/// [`Channel::DEFAULT`], whatever number they name. It never fails: a part that can't be read becomes a problem,
/// and the rest is read all the same. What has no plausible time gets the time of receipt, `received`, in UTC.
///
/// Texts are made fit for a store: NUL characters are left out, and a text is cut to the 4096 UTF-16 units that WhatsApp
/// allows.
///
/// ```
/// use maintenance_core::{Clock as _, DeliveryEvent, InboundContent, SystemClock};
/// use maintenance_whatsapp::webhook::parse;
///
/// let body = br#"{"entry": [{"changes": [{"field": "messages", "value": {
///     "statuses": [{"id": "wamid.A", "status": "delivered", "timestamp": "1750030073"}, {"id": 7}],
///     "messages": [{"id": "wamid.B", "from": "12025550123", "type": "text", "text": {"body": "On my way"}}]
/// }}]}]}"#;
/// let webhook = parse(body, SystemClock.now());
/// assert_eq!(webhook.updates[0].event, DeliveryEvent::Delivered);
/// assert_eq!(webhook.inbound[0].content, InboundContent::Text { body: "On my way".into() });
/// assert_eq!(webhook.problems[0].path, "entry[0].changes[0].value.statuses[1]");
/// ```
pub fn parse(body: &[u8], received: DateTime<Utc>) -> Webhook {
    read(body, received, |_| Ok(Channel::DEFAULT))
}

/// The same, where `channel_of` says which channel has the `phone_number_id` that a part names, or what is wrong with it:
/// then that part isn't read.
pub(crate) fn read(
    body: &[u8],
    received: DateTime<Utc>,
    channel_of: impl Fn(Option<&str>) -> Result<Channel, &'static str>,
) -> Webhook {
    let mut reader = Reader { webhook: Webhook::default(), received, channel_of: &channel_of };
    match serde_json::from_slice::<Body<'_>>(body) {
        Ok(body) if body.is_about_messages() => reader.take(&body),
        _ => reader.take_apart(&String::from_utf8_lossy(body)),
    }
    reader.webhook
}

/// A webhook that is being read.
struct Reader<'r> {
    webhook: Webhook,
    received: DateTime<Utc>,
    channel_of: &'r ChannelOf<'r>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    changes: Vec<Change<'a>>,
}

#[derive(Deserialize)]
struct Change<'a> {
    #[serde(borrow)]
    field: Cow<'a, str>,
    #[serde(borrow)]
    value: ChangeValue<'a>,
}

#[derive(Deserialize)]
struct ChangeValue<'a> {
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow, default)]
    contacts: Vec<Contact<'a>>,
    #[serde(borrow, default)]
    messages: Vec<Message<'a>>,
    #[serde(borrow, default)]
    statuses: Vec<Status<'a>>,
    #[serde(default)]
    errors: Vec<Value>,
}

impl Body<'_> {
    fn is_about_messages(&self) -> bool {
        self.entry.iter().flat_map(|entry| &entry.changes).all(|change| change.field == MESSAGES)
    }
}

impl Reader<'_> {
    /// The first pass, over a body whose levels have the expected types.
    fn take(&mut self, body: &Body<'_>) {
        for (e, entry) in body.entry.iter().enumerate() {
            for (c, Change { value, .. }) in entry.changes.iter().enumerate() {
                let at = At { entry: e, change: c };
                let Some(channel) = self.channel(phone_number_id(value.metadata).as_deref(), at) else {
                    continue;
                };
                let contacts = Contacts::of(&value.contacts);
                for (n, message) in value.messages.iter().enumerate() {
                    self.message(message, &channel, &contacts, || at.nth("messages", n));
                }
                for (n, status) in value.statuses.iter().enumerate() {
                    self.status(status, &channel, &contacts, || at.nth("statuses", n));
                }
                for (n, error) in value.errors.iter().enumerate() {
                    self.ignore(at.nth("errors", n), error_of(error));
                }
            }
        }
    }

    fn channel(&mut self, phone_number_id: Option<&str>, at: At) -> Option<Channel> {
        let channel = (self.channel_of)(phone_number_id);
        channel.map_err(|what| self.problem(at.path(".value.metadata"), what)).ok()
    }

    fn message(
        &mut self,
        message: &Message<'_>,
        channel: &Channel,
        contacts: &Contacts,
        path: impl FnOnce() -> String,
    ) {
        match message.read(channel, contacts, self.received) {
            Ok(message) => self.webhook.inbound.push(message),
            Err(what) => self.problem(path(), what),
        }
    }

    fn status(
        &mut self,
        status: &Status<'_>,
        channel: &Channel,
        contacts: &Contacts,
        path: impl FnOnce() -> String,
    ) {
        match status.read(channel, self.received) {
            Ok(Ok(update)) => {
                let reached = status.reached(contacts);
                self.webhook.reached.extend(reached.map(|person| (self.webhook.updates.len(), person)));
                self.webhook.updates.push(update);
            }
            Ok(Err(other)) => self.ignore(path(), other),
            Err(what) => self.problem(path(), what),
        }
    }

    fn ignore(&mut self, path: String, what: String) {
        self.webhook.ignored.push(Ignored { path, what });
    }

    fn problem(&mut self, path: impl Into<String>, what: &'static str) {
        self.webhook.problems.push(ItemProblem { path: path.into(), what });
    }
}

impl Webhook {
    /// A post that names no number of ours.
    pub(crate) fn of_nobody() -> Self {
        let what = "names no number that is set, so nobody can verify it; nothing of it was read";
        Self { problems: vec![ItemProblem { path: "body".to_owned(), what }], ..Self::default() }
    }
}

#[cfg(test)]
mod inbound_tests;
#[cfg(test)]
mod tests;
