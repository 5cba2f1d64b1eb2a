//! Messages from phones.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    Channel, InboundClaim, InboundRepository, InboundSettlement, KeptInbound, KnownRenter, Listing,
    Notification, NotificationId, OptOut, OrganizationId, PhoneNumber, RenterId, RepositoryError, RequestId,
    Sender, Worker, WorkerId,
};
use tracing::instrument;

use super::{
    SqliteRepository,
    convert::{id, time},
    renters,
    script::{Query, Script, script},
};
use crate::{
    columns::{inbound_columns, notification_columns, worker_columns},
    decode, encode,
    storable::clamp_to_storable,
};

/// `$1` is the rows as a JSON array.
const KEEP: &str = concat!(
    "
    insert into maintenance_inbound
           (",
    inbound_columns!(named),
    ")
    select ",
    inbound_columns!(json "value"),
    "
      from json_each($1)
     where true
    on conflict (provider_message_id, channel) do nothing"
);

/// The CTE `due`: what `InboundClaim::choose` says, in no order. `senders` finds each sender who has anything open by one look
/// into the index for each, so that a flood of one isn't read.
macro_rules! due_sql {
    () => {
        "
    with recursive channels (channel) as (
        select min(channel) from maintenance_inbound where applied_at is null
        union all
        select (select min(channel) from maintenance_inbound where applied_at is null and channel > c.channel)
          from channels c
         where c.channel is not null
    ), senders (channel, sender) as (
        select c.channel, (select min(sender) from maintenance_inbound
                            where applied_at is null and channel = c.channel)
          from channels c
         where c.channel is not null
        union all
        select s.channel, (select min(sender) from maintenance_inbound
                            where applied_at is null and channel = s.channel and sender > s.sender)
          from senders s
         where s.sender is not null
    ), first_due (id) as (
        select (select id from maintenance_inbound
                 where applied_at is null and channel = s.channel and sender = s.sender and due_at <= $3
                 order by sent_at, received_at, id
                 limit 1)
          from senders s
         where s.sender is not null
           and not exists (select 1 from maintenance_inbound
                            where applied_at is null and channel = s.channel and sender = s.sender
                              and lease is not null and due_at > $3)
    ), due as (
        select i.id, i.due_at, i.sent_at
          from first_due f
          join maintenance_inbound i on i.id = f.id
         order by i.due_at, i.sent_at, i.id
         limit $4
    )"
    };
}

/// Reads the due messages, and then takes a lease on them: both statements see the same rows, since they run in one
/// transaction. So it reads them as they were before the claim; [`taken`] makes the difference.
///
/// Parameters: `$1` the lease, `$2` its end, `$3` the time now, `$4` the limit.
const CLAIM: Script = script!(
    due_sql!(),
    "
    select ",
    inbound_columns!(of "i"),
    ",
           exists (select 1 from maintenance_inbound w
                    where w.applied_at is null and w.channel = i.channel and w.sender = i.sender and w.id <> i.id
                      and w.asked_at is not null and w.due_at > $3)
      from due d
      join maintenance_inbound i on i.id = d.id
     order by d.due_at, d.sent_at, d.id;
    ",
    due_sql!(),
    "
    update maintenance_inbound
       set lease = $1, due_at = $2, claims = min(claims, 2147483646) + 1
     where id in (select id from due)"
);

const ANY_OPEN: &str = "select 1 from maintenance_inbound where applied_at is null limit 1";

/// Settles a message, whose settlement is the JSON object of the parameter, if its lease holds; the start of a condition.
macro_rules! settle_sql {
    ($settlement:literal) => {
        concat!(
            "update maintenance_inbound
       set lease = null,
           applied_at      = ",
            $settlement,
            " ->> 'applied_at',
           outcome         = ",
            $settlement,
            " ->> 'outcome',
           payload         = coalesce(",
            $settlement,
            " ->> 'payload', payload),
           due_at          = coalesce(",
            $settlement,
            " ->> 'due_at', due_at),
           asked_at        = coalesce(asked_at, ",
            $settlement,
            " ->> 'asked_at'),
           organization_id = coalesce(",
            $settlement,
            " ->> 'organization_id', organization_id),
           request_id      = coalesce(",
            $settlement,
            " ->> 'request_id', request_id)
     where id = ",
            $settlement,
            " ->> 'id' and lease = ",
            $settlement,
            " ->> 'lease' and applied_at is null"
        )
    };
}
pub(super) use settle_sql;

/// `$1` is the settlement as a JSON object, `$2` the answer as a JSON array of one row or none.
const SETTLE: Script = script!(
    settle_sql!("$1"),
    "
    returning id;

    insert into maintenance_notifications
           (",
    notification_columns!(named),
    ")
    select ",
    notification_columns!(json "value"),
    "
      from json_each($2)
     where changes() > 0
    on conflict (id) do nothing"
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

/// Parameters: `$1` the channel, `$2` the numbers as a JSON array, `$3` the sender's number in digits, `$4` the provider's id
/// of them.
const WORKERS_OF_SENDER: &str = concat!(
    "select ",
    worker_columns!(of "w"),
    "
      from maintenance_workers w
     where w.id in (select id from maintenance_workers where phone_number in (select value from json_each($2))
                     union
                    select worker_id from maintenance_worker_channels where channel = $1 and wa_id = $3
                     union
                    select worker_id from maintenance_worker_channels where channel = $1 and user_id = $4)
     order by w.id"
);

/// Parameters: `$1` the worker, `$2` the channel, `$3` the sender's number in digits, `$4` the provider's id of them, `$5` the
/// time.
const HEARD: &str = "
    insert into maintenance_worker_channels as k (worker_id, channel, wa_id, user_id, last_inbound)
    values ($1, $2, $3, $4, $5)
    on conflict (worker_id, channel) do update
       set wa_id = coalesce(excluded.wa_id, k.wa_id), user_id = coalesce(excluded.user_id, k.user_id),
           last_inbound = coalesce(max(k.last_inbound, excluded.last_inbound), k.last_inbound, excluded.last_inbound)";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    KEEP,
    CLAIM.transaction,
    CLAIM.savepoint,
    ANY_OPEN,
    SETTLE.transaction,
    SETTLE.savepoint,
    RELEASE,
    SENT_MESSAGE,
    WORKERS_OF_SENDER,
    HEARD,
];

#[async_trait]
impl InboundRepository for SqliteRepository<'_> {
    #[instrument(level = "debug", skip_all, fields(messages = messages.len()))]
    async fn keep_inbound(&self, messages: &[KeptInbound]) -> Result<u64, RepositoryError> {
        let rows = encode::rows(messages.iter().map(encode::kept_inbound));
        self.source.execute(sqlx::query(KEEP).bind(rows)).await
    }

    #[instrument(level = "debug", skip_all, fields(lease = %claim.lease, limit = claim.limit))]
    async fn claim_inbound(&self, claim: &InboundClaim) -> Result<Listing<KeptInbound>, RepositoryError> {
        // Most polls find nothing, and need not wait for their turn to write.
        if self.source.rows(sqlx::query(ANY_OPEN)).await?.is_empty() {
            return Ok(Listing::default());
        }
        let bind = |query: Query| {
            query.bind(id(claim.lease)).bind(time(claim.until)).bind(time(claim.now)).bind(claim.limit)
        };
        let rows = self.source.write(&CLAIM, bind).await?;
        Ok(rows.iter().map(|row| decode::kept_inbound(row).map(|kept| taken(kept, claim))).collect())
    }

    #[instrument(level = "debug", skip_all, fields(message = %settlement.id))]
    async fn settle_inbound(&self, settlement: &InboundSettlement) -> Result<bool, RepositoryError> {
        let bind = |query: Query| {
            query
                .bind(encode::settlement(settlement))
                .bind(encode::rows(settlement.answer.iter().map(encode::notification)))
        };
        Ok(!self.source.write(&SETTLE, bind).await?.is_empty())
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
            .bind(id(organization))
            .bind(id(request))
            .bind(time(now));
        self.source.execute(query).await
    }

    #[instrument(level = "debug", skip_all)]
    async fn sent_message(
        &self,
        channel: &Channel,
        provider_message_id: &str,
    ) -> Result<Option<Notification>, RepositoryError> {
        let query =
            sqlx::query(SENT_MESSAGE).bind(channel.as_str().to_owned()).bind(provider_message_id.to_owned());
        self.source.read(query, decode::notification).await
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
            .bind(encode::rows(numbers))
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
            .bind(id(worker))
            .bind(channel.as_str().to_owned())
            .bind(from.wa_id.clone())
            .bind(from.user_id.clone())
            .bind(time(at));
        self.source.execute(query).await.map(drop)
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

/// The message as the claim leaves it.
fn taken(mut kept: KeptInbound, claim: &InboundClaim) -> KeptInbound {
    kept.lease = Some(claim.lease);
    kept.due_at = clamp_to_storable(claim.until);
    kept.claims = kept.claims.saturating_add(1);
    kept
}
