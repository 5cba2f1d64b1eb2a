//! Entities to rows for both databases: a row's columns, under the names that the tables give them.
//!
//! Most statements take any number of rows as one JSON parameter, an object per row. PostgreSQL reads it by the table's
//! row type (`json_populate_recordset`), SQLite by `json_each`. Both read ids and times from the same text. PostgreSQL
//! takes the many rows of a filing as an array per column.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use maintenance_core::{
    Answer, AssignmentChange, Attachment, Comment, ComplexAssignment, EditedField, FieldChange, Filing, Hold,
    InboundContent, InboundOutcome, InboundSettlement, KeptInbound, NewEvent, News, Note, Notification,
    Ranked, Request, Settled, Specialty, StatusChange, Worker,
};
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::storable::clamp_to_storable;

/// A row's columns with their values.
pub(crate) struct Row<'a>(pub(crate) Vec<(&'static str, Cell<'a>)>);

/// The value of a column.
pub(crate) enum Cell<'a> {
    Null,
    Id(Uuid),
    Text(&'a str),
    Time(DateTime<Utc>),
    Number(u32),
    Flag(bool),
    Trades(&'a BTreeSet<Specialty>),
    /// A list whose column is text, which on both databases takes a list's JSON text.
    Ranking(&'a [Ranked]),
    /// An object whose column is text, likewise.
    Hold(&'a Hold),
    /// Another.
    Content(&'a InboundContent),
}

/// Nulls are left out, since both databases read a missing key as null, and a third of a new message's columns are.
impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.0.iter().filter(|(_, cell)| !matches!(cell, Cell::Null)).map(|(name, cell)| (name, cell)),
        )
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Id(id) => {
                serializer.serialize_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            }
            Self::Text(text) => serializer.serialize_str(text),
            Self::Time(at) => serializer.serialize_str(&time(*at)),
            Self::Number(number) => serializer.serialize_u32(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Trades(trades) => trades.serialize(serializer),
            Self::Ranking(ranking) => ranking.serialize(serializer),
            Self::Hold(hold) => hold.serialize(serializer),
            Self::Content(content) => content.serialize(serializer),
        }
    }
}

/// The row as the JSON parameter of a statement that takes one. PostgreSQL's planner expects a hundred rows of a set, for
/// which it would read a whole table.
#[cfg(feature = "postgres")]
pub(crate) fn row(row: &Row<'_>) -> String {
    json(row)
}

/// The rows as the one JSON parameter that a statement takes.
pub(crate) fn rows<R: Serialize>(rows: impl IntoIterator<Item = R>) -> String {
    json(&rows.into_iter().collect::<Vec<_>>())
}

/// Columns with their values as the one JSON object that a statement takes, with the nulls.
pub(crate) fn columns(columns: &BTreeMap<&'static str, Cell<'_>>) -> String {
    json(columns)
}

#[cfg(feature = "postgres")]
impl Cell<'_> {
    /// The value as JSON.
    pub(crate) fn to_json(&self) -> String {
        json(self)
    }
}

fn json(rows: &impl Serialize) -> String {
    // This can't fail, since all keys are texts. If it did, the database would refuse the empty text.
    serde_json::to_string(rows).unwrap_or_default()
}

/// A time as text of fixed width, so that the texts sort by time.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    clamp_to_storable(at).to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn id_or_null<T: Into<Uuid>>(id: Option<T>) -> Cell<'static> {
    id.map_or(Cell::Null, |id| Cell::Id(id.into()))
}

fn time_or_null(at: Option<DateTime<Utc>>) -> Cell<'static> {
    at.map_or(Cell::Null, Cell::Time)
}

fn text_or_null(text: Option<&str>) -> Cell<'_> {
    text.map_or(Cell::Null, Cell::Text)
}

pub(crate) fn worker(worker: &Worker) -> Row<'_> {
    Row(vec![
        ("id", Cell::Id(worker.id.uuid())),
        ("organization_id", Cell::Id(worker.organization_id.uuid())),
        ("first_name", Cell::Text(worker.first_name.as_str())),
        ("last_name", Cell::Text(worker.last_name.as_str())),
        ("phone_number", Cell::Text(worker.phone_number.as_str())),
        ("email", Cell::Text(worker.email.as_str())),
        ("specialties", Cell::Trades(&worker.specialties)),
        ("status", Cell::Text(worker.status.as_str())),
        ("created_at", Cell::Time(worker.created_at)),
        ("updated_at", Cell::Time(worker.updated_at)),
    ])
}

