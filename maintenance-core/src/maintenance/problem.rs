//! A use case's error as an HTTP API answers it: a status, and a body by RFC 9457.

use std::borrow::Cow;

use serde::Serialize;

use super::{Error, Reused};
use crate::{
    model::RequestStatus,
    ports::RepositoryErrorKind,
    rules::Refusal,
    values::{FieldError, Invalid},
};

/// The body of an error response, as RFC 9457 describes it (`application/problem+json`).
///
/// It holds ids, statuses, field names and rules, and no name, number or text, so it may be shown to the
/// caller.
///
/// ```
/// use maintenance_core::{Error, Invalid, ProblemDetails};
///
/// let problem = Error::from(Invalid::field("title", "must have 1 to 200 characters")).problem();
/// assert_eq!(problem.status, 422);
/// assert_eq!(serde_json::to_value(&problem)?["fields"][0]["field"], "title");
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// A host's own errors can have the same form:
///
/// ```
/// use maintenance_core::ProblemDetails;
///
/// let problem = ProblemDetails::new(409, "urn:example:reference-taken", "Reference taken")
///     .detail("another request has this reference; use another");
/// ```
///
/// With the feature `axum`, `ProblemDetails` and [`Error`] are responses of an axum handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProblemDetails {
    /// Which problem it is, for programs: `urn:maintenance:` and a word of the table at [`Error::status`].
    pub r#type: Cow<'static, str>,
    /// Which problem it is, for people: the same for each occurrence.
    pub title: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong in this case, and what would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// For invalid input, every wrong field with the rule it breaks; for an id that was used before, every
    /// field that differs. Otherwise empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldError>,
    /// The request's status, where that is why it can't be changed as asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_status: Option<RequestStatus>,
}

impl ProblemDetails {
    /// A problem of that HTTP status, type and title.
    pub fn new(
        status: u16,
        r#type: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (r#type, title) = (r#type.into(), title.into());
        Self { r#type, title, status, detail: None, fields: Vec::new(), request_status: None }
    }

    /// Sets [`detail`](Self::detail).
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Sets [`fields`](Self::fields).
    #[must_use]
    pub fn fields(mut self, fields: Vec<FieldError>) -> Self {
        self.fields = fields;
        self
    }
}

/// What kind of problem an error is: one row of the table at [`Error::status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Invalid,
    NotAllowed,
    NotFound,
    Reused,
    StatusConflict,
    AssignmentConflict,
    VersionConflict,
    NoSuchTransition,
    NotOpen,
    HasOpenRequests,
    Conflict,
    Internal,
    Unavailable,
}

