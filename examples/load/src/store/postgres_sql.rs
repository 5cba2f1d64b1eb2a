//! The statements that fill PostgreSQL tables. `g` numbers the requests from 1, the oldest first.

use crate::dataset::{DESCRIPTION, Dataset, LOCATION, TITLE};

/// Number `n` of a kind, as [`numbered`](crate::dataset::numbered) makes it.
fn id(kind: &str, n: &str) -> String {
    format!("('00000000-0000-4000-{kind}-' || lpad(to_hex({n}), 12, '0'))::uuid")
}

pub(super) fn people(dataset: Dataset) -> Vec<String> {
    let Dataset { complexes, workers_per_complex: each, .. } = dataset;
    let workers = dataset.workers();
    vec![
        format!(
            "insert into maintenance_workers
                    (id, first_name, last_name, phone_number, email, specialties, status, created_at,
                     updated_at)
             select {}, 'Worker', 'No ' || w, '+120255501' || lpad((w % 100)::text, 2, '0'),
                    'worker' || w || '@example.com',
                    array[(array['plumbing', 'electrical', 'hvac', 'carpentry'])[1 + w % 4],
                          (array['general', 'painting', 'roofing'])[1 + w % 3]],
                    case when w % 25 = 24 then 'on_leave' else 'active' end,
                    now() - interval '800 days' + w * interval '1 second', now() - interval '800 days'
               from generate_series(0, {workers} - 1) w",
            id("8a00", "w")
        ),
        format!(
            "insert into complex_maintenance_assignments
                    (id, worker_id, complex_id, is_primary, assigned_at, updated_at)
             select md5('a' || w)::uuid, {}, {}, w % {each} = 0,
                    now() - interval '790 days' + w * interval '1 second', now() - interval '790 days'
               from generate_series(0, {workers} - 1) w
              where w / {each} < {complexes}",
            id("8a00", "w"),
            id("8c00", &format!("w / {each}")),
        ),
    ]
}

/// The numbered facts of each request that all the fills of a chunk share.
fn facts(dataset: Dataset, from: u32, to: u32) -> String {
    let Dataset { rows, complexes, workers_per_complex: each, properties } = dataset;
    format!(
        "with numbers as (
             select g, ((g::bigint * 7919) % {properties})::integer as home,
                    now() - ({rows} - g) * (interval '700 days' / {rows}) - interval '1 minute' as at,
                    case when g > {rows} * 0.99 then (array['pending', 'in_progress'])[1 + g % 2]
                         when g % 33 = 0 then 'cancelled' else 'completed' end as status,
                    case when g % 100 < 3 then 'failed' when g % 100 < 10 then 'delivered'
                         when g % 100 < 12 then 'sent' else 'read' end as told
               from generate_series({from}, {to}) g
         ), facts as (
             select *, md5('r' || g)::uuid as request, md5('n' || g)::uuid as notification,
                    {} as worker
               from numbers
         )",
        id("8a00", &format!("(home % {complexes}) * {each} + (g / {complexes}) % {each}")),
    )
}

pub(super) fn requests(dataset: Dataset, from: u32, to: u32) -> Vec<String> {
    let facts = facts(dataset, from, to);
    let complexes = dataset.complexes;
    vec![
        format!(
            "{facts}
             insert into maintenance_requests
                    (id, renter_id, title, description, status, priority, created_at, updated_at,
                     completed_at, property_id, location, assigned_worker_id, whatsapp_message_id,
                     whatsapp_status,
                     complex_id, specialty, version, notification_id, number)
             select request, {}, '{TITLE}',
                    '{DESCRIPTION}' || case when g % 10000 = 77 then ' The boiler rattles.' else '' end, status,
                    case when g % 20 = 0 then 'emergency' when g % 20 < 5 then 'high'
                         when g % 20 < 15 then 'medium' else 'low' end,
                    at, at + interval '1 day', case when status = 'completed' then at + interval '1 day' end,
                    {}, '{LOCATION}', worker, 'wamid.fill' || g, told, {},
                    (array['plumbing', 'electrical', 'hvac', 'carpentry'])[1 + g % 4], 3, notification, g
               from facts",
            id("8b00", "home"),
            id("8d00", "home"),
            id("8c00", &format!("home % {complexes}")),
        ),
        format!(
            "{facts}
             insert into maintenance_notifications
                    (id, request_id, worker_id, kind, status, provider_message_id, attempts, due_at, lease,
                     error_code, error_text, created_at, sent_at, delivered_at, read_at, failed_at, priority, since)
             select notification, request, worker, 'assignment', told, 'wamid.fill' || g, 1, at, null,
                    case when told = 'failed' then '131026' end,
                    case when told = 'failed' then 'undeliverable' end,
                    at, at + interval '1 second',
                    case when told in ('delivered', 'read') then at + interval '2 seconds' end,
                    case when told = 'read' then at + interval '1 minute' end,
                    case when told = 'failed' then at + interval '2 seconds' end, 'medium', at
               from facts"
        ),
        format!(
            "{facts}
             insert into maintenance_status_history
                    (id, request_id, previous_status, new_status, changed_by, changed_at, notes)
             select md5('h' || g || ',' || step)::uuid, request,
                    case when step = 1 then 'pending' else 'in_progress' end,
                    case when step = 1 then 'in_progress' else 'completed' end,
                    worker, at + step * interval '11 hours', null
               from facts, generate_series(1, 2) step
              where status = 'completed' or status = 'in_progress' and step = 1"
        ),
        format!(
            "{facts}
             insert into maintenance_comments (id, request_id, user_id, user_type, comment, created_at)
             select md5('c' || g)::uuid, request,
                    case when g % 10 = 0 then {} else {} end,
                    case when g % 10 = 0 then 'landlord' else 'renter' end,
                    'Somebody is at home from nine to twelve.', at + interval '1 hour'
               from facts
              where g % 5 = 0",
            id("8e00", &format!("home % {complexes}")),
            id("8b00", "home"),
        ),
        format!(
            "{facts}
             insert into maintenance_texts (request_id, is_comment, id, words)
             select r.id, false, r.id, {} from facts f join maintenance_requests r on r.id = f.request",
            words("r.title || ' ' || r.description || ' ' || r.location")
        ),
        format!(
            "{facts}
             insert into maintenance_texts (request_id, is_comment, id, words)
             select c.request_id, true, c.id, {}
               from facts f join maintenance_comments c on c.id = md5('c' || g)::uuid
              where g % 5 = 0",
            words("c.comment")
        ),
    ]
}

