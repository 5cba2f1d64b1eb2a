//! A whole store: all of its ports together.

use std::sync::Arc;

use super::{
    archive::ArchiveRepository,
    events::EventRepository,
    inbound::InboundRepository,
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

/// A store that several organisations share, as an object. A host that chooses its database when it starts keeps a
/// `Maintenance<Arc<dyn SharedRepository>>`, which has [`of`](crate::Maintenance::of) as any other. Every store that is
/// [`Organizations`] is one.
///
/// ```
/// # use maintenance_core::*;
/// use std::sync::Arc;
///
/// # fn example(directory: impl Directory + 'static, chosen: impl Organizations + 'static, acme: OrganizationId) {
/// let store: Arc<dyn SharedRepository> = Arc::new(chosen);
/// let engine = Maintenance::new(store, directory);
/// let acmes = engine.of(acme);
/// # }
/// ```
pub trait SharedRepository: Repository {
    /// The same store as that organisation sees it.
    fn view(&self, organization: OrganizationId) -> Arc<dyn SharedRepository>;
}

impl<T: Organizations + 'static> SharedRepository for T {
    fn view(&self, organization: OrganizationId) -> Arc<dyn SharedRepository> {
        Arc::new(self.of(organization))
    }
}

impl Organizations for Arc<dyn SharedRepository> {
    fn of(&self, organization: OrganizationId) -> Self {
        // Of the store itself; the pointer to it is a shared repository too.
        (**self).view(organization)
    }
}

/// A whole store.
pub trait Repository:
    WorkerRepository
    + RequestRepository
    + NotificationRepository
    + InboundRepository
    + ArchiveRepository
    + EventRepository
{
}

impl<T> Repository for T where
    T: WorkerRepository
        + RequestRepository
        + NotificationRepository
        + InboundRepository
        + ArchiveRepository
        + EventRepository
        + ?Sized
{
}
