//! The entities of the record and the facts that steps, messages and webhooks carry.

mod actor;
mod assignment;
mod assignment_history;
mod attachment;
mod comment;
mod contact;
mod delivery;
mod history;
mod next_step;
mod notification;
mod outbox;
mod outgoing;
mod ranking;
mod record;
mod request;
mod send;
mod step;
mod worker;

pub use actor::{Actor, Role, UserType};
pub use assignment::ComplexAssignment;
pub use assignment_history::{AssignmentCause, AssignmentChange};
pub use attachment::{Attachment, FileType, FileUrl, NewAttachment};
pub use comment::{Comment, NewComment};
pub use contact::{Place, RenterContact};
pub use delivery::{DeliveryEffect, DeliveryError, DeliveryEvent, DeliveryUpdate, WhatsAppStatus};
pub use history::StatusChange;
pub use next_step::{NextStep, Scope};
pub use notification::{Notification, NotificationKind};
pub use outbox::{Claim, Claimed, Deferral, Recorded, Told};
pub use outgoing::{Content, Outgoing, Recipient};
pub use ranking::{Exclusion, Ranked, Selection, Standing, TradeMatch, Verdict};
pub use record::RequestRecord;
pub use request::{NewRequest, Priority, Request, RequestForm, RequestStatus};
pub use send::{SendOutcome, SendRecord};
pub use step::{Filing, Step, Write};
pub use worker::{NewWorker, Worker, WorkerStatus, WorkerUpdate};
