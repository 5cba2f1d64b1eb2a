//! The history of a request's assignment. The status history can't say who had a request when.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::values::{AssignmentChangeId, Note, RequestId, UserId, WorkerId, text_enum::text_enum, time};

use super::ranking::Ranked;

text_enum! {
    /// Why a request changed hands.
    #[non_exhaustive]
    pub enum AssignmentCause {
        /// Its worker was selected when it was filed.
        Filed = "filed",
        /// Somebody chose the worker.
        ByHand = "by_hand",
        /// A worker was selected again for the filed request.
        Selected = "selected",
        /// It was handed back.
        HandedBack = "handed_back",
        /// It was reopened, and its worker was no longer active.
        WorkerInactive = "worker_inactive",
    }
}

/// One change of a request's worker. Each has one, filing with a worker included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignmentChange {
    /// Its id.
    pub id: AssignmentChangeId,
    /// The request it belongs to.
    pub request_id: RequestId,
    /// The worker before, if there was one.
    pub previous_worker_id: Option<WorkerId>,
    /// The worker after, if there is one.
    pub new_worker_id: Option<WorkerId>,
    /// Who changed it; [`UserId::SYSTEM`] for the engine itself.
    pub changed_by: UserId,
    /// When, UTC; later than every change of the request before it.
    #[serde(deserialize_with = "time::de")]
    pub changed_at: DateTime<Utc>,
    /// Why it changed.
    pub cause: AssignmentCause,
    /// What whoever changed it said about it.
    pub notes: Option<Note>,
    /// The first five candidates of the selection, in rank order, with what let each in or kept them out; empty
    /// unless the worker was selected.
    pub ranking: Vec<Ranked>,
}
