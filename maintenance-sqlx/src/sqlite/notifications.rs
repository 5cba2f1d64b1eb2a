//! Notifications: the repository's methods, and the message that repeats a failed one.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    Claim, Claimed, Deferral, DeliveryEffect, DeliveryUpdate, Listing, Notification, NotificationId,
    NotificationRepository, Recorded, RepositoryError, SendRecord,
};
use tracing::instrument;

use super::{
    SqliteRepository, claims,
    convert::{self, id},
    deliveries, outcomes,
    script::{Query, Script, script},
};
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
/// has the request and is active. An answer is filed again whatever became of its request, and news while it is the newest; their
/// ids are made of the failed one's, so that they are filed once. `$1` is the failed message, `$2` the new one as a JSON array of one row.
const FILE_AGAIN: Script = script!(
    "
    update maintenance_requests as r
       set notification_id = value ->> 'id', whatsapp_status = 'pending', whatsapp_message_id = null
      from json_each($2), maintenance_notifications n
      join maintenance_workers w on w.id = n.worker_id
     where n.id = $1 and n.status = 'failed' and r.id = n.request_id and r.notification_id = n.id
       and r.assigned_worker_id = n.worker_id and r.status in ('pending', 'in_progress') and w.status = 'active';

    insert into maintenance_notifications
           (",
    notification_columns!(named),
    ")
    select ",
    notification_columns!(json "value"),
    "
      from json_each($2)
     where changes() > 0
        or exists (select 1 from maintenance_notifications n
                    where n.id = $1 and n.status = 'failed'
                      and (n.kind = 'answer'
                           or n.kind = 'news' and not exists (
                              select 1 from maintenance_notifications x
                               where x.request_id = n.request_id and x.kind = 'news' and x.renter_id = n.renter_id
                                 and (x.created_at, x.id) > (n.created_at, n.id))))
    on conflict (id) do nothing
    returning id"
);

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    claims::CLAIM.transaction,
    claims::CLAIM.savepoint,
    claims::DEFER,
    NOTIFICATION,
    FILE_AGAIN.transaction,
    FILE_AGAIN.savepoint,
    outcomes::RECORD_OUTCOMES.transaction,
    outcomes::RECORD_OUTCOMES.savepoint,
    deliveries::RECORD_DELIVERIES.transaction,
    deliveries::RECORD_DELIVERIES.savepoint,
    deliveries::CATCH_UP.transaction,
    deliveries::CATCH_UP.savepoint,
    deliveries::ANY_EARLY,
];

#[async_trait]
impl NotificationRepository for SqliteRepository<'_> {
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
        let query = sqlx::query(NOTIFICATION).bind(convert::id(id));
        self.source.read(query, decode::notification).await
    }

    #[instrument(level = "debug", skip_all, fields(%failed_id, notification = %again.id))]
    async fn file_again(
        &self,
        failed_id: NotificationId,
        again: &Notification,
    ) -> Result<bool, RepositoryError> {
        let again = encode::rows([encode::notification(again)]);
        let file = |query: Query| query.bind(id(failed_id)).bind(again);
        Ok(!self.source.write(&FILE_AGAIN, file).await?.is_empty())
    }

    #[instrument(level = "debug", skip_all)]
    async fn catch_up(&self, forget_before: DateTime<Utc>) -> Result<Vec<DeliveryUpdate>, RepositoryError> {
        deliveries::catch_up(&self.source, forget_before).await
    }

    /// A file has no clock of its own. All its processes are on one machine, so they share that machine's
    /// clock.
    async fn time(&self) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        Ok(None)
    }
}
