//! What a store's error means to a caller.

use std::{fmt, sync::Arc};

/// Any error, boxed.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A store's error. Callers decide by `kind`.
#[derive(Debug, Clone, thiserror::Error)]
pub struct RepositoryError {
    /// What kind of error.
    pub kind: RepositoryErrorKind,
    /// The store's own error.
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// What a caller can do about a store's error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RepositoryErrorKind {
    /// The row that the step builds on isn't there.
    NotFound,
    /// The row changed since it was read, or the step's guard no longer holds: read and decide again. The use cases
    /// do so a few times before they return this.
    Conflict,
    /// Somebody else held a lock longer than the store waits for one, or the database's own time limit ended the
    /// statement. Nothing was written. The store has waited already, so leave some time before you try again.
    Busy,
    /// The database can be reached and takes no writes: it is read-only (a replica, or a former primary after a
    /// failover) or its disk is full. Nothing was written. It needs a person or a failover, so trying again soon
    /// does not help.
    NotWritable,
    /// The database refused a statement and with it ended the host's transaction that the step ran in: roll it back,
    /// and begin anew if the code is one that passes (PostgreSQL: `40001`, `40P01`). Never returned over a pool.
    Aborted {
        /// The database's own code: PostgreSQL's SQLSTATE, or SQLite's extended result code.
        code: String,
    },
    /// A stored row breaks the schema's rules: somebody must mend it.
    Corrupt {
        /// Its table.
        table: &'static str,
        /// The column that can't be read.
        column: &'static str,
        /// The row's id.
        row: String,
    },
    /// The store can't be reached or did not answer within the time limit; a write that was under way may or may not
    /// have been made.
    Unavailable,
    /// The store doesn't know how to write that: it is older than the engine.
    Unsupported,
    /// Anything else.
    Other,
}

impl RepositoryErrorKind {
    /// Whether it is about the store or its transaction, and so about none of the rows of a step in particular.
    pub(crate) fn is_about_the_store(&self) -> bool {
        matches!(self, Self::Busy | Self::NotWritable | Self::Aborted { .. } | Self::Unavailable)
    }
}

impl RepositoryError {
    /// An error of that kind without a source.
    pub fn new(kind: RepositoryErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// An error of that kind with the store's own error.
    pub fn with_source(kind: RepositoryErrorKind, source: impl Into<BoxError>) -> Self {
        let source: BoxError = source.into();
        Self { kind, source: Some(source.into()) }
    }

    /// A row whose column can't be read.
    pub fn corrupt(
        table: &'static str,
        column: &'static str,
        row: impl fmt::Display,
        source: impl Into<BoxError>,
    ) -> Self {
        Self::with_source(RepositoryErrorKind::Corrupt { table, column, row: row.to_string() }, source)
    }
}

impl From<RepositoryErrorKind> for RepositoryError {
    fn from(kind: RepositoryErrorKind) -> Self {
        Self::new(kind)
    }
}

impl fmt::Display for RepositoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            RepositoryErrorKind::NotFound => f.write_str("the row was not found"),
            RepositoryErrorKind::Conflict => f.write_str("the row was changed by someone else"),
            RepositoryErrorKind::Busy => f.write_str("the store is busy"),
            RepositoryErrorKind::NotWritable => f.write_str("the store takes no writes"),
            RepositoryErrorKind::Aborted { code } => {
                write!(f, "the database ended the host's transaction with code {code}; roll it back")
            }
            RepositoryErrorKind::Corrupt { table, column, row } => {
                write!(f, "{table}.{column} of row {row} can't be read")
            }
            RepositoryErrorKind::Unavailable => {
                f.write_str("the store can't be reached or did not answer in time")
            }
            RepositoryErrorKind::Unsupported => f.write_str("the store doesn't support this write"),
            RepositoryErrorKind::Other => f.write_str("the store failed"),
        }
    }
}
