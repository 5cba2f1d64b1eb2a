//! Who may move a request from where to where: one table, and one function that reads it.
#![doc = include_str!("transition.md")]

use crate::{
    Actor, Request, RequestStatus,
    RequestStatus::{Cancelled, Completed, InProgress, Pending},
    actor::Role,
    text::Note,
};

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
}

/// Every transition there is. What is not here can't be done by anyone.
pub const TRANSITIONS: &[Transition] = &[
    row(Pending, InProgress, &[Role::AssignedWorker, Role::Landlord], false),
    row(Pending, Cancelled, &[Role::Renter, Role::Landlord], false),
    row(InProgress, Completed, &[Role::AssignedWorker, Role::Landlord], false),
    row(InProgress, Pending, &[Role::AssignedWorker, Role::Landlord], true),
    row(InProgress, Cancelled, &[Role::Landlord], true),
    row(Completed, InProgress, &[Role::Renter, Role::AssignedWorker, Role::Landlord], true),
];

const fn row(
    from: RequestStatus,
    to: RequestStatus,
    allowed: &'static [Role],
    note_required: bool,
) -> Transition {
    Transition { from, to, allowed, note_required }
}

/// Why a transition was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
}

/// Whether `actor` may move `request` to `to` with this note.
pub fn check(request: &Request, to: RequestStatus, actor: Actor, note: Option<&Note>) -> Result<(), Refusal> {
    let from = request.status;
    let Some(row) = TRANSITIONS.iter().find(|row| row.from == from && row.to == to) else {
        return Err(Refusal::NoSuchTransition { from, to });
    };
    if !actor.role(request).is_some_and(|role| row.allowed.contains(&role)) {
        return Err(Refusal::NotAllowed(*row));
    }
    if row.note_required && note.is_none() {
        return Err(Refusal::NoteRequired(*row));
    }
    Ok(())
}

fn targets(from: RequestStatus) -> Vec<RequestStatus> {
    TRANSITIONS.iter().filter(|row| row.from == from).map(|row| row.to).collect()
}

fn list(items: &[impl ToString]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The diagram of transition.md, line by line, as the table says it.
    fn diagram() -> Vec<String> {
        let start = "[*] --> pending: submit".to_owned();
        let rows = TRANSITIONS.iter().map(|row| {
            let note = if row.note_required { " (note)" } else { "" };
            format!("{} --> {}: {}{note}", row.from, row.to, list(row.allowed))
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
