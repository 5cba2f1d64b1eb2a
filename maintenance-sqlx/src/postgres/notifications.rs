//! The outbox.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    Claim, Claimed, DeliveryEffect, DeliveryUpdate, Listing, NotificationRepository, RepositoryError,
    SendRecord,
};
use sqlx::Row;
use uuid::Uuid;

use super::{PgRepository, convert::integer, source::failed};
use crate::{
    columns::{notification_columns, request_columns},
    decode,
    outbox::{effect, outcomes, storable_update},
    time::storable,
};

/// `$1` the lease, `$2` when it ends, `$3` the time now, `$4` the limit.
const CLAIM: &str = concat!(
    "
    with due as (
        select id, due_at
          from maintenance_notifications
         where waiting and due_at <= $3
         order by due_at, id
         limit $4
           for update skip locked
    ), taken as (
        update maintenance_notifications n
           set lease = $1, due_at = $2, attempts = least(n.attempts, 2147483646) + 1
          from due
         where n.id = due.id
        returning ",
    notification_columns!(),
    ", due.due_at as was_due
    )
    select ",
    notification_columns!(),
    ", ",
    request_columns!(),
    ", w.id, w.phone_number
      from taken n
      left join maintenance_requests r on r.id = n.request_id
      left join maintenance_workers  w on w.id = n.worker_id
     order by n.was_due, n.id"
);

/// As `Notification::record` does, then the requests whose newest message moved. Rows are locked in the order
/// of their ids, so that two batches at once can't block each other; a request's `notification_id` is looked
/// at when its row is locked, so that a newer message filed meanwhile keeps its place in the mirror.
const RECORD_OUTCOMES: &str = "
    with told as (
        select o.id, o.lease, o.attempts, o.at, o.kind, o.provider_message_id, o.due_at, o.error_code,
               o.error_text
          from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::timestamptz[], $5::text[], $6::text[],
                      $7::timestamptz[], $8::text[], $9::text[])
               as o (id, lease, attempts, at, kind, provider_message_id, due_at, error_code, error_text)
    ), held as (
        select n.id
          from maintenance_notifications n
          join told o on o.id = n.id and o.lease = n.lease
         order by n.id
           for update of n
    ), moved as (
        update maintenance_notifications n
           set lease    = null,
               attempts = o.attempts,
               status   = case when n.status = 'pending' and o.kind in ('sent', 'failed') then o.kind
                               else n.status end,
               due_at   = case when n.status = 'pending' and o.kind = 'later' then o.due_at
                               else n.due_at end,
               provider_message_id = coalesce(n.provider_message_id, o.provider_message_id),
               sent_at    = case when o.kind = 'sent' then least(n.sent_at, o.at) else n.sent_at end,
               failed_at  = case when n.status = 'pending' and o.kind = 'failed' then o.at
                                 else n.failed_at end,
               error_code = case when n.status <> 'pending' then n.error_code
                                 when o.kind = 'sent'       then null
                                 else coalesce(o.error_code, n.error_code) end,
               error_text = case when n.status <> 'pending' then n.error_text
                                 when o.kind = 'sent'       then null
                                 else coalesce(o.error_text, n.error_text) end
          from told o
          join held h on h.id = o.id
         where n.id = o.id and n.lease = o.lease
        returning n.id, n.request_id, n.status, n.provider_message_id
    ), mirrored as (
        update maintenance_requests r
           set whatsapp_message_id = m.provider_message_id,
               whatsapp_status     = m.status
          from moved m
         where r.id = m.request_id and r.notification_id = m.id
           and (r.whatsapp_status <> m.status
                or r.whatsapp_message_id is distinct from m.provider_message_id)
    )
    select count(*) from moved";

