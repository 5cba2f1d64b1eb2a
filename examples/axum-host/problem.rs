//! What went wrong, as HTTP tells it: a status, and JSON with a word for programs and a sentence for people.

use std::fmt;

use axum::{
    Json,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use maintenance_core::{Error, Invalid, Refusal, RepositoryErrorKind, Reused};
use serde_json::{Value, json};

/// An answer other than the one that was asked for.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    body: Value,
}

impl Problem {
    pub(super) fn new(status: StatusCode, error: &str, message: impl Into<String>) -> Self {
        Self { status, body: json!({"error": error, "message": message.into()}) }
    }

    pub(super) fn conflict(error: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, error, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// Nothing that a caller can help, and nothing that they should learn.
    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side")
    }

    fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again in a moment")
    }

    fn with(mut self, field: &str, value: Value) -> Self {
        if let Some(body) = self.body.as_object_mut() {
            body.insert(field.to_owned(), value);
        }
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.body)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let retry = (self.status == StatusCode::SERVICE_UNAVAILABLE).then_some([(RETRY_AFTER, "1")]);
        match retry {
            Some(retry) => (self.status, retry, Json(self.body)).into_response(),
            None => (self.status, Json(self.body)).into_response(),
        }
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", invalid.to_string());
        problem.with("fields", json!(invalid.fields))
    }
}

/// The engine's errors hold no name, number or text, so they may be passed on.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Invalid(invalid) => invalid.into(),
            Error::NotFound { .. } => Self::not_found(message),
            Error::Reused(reused) => reused.into(),
            Error::StatusConflict { current, .. } => {
                Self::conflict("status_conflict", message).with("status", json!(current))
            }
            Error::NotOpen { status, .. } => {
                Self::conflict("not_open", message).with("status", json!(status))
            }
            Error::Refused { refusal: Refusal::NoSuchTransition { from, .. }, .. } => {
                Self::conflict("no_such_transition", message).with("status", json!(from))
            }
            Error::Refused { refusal: Refusal::NoteRequired(_), .. } => {
                Invalid::field("note", "must say why").into()
            }
            Error::Refused { refusal: Refusal::NotAllowed(_), .. } | Error::NotAllowed { .. } => {
                Self::new(StatusCode::FORBIDDEN, "not_allowed", message)
            }
            Error::Repository(error) => match error.kind {
                RepositoryErrorKind::NotFound => Self::not_found(message),
                RepositoryErrorKind::Conflict
                | RepositoryErrorKind::Busy
                | RepositoryErrorKind::NotWritable
                | RepositoryErrorKind::Unavailable => Self::unavailable(),
                RepositoryErrorKind::Aborted { code } if passes(&code) => Self::unavailable(),
                _ => Self::internal(),
            },
            Error::Directory(error) => {
                error.0.downcast_ref::<sqlx::Error>().map_or_else(Self::internal, Self::from)
            }
            _ => Self::internal(),
        }
    }
}

/// Whether an error of the database with that code passes. SQLite: busy. PostgreSQL: deadlock and serialisation, its
/// own time limits, shutting down, out of connections.
fn passes(code: &str) -> bool {
    ["5", "40001", "40P01", "55P03", "57014", "53300"].contains(&code) || code.starts_with("57P")
}

impl From<Reused> for Problem {
    fn from(reused: Reused) -> Self {
        // Somebody else's: the caller learns that the id is taken, and nothing of what it is taken by.
        let owners = ["renter_id", "user_id", "request_id"];
        if reused.differences.iter().any(|difference| owners.contains(&difference.field)) {
            return Self::conflict("reused", "this id is taken; use another");
        }
        Self::conflict("reused", reused.to_string()).with("differences", json!(reused.differences))
    }
}

/// The host's own statements. What a database says may quote a row: only its code is logged.
impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&sqlx::Error> for Problem {
    fn from(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                tracing::warn!(%error, "database away");
                Self::unavailable()
            }
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default();
                tracing::error!(%code, constraint = error.constraint(), "statement failed");
                if passes(&code) { Self::unavailable() } else { Self::internal() }
            }
            _ => {
                tracing::error!("a row can't be read, or the host asked wrongly");
                Self::internal()
            }
        }
    }
}
