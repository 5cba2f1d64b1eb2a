//! The statement that records the outcomes of sends.

use maintenance_core::{Recorded, RepositoryError, SendRecord};
use sqlx::Row as _;
use uuid::Uuid;

use super::{
    convert::{column, integer},
    events::follower_sql,
    mirror::{free_sql, mirrored_sql, owes_mirror_sql},
    source::{Query, Source, repository_error},
};
use crate::{
    columns::{early_columns, events_end_sql, insert_events_sql},
    decode,
    outcomes::{Outcome, waves},
};

/// Applies outcomes as `Notification::apply_outcome` does, mirrors the messages into their requests, and
/// returns the number of outcomes that counted with the kept webhook updates of the messages' provider ids.
///
/// `held` locks the messages in the order of their ids, so that two batches at once can't deadlock. It does so in a
/// subquery, for the reason that `free` gives.
pub(super) const RECORD_OUTCOMES: &str = concat!(
    "
    with input as (
        select o.id, o.lease, o.attempts, o.at, o.kind, o.provider_message_id, o.due_at, o.error_code,
               o.error_text
          from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::timestamptz[], $5::text[], $6::text[],
                      $7::timestamptz[], $8::text[], $9::text[])
               as o (id, lease, attempts, at, kind, provider_message_id, due_at, error_code, error_text)
    ), held as (
        select l.*
          from (select n.id, n.organization_id, n.channel, n.request_id, n.status as was,
                       coalesce(n.lease = o.lease, false) as leased, o.attempts, o.at, o.kind,
                       o.provider_message_id, o.due_at, o.error_code, o.error_text
                  from input o
                  join maintenance_notifications n on n.id = o.id and (n.lease = o.lease or o.kind = 'sent')
                 order by n.id
                   for update of n) l
    ), newest as (
        select r.id, h.id as notification_id
          from held h
          join maintenance_requests r on r.id = h.request_id and r.notification_id = h.id
         where h.kind in ('sent', 'failed')
    ), ",
    free_sql!("select id from newest"),
    ", moved as (
        update maintenance_notifications n
           set lease    = case when o.leased then null else n.lease end,
               claims   = case when o.leased then 0 else n.claims end,
               attempts = greatest(n.attempts, o.attempts),
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
                                 else coalesce(o.error_text, n.error_text) end,
               mirror_owed = ",
    owes_mirror_sql!(),
    "
          from held o
         where n.id = o.id
        returning n.id, n.request_id, n.status, n.provider_message_id
    ), ",
    mirrored_sql!(),
    ", named as (
        insert into maintenance_notification_sends (provider_message_id, channel, notification_id, attempt, at)
        select o.provider_message_id, o.channel, o.id, o.attempts, o.at
          from held o
         where o.kind = 'sent'
        on conflict (provider_message_id, channel) do nothing
    ), ",
    follower_sql!(),
    ", happened as (
        ",
    insert_events_sql!(),
    "(select h.id as about, case h.kind when 'sent' then 'told' else 'failed' end as kind, h.organization_id,
                       h.request_id, h.at
                  from held h
                 where h.kind = 'sent' or h.kind = 'failed' and h.was = 'pending')",
    events_end_sql!("follower"),
    "
    )
    select (select count(*) from moved), ",
    early_columns!(),
    "
      from (values (1)) one
      left join (select ",
    early_columns!(),
    "
                   from held h
                   join maintenance_early_deliveries e
                     on e.provider_message_id = h.provider_message_id and e.channel = h.channel) e on true"
);

/// Records the outcomes. Several outcomes of one notification are applied one after the other.
pub(super) async fn record(source: &Source<'_>, records: &[SendRecord]) -> Result<Recorded, RepositoryError> {
    let mut connection = source.connection().await?;
    let mut recorded = Recorded::default();
    for wave in waves(records) {
        let rows = connection.fetch_all(bind(&wave)).await?;
        for (n, row) in rows.iter().enumerate() {
            if n == 0 {
                let counted: i64 = row.try_get(0).map_err(repository_error)?;
                recorded.counted += usize::try_from(counted).unwrap_or_default();
            }
            recorded.early.extend(decode::early_or_none(row, 1)?);
        }
    }
    Ok(recorded)
}

fn bind(outcomes: &[Outcome]) -> Query {
    sqlx::query(RECORD_OUTCOMES)
        .bind(column(outcomes, |outcome| outcome.id.uuid()))
        .bind(column(outcomes, |outcome| Uuid::from(outcome.lease)))
        .bind(column(outcomes, |outcome| integer(outcome.attempts)))
        .bind(column(outcomes, |outcome| outcome.at))
        .bind(column(outcomes, |outcome| outcome.kind))
        .bind(column(outcomes, |outcome| outcome.provider_message_id.clone()))
        .bind(column(outcomes, |outcome| outcome.due_at))
        .bind(column(outcomes, |outcome| outcome.error_code.clone()))
        .bind(column(outcomes, |outcome| outcome.error_text.clone()))
}
