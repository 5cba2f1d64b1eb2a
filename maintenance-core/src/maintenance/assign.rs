//! Giving a request to a worker: by hand, again by selection, or telling its worker again.

use chrono::{DateTime, Utc};
use tracing::instrument;

use super::Maintenance;
use crate::{
    Actor, Error, Invalid, Notification, NotificationId, NotificationKind, Refusal, Repository, Request,
    RequestId, RequestStatus, RequestStep, Selection, StatusChange, StatusChangeId, WhatsAppStatus, WorkerId,
    WorkerStatus, clock::stamp, error::Tries, exclusions, text::Note, transition,
};

/// What became of an assignment by selection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// The request as it stands; unchanged when nobody was chosen.
    pub request: Request,
    /// Who was chosen, and for every candidate why or why not.
    pub selection: Selection,
}

impl<R: Repository> Maintenance<R> {
    /// Gives a request to a worker by hand: any active worker, also from outside the complex. A landlord may.
    ///
    /// A request in progress goes back to pending, since its new worker has not begun; that needs a note, as
    /// the table of transitions says. A request that is the worker's already stays as it is.
    #[instrument(skip_all, fields(%id, %worker), err(level = "debug"))]
    pub async fn assign(
        &self,
        id: RequestId,
        worker: WorkerId,
        by: Actor,
        note: Option<&str>,
    ) -> Result<Request, Error> {
        landlord_only(by, "assign a request")?;
        let note = note_of(note)?;
        let mut tries = Tries::default();
        loop {
            let before = self.open_request(id, "assigned").await?;
            if before.assigned_worker_id == Some(worker) {
                return Ok(before);
            }
            let to = self.worker(worker).await?;
            if to.status != WorkerStatus::Active {
                return Err(Invalid::field(
                    "worker_id",
                    format!("{worker} is {}; it must be active", to.status),
                )
                .into());
            }
            match self.give(before, worker, by, note.as_ref()).await {
                Err(error) if tries.again(&error) => {}
                done => return done,
            }
        }
    }

    /// Selects a worker for a filed request again: for one that is unassigned, or for one whose worker is to
    /// be replaced. Whoever handed it back, could not be reached about it, or has it now is left out. A
    /// landlord or the engine may. With nobody suitable the request stays as it is.
    #[instrument(skip_all, fields(%id), err(level = "debug"))]
    pub async fn assign_by_selection(
        &self,
        id: RequestId,
        by: Actor,
        note: Option<&str>,
    ) -> Result<Assigned, Error> {
        landlord_only(by, "assign a request")?;
        let note = note_of(note)?;
        let mut tries = Tries::default();
        loop {
            let record = self.record(id).await?;
            let excluded = exclusions(&record);
            let before = must_be_open(record.request, "assigned")?;
            let selection = self.select_for(&before, excluded).await?;
            let Some(worker) = selection.chosen else {
                return Ok(Assigned { request: before, selection });
            };
            match self.give(before, worker, by, note.as_ref()).await {
                Err(error) if tries.again(&error) => {}
                done => return done.map(|request| Assigned { request, selection }),
            }
        }
    }

    /// Sends the worker of an open request its message again, as after a failure: a new notification, since
    /// the old one keeps its record. Refused while the newest message is still on its way out.
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
            if before.whatsapp_status == WhatsAppStatus::Pending {
                return Err(Invalid::field(
                    "request_id",
                    format!("{id} has a message that is still to be sent"),
                )
                .into());
            }
            let now = stamp(self.shared.now(), before.updated_at);
            let mut step = next_step(before, now);
            self.tell(&mut step, worker);
            match self.apply(step).await {
                Err(error) if tries.again(&error) => {}
                done => return done,
            }
        }
    }

    /// One try at giving an open request to another worker.
    async fn give(
        &self,
        before: Request,
        worker: WorkerId,
        by: Actor,
        note: Option<&Note>,
    ) -> Result<Request, Error> {
        let now = stamp(self.shared.now(), before.updated_at);
        let change = (before.status != RequestStatus::Pending)
            .then(|| self.status_change(&before, RequestStatus::Pending, by, note, now))
            .transpose()?;
        let mut step = next_step(before, now);
        step.request.status = RequestStatus::Pending;
        step.request.assigned_worker_id = Some(worker);
        step.change = change;
        self.tell(&mut step, worker);
        self.apply(step).await
    }

    /// Adds to a step a message to the worker, which becomes the request's newest.
    pub(super) fn tell(&self, step: &mut RequestStep, worker: WorkerId) {
        let RequestStep { request, notification, .. } = step;
        let id = NotificationId::mint(&self.shared.ids);
        let (filed, now) = (request.updated_at, self.shared.now());
        *notification =
            Some(Notification::new(id, NotificationKind::Assignment, request, worker, filed, now));
        request.whatsapp_message_id = None;
        request.whatsapp_status = WhatsAppStatus::Pending;
    }

    /// The history row of a status change that the rules allow.
    pub(super) fn status_change(
        &self,
        before: &Request,
        to: RequestStatus,
        by: Actor,
        note: Option<&Note>,
        now: DateTime<Utc>,
    ) -> Result<StatusChange, Error> {
        let refused = |refusal: Refusal| Error::Refused { request: before.id, refusal };
        transition::check(before, to, by, note).map_err(refused)?;
        Ok(StatusChange {
            id: StatusChangeId::mint(&self.shared.ids),
            request_id: before.id,
            previous_status: before.status,
            new_status: to,
            changed_by: by.user_id(),
            changed_at: now,
            notes: note.cloned(),
        })
    }

    pub(super) async fn apply(&self, step: RequestStep) -> Result<Request, Error> {
        self.repository.apply(&step).await?;
        if step.notification.is_some() {
            self.wake();
        }
        Ok(step.request)
    }

    async fn open_request(&self, id: RequestId, wanted: &'static str) -> Result<Request, Error> {
        must_be_open(self.request(id).await?, wanted)
    }

    /// Whether a worker can be told of something now.
    pub(super) async fn is_active(&self, worker: WorkerId) -> Result<bool, Error> {
        let worker = self.repository.worker(worker).await?;
        Ok(worker.is_some_and(|worker| worker.status == WorkerStatus::Active))
    }
}

/// The step that changes nothing yet but the version and the time.
pub(super) fn next_step(before: Request, now: DateTime<Utc>) -> RequestStep {
    let request = Request { updated_at: now, version: before.version.saturating_add(1), ..before };
    RequestStep { request, change: None, notification: None }
}

fn must_be_open(request: Request, wanted: &'static str) -> Result<Request, Error> {
    if request.status.is_open() {
        Ok(request)
    } else {
        Err(Error::NotOpen { request: request.id, status: request.status, wanted })
    }
}

fn landlord_only(by: Actor, action: &'static str) -> Result<(), Error> {
    match by {
        Actor::Landlord(_) | Actor::System => Ok(()),
        Actor::Renter(_) | Actor::Worker(_) => Err(Error::NotAllowed { allowed: "a landlord", action }),
    }
}

pub(super) fn note_of(note: Option<&str>) -> Result<Option<Note>, Invalid> {
    note.map(|note| Note::new(note).map_err(|rule| Invalid::field("note", rule.to_string()))).transpose()
}
