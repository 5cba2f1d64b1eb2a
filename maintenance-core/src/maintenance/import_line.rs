//! Reading one line of an import: every wrong field is noted, and no value is quoted.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    model::{
        AssignmentChange, Attachment, Comment, EditedField, Hold, Ranked, Request, RequestRecord,
        StatusChange, WhatsAppStatus,
    },
    values::{Fingerprint, Invalid, OrganizationId, RequestNumber, Rule, Text, whole_micros},
};

/// How many bytes a line may have. It bounds what one step writes, so that it ends within a call's time limit.
pub(super) const MAX_LINE: usize = 16 * 1024 * 1024;

/// The line as JSON, from which [`record`] takes the fields.
pub(super) fn parse(line: &[u8]) -> Result<Value, Invalid> {
    if line.len() > MAX_LINE {
        return Err(Invalid::field("line", format!("has {} bytes; it may have {MAX_LINE}", line.len())));
    }
    // The parser's own error may quote the line.
    let no_json = |error: serde_json::Error| format!("is no JSON: the error is at byte {}", error.column());
    serde_json::from_slice(line).map_err(|error| Invalid::field("line", no_json(error)))
}

/// The request's id, if the line has one.
pub(super) fn request_id<T: From<Uuid>>(line: &Value) -> Option<T> {
    id(line.get("request")?.get("id")?).ok()
}

/// The record as the JSON of a [`RequestRecord`] says it. A line that names no organisation is that organisation's. What
/// an older system can't know may be missing: the rows of each table, `completed_at`, `assigned_worker_id`, `specialty`,
/// `fingerprint`, `version`, `hold` and the two `whatsapp` fields. Messages are passed over, and so is the number: the
/// store gives one of its own.
pub(super) fn record(line: &Value, organization: OrganizationId) -> Result<RequestRecord, Invalid> {
    let mut invalid = Invalid::default();
    let Some(line) = line.as_object() else {
        return Err(Invalid::field("line", "must be a JSON object with the field `request`"));
    };
    let request = if let Some(object) = line.get("request").and_then(Value::as_object) {
        request(Fields { object, path: "request".into(), invalid: &mut invalid }, organization).ok()
    } else {
        invalid.push("request", "must be an object with the request's fields");
        None
    };
    let history = rows(line, "history", &mut invalid, status_change);
    let assignments = rows(line, "assignments", &mut invalid, assignment_change);
    let edits = rows(line, "edits", &mut invalid, edit);
    let comments = rows(line, "comments", &mut invalid, comment);
    let attachments = rows(line, "attachments", &mut invalid, attachment);
    let record = request.map(|request| RequestRecord {
        request,
        history,
        assignments,
        edits,
        comments,
        attachments,
        notifications: Vec::new(),
    });
    invalid.finish(record)
}

/// The rows of a table. Those that can't be read are left out, and noted.
fn rows<T>(
    line: &Map<String, Value>,
    table: &'static str,
    invalid: &mut Invalid,
    read: impl Fn(Fields<'_>) -> Result<T, Noted>,
) -> Vec<T> {
    let rows = match line.get(table) {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(rows)) => rows,
        Some(_) => {
            invalid.push(table, "must be a list");
            return Vec::new();
        }
    };
    let read_row = |(n, row): (usize, &Value)| {
        let path = format!("{table}[{n}]");
        let Some(object) = row.as_object() else {
            invalid.push(path, "must be an object");
            return None;
        };
        read(Fields { object, path, invalid }).ok()
    };
    rows.iter().enumerate().filter_map(read_row).collect()
}

fn request(mut read: Fields<'_>, organization: OrganizationId) -> Result<Request, Noted> {
    let id_ = read.required("id", id);
    let organization_id = read.optional("organization_id", id);
    let renter_id = read.required("renter_id", id);
    let title = read.required("title", text);
    let description = read.required("description", text);
    let status = read.required("status", word);
    let priority = read.required("priority", word);
    let created_at = read.required("created_at", time);
    let updated_at = read.required("updated_at", time);
    let completed_at = read.optional("completed_at", time);
    let property_id = read.required("property_id", id);
    let location = read.required("location", text);
    let assigned_worker_id = read.optional("assigned_worker_id", id);
    let whatsapp_message_id = read.optional("whatsapp_message_id", text::<Text<255>>);
    let whatsapp_status = read.optional("whatsapp_status", word);
    let complex_id = read.required("complex_id", id);
    let specialty = read.optional("specialty", text);
    let version = read.optional("version", count);
    let fingerprint = read.optional("fingerprint", id::<Fingerprint>);
    let hold = read.optional("hold", hold);
    Ok(Request {
        id: id_?,
        organization_id: organization_id?.unwrap_or(organization),
        renter_id: renter_id?,
        title: title?,
        description: description?,
        status: status?,
        priority: priority?,
        created_at: created_at?,
        updated_at: updated_at?,
        completed_at: completed_at?,
        property_id: property_id?,
        location: location?,
        assigned_worker_id: assigned_worker_id?,
        whatsapp_message_id: whatsapp_message_id?.map(String::from),
        whatsapp_status: whatsapp_status?.unwrap_or(WhatsAppStatus::Pending),
        complex_id: complex_id?,
        specialty: specialty?,
        version: version?.unwrap_or(1),
        fingerprint: fingerprint?,
        hold: hold?,
        number: RequestNumber::NONE,
    })
}

