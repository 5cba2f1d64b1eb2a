//! What follows from a worker's message about a request: one table.

use crate::{
    model::{
        Answer, InboundOutcome, NotificationKind, RequestRecord, RequestStatus,
        RequestStatus::{Cancelled, Completed, InProgress, Pending},
        Worker, WorkerStatus,
    },
    values::{NotificationId, UserId},
};
use chrono::{DateTime, Utc};

/// What a message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// To take the job.
    Accept,
    /// To give it up.
    Decline,
    /// To begin.
    Start,
    /// To finish.
    Finish,
    /// To add a text or a place to the record.
    Comment,
    /// To add a file to the record.
    Attach,
}

/// What the sender is to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// Its worker.
    Assigned {
        /// Whether they took the job by answering.
        accepted: bool,
        /// Whether they answer a message from before the request became theirs, or from before it was reopened.
        late: bool,
    },
    /// Whoever gave it up last.
    GaveItUp,
    /// A worker who doesn't have it, or no longer has it.
    Other,
    /// A worker who is inactive.
    Inactive,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Nothing.
    Nothing,
    /// The assignment message is acknowledged.
    Acknowledge,
    /// The request goes to another worker, or to nobody.
    GiveUp,
    /// The request moves to that status.
    Move(RequestStatus),
    /// The message becomes a comment.
    Comment,
    /// The file becomes an attachment.
    Attach,
}

/// What follows from a message: what is done, what became of the message, and what its sender is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) deed: Deed,
    pub(crate) outcome: InboundOutcome,
    pub(crate) answer: Option<Answer>,
}

impl Reply {
    /// Nothing is done but to answer.
    pub(crate) fn only(outcome: InboundOutcome, answer: Answer) -> Self {
        Self { deed: Deed::Nothing, outcome, answer: Some(answer) }
    }
}

/// The table. Asking twice for the same comes to the same answer, and changes nothing the second time.
pub(crate) fn reply(asked: Asked, by: Relation, status: RequestStatus) -> Reply {
    use InboundOutcome as Outcome;
    let done = |deed, outcome, answer| Reply { deed, outcome, answer: Some(answer) };
    let already = |answer| Reply::only(Outcome::AlreadySo, answer);
    let refused = |answer| Reply::only(Outcome::NotPossible, answer);
    let not_theirs = Reply::only(Outcome::NotTheirs, Answer::NotTheirs);
    match (by, asked, status) {
        (Relation::Inactive, ..) => Reply { deed: Deed::Nothing, outcome: Outcome::Inactive, answer: None },
        (Relation::GaveItUp, Asked::Decline, _) => already(Answer::Declined),
        (Relation::GaveItUp | Relation::Other, ..) => not_theirs,

        (_, Asked::Comment, _) => done(Deed::Comment, Outcome::Commented, Answer::Commented),
        (_, Asked::Attach, _) => done(Deed::Attach, Outcome::Attached, Answer::Attached),

        (Relation::Assigned { late: true, .. }, ..) => Reply::only(Outcome::Old, Answer::Old),

        (Relation::Assigned { accepted: true, .. }, Asked::Accept, Pending) => already(Answer::Accepted),
        (_, Asked::Accept, Pending) => done(Deed::Acknowledge, Outcome::Accepted, Answer::Accepted),

        (_, Asked::Decline, Pending | InProgress) => done(Deed::GiveUp, Outcome::Declined, Answer::Declined),

        (_, Asked::Start, Pending) => done(Deed::Move(InProgress), Outcome::Started, Answer::Started),
        (_, Asked::Accept | Asked::Start, InProgress) => already(Answer::Started),

        (_, Asked::Finish, Pending) => refused(Answer::NotStarted),
        (_, Asked::Finish, InProgress) => done(Deed::Move(Completed), Outcome::Completed, Answer::Completed),
        (_, Asked::Finish, Completed) => already(Answer::Completed),

        (_, _, Completed) => refused(Answer::AlreadyCompleted),
        (_, _, Cancelled) => refused(Answer::Cancelled),
    }
}

