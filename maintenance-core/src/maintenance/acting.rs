//! The use cases as one actor may use them: what a handler can call with whatever its client sends.

use std::collections::BTreeMap;

use super::{Assign, Assigned, Edit, Error, Maintenance, Move, NewHold, seen::Seen};
use crate::{
    model::{Attachment, Comment, NewAttachment, NewComment, Request, RequestRecord, RequestStatus},
    ports::{CommentFilter, Page, PageRequest, Repository, RequestFilter},
    rules::Viewer,
    values::{RequestId, WorkerId},
};

/// The engine as one actor may use it, from [`Maintenance::acting_as`]. What they may not see is not found.
#[derive(Debug)]
pub struct ActingAs<R> {
    engine: Maintenance<Seen<R>>,
    viewer: Viewer,
}

impl<R: Repository + Clone> Maintenance<R> {
    /// The engine as this actor may use it: a renter finds their own requests, a worker those that are theirs, a landlord
    /// those of the organisation, or of the complexes to which [`Viewer::landlord_of`] limits them. Everything else looks
    /// as if it didn't exist, whatever id a client sends. The methods of [`Maintenance`] itself are calls that the host
    /// trusts.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository + Clone>, id: RequestId, renter: RenterId) -> Result<(), Error> {
    /// let theirs = maintenance.acting_as(Actor::Renter(renter));
    /// let request = theirs.request(id).await?; // not found unless it is this renter's
    /// theirs.comment(id, NewComment { id: None, comment: "It drips faster now.".into() }).await?;
    /// # let _ = request; Ok(()) }
    /// ```
    pub fn acting_as(&self, viewer: impl Into<Viewer>) -> ActingAs<R> {
        let viewer = viewer.into();
        let store = Seen { store: self.repository.clone(), viewer: viewer.clone() };
        let engine =
            Maintenance { repository: store, shared: self.shared.clone(), joining: self.joining.clone() };
        ActingAs { engine, viewer }
    }
}

