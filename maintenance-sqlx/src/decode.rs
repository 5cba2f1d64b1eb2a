//! Rows to entities, through the constructors that input goes through. A value that breaks a rule is an
//! error.

mod inbound;
mod outbox;

use std::fmt;

use maintenance_core::{
    Addressee, AssignmentChange, Attachment, BoxError, Candidate, Comment, ComplexAssignment, ComplexId,
    DeliveryError, EditedField, FieldChange, FileUrl, Hold, HoldReason, Notification, RepositoryError,
    Request, RequestField, RequestNumber, RequestRecord, RequestStatus, StatusChange, Worker, WorkerId,
};
use uuid::Uuid;

use crate::{
    columns::{
        assignment_history_columns, attachment_columns, comment_columns, edit_columns, history_columns,
        notification_columns, request_columns,
    },
    row::{Raw, Reader},
};

pub(crate) use inbound::{kept_inbound, known_renter, opted_out_at};
pub(crate) use outbox::{claimed, early_or_none, event};

const WORKERS: &str = "maintenance_workers";
const ASSIGNMENTS: &str = "complex_maintenance_assignments";
const REQUESTS: &str = "maintenance_requests";
const HISTORY: &str = "maintenance_status_history";
const ASSIGNMENT_HISTORY: &str = "maintenance_assignment_history";
const EDITS: &str = "maintenance_edits";
const COMMENTS: &str = "maintenance_comments";
const ATTACHMENTS: &str = "maintenance_attachments";
const NOTIFICATIONS: &str = "maintenance_notifications";

pub(crate) fn worker<R: Raw>(row: &R) -> Result<Worker, RepositoryError> {
    let mut read = Reader::new(row, WORKERS, 0);
    Ok(Worker {
        id: read.id("id")?,
        organization_id: read.id("organization_id")?,
        first_name: read.text("first_name")?,
        last_name: read.text("last_name")?,
        phone_number: read.text("phone_number")?,
        email: read.text("email")?,
        specialties: read.words("specialties")?,
        status: read.word("status")?,
        created_at: read.time("created_at")?,
        updated_at: read.time("updated_at")?,
    })
}

pub(crate) fn assignment<R: Raw>(row: &R) -> Result<ComplexAssignment, RepositoryError> {
    let mut read = Reader::new(row, ASSIGNMENTS, 0);
    Ok(ComplexAssignment {
        id: read.id("id")?,
        worker_id: read.id("worker_id")?,
        complex_id: read.id("complex_id")?,
        is_primary: read.flag("is_primary")?,
        assigned_at: read.time("assigned_at")?,
        updated_at: read.time("updated_at")?,
    })
}

/// Columns: the worker's id, status and specialties, the assignment's id and `is_primary`, the number of the
/// worker's open requests, the complex, and the time at which the worker's newest request was filed.
pub(crate) fn candidate<R: Raw>(row: &R) -> Result<(ComplexId, Candidate), RepositoryError> {
    let mut worker = Reader::new(row, WORKERS, 0);
    let (worker_id, status, specialties) =
        (worker.id::<WorkerId>("id")?, worker.word("status")?, worker.words("specialties")?);
    let mut assignment = Reader::new(row, ASSIGNMENTS, 3);
    assignment.id::<Uuid>("id")?;
    let is_primary = assignment.flag("is_primary")?;
    let corrupt = |error| RepositoryError::corrupt(REQUESTS, "created_at", NewestOf(worker_id), error);
    let candidate = Candidate {
        worker_id,
        status,
        specialties,
        is_primary,
        open_requests: assignment.count("open_requests")?,
        last_assigned_at: row.time(7).map_err(corrupt)?,
    };
    Ok((assignment.id("complex_id")?, candidate))
}

/// Columns: a status, and the number of requests that have it. The error of an unknown status names the row
/// `(a count)`.
pub(crate) fn status_count<R: Raw>(row: &R) -> Result<(RequestStatus, u64), RepositoryError> {
    let corrupt = |error| RepositoryError::corrupt(REQUESTS, "status", "(a count)", error);
    let status = row.text(0).map_err(corrupt)?.unwrap_or_default();
    let status = status.parse().map_err(|error| corrupt(BoxError::from(error)))?;
    let count = row.number(1).map_err(corrupt)?.unwrap_or_default();
    Ok((status, u64::try_from(count).unwrap_or_default()))
}

