//! Forgetting a renter.

use tracing::instrument;

use super::{Maintenance, tries::Tries};
use crate::{
    maintenance::Error,
    model::{Forgotten, RequestStatus},
    ports::{MAX_PAGE_SIZE, PageRequest, Repository, RepositoryErrorKind, RequestFilter},
    values::{RenterId, RequestId},
};

impl<R: Repository> Maintenance<R> {
    /// Forgets what a renter of this organisation wrote and what was written about their requests, all in one step.
    /// [`FORGOTTEN`](crate::FORGOTTEN) takes the place of the title, description and location of their requests, of the
    /// notes in both histories of these, of the comments on them by whomever, of the renter's own comments elsewhere, and
    /// of the error texts of messages. Deleted are their attachments, their holds, the edits of texts and
    /// of holds, and the words by which a search finds any of this.
    ///
    /// Ids, numbers, times, statuses, priorities, trades and the providers' ids of messages stay: the figures remain what
    /// they were, and an id says nothing of a person whom the host has deleted. Repeating it changes nothing more.
    ///
    /// The files of the attachments are the host's to delete: they are named in the answer, once. Call this in your
    /// transaction ([`within`](Self::within)) and keep the addresses in it, so that none is lost with the process; or
    /// read them beforehand, by [`export_person`](Self::export_person).
    ///
    /// Requests that are open refuse it, since a worker still needs their texts: complete or cancel them first. A message
    /// that still waits to tell a worker that a request is no longer theirs goes out, with the place and without the
    /// texts. A message that a dispatcher has taken may go out as it was.
    ///
    /// No event tells of it: have what follows the [events](Self::events) and keeps texts forget them too.
    ///
    /// A call that the host trusts.
    ///
    /// # Errors
    ///
    /// - [`Error::HasOpenRequests`] with the open requests.
    /// - [`Error::Repository`] when the store fails; nothing was forgotten then, unless the kind is
    ///   [`Unavailable`](crate::RepositoryErrorKind::Unavailable).
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, renter: RenterId) -> Result<(), Error> {
    /// let forgotten = maintenance.forget_renter(renter).await?;
    /// println!("{} requests, {} files to delete", forgotten.requests, forgotten.files.len());
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn forget_renter(&self, renter: RenterId) -> Result<Forgotten, Error> {
        let mut tries = Tries::default();
        loop {
            match self.repository.forget_renter(renter, self.shared.now()).await {
                Err(error) if error.kind == RepositoryErrorKind::Conflict => {
                    let requests = self.open_requests_of(renter).await?;
                    if !requests.is_empty() {
                        return Err(Error::HasOpenRequests { renter, requests });
                    }
                    if !tries.again_after(&error) {
                        return Err(error.into());
                    }
                }
                forgotten => return Ok(forgotten?),
            }
        }
    }

    async fn open_requests_of(&self, renter: RenterId) -> Result<Vec<RequestId>, Error> {
        let statuses = RequestStatus::ALL.iter().copied().filter(|status| status.is_open()).collect();
        let filter = RequestFilter { renter_id: Some(renter), statuses, ..RequestFilter::default() };
        let (mut open, mut page) = (Vec::new(), PageRequest::first(MAX_PAGE_SIZE));
        loop {
            let requests = self.requests(&filter, &page).await?;
            open.extend(requests.items.iter().map(|request| request.id));
            page.after = requests.next;
            if page.after.is_none() {
                return Ok(open);
            }
        }
    }
}
