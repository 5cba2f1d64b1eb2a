//! Workers and the complexes they serve.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    AssignmentsOf, Candidate, CandidatesOf, ComplexAssignment, ComplexId, Inserted, Listing, RepositoryError,
    RepositoryErrorKind, Slice, Worker, WorkerFilter, WorkerId, WorkerRepository,
};
use serde_json::{Value, json};
use tracing::instrument;

use super::{
    SqliteRepository,
    convert::{self, JsonRow, id, time},
    script::{Query, Script, script},
    source::repository_error,
};
use crate::{
    columns::{assignment_columns, worker_columns},
    decode, encode,
    error::conflict_or_not_found,
    lists,
};

/// `$1` is the worker as a JSON array of one row, `$2` the organisation.
const ADD_WORKER: &str = concat!(
    "
    insert into maintenance_workers (",
    worker_columns!(named),
    ")
    select ",
    worker_columns!(json "value"),
    "
      from json_each($1)
     where value ->> 'organization_id' = $2
    on conflict (id) do nothing"
);

const WORKER: &str = concat!(
    "select ",
    worker_columns!(of "w"),
    " from maintenance_workers w where w.id = $1 and w.organization_id = $2"
);

/// `$1` is the worker as a JSON array of one row, `$2` the `updated_at` that the caller saw, `$3` the
/// organisation.
const SAVE_WORKER: &str = concat!(
    "
    update maintenance_workers as o
       set (",
    worker_columns!(named),
    ") = (select ",
    worker_columns!(json "value"),
    " from json_each($1))
     where o.id = (select value ->> 'id' from json_each($1) where value ->> 'organization_id' = $3)
       and o.updated_at = $2 and o.organization_id = $3"
);

const WORKER_EXISTS: &str =
    "select exists (select 1 from maintenance_workers where id = $1 and organization_id = $2)";

/// `$1` is the assignment as a JSON array of one row, `$2` the organisation. The former primary is demoted first, since a complex
/// has at most one primary worker at every moment.
const ASSIGN_COMPLEX: Script = script!(
    "
    update complex_maintenance_assignments as a
       set is_primary = 0, updated_at = value ->> 'updated_at'
      from json_each($1)
     where a.organization_id = $2 and a.complex_id = value ->> 'complex_id' and a.is_primary = 1
       and a.worker_id <> value ->> 'worker_id'
       and value ->> 'is_primary' = 1
       and exists (select 1 from maintenance_workers
                    where id = value ->> 'worker_id' and organization_id = $2);

    insert into complex_maintenance_assignments
           (",
    assignment_columns!(named),
    ", organization_id)
    select ",
    assignment_columns!(json "value"),
    ", $2
      from json_each($1)
     where exists (select 1 from maintenance_workers
                    where id = value ->> 'worker_id' and organization_id = $2)
    on conflict (worker_id, complex_id) do update
       set is_primary = excluded.is_primary, updated_at = excluded.updated_at
    returning ",
    assignment_columns!(named)
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

/// All candidates as one JSON text: each row of a result would wake the caller's thread. `$1` are the complexes, each
/// with its trades or null; `$2` is the organisation.
///
/// The load is counted for those alone who are active and have one of the trades. Whoever's trades can't be read is
/// reported anyway. `limit -1` keeps that test from being made for each column that needs it.
const CANDIDATES: &str = "
    select json_group_array(json_array(
               c.id, c.status, c.specialties, c.assignment, c.is_primary,
               case when c.counts then
                   (select count(*) from maintenance_requests r
                     where r.assigned_worker_id = c.id and r.status in ('pending', 'in_progress'))
               else 0 end,
               c.complex_id,
               case when c.counts then
                   (select max(r.created_at) from maintenance_requests r where r.assigned_worker_id = c.id)
               end))
      from (select w.id, w.status, w.specialties, a.id as assignment, a.is_primary, a.complex_id,
                   w.status = 'active' and case
                       when k.value ->> 1 is null then 1
                       when json_valid(w.specialties) then
                           exists (select 1 from json_each(w.specialties) h
                                    where h.value in (select t.value from json_each(k.value ->> 1) t))
                   end as counts
              from json_each($1) k
              join complex_maintenance_assignments a on a.complex_id = k.value ->> 0 and a.organization_id = $2
              join maintenance_workers w on w.id = a.worker_id
             limit -1) c";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    ADD_WORKER,
    WORKER,
    SAVE_WORKER,
    WORKER_EXISTS,
    ASSIGN_COMPLEX.transaction,
    ASSIGN_COMPLEX.savepoint,
    UNASSIGN_COMPLEX,
    ASSIGNMENTS_OF_COMPLEX,
    ASSIGNMENTS_OF_WORKER,
    CANDIDATES,
];

fn bind_worker(sql: &'static str, worker: &Worker) -> Query {
    sqlx::query(sql).bind(encode::rows([encode::worker(worker)]))
}

#[async_trait]
impl WorkerRepository for SqliteRepository<'_> {
    #[instrument(level = "debug", skip_all, fields(worker = %worker.id))]
    async fn add_worker(&self, worker: &Worker) -> Result<Inserted<Worker>, RepositoryError> {
        let insert = bind_worker(ADD_WORKER, worker).bind(id(self.organization));
        let stored = sqlx::query(WORKER).bind(id(worker.id)).bind(id(self.organization));
        // If no worker is stored either, another transaction has just removed it, or this one can't see it
        // yet.
        let missing = RepositoryErrorKind::Conflict;
        self.source.insert_or_read(insert, stored, decode::worker, missing).await
    }

    #[instrument(level = "debug", skip_all, fields(worker = %id))]
    async fn worker(&self, id: WorkerId) -> Result<Option<Worker>, RepositoryError> {
        let query = sqlx::query(WORKER).bind(convert::id(id)).bind(convert::id(self.organization));
        self.source.read(query, decode::worker).await
    }

    #[instrument(level = "debug", skip_all, fields(worker = %worker.id))]
    async fn save_worker(&self, worker: &Worker, seen: DateTime<Utc>) -> Result<(), RepositoryError> {
        if self
            .source
            .execute(bind_worker(SAVE_WORKER, worker).bind(time(seen)).bind(id(self.organization)))
            .await?
            > 0
        {
            return Ok(());
        }
        let exists = sqlx::query(WORKER_EXISTS).bind(id(worker.id)).bind(id(self.organization));
        Err(conflict_or_not_found(self.source.read_value(exists).await?))
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
        let row = encode::rows([encode::assignment(assignment)]);
        let assign = |query: Query| query.bind(row).bind(id(self.organization));
        let rows = self.source.write(&ASSIGN_COMPLEX, assign).await?;
        rows.first().map(decode::assignment).ok_or(RepositoryErrorKind::NotFound)?
    }

    #[instrument(level = "debug", skip_all, fields(%worker, %complex))]
    async fn unassign_complex(&self, worker: WorkerId, complex: ComplexId) -> Result<bool, RepositoryError> {
        let unassign =
            sqlx::query(UNASSIGN_COMPLEX).bind(id(worker)).bind(id(complex)).bind(id(self.organization));
        Ok(self.source.execute(unassign).await? > 0)
    }

    #[instrument(level = "debug", skip_all, fields(?of))]
    async fn assignments(&self, of: AssignmentsOf) -> Result<Listing<ComplexAssignment>, RepositoryError> {
        let query = match of {
            AssignmentsOf::Complex(complex) => sqlx::query(ASSIGNMENTS_OF_COMPLEX).bind(id(complex)),
            AssignmentsOf::Worker(worker) => sqlx::query(ASSIGNMENTS_OF_WORKER).bind(id(worker)),
        };
        self.source.list(query.bind(id(self.organization)), decode::assignment).await
    }

    #[instrument(level = "debug", skip_all, fields(complexes = of.len()))]
    async fn candidates(
        &self,
        of: &[CandidatesOf],
    ) -> Result<Listing<(ComplexId, Candidate)>, RepositoryError> {
        let of: Value = of.iter().map(|of| json!([id(of.complex_id), of.trades])).collect();
        let query = sqlx::query(CANDIDATES).bind(of.to_string()).bind(id(self.organization));
        let rows: String = self.source.read_value(query).await?;
        let rows: Vec<JsonRow> = serde_json::from_str(&rows)
            .map_err(|error| repository_error(sqlx::Error::Decode(error.into())))?;
        Ok(rows.iter().map(decode::candidate).collect())
    }
}
