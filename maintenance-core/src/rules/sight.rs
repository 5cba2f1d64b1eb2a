//! What an actor may see of the requests.

use crate::{
    model::{Actor, Request, RequestRecord},
    values::{ComplexId, UserId},
};

/// Who looks: a renter sees their own requests, a worker those that are theirs, a landlord all of the organisation or
/// those of some complexes.
///
/// ```
/// use maintenance_core::{Actor, ComplexId, UserId, Viewer};
/// use uuid::Uuid;
///
/// let (user, riverside) = (UserId::from_uuid(Uuid::from_u128(1)), ComplexId::from_uuid(Uuid::from_u128(2)));
/// let owner = Viewer::from(Actor::Landlord(user));
/// let caretaker = Viewer::landlord_of(user, [riverside]);
/// assert_eq!(owner.actor(), caretaker.actor());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    actor: Actor,
    /// The complexes to which a landlord is limited.
    complexes: Option<Vec<ComplexId>>,
}

impl Viewer {
    /// A landlord, or one of their staff, who has to do with these complexes alone.
    pub fn landlord_of(user: UserId, complexes: impl IntoIterator<Item = ComplexId>) -> Self {
        Self { actor: Actor::Landlord(user), complexes: Some(complexes.into_iter().collect()) }
    }

    /// The actor.
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// The complexes to which they are limited, if they are.
    pub(crate) fn complexes(&self) -> Option<&[ComplexId]> {
        self.complexes.as_deref()
    }

    /// Whether they see that request.
    pub fn sees(&self, request: &Request) -> bool {
        match self.actor {
            Actor::Renter(id) => request.renter_id == id,
            Actor::Worker(id) => request.assigned_worker_id == Some(id),
            Actor::Landlord(_) | Actor::System => {
                self.complexes.as_ref().is_none_or(|complexes| complexes.contains(&request.complex_id))
            }
        }
    }

    /// What they see of a request's record. A renter isn't told who was chosen why, nor what the house wrote to its workers;
    /// a worker isn't told how others ranked, nor what others were written.
    pub(crate) fn shown(&self, mut record: RequestRecord) -> RequestRecord {
        match self.actor {
            Actor::Renter(_) => {
                record.assignments.clear();
                record.notifications.clear();
            }
            Actor::Worker(id) => {
                for change in &mut record.assignments {
                    change.ranking.clear();
                }
                record.notifications.retain(|message| message.to == id.into());
            }
            Actor::Landlord(_) | Actor::System => {}
        }
        record
    }
}

impl From<Actor> for Viewer {
    fn from(actor: Actor) -> Self {
        Self { actor, complexes: None }
    }
}