/// Pending requests with the ids of `$1` and messages with those of `$2`; `$3` whether they are sent, `$4`
/// the provider's ids, `$5` the first of their numbers.
pub(super) fn prepare(dataset: Dataset) -> [String; 2] {
    let Dataset { complexes, workers_per_complex: each, properties, .. } = dataset;
    let number = format!("((k * 7919) % {complexes}) * {each} + (k / {complexes}) % {each}");
    // The one before, where the worker is on leave: no message goes to them.
    let worker = id("8a00", &format!("({number}) - case when ({number}) % 25 = 24 then 1 else 0 end"));
    // Each at its own moment, as if they had come one by one.
    let at = "(now() + k * interval '1 microsecond')";
    let given = "(select *, $5::integer + k - 1 as number \
                   from unnest($1::uuid[], $2::uuid[], $4::text[]) \
                        with ordinality as s (request, notification, provider, k)) s";
    [
        format!(
            "insert into maintenance_requests
                    (id, renter_id, title, description, status, priority, created_at, updated_at,
                     completed_at, property_id, location, assigned_worker_id, whatsapp_message_id,
                     whatsapp_status,
                     complex_id, specialty, version, notification_id, number)
             select request, {}, '{TITLE}', '{DESCRIPTION}', 'pending', 'medium', {at}, {at}, null, {},
                    '{LOCATION}', {worker}, case when $3 then provider end,
                    case when $3 then 'sent' else 'pending' end, {}, 'plumbing', 1, notification, number
               from {given}",
            id("8b00", &format!("(k * 7919) % {properties}")),
            id("8d00", &format!("(k * 7919) % {properties}")),
            id("8c00", &format!("(k * 7919) % {complexes}")),
        ),
        format!(
            "insert into maintenance_notifications
                    (id, request_id, worker_id, kind, status, provider_message_id, attempts, due_at, lease,
                     error_code, error_text, created_at, sent_at, delivered_at, read_at, failed_at, priority, since)
             select notification, request, {worker}, 'assignment',
                    case when $3 then 'sent' else 'pending' end,
                    case when $3 then provider end, case when $3 then 1 else 0 end,
                    {at} - interval '1 second', null, null, null, {at}, case when $3 then {at} end, null,
                    null, null, 'medium', {at}
               from {given}
             returning worker_id"
        ),
    ]
}

/// The words of a text, as the engine writes them.
fn words(text: &str) -> String {
    format!(
        "array_to_tsvector(array[':00000000-0000-0000-0000-000000000000'])
         || strip(to_tsvector('simple', translate({text}, '-+_./\\@:&<>=~%#?', '                ')))"
    )
}

/// Lets the engine's numbers follow those of the fill.
pub(super) fn numbers(dataset: Dataset) -> String {
    format!("update maintenance_numbers set next = ({} + 15) / 16 * 16 + slot + 1", dataset.rows)
}

/// Takes away what was filed since the fill (`$1`).
pub(super) const SETTLE: [&str; 8] = [
    "delete from maintenance_unindexed_texts t using maintenance_requests r
      where r.created_at > $1 and t.request_id = r.id",
    "delete from maintenance_texts t using maintenance_requests r
      where r.created_at > $1 and t.request_id = r.id",
    "delete from maintenance_notification_sends where at > $1",
    "delete from maintenance_notifications n using maintenance_requests r
      where r.created_at > $1 and n.request_id = r.id",
    "delete from maintenance_comments where created_at > $1",
    "delete from maintenance_status_history where changed_at > $1",
    "delete from maintenance_assignment_history where changed_at > $1",
    "delete from maintenance_requests where created_at > $1",
];
