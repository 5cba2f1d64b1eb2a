//! The templates as Meta's API takes them when they are registered.

use maintenance_core::{News, NotificationKind, Priority, Specialty};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Parameter, Parameters, Template, Wording, wording::Use};

/// A template in one language as Meta registers it. As JSON it is the body of a
/// `POST {base}/{version}/{business account id}/message_templates`.
///
/// ```
/// use maintenance_whatsapp::{Wording, Wordings};
///
/// let wordings = Wordings::new(Wording::english()).with(Wording::spanish());
/// for registration in wordings.iter().flat_map(Wording::registrations) {
///     let body = serde_json::to_string(&registration)?; // to be posted with the token as its bearer
///     println!("{} in {}: {body}", registration.name, registration.language);
/// }
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Registration {
    /// The kind of message that the template is for. Meta doesn't ask for it.
    #[serde(skip)]
    pub kind: NotificationKind,
    /// Which news it tells, for the kind [`News`](NotificationKind::News). Meta doesn't ask for it either.
    #[serde(skip)]
    pub news: Option<News>,
    /// The template's name.
    pub name: String,
    /// The code of its language.
    pub language: String,
    /// `UTILITY`: every template is about work that its recipient was given or asked for.
    pub category: &'static str,
    /// `POSITIONAL` or `NAMED`, as its [`Parameters`] are.
    pub parameter_format: &'static str,
    /// The component `BODY` with an example value for each placeholder, and for a template with quick-reply buttons the
    /// component `BUTTONS`.
    pub components: Vec<Value>,
}

impl Wording {
    /// The templates to register with Meta for this language, one per kind of message, and one for each news that renters can
    /// be told. Leave out the news that yours aren't told.
    ///
    /// ```
    /// use maintenance_whatsapp::Wording;
    ///
    /// let registrations = Wording::english().registrations();
    /// assert_eq!(registrations[0].name, "maintenance_request");
    /// assert_eq!(registrations[0].components[1]["buttons"][0]["text"], "Accept");
    /// ```
    pub fn registrations(&self) -> Vec<Registration> {
        self.all_templates().map(|(of, template)| registration(self, of, template)).collect()
    }
}

fn registration(wording: &Wording, (kind, news): Use, template: &Template) -> Registration {
    let Template { name, body, parameters, buttons } = template;
    let mut components = vec![body_component(wording, body, parameters)];
    if !buttons.is_empty() {
        let button = |&action| json!({"type": "QUICK_REPLY", "text": wording.button(action)});
        let buttons: Vec<Value> = buttons.iter().map(button).collect();
        components.push(json!({"type": "BUTTONS", "buttons": buttons}));
    }
    Registration {
        kind,
        news,
        name: name.clone(),
        language: wording.language.clone(),
        category: "UTILITY",
        parameter_format: if parameters.are_named() { "NAMED" } else { "POSITIONAL" },
        components,
    }
}

fn body_component(wording: &Wording, text: &str, parameters: &Parameters) -> Value {
    let values =
        parameters.by_name().into_iter().map(|(name, parameter)| (name, example(parameter, wording)));
    let examples = match parameters {
        _ if values.len() == 0 => return json!({"type": "BODY", "text": text}),
        Parameters::Positional(_) => {
            json!({"body_text": [values.map(|(_, value)| value).collect::<Vec<_>>()]})
        }
        Parameters::Named(_) => {
            let value = |(name, value)| json!({"param_name": name, "example": value});
            json!({"body_text_named_params": values.map(value).collect::<Vec<_>>()})
        }
    };
    json!({"type": "BODY", "text": text, "example": examples})
}

/// What a person who reviews the template sees in the parameter's place.
fn example(parameter: Parameter, wording: &Wording) -> String {
    let [title, description, location] = request(&wording.language);
    match parameter {
        Parameter::RequestId => "0b7c1d7e-9d43-4c5e-8f07-7b1f6f6a2c11".to_owned(),
        Parameter::Number => "#1042".to_owned(),
        Parameter::Title => title.to_owned(),
        Parameter::Description => description.to_owned(),
        Parameter::Priority => wording.priority(Priority::High).to_owned(),
        Parameter::Place => "Riverside, 12 Quay Street".to_owned(),
        Parameter::Location => location.to_owned(),
        Parameter::Specialty => wording.trade(&Specialty::PLUMBING),
        Parameter::Hold => wording.no_hold.clone(),
        Parameter::RenterName => "Alex Example".to_owned(),
        Parameter::RenterPhone => "+12025550123".to_owned(),
        Parameter::Answer => wording.answer(maintenance_core::Answer::Accepted, false).to_owned(),
    }
}

