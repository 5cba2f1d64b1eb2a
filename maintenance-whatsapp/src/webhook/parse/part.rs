//! One part of a post at a time, each of which may have an unexpected type.

use std::{borrow::Cow, collections::HashMap, fmt};

use chrono::{DateTime, TimeDelta, Utc};
use maintenance_core::Channel;
use serde::{
    Deserializer as _,
    de::{Error, Visitor},
};
use serde_json::value::RawValue;

use crate::response::is_message_id;

/// Declares an object of a post, whose parts are read one by one, so that one of a wrong type affects no other.
macro_rules! parts {
    ($(#[$doc:meta])* $name:ident { $($part:ident = $key:literal,)* }) => {
        $(#[$doc])*
        #[derive(serde::Deserialize)]
        pub(super) struct $name<'a> {
            $(
                #[serde(borrow, rename = $key)]
                $part: Option<&'a serde_json::value::RawValue>,
            )*
        }

        impl<'a> $name<'a> {
            /// The object; or `None` when it isn't one. Only an object in which a name occurs twice has to be read through
            /// a map, in which the last one counts.
            pub(super) fn of(json: &'a serde_json::value::RawValue) -> Option<Self> {
                if let Ok(read) = serde_json::from_str(json.get()) {
                    return Some(read);
                }
                let parts = $crate::webhook::parse::part::object(json.get())?;
                Some(Self { $($part: parts.get($key).copied(),)* })
            }
        }
    };
}

pub(super) use parts;

/// Which channel has a `phone_number_id`, or what is wrong with it.
pub(super) type ChannelOf<'c> = dyn Fn(Option<&str>) -> Result<Channel, &'static str> + 'c;

/// Where a change is in the post.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) entry: usize,
    pub(super) change: usize,
}

impl At {
    pub(super) fn path(self, below: &str) -> String {
        format!("entry[{}].changes[{}]{below}", self.entry, self.change)
    }

    /// Where the nth of a list of the change's value is.
    pub(super) fn nth(self, list: &str, n: usize) -> String {
        self.path(&format!(".value.{list}[{n}]"))
    }
}

/// The id of the number that a part's metadata names.
pub(in crate::webhook) fn phone_number_id(metadata: Option<&RawValue>) -> Option<Cow<'_, str>> {
    text(object(metadata?.get())?.get("phone_number_id").copied())
}

pub(in crate::webhook) fn object(json: &str) -> Option<HashMap<String, &RawValue>> {
    serde_json::from_str(json).ok()
}

pub(super) fn text(value: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let json = value?.get();
    let plain = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'));
    match plain.filter(|plain| !plain.contains('\\')) {
        Some(plain) => Some(Cow::Borrowed(plain)),
        None => serde_json::Deserializer::from_str(json).deserialize_bytes(LossyText).ok().map(Cow::Owned),
    }
}

/// Reads a text even if it was cut inside an emoji, which leaves half of a UTF-16 pair.
struct LossyText;

impl Visitor<'_> for LossyText {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<String, E> {
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }
}

/// The most UTF-16 units of a text that WhatsApp allows.
const MAX_TEXT: usize = 4096;

/// What a person wrote, fit for a store: without NUL, which PostgreSQL refuses, and cut to what WhatsApp allows.
pub(super) fn words(value: Option<&RawValue>) -> Option<String> {
    let text = text(value)?;
    // No text has more UTF-16 units than bytes.
    if text.len() <= MAX_TEXT && !text.contains('\0') {
        return Some(text.into_owned());
    }
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= MAX_TEXT
    };
    Some(text.chars().filter(|&c| c != '\0').take_while(fits).collect())
}

/// The same, or nothing where there is nothing to read.
pub(super) fn some_words(value: Option<&RawValue>) -> Option<String> {
    words(value).filter(|words| !words.trim().is_empty())
}

/// An id of Meta's: of a message, a file, or a person.
pub(super) fn id(value: Option<&RawValue>) -> Option<String> {
    text(value).filter(|id| is_message_id(id)).map(Cow::into_owned)
}

/// The digits of a number, without `+`.
pub(super) fn digits(value: Option<&RawValue>) -> Option<String> {
    let is_number =
        |digits: &str| (1..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    text(value).filter(|digits| is_number(digits)).map(Cow::into_owned)
}

/// A time in whole seconds, as text or as a number, if it is plausible: in this century, and not after tomorrow. A time in
/// milliseconds, for example, would stand thousands of years ahead in a request's record. Otherwise the time of receipt.
pub(super) fn time(value: Option<&RawValue>, received: DateTime<Utc>) -> DateTime<Utc> {
    const YEAR_2000: i64 = 946_684_800;
    let seconds = value.and_then(|value| value.get().trim_matches('"').parse().ok());
    let at = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let is_plausible =
        |at: &DateTime<Utc>| at.timestamp() >= YEAR_2000 && *at <= received + TimeDelta::days(1);
    at.filter(is_plausible).unwrap_or(received)
}

/// A word of Meta's, such as a status or a field. Meta's are plain words; anything else could be private and is not
/// quoted.
pub(super) fn plain_word(word: &str) -> &str {
    let plain = word.len() <= 40 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if plain { word } else { "that isn't a plain word" }
}
