//! The outbox.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    Claim, Claimed, Deferral, DeliveryEffect, DeliveryUpdate, Listing, Notification, NotificationId,
    NotificationRepository, Recorded, RepositoryError, SendRecord,
};
use serde_json::Value;
use tracing::instrument;

use super::{
    SqliteRepository,
    convert::{id, time},
    deliveries, outcomes,
    step::{Query, Step, step},
};
use crate::{
    columns::{notification_columns, request_columns},
    decode::{self, Raw as _},
    encode,
    outbox::effect,
};

/// The due messages of `$5` and above, the most urgent first. Each priority is read by the index in order and ends at
/// the limit, so what isn't due yet is never read.
macro_rules! due_sql {
    () => {
        concat!(
            due_arm_sql!("4", "emergency"),
            " union all ",
            due_arm_sql!("3", "high"),
            " union all ",
            due_arm_sql!("2", "medium"),
            " union all ",
            due_arm_sql!("1", "low"),
            " limit $4"
        )
    };
}

macro_rules! due_arm_sql {
    ($urgency:literal, $priority:literal) => {
        concat!(
            "select * from (select id, ",
            $urgency,
            " as urgency from maintenance_notifications
              where status = 'pending' and priority = '",
            $priority,
            "' and due_at <= $3 and ",
            $urgency,
            " >= $5 order by due_at, id limit $4)"
        )
    };
}

