//! The statement that imports requests.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use maintenance_core::{
    Inserted, OrganizationId, RepositoryError, RepositoryErrorKind, Request, RequestRecord,
};
use sqlx::{
    Arguments as _, Row as _,
    postgres::{PgArguments, PgRow},
};
use uuid::Uuid;

use super::{
    arrays::{self, Columns, unnest},
    numbers::{ADD_SLOTS, take_numbers_sql},
    source::{Query, Source, repository_error},
    texts::unindexed_sql,
};
use crate::{
    columns::{
        assignment_history_columns, attachment_columns, comment_columns, edit_columns, filed_columns,
        history_columns, request_columns,
    },
    decode,
    encode::{self, Row},
    row::Raw as _,
};

const REQUESTS: &Columns = request_columns!(list);
const HISTORY: &Columns = history_columns!(list);
const ASSIGNMENTS: &Columns = assignment_history_columns!(list);
const COMMENTS: &Columns = comment_columns!(list);
const ATTACHMENTS: &Columns = attachment_columns!(list);
const EDITS: &Columns = edit_columns!(list);

/// Imports requests of the organisation `$1` whose id is new, whose worker is the organisation's, and none of whose rows
/// has an id that is taken; each table's rows as an array per column. Rows are inserted in the order of the requests' ids,
/// so that two imports of the same requests can't deadlock. Each request gets a number of the organisation's. Each insert
/// returns something for the reason that `FILE` gives, and what it reads of the tables is materialized for the reason that
/// `follower` gives.
///
/// Answers with a row of null if the organisation has no slots of numbers yet; then nothing was imported.
static IMPORT: LazyLock<String> = LazyLock::new(|| {
    let mut others = 1;
    let mut relation = |name: &str, columns: &Columns| {
        let relation = unnest(name, columns, others);
        others += columns.len();
        format!("{name} as materialized (select * from {relation})")
    };
    let inputs = [
        relation("request", REQUESTS),
        relation("change", HISTORY),
        relation("assignment", ASSIGNMENTS),
        relation("comment", COMMENTS),
        relation("attachment", ATTACHMENTS),
        relation("edit", EDITS),
    ];
    format!(
        "
    with {inputs},
    known_worker as materialized (
        select w.id
          from maintenance_workers w
         where w.id = any (array (select assigned_worker_id from request)) and w.organization_id = $1
    ), {take_numbers}, taken_id as materialized (
        select i.request_id from change i join maintenance_status_history t on t.id = i.id
        union all
        select i.request_id from assignment i join maintenance_assignment_history t on t.id = i.id
        union all
        select i.request_id from comment i join maintenance_comments t on t.id = i.id
        union all
        select i.request_id from attachment i join maintenance_attachments t on t.id = i.id
        union all
        select i.request_id from edit i join maintenance_edits t on t.id = i.id
    ), imported as (
        insert into maintenance_requests ({request_columns}, number)
        select {request_columns}, t.first + 16 * (row_number() over (order by i.id) - 1)
          from request i
         cross join taken t
         where (i.assigned_worker_id is null or i.assigned_worker_id in (select id from known_worker))
           and i.id not in (select request_id from taken_id)
         order by i.id
        on conflict (id) do nothing
        returning id, organization_id
    ), texts as (
        {unindexed_requests}
    ), changed as (
        insert into maintenance_status_history ({history_columns})
        select {of_history}
          from change h
          join imported r on r.id = h.request_id
        returning 1
    ), assigned as (
        insert into maintenance_assignment_history ({assignment_columns})
        select {of_assignment}
          from assignment a
          join imported r on r.id = a.request_id
        returning 1
    ), commented as (
        insert into maintenance_comments ({comment_columns}, organization_id)
        select {of_comment}, r.organization_id
          from comment c
          join imported r on r.id = c.request_id
        returning id, request_id
    ), comment_texts as (
        {unindexed_comments}
    ), edited as (
        insert into maintenance_edits ({edit_columns})
        select {of_edit}
          from edit e
          join imported r on r.id = e.request_id
        returning 1
    ), attached as (
        insert into maintenance_attachments ({attachment_columns})
        select {of_attachment}
          from attachment f
          join imported r on r.id = f.request_id
        returning 1
    )
    select id from imported
    union all
    select null where not exists (select from taken)",
        inputs = inputs.join(",\n    "),
        request_columns = filed_columns!(named),
        take_numbers = take_numbers_sql!(organization: 1, count: "(select count(*)::integer from request)"),
        unindexed_requests = unindexed_sql!("select id, false, id from imported"),
        unindexed_comments = unindexed_sql!("select request_id, true, id from commented"),
        edit_columns = edit_columns!(named),
        of_edit = edit_columns!(of "e"),
        history_columns = history_columns!(named),
        of_history = history_columns!(of "h"),
        assignment_columns = assignment_history_columns!(named),
        of_assignment = assignment_history_columns!(of "a"),
        comment_columns = comment_columns!(named),
        of_comment = comment_columns!(of "c"),
        attachment_columns = attachment_columns!(named),
        of_attachment = attachment_columns!(of "f"),
    )
});

