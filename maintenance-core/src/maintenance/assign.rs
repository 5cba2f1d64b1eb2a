//! Giving a request to a worker: by hand, again by selection, or telling its worker again.

use tracing::instrument;

use super::{Maintenance, Shared};
use crate::{
    maintenance::{Error, tries::Tries},
    model::{
        Actor, AssignmentCause, Notification, NotificationKind, Request, Selection, Step, WhatsAppStatus,
        WorkerStatus,
    },
    ports::Repository,
    rules::{self, Choice, Decision, exclusions},
    values::{Invalid, Note, RequestId, WorkerId},
};

/// How a request is to be assigned: by whom, why, and what the caller saw.
///
/// ```
/// use maintenance_core::{Actor, Assign, UserId, WorkerId};
///
/// let landlord = Actor::Landlord(UserId::from_uuid(uuid::Uuid::from_u128(7)));
/// let shown = WorkerId::from_uuid(uuid::Uuid::from_u128(8));
/// let assign = Assign::by(landlord).from(Some(shown)).note("the first is ill");
/// # let _ = assign;
/// ```
#[derive(Clone)]
pub struct Assign {
    pub(super) by: Actor,
    pub(super) note: Option<String>,
    seen: Option<SeenWorker>,
}

impl Assign {
    /// By that actor.
    pub fn by(by: Actor) -> Self {
        Self { by, note: None, seen: None }
    }

    /// Only if the request still has the worker that the caller saw, or still has none.
    #[must_use]
    pub fn from(mut self, seen: Option<WorkerId>) -> Self {
        self.seen = Some(seen);
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

/// The worker that a caller saw on a request, if any.
type SeenWorker = Option<WorkerId>;

/// What became of an assignment by selection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Assigned {
    /// The request as it stands; unchanged when nobody was chosen.
    pub request: Request,
    /// Who was chosen, and for every candidate why or why not.
    pub selection: Selection,
}

impl<R: Repository> Maintenance<R> {
    /// Gives a request to a worker by hand: any active worker, also from outside the complex. A landlord or the engine may.
    /// The new worker is told, and so is one who was told that it is theirs.
    ///
    /// A request in progress goes back to pending, since its new worker has not begun; that needs a note, as the table of
    /// transitions says. A request that is the worker's already stays as it is.
    ///
    /// # Errors
    ///
    /// - [`Error::AssignmentConflict`] when the request no longer has the worker that the caller saw ([`Assign::from`]), or
    ///   when somebody else assigned it at the same moment: of two callers one wins.
    /// - [`Error::NotAllowed`] for a renter or a worker, [`Error::NotOpen`] for work that is over.
    /// - [`Error::Refused`] for work in progress without a note.
    /// - [`Error::Invalid`] for a worker who isn't active, or a note that is empty or too long.
    /// - [`Error::NotFound`] for an unknown request or worker, [`Error::Repository`] when the store fails.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, id: RequestId, shown: WorkerId, plumber: WorkerId, landlord: Actor) -> Result<(), Error> {
    /// let assign = Assign::by(landlord).from(Some(shown)).note("the first is ill");
    /// match maintenance.assign(id, plumber, assign).await {
    ///     Ok(request) => println!("now assigned to {:?}", request.assigned_worker_id),
    ///     Err(Error::AssignmentConflict { current, .. }) => println!("meanwhile given to {current:?}"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, fields(%id, %worker), err(level = "debug"))]
    pub async fn assign(&self, id: RequestId, worker: WorkerId, assign: Assign) -> Result<Request, Error> {
        landlord_only(assign.by, "assign a request")?;
        let note = note_of(assign.note.as_deref())?;
        let (mut seen, mut tries) = (assign.seen, Tries::default());
        loop {
            let before = self.open_request(id, "assigned").await?;
            if before.assigned_worker_id == Some(worker) {
                return Ok(before);
            }
            still(&before, &mut seen)?;
            self.must_be_active(worker, "it must be active").await?;
            let by_hand =
                Choice { worker: Some(worker), cause: AssignmentCause::ByHand, ranking: Vec::new() };
            match self.give(before, by_hand, assign.by, note.as_ref()).await {
                Err(error) if tries.again(&error) => {}
                done => return done,
            }
        }
    }

