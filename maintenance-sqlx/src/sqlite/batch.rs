//! Many requests filed in one step.

use std::collections::{HashMap, HashSet};

use maintenance_core::{Inserted, Notification, Opening, RepositoryError, RepositoryErrorKind, Request};
use serde_json::{Value, json};
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{
    convert::{id, time},
    source::failed,
    step::{Step, step},
};
use crate::{columns::request_columns, decode};

/// Of `$1` reads the requests that are there, then files those that are not and whose worker is active, then
/// the messages of those. A message's id is new with its request: one that is there belongs to a request that
/// was there, whose opening is repeated.
pub(super) const OPEN_MANY: Step = step!(
    "
    select ",
    request_columns!(),
    "
      from maintenance_requests r
     where r.id in (select value ->> 'id' from json_each($1));

    insert into maintenance_requests
           (id, renter_id, title, description, status, priority, created_at, updated_at, completed_at,
            property_id, location, assigned_worker_id, whatsapp_message_id, whatsapp_status, complex_id,
            specialty, version, notification_id)
    select value ->> 'id', value ->> 'renter_id', value ->> 'title', value ->> 'description',
           value ->> 'status', value ->> 'priority', value ->> 'created_at', value ->> 'updated_at',
           value ->> 'completed_at', value ->> 'property_id', value ->> 'location',
           value ->> 'assigned_worker_id', value ->> 'whatsapp_message_id', value ->> 'whatsapp_status',
           value ->> 'complex_id', value ->> 'specialty', value ->> 'version', value ->> 'notification_id'
      from json_each($1)
     where value ->> 'notification_id' is null
        or exists (select 1 from maintenance_workers
                    where id = value ->> '$.notification.worker_id' and status = 'active')
    on conflict (id) do nothing
    returning id;

    insert into maintenance_notifications
           (id, request_id, worker_id, kind, status, provider_message_id, attempts, due_at, lease,
            error_code, error_text, created_at, sent_at, delivered_at, read_at, failed_at, priority, since)
    select m ->> 'id', r.id, m ->> 'worker_id', m ->> 'kind', m ->> 'status', m ->> 'provider_message_id',
           m ->> 'attempts', m ->> 'due_at', m ->> 'lease', m ->> 'error_code', m ->> 'error_text',
           m ->> 'created_at', m ->> 'sent_at', m ->> 'delivered_at', m ->> 'read_at', m ->> 'failed_at',
           r.priority, m ->> 'created_at'
      from (select value ->> 'id' as request_id, value -> 'notification' as m from json_each($1)) o
      join maintenance_requests r on r.id = o.request_id and r.notification_id = m ->> 'id'
     where not exists (select 1 from maintenance_notifications n
                        where n.id = m ->> 'id' and n.request_id = r.id)"
);

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[OPEN_MANY.alone, OPEN_MANY.within];

/// The parameter of [`OPEN_MANY`].
pub(super) fn openings(openings: &[Opening]) -> String {
    openings.iter().map(opening).collect::<Value>().to_string()
}

fn opening(Opening { request, notification }: &Opening) -> Value {
    json!({
        "id": id(request.id),
        "renter_id": id(request.renter_id),
        "title": request.title,
        "description": request.description,
        "status": request.status,
        "priority": request.priority,
        "created_at": time(request.created_at),
        "updated_at": time(request.updated_at),
        "completed_at": request.completed_at.map(time),
        "property_id": id(request.property_id),
        "location": request.location,
        "assigned_worker_id": request.assigned_worker_id.map(id),
        "whatsapp_message_id": request.whatsapp_message_id,
        "whatsapp_status": request.whatsapp_status,
        "complex_id": id(request.complex_id),
        "specialty": request.specialty,
        "version": request.version,
        "notification_id": notification.as_ref().map(|notification| id(notification.id)),
        "notification": notification.as_ref().map(message),
    })
}

fn message(message: &Notification) -> Value {
    let error = message.error.as_ref();
    json!({
        "id": id(message.id),
        "worker_id": id(message.worker_id),
        "kind": message.kind,
        "status": message.status,
        "provider_message_id": message.provider_message_id,
        "attempts": message.attempts,
        "due_at": time(message.due_at),
        "lease": message.lease.map(id),
        "error_code": error.map(|error| &error.code),
        "error_text": error.map(|error| &error.text),
        "created_at": time(message.created_at),
        "sent_at": message.sent_at.map(time),
        "delivered_at": message.delivered_at.map(time),
        "read_at": message.read_at.map(time),
        "failed_at": message.failed_at.map(time),
    })
}

/// What [`OPEN_MANY`] did, by its rows: whole ones of requests that were there, ids of those that are new.
pub(super) fn answers(
    openings: &[Opening],
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
    let answer = |opening: &Opening| {
        let id = id(opening.request.id);
        match there.get(&id) {
            _ if new.contains(&id) => Ok(Inserted::New),
            Some(row) => decode::request(*row).map(Inserted::Existing),
            None => Err(RepositoryErrorKind::Conflict.into()),
        }
    };
    Ok(openings.iter().map(answer).collect())
}
