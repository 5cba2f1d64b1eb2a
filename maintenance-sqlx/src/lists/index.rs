//! Which index serves a list of requests.

use maintenance_core::{Priority, RequestFilter, RequestOrder, RequestStatus, WhatsAppStatus};

use super::Dialect;

/// The index by which requests are found, named by its first column, or by its second if the first is the organisation.
/// Every such index but that of renters and that of numbers ends with a time and the id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LeadingIndex {
    Number,
    Renter,
    Property,
    Worker,
    /// That of words.
    Text,
    /// Its second column is the status.
    Complex,
    /// That of workers, for each worker who isn't active.
    AbsentWorkers,
    /// The organisation's, of the requests without a worker.
    Unassigned,
    Trade,
    /// The organisation's by status and time of the last change.
    Updated,
    Completed,
    /// The organisation's by status and priority.
    Status,
    /// The organisation's by the state of the newest message.
    Message,
    /// All of the organisation's.
    Time,
}

impl LeadingIndex {
    pub(super) fn of(filter: &RequestFilter, statuses: &[RequestStatus]) -> Self {
        // At any time few messages are under way or failed, and few requests are open.
        let few_messages = filter
            .whatsapp_status
            .is_some_and(|status| !matches!(status, WhatsAppStatus::Delivered | WhatsAppStatus::Read));
        let completed_in = filter.completed_from.is_some() || filter.completed_before.is_some();
        if filter.number.is_some() {
            Self::Number
        } else if filter.renter_id.is_some() {
            Self::Renter
        } else if filter.property_id.is_some() {
            Self::Property
        } else if filter.assigned_worker_id.is_some() {
            Self::Worker
        } else if filter.text.is_some() {
            Self::Text
        } else if !filter.complexes.is_empty() {
            Self::Complex
        } else if filter.absent_worker == Some(true) {
            Self::AbsentWorkers
        } else if filter.unassigned {
            Self::Unassigned
        } else if filter.order == RequestOrder::LongestWaiting || filter.updated_since.is_some() {
            Self::Updated
        } else if filter.order == RequestOrder::RecentlyCompleted || completed_in {
            Self::Completed
        } else if filter.specialty.is_some() {
            Self::Trade
        } else if few_messages && !are_open(statuses) {
            Self::Message
        } else if statuses.len() < RequestStatus::ALL.len()
            || !filter.priorities.is_empty()
            || filter.order == RequestOrder::UrgentFirst
        {
            Self::Status
        } else if filter.whatsapp_status.is_some() {
            Self::Message
        } else {
            Self::Time
        }
    }

    /// Whether its first column is the organisation.
    pub(super) fn is_of_organization(self) -> bool {
        match self {
            Self::Renter
            | Self::Property
            | Self::Worker
            | Self::Text
            | Self::Complex
            | Self::AbsentWorkers => false,
            Self::Number
            | Self::Unassigned
            | Self::Trade
            | Self::Updated
            | Self::Completed
            | Self::Status
            | Self::Message
            | Self::Time => true,
        }
    }

    /// Whether its rows come in this order, so that a page needn't be sorted.
    pub(super) fn gives(self, order: RequestOrder) -> bool {
        match self {
            Self::Number | Self::Renter | Self::Text => false,
            Self::Updated => order == RequestOrder::LongestWaiting,
            Self::Completed => order == RequestOrder::RecentlyCompleted,
            _ => matches!(order, RequestOrder::NewestFirst | RequestOrder::OldestFirst),
        }
    }

    /// The clause that names this index, if it is an organisation's.
    pub(super) fn forced<D: Dialect>(self) -> &'static str {
        match self {
            _ if !D::FORCE_INDEX => "",
            Self::Unassigned => " indexed by maintenance_requests_unassigned_list_idx",
            Self::Trade => " indexed by maintenance_requests_trade_list_idx",
            Self::Updated => " indexed by maintenance_requests_updated_list_idx",
            Self::Completed => " indexed by maintenance_requests_completed_list_idx",
            Self::Status => " indexed by maintenance_requests_status_list_idx",
            Self::Message => " indexed by maintenance_requests_whatsapp_list_idx",
            Self::Time => " indexed by maintenance_requests_list_idx",
            _ => "",
        }
    }

    /// The statuses and priorities of each arm of a list. Where the index has a status or a priority before the list's
    /// order, each of them becomes an arm with an order of its own. The arms are merged, and each is read only as far as
    /// the page goes.
    pub(super) fn arms(
        self,
        order: RequestOrder,
        statuses: &[RequestStatus],
        priorities: &[Priority],
    ) -> Vec<(Vec<RequestStatus>, Vec<Priority>)> {
        let one_of = |status: &RequestStatus| (vec![*status], priorities.to_vec());
        match self {
            _ if !self.gives(order) || statuses.is_empty() => vec![(statuses.to_vec(), priorities.to_vec())],
            Self::Complex | Self::Updated => statuses.iter().map(one_of).collect(),
            Self::Status => {
                let priorities = if priorities.is_empty() { Priority::ALL } else { priorities };
                let of_each = |status: &RequestStatus| {
                    let status = *status;
                    priorities.iter().map(move |priority| (vec![status], vec![*priority]))
                };
                statuses.iter().flat_map(of_each).collect()
            }
            _ => vec![(statuses.to_vec(), priorities.to_vec())],
        }
    }
}

pub(super) fn are_open(statuses: &[RequestStatus]) -> bool {
    !statuses.is_empty() && statuses.iter().all(|status| status.is_open())
}
