//! A template prepared for filling in: its placeholders are found once, not for each message.

use std::borrow::Cow;

use maintenance_core::Outgoing;

use crate::{
    Parameter, Template, Wording,
    body::{Layout, MAX_BODY},
    fit::{Value, fit},
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
    pub(crate) fn fill<'a>(
        &'a self,
        message: &'a Outgoing,
        wording: &'a Wording,
    ) -> Vec<(&'a str, Cow<'a, str>)> {
        let mut values: Vec<Value<'a>> = self
            .slots
            .iter()
            .map(|Slot { parameter, times, .. }| Value {
                text: parameter.text(message, wording),
                times: *times,
                cut: parameter.cut(),
            })
            .collect();
        fit(&mut values, self.room);
        let names = self.slots.iter().map(|slot| slot.name.as_str());
        names.zip(values.into_iter().map(|value| value.text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use maintenance_core::{
        Answer, Content, Description, Hold, HoldReason, Location, Name, News, NotificationKind, PhoneNumber,
        Place, PlaceText, Priority, Recipient, RenterContact, RequestNumber, Specialty, Title,
    };
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::{body::length, render_body};

    /// Texts in several scripts, with marks, joined emoji, white space and characters that turn the direction of writing.
    const TEXT: &str = "[ -~\u{300}-\u{36F}\u{5D0}-\u{5EA}\u{61C}-\u{64A}\u{900}-\u{97F}\u{4E00}-\u{4EFF}\u{200B}-\u{200F}\u{202A}-\u{202E}\u{2066}-\u{2069}\u{1F1E6}-\u{1F1FF}\u{1F468}-\u{1F527}\n\t]{1,100}";

    /// A message whose every text is that one, as often as its field has room for it.
    fn message(kind: NotificationKind, text: &str, long: usize, answer: Answer) -> Option<Outgoing> {
        let phone_number = PhoneNumber::try_from("+12025550123".to_owned()).ok()?;
        let place = Some(PlaceText::new(text).ok()?);
        let content = Content::new(
            Uuid::from_u128(7).into(),
            Title::new(text).ok()?,
            Description::new(&text.repeat(long)).ok()?,
            Priority::Emergency,
            Location::new(text).ok()?,
            Some(Specialty::HVAC),
        )
        .number(RequestNumber::new(u32::try_from(long).ok()?))
        .hold(Some(Hold { reason: HoldReason::new(text).ok()?, until: Some(chrono::DateTime::UNIX_EPOCH) }))
        .place(Some(Place { complex: place.clone(), address: place.clone(), unit: place }))
        .renter(Some(RenterContact {
            name: Name::new(text).ok()?,
            phone_number: Some(phone_number.clone()),
            language: None,
        }));
        let to = Recipient::Worker { id: Uuid::from_u128(8).into(), phone_number };
        Some(Outgoing::new(Uuid::from_u128(9).into(), kind, to, content).answer(Some(answer), vec![]))
    }

    proptest! {
        #[test]
        fn no_template_message_exceeds_a_limit_in_any_language(
            text in TEXT,
            long in 0..20_usize,
            kind in proptest::sample::select(NotificationKind::ALL),
            news in proptest::sample::select(News::ALL),
            answer in proptest::sample::select(Answer::ALL),
        ) {
            let Some(message) = message(kind, &text, long, answer) else { return Ok(()) };
            for wording in Wording::all() {
                let of_kind = if kind == NotificationKind::News { &wording.news[&news] } else { &wording.templates[&kind] };
                let compiled = CompiledTemplate::of(of_kind.clone());
                let values = compiled.fill(&message, &wording);
                let text = render_body(&compiled.template.body, &values);
                prop_assert!(length(&text) <= MAX_BODY);
                for (_, value) in &values {
                    prop_assert!(!value.trim().is_empty() && !value.contains(['\n', '\t']) && !value.contains("  "));
                    let turns = value.chars().any(|c| ('\u{2066}'..='\u{2069}').contains(&c));
                    prop_assert!(!turns);
                }
                if kind == NotificationKind::Answer {
                    prop_assert!(values.iter().any(|(_, value)| value == wording.answer(answer, false)));
                }
            }
        }
    }
}
