//! The message template registered with Meta, and how a request's facts fill it in.

use std::borrow::Cow;

use maintenance_core::{NotificationKind, Outgoing, Place, Text};

use crate::{
    body::{Layout, MAX_BODY},
    fit::{SHORTEST, clean},
    invalid::Fields,
};

/// A message template as it is registered with Meta: outside an open conversation nothing else may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name: 1 to 512 of `a-z`, `0-9` and `_`.
    pub name: String,
    /// Its language, as in `en` or `en_US`.
    pub language: String,
    /// Its body text as registered, with the placeholders: it counts towards the 1,024 characters that the
    /// whole may have, so values are cut to what it leaves.
    pub body: String,
    /// What stands in for the placeholders.
    pub parameters: Parameters,
}

/// What stands in for a template's placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameters {
    /// For `{{1}}`, `{{2}}` and so on, in that order.
    Positional(Vec<Parameter>),
    /// For `{{name}}`, in any order.
    Named(Vec<(String, Parameter)>),
}

/// The templates by what messages are about. `Default` has the texts of this crate under the names
/// `maintenance_request` and `maintenance_withdrawn`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Templates {
    /// Tells a worker that a request is theirs.
    pub assignment: Template,
    /// Tells a worker that a request is no longer theirs.
    pub withdrawn: Template,
}

impl Default for Templates {
    fn default() -> Self {
        Self {
            assignment: Template::assignment("maintenance_request"),
            withdrawn: Template::withdrawn("maintenance_withdrawn"),
        }
    }
}

impl Templates {
    /// With another template for [`NotificationKind::Assignment`].
    #[must_use]
    pub fn assignment(mut self, template: Template) -> Self {
        self.assignment = template;
        self
    }

    /// With another template for [`NotificationKind::Withdrawn`].
    #[must_use]
    pub fn withdrawn(mut self, template: Template) -> Self {
        self.withdrawn = template;
        self
    }

    /// Each with what it is for.
    pub(crate) fn into_kinds(self) -> [(NotificationKind, Template); 2] {
        [(NotificationKind::Assignment, self.assignment), (NotificationKind::Withdrawn, self.withdrawn)]
    }

    /// Notes what is wrong with the templates.
    pub(crate) fn check(&self, fields: &mut Fields) {
        for (kind, template) in self.clone().into_kinds() {
            template.check(kind, fields);
        }
    }
}

/// A fact that a message tells.
///
/// Each becomes one line. When the whole is too long, the description is cut first, then the location, the
/// title, the place, the renter's name and the trade, each to 20 characters at least; ids, priority and phone number
/// stay whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parameter {
    /// The request's id.
    RequestId,
    /// Its title.
    Title,
    /// What is wrong.
    Description,
    /// How urgent it is.
    Priority,
    /// The building, its address and the unit, or `not stated`.
    Place,
    /// Where in the property.
    Location,
    /// The trade needed, or `not stated`.
    Specialty,
    /// The renter's name, or `not on file`.
    RenterName,
    /// The renter's phone number, or `not on file`.
    RenterPhone,
}

impl Template {
    /// A template in English with all that a worker needs, ready to be registered under that name: its
    /// [`body`](Self::body) is the text to submit to Meta, with positional parameters.
    pub fn assignment(name: impl Into<String>) -> Self {
        use Parameter::{Description, Location, Place, Priority, RenterName, RenterPhone, RequestId, Title};
        Self {
            name: name.into(),
            language: "en".to_owned(),
            body: "New maintenance request: {{1}}\n\
                   Priority: {{2}}\n\
                   Building: {{3}}\n\
                   Where: {{4}}\n\
                   What is wrong: {{5}}\n\
                   Renter: {{6}}, phone {{7}}\n\
                   Request {{8}} is assigned to you."
                .to_owned(),
            parameters: Parameters::Positional(vec![
                Title,
                Priority,
                Place,
                Location,
                Description,
                RenterName,
                RenterPhone,
                RequestId,
            ]),
        }
    }

