//! The host's own errors, in the same form as the engine's: a problem by RFC 9457.

use std::fmt;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use maintenance_core::{Error, Invalid, ProblemDetails, RepositoryError, RepositoryErrorKind};

/// An error response. What the engine reports becomes one by `?`.
#[derive(Debug)]
pub(super) struct Problem(ProblemDetails);

impl Problem {
    /// A problem of the host's own: `word` names it for programs, `detail` explains it to people.
    pub(super) fn new(status: StatusCode, word: &str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        let problem = ProblemDetails::new(status.as_u16(), format!("urn:axum-host:{word}"), title);
        Self(problem.detail(detail))
    }

    pub(super) fn conflict(word: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, word, detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// An error that the caller can't help. What it was is logged, and not shown.
    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side")
    }

    fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again in a moment")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.detail.as_deref().unwrap_or(&self.0.title))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let problem = error.problem();
        if problem.status >= 500 {
            // The engine's errors quote no name, number or text.
            tracing::error!(status = problem.status, %error, "a use case failed");
        }
        Self(problem)
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self(invalid.problem())
    }
}

/// The host's own statements. A database's message may quote a row, so only its code is logged.
impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                tracing::warn!(%error, "the database can't be reached");
                Self::unavailable()
            }
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default();
                tracing::error!(%code, constraint = error.constraint(), "a statement failed");
                // The engine's rule for which codes are worth a retry.
                let kind = RepositoryErrorKind::Aborted { code: code.into_owned() };
                Self(Error::from(RepositoryError::from(kind)).problem())
            }
            _ => {
                tracing::error!("a row can't be decoded, or a statement is used wrongly");
                Self::internal()
            }
        }
    }
}
