//! The entities of the record and the facts that steps, messages and webhooks carry.

mod actor;
mod addressee;
mod answer;
mod archive;
mod assignment;
mod assignment_history;
mod attachment;
mod comment;
mod contact;
mod delivery;
mod edit;
mod event;
mod history;
mod hold;
mod inbound;
mod news;
mod next_step;
mod notification;
mod outbox;
mod outgoing;
mod ranking;
mod record;
mod renter;
mod request;
mod send;
mod step;
mod tap;
mod worker;

pub use actor::{Actor, Role, UserType};
pub use addressee::Addressee;
pub use answer::{Answer, RequestChoice};
pub use archive::{CleanedUp, FORGOTTEN, Forgotten, PersonalData};
pub use assignment::ComplexAssignment;
pub use assignment_history::{AssignmentCause, AssignmentChange};
pub use attachment::{Attachment, FileType, FileUrl, NewAttachment};
pub use comment::{Comment, NewComment};
pub use contact::{Place, RenterContact};
pub use delivery::{DeliveryEffect, DeliveryError, DeliveryEvent, DeliveryUpdate, WhatsAppStatus};
pub use edit::{EditedField, FieldChange, RequestField};
pub use event::{Event, EventKind, EventPosition, NewEvent};
pub use history::StatusChange;
pub use hold::Hold;
pub use inbound::{
    FileKind, Inbound, InboundClaim, InboundContent, InboundFile, InboundOutcome, InboundSettlement,
    KeptInbound, Sender, Settled,
};
pub use news::{News, RenterNews};
pub use next_step::{NextStep, Scope};
pub use notification::{Notification, NotificationKind};
pub use outbox::{Claim, Claimed, ClaimedWorker, Deferral, Recorded, Told};
pub use outgoing::{Content, Outgoing, Recipient};
pub use ranking::{Exclusion, Ranked, Selection, Standing, TradeMatch, Verdict};
pub use record::RequestRecord;
pub use renter::{KnownRenter, OptOut};
pub use request::{NewRequest, Priority, Request, RequestForm, RequestStatus};
pub use send::{SendOutcome, SendRecord};
pub use step::{Filing, Step, Write};
pub use tap::{Action, Tap};
pub use worker::{NewWorker, Worker, WorkerStatus, WorkerUpdate};
