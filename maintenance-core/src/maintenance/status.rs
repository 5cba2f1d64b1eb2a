//! Moving a request along.

use tracing::instrument;

use super::{Maintenance, assign::note_of};
use crate::{
    maintenance::{Error, tries::Tries},
    model::{Actor, Request, RequestStatus},
    ports::Repository,
    rules::{self, Effect},
    values::RequestId,
};

/// A status change to make.
///
/// ```
/// use maintenance_core::{Actor, Move, RequestStatus, UserId};
///
/// let landlord = Actor::Landlord(UserId::from_uuid(uuid::Uuid::from_u128(7)));
/// let reopen = Move::to(RequestStatus::InProgress, landlord)
///     .from(RequestStatus::Completed)
///     .note("the tap drips again");
/// # let _ = reopen;
/// ```
#[derive(Clone)]
pub struct Move {
    to: RequestStatus,
    by: Actor,
    from: Option<RequestStatus>,
    note: Option<String>,
}

impl Move {
    /// To that status, by that actor.
    pub fn to(to: RequestStatus, by: Actor) -> Self {
        Self { to, by, from: None, note: None }
    }

    /// Only if the request still has the status that the caller saw.
    #[must_use]
    pub fn from(mut self, seen: RequestStatus) -> Self {
        self.from = Some(seen);
        self
    }

    /// With a note that says why, 1 to 2,000 characters.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// The same by another actor.
    pub(super) fn acted_by(self, by: Actor) -> Self {
        Self { by, ..self }
    }
}

impl<R: Repository> Maintenance<R> {
    /// Moves a request to another status, as the table [`TRANSITIONS`](crate::TRANSITIONS) allows: who may, whether a note
    /// must say why, and what happens together with it. The request, its history row and the messages are one step.
    ///
    /// Completing sets `completed_at` and reopening clears it. Handing back ends the assignment. Reopening tells the
    /// request's worker again; one who isn't active any more loses it, and it is found among the
    /// [unassigned](crate::RequestFilter::unassigned). A worker from whom it is taken by somebody else, as by cancelling it,
    /// is told so. A [hold](Self::hold) ends with the work, and when the request becomes nobody's.
    ///
    /// # Errors
    ///
    /// - [`Error::Refused`] when the table doesn't allow it, with what it would allow.
    /// - [`Error::StatusConflict`] when somebody else moved it: of two callers who move one request, one wins and the other
    ///   learns the status that it now has.
    /// - [`Error::Invalid`] for a note that is empty or too long, [`Error::NotFound`] for an unknown request.
    /// - [`Error::Repository`] when the store fails.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, id: RequestId, plumber: WorkerId, renter: RenterId) -> Result<(), Error> {
    /// let worker = Actor::Worker(plumber);
    /// maintenance.change_status(id, Move::to(RequestStatus::InProgress, worker)).await?;
    /// maintenance.change_status(id, Move::to(RequestStatus::Completed, worker).note("new washer")).await?;
    /// let again = Move::to(RequestStatus::InProgress, Actor::Renter(renter)).note("it drips again");
    /// maintenance.change_status(id, again).await?;
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, fields(%id, to = %wanted.to), err(level = "debug"))]
    pub async fn change_status(&self, id: RequestId, wanted: Move) -> Result<Request, Error> {
        let Move { to, by, from: mut seen, note } = wanted;
        let note = note_of(note.as_deref())?;
        let mut tries = Tries::default();
        loop {
            let before = self.request(id).await?;
            let current = before.status;
            if current == to || *seen.get_or_insert(current) != current {
                return Err(Error::StatusConflict { request: id, wanted: to, current });
            }
            let row = rules::permit(&before, to, by, note.as_ref())
                .map_err(|refusal| Error::Refused { request: id, refusal })?;
            let worker_is_active = match before.assigned_worker_id {
                Some(worker) if row.has(Effect::TellsWorker) => self.is_active(worker).await?,
                _ => true,
            };
            let step =
                rules::change_status(&before, row, &self.decision(by, note.as_ref()), worker_is_active);
            match self.apply(before, step).await {
                Err(error) if tries.again(&error) => {}
                done => return done,
            }
        }
    }
}
