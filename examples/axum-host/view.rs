//! What the routes return.

use axum::Json;
use maintenance_core::{
    Attachment, Comment, Cursor, EditedField, Page, RepositoryError, Request, RequestRecord, StatusChange,
};
use serde::Serialize;

use super::{problem::Problem, tables::Intake};

/// A response in JSON, or a problem.
pub(super) type Answer<T> = Result<Json<T>, Problem>;

/// A page of a list. To get the next page, pass `next` as `after`.
#[derive(Serialize)]
pub(super) struct Items<T> {
    items: Vec<T>,
    next: Option<Cursor>,
}

impl<T> From<Page<T>> for Items<T> {
    fn from(page: Page<T>) -> Self {
        report(&page.corrupt);
        Self { items: page.items, next: page.next }
    }
}

/// Logs the rows that were left out of a list because they can't be read; a person must correct them.
pub(super) fn report(corrupt: &[RepositoryError]) {
    for error in corrupt {
        tracing::error!(%error, "left out of a list");
    }
}

/// A request with everything that happened to it, and the host's own row about it.
#[derive(Serialize)]
pub(super) struct Record<R = RequestRecord> {
    pub(super) record: R,
    pub(super) intake: Option<Intake>,
}

/// A record as its renter sees it: without the history of its assignments and the messages to workers.
#[derive(Serialize)]
pub(super) struct RentersRecord {
    request: Request,
    history: Vec<StatusChange>,
    edits: Vec<EditedField>,
    comments: Vec<Comment>,
    attachments: Vec<Attachment>,
}

impl From<RequestRecord> for RentersRecord {
    fn from(record: RequestRecord) -> Self {
        let RequestRecord {
            request,
            history,
            edits,
            comments,
            attachments,
            assignments: _,
            notifications: _,
        } = record;
        Self { request, history, edits, comments, attachments }
    }
}
