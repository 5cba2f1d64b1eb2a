//! The outbox.

use async_trait::async_trait;
use maintenance_core::{
    Claim, Claimed, DeliveryEffect, DeliveryUpdate, Listing, NotificationRepository, RepositoryError,
    SendRecord,
};
use serde_json::{Value, json};
use sqlx::Row;
use tracing::instrument;

use super::{
    SqliteRepository,
    convert::{id, time},
    source::failed,
    step::{Query, Step, step},
};
use crate::{
    columns::request_columns,
    decode,
    outbox::{Outcome, effect, outcomes, storable_update},
};

/// Reads what a claim takes as it will be, then takes it; in one transaction both see the same rows.
/// `$1` the lease, `$2` when it ends, `$3` the time now, `$4` the limit.
const CLAIM: Step = step!(
    "
    select n.id, n.request_id, n.worker_id, n.kind, n.status, n.provider_message_id,
           min(n.attempts, 2147483646) + 1, $2, $1, n.error_code, n.error_text, n.created_at, n.sent_at,
           n.delivered_at, n.read_at, n.failed_at, ",
    request_columns!(),
    ", w.id, w.phone_number
      from maintenance_notifications n
      left join maintenance_requests r on r.id = n.request_id
      left join maintenance_workers  w on w.id = n.worker_id
     where n.status = 'pending' and n.due_at <= $3
     order by n.due_at, n.id
     limit $4;

    update maintenance_notifications
       set lease = $1, due_at = $2, attempts = min(attempts, 2147483646) + 1
     where id in (select id
                    from maintenance_notifications
                   where status = 'pending' and due_at <= $3
                   order by due_at, id
                   limit $4)"
);

/// As `Notification::record` does, for the records of `$1`; then the requests whose newest message moved.
const RECORD_OUTCOMES: Step = step!(
    "
    update maintenance_notifications as n
       set lease    = null,
           attempts = o.attempts,
           status   = iif(n.status = 'pending' and o.kind in ('sent', 'failed'), o.kind, n.status),
           due_at   = iif(n.status = 'pending' and o.kind = 'later', o.due_at, n.due_at),
           provider_message_id = coalesce(n.provider_message_id, o.provider_message_id),
           sent_at    = iif(o.kind = 'sent', min(coalesce(n.sent_at, o.at), o.at), n.sent_at),
           failed_at  = iif(n.status = 'pending' and o.kind = 'failed', o.at, n.failed_at),
           error_code = case when n.status <> 'pending' then n.error_code
                             when o.kind = 'sent'       then null
                             else coalesce(o.error_code, n.error_code) end,
           error_text = case when n.status <> 'pending' then n.error_text
                             when o.kind = 'sent'       then null
                             else coalesce(o.error_text, n.error_text) end
      from (select value ->> 'id'         as id,
                   value ->> 'lease'      as lease,
                   value ->> 'attempts'   as attempts,
                   value ->> 'at'         as at,
                   value ->> 'kind'       as kind,
                   value ->> 'provider_message_id' as provider_message_id,
                   value ->> 'due_at'     as due_at,
                   value ->> 'error_code' as error_code,
                   value ->> 'error_text' as error_text
              from json_each($1)) o
     where n.id = o.id and n.lease = o.lease
    returning id;

    update maintenance_requests as r
       set whatsapp_message_id = n.provider_message_id,
           whatsapp_status     = n.status
      from maintenance_notifications n
     where n.id in (select value ->> 'id' from json_each($1))
       and r.id = n.request_id and r.notification_id = n.id
       and (r.whatsapp_status <> n.status or r.whatsapp_message_id is not n.provider_message_id)"
);

/// The updates of `$1`, each with the notification that it is about, as if they came one after the other:
/// `named` is the first update that tells a notification its provider's id, and those after it are found by
/// that id.
macro_rules! found_sql {
    () => {
        "
    with told as (
        select key as place,
               value ->> 'id'       as id,
               value ->> 'provider' as provider,
               value ->> 'event'    as event,
               value ->> 'at'       as at,
               value ->> 'code'     as code,
               value ->> 'text'     as text
          from json_each($1)
    ), named as (
        select n.id, t.provider, min(t.place) as place
          from told t
          join maintenance_notifications n on n.id = t.id
         where n.provider_message_id is null
         group by n.id
    ), found as (
        select t.place, t.event, t.at, t.code, t.text,
               coalesce((select n.id from maintenance_notifications n where n.id = t.id),
                        (select min(m.id)
                           from (select n.id from maintenance_notifications n
                                  where n.provider_message_id = t.provider
                                  union all
                                 select d.id from named d
                                  where d.provider = t.provider and d.place < t.place) m)) as id
          from told t
    )"
    };
}

