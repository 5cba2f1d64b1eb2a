//! The second pass over a post, level by level, so that a part that can't be read affects no other.

use std::collections::HashMap;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{
    Reader, Unused,
    message::Message,
    part::{At, object, phone_number_id, text},
    sender::{Contact, Contacts},
    status::{Status, error_of},
};

const NO_OBJECT: &str = "isn't an object";

impl Reader<'_> {
    /// Reads the whole post. Bytes that aren't UTF-8 have been replaced, so that they affect only the text that they are in.
    pub(super) fn take_apart(&mut self, body: &str) {
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
                self.change(change, At { entry: e, change: c });
            }
        }
    }

    fn change(&mut self, change: &RawValue, at: At) {
        let Some(parts) = object(change.get()) else {
            return self.problem(at.path(""), NO_OBJECT);
        };
        let Some(field) = text(parts.get("field").copied()) else {
            return self.problem(at.path(""), "has no field that is a text");
        };
        let Some(value) = parts.get("value") else {
            return self.problem(at.path(""), "has no value");
        };
        if field != super::MESSAGES {
            let Ok(value) = serde_json::from_str(value.get()) else {
                return self.problem(at.path(".value"), "is nested too deeply or has a number out of range");
            };
            self.webhook.unused.push(Unused { path: at.path(""), field: field.into_owned(), value });
            return;
        }
        match object(value.get()) {
            Some(parts) => self.value(&parts, at),
            None => self.problem(at.path(".value"), NO_OBJECT),
        }
    }

    fn value(&mut self, parts: &HashMap<String, &RawValue>, at: At) {
        let path = || at.path(".value");
        let Some(channel) = self.channel(phone_number_id(parts.get("metadata").copied()).as_deref(), at)
        else {
            return;
        };
        let contacts: Vec<_> =
            self.list(parts, "contacts", false, path).into_iter().filter_map(Contact::of).collect();
        let contacts = Contacts::of(&contacts);
        for (n, message) in self.list(parts, "messages", false, path).into_iter().enumerate() {
            let path = || at.nth("messages", n);
            match Message::of(message) {
                Some(message) => self.message(&message, &channel, &contacts, path),
                None => self.problem(path(), NO_OBJECT),
            }
        }
        for (n, status) in self.list(parts, "statuses", false, path).into_iter().enumerate() {
            let path = || at.nth("statuses", n);
            match Status::of(status) {
                Some(status) => self.status(&status, &channel, &contacts, path),
                None => self.problem(path(), NO_OBJECT),
            }
        }
        for (n, error) in self.list(parts, "errors", false, path).into_iter().enumerate() {
            let error = serde_json::from_str(error.get()).unwrap_or_default();
            self.ignore(at.nth("errors", n), error_of(&error));
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
