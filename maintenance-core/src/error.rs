//! What a use case answers when it can't do what it was asked.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    DirectoryError, Invalid, Refusal, RepositoryError, RepositoryErrorKind, RequestId, RequestStatus,
};

/// Why a use case did not do what it was asked. Nothing was written, unless the store was
/// [unavailable](RepositoryErrorKind::Unavailable) when it was to answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input breaks a rule: every wrong field, with its rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),

    /// There is no such thing.
    #[error("there is no {what} {id}")]
    NotFound {
        /// What was named: `request`, `worker`.
        what: &'static str,
        /// The id it was named by.
        id: Uuid,
    },

    /// The id was used before, for something else.
    #[error(transparent)]
    Reused(#[from] Reused),

    /// Somebody else moved the request: it is no longer where the caller saw it, or already where the caller
    /// wants it.
    #[error("request {request} can't be moved to {wanted} from where you saw it: it is now {current}")]
    StatusConflict {
        /// The request.
        request: RequestId,
        /// The status wanted.
        wanted: RequestStatus,
        /// The status now.
        current: RequestStatus,
    },

    /// The rules don't allow the change.
    #[error("request {request}: {refusal}")]
    Refused {
        /// The request.
        request: RequestId,
        /// Which rule.
        refusal: Refusal,
    },

    /// The request's work is over, so that nobody can be assigned or told.
    #[error("request {request} is {status}; only a pending or in_progress request can be {wanted}")]
    NotOpen {
        /// The request.
        request: RequestId,
        /// Its status.
        status: RequestStatus,
        /// What was wanted.
        wanted: &'static str,
    },

    /// The actor may not do this.
    #[error("only {allowed} may {action}")]
    NotAllowed {
        /// Who may.
        allowed: &'static str,
        /// What.
        action: &'static str,
    },

    /// The store failed. After a `Conflict` the step has been decided again a number of times already; every other
    /// kind is returned as it comes.
    #[error(transparent)]
    Repository(#[from] RepositoryError),

    /// The host's directory failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),

    /// The clocks of this process and of the store differ too much: leases would not hold.
    #[error(
        "this process's clock is at {ours}, the store's at {store}; they must differ by less than {bound:?}"
    )]
    ClockDiffers {
        /// The time here, UTC.
        ours: DateTime<Utc>,
        /// The time by the store's clock, UTC.
        store: DateTime<Utc>,
        /// How much they may differ.
        bound: Duration,
    },
}

/// An id that was used before with other content.
///
/// Names both contents where they differ; a private text is told by its length alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct Reused {
    /// What has the id: `request`, `comment`.
    pub what: &'static str,
    /// The id.
    pub id: Uuid,
    /// Where the two differ.
    pub differences: Vec<Difference>,
}

/// One field in which two contents differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The field.
    pub field: &'static str,
    /// What is stored.
    pub stored: String,
    /// What was brought now.
    pub given: String,
}

impl fmt::Display for Reused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} exists with other content; what differs needs an id of its own:",
            self.what, self.id
        )?;
        for (n, Difference { field, stored, given }) in self.differences.iter().enumerate() {
            write!(f, "{} {field} is {stored}, now {given}", if n == 0 { "" } else { ";" })?;
        }
        Ok(())
    }
}

/// Collects the differences of two contents under one id.
#[derive(Default)]
pub(crate) struct Differences(Vec<Difference>);

impl Differences {
    /// Compares a field that may be shown.
    pub(crate) fn shown<T: PartialEq + fmt::Display>(
        mut self,
        field: &'static str,
        stored: &T,
        given: &T,
    ) -> Self {
        if stored != given {
            self.0.push(Difference { field, stored: stored.to_string(), given: given.to_string() });
        }
        self
    }

    /// Compares a private text.
    pub(crate) fn private(mut self, field: &'static str, stored: &str, given: &str) -> Self {
        if stored != given {
            let length = |text: &str| format!("a text of {} characters", text.chars().count());
            self.0.push(Difference {
                field,
                stored: length(stored),
                given: format!("another, {}", length(given)),
            });
        }
        self
    }

    /// `Ok` when nothing differs.
    pub(crate) fn none(self, what: &'static str, id: impl Into<Uuid>) -> Result<(), Reused> {
        if self.0.is_empty() { Ok(()) } else { Err(Reused { what, id: id.into(), differences: self.0 }) }
    }
}

/// Counts how often a step was decided again.
#[derive(Default)]
pub(crate) struct Tries(u32);

impl Tries {
    const MOST: u32 = 8;

    /// Whether to decide again: the store said `Conflict`, and not too often yet. Not `Busy`: the store has waited
    /// for the lock already, and eight such waits would keep the caller for minutes.
    pub(crate) fn again(&mut self, error: &Error) -> bool {
        let Error::Repository(error) = error else { return false };
        self.0 += 1;
        self.0 < Self::MOST && error.kind == RepositoryErrorKind::Conflict
    }
}
