//! What a worker can answer by a button.

use std::{fmt, str::FromStr};

use crate::values::{NotificationId, RequestId, Rule, text_enum::text_enum};

text_enum! {
    /// What a button asks for.
    #[non_exhaustive]
    pub enum Action {
        /// I take the job.
        Accept = "accept",
        /// I can't do it; give it to somebody else.
        Decline = "decline",
        /// I begin.
        Start = "start",
        /// I am done.
        Done = "done",
        /// It is about this request.
        Choose = "choose",
    }
}

/// What a button carries and its tap brings back: the action, the message that the button stands on, and for
/// [`Action::Choose`] the request. As text it has at most 80 characters:
///
/// ```
/// use maintenance_core::{Action, NotificationId, Tap};
///
/// let on = NotificationId::from_uuid(uuid::Uuid::from_u128(7));
/// let tap = Tap { action: Action::Start, on, request: None };
/// assert_eq!(tap.to_string(), "start:00000000-0000-0000-0000-000000000007");
/// assert_eq!(tap.to_string().parse(), Ok(tap));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tap {
    /// What it asks for.
    pub action: Action,
    /// The message that the button stands on.
    pub on: NotificationId,
    /// The request that a row of a list stands for.
    pub request: Option<RequestId>,
}

impl fmt::Display for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.action, self.on)?;
        self.request.map_or(Ok(()), |request| write!(f, ":{request}"))
    }
}

impl FromStr for Tap {
    type Err = Rule;

    fn from_str(text: &str) -> Result<Self, Rule> {
        let rule = || Rule::new("must be an action and the id of a message, as in start:…");
        let mut parts = text.split(':');
        let action = parts.next().unwrap_or_default().parse()?;
        let on = parts.next().and_then(|id| id.parse().ok()).ok_or_else(rule)?;
        let request = parts.next().map(str::parse).transpose().map_err(|_| rule())?;
        if parts.next().is_some() || request.is_some() != (action == Action::Choose) {
            return Err(rule());
        }
        Ok(Self { action, on, request })
    }
}
