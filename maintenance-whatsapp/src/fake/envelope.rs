//! What stands around the statuses and messages of a webhook, and how Meta writes it.

use serde_json::{Value, json};

use super::FakeStatus;

/// The number of the business as Meta displays it; the fake has one for all its numbers.
pub(super) const DISPLAY_NUMBER: &str = "16505551111";

/// The body of a webhook with these statuses, each run of one number's as a change of its own.
pub(super) fn of_statuses(statuses: &[FakeStatus]) -> Vec<u8> {
    let of_one_number = statuses.chunk_by(|one, other| one.phone_number_id == other.phone_number_id);
    let changes = of_one_number.map(|statuses| {
        let id = statuses.first().map(|status| status.phone_number_id.as_str());
        let statuses = statuses.iter().map(FakeStatus::json).collect();
        change(id, vec![("statuses", statuses)])
    });
    body(&changes.collect::<Vec<_>>())
}

/// A change about messages of that number, with these lists.
pub(super) fn change(phone_number_id: Option<&str>, lists: Vec<(&str, Vec<Value>)>) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": DISPLAY_NUMBER, "phone_number_id": phone_number_id},
    });
    if let Some(parts) = value.as_object_mut() {
        parts.extend(lists.into_iter().map(|(name, list)| (name.to_owned(), list.into())));
    }
    json!({"field": "messages", "value": value})
}

/// The body of a webhook with these changes, written as Meta does: non-ASCII and `/` escaped.
pub(super) fn body(changes: &[Value]) -> Vec<u8> {
    let body = json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "102290129340398", "changes": changes}],
    });
    escaped(&body.to_string()).into_bytes()
}

fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '/' => escaped.push_str("\\/"),
            c if c.is_ascii() => escaped.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    escaped.extend([format!("\\u{unit:04x}")]);
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_changes_the_bytes_and_not_the_meaning() {
        let value = json!({"a/b": "é😀\n\""});
        let text = escaped(&value.to_string());
        assert_eq!(text, r#"{"a\/b":"\u00e9\ud83d\ude00\n\""}"#);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
