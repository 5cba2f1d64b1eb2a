//! To whom a message goes.

use serde::{Deserialize, Serialize};

use crate::values::{RenterId, WorkerId};

/// To whom a message goes. As JSON it is a field of its own for each: `"worker_id"` or `"renter_id"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Addressee {
    /// A maintenance worker.
    #[serde(rename = "worker_id")]
    Worker(WorkerId),
    /// The renter who filed the request.
    #[serde(rename = "renter_id")]
    Renter(RenterId),
}

impl Addressee {
    /// The worker, if it is one.
    pub const fn worker(self) -> Option<WorkerId> {
        match self {
            Self::Worker(id) => Some(id),
            Self::Renter(_) => None,
        }
    }

    /// The renter, if it is one.
    pub const fn renter(self) -> Option<RenterId> {
        match self {
            Self::Renter(id) => Some(id),
            Self::Worker(_) => None,
        }
    }
}

impl From<WorkerId> for Addressee {
    fn from(id: WorkerId) -> Self {
        Self::Worker(id)
    }
}

impl From<RenterId> for Addressee {
    fn from(id: RenterId) -> Self {
        Self::Renter(id)
    }
}