fn status_change(mut read: Fields<'_>) -> Result<StatusChange, Noted> {
    let id_ = read.required("id", id);
    let request_id = read.required("request_id", id);
    let previous_status = read.required("previous_status", word);
    let new_status = read.required("new_status", word);
    let changed_by = read.required("changed_by", id);
    let changed_at = read.required("changed_at", time);
    let notes = read.optional("notes", text);
    Ok(StatusChange {
        id: id_?,
        request_id: request_id?,
        previous_status: previous_status?,
        new_status: new_status?,
        changed_by: changed_by?,
        changed_at: changed_at?,
        notes: notes?,
    })
}

fn assignment_change(mut read: Fields<'_>) -> Result<AssignmentChange, Noted> {
    let id_ = read.required("id", id);
    let request_id = read.required("request_id", id);
    let previous_worker_id = read.optional("previous_worker_id", id);
    let new_worker_id = read.optional("new_worker_id", id);
    let changed_by = read.required("changed_by", id);
    let changed_at = read.required("changed_at", time);
    let cause = read.required("cause", word);
    let notes = read.optional("notes", text);
    let ranking = read.optional("ranking", ranking);
    Ok(AssignmentChange {
        id: id_?,
        request_id: request_id?,
        previous_worker_id: previous_worker_id?,
        new_worker_id: new_worker_id?,
        changed_by: changed_by?,
        changed_at: changed_at?,
        cause: cause?,
        notes: notes?,
        ranking: ranking?.unwrap_or_default(),
    })
}

/// An edit is tagged by its field, so it is read as a whole.
fn edit(mut read: Fields<'_>) -> Result<EditedField, Noted> {
    let edit = serde_json::from_value(Value::Object(read.object.clone()));
    edit.map_err(|_| {
        read.note("field", "must be an edit as the engine writes it, with its values before and after")
    })
}

fn comment(mut read: Fields<'_>) -> Result<Comment, Noted> {
    let id_ = read.required("id", id);
    let request_id = read.required("request_id", id);
    let user_id = read.required("user_id", id);
    let user_type = read.required("user_type", word);
    let comment = read.required("comment", text);
    let created_at = read.required("created_at", time);
    Ok(Comment {
        id: id_?,
        request_id: request_id?,
        user_id: user_id?,
        user_type: user_type?,
        comment: comment?,
        created_at: created_at?,
    })
}

fn attachment(mut read: Fields<'_>) -> Result<Attachment, Noted> {
    let id_ = read.required("id", id);
    let request_id = read.required("request_id", id);
    let file_url = read.required("file_url", text);
    let file_type = read.required("file_type", text);
    let created_at = read.required("created_at", time);
    Ok(Attachment {
        id: id_?,
        request_id: request_id?,
        file_url: file_url?,
        file_type: file_type?,
        created_at: created_at?,
    })
}

/// The fields of one object.
struct Fields<'a> {
    object: &'a Map<String, Value>,
    path: String,
    invalid: &'a mut Invalid,
}

impl Fields<'_> {
    /// The field's value, or `None` where it is null or missing.
    fn optional<T>(
        &mut self,
        name: &str,
        read: impl Fn(&Value) -> Result<T, Rule>,
    ) -> Result<Option<T>, Noted> {
        match self.object.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match read(value) {
                Ok(value) => Ok(Some(value)),
                Err(rule) => Err(self.note(name, rule.to_string())),
            },
        }
    }

    fn required<T>(&mut self, name: &str, read: impl Fn(&Value) -> Result<T, Rule>) -> Result<T, Noted> {
        self.optional(name, read)?.ok_or_else(|| self.note(name, "is missing"))
    }

    fn note(&mut self, name: &str, rule: impl Into<String>) -> Noted {
        self.invalid.push(format!("{}.{name}", self.path), rule);
        Noted
    }
}

/// The field is wrong, and what is wrong is noted.
#[derive(Clone, Copy)]
struct Noted;

fn string(value: &Value) -> Result<&str, Rule> {
    value.as_str().ok_or_else(|| Rule::new("must be a string"))
}

fn text<T: TryFrom<String, Error = Rule>>(value: &Value) -> Result<T, Rule> {
    T::try_from(string(value)?.to_owned())
}

fn word<T: FromStr<Err = Rule>>(value: &Value) -> Result<T, Rule> {
    string(value)?.parse()
}

fn id<T: From<Uuid>>(value: &Value) -> Result<T, Rule> {
    let uuid = value.as_str().and_then(|text| Uuid::try_parse(text).ok());
    uuid.map(T::from).ok_or_else(|| Rule::new("must be a UUID, as in 5e0c1a52-6d3f-4c0e-9b7a-3f2d8c4b1a60"))
}

fn time(value: &Value) -> Result<DateTime<Utc>, Rule> {
    let at = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    let at = at.map(|at| whole_micros(at.to_utc()));
    at.ok_or_else(|| Rule::new("must be a time by RFC 3339, as in 2026-01-02T03:04:05.000006Z"))
}

fn count(value: &Value) -> Result<u32, Rule> {
    let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
    count.ok_or_else(|| Rule::new("must be a whole number from 0"))
}

fn ranking(value: &Value) -> Result<Vec<Ranked>, Rule> {
    serde_json::from_value(value.clone()).map_err(|_| Rule::new("must be a ranking as the engine writes it"))
}

fn hold(value: &Value) -> Result<Hold, Rule> {
    serde_json::from_value(value.clone()).map_err(|_| {
        Rule::new("must be an object with `reason`, 1 to 200 characters, and `until`, a time or null")
    })
}
