//! A message that the fake accepted, and its statuses for webhooks.

use std::fmt;

use chrono::{DateTime, Utc};
use maintenance_core::NotificationId;
use serde_json::{Value, json};

use super::clock::FakeClock;

/// A message that the fake accepted. `Debug` shows only ids and the template's name.
#[derive(Clone, PartialEq, Eq)]
pub struct FakeMessage {
    /// Its position among the accepted messages, from 1.
    pub number: usize,
    /// The provider's id.
    pub wamid: String,
    /// The id of the number that sent it.
    pub phone_number_id: String,
    /// The recipient's number.
    pub to: String,
    /// The sender's own data, which webhooks return.
    pub callback_data: Option<String>,
    /// The provider's id of the message that it quotes.
    pub replies_to: Option<String>,
    /// The template's name; `None` for a message of an open conversation.
    pub template: Option<String>,
    /// The values, each with its placeholder's name.
    pub parameters: Vec<(String, String)>,
    /// The message as it reads on the phone.
    pub text: String,
    /// The buttons, each with its title and its payload.
    pub buttons: Vec<(String, String)>,
    /// The rows of a list, each with its title, its description and its payload.
    pub rows: Vec<(String, String, String)>,
    /// The request's body, byte for byte.
    pub body: Vec<u8>,
    /// When it arrived, UTC.
    pub at: DateTime<Utc>,
    pub(super) clock: FakeClock,
}

impl FakeMessage {
    /// The engine's id of the message, if the engine sent it.
    pub fn notification_id(&self) -> Option<NotificationId> {
        self.callback_data.as_ref()?.parse().ok()
    }

    /// A status of this message for a webhook: `sent`, `delivered`, `read`, or any other word.
    pub fn status(&self, status: impl Into<String>) -> FakeStatus {
        FakeStatus {
            wamid: self.wamid.clone(),
            phone_number_id: self.phone_number_id.clone(),
            status: status.into(),
            timestamp: self.clock.now().timestamp(),
            recipient_id: Some(self.to.trim_start_matches('+').to_owned()),
            recipient_user_id: None,
            is_session: self.template.is_none(),
            callback_data: self.callback_data.clone(),
            error: None,
        }
    }

    /// The status `failed` with an error of that code. It carries no callback data, since Meta often leaves
    /// it out of a `failed`.
    pub fn failed(&self, code: i64, title: impl Into<String>) -> FakeStatus {
        FakeStatus { error: Some((code, title.into())), callback_data: None, ..self.status("failed") }
    }
}

impl fmt::Debug for FakeMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeMessage")
            .field("number", &self.number)
            .field("wamid", &self.wamid)
            .field("template", &self.template)
            .finish_non_exhaustive()
    }
}

/// One status of a webhook; a test may change every part before it posts it.
#[derive(Clone, PartialEq, Eq)]
pub struct FakeStatus {
    /// The provider's id of the message.
    pub wamid: String,
    /// The id of the number whose webhook tells it.
    pub phone_number_id: String,
    /// What happened.
    pub status: String,
    /// When, in seconds since 1970.
    pub timestamp: i64,
    /// The recipient's number, without `+`.
    pub recipient_id: Option<String>,
    /// The recipient's business-scoped id. The fake puts it in the place of the number for a phone that hides it.
    pub recipient_user_id: Option<String>,
    /// Whether the message was one of an open conversation, which costs nothing.
    pub is_session: bool,
    /// The sender's own data.
    pub callback_data: Option<String>,
    /// The code and title of an error.
    pub error: Option<(i64, String)>,
}

impl fmt::Debug for FakeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeStatus")
            .field("wamid", &self.wamid)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl FakeStatus {
    pub(super) fn json(&self) -> Value {
        let mut status = json!({
            "id": self.wamid,
            "status": self.status,
            "timestamp": self.timestamp.to_string(),
        });
        if let Some(fields) = status.as_object_mut() {
            let mut add = |name: &str, value: Option<Value>| {
                fields.extend(value.map(|value| (name.to_owned(), value)));
            };
            add("recipient_id", self.recipient_id.as_deref().map(Value::from));
            add("recipient_user_id", self.recipient_user_id.as_deref().map(Value::from));
            add("biz_opaque_callback_data", self.callback_data.as_deref().map(Value::from));
            let errors = self.error.as_ref().map(|(code, title)| {
                json!([{
                    "code": code, "title": title, "message": title,
                    "error_data": {"details": title},
                    "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
                }])
            });
            add("errors", errors);
            let category = if self.is_session { "service" } else { "utility" };
            if matches!(self.status.as_str(), "sent" | "delivered") {
                let id = format!("conversation-of-{}", self.wamid);
                add("conversation", Some(json!({"id": id, "origin": {"type": category}})));
            }
            if matches!(self.status.as_str(), "sent" | "delivered" | "read") {
                let kind = if self.is_session { "free_customer_service" } else { "regular" };
                let billable = !self.is_session;
                add(
                    "pricing",
                    Some(json!({
                        "billable": billable, "pricing_model": "PMP", "category": category, "type": kind,
                    })),
                );
            }
        }
        status
    }
}
