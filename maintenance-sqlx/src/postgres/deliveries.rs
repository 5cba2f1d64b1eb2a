//! The statements that record what webhooks report, and that catch up on what had to wait.

use chrono::{DateTime, Utc};
use maintenance_core::{DeliveryEffect, DeliveryUpdate, RepositoryError};
use uuid::Uuid;

use super::{
    convert::column,
    events::follower_sql,
    mirror::{free_sql, mirrored_sql, owes_mirror_sql},
    source::{Query, Source},
};
use crate::{
    columns::{early_columns, events_end_sql, insert_events_sql},
    decode,
    deliveries::{Update, effect},
    order::delivery_order,
    storable::clamp_to_storable,
};

/// What the message `n` keeps of the failures: the earliest one, stored or new (`w`), by time and then by
/// code. A message that was still waiting keeps no error when it moves without a failure.
macro_rules! kept_error_sql {
    ($stored:literal, $new:literal) => {
        concat!(
            "case when w.failed_at is null and n.status = 'pending' then null
                                   when n.failed_at is null and w.failed_at is not null then ",
            $new,
            r#"
                                   when (w.failed_at, coalesce(w.code, '') collate "C")
                                        < (n.failed_at, coalesce(n.error_code, '')) then "#,
            $new,
            "
                                   else ",
            $stored,
            " end"
        )
    };
}

/// The first of an update's column `f.code` or `f.text`, by the order in which failures are kept.
macro_rules! first_failure_sql {
    ($column:literal) => {
        concat!(
            "(array_agg(",
            $column,
            r#" order by f.at, coalesce(f.code, '') collate "C", f.place)
                   filter (where f.event = 'failed'))[1]"#
        )
    };
}

/// Finds each update's message, keeps the updates whose message isn't known yet, applies the others as
/// `Notification::apply_delivery` does, mirrors the messages into their requests, and returns each update's
/// message and request.
///
/// The messages are found as if the updates came one after the other: `named` is the first update that gives
/// a provider's id together with ours, and the updates after it are found by the provider's id. `held` locks
/// as in `RECORD_OUTCOMES`. Whatever inserts or deletes waits for `held`, so that batches lock in one order. A server
/// that shards by schema would run it before `held` if it stood before; and there the requests are read at the end by
/// a subquery, since it would read all messages for a join.
///
/// The statement's shape keeps it cheap. The updates of a message are gathered by grouping and not by joins:
/// the planner can't know how many updates there are, and would scan all of them for each. And `named` reads
/// no table again, since the planner would add that to the price once per update; above `jit_above_cost`
/// PostgreSQL compiles the statement each time it runs, which takes longer than a second.
pub(super) const RECORD_DELIVERIES: &str = concat!(
    "
    with input as (
        select o.place, o.channel, o.id, o.provider, o.event, o.at, o.code, o.text, o.next
          from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[],
                      $8::text[])
               with ordinality as o (channel, id, provider, event, at, code, text, next, place)
    ), ours as (
        select t.place, t.channel, t.provider, t.event, t.at, t.code, t.text, t.next, n.id, n.attempts,
               s.notification_id as theirs
          from input t
          left join maintenance_notifications n on n.id = t.id and n.channel = t.channel
          left join maintenance_notification_sends s
            on s.provider_message_id = t.provider and s.channel = t.channel
    ), named as (
        select distinct on (o.provider, o.channel) o.provider, o.channel, o.id, o.attempts, o.at, o.place
          from ours o
         where o.id is not null and o.theirs is null
         order by o.provider, o.channel, o.place
    ), found as (
        select t.place, t.channel, t.provider, t.event, t.at, t.code, t.text, t.next,
               case when t.id is not null then t.provider end as names,
               coalesce(t.id, t.theirs, (select d.id from named d
                                          where d.provider = t.provider and d.channel = t.channel
                                            and d.place < t.place)) as id
          from ours t
    ), timed as (
        select f.place, f.id, f.event, greatest(f.at, n.created_at) as at, f.code, f.text, f.names
          from found f
          join maintenance_notifications n on n.id = f.id
    ), news as (
        select f.id,
               max(",
    delivery_order!(place_of "f.event"),
    ") as progress,
               (array_agg(f.names order by f.place) filter (where f.names is not null))[1] as provider,
               min(f.at) filter (where f.event <> 'failed')              as sent_at,
               min(f.at) filter (where f.event in ('delivered', 'read')) as delivered_at,
               min(f.at) filter (where f.event = 'read')                 as read_at,
               min(f.at) filter (where f.event = 'failed')               as failed_at,
               ",
    first_failure_sql!("f.code"),
    " as code,
               ",
    first_failure_sql!("f.text"),
    " as text
          from timed f
         group by f.id
    ), held as (
        select l.*
          from (select n.id, n.organization_id, n.request_id, w.progress, w.provider, w.sent_at, w.delivered_at,
                       w.read_at, w.failed_at, w.code, w.text
                  from news w
                  join maintenance_notifications n on n.id = w.id
                 order by n.id
                   for update of n) l
    ), kept as (
        insert into maintenance_early_deliveries
               (provider_message_id, channel, event, at, error_code, error_text, next, received_at)
        select f.provider, f.channel, f.event, f.at, f.code, f.text, f.next, $9
          from found f
         where f.id is null and (select count(*) from held) >= 0
        on conflict (provider_message_id, channel, event, at) do nothing
    ), applied as (
        delete from maintenance_early_deliveries e
         using found f
         where f.id is not null and (select count(*) from held) >= 0
           and e.provider_message_id = f.provider and e.channel = f.channel and e.event = f.event
           and e.at = f.at
    ), sends as (
        insert into maintenance_notification_sends (provider_message_id, channel, notification_id, attempt, at)
        select d.provider, d.channel, d.id, greatest(d.attempts, 1), d.at
          from named d
         where (select count(*) from held) >= 0
        on conflict (provider_message_id, channel) do nothing
    ), newest as (
        select r.id, h.id as notification_id
          from held h
          join maintenance_requests r on r.id = h.request_id and r.notification_id = h.id
    ), ",
    free_sql!("select id from newest"),
    ", moved as (
        update maintenance_notifications n
           set status = case when w.progress > ",
    delivery_order!(place_of "n.status"),
    "
                             then ",
    delivery_order!(at "w.progress"),
    "
                             else n.status end,
               provider_message_id = coalesce(n.provider_message_id, w.provider),
               sent_at      = least(n.sent_at, w.sent_at),
               delivered_at = least(n.delivered_at, w.delivered_at),
               read_at      = least(n.read_at, w.read_at),
               failed_at    = least(n.failed_at, w.failed_at),
               error_code   = ",
    kept_error_sql!("n.error_code", "w.code"),
    ",
               error_text   = ",
    kept_error_sql!("n.error_text", "w.text"),
    ",
               mirror_owed  = ",
    owes_mirror_sql!(),
    "
          from held w
         where n.id = w.id
        returning n.id, n.request_id, n.status, n.provider_message_id
    ), ",
    mirrored_sql!(),
    ", ",
    follower_sql!(),
    ", happened as (
        ",
    insert_events_sql!(),
    "(select distinct h.id as about, case f.event when 'sent' then 'told' else f.event end as kind,
                       h.organization_id, h.request_id, $9::timestamptz as at
                  from held h
                  join found f on f.id = h.id)",
    events_end_sql!("follower"),
    "
    )
    select f.id, (select n.request_id from maintenance_notifications n where n.id = f.id)
      from found f
     order by f.place"
);

