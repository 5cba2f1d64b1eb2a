//! A phone that a test holds in its hand.

use std::{fmt, path::Path, sync::Arc};

use maintenance_core::FileKind;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{FakeMedia, FakeMessage, PhoneMessage, Shared};

/// What the fake knows of a phone.
#[derive(Default)]
pub(super) struct PhoneState {
    /// The business-scoped id, once the phone hides its number.
    pub(super) user_id: Option<String>,
    pub(super) blocked: bool,
    /// The body of the webhook with what it wrote last.
    pub(super) last: Option<Vec<u8>>,
}

/// A phone with WhatsApp: it reads what the fake accepted for its number, and answers. Cheap to clone; `Debug` doesn't show
/// its number.
///
/// What it writes goes to the number whose message it answers, or that wrote to it last, or the fake's first. It is posted
/// when the [`PhoneMessage`] is awaited:
///
/// ```
/// # async fn example(fake: maintenance_whatsapp::fake::FakeCloudApi) -> std::io::Result<()> {
/// let phone = fake.phone("+12025550123");
/// assert_eq!(phone.tap("start").await?, 200); // the host's HTTP status
/// phone.photo(vec![0xFF, 0xD8, 0xFF]).caption("The leak").await?;
/// phone.say("I come back tomorrow").late(std::time::Duration::from_secs(600)).await?;
/// phone.again().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FakePhone {
    shared: Arc<Shared>,
    number: String,
}

impl FakePhone {
    pub(super) fn new(shared: Arc<Shared>, number: String) -> Self {
        Self { shared, number }
    }

    /// The messages to this phone, in order.
    pub fn messages(&self) -> Vec<Arc<FakeMessage>> {
        let state = self.shared.state();
        state.messages.iter().filter(|message| message.to == self.number).cloned().collect()
    }

    /// Taps a button of the newest message that has it: the one with that title, or whose payload begins with that action,
    /// as `start` does `start:…`.
    pub fn tap(&self, button: &str) -> PhoneMessage {
        let has_it = |message: &&Arc<FakeMessage>| find_button(message, button).is_some();
        match self.messages().iter().rfind(has_it) {
            Some(message) => self.tap_on(message, button),
            None => self.impossible(format!("no message has the button {button:?}")),
        }
    }

    /// Taps a button of that message, which may be an old one.
    pub fn tap_on(&self, message: &FakeMessage, button: &str) -> PhoneMessage {
        let Some((title, payload)) = find_button(message, button) else {
            return self.impossible(format!("the message has no button {button:?}"));
        };
        let (kind, content) = if message.template.is_some() {
            ("button", json!({"payload": payload, "text": title}))
        } else {
            let reply = json!({"id": payload, "title": title});
            ("interactive", json!({"type": "button_reply", "button_reply": reply}))
        };
        self.write(kind, content).on(message)
    }

    /// Chooses a row of the newest list that has it: the one with that title, or whose payload contains that request's id.
    pub fn choose(&self, row: &str) -> PhoneMessage {
        let messages = self.messages();
        let chosen = messages.iter().rev().find_map(|message| {
            let is_it =
                |(title, _, payload): &&(String, String, String)| title == row || payload.contains(row);
            message.rows.iter().find(is_it).map(|chosen| (message, chosen))
        });
        let Some((message, (title, description, payload))) = chosen else {
            return self.impossible(format!("no message has the row {row:?}"));
        };
        let reply = json!({"id": payload, "title": title, "description": description});
        self.write("interactive", json!({"type": "list_reply", "list_reply": reply})).on(message)
    }

    /// Writes a text.
    pub fn say(&self, text: impl Into<String>) -> PhoneMessage {
        self.write("text", json!({"body": text.into()}))
    }

    /// Writes a text that quotes that message.
    pub fn reply(&self, message: &FakeMessage, text: impl Into<String>) -> PhoneMessage {
        self.say(text).on(message)
    }

    /// Writes STOP.
    pub fn opt_out(&self) -> PhoneMessage {
        self.say("STOP")
    }

    /// Sends a photo.
    pub fn photo(&self, bytes: Vec<u8>) -> PhoneMessage {
        self.file(FileKind::Image, "image/jpeg", bytes)
    }

    /// Sends a document: a PDF if its name says so, otherwise any bytes.
    pub fn document(&self, name: &str, bytes: Vec<u8>) -> PhoneMessage {
        let is_pdf = Path::new(name).extension().is_some_and(|extension| extension == "pdf");
        let mime_type = if is_pdf { "application/pdf" } else { "application/octet-stream" };
        self.file(FileKind::Document, mime_type, bytes).with("filename", name)
    }

