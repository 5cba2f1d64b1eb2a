//! Requests filed in one step.

use std::collections::{HashMap, HashSet};

use maintenance_core::{Filing, Inserted, RepositoryError, RepositoryErrorKind, Request};
use serde_json::Value;
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{
    convert::id,
    source::failed,
    step::{Step, step},
};
use crate::{
    columns::{assignment_history_columns, notification_columns, request_columns},
    decode, encode,
};

/// `$1` the requests, `$2` the messages to their workers, `$3` the rows of the assignment history, each as a JSON array
/// of rows. Reads the requests that are there, then files those that are not and whose worker is active, then what goes
/// with those. A message's id is new with its request: one that is there belongs to a request that was there, whose
/// filing is repeated.
pub(super) const FILE: Step = step!(
    "
    select ",
    request_columns!(of "r"),
    "
      from maintenance_requests r
     where r.id in (select value ->> 'id' from json_each($1));

    insert into maintenance_requests
           (",
    request_columns!(named),
    ", notification_id)
    select ",
    request_columns!(json "i.value"),
    ", i.value ->> 'notification_id'
      from json_each($1) i
     where i.value ->> 'notification_id' is null
        or i.value ->> 'notification_id' in (
           select m.value ->> 'id'
             from json_each($2) m
             join maintenance_workers w on w.id = m.value ->> 'worker_id' and w.status = 'active')
    on conflict (id) do nothing
    returning id;

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
      join maintenance_requests r on r.notification_id = m.value ->> 'id' and r.id = m.value ->> 'request_id'
     where not exists (select 1 from maintenance_notifications n where n.id = m.value ->> 'id' and n.request_id = r.id)"
);

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[FILE.alone, FILE.within];

/// The parameters of [`FILE`].
pub(super) fn parameters(filings: &[Filing]) -> [String; 3] {
    let messages = filings.iter().filter_map(|filing| filing.notification.as_ref());
    let assignments = filings.iter().filter_map(|filing| filing.assignment.as_ref());
    [
        filings.iter().map(encode::filed_request).collect::<Value>().to_string(),
        messages.map(encode::notification).collect::<Value>().to_string(),
        assignments.map(encode::assignment_change).collect::<Value>().to_string(),
    ]
}

/// What [`FILE`] did, by its rows: whole ones of requests that were there, ids of those that are new.
pub(super) fn answers(
    filings: &[Filing],
    rows: &[SqliteRow],
) -> Result<Vec<Result<Inserted<Request>, RepositoryError>>, RepositoryError> {
    let (mut new, mut there) = (HashSet::new(), HashMap::new());
    for row in rows {
        let id: String = row.try_get(0).map_err(failed)?;
        if row.len() == 1 {
            new.insert(id);
        } else {
            there.insert(id, row);
        }
    }
    let answer = |filing: &Filing| {
        let id = id(filing.request.id);
        match there.get(&id) {
            _ if new.contains(&id) => Ok(Inserted::New),
            Some(row) => decode::request(*row).map(Inserted::Existing),
            None => Err(RepositoryErrorKind::Conflict.into()),
        }
    };
    Ok(filings.iter().map(answer).collect())
}
