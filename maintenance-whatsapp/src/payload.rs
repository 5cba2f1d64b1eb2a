//! The body of a send request, in the API's JSON.

use std::borrow::Cow;

use maintenance_core::{NotificationId, Outgoing, Tap};
use serde::Serialize;

use crate::{
    Template,
    session::{Interactive, Session, Text},
};

#[derive(Serialize)]
pub(crate) struct Payload<'a> {
    messaging_product: &'static str,
    recipient_type: &'static str,
    to: &'a str,
    #[serde(flatten)]
    kind: Kind<'a>,
    /// The webhooks return it, so that a message is found even when the response to its send was lost.
    biz_opaque_callback_data: NotificationId,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Kind<'a> {
    Template { template: TemplateMessage<'a> },
    Text { text: Text },
    Interactive { interactive: Interactive<'a> },
}

#[derive(Serialize)]
struct TemplateMessage<'a> {
    name: &'a str,
    language: Language<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<Component<'a>>,
}

#[derive(Serialize)]
struct Language<'a> {
    code: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Component<'a> {
    Body { parameters: Vec<TextParameter<'a>> },
    Button { sub_type: &'static str, index: String, parameters: [PayloadParameter; 1] },
}

#[derive(Serialize)]
struct TextParameter<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter_name: Option<&'a str>,
    text: &'a str,
}

/// What the tap on a template's button brings back.
#[derive(Serialize)]
struct PayloadParameter {
    #[serde(rename = "type")]
    kind: &'static str,
    payload: String,
}

impl<'a> Payload<'a> {
    /// A template message in that language with these values, each with its placeholder's name.
    pub(crate) fn template(
        template: &'a Template,
        language: &'a str,
        values: &'a [(&'a str, Cow<'a, str>)],
        message: &'a Outgoing,
    ) -> Self {
        let named = template.parameters.are_named();
        let text = |(name, text): &'a (&'a str, Cow<'a, str>)| TextParameter {
            kind: "text",
            parameter_name: named.then_some(*name),
            text,
        };
        let body =
            (!values.is_empty()).then(|| Component::Body { parameters: values.iter().map(text).collect() });
        let buttons = template.buttons.iter().enumerate().map(|(index, &action)| {
            let tap = Tap { action, on: message.notification_id, request: None };
            let parameter = PayloadParameter { kind: "payload", payload: tap.to_string() };
            Component::Button { sub_type: "quick_reply", index: index.to_string(), parameters: [parameter] }
        });
        let template = TemplateMessage {
            name: &template.name,
            language: Language { code: language },
            components: body.into_iter().chain(buttons).collect(),
        };
        Self::new(Kind::Template { template }, message)
    }

    /// A message inside an open conversation.
    pub(crate) fn session(session: Session<'a>, message: &'a Outgoing) -> Self {
        let kind = match session {
            Session::Text(text) => Kind::Text { text },
            Session::Interactive(interactive) => Kind::Interactive { interactive },
        };
        Self::new(kind, message)
    }

    fn new(kind: Kind<'a>, message: &'a Outgoing) -> Self {
        Self {
            messaging_product: "whatsapp",
            recipient_type: "individual",
            to: message.to.phone_number().as_str(),
            kind,
            biz_opaque_callback_data: message.notification_id,
        }
    }
}
