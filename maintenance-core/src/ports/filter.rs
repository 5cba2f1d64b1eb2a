//! What to list.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    model::{Priority, RequestStatus, WhatsAppStatus, WorkerStatus},
    values::{ComplexId, PropertyId, RenterId, RequestId, Specialty, UserId, WorkerId},
};

/// Which requests to list, newest first. Every given condition must hold; none given lists all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestFilter {
    /// Filed by this renter.
    pub renter_id: Option<RenterId>,
    /// Assigned to this worker.
    pub assigned_worker_id: Option<WorkerId>,
    /// Assigned to nobody.
    pub unassigned: bool,
    /// In this complex.
    pub complex_id: Option<ComplexId>,
    /// For this property.
    pub property_id: Option<PropertyId>,
    /// In one of these statuses; empty for any.
    pub statuses: Vec<RequestStatus>,
    /// Of this priority.
    pub priority: Option<Priority>,
    /// With the newest message this far.
    pub whatsapp_status: Option<WhatsAppStatus>,
    /// Filed at this time or later, UTC.
    pub created_from: Option<DateTime<Utc>>,
    /// Filed before this time, UTC.
    pub created_before: Option<DateTime<Utc>>,
}

/// Which workers to list, newest first. Every given condition must hold; none given lists all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkerFilter {
    /// In this status.
    pub status: Option<WorkerStatus>,
    /// With this trade.
    pub specialty: Option<Specialty>,
    /// Assigned to this complex.
    pub complex_id: Option<ComplexId>,
}

/// Which comments to list, oldest first. Every given condition must hold; none given lists all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CommentFilter {
    /// On this request.
    pub request_id: Option<RequestId>,
    /// Written by this user.
    pub user_id: Option<UserId>,
}

/// Whose assignments to list. All of them: a complex has tens, not thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssignmentsOf {
    /// The workers of this complex.
    Complex(ComplexId),
    /// The complexes of this worker.
    Worker(WorkerId),
}
