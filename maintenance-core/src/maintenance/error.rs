//! What a use case answers when it can't do what it was asked.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    maintenance::Reused,
    model::RequestStatus,
    ports::{DirectoryError, RepositoryError},
    rules::Refusal,
    values::{Invalid, RenterId, RequestId, WorkerId},
};

/// Why a use case did not do what it was asked. Nothing was written, unless the store was
/// [unavailable](crate::RepositoryErrorKind::Unavailable) when it was to answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input breaks a rule: every wrong field, with its rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),

    /// Nothing has that id.
    #[error("there is no {what} {id}")]
    NotFound {
        /// What was named: `request`, `worker`.
        what: &'static str,
        /// The id it was named by.
        id: Uuid,
    },

    /// The id was used before, for something else.
    #[error(transparent)]
    Reused(#[from] Reused),

    /// Somebody else moved the request: it is no longer where the caller saw it, or already where the caller
    /// wants it.
    #[error("request {request} can't be moved to {wanted}: it is now {current}")]
    StatusConflict {
        /// The request.
        request: RequestId,
        /// The status wanted.
        wanted: RequestStatus,
        /// The status now.
        current: RequestStatus,
    },

    /// Somebody else assigned the request: it no longer has the worker that the caller saw.
    #[error(
        "request {request} is now assigned to {}; you expected {}",
        worker_or_nobody(*current),
        worker_or_nobody(*seen)
    )]
    AssignmentConflict {
        /// The request.
        request: RequestId,
        /// The worker that the caller saw.
        seen: Option<WorkerId>,
        /// The worker that it has now.
        current: Option<WorkerId>,
    },

    /// Somebody else changed the request: it no longer has the version that the caller saw.
    #[error(
        "request {request} now has version {current}, and you saw {seen}; read it again before you edit it"
    )]
    VersionConflict {
        /// The request.
        request: RequestId,
        /// The version that the caller saw.
        seen: u32,
        /// The version that it has now.
        current: u32,
    },

    /// The rules don't allow the change.
    #[error("request {request}: {refusal}")]
    Refused {
        /// The request.
        request: RequestId,
        /// Which rule.
        refusal: Refusal,
    },

    /// The request's work is over, so that it can't be edited and nobody can be assigned or told.
    #[error("request {request} is {status}; only a pending or in_progress request can be {wanted}")]
    NotOpen {
        /// The request.
        request: RequestId,
        /// Its status.
        status: RequestStatus,
        /// What was wanted.
        wanted: &'static str,
    },

    /// The renter has open requests, so their texts are still needed.
    #[error("renter {renter} has open requests; complete or cancel them first: {}", list(requests))]
    HasOpenRequests {
        /// The renter.
        renter: RenterId,
        /// Their open requests, newest first.
        requests: Vec<RequestId>,
    },

    /// The actor may not do this.
    #[error("only {allowed} may {action}")]
    NotAllowed {
        /// Who may.
        allowed: &'static str,
        /// What.
        action: &'static str,
    },

    /// The store failed. After a `Conflict` the step has been decided again a number of times already; every other
    /// kind is returned as it comes.
    #[error(transparent)]
    Repository(#[from] RepositoryError),

    /// The host's directory failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),

    /// The clocks of this process and of the store differ too much: leases would not hold.
    #[error(
        "this process's clock is at {ours}, the store's at {store}; they must differ by less than {bound:?}"
    )]
    ClockDiffers {
        /// The time here, UTC.
        ours: DateTime<Utc>,
        /// The time by the store's clock, UTC.
        store: DateTime<Utc>,
        /// How much they may differ.
        bound: Duration,
    },
}

fn list(requests: &[RequestId]) -> String {
    requests.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn worker_or_nobody(worker: Option<WorkerId>) -> String {
    worker.map_or_else(|| "nobody".to_owned(), |worker| format!("worker {worker}"))
}
