//! Work that goes on when its caller hangs up.

use tracing::Instrument as _;

use super::problem::Problem;

/// Does the work in a task of its own, so that a caller who hangs up doesn't cancel it: sqlx may leave a transaction
/// open on a pooled connection when `begin` is dropped half-way.
pub(super) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work.in_current_span()).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a transaction panicked or was cancelled");
        Err(Problem::internal())
    })
}
