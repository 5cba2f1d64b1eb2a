//! Reads the updates from a post.
//!
//! One pass over the bytes is enough when every level has the expected type, as in practice it always has.
//! Only when one hasn't does a second pass read the body level by level, so that a part that can't be read
//! affects no other.

use std::{borrow::Cow, collections::HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use maintenance_core::{Channel, DeliveryError, DeliveryEvent, DeliveryUpdate, NextStep, NotificationId};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use crate::{
    error_code::{code_of, failure},
    response::is_message_id,
};

/// The field of changes that are about messages.
const MESSAGES: &str = "messages";
const NO_OBJECT: &str = "isn't an object";

/// The contents of a post.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Webhook {
    /// What happened to messages, in the order of the post.
    pub updates: Vec<DeliveryUpdate>,
    /// How many messages from people the post contains; they aren't read yet.
    pub inbound: usize,
    /// The parts that were read and that the engine has no use for.
    pub ignored: Vec<Ignored>,
    /// The parts that could not be read.
    pub problems: Vec<ItemProblem>,
}

/// A part of a post that is not an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Where it is, as in `entry[0].changes[0].value.statuses[17]`.
    pub path: String,
    /// What it is: a status or a field that the engine has no use for, or an error that is about no message.
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

/// Reads a post whose signature was verified, of a host with one number: the updates are of [`Channel::DEFAULT`],
/// whatever number they name. It never fails: a part that can't be read becomes a problem,
/// and the rest is read all the same. A status without a plausible time gets the time of receipt, `received`,
/// in UTC.
///
/// ```
/// use maintenance_core::{Clock as _, DeliveryEvent, SystemClock};
/// use maintenance_whatsapp::webhook::parse;
///
/// let body = br#"{"entry": [{"changes": [{"field": "messages", "value": {"statuses": [
///     {"id": "wamid.A", "status": "delivered", "timestamp": "1750030073"}, {"id": 7}
/// ]}}]}]}"#;
/// let webhook = parse(body, SystemClock.now());
/// assert_eq!(webhook.updates[0].event, DeliveryEvent::Delivered);
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
    let mut webhook = Webhook::default();
    if let Ok(body) = serde_json::from_slice::<Body<'_>>(body) {
        for (e, entry) in body.entry.iter().enumerate() {
            for (c, Change { field, value }) in entry.changes.iter().enumerate() {
                let at = At { entry: e, change: c };
                if field != MESSAGES {
                    webhook.ignore(at.path(""), readable("field", field));
                    continue;
                }
                let channel = match channel_of(phone_number_id(value.metadata).as_deref()) {
                    Ok(channel) => channel,
                    Err(what) => {
                        webhook.problem(at.path(".value.metadata"), what);
                        continue;
                    }
                };
                webhook.inbound += value.messages.len();
                for (n, status) in value.statuses.iter().enumerate() {
                    webhook.status(status, &channel, || at.path(&format!(".value.statuses[{n}]")));
                }
                for (n, error) in value.errors.iter().enumerate() {
                    webhook.ignore(at.path(&format!(".value.errors[{n}]")), error_of(error));
                }
            }
        }
    } else {
        webhook.take_apart(&String::from_utf8_lossy(body), &channel_of);
    }
    for update in webhook.updates.iter_mut().filter(|update| !is_plausible(update.at, received)) {
        update.at = received;
    }
    webhook
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
    statuses: Vec<Status<'a>>,
    #[serde(default)]
    messages: Vec<IgnoredAny>,
    #[serde(default)]
    errors: Vec<Value>,
}

/// A message's status. Its parts are read one by one, so that the problem names the wrong one.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "Meta's names")]
struct Status<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    biz_opaque_callback_data: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
}