    /// Selects a worker for a filed request again: for one that is unassigned, or for one whose worker is to be replaced.
    /// Whoever handed it back, could not be reached about it, or has it now is left out. A landlord or the engine may. With
    /// nobody suitable the request stays as it is.
    ///
    /// # Errors
    ///
    /// As [`assign`](Self::assign), but for what is about a named worker.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, id: RequestId) -> Result<(), Error> {
    /// let assigned = maintenance.assign_by_selection(id, Assign::by(Actor::System)).await?;
    /// for ranked in &assigned.selection.ranking {
    ///     println!("{}: {}", ranked.worker_id, ranked.verdict);
    /// }
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, fields(%id), err(level = "debug"))]
    pub async fn assign_by_selection(&self, id: RequestId, assign: Assign) -> Result<Assigned, Error> {
        self.select_again(id, assign, IfNobody::Stays).await
    }

    pub(super) async fn select_again(
        &self,
        id: RequestId,
        assign: Assign,
        if_nobody: IfNobody,
    ) -> Result<Assigned, Error> {
        landlord_only(assign.by, "assign a request")?;
        let note = note_of(assign.note.as_deref())?;
        let (mut seen, mut tries) = (assign.seen, Tries::default());
        loop {
            let record = self.record(id).await?;
            let excluded = exclusions(&record);
            let before = must_be_open(record.request, "assigned")?;
            still(&before, &mut seen)?;
            let selection = self.select_for(&before, excluded).await?;
            if selection.chosen.is_none() && if_nobody == IfNobody::Stays {
                return Ok(Assigned { request: before, selection });
            }
            let selected = Choice {
                worker: selection.chosen,
                cause: AssignmentCause::Selected,
                ranking: selection.kept(),
            };
            match self.give(before, selected, assign.by, note.as_ref()).await {
                Err(error) if tries.again(&error) => {}
                done => return done.map(|request| Assigned { request, selection }),
            }
        }
    }

    /// Takes an open request from its worker: it is nobody's until it is assigned again. A landlord or the engine may, and
    /// the worker may give it up themselves, also before they have begun; [`assign_by_selection`](Self::assign_by_selection)
    /// then leaves them out. A worker from whom it is taken is told so, if they were told that it was theirs.
    ///
    /// A request in progress goes back to pending, which needs a note, as the table of transitions says. A landlord may
    /// unassign a request that is nobody's, which then stays as it is.
    ///
    /// # Errors
    ///
    /// - [`Error::AssignmentConflict`] when the request no longer has the worker that the caller saw ([`Assign::from`]), or
    ///   isn't the calling worker's.
    /// - [`Error::NotAllowed`] for a renter, [`Error::NotOpen`] for work that is over.
    /// - [`Error::Refused`] for work in progress without a note.
    /// - [`Error::Invalid`], [`Error::NotFound`] and [`Error::Repository`] as [`assign`](Self::assign).
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, id: RequestId, plumber: WorkerId) -> Result<(), Error> {
    /// let declined = Assign::by(Actor::Worker(plumber)).note("my van broke down");
    /// let request = maintenance.unassign(id, declined).await?;
    /// assert_eq!((request.status, request.assigned_worker_id), (RequestStatus::Pending, None));
    /// maintenance.assign_by_selection(id, Assign::by(Actor::System)).await?;
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, fields(%id), err(level = "debug"))]
    pub async fn unassign(&self, id: RequestId, assign: Assign) -> Result<Request, Error> {
        let Assign { by, note, mut seen } = assign;
        let cause = match by {
            Actor::Landlord(_) | Actor::System => AssignmentCause::ByHand,
            Actor::Worker(_) => AssignmentCause::HandedBack,
            Actor::Renter(_) => {
                let allowed = "a landlord or the request's worker";
                return Err(Error::NotAllowed { allowed, action: "take a request from its worker" });
            }
        };
        let note = note_of(note.as_deref())?;
        let mut tries = Tries::default();
        loop {
            let before = self.open_request(id, "unassigned").await?;
            still(&before, &mut seen)?;
            if let Actor::Worker(worker) = by {
                still(&before, &mut Some(Some(worker)))?;
            }
            if before.assigned_worker_id.is_none() {
                return Ok(before);
            }
            let nobody = Choice { worker: None, cause, ranking: Vec::new() };
            match self.give(before, nobody, by, note.as_ref()).await {
                Err(error) if tries.again(&error) => {}
                done => return done,
            }
        }
    }

    /// Sends the worker of an open request its message again, as after a failure: a new notification, since the old one keeps
    /// its record. A landlord or the engine may.
    ///
    /// # Errors
    ///
    /// - [`Error::Invalid`] when the request has no worker, when its worker isn't active, or while its newest message is still
    ///   on its way out; each says what to do.
    /// - [`Error::NotAllowed`], [`Error::NotOpen`], [`Error::NotFound`] and [`Error::Repository`] as [`assign`](Self::assign).
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, id: RequestId, landlord: Actor) -> Result<(), Error> {
    /// let request = maintenance.notify_again(id, landlord).await?;
    /// assert_eq!(request.whatsapp_status, WhatsAppStatus::Pending);
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, fields(%id), err(level = "debug"))]
    pub async fn notify_again(&self, id: RequestId, by: Actor) -> Result<Request, Error> {
        landlord_only(by, "have a message sent again")?;
        let mut tries = Tries::default();
        loop {
            let before = self.open_request(id, "told of again").await?;
            let Some(worker) = before.assigned_worker_id else {
                return Err(
                    Invalid::field("request_id", format!("{id} has no worker; assign one first")).into()
                );
            };
            if before.whatsapp_status == WhatsAppStatus::Pending && self.has_pending_message(id).await? {
                return Err(Invalid::field(
                    "request_id",
                    format!("{id} has a message that is still to be sent"),
                )
                .into());
            }
            self.must_be_active(worker, "assign the request to an active worker first").await?;
            let step = rules::tell_again(&before, worker, &self.decision(by, None));
            match self.apply(before, step).await {
                Err(error) if tries.again(&error) => {}
                done => return done,
            }
        }
    }

    /// One try at giving an open request to another worker, or to nobody.
    async fn give(
        &self,
        before: Request,
        choice: Choice,
        by: Actor,
        note: Option<&Note>,
    ) -> Result<Request, Error> {
        let step = rules::assign(&before, choice, &self.decision(by, note))
            .map_err(|refusal| Error::Refused { request: before.id, refusal })?;
        self.apply(before, step).await
    }

    /// What the rules need to know of a decision made now.
    pub(super) fn decision<'d>(&'d self, by: Actor, note: Option<&'d Note>) -> Decision<'d> {
        let Shared { ids, channels, news, .. } = &self.shared;
        Decision { by, note, now: self.shared.now(), ids: &**ids, channels: &**channels, news: &**news }
    }

    /// Writes a step on the request as it was seen; the request after it.
    pub(super) async fn apply(&self, before: Request, step: Step) -> Result<Request, Error> {
        self.repository.apply(&step).await?;
        if step.notifies() {
            self.wake();
        }
        Ok(step.after(before))
    }

    async fn open_request(&self, id: RequestId, wanted: &'static str) -> Result<Request, Error> {
        must_be_open(self.request(id).await?, wanted)
    }

    /// Fails unless the worker can be given work, saying what would be right.
    async fn must_be_active(&self, worker: WorkerId, right: &str) -> Result<(), Error> {
        let status = self.worker(worker).await?.status;
        if status == WorkerStatus::Active {
            return Ok(());
        }
        Err(Invalid::field("worker_id", format!("{worker} is {status}; {right}")).into())
    }

    /// Whether a message that gives the request to its worker is still to be sent. There may be none: an imported request
    /// has no messages.
    async fn has_pending_message(&self, id: RequestId) -> Result<bool, Error> {
        let messages = self.record(id).await?.notifications;
        let waits = |message: &Notification| {
            message.kind == NotificationKind::Assignment && message.status == WhatsAppStatus::Pending
        };
        Ok(messages.iter().any(waits))
    }

    /// Whether a worker can be told of something now.
    pub(super) async fn is_active(&self, worker: WorkerId) -> Result<bool, Error> {
        let worker = self.repository.worker(worker).await?;
        Ok(worker.is_some_and(|worker| worker.status == WorkerStatus::Active))
    }
}

