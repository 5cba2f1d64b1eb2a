//! Which workers serve which complex.

use tracing::instrument;

use super::Maintenance;
use crate::{
    maintenance::Error,
    model::ComplexAssignment,
    ports::{AssignmentsOf, Listing, Repository, RepositoryErrorKind},
    values::{AssignmentId, ComplexId, WorkerId},
};

impl<R: Repository> Maintenance<R> {
    /// Assigns a worker to a complex, or changes whether they are its primary worker. Making one primary makes the earlier
    /// primary an ordinary worker of the complex, in the same step. Idempotent.
    ///
    /// A call that the host trusts: it asks for no actor, so check yourself who may.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for an unknown worker, [`Error::Repository`] when the store fails.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, plumber: WorkerId, riverside: ComplexId) -> Result<(), Error> {
    /// let assignment = maintenance.assign_complex(plumber, riverside, true).await?;
    /// assert!(assignment.is_primary);
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, fields(%worker_id, %complex_id, is_primary), err(level = "debug"))]
    pub async fn assign_complex(
        &self,
        worker_id: WorkerId,
        complex_id: ComplexId,
        is_primary: bool,
    ) -> Result<ComplexAssignment, Error> {
        let now = self.shared.now();
        let id = AssignmentId::mint(&self.shared.ids);
        let assignment =
            ComplexAssignment { id, worker_id, complex_id, is_primary, assigned_at: now, updated_at: now };
        self.repository.assign_complex(&assignment).await.map_err(|error| match error.kind {
            RepositoryErrorKind::NotFound => Error::NotFound { what: "worker", id: worker_id.uuid() },
            _ => error.into(),
        })
    }

    /// Ends the assignment of a worker to a complex; whether there was one. Requests that are the worker's stay theirs. A
    /// call that the host trusts.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when the store fails.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, plumber: WorkerId, riverside: ComplexId) -> Result<(), Error> {
    /// if !maintenance.unassign_complex(plumber, riverside).await? {
    ///     println!("they did not serve it");
    /// }
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, fields(%worker_id, %complex_id), err(level = "debug"))]
    pub async fn unassign_complex(&self, worker_id: WorkerId, complex_id: ComplexId) -> Result<bool, Error> {
        Ok(self.repository.unassign_complex(worker_id, complex_id).await?)
    }

    /// The workers of a complex, or the complexes of a worker, oldest assignment first. A call that the host trusts.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when the store fails. A row that can't be read is in `corrupt` beside the others.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, riverside: ComplexId) -> Result<(), Error> {
    /// for assignment in maintenance.assignments(AssignmentsOf::Complex(riverside)).await?.items {
    ///     println!("{} primary: {}", assignment.worker_id, assignment.is_primary);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn assignments(&self, of: AssignmentsOf) -> Result<Listing<ComplexAssignment>, Error> {
        Ok(self.repository.assignments(of).await?)
    }
}
