//! Entities to rows for both databases: one JSON object per row, with the table's columns as its keys.
//!
//! A statement takes any number of rows as one JSON parameter. PostgreSQL reads it by the table's row type
//! (`json_populate_recordset`), SQLite by `json_each`. Both read ids and times from the same text.

use chrono::{DateTime, SecondsFormat, Utc};
use maintenance_core::{
    AssignmentChange, Attachment, Comment, ComplexAssignment, Filing, Notification, Request, StatusChange,
    Worker,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::storable::clamp_to_storable;

/// The row as the JSON parameter of a statement that takes one. PostgreSQL's planner expects a hundred rows of a set, for
/// which it would read a whole table.
#[cfg(feature = "postgres")]
pub(crate) fn row(row: &Value) -> String {
    row.to_string()
}

/// The rows as the one JSON parameter that a statement takes. Nulls are left out, since both databases read a missing
/// key as null, and a third of a new message's columns are.
pub(crate) fn rows(rows: impl IntoIterator<Item = Value>) -> String {
    let rows = rows.into_iter().map(|mut row| {
        if let Some(columns) = row.as_object_mut() {
            columns.retain(|_, value| !value.is_null());
        }
        row
    });
    rows.collect::<Value>().to_string()
}

/// An id as hyphenated lower-case text.
pub(crate) fn id(id: impl Into<Uuid>) -> String {
    id.into().hyphenated().to_string()
}

/// A time as text of fixed width, so that the texts sort by time.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    clamp_to_storable(at).to_rfc3339_opts(SecondsFormat::Micros, true)
}

pub(crate) fn worker(worker: &Worker) -> Value {
    json!({
        "id": id(worker.id),
        "first_name": worker.first_name,
        "last_name": worker.last_name,
        "phone_number": worker.phone_number,
        "email": worker.email,
        "specialties": worker.specialties,
        "status": worker.status,
        "created_at": time(worker.created_at),
        "updated_at": time(worker.updated_at),
    })
}

pub(crate) fn assignment(assignment: &ComplexAssignment) -> Value {
    json!({
        "id": id(assignment.id),
        "worker_id": id(assignment.worker_id),
        "complex_id": id(assignment.complex_id),
        "is_primary": assignment.is_primary,
        "assigned_at": time(assignment.assigned_at),
        "updated_at": time(assignment.updated_at),
    })
}

pub(crate) fn request(request: &Request) -> Value {
    json!({
        "id": id(request.id),
        "renter_id": id(request.renter_id),
        "title": request.title,
        "description": request.description,
        "status": request.status,
        "priority": request.priority,
        "created_at": time(request.created_at),
        "updated_at": time(request.updated_at),
        "completed_at": request.completed_at.map(time),
        "property_id": id(request.property_id),
        "location": request.location,
        "assigned_worker_id": request.assigned_worker_id.map(id),
        "whatsapp_message_id": request.whatsapp_message_id,
        "whatsapp_status": request.whatsapp_status,
        "complex_id": id(request.complex_id),
        "specialty": request.specialty,
        "version": request.version,
    })
}

/// A request's row with the id of its newest message, which isn't part of the entity.
pub(crate) fn filed_request(filing: &Filing) -> Value {
    let mut row = request(&filing.request);
    if let Some(columns) = row.as_object_mut() {
        let newest = filing.notification.as_ref().map(|message| id(message.id));
        columns.insert("notification_id".to_owned(), newest.into());
    }
    row
}

pub(crate) fn status_change(change: &StatusChange) -> Value {
    json!({
        "id": id(change.id),
        "request_id": id(change.request_id),
        "previous_status": change.previous_status,
        "new_status": change.new_status,
        "changed_by": id(change.changed_by),
        "changed_at": time(change.changed_at),
        "notes": change.notes,
    })
}

pub(crate) fn assignment_change(change: &AssignmentChange) -> Value {
    json!({
        "id": id(change.id),
        "request_id": id(change.request_id),
        "previous_worker_id": change.previous_worker_id.map(id),
        "new_worker_id": change.new_worker_id.map(id),
        "changed_by": id(change.changed_by),
        "changed_at": time(change.changed_at),
        "cause": change.cause,
        "notes": change.notes,
        // The column is text on both databases, which take a list's JSON text for it.
        "ranking": change.ranking,
    })
}

pub(crate) fn comment(comment: &Comment) -> Value {
    json!({
        "id": id(comment.id),
        "request_id": id(comment.request_id),
        "user_id": id(comment.user_id),
        "user_type": comment.user_type,
        "comment": comment.comment,
        "created_at": time(comment.created_at),
    })
}

pub(crate) fn attachment(attachment: &Attachment) -> Value {
    json!({
        "id": id(attachment.id),
        "request_id": id(attachment.request_id),
        "file_url": attachment.file_url,
        "file_type": attachment.file_type,
        "created_at": time(attachment.created_at),
    })
}

pub(crate) fn notification(message: &Notification) -> Value {
    let (error_code, error_text) = message.error.as_ref().map(|error| (&error.code, &error.text)).unzip();
    json!({
        "id": id(message.id),
        "request_id": id(message.request_id),
        "worker_id": id(message.worker_id),
        "kind": message.kind,
        "priority": message.priority,
        "status": message.status,
        "provider_message_id": message.provider_message_id,
        "attempts": message.attempts,
        "claims": message.claims,
        "due_at": time(message.due_at),
        "lease": message.lease.map(id),
        "error_code": error_code,
        "error_text": error_text,
        "since": time(message.since),
        "created_at": time(message.created_at),
        "sent_at": message.sent_at.map(time),
        "delivered_at": message.delivered_at.map(time),
        "read_at": message.read_at.map(time),
        "failed_at": message.failed_at.map(time),
    })
}
