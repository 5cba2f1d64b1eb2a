//! The quick-reply buttons of a template.

use serde_json::Value;

use super::{
    check::{ApiError, require, text},
    templates::Registered,
};
use crate::body::length;

/// Checks a component that gives a quick-reply button its payload; returns the button's title and the payload.
pub(super) fn template_button(
    template: &Registered,
    component: &Value,
) -> Result<(String, String), ApiError> {
    require(text(component, "sub_type") == Some("quick_reply"), 132_018, "the buttons are quick replies")?;
    let index = text(component, "index").and_then(|index| index.parse::<usize>().ok());
    let title = index.and_then(|index| template.buttons.get(index));
    let title = title
        .ok_or_else(|| ApiError::new(132_018, "index must be the place of a button, from 0, as a text"))?;
    let Some([parameter]) = component.get("parameters").and_then(Value::as_array).map(Vec::as_slice) else {
        return Err(ApiError::new(131_008, "a button must have one parameter"));
    };
    require(text(parameter, "type") == Some("payload"), 132_018, "the parameter must be a payload")?;
    let payload = text(parameter, "payload").filter(|payload| !payload.is_empty());
    let payload = payload.ok_or_else(|| ApiError::new(131_008, "payload is missing"))?;
    require(length(payload) <= 128, 132_018, "payload must have 128 characters at most")?;
    Ok((title.clone(), payload.to_owned()))
}
