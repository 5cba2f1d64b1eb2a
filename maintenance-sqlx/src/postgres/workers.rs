//! Workers and the complexes they serve.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    AssignmentsOf, Candidate, CandidatesOf, ComplexAssignment, ComplexId, Inserted, Listing, OrganizationId,
    RepositoryError, RepositoryErrorKind, Slice, Worker, WorkerFilter, WorkerId, WorkerRepository,
};
use tracing::instrument;

use super::{PgRepository, source::Query};
use crate::{
    columns::{assignment_columns, worker_columns},
    decode, encode,
    error::conflict_or_not_found,
    lists,
};

/// `$1` is the worker as a JSON row, `$2` the organisation. The statement returns the id that it wrote, and does not begin
/// with `insert`: a server that shards by schema counts a row there even when the id is taken.
const ADD_WORKER: &str = concat!(
    "
    with added as (
        insert into maintenance_workers (",
    worker_columns!(named),
    ")
        select ",
    worker_columns!(of "w"),
    "
          from json_populate_record(null::maintenance_workers, $1::text::json) w
         where w.organization_id = $2
        on conflict (id) do nothing
        returning id
    )
    select id from added"
);

const WORKER: &str = concat!(
    "select ",
    worker_columns!(of "w"),
    " from maintenance_workers w where w.id = $1 and w.organization_id = $2"
);

/// `$1` is the worker as a JSON row, `$2` the `updated_at` that the caller saw, `$3` the
/// organisation.
const SAVE_WORKER: &str = concat!(
    "
    update maintenance_workers o
       set (",
    worker_columns!(named),
    ") = (",
    worker_columns!(of "w"),
    ")
      from json_populate_record(null::maintenance_workers, $1::text::json) w
     where o.id = w.id and o.updated_at = $2 and o.organization_id = $3 and w.organization_id = $3"
);

const WORKER_EXISTS: &str =
    "select exists (select from maintenance_workers where id = $1 and organization_id = $2)";

/// `$1` is the assignment as a JSON row, `$2` the organisation. The former primary is demoted first, since a complex
/// has at most one primary worker at every moment. The statement ends with a select, since a server that
/// shards by schema can't distribute one that ends with an insert from a CTE.
const ASSIGN_COMPLEX: &str = concat!(
    "
    with input as (
        select ",
    assignment_columns!(of "i"),
    "
          from json_populate_record(null::complex_maintenance_assignments, $1::text::json) i
          join maintenance_workers w on w.id = i.worker_id and w.organization_id = $2
    ), demoted as (
        update complex_maintenance_assignments a
           set is_primary = false, updated_at = i.updated_at
          from input i
         where a.organization_id = $2 and a.complex_id = i.complex_id and a.is_primary
           and a.worker_id <> i.worker_id and i.is_primary
        returning a.id
    ), assigned as (
        insert into complex_maintenance_assignments as a
               (",
    assignment_columns!(named),
    ", organization_id)
        select ",
    assignment_columns!(of "i"),
    ", $2
          from input i
         where (select count(*) from demoted) >= 0
        on conflict (worker_id, complex_id) do update
           set is_primary = excluded.is_primary, updated_at = excluded.updated_at
        returning ",
    assignment_columns!(of "a"),
    "
    )
    select ",
    assignment_columns!(of "a"),
    " from assigned a"
);

const UNASSIGN_COMPLEX: &str = "
    delete from complex_maintenance_assignments where worker_id = $1 and complex_id = $2 and organization_id = $3";

const ASSIGNMENTS_OF_COMPLEX: &str = concat!(
    "select ",
    assignment_columns!(of "a"),
    "
      from complex_maintenance_assignments a
     where a.complex_id = $1 and a.organization_id = $2
     order by a.assigned_at, a.id"
);

const ASSIGNMENTS_OF_WORKER: &str = concat!(
    "select ",
    assignment_columns!(of "a"),
    "
      from complex_maintenance_assignments a
     where a.worker_id = $1 and a.organization_id = $2
     order by a.assigned_at, a.id"
);

/// The load is counted for those alone who are active and have one of the trades asked for; no trades ask for any.
/// `offset 0` keeps that test from being made for each column that needs it. The newest request is read in the order of
/// its index. For `max`, the planner would scan `created_at`.
macro_rules! candidates_sql {
    ($trades:literal, $from:literal) => {
        concat!(
            "
    select c.id, c.status, c.specialties, c.assignment, c.is_primary,
           case when c.counts then
               (select count(*)::integer from maintenance_requests r
                 where r.assigned_worker_id = c.id and r.status in ('pending', 'in_progress'))
           else 0 end,
           c.complex_id,
           case when c.counts then
               (select r.created_at from maintenance_requests r where r.assigned_worker_id = c.id
                 order by r.created_at desc nulls last, r.id desc nulls last limit 1)
           end
      from (select w.id, w.status, w.specialties, a.id as assignment, a.is_primary, a.complex_id,
                   w.status = 'active' and (",
            $trades,
            " is null or w.specialties && ",
            $trades,
            ") as counts
              from ",
            $from,
            "
            offset 0) c"
        )
    };
}

/// `$1` are the complexes, `$2` the trades for each, joined by spaces; `$3` is the organisation.
pub(super) const CANDIDATES: &str = candidates_sql!(
    "string_to_array(k.trades, ' ')",
    "unnest($1::uuid[], $2::text[]) as k (complex_id, trades)
              join complex_maintenance_assignments a on a.complex_id = k.complex_id and a.organization_id = $3
              join maintenance_workers w on w.id = a.worker_id"
);

/// The candidates of one complex `$1` for the trades `$2` in the organisation `$3`, which each submit asks for. Unlike the
/// statement with a list of complexes, this one is planned only once. The inner `offset 0` makes the planner look up the
/// complex's workers; without it, it may read all workers.
pub(super) const CANDIDATES_OF_ONE: &str = candidates_sql!(
    "$2::text[]",
    "complex_maintenance_assignments a
             cross join lateral (select w.id, w.status, w.specialties
                                   from maintenance_workers w
                                  where w.id = a.worker_id
                                 offset 0) w
             where a.complex_id = $1 and a.organization_id = $3"
);

fn candidates(organization: OrganizationId, of: &[CandidatesOf]) -> Query {
    fn trades(of: &CandidatesOf) -> Option<Vec<String>> {
        let trades = of.trades.as_ref()?;
        Some(trades.iter().map(|trade| trade.as_str().to_owned()).collect())
    }
    let query = match of {
        [one] => sqlx::query(CANDIDATES_OF_ONE).bind(one.complex_id.uuid()).bind(trades(one)),
        several => {
            let complexes: Vec<_> = several.iter().map(|of| of.complex_id.uuid()).collect();
            // No trade has a space in it.
            let trades: Vec<_> = several.iter().map(|of| trades(of).map(|of| of.join(" "))).collect();
            sqlx::query(CANDIDATES).bind(complexes).bind(trades)
        }
    };
    query.bind(organization.uuid())
}

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    ADD_WORKER,
    WORKER,
    SAVE_WORKER,
    WORKER_EXISTS,
    ASSIGN_COMPLEX,
    UNASSIGN_COMPLEX,
    ASSIGNMENTS_OF_COMPLEX,
    ASSIGNMENTS_OF_WORKER,
    CANDIDATES,
    CANDIDATES_OF_ONE,
];

/// How often an assignment is tried while others of the same complex get in its way.
const MAX_TRIES: u32 = 20;

fn bind_worker(sql: &'static str, worker: &Worker) -> Query {
    sqlx::query(sql).bind(encode::row(&encode::worker(worker)))
}

impl PgRepository<'_> {
    async fn assign_once(
        &self,
        assignment: &ComplexAssignment,
    ) -> Result<ComplexAssignment, RepositoryError> {
        let assign = sqlx::query(ASSIGN_COMPLEX)
            .bind(encode::row(&encode::assignment(assignment)))
            .bind(self.organization.uuid());
        let assigned = self.source.connection().await?.read(assign, decode::assignment).await?;
        assigned.ok_or_else(|| RepositoryErrorKind::NotFound.into())
    }
}

#[async_trait]
impl WorkerRepository for PgRepository<'_> {
    #[instrument(level = "debug", skip_all, fields(worker = %worker.id))]
    async fn add_worker(&self, worker: &Worker) -> Result<Inserted<Worker>, RepositoryError> {
        let insert = bind_worker(ADD_WORKER, worker).bind(self.organization.uuid());
        let stored = sqlx::query(WORKER).bind(worker.id.uuid()).bind(self.organization.uuid());
        // If no worker is stored either, another transaction has just removed it, or this one can't see it
        // yet.
        let missing = RepositoryErrorKind::Conflict;
        self.source.connection().await?.insert_or_read(insert, stored, decode::worker, missing).await
    }

    #[instrument(level = "debug", skip_all, fields(worker = %id))]
    async fn worker(&self, id: WorkerId) -> Result<Option<Worker>, RepositoryError> {
        let query = sqlx::query(WORKER).bind(id.uuid()).bind(self.organization.uuid());
        self.source.connection().await?.read(query, decode::worker).await
    }

    #[instrument(level = "debug", skip_all, fields(worker = %worker.id))]
    async fn save_worker(&self, worker: &Worker, seen: DateTime<Utc>) -> Result<(), RepositoryError> {
        let mut connection = self.source.connection().await?;
        let save = bind_worker(SAVE_WORKER, worker).bind(seen).bind(self.organization.uuid());
        if connection.execute(save).await? > 0 {
            return Ok(());
        }
        let exists = sqlx::query(WORKER_EXISTS).bind(worker.id.uuid()).bind(self.organization.uuid());
        Err(conflict_or_not_found(connection.fetch_value(exists).await?))
    }

    #[instrument(level = "debug", skip_all)]
    async fn workers(&self, filter: &WorkerFilter, slice: Slice) -> Result<Listing<Worker>, RepositoryError> {
        self.source.list(lists::workers(self.organization, filter, slice).build(), decode::worker).await
    }

    #[instrument(level = "debug", skip_all, fields(worker = %assignment.worker_id, complex = %assignment.complex_id))]
    async fn assign_complex(
        &self,
        assignment: &ComplexAssignment,
    ) -> Result<ComplexAssignment, RepositoryError> {
        // When a complex gets two new primaries at once, the later one violates the unique index; tried
        // again, it succeeds. In the host's transaction the violation is `Aborted`, which isn't tried again.
        for _ in 1..MAX_TRIES {
            match self.assign_once(assignment).await {
                Err(error) if error.kind == RepositoryErrorKind::Conflict => {}
                done => return done,
            }
        }
        self.assign_once(assignment).await
    }

    #[instrument(level = "debug", skip_all, fields(%worker, %complex))]
    async fn unassign_complex(&self, worker: WorkerId, complex: ComplexId) -> Result<bool, RepositoryError> {
        let unassign = sqlx::query(UNASSIGN_COMPLEX)
            .bind(worker.uuid())
            .bind(complex.uuid())
            .bind(self.organization.uuid());
        Ok(self.source.connection().await?.execute(unassign).await? > 0)
    }

    #[instrument(level = "debug", skip_all, fields(?of))]
    async fn assignments(&self, of: AssignmentsOf) -> Result<Listing<ComplexAssignment>, RepositoryError> {
        let query = match of {
            AssignmentsOf::Complex(complex) => sqlx::query(ASSIGNMENTS_OF_COMPLEX).bind(complex.uuid()),
            AssignmentsOf::Worker(worker) => sqlx::query(ASSIGNMENTS_OF_WORKER).bind(worker.uuid()),
        };
        self.source.list(query.bind(self.organization.uuid()), decode::assignment).await
    }

    #[instrument(level = "debug", skip_all, fields(complexes = of.len()))]
    async fn candidates(
        &self,
        of: &[CandidatesOf],
    ) -> Result<Listing<(ComplexId, Candidate)>, RepositoryError> {
        self.source.list(candidates(self.organization, of), decode::candidate).await
    }
}
