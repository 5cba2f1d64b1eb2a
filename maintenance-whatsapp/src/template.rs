//! The message templates registered with Meta.

use maintenance_core::Action;

use crate::{
    Parameter,
    body::{Layout, MAX_BODY},
    invalid::Fields,
};

/// A message template exactly as it is registered with Meta, in the language of its [`Wording`](crate::Wording).
/// Outside an open conversation WhatsApp accepts nothing else.
///
/// ```
/// use maintenance_core::{Action, NotificationKind};
/// use maintenance_whatsapp::{Parameter, Parameters, Template, Wording};
///
/// let template = Template {
///     name: "nuevo_trabajo".to_owned(),
///     body: "Nuevo trabajo: {{titulo}}. Lugar: {{lugar}}.".to_owned(),
///     parameters: Parameters::Named(vec![
///         ("titulo".to_owned(), Parameter::Title),
///         ("lugar".to_owned(), Parameter::Place),
///     ]),
///     buttons: vec![Action::Accept, Action::Decline],
/// };
/// let spanish = Wording::spanish().template(NotificationKind::Assignment, template);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name: 1 to 512 characters out of `a-z`, `0-9` and `_`. The template of one kind usually has the same name
    /// in every language.
    pub name: String,
    /// Its body text as registered, with the placeholders. A message may have 1,024 characters in all, so
    /// values are cut to what this text leaves.
    pub body: String,
    /// What fills in the placeholders.
    pub parameters: Parameters,
    /// Its quick-reply buttons, in the order in which they are registered; empty for a template without buttons.
    /// Register them under the titles of the [wording](crate::Wording::buttons).
    pub buttons: Vec<Action>,
}

/// What fills in a template's placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameters {
    /// For the placeholders `{{1}}`, `{{2}}` and so on, in that order.
    Positional(Vec<Parameter>),
    /// For placeholders with names, as `{{name}}`, in any order.
    Named(Vec<(String, Parameter)>),
}

impl Template {
    /// Adds the wrong fields of the template, which is `field` of the configuration.
    pub(crate) fn check(&self, field: &str, fields: &mut Fields) {
        let field = |part: &str| format!("{field}.{part}");
        let name = &self.name;
        let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        fields.rule(
            (1..=512).contains(&name.len()) && name.bytes().all(word),
            field("name"),
            "must have 1 to 512 characters out of a-z, 0-9 and _",
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
        for (n, action) in self.buttons.iter().enumerate() {
            fields.rule(
                *action != Action::Choose && !self.buttons.iter().take(n).any(|earlier| earlier == action),
                field(&format!("buttons[{n}]")),
                "must be an action other than choose that no other button has",
            );
        }
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