/// What becomes of a request for which nobody is suitable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum IfNobody {
    /// It stays with its worker.
    Stays,
    /// It is nobody's.
    Unassigned,
}

/// Fails unless the request still has the worker that the decision rests on: the one that the caller saw, or else the
/// one that the first read found.
fn still(request: &Request, seen: &mut Option<SeenWorker>) -> Result<(), Error> {
    let current = request.assigned_worker_id;
    let seen = *seen.get_or_insert(current);
    if seen == current {
        Ok(())
    } else {
        Err(Error::AssignmentConflict { request: request.id, seen, current })
    }
}

pub(super) fn must_be_open(request: Request, wanted: &'static str) -> Result<Request, Error> {
    if request.status.is_open() {
        Ok(request)
    } else {
        Err(Error::NotOpen { request: request.id, status: request.status, wanted })
    }
}

pub(super) fn landlord_only(by: Actor, action: &'static str) -> Result<(), Error> {
    match by {
        Actor::Landlord(_) | Actor::System => Ok(()),
        Actor::Renter(_) | Actor::Worker(_) => Err(Error::NotAllowed { allowed: "a landlord", action }),
    }
}

pub(super) fn note_of(note: Option<&str>) -> Result<Option<Note>, Invalid> {
    note.map(|note| Note::new(note).map_err(|rule| Invalid::field("note", rule.to_string()))).transpose()
}