/// Finds each update's notification as if they came one after the other (`named` is the first update that
/// tells a notification its provider's id, and those after it are found by that id), then does as
/// `Notification::learn`, then moves the requests whose newest message moved; returns which updates are known.
/// Locks as [`RECORD_OUTCOMES`] does.
const RECORD_DELIVERIES: &str = r#"
    with told as (
        select o.place, o.id, o.provider, o.event, o.at, o.code, o.text
          from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[])
               with ordinality as o (id, provider, event, at, code, text, place)
    ), named as (
        select distinct on (n.id) n.id, t.provider, t.place
          from told t
          join maintenance_notifications n on n.id = t.id
         where n.provider_message_id is null
         order by n.id, t.place
    ), found as (
        select t.place, t.event, t.at, t.code, t.text,
               coalesce((select n.id from maintenance_notifications n where n.id = t.id),
                        (select m.id
                           from (select n.id from maintenance_notifications n
                                  where n.provider_message_id = t.provider
                                  union all
                                 select d.id from named d
                                  where d.provider = t.provider and d.place < t.place) m
                          order by m.id
                          limit 1)) as id
          from told t
    ), timed as (
        select f.place, f.id, f.event, greatest(f.at, n.created_at) as at, f.code, f.text
          from found f
          join maintenance_notifications n on n.id = f.id
    ), news as (
        select f.id,
               max(case f.event when 'sent' then 1 when 'failed' then 2 when 'delivered' then 3 else 4 end)
                   as progress,
               min(f.at) filter (where f.event <> 'failed')              as sent_at,
               min(f.at) filter (where f.event in ('delivered', 'read')) as delivered_at,
               min(f.at) filter (where f.event = 'read')                 as read_at
          from timed f
         group by f.id
    ), failures as (
        select distinct on (f.id) f.id, f.at, f.code, f.text
          from timed f
         where f.event = 'failed'
         order by f.id, f.at, coalesce(f.code, '') collate "C", f.place
    ), held as (
        select n.id
          from maintenance_notifications n
         where n.id in (select w.id from news w)
         order by n.id
           for update
    ), moved as (
        update maintenance_notifications n
           set status = case when w.progress > case n.status when 'pending' then 0 when 'sent' then 1
                                                             when 'failed' then 2 when 'delivered' then 3
                                                             else 4 end
                             then case w.progress when 1 then 'sent' when 2 then 'failed'
                                                  when 3 then 'delivered' else 'read' end
                             else n.status end,
               provider_message_id = coalesce(n.provider_message_id, d.provider),
               sent_at      = least(n.sent_at, w.sent_at),
               delivered_at = least(n.delivered_at, w.delivered_at),
               read_at      = least(n.read_at, w.read_at),
               failed_at    = least(n.failed_at, f.at),
               error_code   = case when f.id is null and n.status = 'pending' then null
                                   when n.failed_at is null and f.id is not null then f.code
                                   when (f.at, coalesce(f.code, '') collate "C")
                                        < (n.failed_at, coalesce(n.error_code, '')) then f.code
                                   else n.error_code end,
               error_text   = case when f.id is null and n.status = 'pending' then null
                                   when n.failed_at is null and f.id is not null then f.text
                                   when (f.at, coalesce(f.code, '') collate "C")
                                        < (n.failed_at, coalesce(n.error_code, '')) then f.text
                                   else n.error_text end
          from news w
          join held h          on h.id = w.id
          left join failures f on f.id = w.id
          left join named d    on d.id = w.id
         where n.id = w.id
        returning n.id, n.request_id, n.status, n.provider_message_id
    ), mirrored as (
        update maintenance_requests r
           set whatsapp_message_id = m.provider_message_id,
               whatsapp_status     = m.status
          from moved m
         where r.id = m.request_id and r.notification_id = m.id
           and (r.whatsapp_status <> m.status
                or r.whatsapp_message_id is distinct from m.provider_message_id)
    )
    select found.id is not null from found order by found.place"#;

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[CLAIM, RECORD_OUTCOMES, RECORD_DELIVERIES];

#[async_trait]
impl NotificationRepository for PgRepository<'_> {
    async fn claim(&self, claim: Claim) -> Result<Listing<Claimed>, RepositoryError> {
        let mut connection = self.source.connection().await?;
        let rows = sqlx::query(CLAIM)
            .bind(claim.lease.uuid())
            .bind(storable(claim.until))
            .bind(storable(claim.now))
            .bind(i64::from(claim.limit))
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
        Ok(rows.iter().map(decode::claimed).collect())
    }

    async fn record_outcomes(&self, records: &[SendRecord]) -> Result<usize, RepositoryError> {
        let records = outcomes(records);
        let errors = records.iter().map(|record| record.error.as_ref());
        let codes: Vec<Option<String>> =
            errors.clone().map(|error| error.map(|error| error.code.clone())).collect();
        let texts: Vec<Option<String>> = errors.map(|error| error.map(|error| error.text.clone())).collect();
        let mut connection = self.source.connection().await?;
        let stood: i64 = sqlx::query_scalar(RECORD_OUTCOMES)
            .bind(records.iter().map(|record| record.id.uuid()).collect::<Vec<Uuid>>())
            .bind(records.iter().map(|record| record.lease.uuid()).collect::<Vec<Uuid>>())
            .bind(records.iter().map(|record| integer(record.attempts)).collect::<Vec<i32>>())
            .bind(records.iter().map(|record| record.at).collect::<Vec<DateTime<Utc>>>())
            .bind(records.iter().map(|record| record.kind).collect::<Vec<&str>>())
            .bind(records.iter().map(|record| record.provider_message_id.clone()).collect::<Vec<_>>())
            .bind(records.iter().map(|record| record.due_at).collect::<Vec<Option<DateTime<Utc>>>>())
            .bind(codes)
            .bind(texts)
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
        Ok(usize::try_from(stood).unwrap_or_default())
    }

    async fn record_deliveries(
        &self,
        updates: &[DeliveryUpdate],
    ) -> Result<Vec<DeliveryEffect>, RepositoryError> {
        let updates: Vec<DeliveryUpdate> = updates.iter().map(storable_update).collect();
        let errors = updates.iter().map(|update| update.error.as_ref());
        let codes: Vec<Option<String>> =
            errors.clone().map(|error| error.map(|error| error.code.clone())).collect();
        let texts: Vec<Option<String>> = errors.map(|error| error.map(|error| error.text.clone())).collect();
        let mut connection = self.source.connection().await?;
        let rows = sqlx::query(RECORD_DELIVERIES)
            .bind(updates.iter().map(|update| update.notification_id.map(Uuid::from)).collect::<Vec<_>>())
            .bind(updates.iter().map(|update| update.provider_message_id.clone()).collect::<Vec<String>>())
            .bind(updates.iter().map(|update| update.event.status().as_str()).collect::<Vec<&str>>())
            .bind(updates.iter().map(|update| storable(update.at)).collect::<Vec<DateTime<Utc>>>())
            .bind(codes)
            .bind(texts)
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
        rows.iter().map(|row| row.try_get(0).map(effect).map_err(failed)).collect()
    }
}
