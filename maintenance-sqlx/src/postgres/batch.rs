//! Many requests filed in one step.

use std::collections::{HashMap, HashSet};

use maintenance_core::{Inserted, Notification, Opening, RepositoryError, RepositoryErrorKind, Request};
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;

use super::{
    convert::integer,
    source::{Connection, failed},
};
use crate::{columns::request_columns, decode};

/// Rows go in by the order of their ids, so that two batches at once with the same ids can't block each other. The workers' rows stay locked as in `OPEN`.
const OPEN_MANY: &str = "
    with told as (
        select o.id, o.renter_id, o.title, o.description, o.status, o.priority, o.created_at, o.updated_at,
               o.completed_at, o.property_id, o.location, o.assigned_worker_id, o.whatsapp_message_id,
               o.whatsapp_status, o.complex_id, o.specialty, o.version, o.notification_id
          from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[],
                      $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::uuid[], $11::text[],
                      $12::uuid[], $13::text[], $14::text[], $15::uuid[], $16::text[], $17::integer[],
                      $18::uuid[])
               as o (id, renter_id, title, description, status, priority, created_at, updated_at,
                     completed_at, property_id, location, assigned_worker_id, whatsapp_message_id,
                     whatsapp_status, complex_id, specialty, version, notification_id)
    ), messages as (
        select m.id, m.worker_id, m.kind, m.status, m.provider_message_id, m.attempts, m.due_at, m.lease,
               m.error_code, m.error_text, m.created_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at
          from unnest($18::uuid[], $19::uuid[], $20::text[], $21::text[], $22::text[], $23::integer[],
                      $24::timestamptz[], $25::uuid[], $26::text[], $27::text[], $28::timestamptz[],
                      $29::timestamptz[], $30::timestamptz[], $31::timestamptz[], $32::timestamptz[])
               as m (id, worker_id, kind, status, provider_message_id, attempts, due_at, lease, error_code,
                     error_text, created_at, sent_at, delivered_at, read_at, failed_at)
         where m.id is not null
    ), active as (
        select m.id
          from messages m
          join maintenance_workers w on w.id = m.worker_id and w.status = 'active'
         order by w.id
           for share of w
    ), filed as (
        insert into maintenance_requests
               (id, renter_id, title, description, status, priority, created_at, updated_at, completed_at,
                property_id, location, assigned_worker_id, whatsapp_message_id, whatsapp_status, complex_id,
                specialty, version, notification_id)
        select o.id, o.renter_id, o.title, o.description, o.status, o.priority, o.created_at, o.updated_at,
               o.completed_at, o.property_id, o.location, o.assigned_worker_id, o.whatsapp_message_id,
               o.whatsapp_status, o.complex_id, o.specialty, o.version, o.notification_id
          from told o
         where o.notification_id is null or o.notification_id in (select id from active)
         order by o.id
        on conflict (id) do nothing
        returning id, notification_id, priority
    ), sent as (
        insert into maintenance_notifications
               (id, request_id, worker_id, kind, status, provider_message_id, attempts, due_at, lease,
                error_code, error_text, created_at, sent_at, delivered_at, read_at, failed_at, priority, since)
        select m.id, f.id, m.worker_id, m.kind, m.status, m.provider_message_id, m.attempts, m.due_at,
               m.lease, m.error_code, m.error_text, m.created_at, m.sent_at, m.delivered_at, m.read_at,
               m.failed_at, f.priority, m.created_at
          from filed f
          join messages m on m.id = f.notification_id
    )
    select id from filed";

const REQUESTS: &str =
    concat!("select ", request_columns!(), " from maintenance_requests r where r.id = any ($1)");

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[OPEN_MANY, REQUESTS];

type Answers = Vec<Result<Inserted<Request>, RepositoryError>>;

