//! The script that imports requests.

use std::collections::{HashMap, HashSet};

use maintenance_core::{
    Inserted, OrganizationId, RepositoryError, RepositoryErrorKind, Request, RequestRecord,
};
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{
    convert::id,
    script::{Query, Script, script},
    source::{Source, repository_error},
};
use crate::{
    columns::{
        assignment_history_columns, attachment_columns, comment_columns, edit_columns, filed_columns,
        history_columns, request_columns,
    },
    decode, encode,
};

/// The requests of the organisation `$1` that are stored under the ids of `$2`, the requests to import as a JSON array.
const STORED: &str = concat!(
    "select ",
    request_columns!(of "r"),
    "
       from maintenance_requests r
      where r.id in (select value ->> 'id' from json_each($2)) and r.organization_id = $1"
);

/// The ids of those requests of `$2` whose worker isn't the organisation's (`$1`).
const WITHOUT_WORKER: &str = "
    select value ->> 'id'
      from json_each($2)
     where value ->> 'assigned_worker_id' is not null
       and not exists (select 1 from maintenance_workers w
                        where w.id = value ->> 'assigned_worker_id' and w.organization_id = $1)";

macro_rules! taken_sql {
    ($request:literal, $rows:literal, $table:literal) => {
        concat!(
            "select value ->> '",
            $request,
            "' from json_each(",
            $rows,
            ") where exists (select 1 from ",
            $table,
            " t where t.id = value ->> 'id')"
        )
    };
}

/// The ids of those requests that have an id, or a row with an id, that is stored. `$1` to `$6` are the rows of each
/// table as a JSON array.
const TAKEN: &str = concat!(
    taken_sql!("id", "$1", "maintenance_requests"),
    " union all ",
    taken_sql!("request_id", "$2", "maintenance_status_history"),
    " union all ",
    taken_sql!("request_id", "$3", "maintenance_assignment_history"),
    " union all ",
    taken_sql!("request_id", "$4", "maintenance_comments"),
    " union all ",
    taken_sql!("request_id", "$5", "maintenance_attachments"),
    " union all ",
    taken_sql!("request_id", "$6", "maintenance_edits"),
);

/// Inserts the rows of each table, `$1` to `$6`, of the organisation `$7`. Each request gets a number. An id that is taken
/// by now fails the whole.
const IMPORT: Script = script!(
    "
    insert into maintenance_numbers (organization_id, slot, next)
    values ($7, 0, 1 + json_array_length($1))
    on conflict (organization_id, slot) do update set next = next + json_array_length($1);

    insert into maintenance_requests (",
    filed_columns!(named),
    ", number)
    select ",
    filed_columns!(json "i.value"),
    ", n.next - json_array_length($1) + i.key
      from maintenance_numbers n, json_each($1) i
     where n.organization_id = $7 and n.slot = 0;

    insert into maintenance_texts (request_id)
    select value ->> 'id' from json_each($1);

    insert into maintenance_status_history (",
    history_columns!(named),
    ")
    select ",
    history_columns!(json "value"),
    " from json_each($2);

    insert into maintenance_assignment_history (",
    assignment_history_columns!(named),
    ")
    select ",
    assignment_history_columns!(json "value"),
    " from json_each($3);

    insert into maintenance_comments (",
    comment_columns!(named),
    ", organization_id)
    select ",
    comment_columns!(json "value"),
    ", $7 from json_each($4);

    insert into maintenance_texts (request_id, comment_id)
    select value ->> 'request_id', value ->> 'id' from json_each($4);

    insert into maintenance_edits (",
    edit_columns!(named),
    ")
    select ",
    edit_columns!(json "value"),
    " from json_each($6);

    insert into maintenance_attachments (",
    attachment_columns!(named),
    ")
    select ",
    attachment_columns!(json "value"),
    " from json_each($5)"
);

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[STORED, WITHOUT_WORKER, TAKEN, IMPORT.transaction, IMPORT.savepoint];

/// Imports the records. The reads before the write say which are refused, and why: a write can't, since its statements
/// would not know what the first of them wrote. Whoever writes some of the same ids in between makes the whole a `Conflict`.
pub(super) async fn import(
    source: &Source<'_>,
    organization: OrganizationId,
    records: &[RequestRecord],
) -> Result<Vec<Result<Inserted<Request>, RepositoryError>>, RepositoryError> {
    let [requests, history, assignments, comments, attachments, edits] = tables(records.iter());
    let read = sqlx::query(WITHOUT_WORKER).bind(id(organization)).bind(requests.clone());
    let without_worker = ids(&source.rows(read).await?)?;
    let read = sqlx::query(TAKEN).bind(requests.clone());
    let read = read.bind(history).bind(assignments).bind(comments).bind(attachments).bind(edits);
    let taken = ids(&source.rows(read).await?)?;
    // This is the last of the reads, so that a request which somebody else imports meanwhile is found as stored if it is
    // found as taken.
    let read = sqlx::query(STORED).bind(id(organization)).bind(requests);
    let mut stored = HashMap::new();
    for row in source.rows(read).await? {
        stored.insert(first(&row)?, row);
    }
    let refusal = |record: &RequestRecord| {
        let id = id(record.request.id);
        if without_worker.contains(&id) {
            Some(RepositoryErrorKind::NotFound)
        } else {
            taken.contains(&id).then_some(RepositoryErrorKind::Conflict)
        }
    };
    let is_stored = |record: &RequestRecord| stored.contains_key(&id(record.request.id));
    let new = || records.iter().filter(|record| !is_stored(record) && refusal(record).is_none());
    if new().next().is_some() {
        let bind = |query: Query| tables(new()).into_iter().fold(query, Query::bind).bind(id(organization));
        source.write(&IMPORT, bind).await?;
    }
    let answer = |record: &RequestRecord| match (stored.get(&id(record.request.id)), refusal(record)) {
        (Some(row), _) => decode::request(row).map(Inserted::Existing),
        (None, Some(refusal)) => Err(refusal.into()),
        (None, None) => Ok(Inserted::New),
    };
    Ok(records.iter().map(answer).collect())
}

/// The rows of each table as a JSON array.
fn tables<'r>(records: impl Iterator<Item = &'r RequestRecord> + Clone) -> [String; 6] {
    [
        encode::rows(records.clone().map(|record| encode::request(&record.request))),
        encode::rows(records.clone().flat_map(|record| &record.history).map(encode::status_change)),
        encode::rows(records.clone().flat_map(|record| &record.assignments).map(encode::assignment_change)),
        encode::rows(records.clone().flat_map(|record| &record.comments).map(encode::comment)),
        encode::rows(records.clone().flat_map(|record| &record.attachments).map(encode::attachment)),
        encode::rows(records.flat_map(|record| &record.edits).filter_map(encode::edited_field)),
    ]
}

fn first(row: &SqliteRow) -> Result<String, RepositoryError> {
    row.try_get(0).map_err(repository_error)
}

fn ids(rows: &[SqliteRow]) -> Result<HashSet<String>, RepositoryError> {
    rows.iter().map(first).collect()
}