impl<R: Repository> ActingAs<R> {
    /// A request, as [`Maintenance::request`].
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] also for a request that they may not see.
    pub async fn request(&self, id: RequestId) -> Result<Request, Error> {
        self.engine.request(id).await
    }

    /// A request with what they may see of all that happened to it. A renter isn't told who was chosen why, nor what was
    /// written to workers; a worker isn't told how others ranked, nor what others were written.
    ///
    /// # Errors
    ///
    /// As [`Maintenance::record`]; [`Error::NotFound`] also for a request that they may not see.
    pub async fn record(&self, id: RequestId) -> Result<RequestRecord, Error> {
        self.engine.record(id).await
    }

    /// Those of the requests that they may see, as [`Maintenance::requests`].
    ///
    /// # Errors
    ///
    /// As [`Maintenance::requests`].
    pub async fn requests(&self, filter: &RequestFilter, page: &PageRequest) -> Result<Page<Request>, Error> {
        self.engine.requests(filter, page).await
    }

    /// How many requests they may see of each status, as [`Maintenance::count_by_status`].
    ///
    /// # Errors
    ///
    /// As [`Maintenance::count_by_status`].
    pub async fn count_by_status(
        &self,
        filter: &RequestFilter,
    ) -> Result<BTreeMap<RequestStatus, u64>, Error> {
        self.engine.count_by_status(filter).await
    }

    /// The comments on a request, oldest first, in pages.
    ///
    /// # Errors
    ///
    /// As [`Maintenance::comments`]; [`Error::NotFound`] for a request that they may not see.
    pub async fn comments(&self, request: RequestId, page: &PageRequest) -> Result<Page<Comment>, Error> {
        self.request(request).await?;
        let filter = CommentFilter { request_id: Some(request), ..CommentFilter::default() };
        self.engine.comments(&filter, page).await
    }

    /// Comments on a request, as [`Maintenance::comment`].
    ///
    /// # Errors
    ///
    /// As [`Maintenance::comment`]; [`Error::NotFound`] also for a request that they may not see.
    pub async fn comment(&self, request: RequestId, new: NewComment) -> Result<Comment, Error> {
        self.engine.comment(request, self.viewer.actor(), new).await
    }

    /// Attaches a file to a request, as [`Maintenance::attach`].
    ///
    /// # Errors
    ///
    /// As [`Maintenance::attach`]; [`Error::NotFound`] also for a request that they may not see.
    pub async fn attach(&self, request: RequestId, new: NewAttachment) -> Result<Attachment, Error> {
        self.engine.attach(request, new).await
    }

    /// Moves a request to another status, as [`Maintenance::change_status`]; it is they who move it, whoever `wanted` names.
    ///
    /// # Errors
    ///
    /// As [`Maintenance::change_status`]; [`Error::NotFound`] also for a request that they may not see.
    pub async fn change_status(&self, id: RequestId, wanted: Move) -> Result<Request, Error> {
        self.engine.change_status(id, wanted.acted_by(self.viewer.actor())).await
    }

    /// Gives a request to a worker, as [`Maintenance::assign`]; it is they who do, whoever `assign` names.
    ///
    /// # Errors
    ///
    /// As [`Maintenance::assign`]; [`Error::NotFound`] also for a request that they may not see.
    pub async fn assign(&self, id: RequestId, worker: WorkerId, assign: Assign) -> Result<Request, Error> {
        self.engine.assign(id, worker, assign.acted_by(self.viewer.actor())).await
    }

    /// Selects a worker for a request, as [`Maintenance::assign_by_selection`]; it is they who do, whoever `assign` names.
    ///
    /// # Errors
    ///
    /// As [`Maintenance::assign_by_selection`]; [`Error::NotFound`] also for a request that they may not see.
    pub async fn assign_by_selection(&self, id: RequestId, assign: Assign) -> Result<Assigned, Error> {
        self.engine.assign_by_selection(id, assign.acted_by(self.viewer.actor())).await
    }

    /// Takes a request from its worker, as [`Maintenance::unassign`]; it is they who do, whoever `assign` names.
    ///
    /// # Errors
    ///
    /// As [`Maintenance::unassign`]; [`Error::NotFound`] also for a request that they may not see.
    pub async fn unassign(&self, id: RequestId, assign: Assign) -> Result<Request, Error> {
        self.engine.unassign(id, assign.acted_by(self.viewer.actor())).await
    }

    /// Edits a request, as [`Maintenance::edit`]; it is they who do, whoever `edit` names.
    ///
    /// # Errors
    ///
    /// As [`Maintenance::edit`]; [`Error::NotFound`] also for a request that they may not see.
    pub async fn edit(&self, id: RequestId, edit: Edit) -> Result<Request, Error> {
        self.engine.edit(id, edit.acted_by(self.viewer.actor())).await
    }

    /// Puts a request on hold, as [`Maintenance::hold`]; it is they who do, whoever `hold` names.
    ///
    /// # Errors
    ///
    /// As [`Maintenance::hold`]; [`Error::NotFound`] also for a request that they may not see.
    pub async fn hold(&self, id: RequestId, hold: NewHold) -> Result<Request, Error> {
        self.engine.hold(id, hold.acted_by(self.viewer.actor())).await
    }

    /// Ends the hold of a request, as [`Maintenance::resume`].
    ///
    /// # Errors
    ///
    /// As [`Maintenance::resume`]; [`Error::NotFound`] also for a request that they may not see.
    pub async fn resume(&self, id: RequestId) -> Result<Request, Error> {
        self.engine.resume(id, self.viewer.actor()).await
    }

    /// Tells the worker of a request again that it is theirs, as [`Maintenance::notify_again`].
    ///
    /// # Errors
    ///
    /// As [`Maintenance::notify_again`]; [`Error::NotFound`] also for a request that they may not see.
    pub async fn notify_again(&self, id: RequestId) -> Result<Request, Error> {
        self.engine.notify_again(id, self.viewer.actor()).await
    }
}
