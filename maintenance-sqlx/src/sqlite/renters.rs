//! Who was reached under which ids, and the renters who want no news.

use chrono::{DateTime, Utc};
use maintenance_core::{
    Channel, KnownRenter, Listing, NotificationId, OptOut, OrganizationId, PhoneNumber, RenterId,
    RepositoryError, Sender,
};

use super::{
    convert::{id, time},
    script::{Query, Script, script},
    source::{Source, repository_error},
};
use crate::{decode, encode};

/// What is known already isn't written again. `$1` is a JSON array per message: its id, the recipient's number in digits, and
/// the provider's id of them.
const REACHED: Script = script!(
    "
    insert into maintenance_worker_channels as k (worker_id, channel, wa_id, user_id)
    select n.worker_id, n.channel, i.value ->> 1, i.value ->> 2
      from json_each($1) i
      join maintenance_notifications n on n.id = i.value ->> 0
     where n.worker_id is not null
    on conflict (worker_id, channel) do update
       set wa_id = coalesce(excluded.wa_id, k.wa_id), user_id = coalesce(excluded.user_id, k.user_id)
     where (coalesce(excluded.wa_id, k.wa_id), coalesce(excluded.user_id, k.user_id)) is not (k.wa_id, k.user_id);

    insert into maintenance_renter_channels as k
           (organization_id, renter_id, channel, request_id, wa_id, user_id)
    select n.organization_id, n.renter_id, n.channel, n.request_id, i.value ->> 1, i.value ->> 2
      from json_each($1) i
      join maintenance_notifications n on n.id = i.value ->> 0
     where n.renter_id is not null
     order by n.created_at, n.id
    on conflict (organization_id, renter_id, channel) do update
       set request_id = excluded.request_id,
           wa_id = coalesce(excluded.wa_id, k.wa_id), user_id = coalesce(excluded.user_id, k.user_id)
     where (excluded.request_id, coalesce(excluded.wa_id, k.wa_id), coalesce(excluded.user_id, k.user_id))
           is not (k.request_id, k.wa_id, k.user_id)"
);

/// Parameters: `$1` the channel, `$2` the numbers in digits as a JSON array, `$3` the provider's id of the sender.
const RENTERS_OF_SENDER: &str = "
    select organization_id, renter_id, request_id
      from maintenance_renter_channels
     where channel = $1 and wa_id in (select value from json_each($2))
     union
    select organization_id, renter_id, request_id
      from maintenance_renter_channels
     where channel = $1 and user_id = $3
     order by organization_id, renter_id";

/// Parameters: `$1` the organisation, `$2` the renter, `$3` the channel, `$4` the request, `$5` the sender's number in
/// digits, `$6` the provider's id of them, `$7` the time.
const RENTER_HEARD: &str = "
    insert into maintenance_renter_channels as k
           (organization_id, renter_id, channel, request_id, wa_id, user_id, last_inbound)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (organization_id, renter_id, channel) do update
       set wa_id = coalesce(excluded.wa_id, k.wa_id), user_id = coalesce(excluded.user_id, k.user_id),
           last_inbound = max(coalesce(k.last_inbound, excluded.last_inbound), excluded.last_inbound)";

/// Parameters: `$1` the organisation, `$2` the renter, `$3` the channel or null, `$4` the time.
const OPT_OUT: Script = script!(
    "
    insert into maintenance_opt_outs as o (organization_id, renter_id, channel, at)
    values ($1, $2, $3, $4)
    on conflict (organization_id, renter_id) do update set at = min(o.at, excluded.at)
    returning renter_id, at"
);

/// Parameters: `$1` the organisation, `$2` the renter.
const OPT_IN: &str = "delete from maintenance_opt_outs where organization_id = $1 and renter_id = $2";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    REACHED.transaction,
    REACHED.savepoint,
    RENTERS_OF_SENDER,
    RENTER_HEARD,
    OPT_OUT.transaction,
    OPT_OUT.savepoint,
    OPT_IN,
];

pub(super) async fn reached(
    source: &Source<'_>,
    reached: &[(NotificationId, Sender)],
) -> Result<(), RepositoryError> {
    let row = |(message, sender): &(NotificationId, Sender)| {
        [Some(id(*message)), sender.wa_id.clone(), sender.user_id.clone()]
    };
    let rows = encode::rows(reached.iter().map(row));
    source.write(&REACHED, |query: Query| query.bind(rows)).await.map(drop)
}

pub(super) async fn of_sender(
    source: &Source<'_>,
    channel: &Channel,
    from: &Sender,
    numbers: &[PhoneNumber],
) -> Result<Listing<KnownRenter>, RepositoryError> {
    let query = sqlx::query(RENTERS_OF_SENDER)
        .bind(channel.as_str().to_owned())
        .bind(encode::rows(numbers.iter().map(PhoneNumber::digits)))
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
        .bind(id(renter.organization_id))
        .bind(id(renter.renter_id))
        .bind(channel.as_str().to_owned())
        .bind(id(renter.request_id))
        .bind(from.wa_id.clone())
        .bind(from.user_id.clone())
        .bind(time(at));
    source.execute(query).await.map(drop)
}

pub(super) async fn opt_out(source: &Source<'_>, opt_out: &OptOut) -> Result<DateTime<Utc>, RepositoryError> {
    let bind = |query: Query| {
        query
            .bind(id(opt_out.organization_id))
            .bind(id(opt_out.renter_id))
            .bind(opt_out.channel.as_ref().map(|channel| channel.as_str().to_owned()))
            .bind(time(opt_out.at))
    };
    let rows = source.write(&OPT_OUT, bind).await?;
    let first = rows.first().ok_or_else(|| repository_error(sqlx::Error::RowNotFound))?;
    decode::opted_out_at(first)
}

pub(super) async fn opt_in(
    source: &Source<'_>,
    organization: OrganizationId,
    renter: RenterId,
) -> Result<bool, RepositoryError> {
    let query = sqlx::query(OPT_IN).bind(id(organization)).bind(id(renter));
    Ok(source.execute(query).await? > 0)
}
