//! What a phone writes, before it is posted.

use std::{fmt, io, pin::Pin, sync::Arc, time::Duration};

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::{
    FakeMessage, Shared,
    envelope::{DISPLAY_NUMBER, body, change},
};

/// A message that a phone is about to write. Awaiting it posts it in a signed webhook of its own and gives the HTTP status
/// of the host's answer; [`post_together`](super::FakeCloudApi::post_together) posts several in one. A clone is the same
/// message, with the same id. `Debug` shows its id and type alone.
///
/// # Errors
///
/// Awaiting it fails when the phone can't write it, since there is no such button for example, and when no
/// [`webhook`](super::FakeCloudApi::webhook) is set or nothing answers there.
#[must_use = "it is posted when it is awaited"]
#[derive(Clone)]
pub struct PhoneMessage {
    shared: Arc<Shared>,
    wamid: String,
    phone: String,
    phone_number_id: String,
    kind: &'static str,
    content: Value,
    /// What stands beside the content.
    beside: Map<String, Value>,
    late: Duration,
    broken: bool,
    impossible: Option<String>,
}

impl PhoneMessage {
    pub(super) fn new(
        shared: Arc<Shared>,
        phone: String,
        phone_number_id: String,
        kind: &'static str,
        content: Value,
    ) -> Self {
        let number = {
            let mut state = shared.state();
            state.written += 1;
            state.written
        };
        Self {
            shared,
            wamid: format!("wamid.PHONE{number:08}"),
            phone,
            phone_number_id,
            kind,
            content,
            beside: Map::new(),
            late: Duration::ZERO,
            broken: false,
            impossible: None,
        }
    }

    /// The provider's id of it.
    pub fn wamid(&self) -> &str {
        &self.wamid
    }

    /// With what is written below a file.
    pub fn caption(self, caption: &str) -> Self {
        self.with("caption", caption)
    }

    /// Written that much earlier than now: it comes late.
    pub fn late(mut self, by: Duration) -> Self {
        self.late = by;
        self
    }

    /// With an id of a wrong type, so that the host can't read it.
    pub fn broken(mut self) -> Self {
        self.broken = true;
        self
    }

    /// In reply to that message.
    pub(super) fn on(self, message: &FakeMessage) -> Self {
        let context = json!({"from": DISPLAY_NUMBER, "id": message.wamid});
        self.beside("context", context).at_number(&message.phone_number_id)
    }

    /// To that number of the business.
    pub(super) fn at_number(mut self, phone_number_id: &str) -> Self {
        phone_number_id.clone_into(&mut self.phone_number_id);
        self
    }

    /// With another part of its content.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Some(content) = self.content.as_object_mut() {
            content.insert(name.to_owned(), value.into());
        }
        self
    }

    /// With another part beside its content.
    pub(super) fn beside(mut self, name: &str, value: Value) -> Self {
        self.beside.insert(name.to_owned(), value);
        self
    }

    /// One that the phone can't write, and why.
    pub(super) fn impossible(mut self, why: String) -> Self {
        self.impossible = Some(why);
        self
    }

    /// The message as it stands in a webhook, and its sender as a contact.
    fn json(&self) -> (Value, Option<Value>) {
        let mut message = self.beside.clone();
        let mut add = |name: &str, value: Value| message.insert(name.to_owned(), value);
        let user_id = self.shared.state().phones.get(&self.phone).and_then(|phone| phone.user_id.clone());
        let mut contact = json!({"profile": {"name": "A Person"}});
        let (from, name, id) = match user_id {
            Some(user_id) => ("from_user_id", "user_id", user_id),
            None => ("from", "wa_id", self.phone.trim_start_matches('+').to_owned()),
        };
        add(from, id.clone().into());
        if let Some(contact) = contact.as_object_mut() {
            contact.insert(name.to_owned(), id.into());
        }
        add("id", if self.broken { 7.into() } else { self.wamid.clone().into() });
        add("timestamp", self.written_at().timestamp().to_string().into());
        add("type", self.kind.into());
        add(self.kind, self.content.clone());
        (message.into(), Some(contact).filter(|_| self.kind != "system"))
    }

    fn written_at(&self) -> chrono::DateTime<chrono::Utc> {
        self.shared.clock.now() - TimeDelta::from_std(self.late).unwrap_or_default()
    }
}

/// The body of one webhook with these messages. They are written by that: conversations open, and each phone remembers what
/// it wrote last.
pub(super) fn write(shared: &Shared, messages: &[PhoneMessage]) -> io::Result<Vec<u8>> {
    if let Some(why) = messages.iter().find_map(|message| message.impossible.as_ref()) {
        return Err(io::Error::new(io::ErrorKind::NotFound, why.clone()));
    }
    let of_one_number = messages.chunk_by(|one, other| one.phone_number_id == other.phone_number_id);
    let changes = of_one_number.map(|messages| {
        let id = messages.first().map(|message| message.phone_number_id.as_str());
        let (messages, contacts): (Vec<_>, Vec<_>) = messages.iter().map(PhoneMessage::json).unzip();
        let mut contacts: Vec<_> = contacts.into_iter().flatten().collect();
        contacts.dedup();
        let contacts = (!contacts.is_empty()).then_some(("contacts", contacts));
        change(id, contacts.into_iter().chain([("messages", messages)]).collect())
    });
    let body = body(&changes.collect::<Vec<_>>());
    let mut state = shared.state();
    for message in messages {
        if message.kind != "system" {
            state.windows.heard(&message.phone_number_id, &message.phone, message.written_at());
        }
        state.phones.entry(message.phone.clone()).or_default().last = Some(body.clone());
    }
    Ok(body)
}

impl IntoFuture for PhoneMessage {
    type Output = io::Result<u16>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<u16>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let body = write(&self.shared, std::slice::from_ref(&self))?;
            self.shared.post(body).await
        })
    }
}

impl fmt::Debug for PhoneMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PhoneMessage")
            .field("wamid", &self.wamid)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