pub(crate) fn assignment(assignment: &ComplexAssignment) -> Row<'static> {
    Row(vec![
        ("id", Cell::Id(assignment.id.uuid())),
        ("worker_id", Cell::Id(assignment.worker_id.uuid())),
        ("complex_id", Cell::Id(assignment.complex_id.uuid())),
        ("is_primary", Cell::Flag(assignment.is_primary)),
        ("assigned_at", Cell::Time(assignment.assigned_at)),
        ("updated_at", Cell::Time(assignment.updated_at)),
    ])
}

pub(crate) fn request(request: &Request) -> Row<'_> {
    Row(vec![
        ("id", Cell::Id(request.id.uuid())),
        ("organization_id", Cell::Id(request.organization_id.uuid())),
        ("renter_id", Cell::Id(request.renter_id.uuid())),
        ("title", Cell::Text(request.title.as_str())),
        ("description", Cell::Text(request.description.as_str())),
        ("status", Cell::Text(request.status.as_str())),
        ("priority", Cell::Text(request.priority.as_str())),
        ("created_at", Cell::Time(request.created_at)),
        ("updated_at", Cell::Time(request.updated_at)),
        ("completed_at", time_or_null(request.completed_at)),
        ("property_id", Cell::Id(request.property_id.uuid())),
        ("location", Cell::Text(request.location.as_str())),
        ("assigned_worker_id", id_or_null(request.assigned_worker_id)),
        ("whatsapp_message_id", text_or_null(request.whatsapp_message_id.as_deref())),
        ("whatsapp_status", Cell::Text(request.whatsapp_status.as_str())),
        ("complex_id", Cell::Id(request.complex_id.uuid())),
        ("specialty", text_or_null(request.specialty.as_ref().map(Specialty::as_str))),
        ("version", Cell::Number(request.version)),
        ("fingerprint", id_or_null(request.fingerprint)),
        ("hold_reason", hold_reason(request.hold.as_ref())),
        ("hold_until", hold_until(request.hold.as_ref())),
        ("number", Cell::Number(request.number.get())),
    ])
}

fn hold_reason(hold: Option<&Hold>) -> Cell<'_> {
    text_or_null(hold.map(|hold| hold.reason.as_str()))
}

fn hold_until(hold: Option<&Hold>) -> Cell<'static> {
    time_or_null(hold.and_then(|hold| hold.until))
}

/// A request's row without its number, which the filing statement gives, and with the id of its newest message, which
/// isn't part of the entity.
pub(crate) fn filed_request(filing: &Filing) -> Row<'_> {
    let mut row = request(&filing.request);
    row.0.pop();
    row.0.push(("notification_id", id_or_null(filing.notification.as_ref().map(|message| message.id))));
    row
}

pub(crate) fn status_change(change: &StatusChange) -> Row<'_> {
    Row(vec![
        ("id", Cell::Id(change.id.uuid())),
        ("request_id", Cell::Id(change.request_id.uuid())),
        ("previous_status", Cell::Text(change.previous_status.as_str())),
        ("new_status", Cell::Text(change.new_status.as_str())),
        ("changed_by", Cell::Id(change.changed_by.uuid())),
        ("changed_at", Cell::Time(change.changed_at)),
        ("notes", text_or_null(change.notes.as_ref().map(Note::as_str))),
    ])
}

pub(crate) fn assignment_change(change: &AssignmentChange) -> Row<'_> {
    Row(vec![
        ("id", Cell::Id(change.id.uuid())),
        ("request_id", Cell::Id(change.request_id.uuid())),
        ("previous_worker_id", id_or_null(change.previous_worker_id)),
        ("new_worker_id", id_or_null(change.new_worker_id)),
        ("changed_by", Cell::Id(change.changed_by.uuid())),
        ("changed_at", Cell::Time(change.changed_at)),
        ("cause", Cell::Text(change.cause.as_str())),
        ("notes", text_or_null(change.notes.as_ref().map(Note::as_str))),
        ("ranking", Cell::Ranking(&change.ranking)),
    ])
}

