//! Who was reached under which ids, and the renters who want no news.

use chrono::{DateTime, Utc};
use maintenance_core::{
    Channel, KnownRenter, Listing, NotificationId, OptOut, OrganizationId, PhoneNumber, RenterId,
    RepositoryError, Sender,
};

use super::{
    convert::column,
    source::{Source, repository_error},
};
use crate::{decode, storable::clamp_to_storable};

/// What is known already isn't written again. Parameters, one of each per message: `$1` the messages, `$2` the recipients'
/// numbers in digits, `$3` the provider's ids of them.
const REACHED: &str = "
    with told as materialized (
        select n.worker_id, n.organization_id, n.renter_id, n.channel, n.request_id, n.created_at, i.wa_id, i.user_id
          from unnest($1::uuid[], $2::text[], $3::text[]) i (id, wa_id, user_id)
          join maintenance_notifications n on n.id = i.id
    ), known_worker as (
        insert into maintenance_worker_channels as k (worker_id, channel, wa_id, user_id)
        select distinct on (worker_id, channel) worker_id, channel, wa_id, user_id
          from told
         where worker_id is not null
         order by worker_id, channel
        on conflict (worker_id, channel) do update
           set wa_id = coalesce(excluded.wa_id, k.wa_id), user_id = coalesce(excluded.user_id, k.user_id)
         where (coalesce(excluded.wa_id, k.wa_id), coalesce(excluded.user_id, k.user_id))
               is distinct from (k.wa_id, k.user_id)
        returning 1
    ), known_renter as (
        insert into maintenance_renter_channels as k
               (organization_id, renter_id, channel, request_id, wa_id, user_id)
        select distinct on (organization_id, renter_id, channel)
               organization_id, renter_id, channel, request_id, wa_id, user_id
          from told
         where renter_id is not null
         order by organization_id, renter_id, channel, created_at desc
        on conflict (organization_id, renter_id, channel) do update
           set request_id = excluded.request_id,
               wa_id = coalesce(excluded.wa_id, k.wa_id), user_id = coalesce(excluded.user_id, k.user_id)
         where (excluded.request_id, coalesce(excluded.wa_id, k.wa_id), coalesce(excluded.user_id, k.user_id))
               is distinct from (k.request_id, k.wa_id, k.user_id)
        returning 1
    )
    select (select count(*) from known_worker) + (select count(*) from known_renter)";

/// Parameters: `$1` the channel, `$2` the numbers in digits, `$3` the provider's id of the sender.
const RENTERS_OF_SENDER: &str = "
    select organization_id, renter_id, request_id
      from maintenance_renter_channels
     where channel = $1 and wa_id = any ($2)
     union
    select organization_id, renter_id, request_id
      from maintenance_renter_channels
     where channel = $1 and user_id = $3
     order by organization_id, renter_id";

/// Parameters: `$1` the organisation, `$2` the renter, `$3` the channel, `$4` the request, `$5` the sender's number in
/// digits, `$6` the provider's id of them, `$7` the time.
const RENTER_HEARD: &str = "
    with known as (
        insert into maintenance_renter_channels as k
               (organization_id, renter_id, channel, request_id, wa_id, user_id, last_inbound)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (organization_id, renter_id, channel) do update
           set wa_id = coalesce(excluded.wa_id, k.wa_id), user_id = coalesce(excluded.user_id, k.user_id),
               last_inbound = greatest(k.last_inbound, excluded.last_inbound)
        returning 1
    )
    select count(*) from known";

/// Parameters: `$1` the organisation, `$2` the renter, `$3` the channel or null, `$4` the time.
const OPT_OUT: &str = "
    with kept as (
        insert into maintenance_opt_outs as o (organization_id, renter_id, channel, at)
        values ($1, $2, $3, $4)
        on conflict (organization_id, renter_id) do update set at = least(o.at, excluded.at)
        returning renter_id, at
    )
    select renter_id, at from kept";

/// Parameters: `$1` the organisation, `$2` the renter.
const OPT_IN: &str = "delete from maintenance_opt_outs where organization_id = $1 and renter_id = $2";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[REACHED, RENTERS_OF_SENDER, RENTER_HEARD, OPT_OUT, OPT_IN];

pub(super) async fn reached(
    source: &Source<'_>,
    reached: &[(NotificationId, Sender)],
) -> Result<(), RepositoryError> {
    let query = sqlx::query(REACHED)
        .bind(column(reached, |(message, _)| message.uuid()))
        .bind(column(reached, |(_, sender)| sender.wa_id.clone()))
        .bind(column(reached, |(_, sender)| sender.user_id.clone()));
    source.connection().await?.fetch_value::<i64>(query).await.map(drop)
}

pub(super) async fn of_sender(
    source: &Source<'_>,
    channel: &Channel,
    from: &Sender,
    numbers: &[PhoneNumber],
) -> Result<Listing<KnownRenter>, RepositoryError> {
    let query = sqlx::query(RENTERS_OF_SENDER)
        .bind(channel.as_str().to_owned())
        .bind(column(numbers, |number| number.digits().to_owned()))
        .bind(from.user_id.clone());
    source.list(query, decode::known_renter).await
}

pub(super) async fn heard(
    source: &Source<'_>,
    renter: &KnownRenter,
    channel: &Channel,
    from: &Sender,
    at: DateTime<Utc>,
) -> Result<(), RepositoryError> {
    let query = sqlx::query(RENTER_HEARD)
        .bind(renter.organization_id.uuid())
        .bind(renter.renter_id.uuid())
        .bind(channel.as_str().to_owned())
        .bind(renter.request_id.uuid())
        .bind(from.wa_id.clone())
        .bind(from.user_id.clone())
        .bind(clamp_to_storable(at));
    source.connection().await?.fetch_value::<i64>(query).await.map(drop)
}

pub(super) async fn opt_out(source: &Source<'_>, opt_out: &OptOut) -> Result<DateTime<Utc>, RepositoryError> {
    let query = sqlx::query(OPT_OUT)
        .bind(opt_out.organization_id.uuid())
        .bind(opt_out.renter_id.uuid())
        .bind(opt_out.channel.as_ref().map(|channel| channel.as_str().to_owned()))
        .bind(clamp_to_storable(opt_out.at));
    let since = source.connection().await?.read(query, decode::opted_out_at).await?;
    since.ok_or_else(|| repository_error(sqlx::Error::RowNotFound))
}

pub(super) async fn opt_in(
    source: &Source<'_>,
    organization: OrganizationId,
    renter: RenterId,
) -> Result<bool, RepositoryError> {
    let query = sqlx::query(OPT_IN).bind(organization.uuid()).bind(renter.uuid());
    Ok(source.connection().await?.execute(query).await? > 0)
}