impl Status<'_> {
    /// The update; or what the status is if it is no update; or what was wrong with it.
    fn read(&self, channel: &Channel) -> Result<Result<DeliveryUpdate, String>, &'static str> {
        let id = text(self.id).filter(|id| is_message_id(id));
        let id = id.ok_or("has no id of 1 to 512 visible ASCII characters")?;
        let status = text(self.status).ok_or("has no status that is a text")?;
        let event = match &*status {
            "sent" => DeliveryEvent::Sent,
            "delivered" => DeliveryEvent::Delivered,
            // A voice message that was played was seen too.
            "read" | "played" => DeliveryEvent::Read,
            "failed" => DeliveryEvent::Failed,
            other => return Ok(Err(readable("status", other))),
        };
        let at = self.timestamp.and_then(time).unwrap_or_default();
        let notification_id = text(self.biz_opaque_callback_data).and_then(|id| Uuid::try_parse(&id).ok());
        let errors = self.errors.filter(|_| event == DeliveryEvent::Failed);
        let (error, next) = errors.and_then(first_error).unzip();
        Ok(Ok(DeliveryUpdate {
            channel: channel.clone(),
            notification_id: notification_id.map(NotificationId::from_uuid),
            provider_message_id: id.into_owned(),
            event,
            at,
            error,
            next: next.flatten(),
        }))
    }
}

impl Webhook {
    /// A post that names no number of ours.
    pub(crate) fn of_nobody() -> Self {
        let mut webhook = Self::default();
        webhook
            .problem("body", "names no number that is set, so nobody can verify it; nothing of it was read");
        webhook
    }

    fn status(&mut self, status: &Status<'_>, channel: &Channel, path: impl FnOnce() -> String) {
        match status.read(channel) {
            Ok(Ok(update)) => self.updates.push(update),
            Ok(Err(other)) => self.ignore(path(), other),
            Err(what) => self.problem(path(), what),
        }
    }

    fn ignore(&mut self, path: String, what: String) {
        self.ignored.push(Ignored { path, what });
    }

    fn problem(&mut self, path: impl Into<String>, what: &'static str) {
        self.problems.push(ItemProblem { path: path.into(), what });
    }

    /// The second pass, level by level. Bytes that aren't UTF-8 have been replaced, so that they affect only
    /// the text that they are in.
    fn take_apart(&mut self, body: &str, channel_of: &ChannelOf<'_>) {
        let Some(parts) = object(body) else {
            let json = serde_json::from_str::<IgnoredAny>(body).is_ok();
            return self.problem("body", if json { NO_OBJECT } else { "isn't JSON" });
        };
        for (e, entry) in self.list(&parts, "entry", true, || "body".to_owned()).into_iter().enumerate() {
            let path = || format!("entry[{e}]");
            let Some(parts) = object(entry.get()) else {
                self.problem(path(), NO_OBJECT);
                continue;
            };
            for (c, change) in self.list(&parts, "changes", true, path).into_iter().enumerate() {
                self.take_apart_change(change, At { entry: e, change: c }, channel_of);
            }
        }
    }

    fn take_apart_change(&mut self, change: &RawValue, at: At, channel_of: &ChannelOf<'_>) {
        let Some(parts) = object(change.get()) else {
            return self.problem(at.path(""), NO_OBJECT);
        };
        match text(parts.get("field").copied()) {
            Some(field) if field == MESSAGES => {}
            Some(field) => return self.ignore(at.path(""), readable("field", &field)),
            None => return self.problem(at.path(""), "has no field that is a text"),
        }
        let Some(value) = parts.get("value") else {
            return self.problem(at.path(""), "has no value");
        };
        let Some(parts) = object(value.get()) else {
            return self.problem(at.path(".value"), NO_OBJECT);
        };
        let channel = match channel_of(phone_number_id(parts.get("metadata").copied()).as_deref()) {
            Ok(channel) => channel,
            Err(what) => return self.problem(at.path(".value.metadata"), what),
        };
        let path = || at.path(".value");
        self.inbound += self.list(&parts, "messages", false, path).len();
        for (n, status) in self.list(&parts, "statuses", false, path).into_iter().enumerate() {
            let path = || at.path(&format!(".value.statuses[{n}]"));
            // Only a status in which a name occurs twice has to be read through a map.
            if let Ok(status) = serde_json::from_str::<Status<'_>>(status.get()) {
                self.status(&status, &channel, path);
            } else if let Some(parts) = object(status.get()) {
                self.status(&Status::of(&parts), &channel, path);
            } else {
                self.problem(path(), NO_OBJECT);
            }
        }
        for (n, error) in self.list(&parts, "errors", false, path).into_iter().enumerate() {
            let error = serde_json::from_str(error.get()).unwrap_or_default();
            self.ignore(at.path(&format!(".value.errors[{n}]")), error_of(&error));
        }
    }

    /// The list of that name, or an empty one and a problem.
    fn list<'a>(
        &mut self,
        parts: &HashMap<String, &'a RawValue>,
        name: &'static str,
        required: bool,
        path: impl Fn() -> String,
    ) -> Vec<&'a RawValue> {
        let list = parts.get(name).copied().filter(|list| list.get() != "null");
        match list.map(|list| serde_json::from_str(list.get())) {
            Some(Ok(list)) => return list,
            Some(Err(_)) => self.problem(format!("{}.{name}", path()), "isn't a list"),
            None if required => self.problem(format!("{}.{name}", path()), "is missing"),
            None => {}
        }
        vec![]
    }
}

