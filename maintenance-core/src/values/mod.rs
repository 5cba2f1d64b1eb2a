//! Values that are valid once they are made: ids, numbers, texts, times. They know nothing of each other's use.

pub(crate) mod backoff;
pub(crate) mod channel;
pub(crate) mod channels;
pub(crate) mod consumer;
pub(crate) mod email;
pub(crate) mod fingerprint;
pub(crate) mod ids;
pub(crate) mod invalid;
pub(crate) mod language;
pub(crate) mod number;
pub(crate) mod phone;
pub(crate) mod search;
pub(crate) mod specialty;
pub(crate) mod text;
pub(crate) mod text_enum;
pub(crate) mod time;

pub use backoff::Backoff;
pub use channel::Channel;
pub use channels::{ChannelTable, Channels};
pub use consumer::ConsumerName;
pub use email::Email;
pub use fingerprint::Fingerprint;
pub use ids::{
    AssignmentChangeId, AssignmentId, AttachmentId, CommentId, ComplexId, EditId, IdSource, InboundId,
    LeaseId, NotificationId, OrganizationId, PropertyId, RandomIds, RenterId, RequestId, StatusChangeId,
    UserId, WorkerId,
};
pub use invalid::{FieldError, Invalid, Rule};
pub use language::Language;
pub use number::RequestNumber;
pub use phone::{PhoneNumber, Region};
pub use search::SearchText;
pub use specialty::Specialty;
pub use text::{CommentText, Description, HoldReason, Location, Name, Note, PlaceText, Text, Title};
pub use time::whole_micros;
