//! The audit trail of a request's status (table `maintenance_status_history`).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::request::RequestStatus;
use crate::values::{Note, RequestId, StatusChangeId, UserId, time};

/// One change of a request's status. Filing a request is not a change and leaves no row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChange {
    /// Its id.
    pub id: StatusChangeId,
    /// The request it belongs to.
    pub request_id: RequestId,
    /// The status before.
    pub previous_status: RequestStatus,
    /// The status after.
    pub new_status: RequestStatus,
    /// Who changed it; [`UserId::SYSTEM`] for the engine itself.
    pub changed_by: UserId,
    /// When, UTC; later than every change of the request before it.
    #[serde(deserialize_with = "time::de")]
    pub changed_at: DateTime<Utc>,
    /// Why, where the transition asks for it or the caller said so.
    pub notes: Option<Note>,
}
