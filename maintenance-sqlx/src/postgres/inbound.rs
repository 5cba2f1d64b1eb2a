//! Messages from phones.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    Channel, InboundClaim, InboundRepository, InboundSettlement, KeptInbound, KnownRenter, Listing,
    Notification, NotificationId, OptOut, OrganizationId, PhoneNumber, RenterId, RepositoryError, RequestId,
    Sender, Worker, WorkerId,
};
use tracing::instrument;

use super::{PgRepository, convert::column, renters};
use crate::{
    columns::{inbound_columns, notification_columns, worker_columns},
    decode, encode,
    storable::clamp_to_storable,
};

/// `$1` is the rows as a JSON array.
const KEEP: &str = concat!(
    "
    with added as (
        insert into maintenance_inbound
               (",
    inbound_columns!(named),
    ")
        select ",
    inbound_columns!(of "i"),
    "
          from json_populate_recordset(null::maintenance_inbound, $1::text::json) i
        on conflict (provider_message_id, channel) do nothing
        returning 1
    )
    select count(*) from added"
);

/// Takes what `InboundClaim::choose` says. Parameters: `$1` the lease, `$2` its end, `$3` the time now, `$4` the limit.
///
/// `sender` finds each sender who has anything open by one look into the index for each, so that a flood of one isn't read.
/// `due` locks what is taken and no more; what another claim has locked is skipped.
const CLAIM: &str = concat!(
    "
    with recursive sender as (
        (select channel, sender
           from maintenance_inbound
          where applied_at is null
          order by channel, sender
          limit 1)
        union all
        select n.channel, n.sender
          from sender s
         cross join lateral (
               select channel, sender
                 from maintenance_inbound
                where applied_at is null and (channel, sender) > (s.channel, s.sender)
                order by channel, sender
                limit 1) n
    ), first_due as (
        select f.id, f.due_at, f.sent_at
          from sender s
         cross join lateral (
               select id, due_at, sent_at
                 from maintenance_inbound
                where applied_at is null and channel = s.channel and sender = s.sender and due_at <= $3
                order by sent_at, received_at, id
                limit 1) f
         where not exists (select from maintenance_inbound
                            where applied_at is null and channel = s.channel and sender = s.sender
                              and lease is not null and due_at > $3)
    ), due as (
        select c.id, c.due_at, c.sent_at
          from (select id, due_at, sent_at from first_due order by due_at, sent_at, id) c
         cross join lateral (
               select
                 from maintenance_inbound
                where id = c.id and applied_at is null and due_at <= $3
                  for update skip locked) locked
         limit $4
    ), taken as (
        update maintenance_inbound i
           set lease = $1, due_at = $2, claims = least(i.claims, 2147483646) + 1
          from due
         where i.id = due.id
        returning ",
    inbound_columns!(of "i"),
    ", due.due_at as was_due
    )
    select ",
    inbound_columns!(of "t"),
    ",
           exists (select from maintenance_inbound w
                    where w.applied_at is null and w.channel = t.channel and w.sender = t.sender and w.id <> t.id
                      and w.asked_at is not null and w.due_at > $3)
      from taken t
     order by t.was_due, t.sent_at, t.id"
);

/// Settles a message, whose settlement is the JSON object of the parameter, if its lease holds; the start of a condition.
macro_rules! settle_sql {
    ($settlement:literal) => {
        concat!(
            "update maintenance_inbound
           set lease = null,
               applied_at      = (s.new ->> 'applied_at')::timestamptz,
               outcome         = s.new ->> 'outcome',
               payload         = coalesce(s.new ->> 'payload', payload),
               due_at          = coalesce((s.new ->> 'due_at')::timestamptz, due_at),
               asked_at        = coalesce(asked_at, (s.new ->> 'asked_at')::timestamptz),
               organization_id = coalesce((s.new ->> 'organization_id')::uuid, organization_id),
               request_id      = coalesce((s.new ->> 'request_id')::uuid, request_id)
          from (select ",
            $settlement,
            "::text::json as new) s
         where id = (s.new ->> 'id')::uuid and lease = (s.new ->> 'lease')::uuid and applied_at is null"
        )
    };
}
pub(super) use settle_sql;

/// `$1` is the settlement as a JSON object, `$2` the answer as a JSON array of one row or none.
const SETTLE: &str = concat!(
    "
    with settled as (
        ",
    settle_sql!("$1"),
    "
        returning id
    ), filed_messages as (
        insert into maintenance_notifications
               (",
    notification_columns!(named),
    ")
        select ",
    notification_columns!(of "n"),
    "
          from settled, json_populate_recordset(null::maintenance_notifications, $2::text::json) n
        on conflict (id) do nothing
        returning 1
    )
    select exists (select from settled)"
);

/// Parameters: `$1` the channel, `$2` the sender, `$3` the organisation, `$4` the request, `$5` the time now.
const RELEASE: &str = "
    update maintenance_inbound
       set organization_id = $3, request_id = $4, due_at = $5
     where applied_at is null and channel = $1 and sender = $2 and lease is null and asked_at is not null";

/// `$1` is the channel, `$2` the provider's id.
const SENT_MESSAGE: &str = concat!(
    "select ",
    notification_columns!(of "n"),
    ", r.priority
      from maintenance_notification_sends s
      join maintenance_notifications n on n.id = s.notification_id
      join maintenance_requests r on r.id = n.request_id
     where s.provider_message_id = $2 and s.channel = $1"
);

/// Parameters: `$1` the channel, `$2` the numbers, `$3` the sender's number in digits, `$4` the provider's id of them. Ids
/// are given as an array, since the planner uses no index for an `or` with a subquery.
const WORKERS_OF_SENDER: &str = concat!(
    "select ",
    worker_columns!(of "w"),
    "
      from maintenance_workers w
     where w.phone_number = any ($2)
        or w.id = any (array (select worker_id from maintenance_worker_channels
                               where channel = $1 and wa_id = $3
                              union
                              select worker_id from maintenance_worker_channels
                               where channel = $1 and user_id = $4))
     order by w.id"
);

/// Parameters: `$1` the worker, `$2` the channel, `$3` the sender's number in digits, `$4` the provider's id of them, `$5` the
/// time.
const HEARD: &str = "
    with known as (
        insert into maintenance_worker_channels as k (worker_id, channel, wa_id, user_id, last_inbound)
        values ($1, $2, $3, $4, $5)
        on conflict (worker_id, channel) do update
           set wa_id = coalesce(excluded.wa_id, k.wa_id), user_id = coalesce(excluded.user_id, k.user_id),
               last_inbound = greatest(k.last_inbound, excluded.last_inbound)
        returning 1
    )
    select count(*) from known";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[KEEP, CLAIM, SETTLE, RELEASE, SENT_MESSAGE, WORKERS_OF_SENDER, HEARD];

#[async_trait]
impl InboundRepository for PgRepository<'_> {
    #[instrument(level = "debug", skip_all, fields(messages = messages.len()))]
    async fn keep_inbound(&self, messages: &[KeptInbound]) -> Result<u64, RepositoryError> {
        let rows = encode::rows(messages.iter().map(encode::kept_inbound));
        let kept: i64 = self.source.connection().await?.fetch_value(sqlx::query(KEEP).bind(rows)).await?;
        Ok(u64::try_from(kept).unwrap_or_default())
    }

    #[instrument(level = "debug", skip_all, fields(lease = %claim.lease, limit = claim.limit))]
    async fn claim_inbound(&self, claim: &InboundClaim) -> Result<Listing<KeptInbound>, RepositoryError> {
        let query = sqlx::query(CLAIM)
            .bind(claim.lease.uuid())
            .bind(clamp_to_storable(claim.until))
            .bind(clamp_to_storable(claim.now))
            .bind(i64::from(claim.limit));
        self.source.list(query, decode::kept_inbound).await
    }

    #[instrument(level = "debug", skip_all, fields(message = %settlement.id))]
    async fn settle_inbound(&self, settlement: &InboundSettlement) -> Result<bool, RepositoryError> {
        let query = sqlx::query(SETTLE)
            .bind(encode::settlement(settlement))
            .bind(encode::rows(settlement.answer.iter().map(encode::notification)));
        self.source.connection().await?.fetch_value(query).await
    }

    #[instrument(level = "debug", skip_all)]
    async fn release_inbound(
        &self,
        channel: &Channel,
        from: &Sender,
        (organization, request): (OrganizationId, RequestId),
        now: DateTime<Utc>,
    ) -> Result<u64, RepositoryError> {
        let query = sqlx::query(RELEASE)
            .bind(channel.as_str().to_owned())
            .bind(from.key().to_owned())
            .bind(organization.uuid())
            .bind(request.uuid())
            .bind(clamp_to_storable(now));
        self.source.connection().await?.execute(query).await
    }

    #[instrument(level = "debug", skip_all)]
    async fn sent_message(
        &self,
        channel: &Channel,
        provider_message_id: &str,
    ) -> Result<Option<Notification>, RepositoryError> {
        let query =
            sqlx::query(SENT_MESSAGE).bind(channel.as_str().to_owned()).bind(provider_message_id.to_owned());
        self.source.connection().await?.read(query, decode::notification).await
    }

    #[instrument(level = "debug", skip_all)]
    async fn workers_of_sender(
        &self,
        channel: &Channel,
        from: &Sender,
        numbers: &[PhoneNumber],
    ) -> Result<Listing<Worker>, RepositoryError> {
        let query = sqlx::query(WORKERS_OF_SENDER)
            .bind(channel.as_str().to_owned())
            .bind(column(numbers, |number| number.as_str().to_owned()))
            .bind(from.wa_id.clone())
            .bind(from.user_id.clone());
        self.source.list(query, decode::worker).await
    }

    #[instrument(level = "debug", skip_all, fields(%worker))]
    async fn heard(
        &self,
        worker: WorkerId,
        channel: &Channel,
        from: &Sender,
        at: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        let query = sqlx::query(HEARD)
            .bind(worker.uuid())
            .bind(channel.as_str().to_owned())
            .bind(from.wa_id.clone())
            .bind(from.user_id.clone())
            .bind(clamp_to_storable(at));
        self.source.connection().await?.fetch_value::<i64>(query).await.map(drop)
    }

    #[instrument(level = "debug", skip_all, fields(messages = reached.len()))]
    async fn reached(&self, reached: &[(NotificationId, Sender)]) -> Result<(), RepositoryError> {
        renters::reached(&self.source, reached).await
    }

    #[instrument(level = "debug", skip_all)]
    async fn renters_of_sender(
        &self,
        channel: &Channel,
        from: &Sender,
        numbers: &[PhoneNumber],
    ) -> Result<Listing<KnownRenter>, RepositoryError> {
        renters::of_sender(&self.source, channel, from, numbers).await
    }

    #[instrument(level = "debug", skip_all, fields(renter = %renter.renter_id))]
    async fn renter_heard(
        &self,
        renter: &KnownRenter,
        channel: &Channel,
        from: &Sender,
        at: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        renters::heard(&self.source, renter, channel, from, at).await
    }

    #[instrument(level = "debug", skip_all, fields(renter = %opt_out.renter_id))]
    async fn opt_out(&self, opt_out: &OptOut) -> Result<DateTime<Utc>, RepositoryError> {
        renters::opt_out(&self.source, opt_out).await
    }

    #[instrument(level = "debug", skip_all, fields(%renter))]
    async fn opt_in(&self, organization: OrganizationId, renter: RenterId) -> Result<bool, RepositoryError> {
        renters::opt_in(&self.source, organization, renter).await
    }
}
