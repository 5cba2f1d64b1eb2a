//! What the routes return.

use axum::Json;
use maintenance_core::{Cursor, Page, RepositoryError, RequestRecord};
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

/// A request with what the caller may see of all that happened to it, and the host's own row about it.
#[derive(Serialize)]
pub(super) struct Record {
    pub(super) record: RequestRecord,
    pub(super) intake: Option<Intake>,
}
