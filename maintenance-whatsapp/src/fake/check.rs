//! What a request must look like to be accepted: as strict as the real API.

use std::collections::HashMap;

use maintenance_core::PhoneNumber;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::{
    body::{Layout, MAX_BODY, length},
    render_body,
    response::is_message_id,
};

use super::{
    buttons::template_button,
    session::{Shown, check_interactive, check_text as check_session_text},
    templates::{Registered, Templates},
};

/// An error as the API writes it.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub(super) status: u16,
    code: i64,
    subcode: Option<i64>,
    details: String,
}

impl ApiError {
    pub(super) fn new(code: i64, details: impl Into<String>) -> Self {
        Self { status: http_status(code), code, subcode: None, details: details.into() }
    }

    pub(super) const fn with_subcode(mut self, subcode: i64) -> Self {
        self.subcode = Some(subcode);
        self
    }

    pub(super) fn json(&self) -> String {
        let mut error = json!({
            "message": format!("(#{}) {}", self.code, self.details),
            "type": "OAuthException",
            "code": self.code,
            "error_data": {"messaging_product": "whatsapp", "details": self.details},
            "fbtrace_id": "AFakeTraceOfThisError",
        });
        if let (Some(subcode), Some(fields)) = (self.subcode, error.as_object_mut()) {
            fields.insert("error_subcode".to_owned(), subcode.into());
        }
        json!({ "error": error }).to_string()
    }
}

/// The HTTP status that usually comes with a code.
fn http_status(code: i64) -> u16 {
    match code {
        0 | 190 => 401,
        3 | 10 | 200..=299 | 368 | 131_005 | 131_031 | 130_497 => 403,
        4 | 80_007 | 130_429 | 131_056 => 429,
        1 | 131_000 => 500,
        2 | 131_016 | 131_057 | 133_004 => 503,
        _ => 400,
    }
}

/// What is checked besides the body.
pub(super) struct RequestHead<'a> {
    pub(super) version: &'a str,
    pub(super) phone_number_id: &'a str,
    pub(super) authorization: Option<&'a str>,
    pub(super) content_type: Option<&'a str>,
}

/// The parts of an acceptable request.
pub(super) struct Accepted {
    pub(super) to: String,
    pub(super) callback_data: Option<String>,
    /// The message that it quotes.
    pub(super) replies_to: Option<String>,
    /// The template's name, unless it is a message of an open conversation.
    pub(super) template: Option<String>,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) shown: Shown,
}

/// Checks the address and the headers. `numbers` are those that exist, each with its token.
pub(super) fn check_head(
    version: &str,
    numbers: &HashMap<String, SecretString>,
    head: &RequestHead<'_>,
) -> Result<(), ApiError> {
    let token = head.authorization.and_then(|value| value.strip_prefix("Bearer "));
    let is_theirs = |of: &SecretString| token == Some(of.expose_secret());
    if !numbers.values().any(is_theirs) {
        return Err(ApiError::new(190, "Invalid OAuth access token - Cannot parse access token"));
    }
    // A token sees its own number alone.
    if head.version != version || !numbers.get(head.phone_number_id).is_some_and(is_theirs) {
        let missing = ApiError::new(100, "Unsupported post request. The object does not exist");
        return Err(missing.with_subcode(33));
    }
    if head.content_type.is_none_or(|value| !value.starts_with("application/json")) {
        return Err(ApiError::new(100, "The content type must be application/json"));
    }
    Ok(())
}

/// Checks the body. `is_open` says whether a conversation with that number is open.
pub(super) fn check_body(
    templates: &Templates,
    is_open: impl Fn(&str) -> bool,
    body: &[u8],
) -> Result<Accepted, ApiError> {
    let body: Value = serde_json::from_slice(body).map_err(|_| ApiError::new(100, "The body isn't JSON"))?;
    let text = |path: &str| body.pointer(path).and_then(Value::as_str);
    require(text("/messaging_product") == Some("whatsapp"), 100, "messaging_product must be whatsapp")?;
    require(text("/recipient_type") == Some("individual"), 100, "recipient_type must be individual")?;
    let to = text("/to").ok_or_else(|| ApiError::new(131_008, "to is missing"))?;
    require(
        PhoneNumber::try_from(to.to_owned()).is_ok(),
        131_009,
        "to must be a number with + and country code: without them Meta prepends the business's own",
    )?;
    let kind = match text("/type") {
        Some("template") => "template",
        Some("text" | "interactive" | "image" | "document" | "audio" | "video") if !is_open(to) => {
            return Err(ApiError::new(131_047, "No conversation is open: send a template"));
        }
        Some("text") => "text",
        Some("interactive") => "interactive",
        _ => return Err(ApiError::new(100, "type must be a kind of message that the fake takes")),
    };
    check_envelope(&body, kind)?;
    let content = body.get(kind).unwrap_or(&Value::Null);
    let (template, parameters, shown) = match kind {
        "text" => (None, vec![], check_session_text(content)?),
        "interactive" => (None, vec![], check_interactive(content)?),
        _ => {
            let (template, parameters, shown) = check_template(templates, content)?;
            (Some(template), parameters, shown)
        }
    };
    Ok(Accepted {
        to: to.to_owned(),
        callback_data: text("/biz_opaque_callback_data").map(str::to_owned),
        replies_to: text("/context/message_id").map(str::to_owned),
        template,
        parameters,
        shown,
    })
}