impl<'a> Status<'a> {
    fn of(parts: &HashMap<String, &'a RawValue>) -> Self {
        let part = |name: &str| parts.get(name).copied();
        Self {
            id: part("id"),
            status: part("status"),
            timestamp: part("timestamp"),
            biz_opaque_callback_data: part("biz_opaque_callback_data"),
            errors: part("errors"),
        }
    }
}

/// Where a change is in the post.
#[derive(Clone, Copy)]
struct At {
    entry: usize,
    change: usize,
}

impl At {
    fn path(self, below: &str) -> String {
        format!("entry[{}].changes[{}]{below}", self.entry, self.change)
    }
}

/// Which channel has a `phone_number_id`, or what is wrong with it.
type ChannelOf<'c> = dyn Fn(Option<&str>) -> Result<Channel, &'static str> + 'c;

/// The id of the number that a part's metadata names.
pub(super) fn phone_number_id(metadata: Option<&RawValue>) -> Option<Cow<'_, str>> {
    text(object(metadata?.get())?.get("phone_number_id").copied())
}

pub(super) fn object(json: &str) -> Option<HashMap<String, &RawValue>> {
    serde_json::from_str(json).ok()
}

fn text(value: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let json = value?.get();
    let plain = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'));
    match plain.filter(|plain| !plain.contains('\\')) {
        Some(plain) => Some(Cow::Borrowed(plain)),
        None => serde_json::from_str(json).ok().map(Cow::Owned),
    }
}

/// A time in whole seconds, as text or as a number.
fn time(value: &RawValue) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(value.get().trim_matches('"').parse().ok()?, 0)
}

/// Whether a status can have happened at that time: in this century, and not after tomorrow. A time in
/// milliseconds, for example, would place the status thousands of years ahead in the request's record.
fn is_plausible(at: DateTime<Utc>, received: DateTime<Utc>) -> bool {
    const YEAR_2000: i64 = 946_684_800;
    at.timestamp() >= YEAR_2000 && at <= received + TimeDelta::days(1)
}

/// The first of a status's errors: the error to store, and what to do about it.
fn first_error(errors: &RawValue) -> Option<(DeliveryError, Option<NextStep>)> {
    let errors: Value = serde_json::from_str(errors.get()).ok()?;
    errors.get(0).filter(|error| error.is_object()).map(|error| failure(code_of(error.get("code"))))
}

/// An error that is about no message.
fn error_of(error: &Value) -> String {
    failure(code_of(error.get("code"))).0.to_string()
}

/// Names an ignored status or field. Meta's are plain words; anything else could be private and is not
/// quoted.
fn readable(what: &str, value: &str) -> String {
    let plain = value.len() <= 40 && value.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    format!("{what} {}", if plain { value } else { "that isn't a plain word" })
}

#[cfg(test)]
mod tests;