impl Kind {
    /// The HTTP status, type and title.
    const fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Invalid => (422, "urn:maintenance:invalid", "Invalid input"),
            Self::NotAllowed => (403, "urn:maintenance:not-allowed", "Not allowed"),
            Self::NotFound => (404, "urn:maintenance:not-found", "Not found"),
            Self::Reused => (409, "urn:maintenance:reused", "Id already used"),
            Self::StatusConflict => (409, "urn:maintenance:status-conflict", "Status changed meanwhile"),
            Self::AssignmentConflict => {
                (409, "urn:maintenance:assignment-conflict", "Assignment changed meanwhile")
            }
            Self::VersionConflict => (409, "urn:maintenance:version-conflict", "Request changed meanwhile"),
            Self::NoSuchTransition => (409, "urn:maintenance:no-such-transition", "No such change of status"),
            Self::NotOpen => (409, "urn:maintenance:not-open", "Request not open"),
            Self::HasOpenRequests => (409, "urn:maintenance:has-open-requests", "Requests still open"),
            Self::Conflict => (409, "urn:maintenance:conflict", "Changed meanwhile"),
            Self::Internal => (500, "urn:maintenance:internal", "Internal error"),
            Self::Unavailable => (503, "urn:maintenance:unavailable", "Temporarily unavailable"),
        }
    }

    /// The problem of this kind without details.
    fn problem(self) -> ProblemDetails {
        let (status, r#type, title) = self.row();
        ProblemDetails::new(status, r#type, title)
    }
}

impl Error {
    /// The HTTP status that an API answers this error with.
    ///
    /// | status | error | word in the problem's type |
    /// |---|---|---|
    /// | 403 | the actor may not do this ([`NotAllowed`](Self::NotAllowed), [`Refusal::NotAllowed`], [`Refusal::NotEditable`]) | `not-allowed` |
    /// | 404 | [`NotFound`](Self::NotFound), and the store's | `not-found` |
    /// | 409 | [`Reused`](Self::Reused) | `reused` |
    /// | 409 | [`StatusConflict`](Self::StatusConflict) | `status-conflict` |
    /// | 409 | [`AssignmentConflict`](Self::AssignmentConflict) | `assignment-conflict` |
    /// | 409 | [`VersionConflict`](Self::VersionConflict) | `version-conflict` |
    /// | 409 | [`Refusal::NoSuchTransition`] | `no-such-transition` |
    /// | 409 | [`NotOpen`](Self::NotOpen) | `not-open` |
    /// | 409 | [`HasOpenRequests`](Self::HasOpenRequests) | `has-open-requests` |
    /// | 409 | the store's `Conflict`, after the step was decided again several times | `conflict` |
    /// | 422 | [`Invalid`](Self::Invalid), [`Refusal::NoteRequired`] | `invalid` |
    /// | 500 | any other error | `internal` |
    /// | 503 | the store's `Busy`, `NotWritable`, `Unavailable`, `Aborted` with a code that is worth a retry; [`Directory`](Self::Directory) | `unavailable` |
    pub fn status(&self) -> u16 {
        self.kind().row().0
    }

    /// The body that an API answers this error with. It may be shown to the caller.
    ///
    /// Errors of the store and of the directory have no detail: what went wrong there is for the log.
    pub fn problem(&self) -> ProblemDetails {
        let kind = self.kind();
        let problem = kind.problem();
        match self {
            Self::Invalid(invalid) => invalid.problem(),
            Self::Refused { refusal: Refusal::NoteRequired(_), .. } => {
                problem.detail(self.to_string()).fields(Invalid::field("note", "must say why").fields)
            }
            Self::Reused(reused) => of_reused(problem, reused),
            Self::StatusConflict { current: status, .. }
            | Self::NotOpen { status, .. }
            | Self::Refused { refusal: Refusal::NoSuchTransition { from: status, .. }, .. } => {
                ProblemDetails { request_status: Some(*status), ..problem.detail(self.to_string()) }
            }
            _ if matches!(kind, Kind::Internal) => problem,
            _ if matches!(kind, Kind::Unavailable) => {
                problem.detail("the service can't do this at the moment; try again later")
            }
            _ => problem.detail(self.to_string()),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(_) | Self::Refused { refusal: Refusal::NoteRequired(_), .. } => Kind::Invalid,
            Self::NotAllowed { .. }
            | Self::Refused { refusal: Refusal::NotAllowed(_) | Refusal::NotEditable { .. }, .. } => {
                Kind::NotAllowed
            }
            Self::NotFound { .. } => Kind::NotFound,
            Self::Reused(_) => Kind::Reused,
            Self::StatusConflict { .. } => Kind::StatusConflict,
            Self::AssignmentConflict { .. } => Kind::AssignmentConflict,
            Self::VersionConflict { .. } => Kind::VersionConflict,
            Self::Refused { refusal: Refusal::NoSuchTransition { .. }, .. } => Kind::NoSuchTransition,
            Self::NotOpen { .. } => Kind::NotOpen,
            Self::HasOpenRequests { .. } => Kind::HasOpenRequests,
            Self::Directory(_) => Kind::Unavailable,
            Self::ClockDiffers { .. } => Kind::Internal,
            Self::Repository(error) => match &error.kind {
                RepositoryErrorKind::NotFound => Kind::NotFound,
                RepositoryErrorKind::Conflict => Kind::Conflict,
                RepositoryErrorKind::Busy
                | RepositoryErrorKind::NotWritable
                | RepositoryErrorKind::Unavailable => Kind::Unavailable,
                RepositoryErrorKind::Aborted { code } if is_transient(code) => Kind::Unavailable,
                RepositoryErrorKind::Aborted { .. }
                | RepositoryErrorKind::Corrupt { .. }
                | RepositoryErrorKind::Unsupported
                | RepositoryErrorKind::Other => Kind::Internal,
            },
        }
    }
}

impl Invalid {
    /// The body that an API answers this error with, as [`Error::problem`].
    pub fn problem(&self) -> ProblemDetails {
        Kind::Invalid.problem().detail(self.to_string()).fields(self.fields.clone())
    }
}

impl From<Error> for ProblemDetails {
    fn from(error: Error) -> Self {
        error.problem()
    }
}

impl From<Invalid> for ProblemDetails {
    fn from(invalid: Invalid) -> Self {
        invalid.problem()
    }
}

/// An id that was used before. The caller learns which of their fields differ, and never what is stored;
/// where the id is somebody else's they learn only that it is taken.
fn of_reused(problem: ProblemDetails, reused: &Reused) -> ProblemDetails {
    const OWNERS: [&str; 3] = ["renter_id", "user_id", "request_id"];
    let Reused { what, id, differences } = reused;
    let problem = problem.detail(format!("{what} {id} exists with different content; use a new id"));
    if differences.iter().any(|difference| OWNERS.contains(&difference.field)) {
        return problem;
    }
    let differs = |field| FieldError {
        field: Cow::Borrowed(field),
        rule: "differs from what is stored under this id".into(),
    };
    problem.fields(differences.iter().map(|difference| differs(difference.field)).collect())
}

/// Whether a database's error with that code is worth a retry. PostgreSQL: rolled back by the server (class
/// 40), out of resources (53), a lock or a statement that took too long, shutting down (57). SQLite: busy or
/// locked.
fn is_transient(code: &str) -> bool {
    match code.parse::<u32>() {
        // SQLite's codes have the primary code in their lowest byte; PostgreSQL's have five characters.
        Ok(extended) if code.len() < 5 => matches!(extended & 0xFF, 5 | 6),
        _ => code == "55P03" || ["40", "53", "57"].iter().any(|class| code.starts_with(class)),
    }
}

#[cfg(feature = "axum")]
mod response {
    use axum_core::response::{IntoResponse, Response};

    use super::{Error, ProblemDetails};

    impl IntoResponse for ProblemDetails {
        /// The problem as `application/problem+json`. A 503 carries a `Retry-After` of a second.
        fn into_response(self) -> Response {
            // The fields are texts and numbers, which can always be written.
            let body = serde_json::to_vec(&self).unwrap_or_default();
            let mut response = ([("content-type", "application/problem+json")], body).into_response();
            if self.status == 503 {
                response = ([("retry-after", "1")], response).into_response();
            }
            // `ProblemDetails::new` takes any number, also one that is no HTTP status.
            if let Ok(status) = self.status.try_into().or_else(|_| 500_u16.try_into()) {
                *response.status_mut() = status;
            }
            response
        }
    }

    impl IntoResponse for Error {
        fn into_response(self) -> Response {
            self.problem().into_response()
        }
    }
}
