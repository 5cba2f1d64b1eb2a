//! What each error code of the Cloud API means for a message: the one table.

use std::time::Duration;

use maintenance_core::{NextStep, Scope, SendEffect};

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
    /// Nothing goes out until a person acts.
    Stopped,
    /// No conversation is open, so only a template may be sent.
    OutsideWindow,
    /// The template can't be used. Every message would fail until a person mends it.
    TemplateUnusable,
    /// The request is wrong as it is.
    RequestWrong,
    /// This recipient can't be reached this way.
    Unreachable,
    /// Not now: in a day at the earliest.
    NotNow,
}

impl Meaning {
    /// What a code means; `None` for one that isn't known.
    pub(crate) const fn of(code: i64) -> Option<Self> {
        Some(match code {
            131_056 => Self::RecipientPace,
            130_429 => Self::NumberPace,
            4 | 80_007 => Self::AccountPace,
            1 | 2 | 131_000 | 131_016 | 133_004 => Self::MaybeSent,
            131_057 => Self::NotSent,
            0
            | 3
            | 10
            | 33
            | 190
            | 200..=299
            | 368
            | 131_005
            | 131_031
            | 131_037
            | 131_042
            | 131_045
            | 131_048
            | 131_064
            | 133_000
            | 133_006
            | 133_010 => Self::Stopped,
            131_047 => Self::OutsideWindow,
            132_001 | 132_005 | 132_007 | 132_015 | 132_016 | 132_068 | 132_069 => Self::TemplateUnusable,
            100 | 131_008 | 131_009 | 131_051 | 131_053 | 132_000 | 132_012 | 132_018 | 135_000 => {
                Self::RequestWrong
            }
            131_026 | 131_021 | 130_403 | 130_497 | 131_030 | 131_062 => Self::Unreachable,
            131_049 | 130_472 | 131_050 => Self::NotNow,
            _ => return None,
        })
    }

    /// What an HTTP status means when no known code came with it.
    ///
    /// A refusal with an unknown code, or without one, as from a proxy on the way, says that this request was
    /// not taken and no more. It is tried again as often as the dispatcher allows, and then failed with its
    /// reason: a new code that passes by itself must not lose a message, and one that doesn't still ends.
    pub(crate) const fn of_status(status: u16) -> Self {
        match status {
            // The address, the token or the way there is wrong, for every message alike.
            300..=399 | 401 | 403 | 404 | 407 => Self::Stopped,
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
        const MINUTE: u64 = 60;
        let wait = |seconds| asked.unwrap_or(Duration::from_secs(seconds));
        let at_least = |seconds| asked.unwrap_or_default().max(Duration::from_secs(seconds));
        let next = match self {
            Self::RecipientPace => NextStep::Retry {
                after: Some(at_least(4_u64.saturating_pow(attempt.max(1)).min(60 * MINUTE))),
            },
            Self::NumberPace => NextStep::Pause { scope: Scope::Channel, after: wait(10) },
            Self::AccountPace => NextStep::Pause { scope: Scope::Channel, after: wait(5 * MINUTE) },
            Self::MaybeSent | Self::NotSent => NextStep::Retry { after: asked },
            Self::Stopped | Self::TemplateUnusable => NextStep::Stop { scope: Scope::Channel },
            Self::OutsideWindow | Self::RequestWrong => NextStep::Fix,
            Self::Unreachable => NextStep::GiveUp,
            Self::NotNow => NextStep::Retry { after: Some(at_least(24 * 60 * MINUTE)) },
        };
        let effect = if self == Self::MaybeSent { SendEffect::Unknown } else { SendEffect::NotSent };
        (next, effect)
    }
}
