//! The time limit of a step.

use std::{
    fmt,
    future::Future,
    time::{Duration, Instant},
};

use maintenance_core::{RepositoryError, RepositoryErrorKind};

/// How long a step over a pool may take unless the host says otherwise.
pub(crate) const DEFAULT: Duration = Duration::from_secs(30);

/// When a step must have ended.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    limit: Duration,
    begun: Instant,
}

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Self {
        Self { limit, begun: Instant::now() }
    }

    /// What the future yields, or an error of that kind at the deadline; the future is dropped then.
    pub(crate) async fn bound<F: Future>(
        &self,
        kind: RepositoryErrorKind,
        future: F,
    ) -> Result<F::Output, RepositoryError> {
        let left = self.limit.saturating_sub(self.begun.elapsed());
        // sqlx's own timer, since the host chooses sqlx's runtime.
        let done = sqlx::__rt::timeout(left, future).await;
        done.map_err(|_| RepositoryError::with_source(kind, TooLong(self.limit)))
    }
}

/// The step did not end in time.
#[derive(Debug)]
struct TooLong(Duration);

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the step did not end within its time limit of {:?}", self.0)
    }
}

impl std::error::Error for TooLong {}
