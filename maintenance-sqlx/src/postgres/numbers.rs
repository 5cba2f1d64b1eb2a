//! The numbers that requests get when they are filed.

/// Takes so many numbers of the organisation: `first`, `first + 16`, `first + 32` and so on. `taken` is empty if the
/// organisation has no slots yet; [`ADD_SLOTS`] adds them.
///
/// It takes the slot with the smallest number that no open transaction holds, and waits for one only if all sixteen are
/// held. A transaction that holds one already takes it again, so that it holds one however often it files.
macro_rules! take_numbers_sql {
    (organization: $organization:expr, count: $count:expr) => {
        format!(
            "free_slot as materialized (
        select slot
          from maintenance_numbers
         where organization_id = ${organization}
         order by (xmin = pg_current_xact_id_if_assigned()::xid) is not true, next
         limit 1
           for update skip locked
    ), held_slot as materialized (
        select slot
          from maintenance_numbers
         where organization_id = ${organization} and not exists (select from free_slot)
         order by next
         limit 1
           for update
    ), taken as (
        update maintenance_numbers n
           set next = n.next + 16 * {count}
          from (select slot from free_slot union all select slot from held_slot) s
         where n.organization_id = ${organization} and n.slot = s.slot
        returning n.next - 16 * {count} as first
    )",
            organization = $organization,
            count = $count,
        )
    };
}

pub(super) use take_numbers_sql;

/// Gives the organisation `$1` its slots, unless it has them.
pub(super) const ADD_SLOTS: &str = "
    insert into maintenance_numbers (organization_id, slot, next)
    select $1, slot, slot + 1
      from generate_series(0, 15) slot
    on conflict do nothing";
