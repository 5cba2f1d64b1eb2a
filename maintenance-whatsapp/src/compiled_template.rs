//! A template prepared for filling in: its placeholders are found once, not for each message.

use std::borrow::Cow;

use maintenance_core::Outgoing;

use crate::{
    Template,
    body::{Layout, MAX_BODY},
    fit::{Value, fit},
    template::Parameter,
};

/// A template with its slots, one per parameter.
pub(crate) struct CompiledTemplate {
    pub(crate) template: Template,
    /// How many characters the body's own text leaves for the values.
    room: usize,
    slots: Vec<Slot>,
}

/// A placeholder of the body and what fills it in.
struct Slot {
    name: String,
    parameter: Parameter,
    /// How often the body uses it.
    times: usize,
}

impl CompiledTemplate {
    pub(crate) fn of(template: Template) -> Self {
        let layout = Layout::of(&template.body);
        let slot = |(name, parameter): (String, _)| Slot { times: layout.times(&name), name, parameter };
        let slots = template.parameters.by_name().into_iter().map(slot).collect();
        Self { room: MAX_BODY.saturating_sub(layout.fixed), slots, template }
    }

    /// The values for a message, in order, each with its placeholder's name. Each is on one line and not
    /// empty, and with the body's own text they stay within the limit.
    pub(crate) fn fill<'a>(&'a self, message: &'a Outgoing) -> Vec<(&'a str, Cow<'a, str>)> {
        let mut values: Vec<Value<'a>> = self
            .slots
            .iter()
            .map(|Slot { parameter, times, .. }| Value {
                text: parameter.text(message),
                times: *times,
                cut: parameter.cut(),
            })
            .collect();
        fit(&mut values, self.room);
        let names = self.slots.iter().map(|slot| slot.name.as_str());
        names.zip(values.into_iter().map(|value| value.text)).collect()
    }
}