/// Names a row by what it is, since its id wasn't read.
struct NewestOf(WorkerId);

impl fmt::Display for NewestOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(the newest request of worker {})", self.0)
    }
}

pub(crate) fn request<R: Raw>(row: &R) -> Result<Request, RepositoryError> {
    request_at(row, 0)
}

const REQUEST_COLUMNS: usize = request_columns!(list).len();

fn request_at<R: Raw>(row: &R, first: usize) -> Result<Request, RepositoryError> {
    let mut read = Reader::new(row, REQUESTS, first);
    let request = Request {
        id: read.id("id")?,
        organization_id: read.id("organization_id")?,
        renter_id: read.id("renter_id")?,
        title: read.text("title")?,
        description: read.text("description")?,
        status: read.word("status")?,
        priority: read.word("priority")?,
        created_at: read.time("created_at")?,
        updated_at: read.time("updated_at")?,
        completed_at: read.time_or_none("completed_at")?,
        property_id: read.id("property_id")?,
        location: read.text("location")?,
        assigned_worker_id: read.id_or_none("assigned_worker_id")?,
        whatsapp_message_id: read.text_or_none("whatsapp_message_id")?,
        whatsapp_status: read.word("whatsapp_status")?,
        complex_id: read.id("complex_id")?,
        specialty: read.text_or_none("specialty")?,
        version: read.count("version")?,
        fingerprint: read.id_or_none("fingerprint")?,
        hold: hold(&mut read)?,
        number: RequestNumber::new(read.count("number")?),
    };
    request.check().map_err(|rule| read.corrupt("completed_at", rule))?;
    Ok(request)
}

