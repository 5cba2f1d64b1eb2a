//! What each error code of the Cloud API means for a message: one table, for the answers to sends and for
//! webhooks.

use std::time::Duration;

use maintenance_core::{DeliveryError, NextStep, Scope, SendEffect};
use serde_json::Value;

/// The code of [`OutsideWindow`](ErrorClass::OutsideWindow) as it is stored.
pub(crate) const OUTSIDE_WINDOW: &str = "131047";

/// What an error means for the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    /// The rate limit for this recipient is reached.
    RecipientRate,
    /// The rate limit of the number is reached.
    NumberRate,
    /// The rate limit of the account is reached.
    AccountRate,
    /// Transient, and the message may have gone out.
    MaybeSent,
    /// Transient, and the message did not go out.
    NotSent,
    /// The account is under maintenance: no message goes out until it ends.
    Maintenance,
    /// The token isn't valid, or has no right to the number.
    Unauthorised,
    /// The account or its number is restricted, not registered, or not paid for.
    AccountStopped,
    /// No conversation is open, so only a template may be sent.
    OutsideWindow,
    /// The template can't be used, or differs from the one that is configured. Every message that uses it
    /// fails until a person corrects it.
    TemplateUnusable,
    /// The API refuses this message whenever it is sent.
    RequestWrong,
    /// This recipient can't be reached by WhatsApp.
    Unreachable,
    /// WhatsApp won't deliver to this recipient for a day at least, which is too late for this message.
    NotNow,
}

const MINUTE: Duration = Duration::from_mins(1);

impl ErrorClass {
    /// The class of a code; `None` for a code that isn't in Meta's list.
    pub(crate) const fn of_code(code: i64) -> Option<Self> {
        Some(match code {
            131_056 => Self::RecipientRate,
            130_429 => Self::NumberRate,
            4 | 80_007 => Self::AccountRate,
            1 | 2 | 131_000 | 131_016 | 133_004 => Self::MaybeSent,
            131_057 => Self::Maintenance,
            0 | 3 | 10 | 33 | 190 | 200..=299 | 131_005 => Self::Unauthorised,
            368 | 131_031 | 131_037 | 131_042 | 131_044 | 131_045 | 131_048 | 131_064 | 133_000 | 133_006
            | 133_010 | 133_016 => Self::AccountStopped,
            131_047 => Self::OutsideWindow,
            // A wrong number or form of parameters means that the template was edited: our values are cleaned
            // and cut to fit, so no single message can cause it.
            132_000 | 132_001 | 132_005 | 132_007 | 132_008 | 132_012 | 132_015 | 132_016 | 132_068
            | 132_069 => Self::TemplateUnusable,
            100 | 131_008 | 131_009 | 131_051 | 131_052 | 131_053 | 132_018 | 135_000 | 137_000 => {
                Self::RequestWrong
            }
            130_403 | 130_497 | 131_021 | 131_026 | 131_030 | 131_062 | 131_063 => Self::Unreachable,
            130_472 | 131_049 | 131_050 => Self::NotNow,
            _ => return None,
        })
    }

    /// The class of an HTTP status that came without a known code.
    ///
    /// A refusal (4xx) with an unknown code, or without one, as a proxy on the way sends, is retried until
    /// the dispatcher gives up by the message's age: a new code that is transient must lose no message.
    pub(crate) const fn of_status(status: u16) -> Self {
        match status {
            // The address, the token or a proxy on the way is wrong, which concerns every message.
            300..=399 | 401 | 403 | 404 | 407 => Self::Unauthorised,
            429 => Self::NumberRate,
            413 => Self::RequestWrong,
            408 | 500.. => Self::MaybeSent,
            400..=499 => Self::NotSent,
            _ => Self::MaybeSent,
        }
    }

