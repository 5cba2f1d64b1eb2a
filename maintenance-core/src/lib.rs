//! The engine of maintenance requests: a renter files one, the right worker is told, the work is followed
//! until it is done, and the record can be trusted.
//!
//! This crate is the pure part: entities, rules, selection, ports and use cases. It holds no I/O, no SQL and no
//! HTTP; adapters beside it do (`maintenance-sqlx`, `maintenance-whatsapp`, `maintenance-memory`).
//!
//! # The loop
//!
//! ```text
//! submit ── validate ── candidates ── select (pure) ──► Repository::open      request + notification, one step
//! Dispatcher ── claim due ──► Notifier::notify ──► record outcome            leased, fenced, retried
//! webhook ──► Maintenance::record_deliveries                                 forward only, in any order
//! change_status ── TRANSITIONS ──► Repository::apply                         request + history + notification
//! ```
//!
//! [`Maintenance`] has the use cases, [`Dispatcher`] moves the messages. A host implements [`Directory`] over
//! its own tables and picks a [`Repository`] and a [`Notifier`]:
//!
//! ```
//! use std::collections::HashMap;
//!
//! use maintenance_core::{
//!     ComplexId, Directory, DirectoryError, DispatchPolicy, Maintenance, Message, NewRequest, Notifier,
//!     NotifyError, Priority, PropertyId, Receipt, RenterContact, RenterId, Submission,
//! };
//! use maintenance_memory::MemoryRepository;
//! use uuid::Uuid;
//!
//! /// The host's tables.
//! struct Properties;
//!
//! #[async_trait::async_trait]
//! impl Directory for Properties {
//!     async fn complex_of(&self, _: PropertyId) -> Result<Option<ComplexId>, DirectoryError> {
//!         Ok(Some(ComplexId::from_uuid(Uuid::from_u128(1))))
//!     }
//!     async fn contacts(&self, _: &[RenterId]) -> Result<HashMap<RenterId, RenterContact>, DirectoryError> {
//!         Ok(HashMap::new())
//!     }
//! }
//!
//! /// The host's channel.
//! struct Pager;
//!
//! #[async_trait::async_trait]
//! impl Notifier for Pager {
//!     async fn notify(&self, message: &Message) -> Result<Receipt, NotifyError> {
//!         Ok(Receipt { provider_message_id: format!("page for {}", message.request_id) })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), maintenance_core::Error> {
//! let maintenance = Maintenance::new(MemoryRepository::new(), Properties);
//! let dispatcher = maintenance.dispatcher(Pager, DispatchPolicy::default());
//!
//! let submitted = maintenance
//!     .submit(NewRequest {
//!         id: None, // or the caller's own, as an idempotency key
//!         renter_id: RenterId::from_uuid(Uuid::from_u128(2)),
//!         property_id: PropertyId::from_uuid(Uuid::from_u128(3)),
//!         complex_id: None,
//!         title: "No heating".into(),
//!         description: "The radiators are cold since this morning.".into(),
//!         priority: Priority::Emergency,
//!         location: "All rooms".into(),
//!         specialty: Some("HVAC".into()),
//!     })
//!     .await?;
//! if let Submission::Filed(selection) = &submitted.submission {
//!     for ranked in &selection.ranking {
//!         println!("{}: {}", ranked.worker_id, ranked.verdict);
//!     }
//! }
//! let report = dispatcher.dispatch_due().await?; // or `dispatcher.run(shutdown)` in a task
//! assert_eq!(report.sent, 0, "nobody works in that complex yet");
//! # Ok(())
//! # }
//! ```
//!
//! # Conventions
//!
//! Times are UTC in whole microseconds and come from a [`Clock`]; ids are UUIDs from an [`IdSource`]; phone
//! numbers are E.164. Names, numbers and texts appear in no log, `Debug` or error. Every write is idempotent or
//! version-checked.
//!
//! # Features
//!
//! - `tokio`: `Dispatcher::run`, the loop that a submit of the same process wakes at once.
//! - `mock`: mockall mocks of every port.

mod actor;
mod assignment;
mod attachment;
mod backoff;
mod clock;
mod comment;
mod contact;
mod delivery;
mod directory;
#[cfg(feature = "tokio")]
mod dispatcher;
mod error;
mod filter;
mod history;
mod ids;
mod invalid;
mod maintenance;
#[cfg(feature = "mock")]
pub mod mock;
mod notification;
mod notifier;
mod outbox;
mod page;
mod phone;
mod repository;
mod request;
#[cfg_attr(not(feature = "tokio"), expect(dead_code, reason = "only a dispatcher asks what rests"))]
mod rests;
mod selection;
mod specialty;
mod text;
mod text_enum;
pub mod transition;
mod wake;
mod worker;

pub use actor::{Actor, Role, UserType};
pub use assignment::ComplexAssignment;
pub use attachment::{Attachment, FileType, FileUrl, NewAttachment};
pub use backoff::Backoff;
pub use clock::{Clock, SystemClock, whole_micros};
pub use comment::{Comment, NewComment};
pub use contact::{Email, RenterContact};
pub use delivery::{DeliveryEffect, DeliveryError, DeliveryEvent, DeliveryUpdate, WhatsAppStatus};
pub use directory::{Directory, DirectoryError};
#[cfg(feature = "tokio")]
pub use dispatcher::{DispatchPolicy, DispatchReport, Dispatcher, Patience, Problem};
pub use error::{Difference, Error, Reused};
pub use filter::{AssignmentsOf, CommentFilter, RequestFilter, WorkerFilter};
pub use history::StatusChange;
pub use ids::{
    AssignmentId, AttachmentId, CommentId, ComplexId, IdSource, LeaseId, NotificationId, PropertyId,
    RandomIds, RenterId, RequestId, StatusChangeId, UserId, WorkerId,
};
pub use invalid::{FieldError, Invalid, Rule};
pub use maintenance::{Assigned, Maintenance, Move, Reassigned, Submission, Submitted};
pub use notification::{Notification, NotificationKind};
pub use notifier::{Message, NextStep, Notifier, NotifyError, Receipt, Scope, SendEffect};
pub use outbox::{Claim, Claimed, Deferral, Recorded, SendOutcome, SendRecord, Told};
pub use page::{Cursor, Listing, MAX_PAGE_SIZE, Page, PageRequest, Position, Slice};
pub use phone::{PhoneNumber, Region};
pub use repository::{
    BoxError, Inserted, NotificationRepository, Opening, Repository, RepositoryError, RepositoryErrorKind,
    RequestRepository, RequestStep, WorkerRepository,
};
pub use request::{NewRequest, Priority, Request, RequestRecord, RequestStatus};
pub use rests::Pause;
pub use selection::{
    Candidate, Exclusion, Need, Ranked, Selection, SelectionPolicy, Standing, TradeMatch, Verdict,
    exclusions, select,
};
pub use specialty::Specialty;
pub use text::{CommentText, Description, Location, Name, Note, Text, Title};
pub use transition::{Refusal, TRANSITIONS, Transition};
pub use worker::{NewWorker, Worker, WorkerStatus, WorkerUpdate};
