//! The port to a messaging channel.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    DeliveryError, NotificationId, NotificationKind, PhoneNumber, Priority, RenterContact, RequestId,
    Specialty,
    text::{Description, Location, Title},
};

/// What a message to a worker says (specification, "Communication Flow").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Our id of the message: the channel should carry it, so that a webhook can bring it back.
    pub notification_id: NotificationId,
    /// What the message is about.
    pub kind: NotificationKind,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The worker's number.
    pub to: PhoneNumber,
    /// The request.
    pub request_id: RequestId,
    /// Its title.
    pub title: Title,
    /// What is wrong.
    pub description: Description,
    /// How urgent it is.
    pub priority: Priority,
    /// Where in the property.
    pub location: Location,
    /// The trade needed, if known.
    pub specialty: Option<Specialty>,
    /// How to reach the renter; `None` when the host's directory doesn't know them (any more). The message
    /// goes out all the same: a worker without the renter's number beats no worker.
    pub renter: Option<RenterContact>,
}

/// The channel's word that it accepted a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The channel's id of the message.
    pub provider_message_id: String,
}

/// A way to reach workers.
///
/// An implementor makes one attempt a call and answers within its own time-outs. It neither retries nor
/// waits for long: the [`Dispatcher`](crate::Dispatcher) does, and it outlives the process.
#[async_trait]
#[auto_impl::auto_impl(&, Box, Arc)]
pub trait Notifier: Send + Sync {
    /// Sends one message.
    async fn notify(&self, message: &Message) -> Result<Receipt, NotifyError>;

    /// The name of the template that this message goes out by, if the channel has such a thing. While a template
    /// rests, as [`Scope::Template`] says, its messages wait and all others go on.
    fn template(&self, message: &Message) -> Option<String> {
        let _ = message;
        None
    }
}

/// An attempt that was not accepted: two separate answers, what to do next and whether it may have gone out
/// all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct NotifyError {
    /// What to do next.
    pub next: NextStep,
    /// Whether the message may have gone out.
    pub effect: SendEffect,
    /// The channel's reason.
    pub error: DeliveryError,
}

/// What to do after an attempt that was not accepted, or after a webhook that tells of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextStep {
    /// Try this message again, after that time or, without one, after the dispatcher's backoff.
    Retry {
        /// The wait that the channel asks for.
        after: Option<Duration>,
    },
    /// Nothing was tried: our own rate limit for the whole channel is reached for the moment. Counts as no attempt.
    Wait {
        /// How long this message waits.
        after: Duration,
    },
    /// Nothing was tried: our rate limit for this recipient is reached. Counts as no attempt.
    WaitForRecipient {
        /// How long until the recipient may be sent to again.
        after: Duration,
        /// One message per this time from then on: what else waits for the recipient is put back spread out by it.
        every: Duration,
    },
    /// Nothing goes out by `scope` for that time, as when the number is throttled; it passes by itself. Counts as
    /// no attempt.
    Pause {
        /// What rests.
        scope: Scope,
        /// How long.
        after: Duration,
    },
    /// Nothing goes out by `scope` until a person acts, as with a bad token. Counts as no attempt.
    Stop {
        /// What rests.
        scope: Scope,
    },
    /// This recipient can't be reached this way: the message has failed.
    GiveUp,
    /// The channel refuses this message as it is: it has failed, and a person should look at it.
    Fix,
}

/// What an error is about when it is about more than one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything: the number, the account, the token.
    Channel,
    /// The messages that go out by the same [template](Notifier::template).
    Template,
}

/// Whether a message may have gone out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SendEffect {
    /// Certainly not.
    NotSent,
    /// It may have: the answer was lost.
    Unknown,
}

impl fmt::Display for SendEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSent => "not sent",
            Self::Unknown => "may have been sent",
        })
    }
}
