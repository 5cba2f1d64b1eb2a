//! A message that the fake accepted, and its statuses for webhooks.

use std::fmt;

use chrono::{DateTime, Utc};
use maintenance_core::{Clock as _, NotificationId, SystemClock};
use serde_json::{Value, json};

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
    /// The template's name.
    pub template: String,
    /// The values, each with its placeholder's name.
    pub parameters: Vec<(String, String)>,
    /// The message as it reads on the phone.
    pub text: String,
    /// The request's body, byte for byte.
    pub body: Vec<u8>,
    /// When it arrived, UTC.
    pub at: DateTime<Utc>,
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
            timestamp: SystemClock.now().timestamp(),
            recipient_id: Some(self.to.trim_start_matches('+').to_owned()),
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
    fn json(&self) -> Value {
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
            add("biz_opaque_callback_data", self.callback_data.as_deref().map(Value::from));
            let errors = self.error.as_ref().map(|(code, title)| {
                json!([{
                    "code": code, "title": title, "message": title,
                    "error_data": {"details": title},
                    "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
                }])
            });
            add("errors", errors);
        }
        status
    }
}

/// The body of a webhook with these statuses, each run of one number's as a change of its own, written as Meta does:
/// non-ASCII and `/` escaped.
pub(super) fn webhook(statuses: &[FakeStatus]) -> Vec<u8> {
    let of_one_number = statuses.chunk_by(|one, other| one.phone_number_id == other.phone_number_id);
    let changes = of_one_number.map(|statuses| {
        json!({
            "field": "messages",
            "value": {
                "messaging_product": "whatsapp",
                "metadata": {
                    "display_phone_number": "16505551111",
                    "phone_number_id": statuses.first().map(|status| &status.phone_number_id),
                },
                "statuses": statuses.iter().map(FakeStatus::json).collect::<Vec<_>>(),
            },
        })
    });
    let body = json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "102290129340398", "changes": changes.collect::<Vec<_>>()}],
    });
    escaped(&body.to_string()).into_bytes()
}

fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '/' => escaped.push_str("\\/"),
            c if c.is_ascii() => escaped.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    escaped.extend([format!("\\u{unit:04x}")]);
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_changes_the_bytes_and_not_the_meaning() {
        let value = json!({"a/b": "é😀\n\""});
        let text = escaped(&value.to_string());
        assert_eq!(text, r#"{"a\/b":"\u00e9\ud83d\ude00\n\""}"#);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
