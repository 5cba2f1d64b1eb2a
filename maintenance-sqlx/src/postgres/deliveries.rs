//! What webhooks tell, and what of it had to wait.

use chrono::{DateTime, Utc};
use maintenance_core::{DeliveryUpdate, RepositoryError};
use sqlx::{Postgres, postgres::PgArguments};
use uuid::Uuid;

use super::source::Connection;
use crate::{
    columns::early_columns,
    decode,
    outbox::{next, storable_update},
    time::storable,
};

/// Finds each update's notification as if they came one after the other (`named` is the first update that gives a
/// provider's id together with ours, and those after it are found by that id), keeps the updates whose notification
/// isn't known, then does as `Notification::apply_delivery`, then moves the requests whose newest message moved;
/// returns each update's notification and request. Locks as `RECORD_OUTCOMES` does. The updates of a notification are gathered by grouping and not by joins,
/// for which the planner, who can't know how many there are, would go through all of them for each; and `named`
/// reads no table again, since it would be priced once for each update, and PostgreSQL compiles so dear a
/// statement anew each time it runs (`jit_above_cost`), which takes longer than a second.
pub(super) const RECORD_DELIVERIES: &str = r#"
    with input as (
        select o.place, o.id, o.provider, o.event, o.at, o.code, o.text, o.next
          from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[])
               with ordinality as o (id, provider, event, at, code, text, next, place)
    ), ours as (
        select t.place, t.provider, t.event, t.at, t.code, t.text, t.next, n.id, n.attempts,
               s.notification_id as theirs
          from input t
          left join maintenance_notifications n on n.id = t.id
          left join maintenance_notification_sends s on s.provider_message_id = t.provider
    ), named as (
        select distinct on (o.provider) o.provider, o.id, o.attempts, o.at, o.place
          from ours o
         where o.id is not null and o.theirs is null
         order by o.provider, o.place
    ), found as (
        select t.place, t.provider, t.event, t.at, t.code, t.text, t.next,
               case when t.id is not null then t.provider end as names,
               coalesce(t.id, t.theirs, (select d.id from named d
                                          where d.provider = t.provider and d.place < t.place)) as id
          from ours t
    ), kept as (
        insert into maintenance_early_deliveries
               (provider_message_id, event, at, error_code, error_text, next, received_at)
        select f.provider, f.event, f.at, f.code, f.text, f.next, $8
          from found f
         where f.id is null
        on conflict (provider_message_id, event, at) do nothing
    ), applied as (
        delete from maintenance_early_deliveries e
         using found f
         where f.id is not null
           and e.provider_message_id = f.provider and e.event = f.event and e.at = f.at
    ), sends as (
        insert into maintenance_notification_sends (provider_message_id, notification_id, attempt, at)
        select d.provider, d.id, greatest(d.attempts, 1), d.at
          from named d
        on conflict (provider_message_id) do nothing
    ), timed as (
        select f.place, f.id, f.event, greatest(f.at, n.created_at) as at, f.code, f.text, f.names
          from found f
          join maintenance_notifications n on n.id = f.id
    ), news as (
        select f.id,
               max(case f.event when 'sent' then 1 when 'failed' then 2 when 'delivered' then 3 else 4 end)
                   as progress,
               (array_agg(f.names order by f.place) filter (where f.names is not null))[1] as provider,
               min(f.at) filter (where f.event <> 'failed')              as sent_at,
               min(f.at) filter (where f.event in ('delivered', 'read')) as delivered_at,
               min(f.at) filter (where f.event = 'read')                 as read_at,
               min(f.at) filter (where f.event = 'failed')               as failed_at,
               (array_agg(f.code order by f.at, coalesce(f.code, '') collate "C", f.place)
                   filter (where f.event = 'failed'))[1]                 as code,
               (array_agg(f.text order by f.at, coalesce(f.code, '') collate "C", f.place)
                   filter (where f.event = 'failed'))[1]                 as text
          from timed f
         group by f.id
    ), held as (
        select n.id, n.request_id, w.progress, w.provider, w.sent_at, w.delivered_at, w.read_at, w.failed_at, w.code, w.text
          from news w
          join maintenance_notifications n on n.id = w.id
         order by n.id
           for update of n
    ), newest as (
        select r.id, h.id as notification_id
          from held h
          join maintenance_requests r on r.id = h.request_id and r.notification_id = h.id
    ), free as (
        select r.id
          from maintenance_requests r
         where r.id in (select id from newest)
         order by r.id
           for no key update skip locked
    ), moved as (
        update maintenance_notifications n
           set status = case when w.progress > case n.status when 'pending' then 0 when 'sent' then 1
                                                             when 'failed' then 2 when 'delivered' then 3
                                                             else 4 end
                             then case w.progress when 1 then 'sent' when 2 then 'failed'
                                                  when 3 then 'delivered' else 'read' end
                             else n.status end,
               provider_message_id = coalesce(n.provider_message_id, w.provider),
               sent_at      = least(n.sent_at, w.sent_at),
               delivered_at = least(n.delivered_at, w.delivered_at),
               read_at      = least(n.read_at, w.read_at),
               failed_at    = least(n.failed_at, w.failed_at),
               error_code   = case when w.failed_at is null and n.status = 'pending' then null
                                   when n.failed_at is null and w.failed_at is not null then w.code
                                   when (w.failed_at, coalesce(w.code, '') collate "C")
                                        < (n.failed_at, coalesce(n.error_code, '')) then w.code
                                   else n.error_code end,
               error_text   = case when w.failed_at is null and n.status = 'pending' then null
                                   when n.failed_at is null and w.failed_at is not null then w.text
                                   when (w.failed_at, coalesce(w.code, '') collate "C")
                                        < (n.failed_at, coalesce(n.error_code, '')) then w.text
                                   else n.error_text end,
               mirror_owed  = n.mirror_owed
                              or exists (select from newest o
                                          where o.notification_id = n.id and o.id not in (select id from free))
          from held w
         where n.id = w.id
        returning n.id, n.request_id, n.status, n.provider_message_id
    ), mirrored as (
        update maintenance_requests r
           set whatsapp_message_id = m.provider_message_id,
               whatsapp_status     = m.status
          from moved m
         where r.id = m.request_id and r.notification_id = m.id and r.id in (select id from free)
           and (r.whatsapp_status <> m.status
                or r.whatsapp_message_id is distinct from m.provider_message_id)
    )
    select f.id, n.request_id
      from found f
      left join maintenance_notifications n on n.id = f.id
     order by f.place"#;

