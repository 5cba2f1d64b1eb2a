//! How a request mirrors its newest message: the parts of the statements that move messages.
//!
//! A request that someone else has locked is skipped: its message notes that it owes the mirror, and
//! `catch_up` pays. A request's `notification_id` is compared again when its row is written, so that a newer
//! message filed meanwhile keeps its place in the mirror.

/// The CTE `free`: the requests whose ids the subquery selects, locked in the order of their ids, without
/// those that someone else has locked. The ids are an array and not a subquery after `in`: where a CTE locks rows and
/// joins others to them, a server that shards by schema can't read what the CTE returned.
macro_rules! free_sql {
    ($ids:literal) => {
        concat!(
            "free as (
        select r.id
          from maintenance_requests r
         where r.id = any (array (",
            $ids,
            "))
         order by r.id
           for no key update skip locked
    )"
        )
    };
}

/// Whether the message `n` owes the mirror: it did before, or it is the newest of a request that isn't free.
macro_rules! owes_mirror_sql {
    () => {
        "n.mirror_owed
                             or exists (select from newest w
                                         where w.notification_id = n.id and w.id not in (select id from free))"
    };
}

/// The CTE `mirrored`: writes the messages of `moved` into their requests.
macro_rules! mirrored_sql {
    () => {
        "mirrored as (
        update maintenance_requests r
           set whatsapp_message_id = m.provider_message_id,
               whatsapp_status     = m.status
          from moved m
         where r.id = m.request_id and r.notification_id = m.id and r.id in (select id from free)
           and (r.whatsapp_status <> m.status
                or r.whatsapp_message_id is distinct from m.provider_message_id)
    )"
    };
}

pub(super) use {free_sql, mirrored_sql, owes_mirror_sql};
