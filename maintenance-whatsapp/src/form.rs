//! A template as it is filled in: what that needs to know of it, found once.

use std::borrow::Cow;

use maintenance_core::Message;

use crate::{
    Template,
    body::{Layout, MAX_BODY},
    template::Parameter,
    wording::{Value, fit},
};

/// A template with its blanks.
pub(crate) struct Form {
    pub(crate) template: Template,
    /// How much room the body's own text leaves for values.
    room: usize,
    blanks: Vec<Blank>,
}

/// A placeholder of the body.
struct Blank {
    name: String,
    parameter: Parameter,
    /// How often the body uses it.
    times: usize,
}

impl Form {
    pub(crate) fn of(template: Template) -> Self {
        let layout = Layout::of(&template.body);
        let blank = |(name, parameter): (String, _)| Blank { times: layout.times(&name), name, parameter };
        let blanks = template.parameters.by_name().into_iter().map(blank).collect();
        Self { room: MAX_BODY.saturating_sub(layout.fixed), blanks, template }
    }

    /// The values for a message, in order, each with its placeholder's name: on one line, never empty, and
    /// together with the body's own text within the limit.
    pub(crate) fn fill<'a>(&'a self, message: &'a Message) -> Vec<(&'a str, Cow<'a, str>)> {
        let mut values: Vec<Value<'a>> = self
            .blanks
            .iter()
            .map(|Blank { parameter, times, .. }| Value {
                text: parameter.text(message),
                times: *times,
                cut: parameter.cut(),
            })
            .collect();
        fit(&mut values, self.room);
        let names = self.blanks.iter().map(|blank| blank.name.as_str());
        names.zip(values.into_iter().map(|value| value.text)).collect()
    }
}