/// What the worker is to the request of that record. `answered` is when the message was filed whose button they tapped. A tap
/// is late if that was before the request last became theirs, or before it was last reopened.
pub(crate) fn relation(record: &RequestRecord, worker: &Worker, answered: Option<DateTime<Utc>>) -> Relation {
    if worker.status == WorkerStatus::Inactive {
        return Relation::Inactive;
    }
    if record.request.assigned_worker_id != Some(worker.id) {
        let gave_up = record.assignments.last().is_some_and(|change| {
            change.previous_worker_id == Some(worker.id) && change.changed_by == UserId::from(worker.id)
        });
        return if gave_up { Relation::GaveItUp } else { Relation::Other };
    }
    let since = since(record);
    let is_since = |at: DateTime<Utc>| since.is_none_or(|since| at >= since);
    let accepted = record.notifications.iter().any(|message| {
        message.to == worker.id.into() && message.acknowledged_at.is_some() && is_since(message.created_at)
    });
    Relation::Assigned { accepted, late: answered.is_some_and(|at| !is_since(at)) }
}

/// Since when the request is its worker's as it is now: since it last became theirs, or was last reopened.
fn since(record: &RequestRecord) -> Option<DateTime<Utc>> {
    let assigned = record.assignments.last().map(|change| change.changed_at);
    let reopened = record.history.iter().rfind(|change| change.previous_status == Completed);
    assigned.max(reopened.map(|change| change.changed_at))
}

/// The message that is acknowledged when the worker takes the job: the newest that gave it to them.
pub(crate) fn acknowledgeable(record: &RequestRecord, worker: &Worker) -> Option<NotificationId> {
    let theirs = record
        .notifications
        .iter()
        .rev()
        .find(|message| message.kind == NotificationKind::Assignment && message.to == worker.id.into());
    theirs.map(|message| message.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::TRANSITIONS;

    const ASKED: [Asked; 6] =
        [Asked::Accept, Asked::Decline, Asked::Start, Asked::Finish, Asked::Comment, Asked::Attach];

    #[test]
    fn every_move_is_one_that_the_table_of_transitions_lets_a_worker_make() {
        for asked in ASKED {
            for status in RequestStatus::ALL.iter().copied() {
                for (accepted, late) in [(false, false), (true, false), (false, true)] {
                    let reply = reply(asked, Relation::Assigned { accepted, late }, status);
                    let to = match reply.deed {
                        Deed::Move(to) => to,
                        Deed::GiveUp if status == InProgress => Pending,
                        _ => continue,
                    };
                    let row = TRANSITIONS.iter().find(|row| row.from == status && row.to == to);
                    let allowed =
                        row.is_some_and(|row| row.allowed.contains(&crate::model::Role::AssignedWorker));
                    assert!(allowed, "{asked:?} of {status}");
                }
            }
        }
    }

    #[test]
    fn whoever_has_not_the_request_changes_nothing() {
        for asked in ASKED {
            for status in RequestStatus::ALL.iter().copied() {
                for by in [Relation::GaveItUp, Relation::Other, Relation::Inactive] {
                    assert_eq!(reply(asked, by, status).deed, Deed::Nothing, "{asked:?} {by:?} {status}");
                }
            }
        }
    }

    #[test]
    fn asking_again_changes_nothing() {
        let by = Relation::Assigned { accepted: false, late: false };
        for asked in [Asked::Accept, Asked::Decline, Asked::Start, Asked::Finish] {
            for status in RequestStatus::ALL.iter().copied() {
                let first = reply(asked, by, status);
                let (by, status) = match first.deed {
                    Deed::Acknowledge => (Relation::Assigned { accepted: true, late: false }, status),
                    Deed::Move(to) => (by, to),
                    Deed::GiveUp => (Relation::GaveItUp, Pending),
                    _ => continue,
                };
                let second = reply(asked, by, status);
                assert_eq!(
                    (second.deed, second.answer),
                    (Deed::Nothing, first.answer),
                    "{asked:?} of {status}"
                );
            }
        }
    }
}