/// Files the openings; those that were refused are read in a second statement.
pub(super) async fn open_many(
    connection: &mut Connection<'_, '_>,
    openings: &[Opening],
) -> Result<Answers, RepositoryError> {
    let rows = connection.fetch_all(bind(openings)).await?;
    let mut new = HashSet::with_capacity(rows.len());
    for row in &rows {
        new.insert(row.try_get::<Uuid, _>(0).map_err(failed)?);
    }
    let is_new = |opening: &Opening| new.contains(&opening.request.id.uuid());
    let refused: Vec<Uuid> =
        openings.iter().filter(|opening| !is_new(opening)).map(|opening| opening.request.id.uuid()).collect();
    // The others are filed: what fails from here on is the answer of the refused alone.
    let stored = if refused.is_empty() { Ok(HashMap::new()) } else { read(connection, refused).await };
    let answer = |opening: &Opening| {
        if is_new(opening) {
            return Ok(Inserted::New);
        }
        match &stored {
            // Either the request is there, or its worker isn't active.
            Ok(stored) => match stored.get(&opening.request.id.uuid()) {
                Some(row) => decode::request(row).map(Inserted::Existing),
                None => Err(RepositoryErrorKind::Conflict.into()),
            },
            Err(error) => Err(error.kind.clone().into()),
        }
    };
    Ok(openings.iter().map(answer).collect())
}

async fn read(
    connection: &mut Connection<'_, '_>,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, PgRow>, RepositoryError> {
    let rows = connection.fetch_all(sqlx::query(REQUESTS).bind(ids)).await?;
    rows.into_iter().map(|row| Ok((row.try_get(0).map_err(failed)?, row))).collect()
}

type Query = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn bind(openings: &[Opening]) -> Query {
    let requests = Column(openings.iter().map(|opening| &opening.request).collect());
    let messages = Column(openings.iter().map(|opening| opening.notification.as_ref()).collect());
    let error = |message: &Notification| message.error.clone();
    sqlx::query(OPEN_MANY)
        .bind(requests.of(|request| request.id.uuid()))
        .bind(requests.of(|request| request.renter_id.uuid()))
        .bind(requests.of(|request| String::from(request.title.clone())))
        .bind(requests.of(|request| String::from(request.description.clone())))
        .bind(requests.of(|request| request.status.as_str()))
        .bind(requests.of(|request| request.priority.as_str()))
        .bind(requests.of(|request| request.created_at))
        .bind(requests.of(|request| request.updated_at))
        .bind(requests.of(|request| request.completed_at))
        .bind(requests.of(|request| request.property_id.uuid()))
        .bind(requests.of(|request| String::from(request.location.clone())))
        .bind(requests.of(|request| request.assigned_worker_id.map(Uuid::from)))
        .bind(requests.of(|request| request.whatsapp_message_id.clone()))
        .bind(requests.of(|request| request.whatsapp_status.as_str()))
        .bind(requests.of(|request| request.complex_id.uuid()))
        .bind(requests.of(|request| request.specialty.clone().map(String::from)))
        .bind(requests.of(|request| integer(request.version)))
        .bind(messages.of(|message| message.map(|message| message.id.uuid())))
        .bind(messages.of(|message| message.map(|message| message.worker_id.uuid())))
        .bind(messages.of(|message| message.map(|message| message.kind.as_str())))
        .bind(messages.of(|message| message.map(|message| message.status.as_str())))
        .bind(messages.of(|message| message.and_then(|message| message.provider_message_id.clone())))
        .bind(messages.of(|message| message.map(|message| integer(message.attempts))))
        .bind(messages.of(|message| message.map(|message| message.due_at)))
        .bind(messages.of(|message| message.and_then(|message| message.lease).map(Uuid::from)))
        .bind(messages.of(|message| message.and_then(error).map(|error| error.code)))
        .bind(messages.of(|message| message.and_then(error).map(|error| error.text)))
        .bind(messages.of(|message| message.map(|message| message.created_at)))
        .bind(messages.of(|message| message.and_then(|message| message.sent_at)))
        .bind(messages.of(|message| message.and_then(|message| message.delivered_at)))
        .bind(messages.of(|message| message.and_then(|message| message.read_at)))
        .bind(messages.of(|message| message.and_then(|message| message.failed_at)))
}

/// What a parameter holds one value of each of.
struct Column<T>(Vec<T>);

impl<T: Copy> Column<T> {
    fn of<V>(&self, value: impl Fn(T) -> V) -> Vec<V> {
        self.0.iter().map(|of| value(*of)).collect()
    }
}
