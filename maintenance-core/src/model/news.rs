//! What renters are told of their requests.

use crate::values::text_enum::text_enum;

use super::request::{Request, RequestStatus};

text_enum! {
    /// What a renter is told of their request.
    #[non_exhaustive]
    pub enum News {
        /// It was filed.
        Filed = "filed",
        /// A worker was found for it, or another one.
        Assigned = "assigned",
        /// The work has begun.
        Started = "started",
        /// The work is done.
        Done = "done",
        /// It was cancelled.
        Cancelled = "cancelled",
    }
}

impl News {
    /// Whether that is how the request stands, so that it is still to be told.
    pub fn is_so(self, request: &Request) -> bool {
        match self {
            Self::Filed => request.status == RequestStatus::Pending,
            Self::Assigned => {
                request.status == RequestStatus::Pending && request.assigned_worker_id.is_some()
            }
            Self::Started => request.status == RequestStatus::InProgress,
            Self::Done => request.status == RequestStatus::Completed,
            Self::Cancelled => request.status == RequestStatus::Cancelled,
        }
    }
}
