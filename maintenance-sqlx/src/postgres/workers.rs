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
    decode, lists,
};

const ADD_WORKER: &str = "
    insert into maintenance_workers
           (id, first_name, last_name, phone_number, email, specialties, status, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (id) do nothing";

const WORKER: &str = concat!("select ", worker_columns!(), " from maintenance_workers w where w.id = $1");

const SAVE_WORKER: &str = "
    update maintenance_workers
       set first_name = $2, last_name = $3, phone_number = $4, email = $5, specialties = $6, status = $7,
           created_at = $8, updated_at = $9
     where id = $1 and updated_at = $10";

const WORKER_EXISTS: &str = "select exists (select from maintenance_workers where id = $1)";

/// The demotion comes first, since a complex has one primary worker at every moment.
const ASSIGN_COMPLEX: &str = "
    with demoted as (
        update complex_maintenance_assignments
           set is_primary = false, updated_at = $6
         where complex_id = $3 and is_primary and worker_id <> $2 and $4
           and exists (select from maintenance_workers where id = $2)
        returning id
    )
    insert into complex_maintenance_assignments as a
           (id, worker_id, complex_id, is_primary, assigned_at, updated_at)
    select $1::uuid, w.id, $3, $4, $5::timestamptz, $6
      from maintenance_workers w
     where w.id = $2 and (select count(*) from demoted) >= 0
    on conflict (worker_id, complex_id) do update
       set is_primary = excluded.is_primary, updated_at = excluded.updated_at
    returning a.id, a.worker_id, a.complex_id, a.is_primary, a.assigned_at, a.updated_at";

const UNASSIGN_COMPLEX: &str =
    "delete from complex_maintenance_assignments where worker_id = $1 and complex_id = $2";

const ASSIGNMENTS_OF_COMPLEX: &str = concat!(
    "select ",
    assignment_columns!(),
    " from complex_maintenance_assignments a where a.complex_id = $1 order by a.assigned_at, a.id"
);

const ASSIGNMENTS_OF_WORKER: &str = concat!(
    "select ",
    assignment_columns!(),
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
    let specialties: Vec<String> = worker.specialties.iter().map(|trade| trade.as_str().to_owned()).collect();
    sqlx::query(sql)
        .bind(worker.id.uuid())
        .bind(String::from(worker.first_name.clone()))
        .bind(String::from(worker.last_name.clone()))
        .bind(String::from(worker.phone_number.clone()))
        .bind(String::from(worker.email.clone()))
        .bind(specialties)
        .bind(worker.status.as_str())
        .bind(worker.created_at)
        .bind(worker.updated_at)
}

impl PgRepository<'_> {
    async fn assign_once(
        &self,
        assignment: &ComplexAssignment,
    ) -> Result<ComplexAssignment, RepositoryError> {
        let mut connection = self.source.connection().await?;
        let assign = sqlx::query(ASSIGN_COMPLEX)
            .bind(assignment.id.uuid())
            .bind(assignment.worker_id.uuid())
            .bind(assignment.complex_id.uuid())
            .bind(assignment.is_primary)
            .bind(assignment.assigned_at)
            .bind(assignment.updated_at);
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
