//! The statements that claim due messages, and that defer them.

use maintenance_core::{Claim, Claimed, Deferral, Listing, Priority, RepositoryError};

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{
    convert::column,
    source::{Query, Source},
};
use crate::{
    columns::{notification_columns, request_columns},
    decode,
    storable::clamp_to_storable,
};

/// Takes a lease on the messages that `Claim::choose` says, and returns what their sends need.
///
/// Parameters: `$1` the lease, `$2` its end, `$3` the time now, `$4` the priorities, the most urgent first, `$5` the
/// channels that rest, `$6` those that are tried, `$7` the limit.
///
/// `taker` finds each channel's organisations that have anything waiting, by one look into the index for each, and one for
/// a channel that rests. `turn` reads the first messages of each that has something due: each priority by a scan of its
/// own, in the index's order, so that messages which aren't due yet are never read. `due` locks what is taken and no more;
/// what another claim has locked is skipped, and the next in order takes its place. It asks for the status and not for
/// `waiting`: in a plan that is kept from a time when few messages waited, it would read the whole index of due messages
/// for each message that it takes.
///
/// The values are hidden from the planner, and [`with_limit`] writes the limit into the text: then PostgreSQL plans the
/// statement once, and not at each claim.
///
/// `content_at` keeps as of which change of its request the message is sent. What a worker was told before a change
/// (the last column) is decided by it: an assignment message that `went_out` and `stands`, as none that took it back
/// went out since.
pub(super) const CLAIM: &str = concat!(
    "
    with recursive taker as (
        (select channel, organization_id
           from maintenance_notifications
          where waiting
          order by channel, organization_id
          limit 1)
        union all
        select n.channel, n.organization_id
          from taker t
         cross join lateral (
               select channel, organization_id
                 from maintenance_notifications
                where waiting
                  and (channel, organization_id) > (t.channel, case when t.channel = any ((select $5::text[])::text[])
                                                   then 'ffffffff-ffff-ffff-ffff-ffffffffffff'
                                                   else t.organization_id end)
                order by channel, organization_id
                limit 1) n
    ), due_taker as (
        select t.channel, t.organization_id, t.channel = any ((select $6::text[])::text[]) as tries
          from taker t
         where t.channel <> all ((select $5::text[])::text[])
           and exists (select
                         from unnest((select $4::text[])) p (priority)
                        cross join lateral (
                              select
                                from maintenance_notifications
                               where waiting and channel = t.channel and organization_id = t.organization_id
                                 and priority = p.priority and due_at <= (select $3::timestamptz)
                               order by due_at, id
                               limit 1) d)
    ), share as (
        select (4 * $7::bigint - 1)
               / greatest(count(distinct (channel, case when not tries then organization_id end)), 1) + 1 as turns
          from due_taker
    ), turn as (
        select d.id, d.due_at, d.place, t.tries,
               row_number() over (partition by t.channel, case when not t.tries then t.organization_id end
                                  order by d.place, d.due_at, d.id) as turn
          from due_taker t
         cross join lateral (
               select n.id, n.due_at, p.place
                 from unnest((select $4::text[])) with ordinality p (priority, place)
                cross join lateral (
                      select id, due_at
                        from maintenance_notifications
                       where waiting and channel = t.channel and organization_id = t.organization_id
                         and priority = p.priority and due_at <= (select $3::timestamptz)
                       order by due_at, id
                       limit (select turns from share)) n
                limit case when t.tries then 1 else (select turns from share) end) d
    ), due as (
        select c.id, c.due_at, c.place, c.turn
          from (select id, due_at, place, turn
                  from turn
                 where turn = 1 or not tries
                 order by turn, place, due_at, id) c
         cross join lateral (
               select
                 from maintenance_notifications
                where id = c.id and status = 'pending' and due_at <= (select $3::timestamptz)
                  for update skip locked) locked
         limit $7
    ), taken as (
        update maintenance_notifications n
           set lease = $1, due_at = $2, claims = least(n.claims, 2147483646) + 1,
               content_at = (select r.updated_at from maintenance_requests r where r.id = n.request_id)
          from due
         where n.id = due.id
        returning ",
    notification_columns!(of "n"),
    ", due.turn, due.place, due.due_at as was_due
    )
    select ",
    notification_columns!(of "n"),
    ", ",
    request_columns!(of "r"),
    ", w.id, w.phone_number, w.status,
           case when n.kind in ('withdrawn', 'changed', 'news') then
                not exists (select from maintenance_notifications x
                             where x.request_id = n.request_id and x.kind = n.kind
                               and x.worker_id is not distinct from n.worker_id
                               and x.renter_id is not distinct from n.renter_id
                               and (x.created_at, x.id) > (n.created_at, n.id))
           else coalesce(r.notification_id = n.id, false) end,
           case when n.kind in ('withdrawn', 'changed') then
                (select case when n.kind = 'changed' and bool_or(a.status = 'pending') then false
                             when n.kind = 'changed' and bool_or(a.went_out and a.content_at >= n.created_at)
                             then null
                             when bool_or(a.went_out and a.stands) then true
                             when bool_or(a.status = 'pending' and a.stands) then false end
                   from (select a.status, a.content_at,
                                a.status in ('sent', 'delivered', 'read') or a.attempts > 0 as went_out,
                                not exists (select from maintenance_notifications x
                                             where x.request_id = n.request_id and x.worker_id = n.worker_id
                                               and x.kind = 'withdrawn' and x.id <> n.id
                                               and x.created_at > a.created_at
                                               and (x.status in ('sent', 'delivered', 'read') or x.attempts > 0))
                                as stands
                           from maintenance_notifications a
                          where a.request_id = n.request_id and a.worker_id = n.worker_id
                            and a.kind = 'assignment') a)
           end,
           coalesce(k.last_inbound, rk.last_inbound),
           case when n.answer = 'which_one' then
                (select json_agg(json_build_array(o.id, o.number, o.title))::text
                   from (select id, number, title
                           from maintenance_requests
                          where assigned_worker_id = n.worker_id and status in ('pending', 'in_progress')
                          order by created_at desc nulls last, id desc nulls last
                          limit 10) o)
           end,
           exists (select from maintenance_opt_outs o
                    where o.organization_id = n.organization_id and o.renter_id = n.renter_id)
      from taken n
      left join maintenance_requests r on r.id = n.request_id
      left join maintenance_workers  w on w.id = n.worker_id
      left join maintenance_worker_channels k on k.worker_id = n.worker_id and k.channel = n.channel
      left join maintenance_renter_channels rk
             on rk.organization_id = n.organization_id and rk.renter_id = n.renter_id and rk.channel = n.channel
     order by n.turn, n.place, n.was_due, n.id"
);