/// Checks what stands beside the content of a message of that type.
fn check_envelope(body: &Value, kind: &str) -> Result<(), ApiError> {
    const KNOWN: [&str; 6] =
        ["messaging_product", "recipient_type", "to", "type", "biz_opaque_callback_data", "context"];
    for (name, value) in body.as_object().into_iter().flatten() {
        match name.as_str() {
            "biz_opaque_callback_data" => require(
                value.as_str().is_some_and(|data| length(data) <= 512),
                100,
                "biz_opaque_callback_data must be a text of 512 characters at most",
            )?,
            "context" => {
                let quoted = text(value, "message_id");
                require(
                    quoted.is_some_and(is_message_id),
                    131_009,
                    "context.message_id must be a message's id",
                )?;
            }
            name if name == kind || KNOWN.contains(&name) => {}
            name => return Err(ApiError::new(100, format!("Unexpected key {name}"))),
        }
    }
    Ok(())
}

type Parameters = Vec<(String, String)>;

fn check_template(templates: &Templates, content: &Value) -> Result<(String, Parameters, Shown), ApiError> {
    let language = content.pointer("/language/code").and_then(Value::as_str);
    let template = templates.usable(text(content, "name"), language)?;
    let components = match content.get("components") {
        None => &[],
        Some(Value::Array(components)) => components.as_slice(),
        Some(_) => return Err(ApiError::new(100, "components must be a list")),
    };
    let (buttons, components): (Vec<_>, Vec<_>) =
        components.iter().partition(|component| text(component, "type") == Some("button"));
    let parameters = parameters(template, &components)?;
    let buttons =
        buttons.into_iter().map(|button| template_button(template, button)).collect::<Result<_, _>>()?;
    let rendered = render_body(&template.body, &parameters);
    require(length(&rendered) <= MAX_BODY, 132_005, "Translated text too long")?;
    Ok((template.name.clone(), parameters, Shown { text: rendered, buttons, rows: vec![] }))
}

/// The body's parameters, each with its placeholder's name.
fn parameters(template: &Registered, components: &[&Value]) -> Result<Parameters, ApiError> {
    let mut given = vec![];
    for component in components {
        require(
            text(component, "type") == Some("body"),
            132_018,
            "the template has a body and buttons alone",
        )?;
        let list = component.get("parameters").and_then(Value::as_array);
        given.extend(list.ok_or_else(|| ApiError::new(131_008, "parameters are missing"))?);
    }
    let placeholders = Layout::of(&template.body).placeholders;
    require(
        given.len() == placeholders.len(),
        132_000,
        "Number of parameters does not match the expected number of params",
    )?;
    let named = template.named;
    let mut parameters = Parameters::new();
    for (n, parameter) in given.into_iter().enumerate() {
        require(text(parameter, "type") == Some("text"), 132_012, "the parameter must be a text")?;
        let value = text(parameter, "text").ok_or_else(|| ApiError::new(131_008, "text is missing"))?;
        check_text(value)?;
        let name = if named {
            let name = text(parameter, "parameter_name");
            name.ok_or_else(|| ApiError::new(100, "Parameter name is missing"))?.to_owned()
        } else {
            (n + 1).to_string()
        };
        let known = placeholders.iter().any(|(placeholder, _)| *placeholder == name);
        let twice = parameters.iter().any(|(earlier, _)| *earlier == name);
        require(known && !twice, 132_012, "the parameter isn't one of the template's")?;
        parameters.push((name, value.to_owned()));
    }
    Ok(parameters)
}

fn check_text(value: &str) -> Result<(), ApiError> {
    require(!value.trim().is_empty(), 132_018, "Param text cannot be empty")?;
    require(
        !value.contains(['\n', '\r', '\t']) && !value.contains("     "),
        132_018,
        "Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
    )
}

pub(super) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

pub(super) fn require(holds: bool, code: i64, details: &str) -> Result<(), ApiError> {
    if holds { Ok(()) } else { Err(ApiError::new(code, details)) }
}