/// Moves the requests that were locked when their newest message moved and aren't any more, forgets updates that were
/// kept too long, and reads those whose message is known by now.
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
    ), free as (
        select r.id
          from maintenance_requests r
         where r.id in (select request_id from owed)
         order by r.id
           for no key update skip locked
    ), mirrored as (
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
      join maintenance_notification_sends s on s.provider_message_id = e.provider_message_id
     where e.received_at >= $1
     limit 1000"
);

pub(super) async fn catch_up(
    connection: &mut Connection<'_, '_>,
    forget_before: DateTime<Utc>,
) -> Result<Vec<DeliveryUpdate>, RepositoryError> {
    let query = sqlx::query(CATCH_UP).bind(storable(forget_before));
    let rows = connection.fetch_all(query).await?;
    rows.iter().filter_map(|row| decode::early_or_none(row, 0).transpose()).collect()
}

type Query = sqlx::query::Query<'static, Postgres, PgArguments>;

/// The statement that writes what a webhook told.
pub(super) fn deliveries(updates: &[DeliveryUpdate], now: DateTime<Utc>) -> Query {
    let updates: Vec<DeliveryUpdate> = updates.iter().map(storable_update).collect();
    let errors = updates.iter().map(|update| update.error.as_ref());
    let codes: Vec<Option<String>> =
        errors.clone().map(|error| error.map(|error| error.code.clone())).collect();
    let texts: Vec<Option<String>> = errors.map(|error| error.map(|error| error.text.clone())).collect();
    sqlx::query(RECORD_DELIVERIES)
        .bind(updates.iter().map(|update| update.notification_id.map(Uuid::from)).collect::<Vec<_>>())
        .bind(updates.iter().map(|update| update.provider_message_id.clone()).collect::<Vec<String>>())
        .bind(updates.iter().map(|update| update.event.status().as_str()).collect::<Vec<&str>>())
        .bind(updates.iter().map(|update| storable(update.at)).collect::<Vec<DateTime<Utc>>>())
        .bind(codes)
        .bind(texts)
        .bind(updates.iter().map(next).collect::<Vec<Option<String>>>())
        .bind(storable(now))
}