/// [`CLAIM`] with its limit in the text.
fn with_limit(limit: u32) -> AssertSqlSafe<String> {
    AssertSqlSafe(CLAIM.replace("$7", &limit.to_string()))
}

/// Defers the due messages to one recipient, one after the other.
///
/// Parameters: `$1` the worker or null, `$2` the time now, `$3` the time at which the first message becomes due
/// again, `$4` the seconds between two messages, `$5` the priorities, the most urgent first, `$6` the limit, `$7` the
/// renter or null. The times are reckoned before the update: a server that shards by schema refuses an update that adds an interval to a time.
pub(super) const DEFER: &str = "
    with due as (
        select n.id, n.due_at, array_position($5::text[], n.priority) as urgency
          from maintenance_notifications n
         where n.waiting and n.due_at <= $2
           and n.worker_id is not distinct from $1 and n.renter_id is not distinct from $7
         order by urgency, n.due_at, n.id
         limit $6
           for update skip locked
    ), placed as (
        select id, $3::timestamptz + (row_number() over (order by urgency, due_at, id) - 1)::double precision
                                     * make_interval(secs => $4) as due_at
          from due
    ), moved as (
        update maintenance_notifications n
           set due_at = p.due_at
          from placed p
         where n.id = p.id
        returning n.id
    )
    select count(*) from moved";

pub(super) async fn claim(source: &Source<'_>, claim: &Claim) -> Result<Listing<Claimed>, RepositoryError> {
    source.list(bind(claim), decode::claimed).await
}

/// [`CLAIM`] with its parameters.
pub(super) fn bind(claim: &Claim) -> Query {
    sqlx::query(with_limit(claim.limit))
        .bind(claim.lease.uuid())
        .bind(clamp_to_storable(claim.until))
        .bind(clamp_to_storable(claim.now))
        .bind(from_most_urgent(claim.at_least))
        .bind(column(&claim.resting, |channel| channel.as_str().to_owned()))
        .bind(column(&claim.trying, |channel| channel.as_str().to_owned()))
}

/// Returns the number of deferred messages.
pub(super) async fn defer(source: &Source<'_>, deferral: Deferral) -> Result<u64, RepositoryError> {
    let query = sqlx::query(DEFER)
        .bind(deferral.to.worker().map(Uuid::from))
        .bind(clamp_to_storable(deferral.now))
        .bind(clamp_to_storable(deferral.first))
        .bind(deferral.every.as_secs_f64())
        .bind(from_most_urgent(Priority::Low))
        .bind(i64::from(deferral.limit))
        .bind(deferral.to.renter().map(Uuid::from));
    let deferred: i64 = source.connection().await?.fetch_value(query).await?;
    Ok(u64::try_from(deferred).unwrap_or_default())
}

/// The priorities from the most urgent down to this one.
fn from_most_urgent(least: Priority) -> Vec<&'static str> {
    let priorities = Priority::ALL.iter().rev().filter(|priority| **priority >= least);
    priorities.map(|priority| priority.as_str()).collect()
}
