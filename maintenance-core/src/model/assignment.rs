//! Which workers serve which complex (table `complex_maintenance_assignments`).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::values::{AssignmentId, ComplexId, WorkerId, time};

/// The assignment of a worker to a complex. There is one per worker and complex, and at most one primary worker per complex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComplexAssignment {
    /// Its id.
    pub id: AssignmentId,
    /// The worker.
    pub worker_id: WorkerId,
    /// The complex.
    pub complex_id: ComplexId,
    /// Whether this is the complex's primary worker.
    pub is_primary: bool,
    /// When the worker was assigned, UTC.
    #[serde(deserialize_with = "time::de")]
    pub assigned_at: DateTime<Utc>,
    /// When the assignment was last changed, UTC.
    #[serde(deserialize_with = "time::de")]
    pub updated_at: DateTime<Utc>,
}