/// The row of an edit; `None` for a field that this crate doesn't know.
pub(crate) fn edited_field(edit: &EditedField) -> Option<Row<'_>> {
    let (before, after) = before_and_after(&edit.change)?;
    Some(Row(vec![
        ("id", Cell::Id(edit.id.uuid())),
        ("request_id", Cell::Id(edit.request_id.uuid())),
        ("edited_by", Cell::Id(edit.edited_by.uuid())),
        ("edited_at", Cell::Time(edit.edited_at)),
        ("field", Cell::Text(edit.change.field().as_str())),
        ("before", before),
        ("after", after),
    ]))
}

/// The columns of the request's row that the change sets; `None` for a field that this crate doesn't know.
pub(crate) fn changed_columns(change: &FieldChange) -> Option<Vec<(&'static str, Cell<'_>)>> {
    if let FieldChange::Hold { after, .. } = change {
        let after = after.as_ref();
        return Some(vec![("hold_reason", hold_reason(after)), ("hold_until", hold_until(after))]);
    }
    let (_, after) = before_and_after(change)?;
    Some(vec![(change.field().as_str(), after)])
}

fn before_and_after(change: &FieldChange) -> Option<(Cell<'_>, Cell<'_>)> {
    fn trade(trade: Option<&Specialty>) -> Cell<'_> {
        text_or_null(trade.map(Specialty::as_str))
    }
    fn hold(hold: Option<&Hold>) -> Cell<'_> {
        hold.map_or(Cell::Null, Cell::Hold)
    }
    Some(match change {
        FieldChange::Title { before, after } => (Cell::Text(before.as_str()), Cell::Text(after.as_str())),
        FieldChange::Description { before, after } => {
            (Cell::Text(before.as_str()), Cell::Text(after.as_str()))
        }
        FieldChange::Location { before, after } => (Cell::Text(before.as_str()), Cell::Text(after.as_str())),
        FieldChange::Priority { before, after } => (Cell::Text(before.as_str()), Cell::Text(after.as_str())),
        FieldChange::Specialty { before, after } => (trade(before.as_ref()), trade(after.as_ref())),
        FieldChange::Property { before, after } => (Cell::Id(before.uuid()), Cell::Id(after.uuid())),
        FieldChange::Complex { before, after } => (Cell::Id(before.uuid()), Cell::Id(after.uuid())),
        FieldChange::Hold { before, after } => (hold(before.as_ref()), hold(after.as_ref())),
        _ => return None,
    })
}

pub(crate) fn comment(comment: &Comment) -> Row<'_> {
    Row(vec![
        ("id", Cell::Id(comment.id.uuid())),
        ("request_id", Cell::Id(comment.request_id.uuid())),
        ("user_id", Cell::Id(comment.user_id.uuid())),
        ("user_type", Cell::Text(comment.user_type.as_str())),
        ("comment", Cell::Text(comment.comment.as_str())),
        ("created_at", Cell::Time(comment.created_at)),
    ])
}

pub(crate) fn attachment(attachment: &Attachment) -> Row<'_> {
    Row(vec![
        ("id", Cell::Id(attachment.id.uuid())),
        ("request_id", Cell::Id(attachment.request_id.uuid())),
        ("file_url", Cell::Text(attachment.file_url.as_str())),
        ("file_type", Cell::Text(attachment.file_type.as_str())),
        ("created_at", Cell::Time(attachment.created_at)),
    ])
}

pub(crate) fn event(event: &NewEvent) -> Row<'_> {
    Row(vec![
        ("about", Cell::Id(event.about)),
        ("kind", Cell::Text(event.kind.as_str())),
        ("organization_id", Cell::Id(event.organization_id.uuid())),
        ("request_id", id_or_null(event.request_id)),
        ("at", Cell::Time(event.at)),
        ("detail", text_or_null(event.detail.as_deref())),
    ])
}

