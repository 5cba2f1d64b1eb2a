//! Reading: one request, its record, and lists.

use std::{collections::BTreeMap, future::Future};

use tracing::instrument;

use super::Maintenance;
use crate::{
    maintenance::Error,
    model::{Comment, Request, RequestRecord, RequestStatus, Worker},
    ports::{
        CommentFilter, Listing, Page, PageRequest, Position, Repository, RepositoryError, RequestFilter,
        Slice, WorkerFilter, page::Query,
    },
    values::RequestId,
};

impl<R: Repository> Maintenance<R> {
    /// A request.
    pub async fn request(&self, id: RequestId) -> Result<Request, Error> {
        let request = self.repository.request(id).await?;
        request.ok_or(Error::NotFound { what: "request", id: id.uuid() })
    }

    /// A request with its history, comments, attachments and notifications.
    pub async fn record(&self, id: RequestId) -> Result<RequestRecord, Error> {
        let record = self.repository.record(id).await?;
        record.ok_or(Error::NotFound { what: "request", id: id.uuid() })
    }

    /// Requests, newest first.
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn requests(&self, filter: &RequestFilter, page: &PageRequest) -> Result<Page<Request>, Error> {
        let query = Query::new("requests", filter);
        let position = |request: &Request| Position { at: request.created_at, id: request.id.uuid() };
        pages(query, page, position, |slice| self.repository.requests(filter, slice)).await
    }

    /// How many requests there are of each status among those that the filter lets through: a board's heads.
    /// Every status is there. Counting takes as long as there are rows to count; a board of one complex or one
    /// worker has few.
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn count_by_status(
        &self,
        filter: &RequestFilter,
    ) -> Result<BTreeMap<RequestStatus, u64>, Error> {
        let mut counts: BTreeMap<_, _> = RequestStatus::ALL.iter().map(|status| (*status, 0)).collect();
        counts.extend(self.repository.count_by_status(filter).await?);
        Ok(counts)
    }

    /// Workers, newest first.
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn workers(&self, filter: &WorkerFilter, page: &PageRequest) -> Result<Page<Worker>, Error> {
        let query = Query::new("workers", filter);
        let position = |worker: &Worker| Position { at: worker.created_at, id: worker.id.uuid() };
        pages(query, page, position, |slice| self.repository.workers(filter, slice)).await
    }

    /// Comments, oldest first.
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn comments(&self, filter: &CommentFilter, page: &PageRequest) -> Result<Page<Comment>, Error> {
        let query = Query::new("comments", filter);
        let position = |comment: &Comment| Position { at: comment.created_at, id: comment.id.uuid() };
        pages(query, page, position, |slice| self.repository.comments(filter, slice)).await
    }
}

/// Reads a page. Rows that can't be read never end a list early: while they fill a whole page, more is read.
async fn pages<T, F>(
    query: Query,
    page: &PageRequest,
    position: impl Fn(&T) -> Position,
    read: impl Fn(Slice) -> F,
) -> Result<Page<T>, Error>
where
    F: Future<Output = Result<Listing<T>, RepositoryError>>,
{
    let mut slice = query.slice(page)?;
    loop {
        let listing = read(slice).await?;
        let full = listing.rows() >= slice.limit as usize;
        if listing.items.is_empty() && full {
            slice.limit = slice.limit.saturating_mul(2);
        } else {
            return Ok(listing.into_page(page.size, query, position));
        }
    }
}
