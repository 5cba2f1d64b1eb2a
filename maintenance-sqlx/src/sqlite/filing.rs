//! The script that files requests.

use std::collections::HashMap;

use maintenance_core::{Filed, Filing, OrganizationId, RepositoryError, RepositoryErrorKind, RequestNumber};
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{
    convert::id,
    script::{Query, Script, script},
    source::{Source, repository_error},
};
use crate::{
    columns::{
        assignment_history_columns, events_end_sql, filed_columns, insert_events_sql, notification_columns,
        request_columns,
    },
    decode, encode,
};

/// Reads the requests that are stored, files those that aren't and whose worker is active, and then writes
/// their messages and the rows of their assignments. `$1` are the requests, `$2` the messages to their
/// workers and renters, `$3` the rows of the assignment history, each as a JSON array; `$4` is the organisation.
///
/// A message is skipped if it is stored for the same request: its filing is repeated. A request that was filed now has
/// the time of its filing.
const FILE: Script = script!(
    "
    select ",
    request_columns!(of "r"),
    "
      from maintenance_requests r
     where r.id in (select value ->> 'id' from json_each($1)) and r.organization_id = $4;

    insert into maintenance_numbers (organization_id, slot, next)
    values ($4, 0, 1 + json_array_length($1))
    on conflict (organization_id, slot) do update set next = next + json_array_length($1);

    insert into maintenance_requests
           (",
    filed_columns!(named),
    ", notification_id, number)
    select ",
    filed_columns!(json "i.value"),
    ", i.value ->> 'notification_id', n.next - json_array_length($1) + i.key
      from maintenance_numbers n, json_each($1) i
     where n.organization_id = $4 and n.slot = 0 and i.value ->> 'organization_id' = $4
       and (i.value ->> 'notification_id' is null
            or i.value ->> 'notification_id' in (
               select m.value ->> 'id'
                 from json_each($2) m
                 join maintenance_workers w on w.id = m.value ->> 'worker_id' and w.status = 'active'
                      and w.organization_id = $4))
    on conflict (id) do nothing
    returning id, number;

    insert into maintenance_texts (request_id)
    select i.value ->> 'id'
      from json_each($1) i
     where exists (select 1 from maintenance_requests r where r.id = i.value ->> 'id')
       and not exists (select 1 from maintenance_texts t where t.request_id = i.value ->> 'id');

    insert into maintenance_assignment_history
           (",
    assignment_history_columns!(named),
    ")
    select ",
    assignment_history_columns!(json "a.value"),
    "
      from json_each($3) a
      join maintenance_requests r on r.id = a.value ->> 'request_id'
     where r.notification_id in (select m.value ->> 'id' from json_each($2) m)
       and not exists (select 1 from maintenance_assignment_history h
                        where h.id = a.value ->> 'id' and h.request_id = r.id);

    insert into maintenance_notifications
           (",
    notification_columns!(named),
    ")
    select ",
    notification_columns!(json "m.value"),
    "
      from json_each($2) m
      join maintenance_requests r on r.id = m.value ->> 'request_id' and r.organization_id = $4
           and (r.notification_id = m.value ->> 'id'
                or m.value ->> 'kind' = 'news' and r.created_at = m.value ->> 'created_at')
     where not exists (select 1 from maintenance_notifications n
                        where n.id = m.value ->> 'id' and n.request_id = r.id);

    ",
    insert_events_sql!(),
    "(select r.id as about, 'filed' as kind, r.organization_id, r.id as request_id, r.created_at as at
            from json_each($1) i
            join maintenance_requests r on r.id = i.value ->> 'id' and r.created_at = i.value ->> 'created_at'
                 and r.organization_id = $4
           union all
          select h.id, 'assigned', $4, h.request_id, h.changed_at
            from json_each($3) a
            join maintenance_assignment_history h on h.id = a.value ->> 'id'
                 and h.request_id = a.value ->> 'request_id')",
    events_end_sql!("maintenance_event_consumers")
);

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[FILE.transaction, FILE.savepoint];

/// Files the requests.
pub(super) async fn file(
    source: &Source<'_>,
    organization: OrganizationId,
    filings: &[Filing],
) -> Result<Vec<Result<Filed, RepositoryError>>, RepositoryError> {
    let messages = filings.iter().flat_map(|filing| filing.notification.iter().chain(&filing.news));
    let assignments = filings.iter().filter_map(|filing| filing.assignment.as_ref());
    let parameters = [
        encode::rows(filings.iter().map(encode::filed_request)),
        encode::rows(messages.map(encode::notification)),
        encode::rows(assignments.map(encode::assignment_change)),
    ];
    let bind = |query: Query| parameters.into_iter().fold(query, Query::bind).bind(id(organization));
    answers(filings, &source.write(&FILE, bind).await?)
}

/// The answer to each filing. Of [`FILE`]'s rows, those of requests that were stored are whole, those of new
/// requests are their ids and numbers.
fn answers(
    filings: &[Filing],
    rows: &[SqliteRow],
) -> Result<Vec<Result<Filed, RepositoryError>>, RepositoryError> {
    let (mut new, mut stored) = (HashMap::new(), HashMap::new());
    for row in rows {
        let id: String = row.try_get(0).map_err(repository_error)?;
        if row.len() == 2 {
            let number: u32 = row.try_get(1).map_err(repository_error)?;
            new.insert(id, RequestNumber::new(number));
        } else {
            stored.insert(id, row);
        }
    }
    let answer = |filing: &Filing| {
        let id = id(filing.request.id);
        match (new.get(&id), stored.get(&id)) {
            (Some(number), _) => Ok(Filed::New(*number)),
            (None, Some(row)) => decode::request(*row).map(Filed::Existing),
            (None, None) => Err(RepositoryErrorKind::Conflict.into()),
        }
    };
    Ok(filings.iter().map(answer).collect())
}