/// Says which updates are known, then does as `Notification::learn`, then moves the requests whose newest
/// message moved.
const RECORD_DELIVERIES: Step = step!(
    found_sql!(),
    "
    select found.id is not null from found order by found.place;
    ",
    found_sql!(),
    ", timed as (
        select f.place, f.id, f.event, max(f.at, n.created_at) as at, f.code, f.text
          from found f
          join maintenance_notifications n on n.id = f.id
    ), news as (
        select f.id,
               max(case f.event when 'sent' then 1 when 'failed' then 2 when 'delivered' then 3 else 4 end)
                   as progress,
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
    ), learnt as (
        select n.id,
               iif(w.progress > case n.status when 'pending' then 0 when 'sent' then 1 when 'failed' then 2
                                              when 'delivered' then 3 else 4 end,
                   case w.progress when 1 then 'sent' when 2 then 'failed' when 3 then 'delivered'
                                   else 'read' end,
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
                                                                      then 'told'
                    else 'stored' end as error,
               f.code, f.text
          from news w
          join maintenance_notifications n on n.id = w.id
          left join failures f on f.id = w.id and f.nth = 1
          left join named d    on d.id = w.id
    )
    update maintenance_notifications as n
       set status = l.status, provider_message_id = l.provider_message_id, sent_at = l.sent_at,
           delivered_at = l.delivered_at, read_at = l.read_at, failed_at = l.failed_at,
           error_code = case l.error when 'told' then l.code when 'stored' then n.error_code end,
           error_text = case l.error when 'told' then l.text when 'stored' then n.error_text end
      from learnt l
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
       and (r.whatsapp_status <> n.status or r.whatsapp_message_id is not n.provider_message_id)"
);

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    CLAIM.alone,
    CLAIM.within,
    RECORD_OUTCOMES.alone,
    RECORD_OUTCOMES.within,
    RECORD_DELIVERIES.alone,
    RECORD_DELIVERIES.within,
];

fn outcome(outcome: Outcome) -> Value {
    let (error_code, error_text) = outcome.error.map(|error| (error.code, error.text)).unzip();
    json!({
        "id": id(outcome.id),
        "lease": id(outcome.lease),
        "attempts": outcome.attempts,
        "at": time(outcome.at),
        "kind": outcome.kind,
        "provider_message_id": outcome.provider_message_id,
        "due_at": outcome.due_at.map(time),
        "error_code": error_code,
        "error_text": error_text,
    })
}

fn update(update: &DeliveryUpdate) -> Value {
    let DeliveryUpdate { notification_id, provider_message_id, event, at, error, .. } =
        storable_update(update);
    let (code, text) = error.map(|error| (error.code, error.text)).unzip();
    json!({
        "id": notification_id.map(id),
        "provider": provider_message_id,
        "event": event.status().as_str(),
        "at": time(at),
        "code": code,
        "text": text,
    })
}

#[async_trait]
impl NotificationRepository for SqliteRepository<'_> {
    #[instrument(level = "debug", skip_all, fields(lease = %claim.lease, limit = claim.limit))]
    async fn claim(&self, claim: Claim) -> Result<Listing<Claimed>, RepositoryError> {
        let take = |query: Query| {
            query.bind(id(claim.lease)).bind(time(claim.until)).bind(time(claim.now)).bind(claim.limit)
        };
        let rows = self.source.write(&CLAIM, take).await?;
        Ok(rows.iter().map(decode::claimed).collect())
    }

    #[instrument(level = "debug", skip_all, fields(records = records.len()))]
    async fn record_outcomes(&self, records: &[SendRecord]) -> Result<usize, RepositoryError> {
        let outcomes: Value = outcomes(records).into_iter().map(outcome).collect();
        let record = |query: Query| query.bind(outcomes.to_string());
        let stood = self.source.write(&RECORD_OUTCOMES, record).await?;
        Ok(stood.len())
    }

    #[instrument(level = "debug", skip_all, fields(updates = updates.len()))]
    async fn record_deliveries(
        &self,
        updates: &[DeliveryUpdate],
    ) -> Result<Vec<DeliveryEffect>, RepositoryError> {
        let updates: Value = updates.iter().map(update).collect();
        let record = |query: Query| query.bind(updates.to_string());
        let rows = self.source.write(&RECORD_DELIVERIES, record).await?;
        rows.iter().map(|row| row.try_get(0).map(effect).map_err(failed)).collect()
    }
}
