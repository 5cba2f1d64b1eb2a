//! Notifications: the repository's methods, and the message that repeats a failed one.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    Claim, Claimed, Deferral, DeliveryEffect, DeliveryUpdate, Listing, Notification, NotificationId,
    NotificationRepository, Recorded, RepositoryError, SendRecord,
};
use tracing::instrument;

use super::{PgRepository, claims, deliveries, outcomes};
use crate::{columns::notification_columns, decode, encode};

const NOTIFICATION: &str = concat!(
    "select ",
    notification_columns!(of "n"),
    ", r.priority
      from maintenance_notifications n
      join maintenance_requests r on r.id = n.request_id
     where n.id = $1"
);

/// Files a message that repeats a failed one, if that one is still its request's newest and its worker still
/// has the request and is active. `$1` is the failed message, `$2` the new one as a JSON row. The insert returns
/// something for the reason that `FILE` gives. An answer is filed again whatever became of its request, and news while it is
/// the newest; their ids are made of the failed one's, so that they are filed once.
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
    ), failed_other as materialized (
        select n.request_id as id from maintenance_notifications n
         where n.id = $1 and n.status = 'failed'
           and (n.kind = 'answer'
                or n.kind = 'news' and not exists (
                   select from maintenance_notifications x
                    where x.request_id = n.request_id and x.kind = 'news' and x.renter_id = n.renter_id
                      and (x.created_at, x.id) > (n.created_at, n.id)))
    ), filed_messages as (
        insert into maintenance_notifications
               (",
    notification_columns!(named),
    ")
        select ",
    notification_columns!(of "m"),
    "
          from (select id from moved union all select id from failed_other) a
          join new_message m on m.request_id = a.id
        on conflict (id) do nothing
        returning 1
    )
    select exists (select from filed_messages)"
);

const TIME: &str = "select clock_timestamp()";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    claims::CLAIM,
    claims::DEFER,
    NOTIFICATION,
    FILE_AGAIN,
    TIME,
    outcomes::RECORD_OUTCOMES,
    deliveries::RECORD_DELIVERIES,
    deliveries::CATCH_UP,
];

#[async_trait]
impl NotificationRepository for PgRepository<'_> {
    #[instrument(level = "debug", skip_all, fields(lease = %claim.lease, limit = claim.limit))]
    async fn claim(&self, claim: &Claim) -> Result<Listing<Claimed>, RepositoryError> {
        claims::claim(&self.source, claim).await
    }

    #[instrument(level = "debug", skip_all, fields(to = ?deferral.to))]
    async fn defer(&self, deferral: Deferral) -> Result<u64, RepositoryError> {
        claims::defer(&self.source, deferral).await
    }

    #[instrument(level = "debug", skip_all, fields(records = records.len()))]
    async fn record_outcomes(&self, records: &[SendRecord]) -> Result<Recorded, RepositoryError> {
        outcomes::record(&self.source, records).await
    }

    #[instrument(level = "debug", skip_all, fields(updates = updates.len()))]
    async fn record_deliveries(
        &self,
        updates: &[DeliveryUpdate],
        now: DateTime<Utc>,
    ) -> Result<Vec<DeliveryEffect>, RepositoryError> {
        deliveries::record(&self.source, updates, now).await
    }

    #[instrument(level = "debug", skip_all, fields(notification = %id))]
    async fn notification(&self, id: NotificationId) -> Result<Option<Notification>, RepositoryError> {
        let query = sqlx::query(NOTIFICATION).bind(id.uuid());
        self.source.connection().await?.read(query, decode::notification).await
    }

    #[instrument(level = "debug", skip_all, fields(%failed_id, notification = %again.id))]
    async fn file_again(
        &self,
        failed_id: NotificationId,
        again: &Notification,
    ) -> Result<bool, RepositoryError> {
        let again = encode::row(&encode::notification(again));
        let file = sqlx::query(FILE_AGAIN).bind(failed_id.uuid()).bind(again);
        self.source.connection().await?.fetch_value(file).await
    }

    #[instrument(level = "debug", skip_all)]
    async fn catch_up(&self, forget_before: DateTime<Utc>) -> Result<Vec<DeliveryUpdate>, RepositoryError> {
        deliveries::catch_up(&self.source, forget_before).await
    }

    async fn time(&self) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        self.source.connection().await?.fetch_value(sqlx::query(TIME)).await.map(Some)
    }
}
