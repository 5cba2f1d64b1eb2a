//! The message templates registered with Meta, and the facts of a request that fill them in.

use std::borrow::Cow;

use maintenance_core::{Hold, NotificationKind, Outgoing, Place, Text};

use crate::{
    body::{Layout, MAX_BODY},
    fit::{SHORTEST, clean},
    invalid::Fields,
};

/// A message template exactly as it is registered with Meta. Outside an open conversation WhatsApp accepts
/// nothing else.
///
/// ```
/// use maintenance_whatsapp::{Parameter, Parameters, Template};
///
/// let template = Template {
///     name: "nuevo_trabajo".to_owned(),
///     language: "es".to_owned(),
///     body: "Nuevo trabajo: {{titulo}}. Lugar: {{lugar}}.".to_owned(),
///     parameters: Parameters::Named(vec![
///         ("titulo".to_owned(), Parameter::Title),
///         ("lugar".to_owned(), Parameter::Place),
///     ]),
/// };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name: 1 to 512 characters out of `a-z`, `0-9` and `_`.
    pub name: String,
    /// Its language code, for example `en` or `en_US`.
    pub language: String,
    /// Its body text as registered, with the placeholders. A message may have 1,024 characters in all, so
    /// values are cut to what this text leaves.
    pub body: String,
    /// What fills in the placeholders.
    pub parameters: Parameters,
}

/// What fills in a template's placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameters {
    /// For the placeholders `{{1}}`, `{{2}}` and so on, in that order.
    Positional(Vec<Parameter>),
    /// For placeholders with names, as `{{name}}`, in any order.
    Named(Vec<(String, Parameter)>),
}

/// The template for each kind of message. `Default` has this crate's own texts in English under the names
/// `maintenance_request`, `maintenance_withdrawn` and `maintenance_request_changed`.
///
/// ```
/// use maintenance_whatsapp::{Template, Templates};
///
/// // The crate's own texts, registered under other names.
/// let templates = Templates::default()
///     .assignment(Template::assignment("acme_new_job"))
///     .withdrawn(Template::withdrawn("acme_job_withdrawn"))
///     .changed(Template::changed("acme_job_changed"));
/// assert_eq!(templates.assignment.name, "acme_new_job");
/// println!("submit this text to Meta:\n{}", templates.assignment.body);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Templates {
    /// Tells a worker that a request is theirs.
    pub assignment: Template,
    /// Tells a worker that a request is no longer theirs.
    pub withdrawn: Template,
    /// Tells a worker that their request was edited.
    pub changed: Template,
}

impl Default for Templates {
    fn default() -> Self {
        Self {
            assignment: Template::assignment("maintenance_request"),
            withdrawn: Template::withdrawn("maintenance_withdrawn"),
            changed: Template::changed("maintenance_request_changed"),
        }
    }
}

impl Templates {
    /// Replaces the template for [`NotificationKind::Assignment`].
    #[must_use]
    pub fn assignment(mut self, template: Template) -> Self {
        self.assignment = template;
        self
    }

    /// Replaces the template for [`NotificationKind::Withdrawn`].
    #[must_use]
    pub fn withdrawn(mut self, template: Template) -> Self {
        self.withdrawn = template;
        self
    }

    /// Replaces the template for [`NotificationKind::Changed`].
    #[must_use]
    pub fn changed(mut self, template: Template) -> Self {
        self.changed = template;
        self
    }

    /// Each template with its kind of message.
    pub(crate) fn into_kinds(self) -> [(NotificationKind, Template); 3] {
        [
            (NotificationKind::Assignment, self.assignment),
            (NotificationKind::Withdrawn, self.withdrawn),
            (NotificationKind::Changed, self.changed),
        ]
    }

    /// Adds the wrong fields of the templates.
    pub(crate) fn check(&self, fields: &mut Fields) {
        for (kind, template) in self.clone().into_kinds() {
            template.check(kind, fields);
        }
    }
}

/// A fact of a request that fills in a placeholder.
///
/// Each value is on one line. When a message is too long, the description is cut first, then the location,
/// the title, the place, the renter's name, the trade and the hold, none to fewer than 20 characters. Ids, priority and
/// phone number are never cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parameter {
    /// The request's id.
    RequestId,
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
}

