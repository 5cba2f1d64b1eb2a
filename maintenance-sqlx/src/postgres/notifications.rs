//! The outbox.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    Claim, Claimed, Deferral, DeliveryEffect, DeliveryUpdate, Listing, Notification, NotificationId,
    NotificationRepository, Priority, Recorded, RepositoryError, SendRecord,
};
use sqlx::Row as _;
use tracing::instrument;
use uuid::Uuid;

use super::{PgRepository, deliveries, outcomes, source::failed};
use crate::{
    columns::{notification_columns, request_columns},
    decode, encode,
    outbox::effect,
    time::storable,
};

/// `$1` the lease, `$2` when it ends, `$3` the time now, `$4` the limit, `$5` the priorities, the most urgent first.
/// Each priority is a loop of its own that reads the index in order and ends at the limit, so what isn't due yet is
/// never read.
const CLAIM: &str = concat!(
    "
    with due as (
        select d.id, d.due_at, p.place
          from unnest($5::text[]) with ordinality as p (priority, place)
         cross join lateral (
               select id, due_at
                 from maintenance_notifications
                where waiting and priority = p.priority and due_at <= $3
                order by due_at, id
                limit $4
                  for update skip locked) d
         limit $4
    ), taken as (
        update maintenance_notifications n
           set lease = $1, due_at = $2, claims = least(n.claims, 2147483646) + 1
          from due
         where n.id = due.id
        returning ",
    notification_columns!(of "n"),
    ", due.place, due.due_at as was_due
    )
    select ",
    notification_columns!(of "n"),
    ", ",
    request_columns!(of "r"),
    ", w.id, w.phone_number, w.status,
           case when n.kind = 'withdrawn' then
                not exists (select from maintenance_notifications x
                             where x.request_id = n.request_id and x.worker_id = n.worker_id and x.kind = n.kind
                               and (x.created_at, x.id) > (n.created_at, n.id))
           else coalesce(r.notification_id = n.id, false) end,
           case when n.kind = 'withdrawn' then
                (select case when bool_or(a.status in ('sent', 'delivered', 'read') or a.attempts > 0) then true
                             when bool_or(a.status = 'pending') then false end
                   from maintenance_notifications a
                  where a.request_id = n.request_id and a.worker_id = n.worker_id and a.kind = 'assignment'
                    and not exists (select from maintenance_notifications x
                                     where x.request_id = n.request_id and x.worker_id = n.worker_id
                                       and x.kind = n.kind and x.id <> n.id and x.created_at > a.created_at
                                       and (x.status in ('sent', 'delivered', 'read') or x.attempts > 0)))
           end
      from taken n
      left join maintenance_requests r on r.id = n.request_id
      left join maintenance_workers  w on w.id = n.worker_id
     order by n.place, n.was_due, n.id"
);

/// `$1` the recipient, `$2` the time now, `$3` when the first comes due, `$4` the seconds between two, `$5` the
/// priorities, the most urgent first, `$6` the limit.
const DEFER: &str = "
    with due as (
        select n.id, n.due_at, array_position($5::text[], n.priority) as urgency
          from maintenance_notifications n
         where n.waiting and n.worker_id = $1 and n.due_at <= $2
         order by urgency, n.due_at, n.id
         limit $6
           for update skip locked
    ), placed as (
        select id, row_number() over (order by urgency, due_at, id) - 1 as place from due
    ), moved as (
        update maintenance_notifications n
           set due_at = $3::timestamptz + p.place::double precision * make_interval(secs => $4)
          from placed p
         where n.id = p.id
        returning n.id
    )
    select count(*) from moved";

