//! Who may move a request from where to where, and what happens then: one table, and the functions that read it.
#![doc = include_str!("transition.md")]

use crate::{
    model::{
        Actor, Request, RequestField,
        RequestStatus::{self, Cancelled, Completed, InProgress, Pending},
        Role,
    },
    values::{Note, text_enum::text_enum},
};

text_enum! {
    /// What happens together with a change of status.
    #[non_exhaustive]
    pub enum Effect {
        /// `completed_at` becomes the time of the change.
        SetsCompletedAt = "sets completed_at",
        /// `completed_at` becomes empty.
        ClearsCompletedAt = "clears completed_at",
        /// The request is nobody's from now on.
        EndsAssignment = "ends the assignment",
        /// The worker is told that the request is theirs. One who isn't active any more loses it instead.
        TellsWorker = "tells the worker",
        /// The worker is told that the request is no longer theirs, unless they made the change themselves.
        TakesBack = "takes it back from the worker",
    }
}

/// One row of the table: who may move a request from `from` to `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// The status before.
    pub from: RequestStatus,
    /// The status after.
    pub to: RequestStatus,
    /// Who may do it.
    pub allowed: &'static [Role],
    /// Whether a note must say why.
    pub note_required: bool,
    /// What happens together with it.
    pub effects: &'static [Effect],
}

impl Transition {
    /// Whether that happens together with it.
    pub fn has(&self, effect: Effect) -> bool {
        self.effects.contains(&effect)
    }
}

/// Every transition there is. What is not here can't be done by anyone.
pub const TRANSITIONS: &[Transition] = {
    use Effect::{ClearsCompletedAt, EndsAssignment, SetsCompletedAt, TakesBack, TellsWorker};
    use Role::{AssignedWorker, Landlord, Renter};
    &[
        row(Pending, InProgress, &[AssignedWorker, Landlord], false, &[]),
        row(Pending, Cancelled, &[Renter, Landlord], false, &[TakesBack]),
        row(InProgress, Completed, &[AssignedWorker, Landlord], false, &[SetsCompletedAt]),
        row(InProgress, Pending, &[AssignedWorker, Landlord], true, &[EndsAssignment, TakesBack]),
        row(InProgress, Cancelled, &[Landlord], true, &[TakesBack]),
        row(
            Completed,
            InProgress,
            &[Renter, AssignedWorker, Landlord],
            true,
            &[ClearsCompletedAt, TellsWorker],
        ),
    ]
};

const fn row(
    from: RequestStatus,
    to: RequestStatus,
    allowed: &'static [Role],
    note_required: bool,
    effects: &'static [Effect],
) -> Transition {
    Transition { from, to, allowed, note_required, effects }
}

/// Why a transition or an edit was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The table has no such transition.
    #[error("a request that is {from} can't become {to}; it can become: {}", list(&targets(*.from)))]
    NoSuchTransition {
        /// The status now.
        from: RequestStatus,
        /// The status wanted.
        to: RequestStatus,
    },
    /// The actor is not among those who may.
    #[error("only these may move this request from {} to {}: {}", .0.from, .0.to, list(.0.allowed))]
    NotAllowed(Transition),
    /// The transition needs a note.
    #[error("moving a request from {} to {} needs a note that says why", .0.from, .0.to)]
    NoteRequired(Transition),
    /// The actor is not among those who may edit the field.
    #[error("only these may edit the {field} of a request that is {status}: {}", list(.allowed))]
    NotEditable {
        /// The field.
        field: RequestField,
        /// The request's status.
        status: RequestStatus,
        /// Who may.
        allowed: &'static [Role],
    },
}

/// The table's row by which `actor` may move `request` to `to` with this note.
///
/// # Errors
///
/// The [`Refusal`] that says which rule forbids it and what would be allowed.
pub fn permit(
    request: &Request,
    to: RequestStatus,
    actor: Actor,
    note: Option<&Note>,
) -> Result<Transition, Refusal> {
    let from = request.status;
    let Some(row) = TRANSITIONS.iter().find(|row| row.from == from && row.to == to) else {
        return Err(Refusal::NoSuchTransition { from, to });
    };
    if !role(actor, request).is_some_and(|role| row.allowed.contains(&role)) {
        return Err(Refusal::NotAllowed(*row));
    }
    if row.note_required && note.is_none() {
        return Err(Refusal::NoteRequired(*row));
    }
    Ok(*row)
}

/// What the actor is to this request, if anything.
pub(crate) fn role(actor: Actor, request: &Request) -> Option<Role> {
    match actor {
        Actor::Renter(id) => (request.renter_id == id).then_some(Role::Renter),
        Actor::Worker(id) => (request.assigned_worker_id == Some(id)).then_some(Role::AssignedWorker),
        Actor::Landlord(_) | Actor::System => Some(Role::Landlord),
    }
}

fn targets(from: RequestStatus) -> Vec<RequestStatus> {
    TRANSITIONS.iter().filter(|row| row.from == from).map(|row| row.to).collect()
}

fn list(items: &[impl ToString]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The diagram of transition.md, line by line, as the table says it.
    fn diagram() -> Vec<String> {
        let start = "[*] --> pending: submit".to_owned();
        let rows = TRANSITIONS.iter().map(|row| {
            let note = if row.note_required { " (note)" } else { "" };
            let effects =
                if row.effects.is_empty() { String::new() } else { format!(" / {}", list(row.effects)) };
            format!("{} --> {}: {}{note}{effects}", row.from, row.to, list(row.allowed))
        });
        std::iter::once(start).chain(rows).collect()
    }

    #[test]
    fn the_diagram_in_the_docs_is_the_table() {
        let drawn: Vec<&str> = include_str!("transition.md")
            .lines()
            .map(str::trim)
            .filter(|line| line.contains("-->"))
            .collect();
        assert_eq!(drawn, diagram());
    }
}
