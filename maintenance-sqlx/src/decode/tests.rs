//! The encoder's keys, the lists of columns and the decoder agree with each other.

use std::collections::BTreeSet;

use maintenance_core::RepositoryError;
use serde_json::{Value, json};

use super::{
    assignment, assignment_change_at, attachment, comment, edited_field_at, kept_inbound, notification_at,
    request, status_change_at, worker,
};
use crate::{
    columns::{
        assignment_columns, assignment_history_columns, attachment_columns, comment_columns, edit_columns,
        editable_columns, history_columns, inbound_columns, notification_columns, request_columns,
        worker_columns,
    },
    encode::{self, Row},
    sqlite::JsonRow,
};

/// Decodes a row whose columns come in the list's order, and encodes the entity again: each value must be
/// back under its column's name, and nulls are left out. No two columns of a row hold the same value, except for some that
/// hold null.
fn there_and_back<T>(
    columns: &[(&str, &str)],
    row: &Value,
    decode: impl Fn(&JsonRow) -> Result<T, RepositoryError>,
    encode: fn(&T) -> Row<'_>,
) {
    let names: BTreeSet<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, columns.iter().map(|(name, _)| *name).collect());
    assert_eq!(names.len(), columns.len(), "a column is listed twice");
    let entity = decode(&columns.iter().map(|(column, _)| stored(&row[*column])).collect()).unwrap();
    let encoded = encode(&entity);
    assert!(encoded.0.iter().map(|(name, _)| name).eq(columns.iter().map(|(name, _)| name)), "another order");
    let mut row = row.clone();
    row.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    assert_eq!(serde_json::to_value(encoded).unwrap(), row);
}

/// A value as SQLite stores it.
fn stored(value: &Value) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) => value.to_string().into(),
        Value::Bool(flag) => i64::from(*flag).into(),
        _ => value.clone(),
    }
}

fn id(n: u8) -> String {
    format!("00000000-0000-4000-8000-0000000000{n:02}")
}

fn at(n: u8) -> String {
    format!("2026-01-02T03:04:05.0000{n:02}Z")
}

#[test]
fn workers_and_their_complexes_go_there_and_back() {
    let row = json!({
        "id": id(1), "organization_id": id(4), "first_name": "Worker", "last_name": "One", "phone_number": "+12025550123",
        "email": "worker@example.com", "specialties": ["plumbing"], "status": "on_leave", "created_at": at(2),
        "updated_at": at(3),
    });
    there_and_back(worker_columns!(list), &row, worker, encode::worker);
    let row = json!({
        "id": id(1), "worker_id": id(2), "complex_id": id(3), "is_primary": true, "assigned_at": at(4),
        "updated_at": at(5),
    });
    there_and_back(assignment_columns!(list), &row, assignment, encode::assignment);
}

#[test]
fn requests_go_there_and_back() {
    let row = json!({
        "id": id(1), "organization_id": id(12), "renter_id": id(2), "title": "The sink leaks", "description": "Since Monday.",
        "status": "completed", "priority": "high", "created_at": at(3), "updated_at": at(5),
        "completed_at": at(4), "property_id": id(6), "location": "Kitchen", "assigned_worker_id": id(7),
        "whatsapp_message_id": "wamid.8", "whatsapp_status": "read", "complex_id": id(9),
        "specialty": "plumbing", "version": 10, "fingerprint": id(11), "hold_reason": "Waiting for parts",
        "hold_until": at(13), "number": 1042,
    });
    there_and_back(request_columns!(list), &row, request, encode::request);
}

#[test]
fn the_histories_go_there_and_back() {
    let row = json!({
        "id": id(1), "request_id": id(2), "previous_status": "pending", "new_status": "in_progress",
        "changed_by": id(3), "changed_at": at(4), "notes": "On my way.",
    });
    there_and_back(history_columns!(list), &row, |row| status_change_at(row, 0), encode::status_change);
    let row = json!({
        "id": id(1), "request_id": id(2), "previous_worker_id": id(3), "new_worker_id": id(4),
        "changed_by": id(5), "changed_at": at(6), "cause": "by_hand", "notes": "She is nearer.",
        "ranking": [],
    });
    let decode = |row: &JsonRow| assignment_change_at(row, 0);
    there_and_back(assignment_history_columns!(list), &row, decode, encode::assignment_change);
}

