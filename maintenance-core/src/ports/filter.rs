//! What to list.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::order::RequestOrder;
use crate::{
    model::{Priority, RequestStatus, WhatsAppStatus, WorkerStatus},
    values::{
        ComplexId, Invalid, PropertyId, RenterId, RequestId, RequestNumber, SearchText, Specialty, UserId,
        WorkerId,
    },
};

/// How many complexes a filter may name.
pub const MAX_COMPLEXES: usize = 200;

/// Which requests to list, and in which order. Every given condition must hold; none given lists all.
///
/// ```
/// use maintenance_core::{ComplexId, Priority, RequestFilter, RequestOrder, RequestStatus};
///
/// # fn board(mine: Vec<ComplexId>) -> RequestFilter {
/// // The open work of a landlord's complexes, the most urgent first.
/// RequestFilter {
///     complexes: mine,
///     statuses: vec![RequestStatus::Pending, RequestStatus::InProgress],
///     order: RequestOrder::UrgentFirst,
///     ..RequestFilter::default()
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestFilter {
    /// Filed by this renter.
    pub renter_id: Option<RenterId>,
    /// Assigned to this worker.
    pub assigned_worker_id: Option<WorkerId>,
    /// Assigned to nobody.
    pub unassigned: bool,
    /// Whether it is assigned to a worker who isn't active: `true` for work that stands still because its worker is away
    /// or has left, `false` for all other requests.
    pub absent_worker: Option<bool>,
    /// In one of these complexes, at most [`MAX_COMPLEXES`]; empty for any.
    pub complexes: Vec<ComplexId>,
    /// For this property.
    pub property_id: Option<PropertyId>,
    /// In one of these statuses; empty for any.
    pub statuses: Vec<RequestStatus>,
    /// Of one of these priorities; empty for any.
    pub priorities: Vec<Priority>,
    /// Needing this trade.
    pub specialty: Option<Specialty>,
    /// With the newest message this far.
    pub whatsapp_status: Option<WhatsAppStatus>,
    /// Filed at this time or later, UTC.
    pub created_from: Option<DateTime<Utc>>,
    /// Filed before this time, UTC.
    pub created_before: Option<DateTime<Utc>>,
    /// Completed, at this time or later, UTC. In [`RecentlyCompleted`](RequestOrder::RecentlyCompleted) order a page of a
    /// long period is as cheap as one of a short one; in every other order all that was completed in the period is read.
    pub completed_from: Option<DateTime<Utc>>,
    /// Completed, before this time, UTC.
    pub completed_before: Option<DateTime<Utc>>,
    /// Changed at this time or later, UTC. All that changed since is read, so ask for what is new since the last look.
    pub updated_since: Option<DateTime<Utc>>,
    /// Having these words, in title, description and location taken together, or in one comment. A new text may be found
    /// only after the dispatcher's next poll.
    pub text: Option<SearchText>,
    /// Having this number.
    pub number: Option<RequestNumber>,
    /// The order of the list.
    pub order: RequestOrder,
}

impl RequestFilter {
    /// The statuses that a listed request can have, in their order: those asked for, as far as the order and the times of
    /// completion allow them.
    pub fn listed_statuses(&self) -> Vec<RequestStatus> {
        let completed = self.completed_from.is_some() || self.completed_before.is_some();
        let listed = |status: &RequestStatus| {
            (self.statuses.is_empty() || self.statuses.contains(status))
                && self.order.lists(*status)
                && (!completed || *status == RequestStatus::Completed)
        };
        RequestStatus::ALL.iter().copied().filter(listed).collect()
    }

    /// What is wrong with the filter.
    pub(crate) fn check(&self) -> Invalid {
        let mut invalid = Invalid::default();
        let complexes = self.complexes.len();
        if complexes > MAX_COMPLEXES {
            invalid
                .push("filter.complexes", format!("has {complexes} complexes; it may have {MAX_COMPLEXES}"));
        }
        invalid
    }

    /// What ties a cursor to this filter. It serialises as the filter did when it had one complex, one priority and no
    /// condition after `created_before`, so that a cursor of that time goes on.
    pub(crate) fn key(&self) -> impl Serialize {
        let Self {
            renter_id,
            assigned_worker_id,
            unassigned,
            absent_worker,
            complexes,
            property_id,
            statuses,
            priorities,
            specialty,
            whatsapp_status,
            created_from,
            created_before,
            completed_from,
            completed_before,
            updated_since,
            text,
            number,
            order,
        } = self;
        Key {
            renter_id,
            assigned_worker_id,
            unassigned,
            complex_id: OneOrMore::of(complexes),
            property_id,
            statuses,
            priority: OneOrMore::of(priorities),
            whatsapp_status,
            created_from,
            created_before,
            absent_worker,
            specialty,
            completed_from,
            completed_before,
            updated_since,
            text,
            number,
            order: Some(order).filter(|order| **order != RequestOrder::NewestFirst),
        }
    }
}

#[derive(Serialize)]
struct Key<'a> {
    renter_id: &'a Option<RenterId>,
    assigned_worker_id: &'a Option<WorkerId>,
    unassigned: &'a bool,
    complex_id: OneOrMore<'a, ComplexId>,
    property_id: &'a Option<PropertyId>,
    statuses: &'a [RequestStatus],
    priority: OneOrMore<'a, Priority>,
    whatsapp_status: &'a Option<WhatsAppStatus>,
    created_from: &'a Option<DateTime<Utc>>,
    created_before: &'a Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    absent_worker: &'a Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    specialty: &'a Option<Specialty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_from: &'a Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_before: &'a Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_since: &'a Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: &'a Option<SearchText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: &'a Option<RequestNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'a RequestOrder>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OneOrMore<'a, T> {
    One(Option<&'a T>),
    More(&'a [T]),
}

impl<'a, T> OneOrMore<'a, T> {
    fn of(values: &'a [T]) -> Self {
        if values.len() > 1 { Self::More(values) } else { Self::One(values.first()) }
    }
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// The text is what the crate wrote before the filter had more than one complex or priority.
    #[test]
    fn a_filter_without_newer_conditions_ties_its_cursors_as_it_always_did() {
        let filter = RequestFilter {
            complexes: vec![Uuid::nil().into()],
            priorities: vec![Priority::High],
            ..RequestFilter::default()
        };
        let key = serde_json::to_string(&filter.key()).unwrap();
        assert_eq!(
            key,
            r#"{"renter_id":null,"assigned_worker_id":null,"unassigned":false,"complex_id":"00000000-0000-0000-0000-000000000000","property_id":null,"statuses":[],"priority":"high","whatsapp_status":null,"created_from":null,"created_before":null}"#
        );
        let newer = RequestFilter { order: RequestOrder::OldestFirst, ..filter };
        assert!(serde_json::to_string(&newer.key()).unwrap().ends_with(r#","order":"oldest_first"}"#));
    }
}
