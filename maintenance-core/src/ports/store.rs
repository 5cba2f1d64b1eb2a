//! A whole store: all of its ports together.

use std::sync::Arc;

use super::{
    archive::ArchiveRepository,
    events::EventRepository,
    repository::{NotificationRepository, RequestRepository, WorkerRepository},
};
use crate::values::OrganizationId;

/// A store that several organisations share. A view is cheap: hosts make one for each call.
pub trait Organizations: Repository + Sized {
    /// The same store as that organisation sees it.
    #[must_use]
    fn of(&self, organization: OrganizationId) -> Self;
}

impl<T: Organizations> Organizations for Arc<T> {
    fn of(&self, organization: OrganizationId) -> Self {
        Self::new(T::of(self, organization))
    }
}

/// A whole store.
pub trait Repository:
    WorkerRepository + RequestRepository + NotificationRepository + ArchiveRepository + EventRepository
{
}

impl<T> Repository for T where
    T: WorkerRepository
        + RequestRepository
        + NotificationRepository
        + ArchiveRepository
        + EventRepository
        + ?Sized
{
}
