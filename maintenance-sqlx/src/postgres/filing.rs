//! The statement that files requests.

use std::collections::{HashMap, HashSet};

use maintenance_core::{Filing, Inserted, RepositoryError, RepositoryErrorKind, Request};
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;

use super::source::{Connection, Query, Source, repository_error};
use crate::{
    columns::{assignment_history_columns, notification_columns, request_columns},
    decode, encode,
};

/// Files requests whose id is new and whose worker is active, with their messages and the rows of their
/// assignments. `$1` are the requests, `$2` the messages to their workers, `$3` the rows of the assignment
/// history, each as a JSON array.
///
/// The workers stay locked until the transaction ends: whoever sets a worker inactive waits, and then finds
/// the request among that worker's requests. Rows are inserted in the order of their ids, so that two batches
/// with the same ids can't deadlock.
const FILE: &str = concat!(
    "
    with new_message as (
        select ",
    notification_columns!(of "n"),
    "
          from json_populate_recordset(null::maintenance_notifications, $2::text::json) n
    ), active_worker as (
        select w.id
          from maintenance_workers w
         where w.id = any (array (select worker_id from new_message)) and w.status = 'active'
         order by w.id
           for share
    ), deliverable as (
        select m.id
          from new_message m
          join active_worker w on w.id = m.worker_id
    ), filed as (
        insert into maintenance_requests
               (",
    request_columns!(named),
    ", notification_id)
        select ",
    request_columns!(of "i"),
    ", i.notification_id
          from json_populate_recordset(null::maintenance_requests, $1::text::json) i
         where i.notification_id is null or i.notification_id in (select id from deliverable)
         order by i.id
        on conflict (id) do nothing
        returning id, notification_id
    ), assigned as (
        insert into maintenance_assignment_history
               (",
    assignment_history_columns!(named),
    ")
        select ",
    assignment_history_columns!(of "a"),
    "
          from json_populate_recordset(null::maintenance_assignment_history, $3::text::json) a
          join filed f on f.id = a.request_id
    ), filed_messages as (
        insert into maintenance_notifications
               (",
    notification_columns!(named),
    ")
        select ",
    notification_columns!(of "m"),
    "
          from filed f
          join new_message m on m.id = f.notification_id
    )
    select id from filed"
);

const REQUESTS: &str =
    concat!("select ", request_columns!(of "r"), " from maintenance_requests r where r.id = any ($1)");

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[FILE, REQUESTS];

type Answers = Vec<Result<Inserted<Request>, RepositoryError>>;

/// Files the requests, and reads those that were refused in a second statement.
pub(super) async fn file(source: &Source<'_>, filings: &[Filing]) -> Result<Answers, RepositoryError> {
    let mut connection = source.connection().await?;
    let rows = connection.fetch_all(bind(filings)).await?;
    let mut new = HashSet::with_capacity(rows.len());
    for row in &rows {
        new.insert(row.try_get::<Uuid, _>(0).map_err(repository_error)?);
    }
    let is_new = |filing: &Filing| new.contains(&filing.request.id.uuid());
    let refused: Vec<Uuid> =
        filings.iter().filter(|filing| !is_new(filing)).map(|filing| filing.request.id.uuid()).collect();
    // The others are filed, so an error of the second statement is the answer to the refused ones only.
    let stored = if refused.is_empty() { Ok(HashMap::new()) } else { read(&mut connection, refused).await };
    let answer = |filing: &Filing| {
        if is_new(filing) {
            return Ok(Inserted::New);
        }
        match &stored {
            // If the request isn't stored, its worker isn't active.
            Ok(stored) => match stored.get(&filing.request.id.uuid()) {
                Some(row) => decode::request(row).map(Inserted::Existing),
                None => Err(RepositoryErrorKind::Conflict.into()),
            },
            Err(error) => Err(error.kind.clone().into()),
        }
    };
    Ok(filings.iter().map(answer).collect())
}

async fn read(
    connection: &mut Connection<'_, '_>,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, PgRow>, RepositoryError> {
    let rows = connection.fetch_all(sqlx::query(REQUESTS).bind(ids)).await?;
    rows.into_iter().map(|row| Ok((row.try_get(0).map_err(repository_error)?, row))).collect()
}

fn bind(filings: &[Filing]) -> Query {
    let messages = filings.iter().filter_map(|filing| filing.notification.as_ref());
    let assignments = filings.iter().filter_map(|filing| filing.assignment.as_ref());
    sqlx::query(FILE)
        .bind(encode::rows(filings.iter().map(encode::filed_request)))
        .bind(encode::rows(messages.map(encode::notification)))
        .bind(encode::rows(assignments.map(encode::assignment_change)))
}
