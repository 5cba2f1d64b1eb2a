//! Messages inside an open conversation: what a text, buttons and a list must look like.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::check::{ApiError, require};
use crate::body::length;

/// What a message shows on the phone.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) text: String,
    /// Each button's title and payload.
    pub(super) buttons: Vec<(String, String)>,
    /// Each row's title, description and payload.
    pub(super) rows: Vec<(String, String, String)>,
}

/// Checks a message of the type `text`.
pub(super) fn check_text(content: &Value) -> Result<Shown, ApiError> {
    only(content, &["preview_url", "body"])?;
    let body = content.get("body").and_then(Value::as_str);
    let body = body.ok_or_else(|| ApiError::new(131_008, "text.body is missing"))?;
    require((1..=4096).contains(&length(body)), 100, "text.body must have 1 to 4096 characters")?;
    let preview = content.get("preview_url");
    require(preview.is_none_or(Value::is_boolean), 100, "text.preview_url must be true or false")?;
    Ok(Shown { text: body.to_owned(), ..Shown::default() })
}

/// Checks a message of the type `interactive`.
pub(super) fn check_interactive(content: &Value) -> Result<Shown, ApiError> {
    only(content, &["type", "header", "body", "footer", "action"])?;
    let action =
        content.get("action").ok_or_else(|| ApiError::new(131_008, "interactive.action is missing"))?;
    let body = content.get("body").unwrap_or(&Value::Null);
    match content.get("type").and_then(Value::as_str) {
        Some("button") => {
            let text = text(body, "text", 1..=1024)?;
            only(action, &["buttons"])?;
            Ok(Shown { text, buttons: buttons(action)?, rows: vec![] })
        }
        Some("list") => {
            let text = text(body, "text", 1..=4096)?;
            only(action, &["button", "sections"])?;
            self::text(action, "button", 1..=20)?;
            Ok(Shown { text, buttons: vec![], rows: rows(action)? })
        }
        _ => Err(ApiError::new(131_009, "interactive.type must be button or list")),
    }
}

fn buttons(action: &Value) -> Result<Vec<(String, String)>, ApiError> {
    let given = list(action, "buttons")?;
    require((1..=3).contains(&given.len()), 131_009, "there must be 1 to 3 buttons")?;
    let mut buttons = vec![];
    for button in given {
        require(button.get("type") == Some(&"reply".into()), 131_009, "a button's type must be reply")?;
        let reply = button.get("reply").unwrap_or(&Value::Null);
        buttons.push((text(reply, "title", 1..=20)?, text(reply, "id", 1..=256)?));
    }
    unique(buttons.iter().map(|(title, _)| title), "the buttons' titles must differ")?;
    unique(buttons.iter().map(|(_, id)| id), "the buttons' ids must differ")?;
    Ok(buttons)
}

fn rows(action: &Value) -> Result<Vec<(String, String, String)>, ApiError> {
    let sections = list(action, "sections")?;
    require(!sections.is_empty(), 131_009, "there must be a section")?;
    let mut rows = vec![];
    for section in sections {
        if sections.len() > 1 || section.get("title").is_some() {
            text(section, "title", 1..=24)?;
        }
        for row in list(section, "rows")? {
            let description = row.get("description").map(|_| text(row, "description", 1..=72)).transpose()?;
            let (title, id) = (text(row, "title", 1..=24)?, text(row, "id", 1..=200)?);
            rows.push((title, description.unwrap_or_default(), id));
        }
    }
    require((1..=10).contains(&rows.len()), 131_009, "there must be 1 to 10 rows in all")?;
    unique(rows.iter().map(|(_, _, id)| id), "the rows' ids must differ")?;
    Ok(rows)
}

fn text(of: &Value, name: &str, lengths: std::ops::RangeInclusive<usize>) -> Result<String, ApiError> {
    let text = of.get(name).and_then(Value::as_str);
    let text = text.ok_or_else(|| ApiError::new(131_008, format!("{name} is missing")))?;
    let (least, most) = (lengths.start(), lengths.end());
    if !lengths.contains(&length(text)) {
        return Err(ApiError::new(131_009, format!("{name} must have {least} to {most} characters")));
    }
    Ok(text.to_owned())
}

fn list<'a>(of: &'a Value, name: &str) -> Result<&'a Vec<Value>, ApiError> {
    let list = of.get(name).and_then(Value::as_array);
    list.ok_or_else(|| ApiError::new(131_008, format!("{name} is missing")))
}

/// Refuses an object with names that aren't known, and what is no object.
fn only(of: &Value, known: &[&str]) -> Result<(), ApiError> {
    let empty = Map::new();
    let unknown = of.as_object().unwrap_or(&empty).keys().find(|name| !known.contains(&name.as_str()));
    match unknown {
        _ if !of.is_object() => Err(ApiError::new(131_008, "a part is missing that must be an object")),
        Some(name) => Err(ApiError::new(100, format!("Unexpected key {name}"))),
        None => Ok(()),
    }
}

fn unique<'a>(mut texts: impl Iterator<Item = &'a String>, rule: &str) -> Result<(), ApiError> {
    let mut seen = HashSet::new();
    require(texts.all(|text| seen.insert(text)), 131_009, rule)
}
