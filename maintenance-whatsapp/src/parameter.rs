//! The facts that fill in a template, in the language of the message.

use std::borrow::Cow;

use maintenance_core::{Content, Outgoing, Place, RequestNumber, Text};

use crate::{
    Wording,
    fit::{SHORTEST, clean},
};

/// A fact that fills in a placeholder, in the language of its message.
///
/// Each value is on one line and holds no characters that change the direction of writing. When a message is too long,
/// the description is cut first, then the location, the title, the place, the renter's name, the trade, the hold and the
/// answer, none to fewer than 20 characters. Ids, numbers, priority and phone number are never cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Parameter {
    /// The request's id.
    RequestId,
    /// The request's short number (`#1042`); the id of a request that has none.
    Number,
    /// Its title.
    Title,
    /// Its description: what is wrong.
    Description,
    /// Its priority.
    Priority,
    /// The building, its address and the unit; `not stated` if the directory doesn't say.
    Place,
    /// Its location: where in the property.
    Location,
    /// The trade it needs; `not stated` if it names none.
    Specialty,
    /// What the work waits for and, before it, until when (`until 2026-03-01 12:00 UTC, waiting for parts`); `no` if it
    /// doesn't wait.
    Hold,
    /// The renter's name; `not on file` if the directory doesn't know it.
    RenterName,
    /// The renter's phone number; `not on file` if the directory doesn't know it.
    RenterPhone,
    /// The text of the answer, for a message of the kind [`Answer`](maintenance_core::NotificationKind::Answer);
    /// `not stated` in any other.
    Answer,
}

impl Parameter {
    /// Its value for a message: on one line, never empty.
    pub(crate) fn text<'a>(self, message: &'a Outgoing, wording: &'a Wording) -> Cow<'a, str> {
        let content = &message.content;
        let renter = content.renter.as_ref();
        let Wording { not_stated, not_on_file, no_hold, .. } = wording;
        match self {
            Self::RequestId => Cow::Owned(content.request_id.to_string()),
            Self::Number => Cow::Owned(number(content)),
            Self::Priority => clean(wording.priority(content.priority), not_stated),
            Self::Title => clean(content.title.as_str(), not_stated),
            Self::Description => clean(content.description.as_str(), not_stated),
            Self::Place => clean_owned(&content.place.as_ref().map(place).unwrap_or_default(), not_stated),
            Self::Location => clean(content.location.as_str(), not_stated),
            Self::Specialty => {
                let trade = content.specialty.as_ref().map(|trade| wording.trade(trade));
                clean_owned(&trade.unwrap_or_default(), not_stated)
            }
            Self::Hold => {
                let hold = content.hold.as_ref().map(|hold| wording.hold(hold));
                clean_owned(&hold.unwrap_or_default(), no_hold)
            }
            Self::RenterName => clean(renter.map_or("", |renter| renter.name.as_str()), not_on_file),
            Self::RenterPhone => {
                let number = renter.and_then(|renter| renter.phone_number.as_ref());
                clean(number.map_or("", |number| number.as_str()), not_on_file)
            }
            Self::Answer => {
                clean(message.answer.map_or("", |answer| wording.answer(answer, false)), not_stated)
            }
        }
    }

    /// Its position in the order of cutting; `None` if it is never cut.
    pub(crate) const fn cut(self) -> Option<u8> {
        match self {
            Self::Description => Some(0),
            Self::Location => Some(1),
            Self::Title => Some(2),
            Self::Place => Some(3),
            Self::RenterName => Some(4),
            Self::Specialty => Some(5),
            Self::Hold => Some(6),
            Self::Answer => Some(7),
            Self::RequestId | Self::Number | Self::Priority | Self::RenterPhone => None,
        }
    }

    /// The most characters that it may need after cutting.
    pub(crate) const fn least_room(self) -> usize {
        match self {
            Self::RequestId | Self::Number => 36,
            // The wording keeps a priority and `not on file` this short, a phone number is shorter, and a value that can
            // be cut keeps no more than this if need be.
            _ => SHORTEST,
        }
    }
}

/// What people call the request: its short number, or the id of a request that has none.
fn number(content: &Content) -> String {
    match content.number {
        RequestNumber::NONE => content.request_id.to_string(),
        number => number.to_string(),
    }
}

/// The known parts of a place on one line, from the building to the unit.
fn place(place: &Place) -> String {
    let Place { complex, address, unit } = place;
    let known = [complex, address, unit].into_iter().flatten();
    known.map(Text::as_str).collect::<Vec<_>>().join(", ")
}

fn clean_owned<'a>(text: &str, fallback: &str) -> Cow<'a, str> {
    Cow::Owned(clean(text, fallback).into_owned())
}
