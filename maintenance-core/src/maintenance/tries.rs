//! Deciding again what met a change made meanwhile.

use crate::{
    maintenance::Error,
    ports::{RepositoryError, RepositoryErrorKind},
};

/// Counts how often a step was decided again.
#[derive(Default)]
pub(crate) struct Tries(u32);

impl Tries {
    const MOST: u32 = 8;

    /// Whether to decide again: the store said `Conflict`, and not too often yet. Not `Busy`: the store has waited
    /// for the lock already, and eight such waits would keep the caller for minutes.
    pub(crate) fn again(&mut self, error: &Error) -> bool {
        matches!(error, Error::Repository(error) if self.again_after(error))
    }

    /// The same for the store's own error.
    pub(crate) fn again_after(&mut self, error: &RepositoryError) -> bool {
        self.0 += 1;
        self.0 < Self::MOST && error.kind == RepositoryErrorKind::Conflict
    }
}