/// `$1` the failed message, `$2` the message that repeats it, as a JSON row.
const FILE_AGAIN: &str = concat!(
    "
    with new_message as (
        select ",
    notification_columns!(of "m"),
    "
          from json_populate_record(null::maintenance_notifications, $2::text::json) m
    ), moved as (
        update maintenance_requests r
           set notification_id = m.id, whatsapp_status = 'pending', whatsapp_message_id = null
          from new_message m, maintenance_notifications n
          join maintenance_workers w on w.id = n.worker_id
         where n.id = $1 and n.status = 'failed' and r.id = n.request_id and r.notification_id = n.id
           and r.assigned_worker_id = n.worker_id and r.status in ('pending', 'in_progress')
           and w.status = 'active'
        returning r.id
    ), filed_message as (
        insert into maintenance_notifications
               (",
    notification_columns!(named),
    ")
        select ",
    notification_columns!(of "m"),
    "
          from moved
          join new_message m on m.request_id = moved.id
    )
    select exists (select from moved)"
);

const TIME: &str = "select clock_timestamp()";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    CLAIM,
    DEFER,
    FILE_AGAIN,
    TIME,
    outcomes::RECORD_OUTCOMES,
    deliveries::RECORD_DELIVERIES,
    deliveries::CATCH_UP,
];

#[async_trait]
impl NotificationRepository for PgRepository<'_> {
    #[instrument(level = "debug", skip_all, fields(lease = %claim.lease, limit = claim.limit))]
    async fn claim(&self, claim: Claim) -> Result<Listing<Claimed>, RepositoryError> {
        let mut connection = self.source.connection().await?;
        let take = sqlx::query(CLAIM)
            .bind(claim.lease.uuid())
            .bind(storable(claim.until))
            .bind(storable(claim.now))
            .bind(i64::from(claim.limit))
            .bind(from_most_urgent(claim.at_least));
        let rows = connection.fetch_all(take).await?;
        Ok(rows.iter().map(decode::claimed).collect())
    }

    #[instrument(level = "debug", skip_all, fields(worker = %deferral.worker_id))]
    async fn defer(&self, deferral: Deferral) -> Result<u64, RepositoryError> {
        let mut connection = self.source.connection().await?;
        let defer = sqlx::query(DEFER)
            .bind(deferral.worker_id.uuid())
            .bind(storable(deferral.now))
            .bind(storable(deferral.first))
            .bind(deferral.every.as_secs_f64())
            .bind(from_most_urgent(Priority::Low))
            .bind(i64::from(deferral.limit));
        let moved: i64 = connection.fetch_value(defer).await?;
        Ok(u64::try_from(moved).unwrap_or_default())
    }

    #[instrument(level = "debug", skip_all, fields(records = records.len()))]
    async fn record_outcomes(&self, records: &[SendRecord]) -> Result<Recorded, RepositoryError> {
        outcomes::record(&mut self.source.connection().await?, records).await
    }

    #[instrument(level = "debug", skip_all, fields(updates = updates.len()))]
    async fn record_deliveries(
        &self,
        updates: &[DeliveryUpdate],
        now: DateTime<Utc>,
    ) -> Result<Vec<DeliveryEffect>, RepositoryError> {
        let mut connection = self.source.connection().await?;
        let query = deliveries::deliveries(updates, now);
        let rows = connection.fetch_all(query).await?;
        let known = |row: &sqlx::postgres::PgRow| {
            let notification: Option<Uuid> = row.try_get(0).map_err(failed)?;
            let request: Option<Uuid> = row.try_get(1).map_err(failed)?;
            Ok(effect(notification, request))
        };
        rows.iter().map(known).collect()
    }

    #[instrument(level = "debug", skip_all, fields(%failed_id, notification = %again.id))]
    async fn file_again(
        &self,
        failed_id: NotificationId,
        again: &Notification,
    ) -> Result<bool, RepositoryError> {
        let mut connection = self.source.connection().await?;
        let again = encode::notification(again).to_string();
        connection.fetch_value(sqlx::query(FILE_AGAIN).bind(failed_id.uuid()).bind(again)).await
    }

    #[instrument(level = "debug", skip_all)]
    async fn catch_up(&self, forget_before: DateTime<Utc>) -> Result<Vec<DeliveryUpdate>, RepositoryError> {
        deliveries::catch_up(&mut self.source.connection().await?, forget_before).await
    }

    async fn time(&self) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        let mut connection = self.source.connection().await?;
        connection.fetch_value(sqlx::query(TIME)).await.map(Some)
    }
}

/// The priorities from the most urgent down to that one.
fn from_most_urgent(least: Priority) -> Vec<&'static str> {
    let priorities = Priority::ALL.iter().rev().filter(|priority| **priority >= least);
    priorities.map(|priority| priority.as_str()).collect()
}