/// The title, the description and the location of a request, in that language if this crate has it.
fn request(language: &str) -> [&'static str; 3] {
    match language.split('_').next() {
        Some("es") => ["Gotea el fregadero", "Hay agua en el suelo de la cocina", "Cocina"],
        Some("fr") => ["L'évier fuit", "Il y a de l'eau sur le sol de la cuisine", "Cuisine"],
        Some("pt") => ["Vazamento na pia", "Há água no chão da cozinha", "Cozinha"],
        Some("ar") => ["تسرب في المغسلة", "يوجد ماء على أرض المطبخ", "المطبخ"],
        Some("hi") => ["सिंक से पानी टपक रहा है", "रसोई के फ़र्श पर पानी है", "रसोई"],
        _ => ["The sink leaks", "There is water on the kitchen floor", "Kitchen"],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use maintenance_core::Action;

    use super::*;
    use crate::{
        Wordings,
        body::{Layout, MAX_BODY, length},
        render_body,
        session::MAX_BUTTON,
    };

    fn all() -> Vec<Registration> {
        Wordings::default().iter().flat_map(Wording::registrations).collect()
    }

    /// The example values of the body, in order.
    fn examples(registration: &Registration) -> Vec<String> {
        let values = registration.components[0].pointer("/example/body_text/0").unwrap();
        serde_json::from_value(values.clone()).unwrap()
    }

    #[test]
    fn each_kind_is_registered_once_in_each_language() {
        let all = all();
        let keys: BTreeSet<_> = all.iter().map(|it| (it.kind, it.news, it.language.as_str())).collect();
        let uses = NotificationKind::ALL.len() - 1 + News::ALL.len();
        assert_eq!((all.len(), keys.len()), (uses * 6, all.len()));
        let names: BTreeSet<_> = all.iter().map(|it| (&it.name, &it.language)).collect();
        assert_eq!(names.len(), all.len(), "Meta tells templates apart by name and language");
    }

    #[test]
    fn the_body_is_what_meta_asks_for() {
        assert_eq!(
            serde_json::to_string(&Wording::english().registrations()[0]).unwrap(),
            concat!(
                r#"{"name":"maintenance_request","language":"en","category":"UTILITY","#,
                r#""parameter_format":"POSITIONAL","components":[{"example":{"body_text":[["#,
                r##""#1042","The sink leaks","high","Riverside, 12 Quay Street","Kitchen","##,
                r#""There is water on the kitchen floor","Alex Example","+12025550123"]]},"#,
                r#""text":"New job {{1}}: {{2}}\nPriority: {{3}}\nBuilding: {{4}}\nWhere: {{5}}\n"#,
                r#"What is wrong: {{6}}\nRenter: {{7}}, phone {{8}}\n"#,
                r#"This job is assigned to you. Please tell us below whether you can do it.","#,
                r#""type":"BODY"},{"buttons":[{"text":"Accept","type":"QUICK_REPLY"},"#,
                r#"{"text":"I can't do it","type":"QUICK_REPLY"}],"type":"BUTTONS"}]}"#,
            )
        );
    }

    #[test]
    fn placeholders_are_numbered_from_one_and_each_has_an_example_in_every_language() {
        for it in all() {
            let body = it.components[0]["text"].as_str().unwrap();
            let names: Vec<String> =
                Layout::of(body).placeholders.into_iter().map(|(name, _)| name).collect();
            let numbers: Vec<String> = (1..=names.len()).map(|n| n.to_string()).collect();
            assert_eq!(names, numbers, "{} {}", it.name, it.language);
            let examples = examples(&it);
            assert_eq!(examples.len(), names.len(), "{} {}", it.name, it.language);
            assert!(examples.iter().all(|value| !value.trim().is_empty() && !value.contains(['\n', '\t'])));
            let values: Vec<_> = names.iter().zip(&examples).collect();
            assert!(length(&render_body(body, &values)) <= MAX_BODY, "{} {}", it.name, it.language);
            assert!(length(body) <= MAX_BODY, "{} {}", it.name, it.language);
        }
    }

    #[test]
    fn buttons_are_quick_replies_with_short_titles() {
        for it in all() {
            let titles: Vec<&str> = it
                .components
                .iter()
                .filter_map(|component| component["buttons"].as_array())
                .flatten()
                .inspect(|button| assert_eq!(button["type"], "QUICK_REPLY"))
                .map(|button| button["text"].as_str().unwrap())
                .collect();
            assert_eq!(titles.len(), if it.kind == NotificationKind::Assignment { 2 } else { 0 });
            assert!(titles.iter().all(|title| (1..=MAX_BUTTON).contains(&length(title))), "{titles:?}");
        }
    }

    #[test]
    fn named_parameters_are_registered_with_their_names() {
        let template = Template {
            name: "own".to_owned(),
            body: "Work in room {{room}} for you.".to_owned(),
            parameters: Parameters::Named(vec![("room".to_owned(), Parameter::Location)]),
            buttons: vec![Action::Done],
        };
        let wording = Wording::spanish().template(NotificationKind::Changed, template);
        let registration = wording.registrations().into_iter().find(|it| it.name == "own").unwrap();
        assert_eq!(registration.parameter_format, "NAMED");
        assert_eq!(
            registration.components,
            [
                json!({"type": "BODY", "text": "Work in room {{room}} for you.", "example":
                    {"body_text_named_params": [{"param_name": "room", "example": "Cocina"}]}}),
                json!({"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Terminado"}]}),
            ]
        );
    }

    #[test]
    fn a_body_without_placeholders_has_no_example() {
        let plain = |parameters| Template {
            name: "plain".to_owned(),
            body: "There is work for you.".to_owned(),
            parameters,
            buttons: vec![],
        };
        for parameters in [Parameters::Positional(vec![]), Parameters::Named(vec![])] {
            let wording = Wording::english().template(NotificationKind::Assignment, plain(parameters));
            let components = &wording.registrations()[0].components;
            assert_eq!(components, &[json!({"type": "BODY", "text": "There is work for you."})]);
        }
    }
}
