//! Who acts: the host knows the caller, the engine knows what they may do.

use serde::{Deserialize, Serialize};

use crate::values::{RenterId, UserId, WorkerId, text_enum::text_enum};

text_enum! {
    /// The kind of user who wrote a comment.
    pub enum UserType {
        /// A renter.
        Renter = "renter",
        /// The landlord or their staff.
        Landlord = "landlord",
        /// A maintenance worker.
        MaintenanceStaff = "maintenance_staff",
    }
}

/// Who acts. The host authenticates; the engine takes its word for the identity and decides what they may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type", content = "id")]
pub enum Actor {
    /// A renter; acts on their own requests.
    Renter(RenterId),
    /// A worker; acts on the requests assigned to them.
    Worker(WorkerId),
    /// The landlord or their staff.
    Landlord(UserId),
    /// The engine, on nobody's behalf. May do what a landlord may.
    System,
}

impl Actor {
    /// The id kept in the record as `changed_by` or `user_id`.
    pub fn user_id(self) -> UserId {
        match self {
            Self::Renter(id) => id.into(),
            Self::Worker(id) => id.into(),
            Self::Landlord(id) => id,
            Self::System => UserId::SYSTEM,
        }
    }
}

text_enum! {
    /// What somebody is to one request; the columns of the table of transitions.
    pub enum Role {
        /// The renter who filed it.
        Renter = "renter",
        /// The worker whose it is.
        AssignedWorker = "assigned worker",
        /// The landlord.
        Landlord = "landlord",
    }
}
