//! What renters are told of their requests.

use std::collections::BTreeSet;

use crate::values::{OrganizationId, text_enum::text_enum};

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

/// Which news renters are told. It is asked when something is decided of a request, and answers from memory, at once.
///
/// A set of news is one, for all organisations alike, and so is a closure:
///
/// ```
/// use std::collections::BTreeSet;
/// use maintenance_core::*;
///
/// # fn example(maintenance: Maintenance<impl Repository + Clone>, acme: OrganizationId) {
/// let of_all = maintenance.clone().with_renter_news(BTreeSet::from([News::Assigned, News::Done]));
/// let of_one = maintenance.with_renter_news(move |organization, news| {
///     organization == acme && news != News::Filed
/// });
/// # }
/// ```
pub trait RenterNews: Send + Sync {
    /// Whether the renters of that organisation are told that news.
    fn wants(&self, organization: OrganizationId, news: News) -> bool;
}

impl<F: Fn(OrganizationId, News) -> bool + Send + Sync> RenterNews for F {
    fn wants(&self, organization: OrganizationId, news: News) -> bool {
        self(organization, news)
    }
}

impl RenterNews for BTreeSet<News> {
    fn wants(&self, _: OrganizationId, news: News) -> bool {
        self.contains(&news)
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
