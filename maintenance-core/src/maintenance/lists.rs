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
    values::{Invalid, RequestId},
};

impl<R: Repository> Maintenance<R> {
    /// A request. A call that the host trusts: check yourself whether the caller may see it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], and [`Error::Repository`] when the store fails.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, id: RequestId) -> Result<(), Error> {
    /// let request = maintenance.request(id).await?;
    /// println!("{} is {}", request.id, request.status);
    /// # Ok(()) }
    /// ```
    pub async fn request(&self, id: RequestId) -> Result<Request, Error> {
        let request = self.repository.request(id).await?;
        request.ok_or(Error::NotFound { what: "request", id: id.uuid() })
    }

    /// A request with all that happened to it: changes of status and of worker, comments, attachments, messages. A call that
    /// the host trusts: a renter should not see who was selected why, or the messages between the house and its workers.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], and [`Error::Repository`] when the store fails or one of the rows can't be read: a record with
    /// gaps is no record.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, id: RequestId) -> Result<(), Error> {
    /// let record = maintenance.record(id).await?;
    /// for change in &record.assignments {
    ///     println!("{} → {:?}, {}", change.changed_at, change.new_worker_id, change.cause);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn record(&self, id: RequestId) -> Result<RequestRecord, Error> {
        let record = self.repository.record(id).await?;
        record.ok_or(Error::NotFound { what: "request", id: id.uuid() })
    }

    /// Requests in the filter's order, newest first unless set, in pages. A call that the host trusts: put the caller's own
    /// id into the filter.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a page size outside of 1 to [`MAX_PAGE_SIZE`](crate::MAX_PAGE_SIZE), a cursor of another list
    /// or order, or more than [`MAX_COMPLEXES`](crate::MAX_COMPLEXES) complexes; [`Error::Repository`] when the store fails.
    /// A row that can't be read is in `corrupt` beside the others.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, renter: RenterId) -> Result<(), Error> {
    /// let mine = RequestFilter { renter_id: Some(renter), ..RequestFilter::default() };
    /// let mut page = PageRequest::first(20);
    /// loop {
    ///     let requests = maintenance.requests(&mine, &page).await?;
    ///     for request in &requests.items {
    ///         println!("{} {}", request.created_at, request.status);
    ///     }
    ///     let Some(next) = requests.next else { break };
    ///     page = PageRequest::after(next, 20);
    /// }
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn requests(&self, filter: &RequestFilter, page: &PageRequest) -> Result<Page<Request>, Error> {
        let query = Query::new("requests", &filter.key()).by_priority(filter.order.is_by_priority());
        let slice = query.slice(page, filter.check())?;
        let position = |request: &Request| filter.order.position(request);
        pages(query, page.size, slice, position, |slice| self.repository.requests(filter, slice)).await
    }

    /// How many requests there are of each status among those that the filter lets through: the heads of a board. Every
    /// status is there. Counting takes as long as there are rows to count; a board of one complex or one worker has few. A
    /// call that the host trusts.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for more than [`MAX_COMPLEXES`](crate::MAX_COMPLEXES) complexes,
    /// [`Error::Repository`] when the store fails, or when a counted row's status can't be read.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, riverside: ComplexId) -> Result<(), Error> {
    /// let board = RequestFilter { complexes: vec![riverside], ..RequestFilter::default() };
    /// let counts = maintenance.count_by_status(&board).await?;
    /// println!("{} pending", counts[&RequestStatus::Pending]);
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn count_by_status(
        &self,
        filter: &RequestFilter,
    ) -> Result<BTreeMap<RequestStatus, u64>, Error> {
        filter.check().finish(Some(()))?;
        let mut counts: BTreeMap<_, _> = RequestStatus::ALL.iter().map(|status| (*status, 0)).collect();
        counts.extend(self.repository.count_by_status(filter).await?);
        Ok(counts)
    }

    /// Workers, newest first, in pages. A call that the host trusts.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a page size outside of 1 to [`MAX_PAGE_SIZE`](crate::MAX_PAGE_SIZE) or a cursor of another
    /// list; [`Error::Repository`] when the store fails. A row that can't be read is in `corrupt` beside the others.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>) -> Result<(), Error> {
    /// let active = WorkerFilter { status: Some(WorkerStatus::Active), ..WorkerFilter::default() };
    /// let workers = maintenance.workers(&active, &PageRequest::first(50)).await?;
    /// println!("{} on this page", workers.items.len());
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn workers(&self, filter: &WorkerFilter, page: &PageRequest) -> Result<Page<Worker>, Error> {
        let query = Query::new("workers", filter);
        let slice = query.slice(page, Invalid::default())?;
        let position = |worker: &Worker| Position::new(worker.created_at, worker.id.uuid());
        pages(query, page.size, slice, position, |slice| self.repository.workers(filter, slice)).await
    }

    /// Comments, oldest first, in pages. A call that the host trusts.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a page size outside of 1 to [`MAX_PAGE_SIZE`](crate::MAX_PAGE_SIZE) or a cursor of another
    /// list; [`Error::Repository`] when the store fails. A row that can't be read is in `corrupt` beside the others.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, request: RequestId) -> Result<(), Error> {
    /// let of_request = CommentFilter { request_id: Some(request), ..CommentFilter::default() };
    /// for comment in maintenance.comments(&of_request, &PageRequest::default()).await?.items {
    ///     println!("{}: {}", comment.user_type, comment.comment.as_str());
    /// }
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn comments(&self, filter: &CommentFilter, page: &PageRequest) -> Result<Page<Comment>, Error> {
        let query = Query::new("comments", filter);
        let slice = query.slice(page, Invalid::default())?;
        let position = |comment: &Comment| Position::new(comment.created_at, comment.id.uuid());
        pages(query, page.size, slice, position, |slice| self.repository.comments(filter, slice)).await
    }
}

/// Reads a page. Rows that can't be read never end a list early: while they fill a whole page, more is read.
async fn pages<T, F>(
    query: Query,
    size: u32,
    mut slice: Slice,
    position: impl Fn(&T) -> Position,
    read: impl Fn(Slice) -> F,
) -> Result<Page<T>, Error>
where
    F: Future<Output = Result<Listing<T>, RepositoryError>>,
{
    loop {
        let listing = read(slice).await?;
        let full = listing.rows() >= slice.limit as usize;
        if listing.items.is_empty() && full {
            slice.limit = slice.limit.saturating_mul(2);
        } else {
            return Ok(listing.into_page(size, query, position));
        }
    }
}
