//! The statement that files requests.

use std::{collections::HashMap, sync::LazyLock};

use maintenance_core::{Filed, Filing, OrganizationId, RepositoryError, RepositoryErrorKind, RequestNumber};
use sqlx::{
    Row as _,
    postgres::{PgArguments, PgRow},
};
use uuid::Uuid;

use super::{
    arrays::{self, Columns, unnest},
    events::follower_sql,
    numbers::{ADD_SLOTS, take_numbers_sql},
    source::{Connection, Query, Source, repository_error},
    texts::unindexed_sql,
};
use crate::{
    columns::{
        assignment_history_columns, events_end_sql, filed_columns, insert_events_sql, notification_columns,
        request_columns,
    },
    decode, encode,
};

const REQUEST_COLUMNS: &Columns = filed_columns!(list with notification_id: uuid);
const MESSAGE_COLUMNS: &Columns = notification_columns!(list);
const ASSIGNMENT_COLUMNS: &Columns = assignment_history_columns!(list);

/// The place of the organisation among the parameters.
const ORGANIZATION: usize = REQUEST_COLUMNS.len() + MESSAGE_COLUMNS.len() + ASSIGNMENT_COLUMNS.len() + 1;

/// Files requests of the organisation `$organization` whose id is new and whose worker is active, with their messages, the
/// news for their renters among them, and the rows of their assignments, each as an array per column.
///
/// The workers stay locked until the transaction ends: whoever sets a worker inactive waits, and then finds
/// the request among that worker's requests. Rows are inserted in the order of their ids, so that two batches
/// with the same ids can't deadlock.
///
/// Each insert returns something or says what to do on a conflict: otherwise a server that shards by schema copies the rows,
/// and a refused one is an error without its code. What it returns is no column: under row-level security a row of which a
/// column is returned must be seen, and the request by which it would be is not seen yet.
///
/// Answers with a row of nulls if the organisation has no slots of numbers yet; then nothing was filed.
static FILE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "
    with new_message as materialized (
        select * from {messages}
    ), active_worker as (
        select w.id
          from maintenance_workers w
         where w.id = any (array (select worker_id from new_message)) and w.status = 'active'
           and w.organization_id = ${organization}
         order by w.id
           for share
    ), deliverable as (
        select m.id
          from new_message m
          join active_worker w on w.id = m.worker_id
    ), {take_numbers}, filed as (
        insert into maintenance_requests ({request_columns}, notification_id, number)
        select {request_columns}, i.notification_id,
               t.first + 16 * (row_number() over (order by i.id) - 1)
          from {requests}
         cross join taken t
         where i.organization_id = ${organization}
           and (i.notification_id is null or i.notification_id in (select id from deliverable))
         order by i.id
        on conflict (id) do nothing
        returning id, organization_id, number, notification_id, created_at
    ), texts as (
        {unindexed}
    ), assigned as (
        insert into maintenance_assignment_history ({assignment_columns})
        select {of_assignment}
          from {assignments}
          join filed f on f.id = a.request_id
        returning 1
    ), filed_messages as (
        insert into maintenance_notifications ({message_columns})
        select {of_message}
          from filed f
          join new_message m on m.request_id = f.id
        returning 1
    ), {follower}, happened as (
        {insert_events}
               (select id as about, 'filed' as kind, organization_id, id as request_id, created_at as at from filed
                 union all
                select a.id, 'assigned', f.organization_id, f.id, a.changed_at
                  from {assignments}
                  join filed f on f.id = a.request_id){events_end}
    )
    select id, number from filed
    union all
    select null, null where not exists (select from taken)",
        requests = unnest("i", REQUEST_COLUMNS, 0),
        messages = unnest("n", MESSAGE_COLUMNS, REQUEST_COLUMNS.len()),
        assignments = unnest("a", ASSIGNMENT_COLUMNS, REQUEST_COLUMNS.len() + MESSAGE_COLUMNS.len()),
        take_numbers = take_numbers_sql!(organization: ORGANIZATION, count: "cardinality($1::uuid[])"),
        unindexed = unindexed_sql!("select id, false, id from filed"),
        organization = ORGANIZATION,
        request_columns = filed_columns!(named),
        assignment_columns = assignment_history_columns!(named),
        message_columns = notification_columns!(named),
        of_assignment = assignment_history_columns!(of "a"),
        of_message = notification_columns!(of "m"),
        insert_events = insert_events_sql!(),
        follower = follower_sql!(),
        events_end = events_end_sql!("follower"),
    )
});