impl Template {
    /// A template in English that assigns a request to a worker, with everything they need. Register it with
    /// Meta under that name, with its [`body`](Self::body) as the text and positional parameters.
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

    /// A template in English that tells a worker that a request is no longer theirs. Register it as
    /// [`assignment`](Self::assignment).
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

    /// A template in English that tells a worker that their request was edited, with everything about it as it is now.
    /// Register it as [`assignment`](Self::assignment).
    pub fn changed(name: impl Into<String>) -> Self {
        use Parameter::{Description, Hold, Location, Place, Priority, RequestId, Specialty, Title};
        Self {
            name: name.into(),
            language: "en".to_owned(),
            body: "Your maintenance request was changed: {{1}}\n\
                   Priority: {{2}}\n\
                   Trade: {{3}}\n\
                   Building: {{4}}\n\
                   Where: {{5}}\n\
                   What is wrong: {{6}}\n\
                   On hold: {{7}}\n\
                   Request {{8}} is still assigned to you."
                .to_owned(),
            parameters: Parameters::Positional(vec![
                Title,
                Priority,
                Specialty,
                Place,
                Location,
                Description,
                Hold,
                RequestId,
            ]),
        }
    }

    /// Adds the wrong fields of the template.
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
            "must be a language code, for example en or en_US",
        );
        let layout = Layout::of(&self.body);
        let parameters = self.parameters.by_name();
        fields.rule(
            !self.body.trim().is_empty(),
            field("body"),
            "is empty; it must be the text as registered",
        );
        for (name, _) in &layout.placeholders {
            fields.rule(
                parameters.iter().any(|(known, _)| known == name),
                field("parameters"),
                format!("must have a parameter for the placeholder {{{{{name}}}}} of the body"),
            );
        }
        for (n, (name, _)) in parameters.iter().enumerate() {
            fields.rule(
                layout.times(name) > 0 && !parameters.iter().take(n).any(|(earlier, _)| earlier == name),
                field(&format!("parameters[{n}]")),
                "must fill in a placeholder of the body that no other parameter fills in",
            );
        }
        let least: usize = parameters.iter().map(|(name, p)| layout.times(name) * p.least_room()).sum();
        let most = MAX_BODY.saturating_sub(least);
        fields.rule(
            layout.fixed <= most,
            field("body"),
            format!(
                "has {} characters without its placeholders; it may have {most}, to leave room for them",
                layout.fixed
            ),
        );
    }
}

impl Parameters {
    /// Whether each parameter is sent with its name.
    pub(crate) const fn are_named(&self) -> bool {
        matches!(self, Self::Named(_))
    }

    /// Each parameter with its placeholder's name.
    pub(crate) fn by_name(&self) -> Vec<(String, Parameter)> {
        match self {
            Self::Positional(list) => (1..).map(|n: usize| n.to_string()).zip(list.iter().copied()).collect(),
            Self::Named(list) => list.clone(),
        }
    }
}

impl Parameter {
    /// Its value for a message: on one line, never empty.
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
            Self::Hold => clean_owned(&content.hold.as_ref().map(hold).unwrap_or_default(), "no"),
            Self::RenterName => clean(renter.map_or("", |renter| renter.name.as_str()), NO_CONTACT),
            Self::RenterPhone => {
                let number = renter.and_then(|renter| renter.phone_number.as_ref());
                clean(number.map_or("", |number| number.as_str()), NO_CONTACT)
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
            Self::RequestId | Self::Priority | Self::RenterPhone => None,
        }
    }

    /// The most characters that it may need after cutting.
    const fn least_room(self) -> usize {
        match self {
            Self::RequestId => 36,
            Self::RenterPhone => 16,
            // `emergency` and `not on file` are shorter, and a value that can be cut keeps no more than this
            // if need be.
            _ => SHORTEST,
        }
    }
}

/// The known parts of a place on one line, from the building to the unit.
fn place(place: &Place) -> String {
    let Place { complex, address, unit } = place;
    let known = [complex, address, unit].into_iter().flatten();
    known.map(Text::as_str).collect::<Vec<_>>().join(", ")
}

/// A hold's time and reason.
fn hold(hold: &Hold) -> String {
    let reason = hold.reason.as_str();
    hold.until.map_or_else(
        || reason.to_owned(),
        |until| format!("until {}, {reason}", until.format("%Y-%m-%d %H:%M UTC")),
    )
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