    /// Sends a voice message.
    pub fn voice(&self, bytes: Vec<u8>) -> PhoneMessage {
        self.file(FileKind::Audio, "audio/ogg; codecs=opus", bytes).with("voice", true)
    }

    /// Sends a place, in degrees north and east.
    pub fn location(&self, latitude: f64, longitude: f64) -> PhoneMessage {
        self.write("location", json!({"latitude": latitude, "longitude": longitude}))
    }

    /// Puts an emoji on that message; an empty one takes it away.
    pub fn react(&self, message: &FakeMessage, emoji: &str) -> PhoneMessage {
        let content = json!({"message_id": message.wamid, "emoji": emoji});
        self.write("reaction", content).at_number(&message.phone_number_id)
    }

    /// Sends something that the Cloud API can't pass on, such as a poll.
    pub fn unsupported(&self) -> PhoneMessage {
        let error =
            json!({"code": 131_051, "title": "Message type unknown", "message": "Message type unknown"});
        self.write("unsupported", json!({"type": "poll_creation"})).beside("errors", json!([error]))
    }

    /// Says, in the old number's name, that this person has that number now. The new one is another
    /// [`phone`](super::FakeCloudApi::phone).
    pub fn change_number(&self, new: &str) -> PhoneMessage {
        let digits = new.trim_start_matches('+');
        let body = format!("User changed from {} to {digits}", self.number.trim_start_matches('+'));
        self.write("system", json!({"type": "user_changed_number", "wa_id": digits, "body": body}))
    }

    /// Hides the number: from now on only a business-scoped id stands in what this phone writes, and in the statuses of
    /// messages to it.
    pub fn hide_number(&self) {
        let user_id = format!("US.{}", hash(self.number.as_bytes()));
        self.shared.state().phones.entry(self.number.clone()).or_default().user_id = Some(user_id);
    }

    /// Blocks the business: messages to this phone are accepted, and a webhook says that they failed with 131026.
    pub fn block(&self) {
        self.shared.state().phones.entry(self.number.clone()).or_default().blocked = true;
    }

    /// Posts what this phone wrote last again, byte for byte, as Meta does now and then.
    ///
    /// # Errors
    ///
    /// When it wrote nothing yet, no [`webhook`](super::FakeCloudApi::webhook) is set or nothing answers there.
    pub async fn again(&self) -> std::io::Result<u16> {
        let last = self.shared.state().phones.get(&self.number).and_then(|phone| phone.last.clone());
        match last {
            Some(body) => self.shared.post(body).await,
            None => Err(std::io::Error::new(std::io::ErrorKind::NotFound, "the phone wrote nothing yet")),
        }
    }

    /// Sends a file of which a test has set how it is fetched, for example a hostile one.
    pub fn send(&self, kind: FileKind, media: FakeMedia) -> PhoneMessage {
        let (mime_type, id) = (media.mime_type().to_owned(), self.shared.add_media(media));
        self.write(kind.as_str(), json!({"id": id, "mime_type": mime_type}))
    }

    fn file(&self, kind: FileKind, mime_type: &str, bytes: Vec<u8>) -> PhoneMessage {
        let sha256 = hash(&bytes);
        let id = self.shared.add_media(FakeMedia::new(mime_type, bytes));
        self.write(kind.as_str(), json!({"id": id, "mime_type": mime_type, "sha256": sha256}))
    }

    /// A message of that type with that content, to the number that wrote last.
    fn write(&self, kind: &'static str, content: serde_json::Value) -> PhoneMessage {
        let wrote_last = self.messages().last().map(|message| message.phone_number_id.clone());
        let to = wrote_last.unwrap_or_else(|| self.shared.config.phone_number_id.clone());
        PhoneMessage::new(Arc::clone(&self.shared), self.number.clone(), to, kind, content)
    }

    fn impossible(&self, why: String) -> PhoneMessage {
        self.write("text", json!({})).impossible(why)
    }
}

impl fmt::Debug for FakePhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakePhone").finish_non_exhaustive()
    }
}

/// The title and payload of a message's button: the one with that title, or whose payload begins with that action.
fn find_button<'m>(message: &'m FakeMessage, button: &str) -> Option<&'m (String, String)> {
    let is_it =
        |(title, payload): &&(String, String)| title == button || payload.split(':').next() == Some(button);
    message.buttons.iter().find(is_it)
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