pub(crate) fn notification(message: &Notification) -> Row<'_> {
    let error = message.error.as_ref();
    Row(vec![
        ("id", Cell::Id(message.id.uuid())),
        ("organization_id", Cell::Id(message.organization_id.uuid())),
        ("channel", Cell::Text(message.channel.as_str())),
        ("request_id", Cell::Id(message.request_id.uuid())),
        ("worker_id", id_or_null(message.to.worker())),
        ("renter_id", id_or_null(message.to.renter())),
        ("kind", Cell::Text(message.kind.as_str())),
        ("answer", text_or_null(message.answer.map(Answer::as_str))),
        ("news", text_or_null(message.news.map(News::as_str))),
        ("priority", Cell::Text(message.priority.as_str())),
        ("status", Cell::Text(message.status.as_str())),
        ("provider_message_id", text_or_null(message.provider_message_id.as_deref())),
        ("attempts", Cell::Number(message.attempts)),
        ("claims", Cell::Number(message.claims)),
        ("due_at", Cell::Time(message.due_at)),
        ("lease", id_or_null(message.lease)),
        ("error_code", text_or_null(error.map(|error| error.code.as_str()))),
        ("error_text", text_or_null(error.map(|error| error.text.as_str()))),
        ("since", Cell::Time(message.since)),
        ("created_at", Cell::Time(message.created_at)),
        ("sent_at", time_or_null(message.sent_at)),
        ("delivered_at", time_or_null(message.delivered_at)),
        ("read_at", time_or_null(message.read_at)),
        ("failed_at", time_or_null(message.failed_at)),
        ("acknowledged_at", time_or_null(message.acknowledged_at)),
    ])
}

pub(crate) fn kept_inbound(kept: &KeptInbound) -> Row<'_> {
    let message = &kept.message;
    Row(vec![
        ("id", Cell::Id(kept.id.uuid())),
        ("channel", Cell::Text(message.channel.as_str())),
        ("provider_message_id", Cell::Text(&message.provider_message_id)),
        ("sender", Cell::Text(message.from.key())),
        ("wa_id", text_or_null(message.from.wa_id.as_deref())),
        ("user_id", text_or_null(message.from.user_id.as_deref())),
        ("kind", Cell::Text(message.content.kind())),
        ("payload", Cell::Content(&message.content)),
        ("replies_to", text_or_null(message.replies_to.as_deref())),
        ("sent_at", Cell::Time(message.sent_at)),
        ("received_at", Cell::Time(kept.received_at)),
        ("due_at", Cell::Time(kept.due_at)),
        ("lease", id_or_null(kept.lease)),
        ("claims", Cell::Number(kept.claims)),
        ("organization_id", id_or_null(kept.about.map(|(organization, _)| organization))),
        ("request_id", id_or_null(kept.about.map(|(_, request)| request))),
        ("asked_at", time_or_null(kept.asked_at)),
        ("applied_at", time_or_null(kept.applied.map(|(at, _)| at))),
        ("outcome", text_or_null(kept.applied.map(|(_, outcome)| outcome.as_str()))),
    ])
}

/// The payload of a message whose content is kept no longer.
pub(crate) fn gone() -> String {
    json(&InboundContent::Gone)
}

/// What a settlement changes: the columns that get another value, and by what the message is found.
pub(crate) fn settlement(settlement: &InboundSettlement) -> String {
    let (mut outcome, mut due_at, mut asked_at) = (None, None, None);
    match settlement.state {
        Settled::Applied(became) => outcome = Some(became),
        Settled::Later { due_at: later } => due_at = Some(later),
        Settled::Asked { until } => (due_at, asked_at) = (Some(until), Some(settlement.at)),
    }
    let gone = outcome.is_some_and(InboundOutcome::is_applied);
    json(&Row(vec![
        ("id", Cell::Id(settlement.id.uuid())),
        ("lease", Cell::Id(settlement.lease.uuid())),
        ("applied_at", time_or_null(outcome.map(|_| settlement.at))),
        ("outcome", text_or_null(outcome.map(InboundOutcome::as_str))),
        ("due_at", time_or_null(due_at)),
        ("asked_at", time_or_null(asked_at)),
        ("organization_id", id_or_null(settlement.about.map(|(organization, _)| organization))),
        ("request_id", id_or_null(settlement.about.map(|(_, request)| request))),
        ("payload", if gone { Cell::Content(&InboundContent::Gone) } else { Cell::Null }),
    ]))
}
