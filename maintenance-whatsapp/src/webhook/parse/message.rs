//! A message from a phone.

use chrono::{DateTime, Utc};
use maintenance_core::{Channel, FileKind, Inbound, InboundContent, InboundFile, Sender};
use serde_json::value::RawValue;

use super::{
    part::{digits, id, parts, some_words, text, time, words},
    sender::Contacts,
};

parts! {
    /// A message: what every one has, and the part that its type names.
    Message {
        id = "id",
        from = "from",
        from_user_id = "from_user_id",
        timestamp = "timestamp",
        kind = "type",
        context = "context",
        text = "text",
        button = "button",
        interactive = "interactive",
        image = "image",
        document = "document",
        audio = "audio",
        video = "video",
        sticker = "sticker",
        location = "location",
        reaction = "reaction",
        system = "system",
    }
}

parts! {
    /// What all types of messages have in the part that their type names.
    Part {
        id = "id",
        body = "body",
        payload = "payload",
        text = "text",
        title = "title",
        kind = "type",
        button_reply = "button_reply",
        list_reply = "list_reply",
        mime_type = "mime_type",
        sha256 = "sha256",
        caption = "caption",
        file_name = "filename",
        latitude = "latitude",
        longitude = "longitude",
        name = "name",
        address = "address",
        message_id = "message_id",
        emoji = "emoji",
        wa_id = "wa_id",
    }
}

impl Message<'_> {
    /// The message; or what is wrong with it.
    pub(super) fn read(
        &self,
        channel: &Channel,
        contacts: &Contacts,
        received: DateTime<Utc>,
    ) -> Result<Inbound, &'static str> {
        let message_id = id(self.id).ok_or("has no id of 1 to 512 visible ASCII characters")?;
        let from = Sender { wa_id: digits(self.from), user_id: id(self.from_user_id) };
        if from.key().is_empty() {
            return Err("says neither the sender's number nor their id");
        }
        Ok(Inbound {
            channel: channel.clone(),
            provider_message_id: message_id,
            from: contacts.complete(from),
            sent_at: time(self.timestamp, received),
            replies_to: self.context.and_then(Part::of).and_then(|context| id(context.id)),
            content: self.content()?,
        })
    }

    fn content(&self) -> Result<InboundContent, &'static str> {
        let kind = text(self.kind).ok_or("has no type that is a text")?;
        match &*kind {
            "text" => part(self.text)?.text(),
            "button" => {
                let button = part(self.button)?;
                tap(button.payload, button.text)
            }
            "interactive" => part(self.interactive)?.reply(),
            "image" => part(self.image)?.file(FileKind::Image),
            "sticker" => part(self.sticker)?.file(FileKind::Image),
            "document" => part(self.document)?.file(FileKind::Document),
            "audio" => part(self.audio)?.file(FileKind::Audio),
            "video" => part(self.video)?.file(FileKind::Video),
            "location" => part(self.location)?.location(),
            "reaction" => part(self.reaction)?.reaction(),
            "system" => part(self.system)?.system(),
            _ => Ok(InboundContent::Unsupported),
        }
    }
}

impl Part<'_> {
    fn text(&self) -> Result<InboundContent, &'static str> {
        Ok(InboundContent::Text { body: words(self.body).ok_or("has no body that is a text")? })
    }

    fn reply(&self) -> Result<InboundContent, &'static str> {
        let kind = text(self.kind).ok_or("has no type of reply that is a text")?;
        let reply = match &*kind {
            "button_reply" => part(self.button_reply)?,
            "list_reply" => part(self.list_reply)?,
            _ => return Ok(InboundContent::Unsupported),
        };
        tap(reply.id, reply.title)
    }

    fn file(&self, kind: FileKind) -> Result<InboundContent, &'static str> {
        Ok(InboundContent::File(InboundFile {
            kind,
            media_id: id(self.id).ok_or("has no file id of 1 to 512 visible ASCII characters")?,
            mime_type: some_words(self.mime_type),
            sha256: some_words(self.sha256),
            caption: some_words(self.caption),
            file_name: some_words(self.file_name),
        }))
    }

    fn location(&self) -> Result<InboundContent, &'static str> {
        let degrees = |part: Option<&RawValue>| {
            part.and_then(|part| serde_json::from_str(part.get()).ok())
                .ok_or("has no degrees that are numbers")
        };
        let names: Vec<_> = [self.name, self.address].into_iter().filter_map(some_words).collect();
        Ok(InboundContent::Location {
            latitude: degrees(self.latitude)?,
            longitude: degrees(self.longitude)?,
            name: Some(names.join(", ")).filter(|name| !name.is_empty()),
        })
    }

    fn reaction(&self) -> Result<InboundContent, &'static str> {
        let message_id = id(self.message_id).ok_or("has a reaction to no message id")?;
        Ok(InboundContent::Reaction { message_id, emoji: some_words(self.emoji) })
    }

    fn system(&self) -> Result<InboundContent, &'static str> {
        if text(self.kind).as_deref() != Some("user_changed_number") {
            return Ok(InboundContent::Unsupported);
        }
        let wa_id = digits(self.wa_id).ok_or("changes to no number in digits")?;
        Ok(InboundContent::NumberChanged { wa_id })
    }
}

/// The part that a type names.
fn part(part: Option<&RawValue>) -> Result<Part<'_>, &'static str> {
    part.and_then(Part::of).ok_or("has no object of its type's name")
}

fn tap(payload: Option<&RawValue>, title: Option<&RawValue>) -> Result<InboundContent, &'static str> {
    let payload = words(payload).ok_or("has a button without a payload that is a text")?;
    Ok(InboundContent::Tap { payload, title: words(title).unwrap_or_default() })
}
