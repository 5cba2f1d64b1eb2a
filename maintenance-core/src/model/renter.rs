//! What is known of renters who were written to.

use chrono::{DateTime, Utc};

use crate::values::{Channel, OrganizationId, RenterId, RequestId};

/// A renter to whom messages of ours went on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownRenter {
    /// Their organisation.
    pub organization_id: OrganizationId,
    /// Their id.
    pub renter_id: RenterId,
    /// The request that they were last written to about.
    pub request_id: RequestId,
}

/// That a renter wants no news of their requests, by whichever channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptOut {
    /// Their organisation.
    pub organization_id: OrganizationId,
    /// Their id.
    pub renter_id: RenterId,
    /// The channel by which they said so; `None` if the host did for them.
    pub channel: Option<Channel>,
    /// When, UTC.
    pub at: DateTime<Utc>,
}
