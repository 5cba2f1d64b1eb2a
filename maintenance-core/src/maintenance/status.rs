//! Moving a request along.

use tracing::instrument;

use super::{
    Maintenance,
    assign::{next_step, note_of},
};
use crate::{Actor, Error, Repository, Request, RequestId, RequestStatus, clock::stamp, error::Tries};

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
}

impl<R: Repository> Maintenance<R> {
    /// Moves a request to another status, as the table of transitions allows; writes the request and its
    /// history row in one step.
    ///
    /// Completing sets `completed_at` and reopening clears it. Handing back ends the assignment. Reopening
    /// tells the request's worker again, if they are active.
    ///
    /// Of two callers who move one request, one wins; the other gets [`Error::StatusConflict`] with the
    /// status that it now has.
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
            let now = stamp(self.shared.now(), before.updated_at);
            let change = self.status_change(&before, to, by, note.as_ref(), now)?;
            let mut step = next_step(before, now);
            step.request.status = to;
            step.request.completed_at = (to == RequestStatus::Completed).then_some(now);
            step.change = Some(change);
            match (current, step.request.assigned_worker_id) {
                (RequestStatus::InProgress, _) if to == RequestStatus::Pending => {
                    step.request.assigned_worker_id = None;
                }
                (RequestStatus::Completed, Some(worker)) if self.is_active(worker).await? => {
                    self.tell(&mut step, worker);
                }
                _ => {}
            }
            match self.apply(step).await {
                Err(error) if tries.again(&error) => {}
                done => return done,
            }
        }
    }
}