const REQUESTS: &str = concat!(
    "select ",
    request_columns!(of "r"),
    " from maintenance_requests r where r.id = any ($1) and r.organization_id = $2"
);

#[cfg(test)]
pub(super) fn statements() -> [&'static str; 3] {
    [FILE.as_str(), ADD_SLOTS, REQUESTS]
}

type Answers = Vec<Result<Filed, RepositoryError>>;

/// Files the requests, and reads those that were refused in a second statement.
pub(super) async fn file(
    source: &Source<'_>,
    organization: OrganizationId,
    filings: &[Filing],
) -> Result<Answers, RepositoryError> {
    let file = bind(organization, filings)?;
    let mut connection = source.connection().await?;
    let mut new = filed(&connection.fetch_all(file).await?)?;
    if new.is_none() {
        connection.execute(sqlx::query(ADD_SLOTS).bind(organization.uuid())).await?;
        new = filed(&connection.fetch_all(bind(organization, filings)?).await?)?;
    }
    let new = new.unwrap_or_default();
    let number = |filing: &Filing| new.get(&filing.request.id.uuid()).copied();
    let refused = filings.iter().filter(|filing| number(filing).is_none());
    let refused: Vec<Uuid> = refused.map(|filing| filing.request.id.uuid()).collect();
    // The others are filed, so an error of the second statement is the answer to the refused ones only.
    let stored = if refused.is_empty() {
        Ok(HashMap::new())
    } else {
        read(&mut connection, organization, refused).await
    };
    let answer = |filing: &Filing| {
        if let Some(number) = number(filing) {
            return Ok(Filed::New(number));
        }
        match &stored {
            // If the organisation has no such request, its worker isn't active, or the id is another organisation's.
            Ok(stored) => match stored.get(&filing.request.id.uuid()) {
                Some(row) => decode::request(row).map(Filed::Existing),
                None => Err(RepositoryErrorKind::Conflict.into()),
            },
            Err(error) => Err(error.kind.clone().into()),
        }
    };
    Ok(filings.iter().map(answer).collect())
}

/// The new requests with their numbers; `None` if there were no slots.
fn filed(rows: &[PgRow]) -> Result<Option<HashMap<Uuid, RequestNumber>>, RepositoryError> {
    let read = |row: &PgRow| -> sqlx::Result<Option<(Uuid, RequestNumber)>> {
        let (id, number): (Option<Uuid>, Option<i32>) = (row.try_get(0)?, row.try_get(1)?);
        Ok(id.zip(number.map(|number| RequestNumber::new(number.unsigned_abs()))))
    };
    rows.iter().map(read).collect::<sqlx::Result<_>>().map_err(repository_error)
}

async fn read(
    connection: &mut Connection<'_, '_>,
    organization: OrganizationId,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, PgRow>, RepositoryError> {
    let rows = connection.fetch_all(sqlx::query(REQUESTS).bind(ids).bind(organization.uuid())).await?;
    rows.into_iter().map(|row| Ok((row.try_get(0).map_err(repository_error)?, row))).collect()
}

fn bind(organization: OrganizationId, filings: &[Filing]) -> Result<Query, RepositoryError> {
    let requests: Vec<_> = filings.iter().map(encode::filed_request).collect();
    let messages = filings.iter().flat_map(|filing| filing.notification.iter().chain(&filing.news));
    let messages: Vec<_> = messages.map(encode::notification).collect();
    let assignments: Vec<_> =
        filings.iter().filter_map(|f| f.assignment.as_ref()).map(encode::assignment_change).collect();
    let mut arguments = PgArguments::default();
    for (columns, rows) in
        [(REQUEST_COLUMNS, requests), (MESSAGE_COLUMNS, messages), (ASSIGNMENT_COLUMNS, assignments)]
    {
        arrays::add(&mut arguments, columns, &rows)
            .map_err(|error| repository_error(sqlx::Error::Encode(error)))?;
    }
    Ok(sqlx::query_with(FILE.as_str(), arguments).bind(organization.uuid()))
}
