//! What a host's own tests of maintenance requests use: a store, a notifier, a directory, a clock and ids, all
//! in memory and predictable.
//!
//! ```
//! use maintenance_core::{DispatchPolicy, Maintenance, NewRequest, NewWorker, RequestForm};
//! use maintenance_memory::{ManualClock, MemoryRepository, RecordingNotifier, SequentialIds, TableDirectory};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), maintenance_core::Error> {
//! let directory = TableDirectory::new();
//! let (property, complex) = (directory.property(1), directory.complex(1));
//! let renter = directory.renter("Renter One", "+12025550100");
//! let maintenance = Maintenance::new(MemoryRepository::new(), directory)
//!     .with_clock(ManualClock::new())
//!     .with_ids(SequentialIds::new());
//!
//! let worker = NewWorker {
//!     first_name: "Worker".into(),
//!     last_name: "One".into(),
//!     phone_number: "+1 202 555 0123".into(),
//!     email: "worker.one@example.com".into(),
//!     specialties: vec!["plumbing".into()],
//!     ..NewWorker::default()
//! };
//! let worker = maintenance.add_worker(worker).await?;
//! maintenance.assign_complex(worker.id, complex, true).await?;
//!
//! let form = RequestForm::new("The sink leaks", "Water under the kitchen sink.", "Kitchen").specialty("plumbing");
//! let filed = maintenance.submit(NewRequest::new(renter, property, form)).await?;
//! assert_eq!(filed.request.assigned_worker_id, Some(worker.id));
//!
//! let notifier = RecordingNotifier::new();
//! let report = maintenance.dispatcher(notifier.clone(), DispatchPolicy::default()).dispatch_due().await?;
//! assert_eq!(report.sent, 1);
//! assert_eq!(notifier.messages()[0].content.title.as_str(), "The sink leaks");
//! # Ok(())
//! # }
//! ```

mod clock;
mod directory;
mod ids;
mod notifications;
mod notifier;
mod requests;
mod store;
mod workers;

pub use clock::ManualClock;
pub use directory::TableDirectory;
pub use ids::SequentialIds;
pub use notifier::RecordingNotifier;
pub use store::MemoryRepository;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. A panic elsewhere leaves whole values behind, since every step here computes first and writes last.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
