//! The outbox.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    Claim, Claimed, DeliveryEffect, DeliveryUpdate, Listing, NotificationRepository, RepositoryError,
    SendRecord,
};
use sqlx::{Postgres, Row, postgres::PgArguments};
use tracing::instrument;
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
        select n.id, o.lease, o.attempts, o.at, o.kind, o.provider_message_id, o.due_at, o.error_code,
               o.error_text
          from told o
          join maintenance_notifications n on n.id = o.id and n.lease = o.lease
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
          from held o
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
/// Locks as [`RECORD_OUTCOMES`] does. The updates of a notification are gathered by grouping and not by joins,
/// for which the planner, who can't know how many there are, would go through all of them for each; and `named`
/// reads no table again, since it would be priced once for each update, and PostgreSQL compiles so dear a
/// statement anew each time it runs (`jit_above_cost`), which takes longer than a second.
const RECORD_DELIVERIES: &str = r#"
    with told as (
        select o.place, o.id, o.provider, o.event, o.at, o.code, o.text
          from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[])
               with ordinality as o (id, provider, event, at, code, text, place)
    ), ours as (
        select t.place, t.provider, t.event, t.at, t.code, t.text, n.id,
               n.id is not null and n.provider_message_id is null as unnamed
          from told t
          left join maintenance_notifications n on n.id = t.id
    ), named as (
        select distinct on (o.id) o.id, o.provider, o.place
          from ours o
         where o.unnamed
         order by o.id, o.place
    ), found as (
        select t.place, t.event, t.at, t.code, t.text,
               case when t.id is not null then t.provider end as names,
               coalesce(t.id,
                        (select m.id
                           from (select n.id from maintenance_notifications n
                                  where n.provider_message_id = t.provider
                                  union all
                                 select d.id from named d
                                  where d.provider = t.provider and d.place < t.place) m
                          order by m.id
                          limit 1)) as id
          from ours t
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
        select n.id, w.progress, w.provider, w.sent_at, w.delivered_at, w.read_at, w.failed_at, w.code, w.text
          from news w
          join maintenance_notifications n on n.id = w.id
         order by n.id
           for update of n
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
                                   else n.error_text end
          from held w
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

type Query = sqlx::query::Query<'static, Postgres, PgArguments>;

#[async_trait]
impl NotificationRepository for PgRepository<'_> {
    #[instrument(level = "debug", skip_all, fields(lease = %claim.lease, limit = claim.limit))]
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

    #[instrument(level = "debug", skip_all, fields(records = records.len()))]
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

    #[instrument(level = "debug", skip_all, fields(updates = updates.len()))]
    async fn record_deliveries(
        &self,
        updates: &[DeliveryUpdate],
    ) -> Result<Vec<DeliveryEffect>, RepositoryError> {
        let mut connection = self.source.connection().await?;
        let rows = deliveries(updates).fetch_all(&mut *connection).await.map_err(failed)?;
        rows.iter().map(|row| row.try_get(0).map(effect).map_err(failed)).collect()
    }
}

/// The statement that writes what a webhook told.
pub(super) fn deliveries(updates: &[DeliveryUpdate]) -> Query {
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
}
