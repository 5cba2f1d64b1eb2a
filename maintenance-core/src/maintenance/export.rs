//! Handing out what is there: requests with all that happened to them, and everything about one person.

use std::collections::HashSet;

use futures_util::{Stream, StreamExt as _, stream};
use tracing::instrument;
use uuid::Uuid;

use super::Maintenance;
use crate::{
    maintenance::Error,
    model::{PersonalData, RequestRecord},
    ports::{
        AssignmentsOf, CommentFilter, Listing, MAX_PAGE_SIZE, PageRequest, Repository, RepositoryErrorKind,
        RequestFilter,
    },
    values::{RenterId, RequestId, UserId, WorkerId},
};

/// How many records are read at a time.
const READS: usize = 8;

impl<R: Repository> Maintenance<R> {
    /// Every request that the filter lets through, with all that happened to it, newest first: what
    /// [`import`](Self::import) takes back. Memory holds a page of them at a time, so any number can be exported.
    ///
    /// Each record is as it was at one moment, and different records at different moments: a request that is filed while
    /// the stream is read is not in it. A call that the host trusts.
    ///
    /// # Errors
    ///
    /// An item is [`Error::Repository`] for a record that can't be read, and the stream goes on. When a page of requests
    /// can't be read, its error is the last item.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, mut file: impl std::io::Write) -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::StreamExt as _;
    ///
    /// let all = RequestFilter::default();
    /// let mut records = std::pin::pin!(maintenance.export(&all));
    /// while let Some(record) = records.next().await {
    ///     writeln!(file, "{}", serde_json::to_string(&record?)?)?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn export<'a>(
        &'a self,
        filter: &'a RequestFilter,
    ) -> impl Stream<Item = Result<RequestRecord, Error>> + 'a {
        let first = Some(PageRequest::first(MAX_PAGE_SIZE));
        let pages = stream::unfold(first, move |page| async move {
            Some(match self.requests(filter, &page?).await {
                Ok(page) => {
                    let corrupt = page.corrupt.into_iter().map(|error| Err(error.into()));
                    let ids = corrupt.chain(page.items.into_iter().map(|request| Ok(request.id)));
                    let next = page.next.map(|next| PageRequest::after(next, MAX_PAGE_SIZE));
                    (ids.collect::<Vec<Result<RequestId, Error>>>(), next)
                }
                Err(error) => (vec![Err(error)], None),
            })
        });
        let record = move |id: Result<RequestId, Error>| async move { self.record(id?).await };
        pages.flat_map(stream::iter).map(record).buffered(READS)
    }

    /// Everything that the store has about one person, be they a renter, a worker or a landlord: the worker that they
    /// are with their complexes, the requests that they filed with all that happened to them, and what else they did or
    /// were told: comments, changes of status and of worker, edits, and messages. Names and numbers of renters are the
    /// host's own, and not here.
    ///
    /// What is part of one of their own requests is in its record and not repeated. The tables of the histories and of
    /// messages have no index by person, so they are read whole: with ten million requests this takes seconds. A call
    /// that the host trusts.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when the store fails. A row that can't be read is in `corrupt` beside the others.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, renter: RenterId) -> Result<(), Box<dyn std::error::Error>> {
    /// for data in maintenance.export_person(renter).await?.items {
    ///     println!("{}", serde_json::to_string(&data)?);
    /// }
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn export_person(&self, person: impl Into<UserId>) -> Result<Listing<PersonalData>, Error> {
        let person = person.into();
        let (worker, renter) = (WorkerId::from(Uuid::from(person)), RenterId::from(Uuid::from(person)));
        let mut all = Listing::default();
        all.items.extend(self.repository.worker(worker).await?.map(PersonalData::Worker));
        let complexes = self.repository.assignments(AssignmentsOf::Worker(worker)).await?;
        all.append(complexes.map(PersonalData::ComplexAssignment));
        let mut own = HashSet::new();
        let filed = RequestFilter { renter_id: Some(renter), ..RequestFilter::default() };
        let mut records = std::pin::pin!(self.export(&filed));
        while let Some(record) = records.next().await {
            match record {
                Ok(record) => {
                    own.insert(record.request.id);
                    all.items.push(PersonalData::Request(Box::new(record)));
                }
                Err(Error::Repository(error))
                    if matches!(error.kind, RepositoryErrorKind::Corrupt { .. }) =>
                {
                    all.corrupt.push(error);
                }
                Err(error) => return Err(error),
            }
        }
        let (written, mut page) =
            (CommentFilter { user_id: Some(person), request_id: None }, PageRequest::first(MAX_PAGE_SIZE));
        loop {
            let comments = self.comments(&written, &page).await?;
            all.items.extend(comments.items.into_iter().map(PersonalData::Comment));
            all.corrupt.extend(comments.corrupt);
            let Some(next) = comments.next else { break };
            page.after = Some(next);
        }
        all.append(self.repository.traces(person).await?);
        all.items.retain(|data| match data {
            PersonalData::Comment(comment) => !own.contains(&comment.request_id),
            PersonalData::StatusChange(change) => !own.contains(&change.request_id),
            PersonalData::AssignmentChange(change) => !own.contains(&change.request_id),
            PersonalData::Edit(edit) => !own.contains(&edit.request_id),
            PersonalData::Notification(message) => !own.contains(&message.request_id),
            _ => true,
        });
        Ok(all)
    }
}
