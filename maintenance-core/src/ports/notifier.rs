//! The port to a messaging channel.

use std::fmt;

use async_trait::async_trait;

use crate::model::{DeliveryError, NextStep, Outgoing};

/// The channel's word that it accepted a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The channel's id of the message.
    pub provider_message_id: String,
}

/// A way to reach workers.
///
/// An implementor makes one attempt per call and answers within its own time-outs. It neither retries nor
/// waits for long: the [`Dispatcher`](crate::Dispatcher) does, and it outlives the process.
#[async_trait]
#[auto_impl::auto_impl(&, Box, Arc)]
pub trait Notifier: Send + Sync {
    /// Sends one message.
    async fn notify(&self, message: &Outgoing) -> Result<Receipt, NotifyError>;

    /// The name of the template that this message goes out by, if the channel has such a thing. While a template
    /// rests, as [`Scope::Template`](crate::Scope::Template) says, its messages wait and all others go on.
    fn template(&self, message: &Outgoing) -> Option<String> {
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
