//! What the engine answers to a message from a phone.

use super::request::RequestStatus;
use super::tap::Action;
use crate::values::{RequestId, RequestNumber, Title, text_enum::text_enum};

text_enum! {
    /// What an answer says. The wording is the channel's, in the recipient's language.
    #[non_exhaustive]
    pub enum Answer {
        /// You took the job.
        Accepted = "accepted",
        /// You gave the job up; somebody else will do it.
        Declined = "declined",
        /// You began.
        Started = "started",
        /// The job is done. Thank you.
        Completed = "completed",
        /// Your message was added to the job.
        Commented = "commented",
        /// Your file was added to the job.
        Attached = "attached",
        /// Which of your jobs is that about?
        WhichOne = "which_one",
        /// That button belongs to an older message; the job stands as follows.
        Old = "old",
        /// Begin the job before you finish it.
        NotStarted = "not_started",
        /// The job is done already.
        AlreadyCompleted = "already_completed",
        /// The job was called off.
        Cancelled = "cancelled",
        /// The job is no longer yours.
        NotTheirs = "not_theirs",
        /// You have no open job.
        NothingOpen = "nothing_open",
        /// Your file can't be added.
        FileRefused = "file_refused",
        /// Your text can't be added: it is too long.
        TextRefused = "text_refused",
        /// You get no more messages about your requests.
        OptedOut = "opted_out",
        /// Nobody reads what you write here; turn to your landlord.
        NotRead = "not_read",
        /// Your request is open again.
        Reopened = "reopened",
        /// Your request was done too long ago to be opened again.
        TooLate = "too_late",
    }
}

impl Answer {
    /// What the worker of a request with that status can do next, which the answer offers as buttons.
    pub fn offers(self, status: RequestStatus) -> &'static [Action] {
        if matches!(self, Self::Declined | Self::NotTheirs | Self::NothingOpen | Self::WhichOne) {
            return &[];
        }
        match status {
            RequestStatus::Pending => &[Action::Start, Action::Decline],
            RequestStatus::InProgress => &[Action::Done, Action::Decline],
            RequestStatus::Completed | RequestStatus::Cancelled => &[],
        }
    }
}

/// A request that a worker can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestChoice {
    /// Its id.
    pub id: RequestId,
    /// Its number.
    pub number: RequestNumber,
    /// Its title.
    pub title: Title,
}