    /// What to do next, and whether the message may have gone out. `asked` is the wait that the API asked
    /// for, `attempt` counts from 1.
    pub(crate) fn outcome(self, asked: Option<Duration>, attempt: u32) -> (NextStep, SendEffect) {
        let at_least = |wait: Duration| asked.unwrap_or_default().max(wait);
        let next = match self {
            Self::RecipientRate => {
                let wait = Duration::from_secs(4_u64.saturating_pow(attempt.max(1)).min(3_600));
                NextStep::Retry { after: Some(at_least(wait)) }
            }
            Self::NumberRate => {
                let after = asked.unwrap_or(Duration::from_secs(10));
                NextStep::Pause { scope: Scope::Channel, after }
            }
            Self::AccountRate => NextStep::Pause { scope: Scope::Channel, after: at_least(5 * MINUTE) },
            Self::Maintenance => NextStep::Pause { scope: Scope::Channel, after: at_least(MINUTE) },
            Self::MaybeSent | Self::NotSent => NextStep::Retry { after: asked },
            Self::Unauthorised | Self::AccountStopped => NextStep::Stop { scope: Scope::Channel },
            Self::TemplateUnusable => NextStep::Stop { scope: Scope::Template },
            // The next attempt goes by a template.
            Self::OutsideWindow => NextStep::Retry { after: Some(Duration::ZERO) },
            Self::RequestWrong => NextStep::Fix,
            Self::Unreachable | Self::NotNow => NextStep::GiveUp,
        };
        let effect = if self == Self::MaybeSent { SendEffect::Unknown } else { SendEffect::NotSent };
        (next, effect)
    }

    /// What the error means, in our own words. The API's words are never kept: they can quote the token, the
    /// recipient or the message.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::RecipientRate => "the rate limit for this recipient is reached",
            Self::NumberRate => "the rate limit of this number is reached",
            Self::AccountRate => "the rate limit of this account is reached",
            Self::MaybeSent => "a transient error of the API; the message may have gone out",
            Self::NotSent => "the API did not take the message",
            Self::Maintenance => "the account is under maintenance",
            Self::Unauthorised => {
                "the access token isn't valid, has expired, or has no right to this number; check the token and the \
                 phone number id"
            }
            Self::AccountStopped => {
                "the account or number is restricted, not registered or not paid for; see WhatsApp Manager for which"
            }
            Self::OutsideWindow => "no conversation is open, so only a template may be sent",
            Self::TemplateUnusable => {
                "the template is missing, not approved, paused, or differs from the one configured; compare both in \
                 WhatsApp Manager"
            }
            Self::RequestWrong => "the API refuses this message; sending it again would not help",
            Self::Unreachable => "the recipient can't be reached by WhatsApp",
            Self::NotNow => "the API won't deliver to this recipient for a day or longer",
        }
    }

    /// The error to store: the code, and what it means.
    pub(crate) fn error(self, code: &str) -> DeliveryError {
        DeliveryError::new(code, self.text())
    }
}

/// The error code in a JSON value, also one written as text. `None` for a number that can't be a code of
/// Meta's, which have seven digits at most: a longer one could be a phone number, and codes are stored and
/// logged.
pub(crate) fn code_of(value: Option<&Value>) -> Option<i64> {
    let code = match value? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    code.filter(|code| (0..10_000_000).contains(code))
}

/// A failure reported by a webhook: the error to store, and what to do about it.
pub(crate) fn failure(code: Option<i64>) -> (DeliveryError, Option<NextStep>) {
    let Some(code) = code else {
        return (DeliveryError::new("unknown", "the webhook gives no error code"), None);
    };
    if let Some(class) = ErrorClass::of_code(code) {
        return (class.error(&code.to_string()), Some(class.outcome(None, 1).0));
    }
    let text = "a code unknown to this version; see Meta's list of error codes";
    (DeliveryError::new(code.to_string(), text), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_a_webhook_tells_found_its_conversation_closed_is_tried_again_at_once() {
        let (error, next) = failure(Some(131_047));
        assert_eq!(error.code, OUTSIDE_WINDOW);
        assert_eq!(next, Some(NextStep::Retry { after: Some(Duration::ZERO) }));
    }
}
