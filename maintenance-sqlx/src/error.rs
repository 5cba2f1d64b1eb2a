//! What a database's error means to a caller.

use std::fmt;

use maintenance_core::{RepositoryError, RepositoryErrorKind};
use sqlx::error::DatabaseError;

/// The error of a statement. If the database itself refused the statement, `kind` says what that means.
pub(crate) fn repository_error(
    error: sqlx::Error,
    kind: fn(&dyn DatabaseError) -> RepositoryErrorKind,
) -> RepositoryError {
    match error {
        sqlx::Error::Database(error) => RepositoryError::with_source(kind(&*error), Refusal::from(&*error)),
        // `Protocol` too: sqlx reports a connection that ends during the TLS handshake as that.
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => RepositoryError::with_source(RepositoryErrorKind::Unavailable, error),
        _ => RepositoryError::with_source(RepositoryErrorKind::Other, error),
    }
}

/// Why a guarded write of one row wrote nothing: the row has changed, or it doesn't exist.
pub(crate) fn conflict_or_not_found(exists: bool) -> RepositoryError {
    if exists { RepositoryErrorKind::Conflict } else { RepositoryErrorKind::NotFound }.into()
}

/// A database's error without the values of any row, which its `Debug` would quote.
#[derive(Debug)]
struct Refusal {
    code: Option<String>,
    constraint: Option<String>,
    message: Option<String>,
}

impl From<&dyn DatabaseError> for Refusal {
    fn from(error: &dyn DatabaseError) -> Self {
        let code = error.code().map(String::from);
        // PostgreSQL's class 22, data exceptions, quotes the value in its message.
        let quotes_value = code.as_deref().is_some_and(|code| code.len() == 5 && code.starts_with("22"));
        let message = (!quotes_value).then(|| error.message().to_owned());
        Self { code, constraint: error.constraint().map(str::to_owned), message }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the database refused the statement")?;
        if let Some(code) = &self.code {
            write!(f, " with code {code}")?;
        }
        if let Some(constraint) = &self.constraint {
            write!(f, " by constraint {constraint}")?;
        }
        self.message.as_ref().map_or(Ok(()), |message| write!(f, ": {message}"))
    }
}

impl std::error::Error for Refusal {}
