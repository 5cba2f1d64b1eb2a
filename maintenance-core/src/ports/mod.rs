//! What the engine asks of a host: a store, a channel, a directory, the time.

mod archive;
mod clock;
mod directory;
mod events;
mod filter;
mod inbound;
mod media;
#[cfg(feature = "mock")]
pub mod mock;
mod notifier;
mod order;
pub(crate) mod page;
mod repository;
mod repository_error;
mod store;

pub use archive::ArchiveRepository;
pub use clock::{Clock, SystemClock};
pub use directory::{Directory, DirectoryError};
pub use events::EventRepository;
pub use filter::{AssignmentsOf, CommentFilter, MAX_COMPLEXES, RequestFilter, WorkerFilter};
pub use inbound::InboundRepository;
pub use media::{MediaError, MediaFile, MediaSource, MediaStore};
pub use notifier::{Notifier, NotifyError, Receipt, SendEffect};
pub use order::RequestOrder;
pub use page::{Cursor, Listing, MAX_PAGE_SIZE, Page, PageRequest, Position, Slice};
pub use repository::{Filed, Inserted, NotificationRepository, RequestRepository, WorkerRepository};
pub use repository_error::{BoxError, RepositoryError, RepositoryErrorKind};
pub use store::{Organizations, Repository, SharedRepository};
