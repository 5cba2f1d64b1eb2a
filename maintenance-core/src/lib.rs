//! The engine of maintenance requests: a renter files one, the right worker is told, the work is followed
//! until it is done, and the record can be trusted.
//!
//! This crate is the pure part: entities, rules, selection, ports and use cases. It holds no I/O, no SQL and no
//! HTTP; adapters beside it do (`maintenance-sqlx`, `maintenance-whatsapp`, `maintenance-memory`).
//!
//! # The loop
//!
//! ```text
//! submit ── validate ── candidates ── select (pure) ──► Repository::file      request + notification, one step
//! Dispatcher ── claim due ──► Notifier::notify ──► record outcome            leased, fenced, retried
//! webhook ──► Maintenance::record_deliveries                                 forward only, in any order
//! webhook ──► Maintenance::receive ── Receiver ──► the change + its answer   kept first, applied once, in order
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
//!     ComplexId, Directory, DirectoryError, DispatchPolicy, Maintenance, NewRequest, Notifier,
//!     NotifyError, OrganizationId, Outgoing, Priority, PropertyId, Receipt, RenterContact, RenterId,
//!     RequestForm, Submission,
//! };
//! use maintenance_memory::MemoryRepository;
//! use uuid::Uuid;
//!
//! /// The host's tables.
//! struct Properties;
//!
//! #[async_trait::async_trait]
//! impl Directory for Properties {
//!     async fn complex_of(
//!         &self,
//!         _: OrganizationId,
//!         _: PropertyId,
//!     ) -> Result<Option<ComplexId>, DirectoryError> {
//!         Ok(Some(ComplexId::from_uuid(Uuid::from_u128(1))))
//!     }
//!     async fn contacts(
//!         &self,
//!         _: OrganizationId,
//!         _: &[RenterId],
//!     ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError> {
//!         Ok(HashMap::new())
//!     }
//! }
//!
//! /// The host's channel.
//! struct Pager;
//!
//! #[async_trait::async_trait]
//! impl Notifier for Pager {
//!     async fn notify(&self, message: &Outgoing) -> Result<Receipt, NotifyError> {
//!         Ok(Receipt { provider_message_id: format!("page for {}", message.content.request_id) })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), maintenance_core::Error> {
//! let maintenance = Maintenance::new(MemoryRepository::new(), Properties);
//! let dispatcher = maintenance.dispatcher(Pager, DispatchPolicy::default());
//!
//! let form = RequestForm::new("No heating", "The radiators are cold since this morning.", "All rooms")
//!     .priority(Priority::Emergency)
//!     .specialty("HVAC");
//! let (renter, property) = (RenterId::from_uuid(Uuid::from_u128(2)), PropertyId::from_uuid(Uuid::from_u128(3)));
//! // With `.id(…)` it may be sent again: the caller's id is its idempotency key.
//! let submitted = maintenance.submit(NewRequest::new(renter, property, form)).await?;
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
//! - `tokio`: `Dispatcher::run`, the loop that a submit of the same process wakes at once; `Dispatchers`, one loop for many.
//! - `mock`: mockall mocks of every port.
//! - `axum`: [`Error`] and [`ProblemDetails`] as responses of an axum handler.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "tokio")]
mod dispatcher;
mod maintenance;
mod model;
mod ports;
mod rules;
mod values;

#[cfg(feature = "tokio")]
pub use dispatcher::{Added, DispatchPolicy, DispatchReport, Dispatcher, Dispatchers, Patience, Problem};
pub use maintenance::{
    ActingAs, Assign, Assigned, Difference, Edit, Error, Events, ImportReport, Maintenance, Move, NewHold,
    Pause, ProblemDetails, Reassigned, ReceiveReport, Receiver, RefusedLine, Reused, Submission, Submitted,
};
pub use model::{
    Action, Actor, Addressee, Answer, AssignmentCause, AssignmentChange, Attachment, Claim, Claimed,
    ClaimedWorker, CleanedUp, Comment, ComplexAssignment, Content, Deferral, DeliveryEffect, DeliveryError,
    DeliveryEvent, DeliveryUpdate, EditedField, Event, EventKind, EventPosition, Exclusion, FORGOTTEN,
    FieldChange, FileKind, FileType, FileUrl, Filing, Forgotten, Hold, Inbound, InboundClaim, InboundContent,
    InboundFile, InboundOutcome, InboundSettlement, KeptInbound, KnownRenter, NewAttachment, NewComment,
    NewEvent, NewRequest, NewWorker, News, NextStep, Notification, NotificationKind, OptOut, Outgoing,
    PersonalData, Place, Priority, Ranked, Recipient, Recorded, RenterContact, RenterNews, Request,
    RequestChoice, RequestField, RequestForm, RequestRecord, RequestStatus, Role, Scope, Selection,
    SendOutcome, SendRecord, Sender, Settled, Standing, StatusChange, Step, Tap, Told, TradeMatch, UserType,
    Verdict, WhatsAppStatus, Worker, WorkerStatus, WorkerUpdate, Write,
};
#[cfg(feature = "mock")]
pub use ports::mock;
pub use ports::{
    ArchiveRepository, AssignmentsOf, BoxError, Clock, CommentFilter, Cursor, Directory, DirectoryError,
    EventRepository, Filed, InboundRepository, Inserted, Listing, MAX_COMPLEXES, MAX_PAGE_SIZE, MediaError,
    MediaFile, MediaSource, MediaStore, NotificationRepository, Notifier, NotifyError, Organizations, Page,
    PageRequest, Position, Receipt, Repository, RepositoryError, RepositoryErrorKind, RequestFilter,
    RequestOrder, RequestRepository, SendEffect, SharedRepository, Slice, SystemClock, WorkerFilter,
    WorkerRepository,
};
pub use rules::{
    Candidate, CandidatesOf, EDITABLE, Editable, Effect, Need, Refusal, SelectionPolicy, TRANSITIONS,
    Transition, Viewer, exclusions, permit, permit_edit, select,
};
pub use values::{
    AssignmentChangeId, AssignmentId, AttachmentId, Backoff, Channel, ChannelTable, Channels, CommentId,
    CommentText, ComplexId, ConsumerName, Description, EditId, Email, FieldError, Fingerprint, HoldReason,
    IdSource, InboundId, Invalid, Language, LeaseId, Location, Name, Note, NotificationId, OrganizationId,
    PhoneNumber, PlaceText, PropertyId, RandomIds, Region, RenterId, RequestId, RequestNumber, Rule,
    SearchText, Specialty, StatusChangeId, Text, Title, UserId, WorkerId, whole_micros,
};

/// The README's example is compiled and run with those of the docs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
