//! Putting the work on a request on hold.

use chrono::{DateTime, TimeDelta, Utc};
use tracing::instrument;

use super::{Maintenance, edit::changed};
use crate::{
    maintenance::Error,
    model::{Actor, FieldChange, Hold, Request},
    ports::Repository,
    values::{HoldReason, Invalid, RequestId, whole_micros},
};

/// Why the work on a request is to wait, and until when.
///
/// ```
/// use maintenance_core::{Actor, NewHold, WorkerId};
///
/// let worker = Actor::Worker(WorkerId::from_uuid(uuid::Uuid::from_u128(8)));
/// let hold = NewHold::by(worker, "waiting for parts");
/// # let _ = hold;
/// ```
#[derive(Clone)]
pub struct NewHold {
    by: Actor,
    reason: String,
    until: Option<DateTime<Utc>>,
}

impl NewHold {
    /// By that actor for that reason, 1 to 200 characters.
    pub fn by(by: Actor, reason: impl Into<String>) -> Self {
        Self { by, reason: reason.into(), until: None }
    }

    /// Until that time, UTC, at most ten years ahead. It is for people: nothing happens by itself then.
    #[must_use]
    pub fn until(mut self, until: DateTime<Utc>) -> Self {
        self.until = Some(until);
        self
    }

    /// The same by another actor.
    pub(super) fn acted_by(self, by: Actor) -> Self {
        Self { by, ..self }
    }

    fn validate(&self, now: DateTime<Utc>) -> Result<Hold, Invalid> {
        const MOST: TimeDelta = TimeDelta::days(3_650);
        let mut invalid = Invalid::default();
        let reason = invalid.keep("reason", HoldReason::new(&self.reason));
        let until = self.until.map(whole_micros);
        if until.is_some_and(|until| until <= now || until - now > MOST) {
            invalid.push("until", "must be a time later than now and at most ten years ahead");
        }
        invalid.finish(reason.map(|reason| Hold { reason, until }))
    }
}

impl<R: Repository> Maintenance<R> {
    /// Says that the work on an open request waits, and for what: a fact beside its status, for the board and for people.
    /// The request's worker and a landlord may. Holding again replaces reason and time.
    ///
    /// The hold ends by [`resume`](Self::resume), and by itself when the work is completed or cancelled and when the
    /// request is handed back or taken from its worker. It is recorded and told as an [edit](Self::edit).
    ///
    /// # Errors
    ///
    /// - [`Error::Invalid`] for a reason that is empty or too long, or a time that is past.
    /// - [`Error::Refused`], [`Error::NotAllowed`], [`Error::NotOpen`], [`Error::NotFound`] and [`Error::Repository`] as
    ///   [`edit`](Self::edit).
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, id: RequestId, plumber: Actor) -> Result<(), Error> {
    /// let friday = maintenance.now() + chrono::TimeDelta::days(3);
    /// let held = maintenance.hold(id, NewHold::by(plumber, "waiting for parts").until(friday)).await?;
    /// assert_eq!(held.hold.map(|hold| hold.until), Some(Some(friday)));
    /// assert_eq!(maintenance.resume(id, plumber).await?.hold, None);
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, fields(%id), err(level = "debug"))]
    pub async fn hold(&self, id: RequestId, hold: NewHold) -> Result<Request, Error> {
        let wanted = hold.validate(self.now())?;
        self.edit_fields(id, hold.by, None, "put on hold", |request| to_hold(request, Some(&wanted))).await
    }

    /// Ends the hold of an open request. The request's worker and a landlord may. A request that isn't on hold stays as it
    /// is.
    ///
    /// # Errors
    ///
    /// As [`hold`](Self::hold).
    #[instrument(skip_all, fields(%id), err(level = "debug"))]
    pub async fn resume(&self, id: RequestId, by: Actor) -> Result<Request, Error> {
        self.edit_fields(id, by, None, "resumed", |request| to_hold(request, None)).await
    }
}

fn to_hold(request: &Request, wanted: Option<&Hold>) -> Vec<FieldChange> {
    let change = |before, after| FieldChange::Hold { before, after };
    changed(&request.hold, Some(&wanted.cloned()), change).into_iter().collect()
}
