//! The statements that claim due messages, and that defer them.

use std::time::Duration;

use maintenance_core::{Claim, Claimed, Deferral, Listing, RepositoryError};

use super::{
    convert::{id, time},
    script::{Query, Script, script},
    source::Source,
};
use crate::{
    columns::{notification_columns, request_columns},
    decode, encode,
    order::urgency,
    storable::clamp_to_storable,
};

/// The due messages of one priority of the taker `t`, read in the index's order and up to so many, so that messages which
/// aren't due yet are never read.
macro_rules! due_of_sql {
    ($most:literal, $priority:literal, $urgency:literal) => {
        concat!(
            "select * from (select id from maintenance_notifications
              where status = 'pending' and channel = t.channel and organization_id = t.organization_id
                and priority = '",
            $priority,
            "' and due_at <= $3 and ",
            $urgency,
            " >= ",
            urgency!(place_of "$5"),
            " order by due_at, id limit ",
            $most,
            ")"
        )
    };
}
macro_rules! next_of_sql {
    ($priority:literal, $urgency:literal) => {
        due_of_sql!("1", $priority, $urgency)
    };
}
macro_rules! turns_of_sql {
    ($priority:literal, $urgency:literal) => {
        due_of_sql!("(select turns from share)", $priority, $urgency)
    };
}

