//! Who may edit which field of a request, and when a hold ends.

use crate::model::{
    Actor, Request,
    RequestField::{self, Complex, Description, Hold, Location, Priority, Property, Specialty, Title},
    RequestStatus::{self, InProgress, Pending},
    Role,
};

use super::transition::{Refusal, role};

/// One row of the table: who may edit these fields while the request has one of these statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Editable {
    /// The fields.
    pub fields: &'static [RequestField],
    /// The statuses.
    pub statuses: &'static [RequestStatus],
    /// Who may.
    pub allowed: &'static [Role],
}

/// Who may edit what. What is not here can't be edited by anyone, so work that is over stays as it is.
///
/// A renter says what is wrong and where, until somebody works on it. A worker sees on the spot which trade it takes
/// and what it waits for. The priority is the landlord's alone: it decides whose work goes first, in every complex.
pub const EDITABLE: &[Editable] = {
    use Role::{AssignedWorker, Landlord, Renter};
    const TEXTS: &[RequestField] = &[Title, Description, Location];
    const OPEN: &[RequestStatus] = &[Pending, InProgress];
    &[
        Editable { fields: TEXTS, statuses: &[Pending], allowed: &[Renter, Landlord] },
        Editable { fields: TEXTS, statuses: &[InProgress], allowed: &[Landlord] },
        Editable { fields: &[Specialty, Hold], statuses: OPEN, allowed: &[AssignedWorker, Landlord] },
        Editable { fields: &[Priority, Property, Complex], statuses: OPEN, allowed: &[Landlord] },
    ]
};

/// Whether `actor` may edit that field of `request` as it stands.
///
/// # Errors
///
/// The [`Refusal`] that says who may.
pub fn permit_edit(request: &Request, field: RequestField, actor: Actor) -> Result<(), Refusal> {
    let status = request.status;
    let row = EDITABLE.iter().find(|row| row.fields.contains(&field) && row.statuses.contains(&status));
    let allowed = row.map_or(&[][..], |row| row.allowed);
    if role(actor, request).is_some_and(|role| allowed.contains(&role)) {
        return Ok(());
    }
    Err(Refusal::NotEditable { field, status, allowed })
}

/// Whether a hold ends with a step: when the work is over, and when its worker hands it back or it is taken from them.
/// The next worker may not wait for the same.
pub(super) fn ends_hold(before: &Request, after: &Request) -> bool {
    let is_nobodys_now = before.assigned_worker_id.is_some() && after.assigned_worker_id.is_none();
    before.hold.is_some() && (is_nobodys_now || !after.status.is_open())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_one_row_per_status_of_open_work_and_none_after_it() {
        for field in RequestField::ALL {
            for status in RequestStatus::ALL {
                let rows =
                    EDITABLE.iter().filter(|row| row.fields.contains(field) && row.statuses.contains(status));
                assert_eq!(rows.count(), usize::from(status.is_open()), "{field} while {status}");
            }
        }
    }

    #[test]
    fn a_refusal_says_who_may() {
        let request = Request::sample(1);
        let refused = permit_edit(&request, Priority, Actor::Renter(request.renter_id)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "only these may edit the priority of a request that is pending: landlord"
        );
        assert_eq!(permit_edit(&request, Title, Actor::Renter(request.renter_id)), Ok(()));
        let over = Request { status: RequestStatus::Cancelled, ..request };
        assert!(permit_edit(&over, Title, Actor::System).is_err());
    }
}