#[test]
fn edits_go_there_and_back_and_change_the_columns_that_they_name() {
    let until = "2026-01-02T03:04:05.000009Z";
    let hold = json!({"reason": "Waiting for parts", "until": until});
    let mut changed = BTreeSet::new();
    for (field, before, after) in [
        ("title", json!("The sink"), json!("The sink leaks")),
        ("description", json!("It drips."), json!("It pours.")),
        ("location", json!("Kitchen"), json!("Bath")),
        ("priority", json!("low"), json!("emergency")),
        ("specialty", json!("plumbing"), json!("roofing")),
        ("property_id", json!(id(5)), json!(id(6))),
        ("complex_id", json!(id(7)), json!(id(8))),
        ("hold", json!({"reason": "Waiting for a key", "until": null}), hold),
    ] {
        let mut row = json!({
            "id": id(1), "request_id": id(2), "edited_by": id(3), "edited_at": at(4), "field": field,
            "before": before, "after": after,
        });
        let decode = |row: &JsonRow| edited_field_at(row, 0);
        there_and_back(edit_columns!(list), &row, decode, |edit| encode::edited_field(edit).unwrap());
        let columns = |row: &Value| {
            let row: JsonRow = edit_columns!(list).iter().map(|(column, _)| stored(&row[*column])).collect();
            let change = edited_field_at(&row, 0).unwrap().change;
            let columns = encode::changed_columns(&change).unwrap();
            serde_json::from_str::<Value>(&encode::columns(&columns.into_iter().collect())).unwrap()
        };
        let set = columns(&row);
        if field == "hold" {
            assert_eq!(set, json!({"hold_reason": "Waiting for parts", "hold_until": until}));
            row["after"] = Value::Null;
            assert_eq!(columns(&row), json!({"hold_reason": null, "hold_until": null}));
        } else {
            assert_eq!(set, json!({field: after}));
        }
        changed.extend(set.as_object().unwrap().keys().cloned());
    }
    let editable: BTreeSet<_> = editable_columns!(list).iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(changed, editable, "the statements set just these");
}

#[test]
fn comments_and_attachments_go_there_and_back() {
    let row = json!({
        "id": id(1), "request_id": id(2), "user_id": id(3), "user_type": "landlord", "comment": "It drips.",
        "created_at": at(4),
    });
    there_and_back(comment_columns!(list), &row, comment, encode::comment);
    let row = json!({
        "id": id(1), "request_id": id(2), "file_url": "https://files.example.com/sink.jpg",
        "file_type": "image/jpeg", "created_at": at(3),
    });
    there_and_back(attachment_columns!(list), &row, attachment, encode::attachment);
}

#[test]
fn notifications_go_there_and_back() {
    let mut row = json!({
        "id": id(1), "organization_id": id(15), "channel": "north", "request_id": id(2), "worker_id": id(3),
        "renter_id": null, "kind": "answer", "answer": "started", "news": "done", "priority": "emergency",
        "status": "sent", "provider_message_id": "wamid.4", "attempts": 5, "claims": 6, "due_at": at(7),
        "lease": id(8), "error_code": "131026", "error_text": "It can't be delivered.", "since": at(9),
        "created_at": at(10), "sent_at": at(11), "delivered_at": at(12), "read_at": at(13),
        "failed_at": at(14), "acknowledged_at": at(16),
    });
    let decode = |row: &JsonRow| notification_at(row, 0);
    there_and_back(notification_columns!(list), &row, decode, encode::notification);
    (row["worker_id"], row["renter_id"]) = (Value::Null, id(17).into());
    there_and_back(notification_columns!(list), &row, decode, encode::notification);
}

#[test]
fn messages_from_phones_go_there_and_back() {
    let row = json!({
        "id": id(1), "channel": "north", "provider_message_id": "wamid.2", "sender": "12025550123",
        "wa_id": "12025550123", "user_id": "US.3", "kind": "text",
        "payload": {"type": "text", "body": "I come at noon."}, "replies_to": "wamid.4", "sent_at": at(5),
        "received_at": at(6), "due_at": at(7), "lease": id(8), "claims": 9, "organization_id": id(10),
        "request_id": id(11), "asked_at": at(12), "applied_at": at(13), "outcome": "commented",
    });
    let decode = |row: &JsonRow| {
        let mut row = row.clone();
        row.push(1.into());
        kept_inbound(&row)
    };
    there_and_back(inbound_columns!(list), &row, decode, encode::kept_inbound);
}
