//! The scripts that record what webhooks report, and that catch up on what had to wait.

use chrono::{DateTime, Utc};
use maintenance_core::{DeliveryEffect, DeliveryUpdate, RepositoryError};
use serde_json::{Value, json};

use super::{
    convert::{id, time},
    script::{Query, Script, script},
    source::Source,
};
use crate::{
    columns::{early_columns, events_end_sql, insert_events_sql},
    decode,
    deliveries::{Update, effect},
    encode,
    order::delivery_order,
};

/// The CTE `found`: the updates of `$1`, each with its message, as if the updates came one after the other.
/// `named` is the first update that gives a provider's id together with ours, and the updates after it are
/// found by the provider's id.
macro_rules! found_sql {
    () => {
        "
    with input as (
        select key as place,
               value ->> 'channel'  as channel,
               value ->> 'id'       as id,
               value ->> 'provider' as provider,
               value ->> 'event'    as event,
               value ->> 'at'       as at,
               value ->> 'code'     as code,
               value ->> 'text'     as text,
               value ->> 'next'     as next
          from json_each($1)
    ), ours as (
        select t.place, t.channel, t.provider, t.event, t.at, t.code, t.text, t.next, n.id,
               s.notification_id as theirs
          from input t
          left join maintenance_notifications n on n.id = t.id and n.channel = t.channel
          left join maintenance_notification_sends s
            on s.provider_message_id = t.provider and s.channel = t.channel
    ), named as (
        select o.provider, o.channel, o.id, o.at, min(o.place) as place
          from ours o
         where o.id is not null and o.theirs is null
         group by o.provider, o.channel
    ), found as (
        select t.place, t.channel, t.provider, t.event, t.at, t.code, t.text, t.next,
               iif(t.id is not null, t.provider, null) as names,
               coalesce(t.id, t.theirs, (select d.id from named d
                                          where d.provider = t.provider and d.channel = t.channel
                                            and d.place < t.place)) as id
          from ours t
    )"
    };
}