/// Reads what a claim takes as it will be, then takes it; in one transaction both see the same rows.
/// `$1` the lease, `$2` when it ends, `$3` the time now, `$4` the limit, `$5` the least urgency.
const CLAIM: Step = step!(
    "
    select n.id, n.request_id, n.worker_id, n.kind, n.priority, n.status, n.provider_message_id, n.attempts,
           min(n.claims, 2147483646) + 1, $2, $1, n.error_code, n.error_text, n.since, n.created_at, n.sent_at,
           n.delivered_at, n.read_at, n.failed_at, ",
    request_columns!(of "r"),
    ", w.id, w.phone_number, w.status,
           iif(n.kind = 'withdrawn',
               not exists (select 1 from maintenance_notifications x
                            where x.request_id = n.request_id and x.worker_id = n.worker_id and x.kind = n.kind
                              and (x.created_at, x.id) > (n.created_at, n.id)),
               r.notification_id is n.id),
           iif(n.kind = 'withdrawn',
               (select case when max(a.status in ('sent', 'delivered', 'read') or a.attempts > 0) then 1
                            when max(a.status = 'pending') then 0 end
                  from maintenance_notifications a
                 where a.request_id = n.request_id and a.worker_id = n.worker_id and a.kind = 'assignment'
                   and not exists (select 1 from maintenance_notifications x
                                    where x.request_id = n.request_id and x.worker_id = n.worker_id
                                      and x.kind = n.kind and x.id <> n.id and x.created_at > a.created_at
                                      and (x.status in ('sent', 'delivered', 'read') or x.attempts > 0))),
               null)
      from (",
    due_sql!(),
    ") d
      join maintenance_notifications n on n.id = d.id
      left join maintenance_requests r on r.id = n.request_id
      left join maintenance_workers  w on w.id = n.worker_id
     order by d.urgency desc, n.due_at, n.id;

    update maintenance_notifications
       set lease = $1, due_at = $2, claims = min(claims, 2147483646) + 1
     where id in (select id from (",
    due_sql!(),
    "))"
);

/// `$1` the recipient, `$2` the time now, `$3` when the first comes due in seconds, `$4` the seconds between two, `$5`
/// the limit. SQLite's own times have milliseconds.
const DEFER: &str = "
    update maintenance_notifications as n
       set due_at = strftime('%Y-%m-%dT%H:%M:%f', $3 + $4 * p.place, 'unixepoch') || '000Z'
      from (select id, row_number() over (order by urgency, due_at, id) - 1 as place
              from (select id, due_at,
                           case priority when 'emergency' then 0 when 'high' then 1 when 'medium' then 2 else 3 end
                               as urgency
                      from maintenance_notifications
                     where status = 'pending' and worker_id = $1 and due_at <= $2
                     order by urgency, due_at, id
                     limit $5)) p
     where n.id = p.id";

/// `$1` the failed message, `$2` the message that repeats it, as a JSON array of one row.
const FILE_AGAIN: Step = step!(
    "
    update maintenance_requests as r
       set notification_id = value ->> 'id', whatsapp_status = 'pending', whatsapp_message_id = null
      from json_each($2), maintenance_notifications n
      join maintenance_workers w on w.id = n.worker_id
     where n.id = $1 and n.status = 'failed' and r.id = n.request_id and r.notification_id = n.id
       and r.assigned_worker_id = n.worker_id and r.status in ('pending', 'in_progress') and w.status = 'active'
    returning id;

    insert into maintenance_notifications
           (",
    notification_columns!(named),
    ")
    select ",
    notification_columns!(json "value"),
    "
      from json_each($2)
     where changes() > 0"
);

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    CLAIM.alone,
    CLAIM.within,
    DEFER,
    FILE_AGAIN.alone,
    FILE_AGAIN.within,
    outcomes::RECORD_OUTCOMES.alone,
    outcomes::RECORD_OUTCOMES.within,
    deliveries::RECORD_DELIVERIES.alone,
    deliveries::RECORD_DELIVERIES.within,
    deliveries::CATCH_UP.alone,
    deliveries::CATCH_UP.within,
    deliveries::ANY_EARLY,
];

#[async_trait]
impl NotificationRepository for SqliteRepository<'_> {
    #[instrument(level = "debug", skip_all, fields(lease = %claim.lease, limit = claim.limit))]
    async fn claim(&self, claim: Claim) -> Result<Listing<Claimed>, RepositoryError> {
        let urgency = maintenance_core::Priority::ALL.iter().filter(|p| **p <= claim.at_least).count();
        let take = |query: Query| {
            query
                .bind(id(claim.lease))
                .bind(time(claim.until))
                .bind(time(claim.now))
                .bind(claim.limit)
                .bind(i64::try_from(urgency).unwrap_or_default())
        };
        let rows = self.source.write(&CLAIM, take).await?;
        Ok(rows.iter().map(decode::claimed).collect())
    }

    #[instrument(level = "debug", skip_all, fields(worker = %deferral.worker_id))]
    async fn defer(&self, deferral: Deferral) -> Result<u64, RepositoryError> {
        let first = std::time::Duration::from_micros(
            u64::try_from(deferral.first.timestamp_micros()).unwrap_or_default(),
        );
        let defer = sqlx::query(DEFER)
            .bind(id(deferral.worker_id))
            .bind(time(deferral.now))
            .bind(first.as_secs_f64())
            .bind(deferral.every.as_secs_f64())
            .bind(deferral.limit);
        self.source.execute(defer).await
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
        let record = |query: Query| query.bind(deliveries::updates(updates)).bind(time(now));
        let rows = self.source.write(&deliveries::RECORD_DELIVERIES, record).await?;
        let corrupt = |error| RepositoryError::corrupt("maintenance_notifications", "id", "(found)", error);
        let known = |row: &sqlx::sqlite::SqliteRow| {
            Ok(effect(row.uuid(0).map_err(corrupt)?, row.uuid(1).map_err(corrupt)?))
        };
        rows.iter().map(known).collect()
    }

    #[instrument(level = "debug", skip_all, fields(%failed_id, notification = %again.id))]
    async fn file_again(
        &self,
        failed_id: NotificationId,
        again: &Notification,
    ) -> Result<bool, RepositoryError> {
        let again = Value::from(vec![encode::notification(again)]).to_string();
        let file = |query: Query| query.bind(id(failed_id)).bind(again);
        let rows = self.source.write(&FILE_AGAIN, file).await?;
        Ok(!rows.is_empty())
    }

    #[instrument(level = "debug", skip_all)]
    async fn catch_up(&self, forget_before: DateTime<Utc>) -> Result<Vec<DeliveryUpdate>, RepositoryError> {
        deliveries::catch_up(&self.source, forget_before).await
    }

    /// The file has no clock: all its processes are on one machine.
    async fn time(&self) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        Ok(None)
    }
}
