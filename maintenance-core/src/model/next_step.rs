//! What to do after a channel refused a message.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What to do after an attempt that was not accepted, or after a webhook that tells of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
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
#[non_exhaustive]
pub enum Scope {
    /// Everything: the number, the account, the token.
    Channel,
    /// The messages that go out by the same [template](crate::Notifier::template).
    Template,
}
