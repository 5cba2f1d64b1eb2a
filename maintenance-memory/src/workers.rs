//! Workers and the complexes they serve.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    AssignmentsOf, Candidate, CandidatesOf, ComplexAssignment, ComplexId, Inserted, Listing, Position,
    RepositoryError, RepositoryErrorKind, Slice, Worker, WorkerFilter, WorkerId, WorkerRepository,
};

use crate::{
    MemoryRepository,
    store::{Rows, insert, slice},
};

#[async_trait]
impl WorkerRepository for MemoryRepository<'_> {
    async fn add_worker(&self, worker: &Worker) -> Result<Inserted<Worker>, RepositoryError> {
        let mut rows = self.rows();
        let other = rows.workers.get(&worker.id).is_some_and(|stored| !self.sees(stored.organization_id));
        if other || !self.sees(worker.organization_id) {
            return Err(RepositoryErrorKind::Conflict.into());
        }
        Ok(insert(&mut rows.workers, worker.id, worker))
    }

    async fn worker(&self, id: WorkerId) -> Result<Option<Worker>, RepositoryError> {
        Ok(self.rows().workers.get(&id).filter(|worker| self.sees(worker.organization_id)).cloned())
    }

    async fn save_worker(&self, worker: &Worker, seen: DateTime<Utc>) -> Result<(), RepositoryError> {
        let mut rows = self.rows();
        let stored = rows.workers.get_mut(&worker.id).filter(|stored| self.sees(stored.organization_id));
        let stored = stored.ok_or(RepositoryErrorKind::NotFound)?;
        if stored.updated_at != seen {
            return Err(RepositoryErrorKind::Conflict.into());
        }
        *stored = worker.clone();
        Ok(())
    }

    async fn workers(&self, filter: &WorkerFilter, page: Slice) -> Result<Listing<Worker>, RepositoryError> {
        let rows = self.rows();
        let kept = rows.workers.values().filter(|worker| {
            self.sees(worker.organization_id)
                && filter.status.is_none_or(|status| worker.status == status)
                && filter.specialty.as_ref().is_none_or(|trade| worker.specialties.contains(trade))
                && filter
                    .complex_id
                    .is_none_or(|complex| rows.assignments.contains_key(&(complex, worker.id)))
        });
        let position = |worker: &Worker| Position::new(worker.created_at, worker.id.uuid());
        Ok(slice(kept.cloned(), position, |one, other| other.cmp(one), page))
    }

    async fn assign_complex(
        &self,
        assignment: &ComplexAssignment,
    ) -> Result<ComplexAssignment, RepositoryError> {
        let mut rows = self.rows();
        if !self.has_worker(&rows, assignment.worker_id) {
            return Err(RepositoryErrorKind::NotFound.into());
        }
        if assignment.is_primary {
            let Rows { assignments, workers, .. } = &mut *rows;
            let ours = |of: &ComplexAssignment| {
                workers.get(&of.worker_id).is_some_and(|worker| self.sees(worker.organization_id))
            };
            let others = assignments.values_mut().filter(|other| other.complex_id == assignment.complex_id);
            for other in others.filter(|other| other.is_primary && ours(other)) {
                other.is_primary = false;
                other.updated_at = assignment.updated_at;
            }
        }
        let key = (assignment.complex_id, assignment.worker_id);
        let stored = rows.assignments.entry(key).or_insert_with(|| assignment.clone());
        stored.is_primary = assignment.is_primary;
        stored.updated_at = assignment.updated_at;
        Ok(stored.clone())
    }

    async fn unassign_complex(&self, worker: WorkerId, complex: ComplexId) -> Result<bool, RepositoryError> {
        let mut rows = self.rows();
        Ok(self.has_worker(&rows, worker) && rows.assignments.remove(&(complex, worker)).is_some())
    }

    async fn assignments(&self, of: AssignmentsOf) -> Result<Listing<ComplexAssignment>, RepositoryError> {
        let rows = self.rows();
        let mut items: Vec<_> = rows
            .assignments
            .values()
            .filter(|assignment| match of {
                AssignmentsOf::Complex(complex) => assignment.complex_id == complex,
                AssignmentsOf::Worker(worker) => assignment.worker_id == worker,
            })
            .filter(|assignment| self.has_worker(&rows, assignment.worker_id))
            .cloned()
            .collect();
        items.sort_by_key(|assignment| (assignment.assigned_at, assignment.id));
        Ok(Listing { items, corrupt: Vec::new() })
    }

    async fn candidates(
        &self,
        of: &[CandidatesOf],
    ) -> Result<Listing<(ComplexId, Candidate)>, RepositoryError> {
        let rows = self.rows();
        let assignments = rows.assignments.values();
        let asked =
            |assignment: &&ComplexAssignment| of.iter().any(|of| of.complex_id == assignment.complex_id);
        let items = assignments.filter(asked).filter_map(|assignment| {
            let worker = rows.workers.get(&assignment.worker_id);
            let worker = worker.filter(|worker| self.sees(worker.organization_id))?;
            let theirs = || rows.requests.values().filter(|r| r.assigned_worker_id == Some(worker.id));
            let open = theirs().filter(|request| request.status.is_open()).count();
            let candidate = Candidate {
                worker_id: worker.id,
                status: worker.status,
                specialties: worker.specialties.clone(),
                is_primary: assignment.is_primary,
                open_requests: u32::try_from(open).unwrap_or(u32::MAX),
                last_assigned_at: theirs().map(|request| request.created_at).max(),
            };
            Some((assignment.complex_id, candidate))
        });
        Ok(Listing { items: items.collect(), corrupt: Vec::new() })
    }
}
