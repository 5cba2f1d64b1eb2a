//! Maintenance requests: the renter's "the sink leaks" reaches the right worker, is followed until it is
//! done, and leaves a record.

mod actor;
mod assignment;
mod attachment;
mod backoff;
mod clock;
mod comment;
mod contact;
mod delivery;
mod directory;
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
mod page;
mod phone;
mod repository;
mod request;
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
pub use dispatcher::{DispatchPolicy, DispatchReport, Dispatcher, Pause, Problem};
pub use error::{Difference, Error, Reused};
pub use filter::{AssignmentsOf, CommentFilter, RequestFilter, WorkerFilter};
pub use history::StatusChange;
pub use ids::{
    AssignmentId, AttachmentId, CommentId, ComplexId, IdSource, LeaseId, NotificationId, PropertyId,
    RandomIds, RenterId, RequestId, StatusChangeId, UserId, WorkerId,
};
pub use invalid::{FieldError, Invalid, Rule};
pub use maintenance::{Assigned, Maintenance, Move, Submission, Submitted};
pub use notification::{Claim, Claimed, Notification, NotificationKind, SendOutcome, SendRecord};
pub use notifier::{Message, NextStep, Notifier, NotifyError, Receipt, SendEffect};
pub use page::{Cursor, Listing, MAX_PAGE_SIZE, Page, PageRequest, Position, Slice};
pub use phone::{PhoneNumber, Region};
pub use repository::{
    BoxError, Inserted, NotificationRepository, Opening, Repository, RepositoryError, RepositoryErrorKind,
    RequestRepository, RequestStep, WorkerRepository,
};
pub use request::{NewRequest, Priority, Request, RequestRecord, RequestStatus};
pub use selection::{
    Candidate, Exclusion, Need, Ranked, Selection, SelectionPolicy, Standing, TradeMatch, Verdict,
    exclusions, select,
};
pub use specialty::Specialty;
pub use text::{CommentText, Description, Location, Name, Note, Text, Title};
pub use transition::{Refusal, TRANSITIONS, Transition};
pub use worker::{NewWorker, Worker, WorkerStatus, WorkerUpdate};
