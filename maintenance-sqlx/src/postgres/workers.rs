//! Workers and the complexes they serve.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    AssignmentsOf, Candidate, ComplexAssignment, ComplexId, Inserted, Listing, RepositoryError,
    RepositoryErrorKind, Slice, Worker, WorkerFilter, WorkerId, WorkerRepository,
};
use sqlx::Postgres;
use tracing::instrument;

use super::{PgRepository, source::Connection};
use crate::{
    columns::{assignment_columns, worker_columns},
    decode, encode, lists,
};

/// `$1` the worker as a JSON row, here and below. One row is read by a function that returns one: of a set the planner
/// expects a hundred, for which it would read a whole table.
const ADD_WORKER: &str = concat!(
    "
    insert into maintenance_workers (",
    worker_columns!(named),
    ")
    select ",
    worker_columns!(of "w"),
    "
      from json_populate_record(null::maintenance_workers, $1::text::json) w
    on conflict (id) do nothing"
);

const WORKER: &str =
    concat!("select ", worker_columns!(of "w"), " from maintenance_workers w where w.id = $1");

/// `$2` the `updated_at` that the caller saw.
const SAVE_WORKER: &str = concat!(
    "
    update maintenance_workers o
       set (",
    worker_columns!(named),
    ") = (",
    worker_columns!(of "w"),
    ")
      from json_populate_record(null::maintenance_workers, $1::text::json) w
     where o.id = w.id and o.updated_at = $2"
);

const WORKER_EXISTS: &str = "select exists (select from maintenance_workers where id = $1)";

/// `$1` the assignment as a JSON row. The demotion comes first, since a complex has one primary worker at
/// every moment. It ends with a select, since a server that shards by schema doesn't distribute an insert that does.
const ASSIGN_COMPLEX: &str = concat!(
    "
    with input as (
        select ",
    assignment_columns!(of "i"),
    "
          from json_populate_record(null::complex_maintenance_assignments, $1::text::json) i
          join maintenance_workers w on w.id = i.worker_id
    ), demoted as (
        update complex_maintenance_assignments a
           set is_primary = false, updated_at = i.updated_at
          from input i
         where a.complex_id = i.complex_id and a.is_primary and a.worker_id <> i.worker_id and i.is_primary
        returning a.id
    ), assigned as (
        insert into complex_maintenance_assignments as a
               (",
    assignment_columns!(named),
    ")
        select ",
    assignment_columns!(of "i"),
    "
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

const UNASSIGN_COMPLEX: &str =
    "delete from complex_maintenance_assignments where worker_id = $1 and complex_id = $2";

const ASSIGNMENTS_OF_COMPLEX: &str = concat!(
    "select ",
    assignment_columns!(of "a"),
    " from complex_maintenance_assignments a where a.complex_id = $1 order by a.assigned_at, a.id"
);

const ASSIGNMENTS_OF_WORKER: &str = concat!(
    "select ",
    assignment_columns!(of "a"),
    " from complex_maintenance_assignments a where a.worker_id = $1 order by a.assigned_at, a.id"
);

/// The newest is asked for in the order of its index: `max` would go by the times alone.
macro_rules! candidates_sql {
    ($workers:literal, $complexes:literal) => {
        concat!(
            "
    select w.id, w.status, w.specialties, a.id, a.is_primary,
           (select count(*)::integer from maintenance_requests r
             where r.assigned_worker_id = w.id and r.status in ('pending', 'in_progress')),
           a.complex_id,
           (select r.created_at from maintenance_requests r where r.assigned_worker_id = w.id
             order by r.created_at desc nulls last, r.id desc nulls last limit 1)
      from complex_maintenance_assignments a ",
            $workers,
            " where a.complex_id ",
            $complexes
        )
    };
}

pub(super) const CANDIDATES: &str =
    candidates_sql!("join maintenance_workers w on w.id = a.worker_id", "= any($1)");

/// Of one complex, as for each submit: planned once, as one with a list is not, and its workers are looked up
/// (`offset 0` keeps the planner from reading all there are).
pub(super) const CANDIDATES_OF_ONE: &str = candidates_sql!(
    "cross join lateral (select w.id, w.status, w.specialties
                           from maintenance_workers w
                          where w.id = a.worker_id
                         offset 0) w",
    "= $1"
);

fn candidates(complexes: &[ComplexId]) -> Query {
    match complexes {
        [one] => sqlx::query(CANDIDATES_OF_ONE).bind(one.uuid()),
        several => {
            sqlx::query(CANDIDATES).bind(several.iter().map(|complex| complex.uuid()).collect::<Vec<_>>())
        }
    }
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

/// How often an assignment is tried that meets another of the same complex.
const MAX_TRIES: u32 = 20;

type Query = sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments>;

fn bind_worker(sql: &'static str, worker: &Worker) -> Query {
    sqlx::query(sql).bind(encode::worker(worker).to_string())
}

impl PgRepository<'_> {
    async fn assign_once(
        &self,
        assignment: &ComplexAssignment,
    ) -> Result<ComplexAssignment, RepositoryError> {
        let mut connection = self.source.connection().await?;
        let assign = sqlx::query(ASSIGN_COMPLEX).bind(encode::assignment(assignment).to_string());
        let row = connection.fetch_optional(assign).await?;
        decode::assignment(&row.ok_or(RepositoryErrorKind::NotFound)?)
    }
}

async fn read_worker(
    connection: &mut Connection<'_, '_>,
    worker: WorkerId,
) -> Result<Option<Worker>, RepositoryError> {
    let row = connection.fetch_optional(sqlx::query(WORKER).bind(worker.uuid())).await?;
    row.as_ref().map(decode::worker).transpose()
}

#[async_trait]
impl WorkerRepository for PgRepository<'_> {
    #[instrument(level = "debug", skip_all, fields(worker = %worker.id))]
    async fn add_worker(&self, worker: &Worker) -> Result<Inserted<Worker>, RepositoryError> {
        let mut connection = self.source.connection().await?;
        if connection.execute(bind_worker(ADD_WORKER, worker)).await? > 0 {
            return Ok(Inserted::New);
        }
        let stored = read_worker(&mut connection, worker.id).await?;
        Ok(Inserted::Existing(stored.ok_or(RepositoryErrorKind::Conflict)?))
    }

    #[instrument(level = "debug", skip_all, fields(worker = %id))]
    async fn worker(&self, id: WorkerId) -> Result<Option<Worker>, RepositoryError> {
        read_worker(&mut self.source.connection().await?, id).await
    }

    #[instrument(level = "debug", skip_all, fields(worker = %worker.id))]
    async fn save_worker(&self, worker: &Worker, seen: DateTime<Utc>) -> Result<(), RepositoryError> {
        let mut connection = self.source.connection().await?;
        let save = bind_worker(SAVE_WORKER, worker).bind(seen);
        if connection.execute(save).await? > 0 {
            return Ok(());
        }
        let exists: bool = connection.fetch_value(sqlx::query(WORKER_EXISTS).bind(worker.id.uuid())).await?;
        Err(if exists { RepositoryErrorKind::Conflict } else { RepositoryErrorKind::NotFound }.into())
    }

    #[instrument(level = "debug", skip_all)]
    async fn workers(&self, filter: &WorkerFilter, slice: Slice) -> Result<Listing<Worker>, RepositoryError> {
        let mut query = lists::workers::<Postgres>(filter, slice);
        let mut connection = self.source.connection().await?;
        let rows = connection.fetch_all(query.build()).await?;
        Ok(rows.iter().map(decode::worker).collect())
    }

    #[instrument(level = "debug", skip_all, fields(worker = %assignment.worker_id, complex = %assignment.complex_id))]
    async fn assign_complex(
        &self,
        assignment: &ComplexAssignment,
    ) -> Result<ComplexAssignment, RepositoryError> {
        // Two new primaries of one complex at once: the later one meets the unique index, and then wins. In the host's
        // transaction that is `Aborted`, and nothing runs after it.
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
        let mut connection = self.source.connection().await?;
        let unassign = sqlx::query(UNASSIGN_COMPLEX).bind(worker.uuid()).bind(complex.uuid());
        Ok(connection.execute(unassign).await? > 0)
    }

    #[instrument(level = "debug", skip_all, fields(?of))]
    async fn assignments(&self, of: AssignmentsOf) -> Result<Listing<ComplexAssignment>, RepositoryError> {
        let query = match of {
            AssignmentsOf::Complex(complex) => sqlx::query(ASSIGNMENTS_OF_COMPLEX).bind(complex.uuid()),
            AssignmentsOf::Worker(worker) => sqlx::query(ASSIGNMENTS_OF_WORKER).bind(worker.uuid()),
        };
        let mut connection = self.source.connection().await?;
        let rows = connection.fetch_all(query).await?;
        Ok(rows.iter().map(decode::assignment).collect())
    }

    #[instrument(level = "debug", skip_all, fields(complexes = complexes.len()))]
    async fn candidates(
        &self,
        complexes: &[ComplexId],
    ) -> Result<Listing<(ComplexId, Candidate)>, RepositoryError> {
        let mut connection = self.source.connection().await?;
        let rows = connection.fetch_all(candidates(complexes)).await?;
        Ok(rows.iter().map(decode::candidate).collect())
    }
}