    /// A template in English that tells a worker that a request is no longer theirs, ready to be registered as
    /// [`assignment`](Self::assignment) is.
    pub fn withdrawn(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            language: "en".to_owned(),
            body: "Maintenance request no longer yours: {{1}}\n\
                   Building: {{2}}\n\
                   You need not go there for request {{3}}, which was cancelled or given to another."
                .to_owned(),
            parameters: Parameters::Positional(vec![
                Parameter::Title,
                Parameter::Place,
                Parameter::RequestId,
            ]),
        }
    }

    /// Notes what is wrong with the template.
    fn check(&self, kind: NotificationKind, fields: &mut Fields) {
        let field = |field: &str| format!("templates.{kind}.{field}");
        let name = &self.name;
        let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        fields.rule(
            (1..=512).contains(&name.len()) && name.bytes().all(word),
            field("name"),
            "must have 1 to 512 characters out of a-z, 0-9 and _",
        );
        fields.rule(
            is_language(&self.language),
            field("language"),
            "must be a language code, as in en or en_US",
        );
        let layout = Layout::of(&self.body);
        let parameters = self.parameters.by_name();
        fields.rule(!self.body.trim().is_empty(), field("body"), "is empty; give the text as registered");
        for (name, _) in &layout.placeholders {
            fields.rule(
                parameters.iter().any(|(known, _)| known == name),
                field("parameters"),
                format!("has nothing for the placeholder {{{{{name}}}}} of the body"),
            );
        }
        for (n, (name, _)) in parameters.iter().enumerate() {
            fields.rule(
                layout.times(name) > 0 && !parameters.iter().take(n).any(|(earlier, _)| earlier == name),
                field(&format!("parameters[{n}]")),
                "must stand for a placeholder of the body that no other stands for",
            );
        }
        let least: usize = parameters.iter().map(|(name, p)| layout.times(name) * p.least_room()).sum();
        let most = MAX_BODY.saturating_sub(least);
        fields.rule(
            layout.fixed <= most,
            field("body"),
            format!("has {} characters besides its placeholders; {most} leave room for them", layout.fixed),
        );
    }
}

impl Parameters {
    /// Whether each goes with its name.
    pub(crate) const fn are_named(&self) -> bool {
        matches!(self, Self::Named(_))
    }

    /// Each with its placeholder's name.
    pub(crate) fn by_name(&self) -> Vec<(String, Parameter)> {
        match self {
            Self::Positional(list) => (1..).map(|n: usize| n.to_string()).zip(list.iter().copied()).collect(),
            Self::Named(list) => list.clone(),
        }
    }
}

impl Parameter {
    /// What it tells of a message: on one line, never empty.
    pub(crate) fn text(self, message: &Outgoing) -> Cow<'_, str> {
        const NO_CONTACT: &str = "not on file";
        let content = &message.content;
        let renter = content.renter.as_ref();
        match self {
            Self::RequestId => Cow::Owned(content.request_id.to_string()),
            Self::Priority => Cow::Borrowed(content.priority.as_str()),
            Self::Title => clean(content.title.as_str(), "no title"),
            Self::Description => clean(content.description.as_str(), "no description"),
            Self::Place => clean_owned(&content.place.as_ref().map(place).unwrap_or_default(), "not stated"),
            Self::Location => clean(content.location.as_str(), "not stated"),
            Self::Specialty => {
                let trade = content.specialty.as_ref().map(|trade| trade.as_str().replace('_', " "));
                clean_owned(&trade.unwrap_or_default(), "not stated")
            }
            Self::RenterName => clean(renter.map_or("", |renter| renter.name.as_str()), NO_CONTACT),
            Self::RenterPhone => {
                let number = renter.and_then(|renter| renter.phone_number.as_ref());
                clean(number.map_or("", |number| number.as_str()), NO_CONTACT)
            }
        }
    }

    /// Its place in the order of cutting.
    pub(crate) const fn cut(self) -> Option<u8> {
        match self {
            Self::Description => Some(0),
            Self::Location => Some(1),
            Self::Title => Some(2),
            Self::Place => Some(3),
            Self::RenterName => Some(4),
            Self::Specialty => Some(5),
            Self::RequestId | Self::Priority | Self::RenterPhone => None,
        }
    }

    /// The room it may need after cutting.
    const fn least_room(self) -> usize {
        match self {
            Self::RequestId => 36,
            Self::RenterPhone => 16,
            // `emergency`, `not on file` and whatever a value that can be cut keeps.
            _ => SHORTEST,
        }
    }
}

/// A place on one line: what is known of it, from the building to the unit.
fn place(place: &Place) -> String {
    let Place { complex, address, unit } = place;
    let known = [complex, address, unit].into_iter().flatten();
    known.map(Text::as_str).collect::<Vec<_>>().join(", ")
}

fn clean_owned(text: &str, fallback: &'static str) -> Cow<'static, str> {
    Cow::Owned(clean(text, fallback).into_owned())
}

fn is_language(code: &str) -> bool {
    let (language, region) = code.split_once('_').unwrap_or((code, "US"));
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && (2..=4).contains(&region.len())
        && region.bytes().all(|b| b.is_ascii_alphanumeric())
}
