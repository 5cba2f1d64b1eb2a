//! What a decision about a request writes.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    model::{
        Actor, AssignmentCause, AssignmentChange, EditedField, FieldChange, Filing, News, Notification,
        NotificationKind, Ranked, RenterNews, Request, RequestRecord, RequestStatus, Selection, StatusChange,
        Step, Worker, Write,
    },
    values::{
        AssignmentChangeId, Channel, Channels, EditId, IdSource, Note, NotificationId, StatusChangeId,
        UserId, WorkerId, time::next_timestamp,
    },
};

use super::{
    edit::ends_hold,
    reply::acknowledgeable,
    transition::{Effect, Refusal, Transition, permit},
};

/// Who decides and why, and what each write needs besides.
pub(crate) struct Decision<'d> {
    pub(crate) by: Actor,
    pub(crate) note: Option<&'d Note>,
    /// The time by the clock.
    pub(crate) now: DateTime<Utc>,
    pub(crate) ids: &'d dyn IdSource,
    pub(crate) channels: &'d dyn Channels,
    pub(crate) news: &'d dyn RenterNews,
}

/// How a worker was found for a request, or why it has none any more.
pub(crate) struct Choice {
    pub(crate) worker: Option<WorkerId>,
    pub(crate) cause: AssignmentCause,
    pub(crate) ranking: Vec<Ranked>,
}

/// Files a request for the worker that the selection chose, or for nobody.
pub(crate) fn file(
    mut request: Request,
    selection: &Selection,
    ids: &dyn IdSource,
    channels: &dyn Channels,
    news: &dyn RenterNews,
) -> Filing {
    let at = request.created_at;
    request.assigned_worker_id = selection.chosen;
    let assignment = selection.chosen.map(|worker| AssignmentChange {
        id: AssignmentChangeId::mint(ids),
        request_id: request.id,
        previous_worker_id: None,
        new_worker_id: Some(worker),
        changed_by: UserId::SYSTEM,
        changed_at: at,
        cause: AssignmentCause::Filed,
        notes: None,
        ranking: selection.kept(),
    });
    let channel = || channels.channel(request.organization_id, request.complex_id);
    let message = |worker| {
        let (id, kind) = (NotificationId::mint(ids), NotificationKind::Assignment);
        Notification::new(id, channel(), kind, &request, worker, at, at)
    };
    let notification = selection.chosen.map(message);
    let tell = |news| {
        let id = Uuid::new_v5(&request.id.uuid(), b"news").into();
        Notification::telling(id, channel(), news, &request, at, at)
    };
    let news = wanted(news, None, &request).map(tell);
    Filing { request, assignment, notification, news }
}

/// What the renter is told of a change of their request: the first news of it that the host wants told. `before` is `None`
/// for a request that is being filed.
fn wanted(wants: &dyn RenterNews, before: Option<&Request>, after: &Request) -> Option<News> {
    let moved = before.is_some_and(|before| before.status != after.status);
    let had = before.and_then(|before| before.assigned_worker_id);
    let is_given = after.assigned_worker_id.is_some() && after.assigned_worker_id != had;
    let news: &[News] = match after.status {
        RequestStatus::InProgress if moved => &[News::Started],
        RequestStatus::Completed if moved => &[News::Done],
        RequestStatus::Cancelled if moved => &[News::Cancelled],
        _ if before.is_none() && is_given => &[News::Assigned, News::Filed],
        _ if before.is_none() => &[News::Filed],
        _ if is_given => &[News::Assigned],
        _ => &[],
    };
    news.iter().copied().find(|news| wants.wants(after.organization_id, *news))
}

/// Moves a request by that row of the table, with all its effects. Whether its worker is active counts only where the
/// row tells them.
pub(crate) fn change_status(
    request: &Request,
    row: Transition,
    decision: &Decision<'_>,
    worker_is_active: bool,
) -> Step {
    let mut step = Step::on(request, next_timestamp(decision.now, request.updated_at));
    step.writes.push(decision.status(request, row.to, step.at));
    let Some(worker) = request.assigned_worker_id else { return decision.whole(request, step) };
    let nobody = |cause| Choice { worker: None, cause, ranking: Vec::new() };
    if row.has(Effect::EndsAssignment) {
        step.writes.push(decision.assignment(request, nobody(AssignmentCause::HandedBack), step.at));
    }
    if row.has(Effect::TakesBack) && decision.by != Actor::Worker(worker) {
        step.writes.push(decision.message(request, NotificationKind::Withdrawn, worker, step.at));
    }
    if row.has(Effect::TellsWorker) {
        step.writes.push(if worker_is_active {
            decision.message(request, NotificationKind::Assignment, worker, step.at)
        } else {
            decision.assignment(request, nobody(AssignmentCause::WorkerInactive), step.at)
        });
    }
    decision.whole(request, step)
}

