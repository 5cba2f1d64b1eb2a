//! The body of a send request, in the API's JSON.

use std::borrow::Cow;

use maintenance_core::{NotificationId, Outgoing};
use serde::Serialize;

use crate::Template;

#[derive(Serialize)]
pub(crate) struct Payload<'a> {
    messaging_product: &'static str,
    recipient_type: &'static str,
    to: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    template: TemplateMessage<'a>,
    /// The webhooks return it, so that a message is found even when the response to its send was lost.
    biz_opaque_callback_data: NotificationId,
}

#[derive(Serialize)]
struct TemplateMessage<'a> {
    name: &'a str,
    language: Language<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<[Component<'a>; 1]>,
}

#[derive(Serialize)]
struct Language<'a> {
    code: &'a str,
}

#[derive(Serialize)]
struct Component<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    parameters: Vec<TextParameter<'a>>,
}

#[derive(Serialize)]
struct TextParameter<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter_name: Option<&'a str>,
    text: &'a str,
}

impl<'a> Payload<'a> {
    /// A template message with these values, each with its placeholder's name.
    pub(crate) fn new(
        template: &'a Template,
        values: &'a [(&'a str, Cow<'a, str>)],
        message: &'a Outgoing,
    ) -> Self {
        let named = template.parameters.are_named();
        let parameters = values.iter().map(|(name, text)| TextParameter {
            kind: "text",
            parameter_name: named.then_some(*name),
            text,
        });
        let body = Component { kind: "body", parameters: parameters.collect() };
        Self {
            messaging_product: "whatsapp",
            recipient_type: "individual",
            to: message.to.phone_number().as_str(),
            kind: "template",
            template: TemplateMessage {
                name: &template.name,
                language: Language { code: &template.language },
                components: (!values.is_empty()).then_some([body]),
            },
            biz_opaque_callback_data: message.notification_id,
        }
    }
}