/// Returns each update's message and request, keeps the updates whose message isn't known yet, applies the
/// others as `Notification::apply_delivery` does, mirrors the messages into their requests, and stores the
/// provider ids. The ids come last, since each statement before them finds the messages anew. `$1` are the
/// updates as a JSON array, `$2` is the time at which they were received.
pub(super) const RECORD_DELIVERIES: Script = script!(
    found_sql!(),
    "
    select found.id, n.request_id
      from found
      left join maintenance_notifications n on n.id = found.id
     order by found.place;
    ",
    found_sql!(),
    "
    insert into maintenance_early_deliveries
           (provider_message_id, channel, event, at, error_code, error_text, next, received_at)
    select f.provider, f.channel, f.event, f.at, f.code, f.text, f.next, $2
      from found f
     where f.id is null
     order by f.place
    on conflict (provider_message_id, channel, event, at) do nothing;
    ",
    found_sql!(),
    "
    delete from maintenance_early_deliveries as e
     where exists (select 1 from found f
                    where f.id is not null
                      and f.provider = e.provider_message_id and f.channel = e.channel
                      and f.event = e.event and f.at = e.at);
    ",
    found_sql!(),
    ", timed as (
        select f.place, f.id, f.event, max(f.at, n.created_at) as at, f.code, f.text
          from found f
          join maintenance_notifications n on n.id = f.id
    ), news as (
        select f.id,
               max(",
    delivery_order!(place_of "f.event"),
    ") as progress,
               min(f.at) filter (where f.event <> 'failed')              as sent_at,
               min(f.at) filter (where f.event in ('delivered', 'read')) as delivered_at,
               min(f.at) filter (where f.event = 'read')                 as read_at,
               min(f.at) filter (where f.event = 'failed')               as failed_at
          from timed f
         group by f.id
    ), failures as (
        select f.id, f.code, f.text,
               row_number() over (partition by f.id order by f.at, coalesce(f.code, ''), f.place) as nth
          from timed f
         where f.event = 'failed'
    ), firsts as (
        select f.id, f.names as provider,
               row_number() over (partition by f.id order by f.place) as nth
          from found f
         where f.names is not null
    ), applied as (
        select n.id,
               iif(w.progress > ",
    delivery_order!(place_of "n.status"),
    ",
                   ",
    delivery_order!(at "w.progress"),
    ",
                   n.status) as status,
               coalesce(n.provider_message_id, d.provider) as provider_message_id,
               coalesce(min(n.sent_at, w.sent_at), n.sent_at, w.sent_at) as sent_at,
               coalesce(min(n.delivered_at, w.delivered_at), n.delivered_at, w.delivered_at) as delivered_at,
               coalesce(min(n.read_at, w.read_at), n.read_at, w.read_at) as read_at,
               coalesce(min(n.failed_at, w.failed_at), n.failed_at, w.failed_at) as failed_at,
               case when w.failed_at is null and n.status = 'pending' then 'none'
                    when w.failed_at is null                          then 'stored'
                    when n.failed_at is null
                      or (w.failed_at, coalesce(f.code, '')) < (n.failed_at, coalesce(n.error_code, ''))
                                                                      then 'new'
                    else 'stored' end as error,
               f.code, f.text
          from news w
          join maintenance_notifications n on n.id = w.id
          left join failures f on f.id = w.id and f.nth = 1
          left join firsts d   on d.id = w.id and d.nth = 1
    )
    update maintenance_notifications as n
       set status = l.status, provider_message_id = l.provider_message_id, sent_at = l.sent_at,
           delivered_at = l.delivered_at, read_at = l.read_at, failed_at = l.failed_at,
           error_code = case l.error when 'new' then l.code when 'stored' then n.error_code end,
           error_text = case l.error when 'new' then l.text when 'stored' then n.error_text end
      from applied l
     where n.id = l.id;
    ",
    found_sql!(),
    "
    update maintenance_requests as r
       set whatsapp_message_id = n.provider_message_id,
           whatsapp_status     = n.status
      from maintenance_notifications n
     where n.id in (select found.id from found)
       and r.id = n.request_id and r.notification_id = n.id
       and (r.whatsapp_status <> n.status or r.whatsapp_message_id is not n.provider_message_id);
    ",
    found_sql!(),
    "
    insert into maintenance_notification_sends (provider_message_id, channel, notification_id, attempt, at)
    select d.provider, d.channel, d.id, max(n.attempts, 1), d.at
      from named d
      join maintenance_notifications n on n.id = d.id
     where true
    on conflict (provider_message_id, channel) do nothing;
    ",
    found_sql!(),
    "
    ",
    insert_events_sql!(),
    "(select distinct n.id as about, iif(f.event = 'sent', 'told', f.event) as kind, n.organization_id,
                 n.request_id, $2 as at
            from found f
            join maintenance_notifications n on n.id = f.id)",
    events_end_sql!("maintenance_event_consumers")
);

/// Deletes the updates that were kept too long, and returns the kept updates whose message is known by now.
pub(super) const CATCH_UP: Script = script!(
    "
    delete from maintenance_early_deliveries where received_at < $1;

    select ",
    early_columns!(),
    "
      from maintenance_early_deliveries e
      join maintenance_notification_sends s
        on s.provider_message_id = e.provider_message_id and s.channel = e.channel
     limit 1000"
);

/// Whether any update is kept. If none is, there is nothing to write.
pub(super) const ANY_EARLY: &str = "select exists (select 1 from maintenance_early_deliveries)";

pub(super) async fn record(
    source: &Source<'_>,
    updates: &[DeliveryUpdate],
    now: DateTime<Utc>,
) -> Result<Vec<DeliveryEffect>, RepositoryError> {
    let updates = encode::rows(updates.iter().map(|update| row(&update.into())));
    let bind = |query: Query| query.bind(updates).bind(time(now));
    let rows = source.write(&RECORD_DELIVERIES, bind).await?;
    rows.iter().map(effect).collect()
}

fn row(update: &Update) -> Value {
    json!({
        "channel": update.channel,
        "id": update.id.map(id),
        "provider": update.provider_message_id,
        "event": update.event,
        "at": time(update.at),
        "code": update.error_code,
        "text": update.error_text,
        "next": update.next,
    })
}

pub(super) async fn catch_up(
    source: &Source<'_>,
    forget_before: DateTime<Utc>,
) -> Result<Vec<DeliveryUpdate>, RepositoryError> {
    if !source.read_value::<bool>(sqlx::query(ANY_EARLY)).await? {
        return Ok(Vec::new());
    }
    let rows = source.write(&CATCH_UP, |query: Query| query.bind(time(forget_before))).await?;
    rows.iter().filter_map(|row| decode::early_or_none(row, 0).transpose()).collect()
}