/// The CTE `due`: what `Claim::choose` says, in no order. `channels` and `takers` find each channel's organisations that
/// have anything waiting, by one look into the index for each; a channel that rests is left out before. `turns` reads the
/// first messages of each that has something due.
macro_rules! due_sql {
    () => {
        concat!(
            "
    with recursive channels (channel) as (
        select min(channel) from maintenance_notifications where status = 'pending'
        union all
        select (select min(channel) from maintenance_notifications
                 where status = 'pending' and channel > c.channel)
          from channels c
         where c.channel is not null
    ), takers (channel, organization_id) as (
        select c.channel, (select min(organization_id) from maintenance_notifications
                            where status = 'pending' and channel = c.channel)
          from channels c
         where c.channel is not null and c.channel not in (select value from json_each($6))
        union all
        select t.channel, (select min(organization_id) from maintenance_notifications
                            where status = 'pending' and channel = t.channel
                              and organization_id > t.organization_id)
          from takers t
         where t.organization_id is not null
    ), due_takers as materialized (
        select t.channel, t.organization_id, t.channel in (select value from json_each($7)) as tries
          from takers t
         where t.organization_id is not null and exists (",
            urgency!(union_all next_of_sql),
            ")
    ), share (turns) as materialized (
        select min($4, (4 * $4 - 1) / max(count(distinct channel || iif(tries, '', ' ' || organization_id)), 1) + 1)
          from due_takers
    ), turns as (
        select n.id, n.due_at, t.tries, ",
            urgency!(place_of "n.priority"),
            " as urgency,
               row_number() over (partition by t.channel, iif(t.tries, '', t.organization_id)
                                  order by ",
            urgency!(place_of "n.priority"),
            " desc, n.due_at, n.id) as turn
          from due_takers t
          join json_each(iif(t.tries,
                  (select json_group_array(id) from (",
            urgency!(union_all next_of_sql),
            " limit 1)),
                  (select json_group_array(id) from (",
            urgency!(union_all turns_of_sql),
            " limit (select turns from share))))) of_taker
          join maintenance_notifications n on n.id = of_taker.value
    ), due as (
        select id, turn, urgency
          from turns
         where turn = 1 or not tries
         order by turn, urgency desc, due_at, id
         limit $4
    )"
        )
    };
}

/// Reads the due messages with what their sends need, and then takes a lease on them. Both statements see the
/// same rows, since they run in one transaction.
///
/// The read comes first, since after the update neither the due messages nor their order could be found
/// again, and `returning` can't join other tables. So it reads the messages as they were before the claim;
/// see [`taken`].
///
/// `content_at` keeps as of which change of its request the message is sent. What a worker was told before a change
/// (the last column) is decided by it: an assignment message that `went_out` and `stands`, as none that took it back
/// went out since.
///
/// Parameters: `$1` the lease, `$2` its end, `$3` the time now, `$4` the limit, `$5` the least priority, `$6` the channels
/// that rest and `$7` those that are tried, each as a JSON array.
pub(super) const CLAIM: Script = script!(
    due_sql!(),
    "
    select ",
    notification_columns!(of "n"),
    ", ",
    request_columns!(of "r"),
    ", w.id, w.phone_number, w.status,
           iif(n.kind in ('withdrawn', 'changed', 'news'),
               not exists (select 1 from maintenance_notifications x
                            where x.request_id = n.request_id and x.kind = n.kind
                              and x.worker_id is n.worker_id and x.renter_id is n.renter_id
                              and (x.created_at, x.id) > (n.created_at, n.id)),
               r.notification_id is n.id),
           iif(n.kind in ('withdrawn', 'changed'),
               (select case when n.kind = 'changed' and max(a.status = 'pending') then 0
                            when n.kind = 'changed' and max(a.went_out and a.content_at >= n.created_at) then null
                            when max(a.went_out and a.stands) then 1
                            when max(a.status = 'pending' and a.stands) then 0 end
                  from (select a.status, a.content_at,
                               a.status in ('sent', 'delivered', 'read') or a.attempts > 0 as went_out,
                               not exists (select 1 from maintenance_notifications x
                                            where x.request_id = n.request_id and x.worker_id = n.worker_id
                                              and x.kind = 'withdrawn' and x.id <> n.id
                                              and x.created_at > a.created_at
                                              and (x.status in ('sent', 'delivered', 'read') or x.attempts > 0))
                               as stands
                          from maintenance_notifications a
                         where a.request_id = n.request_id and a.worker_id = n.worker_id
                           and a.kind = 'assignment') a),
               null),
           coalesce(k.last_inbound, rk.last_inbound),
           iif(n.answer = 'which_one',
               (select json_group_array(json_array(o.id, o.number, o.title))
                  from (select id, number, title
                          from maintenance_requests
                         where assigned_worker_id = n.worker_id and status in ('pending', 'in_progress')
                         order by created_at desc, id desc
                         limit 10) o),
               null),
           exists (select 1 from maintenance_opt_outs o
                    where o.organization_id = n.organization_id and o.renter_id = n.renter_id)
      from due d
      join maintenance_notifications n on n.id = d.id
      left join maintenance_requests r on r.id = n.request_id
      left join maintenance_workers  w on w.id = n.worker_id
      left join maintenance_worker_channels k on k.worker_id = n.worker_id and k.channel = n.channel
      left join maintenance_renter_channels rk
             on rk.organization_id = n.organization_id and rk.renter_id = n.renter_id and rk.channel = n.channel
     order by d.turn, d.urgency desc, n.due_at, n.id;
    ",
    due_sql!(),
    "
    update maintenance_notifications
       set lease = $1, due_at = $2, claims = min(claims, 2147483646) + 1,
           content_at = (select r.updated_at from maintenance_requests r where r.id = request_id)
     where id in (select id from due)"
);

/// Defers the due messages to one recipient, one after the other. SQLite's own times have milliseconds.
///
/// Parameters: `$1` the worker or null, `$2` the time now, `$3` the time at which the first message becomes due
/// again, in seconds since 1970, `$4` the seconds between two messages, `$5` the limit, `$6` the renter or null.
pub(super) const DEFER: &str = concat!(
    "
    update maintenance_notifications as n
       set due_at = strftime('%Y-%m-%dT%H:%M:%f', $3 + $4 * p.place, 'unixepoch') || '000Z'
      from (select id, row_number() over (order by urgency desc, due_at, id) - 1 as place
              from (select id, due_at, ",
    urgency!(place_of "priority"),
    " as urgency
                      from maintenance_notifications
                     where status = 'pending' and worker_id is $1 and renter_id is $6 and due_at <= $2
                     order by urgency desc, due_at, id
                     limit $5)) p
     where n.id = p.id"
);

pub(super) async fn claim(source: &Source<'_>, claim: &Claim) -> Result<Listing<Claimed>, RepositoryError> {
    let bind = |query: Query| {
        query
            .bind(id(claim.lease))
            .bind(time(claim.until))
            .bind(time(claim.now))
            .bind(claim.limit)
            .bind(claim.at_least.as_str())
            .bind(encode::rows(&claim.resting))
            .bind(encode::rows(&claim.trying))
    };
    let rows = source.write(&CLAIM, bind).await?;
    Ok(rows.iter().map(|row| decode::claimed(row).map(|due| taken(due, claim))).collect())
}

/// The message as the claim leaves it.
fn taken(mut claimed: Claimed, claim: &Claim) -> Claimed {
    let message = &mut claimed.notification;
    message.lease = Some(claim.lease);
    message.due_at = clamp_to_storable(claim.until);
    message.claims = message.claims.saturating_add(1);
    claimed
}

/// Returns the number of deferred messages.
pub(super) async fn defer(source: &Source<'_>, deferral: Deferral) -> Result<u64, RepositoryError> {
    let first = Duration::from_micros(u64::try_from(deferral.first.timestamp_micros()).unwrap_or_default());
    let query = sqlx::query(DEFER)
        .bind(deferral.to.worker().map(id))
        .bind(time(deferral.now))
        .bind(first.as_secs_f64())
        .bind(deferral.every.as_secs_f64())
        .bind(deferral.limit)
        .bind(deferral.to.renter().map(id));
    source.execute(query).await
}