/// Gives an open request to another worker, or to nobody: the new worker is told, and so is the one before, unless it was
/// they who gave it up. Work in progress goes back to pending, since its new worker has not begun.
///
/// # Errors
///
/// The table's refusal to put work in progress back, as without a note.
pub(crate) fn assign(request: &Request, choice: Choice, decision: &Decision<'_>) -> Result<Step, Refusal> {
    let mut step = Step::on(request, next_timestamp(decision.now, request.updated_at));
    if request.status != RequestStatus::Pending {
        permit(request, RequestStatus::Pending, decision.by, decision.note)?;
        step.writes.push(decision.status(request, RequestStatus::Pending, step.at));
    }
    let worker = choice.worker;
    step.writes.push(decision.assignment(request, choice, step.at));
    let gave_it_up = |before: &WorkerId| decision.by == Actor::Worker(*before);
    let before = request.assigned_worker_id.filter(|before| Some(*before) != worker && !gave_it_up(before));
    if let Some(before) = before {
        step.writes.push(decision.message(request, NotificationKind::Withdrawn, before, step.at));
    }
    if let Some(worker) = worker {
        step.writes.push(decision.message(request, NotificationKind::Assignment, worker, step.at));
    }
    Ok(decision.whole(request, step))
}

/// Edits a request. Its worker is told, unless it was they who edited it.
pub(crate) fn edit(request: &Request, changes: Vec<FieldChange>, decision: &Decision<'_>) -> Step {
    let mut step = Step::on(request, next_timestamp(decision.now, request.updated_at));
    step.writes.extend(changes.into_iter().map(|change| decision.edit(request, change, step.at)));
    if let Some(worker) = request.assigned_worker_id.filter(|worker| decision.by != Actor::Worker(*worker)) {
        let after = step.after(request.clone());
        step.writes.push(decision.message(&after, NotificationKind::Changed, worker, step.at));
    }
    step
}

/// Records that the worker took the job, on the newest message that gave it to them.
pub(crate) fn acknowledge(record: &RequestRecord, worker: &Worker, now: DateTime<Utc>) -> Step {
    let mut step = Step::on(&record.request, next_timestamp(now, record.request.updated_at));
    step.writes.extend(acknowledgeable(record, worker).map(Write::Acknowledge));
    step
}

/// Tells the worker of a request again that it is theirs.
pub(crate) fn tell_again(request: &Request, worker: WorkerId, decision: &Decision<'_>) -> Step {
    let mut step = Step::on(request, next_timestamp(decision.now, request.updated_at));
    step.writes.push(decision.message(request, NotificationKind::Assignment, worker, step.at));
    step
}

impl Decision<'_> {
    fn status(&self, request: &Request, to: RequestStatus, at: DateTime<Utc>) -> Write {
        Write::Status(StatusChange {
            id: StatusChangeId::mint(self.ids),
            request_id: request.id,
            previous_status: request.status,
            new_status: to,
            changed_by: self.by.user_id(),
            changed_at: at,
            notes: self.note.cloned(),
        })
    }

    fn assignment(&self, request: &Request, choice: Choice, at: DateTime<Utc>) -> Write {
        Write::Assignment(AssignmentChange {
            id: AssignmentChangeId::mint(self.ids),
            request_id: request.id,
            previous_worker_id: request.assigned_worker_id,
            new_worker_id: choice.worker,
            changed_by: self.by.user_id(),
            changed_at: at,
            cause: choice.cause,
            notes: self.note.cloned(),
            ranking: choice.ranking,
        })
    }

    fn edit(&self, request: &Request, change: FieldChange, at: DateTime<Utc>) -> Write {
        Write::Edit(EditedField {
            id: EditId::mint(self.ids),
            request_id: request.id,
            edited_by: self.by.user_id(),
            edited_at: at,
            change,
        })
    }

    /// The step with what follows from it: the end of the request's hold, and the news of it for the renter.
    fn whole(&self, request: &Request, step: Step) -> Step {
        self.with_news(request, self.without_hold(request, step))
    }

    /// The step, which also tells the renter of it, unless they did it themselves.
    fn with_news(&self, request: &Request, mut step: Step) -> Step {
        let after = step.after(request.clone());
        let theirs = self.by == Actor::Renter(request.renter_id);
        if let Some(news) = wanted(self.news, Some(request), &after).filter(|_| !theirs) {
            let id = NotificationId::mint(self.ids);
            let message = Notification::telling(id, self.channel(request), news, &after, step.at, self.now);
            step.writes.push(Write::Notify(message));
        }
        step
    }

    /// The step, which also ends the request's hold where the rule says so.
    fn without_hold(&self, request: &Request, mut step: Step) -> Step {
        if ends_hold(request, &step.after(request.clone())) {
            let ends = FieldChange::Hold { before: request.hold.clone(), after: None };
            step.writes.push(self.edit(request, ends, step.at));
        }
        step
    }

    fn message(
        &self,
        request: &Request,
        kind: NotificationKind,
        worker: WorkerId,
        at: DateTime<Utc>,
    ) -> Write {
        let id = NotificationId::mint(self.ids);
        Write::Notify(Notification::new(id, self.channel(request), kind, request, worker, at, self.now))
    }

    fn channel(&self, request: &Request) -> Channel {
        self.channels.channel(request.organization_id, request.complex_id)
    }
}

#[cfg(test)]
mod tests;
