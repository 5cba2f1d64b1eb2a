//! The orders of the list of requests.

use std::cmp::Ordering;

use super::page::Position;
use crate::{
    model::{Request, RequestStatus},
    values::text_enum::text_enum,
};

text_enum! {
    /// In which order requests are listed. Those that an order puts at the same place are ordered by their ids.
    #[derive(Default)]
    pub enum RequestOrder {
        /// The last filed first.
        #[default]
        NewestFirst = "newest_first",
        /// The first filed first.
        OldestFirst = "oldest_first",
        /// The most urgent first, and of one priority the first filed first.
        UrgentFirst = "urgent_first",
        /// Open requests alone: the one on which nothing has happened for longest first, by `updated_at`.
        LongestWaiting = "longest_waiting",
        /// Completed requests alone: the last completed first.
        RecentlyCompleted = "recently_completed",
    }
}

impl RequestOrder {
    /// Whether requests of that status are listed in this order.
    pub fn lists(self, status: RequestStatus) -> bool {
        match self {
            Self::NewestFirst | Self::OldestFirst | Self::UrgentFirst => true,
            Self::LongestWaiting => status.is_open(),
            Self::RecentlyCompleted => status == RequestStatus::Completed,
        }
    }

    /// The request's place in this order.
    pub fn position(self, request: &Request) -> Position {
        let at = match self {
            Self::NewestFirst | Self::OldestFirst | Self::UrgentFirst => request.created_at,
            Self::LongestWaiting => request.updated_at,
            Self::RecentlyCompleted => request.completed_at.unwrap_or(request.updated_at),
        };
        Position { priority: self.is_by_priority().then_some(request.priority), at, id: request.id.uuid() }
    }

    /// Which of two places comes first.
    pub fn compare(self, one: &Position, other: &Position) -> Ordering {
        let oldest_first = (one.at, one.id).cmp(&(other.at, other.id));
        match self {
            Self::NewestFirst | Self::RecentlyCompleted => oldest_first.reverse(),
            Self::OldestFirst | Self::LongestWaiting => oldest_first,
            Self::UrgentFirst => other.priority.cmp(&one.priority).then(oldest_first),
        }
    }

    pub(crate) fn is_by_priority(self) -> bool {
        self == Self::UrgentFirst
    }
}
