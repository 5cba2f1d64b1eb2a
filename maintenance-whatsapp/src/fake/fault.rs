//! The faults that a test asks for.

use std::time::Duration;

use super::check::ApiError;

/// A fault that a test asks for: what goes wrong, and with which messages.
///
/// It applies to the next message, unless [`times`](Self::times), [`every`](Self::every),
/// [`always`](Self::always) or [`to`](Self::to) say otherwise. The fake doesn't accept the message unless the
/// fault is [`kept`](Self::kept).
#[derive(Debug, Clone)]
pub struct Fault {
    pub(super) effect: Effect,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) kept: bool,
    when: When,
    to: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Effect {
    /// An error of the API.
    Error(ApiError),
    /// Any other response, such as a proxy's.
    Answer { status: u16, body: String },
    /// The usual response, late.
    Delay(Duration),
    /// The usual response with another `message_status`.
    MessageStatus(&'static str),
    /// No response: the connection is closed.
    HangUp,
}

#[derive(Debug, Clone, Copy)]
enum When {
    /// The next so many messages.
    Next(usize),
    /// Every nth message, and how many have come so far.
    Every(usize, usize),
}

impl Fault {
    fn new(effect: Effect) -> Self {
        Self { effect, headers: vec![], kept: false, when: When::Next(1), to: None }
    }

    /// The API refuses with that error code and the HTTP status that usually comes with it.
    pub fn error(code: i64) -> Self {
        Self::new(Effect::Error(ApiError::new(code, "as the test asked for")))
    }

    /// Something other than the API responds, such as a proxy, with that HTTP status and body.
    pub fn answer(status: u16, body: impl Into<String>) -> Self {
        Self::new(Effect::Answer { status, body: body.into() })
    }

    /// The message is accepted, and the response comes that much later.
    pub fn delay(by: Duration) -> Self {
        Self::new(Effect::Delay(by)).kept()
    }

    /// The message is accepted with that `message_status` in place of `accepted`: `paused` or
    /// `held_for_quality_assessment`.
    pub fn message_status(status: &'static str) -> Self {
        Self::new(Effect::MessageStatus(status)).kept()
    }

    /// The connection is closed without a response.
    pub fn hang_up() -> Self {
        Self::new(Effect::HangUp)
    }

    /// With a `Retry-After` of that many seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header("retry-after", seconds.to_string())
    }

    /// With that header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The message is accepted all the same: only the response to it is lost.
    #[must_use]
    pub fn kept(mut self) -> Self {
        self.kept = true;
        self
    }

    /// For the next `n` messages.
    #[must_use]
    pub fn times(mut self, n: usize) -> Self {
        self.when = When::Next(n);
        self
    }

    /// For every `n`th message.
    #[must_use]
    pub fn every(mut self, n: usize) -> Self {
        self.when = When::Every(n.max(1), 0);
        self
    }

    /// For every message.
    #[must_use]
    pub fn always(self) -> Self {
        self.every(1)
    }

    /// For messages to that number alone.
    #[must_use]
    pub fn to(mut self, number: impl Into<String>) -> Self {
        self.to = Some(number.into());
        self
    }

    /// Whether it applies to a message to that number. A message that is `taken` by an earlier fault only
    /// counts towards every nth.
    pub(super) fn applies(&mut self, number: &str, taken: bool) -> bool {
        if self.to.as_ref().is_some_and(|to| to != number) {
            return false;
        }
        match &mut self.when {
            When::Next(left) => {
                let applies = !taken && *left > 0;
                *left -= usize::from(applies);
                applies
            }
            When::Every(n, seen) => {
                *seen += 1;
                !taken && seen.is_multiple_of(*n)
            }
        }
    }
}