/// Mirrors the messages that owe it into the requests that are no longer locked, deletes the updates that
/// were kept too long, and returns the kept updates whose message is known by now.
pub(super) const CATCH_UP: &str = concat!(
    "
    with forgotten as (
        delete from maintenance_early_deliveries where received_at < $1
    ), owed as (
        select n.id, n.request_id, n.status, n.provider_message_id
          from maintenance_notifications n
         where n.mirror_owed
         order by n.id
         limit 500
           for update skip locked
    ), ",
    free_sql!("select request_id from owed"),
    ", mirrored as (
        update maintenance_requests r
           set whatsapp_message_id = o.provider_message_id,
               whatsapp_status     = o.status
          from owed o
         where r.notification_id = o.id and r.id = o.request_id and r.id in (select id from free)
    ), settled as (
        update maintenance_notifications n
           set mirror_owed = false
          from owed o
         where n.id = o.id and o.request_id in (select id from free)
    )
    select ",
    early_columns!(),
    "
      from maintenance_early_deliveries e
      join maintenance_notification_sends s
        on s.provider_message_id = e.provider_message_id and s.channel = e.channel
     where e.received_at >= $1
     limit 1000"
);

pub(super) async fn record(
    source: &Source<'_>,
    updates: &[DeliveryUpdate],
    now: DateTime<Utc>,
) -> Result<Vec<DeliveryEffect>, RepositoryError> {
    let rows = source.connection().await?.fetch_all(bind(updates, now)).await?;
    rows.iter().map(effect).collect()
}

/// [`RECORD_DELIVERIES`] with its parameters; `now` is the time at which the updates were received.
pub(super) fn bind(updates: &[DeliveryUpdate], now: DateTime<Utc>) -> Query {
    let updates: Vec<_> = updates.iter().map(Update::from).collect();
    sqlx::query(RECORD_DELIVERIES)
        .bind(column(&updates, |update| update.channel.clone()))
        .bind(column(&updates, |update| update.id.map(Uuid::from)))
        .bind(column(&updates, |update| update.provider_message_id.clone()))
        .bind(column(&updates, |update| update.event))
        .bind(column(&updates, |update| clamp_to_storable(update.at)))
        .bind(column(&updates, |update| update.error_code.clone()))
        .bind(column(&updates, |update| update.error_text.clone()))
        .bind(column(&updates, |update| update.next.clone()))
        .bind(clamp_to_storable(now))
}

pub(super) async fn catch_up(
    source: &Source<'_>,
    forget_before: DateTime<Utc>,
) -> Result<Vec<DeliveryUpdate>, RepositoryError> {
    let query = sqlx::query(CATCH_UP).bind(clamp_to_storable(forget_before));
    let rows = source.connection().await?.fetch_all(query).await?;
    rows.iter().filter_map(|row| decode::early_or_none(row, 0).transpose()).collect()
}
