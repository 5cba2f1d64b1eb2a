//! The time limit of a repository's calls.

use std::{
    fmt,
    future::Future,
    time::{Duration, Instant},
};

use maintenance_core::{RepositoryError, RepositoryErrorKind};

/// How long a call over a pool may take unless the host says otherwise.
pub(crate) const DEFAULT: Duration = Duration::from_secs(30);

/// When a call must have ended.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    limit: Duration,
    begun: Instant,
}

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Self {
        Self { limit, begun: Instant::now() }
    }

    /// Returns what the future yields. At the deadline it drops the future and returns an error of that kind.
    pub(crate) async fn bound<F: Future>(
        &self,
        kind: RepositoryErrorKind,
        future: F,
    ) -> Result<F::Output, RepositoryError> {
        let left = self.limit.saturating_sub(self.begun.elapsed());
        // sqlx's own timer, since the host chooses sqlx's runtime.
        let done = sqlx::__rt::timeout(left, future).await;
        done.map_err(|_| RepositoryError::with_source(kind, TimedOut(self.limit)))
    }
}

#[derive(Debug)]
struct TimedOut(Duration);

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the call took longer than its time limit of {:?}", self.0)
    }
}

impl std::error::Error for TimedOut {}
