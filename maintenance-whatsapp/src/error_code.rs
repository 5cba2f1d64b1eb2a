//! What each error code of the Cloud API means for a message: the one table, for answers and for webhooks.

use std::time::Duration;

use maintenance_core::{DeliveryError, NextStep, Scope, SendEffect};

/// What an error means for the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Too much for this recipient.
    RecipientPace,
    /// Too much for the number.
    NumberPace,
    /// Too much for the account.
    AccountPace,
    /// Passing, and the message may have gone out.
    MaybeSent,
    /// Passing, and nothing went out.
    NotSent,
    /// Passing, and nothing goes out by this account meanwhile.
    Maintenance,
    /// The token isn't valid, or has no right to the number.
    Unauthorised,
    /// The account or its number is restricted, not registered, or not paid for.
    AccountStopped,
    /// No conversation is open, so only a template may be sent.
    OutsideWindow,
    /// The template can't be used, or isn't the one that we fill in. Every message by it would fail until a person
    /// mends it.
    TemplateUnusable,
    /// The request is wrong as it is.
    RequestWrong,
    /// This recipient can't be reached this way.
    Unreachable,
    /// Not now: in a day at the earliest, which is too late for this message.
    NotNow,
}

const MINUTE: Duration = Duration::from_mins(1);

impl Meaning {
    /// What a code means; `None` for one that isn't known.
    pub(crate) const fn of(code: i64) -> Option<Self> {
        Some(match code {
            131_056 => Self::RecipientPace,
            130_429 => Self::NumberPace,
            4 | 80_007 => Self::AccountPace,
            1 | 2 | 131_000 | 131_016 | 133_004 => Self::MaybeSent,
            131_057 => Self::Maintenance,
            0 | 3 | 10 | 33 | 190 | 200..=299 | 131_005 => Self::Unauthorised,
            368 | 131_031 | 131_037 | 131_042 | 131_044 | 131_045 | 131_048 | 131_064 | 133_000 | 133_006
            | 133_010 | 133_016 => Self::AccountStopped,
            131_047 => Self::OutsideWindow,
            // Whatever a template's edit brings counts for the template: the texts that we fill in are cleaned and
            // cut to fit.
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

    /// What an HTTP status means when no known code came with it.
    ///
    /// A refusal with an unknown code, or without one, as from a proxy on the way, says that this request was
    /// not taken and no more. It is tried again until the dispatcher gives up by its age: a new code that passes by
    /// itself must not lose a message, and one that doesn't still ends.
    pub(crate) const fn of_status(status: u16) -> Self {
        match status {
            // The address, the token or the way there is wrong, for every message alike.
            300..=399 | 401 | 403 | 404 | 407 => Self::Unauthorised,
            429 => Self::NumberPace,
            413 => Self::RequestWrong,
            408 | 500.. => Self::MaybeSent,
            400..=499 => Self::NotSent,
            _ => Self::MaybeSent,
        }
    }

    /// The two answers: what to do next, and whether the message may have gone out. `asked` is the wait that
    /// the API asked for, `attempt` counts from 1.
    pub(crate) fn answers(self, asked: Option<Duration>, attempt: u32) -> (NextStep, SendEffect) {
        let at_least = |wait: Duration| asked.unwrap_or_default().max(wait);
        let next = match self {
            Self::RecipientPace => {
                let wait = Duration::from_secs(4_u64.saturating_pow(attempt.max(1)).min(3_600));
                NextStep::Retry { after: Some(at_least(wait)) }
            }
            Self::NumberPace => {
                let after = asked.unwrap_or(Duration::from_secs(10));
                NextStep::Pause { scope: Scope::Channel, after }
            }
            Self::AccountPace => NextStep::Pause { scope: Scope::Channel, after: at_least(5 * MINUTE) },
            Self::Maintenance => NextStep::Pause { scope: Scope::Channel, after: at_least(MINUTE) },
            Self::MaybeSent | Self::NotSent => NextStep::Retry { after: asked },
            Self::Unauthorised | Self::AccountStopped => NextStep::Stop { scope: Scope::Channel },
            Self::TemplateUnusable => NextStep::Stop { scope: Scope::Template },
            Self::OutsideWindow | Self::RequestWrong => NextStep::Fix,
            Self::Unreachable | Self::NotNow => NextStep::GiveUp,
        };
        let effect = if self == Self::MaybeSent { SendEffect::Unknown } else { SendEffect::NotSent };
        (next, effect)
    }

    /// What it means, in our own words. What the API says is never kept: it can quote the token, the recipient or the
    /// message.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::RecipientPace => "too many messages to this recipient",
            Self::NumberPace => "too many messages by this number",
            Self::AccountPace => "too many calls by this account",
            Self::MaybeSent => "a passing fault of the API; the message may have gone out",
            Self::NotSent => "the API did not take the message",
            Self::Maintenance => "the account is under maintenance",
            Self::Unauthorised => {
                "the access token isn't valid, has expired, or has no right to this number; check the token and the \
                 phone number id"
            }
            Self::AccountStopped => {
                "the account or number is restricted, not registered or not paid for; see it in WhatsApp Manager"
            }
            Self::OutsideWindow => "no conversation is open, so only a template may be sent",
            Self::TemplateUnusable => {
                "the template is missing, not approved, paused, or not the one configured; compare it in WhatsApp \
                 Manager"
            }
            Self::RequestWrong => "the API refuses the message as it is",
            Self::Unreachable => "the recipient can't be reached by WhatsApp",
            Self::NotNow => "the API won't deliver to this recipient for a day or longer",
        }
    }

    /// The error to keep: the code, and what it means.
    pub(crate) fn error(self, code: &str) -> DeliveryError {
        DeliveryError::new(code, self.text())
    }
}

/// A failure that a webhook tells of: the error to keep, and what to do about it.
pub(crate) fn failure(code: Option<i64>) -> (DeliveryError, Option<NextStep>) {
    let Some(code) = code else { return (DeliveryError::new("unknown", "no reason given"), None) };
    match Meaning::of(code) {
        Some(meaning) => (meaning.error(&code.to_string()), Some(meaning.answers(None, 1).0)),
        None => (
            DeliveryError::new(code.to_string(), "a code that isn't known; see Meta's list of error codes"),
            None,
        ),
    }
}