fn hold<R: Raw>(read: &mut Reader<'_, R>) -> Result<Option<Hold>, RepositoryError> {
    let reason: Option<HoldReason> = read.text_or_none("hold_reason")?;
    match (reason, read.time_or_none("hold_until")?) {
        (Some(reason), until) => Ok(Some(Hold { reason, until })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(read.corrupt("hold_until", "must be null, as hold_reason is")),
    }
}

pub(crate) const HISTORY_COLUMNS: usize = history_columns!(list).len();

pub(crate) fn status_change_at<R: Raw>(row: &R, first: usize) -> Result<StatusChange, RepositoryError> {
    let mut read = Reader::new(row, HISTORY, first);
    Ok(StatusChange {
        id: read.id("id")?,
        request_id: read.id("request_id")?,
        previous_status: read.word("previous_status")?,
        new_status: read.word("new_status")?,
        changed_by: read.id("changed_by")?,
        changed_at: read.time("changed_at")?,
        notes: read.text_or_none("notes")?,
    })
}

pub(crate) const ASSIGNMENT_HISTORY_COLUMNS: usize = assignment_history_columns!(list).len();

pub(crate) fn assignment_change_at<R: Raw>(
    row: &R,
    first: usize,
) -> Result<AssignmentChange, RepositoryError> {
    let mut read = Reader::new(row, ASSIGNMENT_HISTORY, first);
    Ok(AssignmentChange {
        id: read.id("id")?,
        request_id: read.id("request_id")?,
        previous_worker_id: read.id_or_none("previous_worker_id")?,
        new_worker_id: read.id_or_none("new_worker_id")?,
        changed_by: read.id("changed_by")?,
        changed_at: read.time("changed_at")?,
        cause: read.word("cause")?,
        notes: read.text_or_none("notes")?,
        ranking: {
            // The parser's own error may quote the text, here and below.
            let parse = |json: String| serde_json::from_str(&json).map_err(|_| "is no ranking as JSON");
            let ranking = read.optional("ranking", R::text, parse)?;
            read.required("ranking", ranking)?
        },
    })
}

pub(crate) const EDIT_COLUMNS: usize = edit_columns!(list).len();

pub(crate) fn edited_field_at<R: Raw>(row: &R, first: usize) -> Result<EditedField, RepositoryError> {
    let mut read = Reader::new(row, EDITS, first);
    Ok(EditedField {
        id: read.id("id")?,
        request_id: read.id("request_id")?,
        edited_by: read.id("edited_by")?,
        edited_at: read.time("edited_at")?,
        change: {
            let field: RequestField = read.word("field")?;
            match field {
                RequestField::Title => {
                    FieldChange::Title { before: read.text("before")?, after: read.text("after")? }
                }
                RequestField::Description => {
                    FieldChange::Description { before: read.text("before")?, after: read.text("after")? }
                }
                RequestField::Location => {
                    FieldChange::Location { before: read.text("before")?, after: read.text("after")? }
                }
                RequestField::Priority => {
                    FieldChange::Priority { before: read.word("before")?, after: read.word("after")? }
                }
                RequestField::Specialty => FieldChange::Specialty {
                    before: read.text_or_none("before")?,
                    after: read.text_or_none("after")?,
                },
                RequestField::Property => {
                    FieldChange::Property { before: read.word("before")?, after: read.word("after")? }
                }
                RequestField::Complex => {
                    FieldChange::Complex { before: read.word("before")?, after: read.word("after")? }
                }
                RequestField::Hold => {
                    let parse = |json: String| serde_json::from_str(&json).map_err(|_| "is no hold as JSON");
                    FieldChange::Hold {
                        before: read.optional("before", R::text, parse)?,
                        after: read.optional("after", R::text, parse)?,
                    }
                }
                _ => return Err(read.corrupt("field", "is unknown to this version of maintenance-sqlx")),
            }
        },
    })
}

pub(crate) fn comment<R: Raw>(row: &R) -> Result<Comment, RepositoryError> {
    comment_at(row, 0)
}

const COMMENT_COLUMNS: usize = comment_columns!(list).len();

fn comment_at<R: Raw>(row: &R, first: usize) -> Result<Comment, RepositoryError> {
    let mut read = Reader::new(row, COMMENTS, first);
    Ok(Comment {
        id: read.id("id")?,
        request_id: read.id("request_id")?,
        user_id: read.id("user_id")?,
        user_type: read.word("user_type")?,
        comment: read.text("comment")?,
        created_at: read.time("created_at")?,
    })
}

pub(crate) fn attachment<R: Raw>(row: &R) -> Result<Attachment, RepositoryError> {
    attachment_at(row, 0)
}

const ATTACHMENT_COLUMNS: usize = attachment_columns!(list).len();

fn attachment_at<R: Raw>(row: &R, first: usize) -> Result<Attachment, RepositoryError> {
    let mut read = Reader::new(row, ATTACHMENTS, first);
    Ok(Attachment {
        id: read.id("id")?,
        request_id: read.id("request_id")?,
        file_url: read.text("file_url")?,
        file_type: read.text("file_type")?,
        created_at: read.time("created_at")?,
    })
}

/// Columns: a notification's, and the priority of its request.
pub(crate) fn notification<R: Raw>(row: &R) -> Result<Notification, RepositoryError> {
    let notification = notification_at(row, 0)?;
    let priority = Reader::new(row, REQUESTS, NOTIFICATION_COLUMNS).word("priority")?;
    Ok(Notification { priority, ..notification })
}

/// Columns: an attachment's id and where its file is.
pub(crate) fn file_at<R: Raw>(row: &R, first: usize) -> Result<FileUrl, RepositoryError> {
    let mut read = Reader::new(row, ATTACHMENTS, first);
    read.id::<Uuid>("id")?;
    read.text("file_url")
}

const NOTIFICATION_COLUMNS: usize = notification_columns!(list).len();

pub(crate) fn notification_at<R: Raw>(row: &R, first: usize) -> Result<Notification, RepositoryError> {
    let mut read = Reader::new(row, NOTIFICATIONS, first);
    Ok(Notification {
        id: read.id("id")?,
        organization_id: read.id("organization_id")?,
        channel: read.text("channel")?,
        request_id: read.id("request_id")?,
        to: addressee(&mut read)?,
        kind: read.word("kind")?,
        answer: read.optional("answer", R::text, |answer| answer.parse())?,
        news: read.optional("news", R::text, |news| news.parse())?,
        priority: read.word("priority")?,
        status: read.word("status")?,
        provider_message_id: read.text_or_none("provider_message_id")?,
        attempts: read.count("attempts")?,
        claims: read.count("claims")?,
        due_at: read.time("due_at")?,
        lease: read.id_or_none("lease")?,
        error: delivery_error(&mut read)?,
        since: read.time("since")?,
        created_at: read.time("created_at")?,
        sent_at: read.time_or_none("sent_at")?,
        delivered_at: read.time_or_none("delivered_at")?,
        read_at: read.time_or_none("read_at")?,
        failed_at: read.time_or_none("failed_at")?,
        acknowledged_at: read.time_or_none("acknowledged_at")?,
    })
}

fn addressee<R: Raw>(read: &mut Reader<'_, R>) -> Result<Addressee, RepositoryError> {
    match (read.id_or_none("worker_id")?, read.id_or_none("renter_id")?) {
        (Some(worker), None) => Ok(Addressee::Worker(worker)),
        (None, Some(renter)) => Ok(Addressee::Renter(renter)),
        _ => Err(read.corrupt("renter_id", "must be set if worker_id is null, and null otherwise")),
    }
}

fn delivery_error<R: Raw>(read: &mut Reader<'_, R>) -> Result<Option<DeliveryError>, RepositoryError> {
    let code: Option<String> = read.text_or_none("error_code")?;
    let text: Option<String> = read.text_or_none("error_text")?;
    match (code, text) {
        (Some(code), Some(text)) => Ok(Some(DeliveryError::new(code, text))),
        (None, None) => Ok(None),
        _ => Err(read.corrupt("error_text", "must be set if error_code is set, and null otherwise")),
    }
}

/// The rows of the record statement. Each row holds the columns of one entity, and nulls for the others.
pub(crate) fn record<R: Raw>(rows: &[R]) -> Result<Option<RequestRecord>, RepositoryError> {
    const HISTORY_AT: usize = REQUEST_COLUMNS;
    const ASSIGNMENT_AT: usize = HISTORY_AT + HISTORY_COLUMNS;
    const EDIT_AT: usize = ASSIGNMENT_AT + ASSIGNMENT_HISTORY_COLUMNS;
    const COMMENT_AT: usize = EDIT_AT + EDIT_COLUMNS;
    const ATTACHMENT_AT: usize = COMMENT_AT + COMMENT_COLUMNS;
    const NOTIFICATION_AT: usize = ATTACHMENT_AT + ATTACHMENT_COLUMNS;
    let (mut request, mut history, mut assignments, mut edits) = (None, Vec::new(), Vec::new(), Vec::new());
    let (mut comments, mut attachments, mut notifications) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        // An id that can't be read counts as present: reading its entity then says what is wrong.
        let holds = |first| !matches!(row.uuid(first), Ok(None));
        if holds(0) {
            request = Some(request_at(row, 0)?);
        } else if holds(HISTORY_AT) {
            history.push(status_change_at(row, HISTORY_AT)?);
        } else if holds(ASSIGNMENT_AT) {
            assignments.push(assignment_change_at(row, ASSIGNMENT_AT)?);
        } else if holds(EDIT_AT) {
            edits.push(edited_field_at(row, EDIT_AT)?);
        } else if holds(COMMENT_AT) {
            comments.push(comment_at(row, COMMENT_AT)?);
        } else if holds(ATTACHMENT_AT) {
            attachments.push(attachment_at(row, ATTACHMENT_AT)?);
        } else {
            notifications.push(notification_at(row, NOTIFICATION_AT)?);
        }
    }
    let record = |request| RequestRecord {
        request,
        history,
        assignments,
        edits,
        comments,
        attachments,
        notifications,
    };
    Ok(request.map(record))
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests;