/// The requests `$2` of the organisation `$1` that are stored.
const STORED: &str = concat!(
    "select ",
    request_columns!(of "r"),
    " from maintenance_requests r where r.id = any ($2) and r.organization_id = $1"
);

/// Those of the workers `$2` that are of the organisation `$1`.
const WORKERS: &str = "select id from maintenance_workers where id = any ($2) and organization_id = $1";

#[cfg(test)]
pub(super) fn statements() -> [&'static str; 4] {
    [IMPORT.as_str(), ADD_SLOTS, STORED, WORKERS]
}

/// Imports the records, and asks why those were refused that it did not import.
pub(super) async fn import(
    source: &Source<'_>,
    organization: OrganizationId,
    records: &[RequestRecord],
) -> Result<Vec<Result<Inserted<Request>, RepositoryError>>, RepositoryError> {
    let import = bind(organization, records)?;
    let mut connection = source.connection().await?;
    let mut imported = connection.fetch_all(import).await?;
    if imported.first().is_some_and(|row| matches!(row.uuid(0), Ok(None))) {
        connection.execute(sqlx::query(ADD_SLOTS).bind(organization.uuid())).await?;
        imported = connection.fetch_all(bind(organization, records)?).await?;
    }
    let new = ids(&imported)?;
    let refused: Vec<&Request> = records
        .iter()
        .map(|record| &record.request)
        .filter(|request| !new.contains(&request.id.uuid()))
        .collect();
    let (mut stored, mut workers) = (HashMap::new(), HashSet::new());
    if !refused.is_empty() {
        let requests: Vec<Uuid> = refused.iter().map(|request| request.id.uuid()).collect();
        let read = sqlx::query(STORED).bind(organization.uuid()).bind(requests);
        for row in connection.fetch_all(read).await? {
            stored.insert(row.try_get::<Uuid, _>(0).map_err(repository_error)?, row);
        }
        let theirs: Vec<Uuid> =
            refused.iter().filter_map(|request| request.assigned_worker_id).map(Uuid::from).collect();
        let read = sqlx::query(WORKERS).bind(organization.uuid()).bind(theirs);
        workers = ids(&connection.fetch_all(read).await?)?;
    }
    let answer = |record: &RequestRecord| {
        let request = &record.request;
        if new.contains(&request.id.uuid()) {
            return Ok(Inserted::New);
        }
        match (stored.get(&request.id.uuid()), request.assigned_worker_id) {
            (Some(row), _) => decode::request(row).map(Inserted::Existing),
            (None, Some(worker)) if !workers.contains(&worker.uuid()) => {
                Err(RepositoryErrorKind::NotFound.into())
            }
            (None, _) => Err(RepositoryErrorKind::Conflict.into()),
        }
    };
    Ok(records.iter().map(answer).collect())
}

fn ids(rows: &[PgRow]) -> Result<HashSet<Uuid>, RepositoryError> {
    rows.iter().map(|row| row.try_get(0).map_err(repository_error)).collect()
}

fn bind(organization: OrganizationId, records: &[RequestRecord]) -> Result<Query, RepositoryError> {
    let requests = records.iter().map(|record| encode::request(&record.request)).collect();
    let history = records.iter().flat_map(|record| &record.history).map(encode::status_change).collect();
    let assignments =
        records.iter().flat_map(|record| &record.assignments).map(encode::assignment_change).collect();
    let comments = records.iter().flat_map(|record| &record.comments).map(encode::comment).collect();
    let attachments = records.iter().flat_map(|record| &record.attachments).map(encode::attachment).collect();
    let edits = records.iter().flat_map(|record| &record.edits).filter_map(encode::edited_field).collect();
    let tables: [(&Columns, Vec<Row<'_>>); 6] = [
        (REQUESTS, requests),
        (HISTORY, history),
        (ASSIGNMENTS, assignments),
        (COMMENTS, comments),
        (ATTACHMENTS, attachments),
        (EDITS, edits),
    ];
    let mut arguments = PgArguments::default();
    let encoded = |error| repository_error(sqlx::Error::Encode(error));
    arguments.add(organization.uuid()).map_err(encoded)?;
    for (columns, rows) in tables {
        arrays::add(&mut arguments, columns, &rows).map_err(encoded)?;
    }
    Ok(sqlx::query_with(IMPORT.as_str(), arguments))
}
