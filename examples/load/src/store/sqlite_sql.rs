//! The statements that fill SQLite tables. `g` numbers the requests from 1, the oldest first.

use crate::dataset::{DESCRIPTION, Dataset, LOCATION, TITLE};

/// Number `n` of a kind, as [`numbered`](crate::dataset::numbered) makes it.
fn id(kind: &str, n: &str) -> String {
    format!("printf('00000000-0000-4000-{kind}-%012x', {n})")
}

/// An id scattered over the index, as random ones are: an odd factor permutes the numbers of 32 bits.
fn scattered(kind: &str, n: &str) -> String {
    format!("printf('%08x-{kind}-4000-8000-%012x', ({n} * 2654435761) & 4294967295, {n})")
}

/// A time `seconds` after 1970.
fn time(seconds: &str) -> String {
    format!("strftime('%Y-%m-%dT%H:%M:%f', {seconds}, 'unixepoch') || '000Z'")
}

/// One of these texts, by number.
fn one_of(texts: &[&str], n: &str) -> String {
    let cases: Vec<String> =
        texts.iter().enumerate().map(|(n, text)| format!("when {n} then '{text}'")).collect();
    format!("case ({n}) % {} {} end", texts.len(), cases.join(" "))
}

const TRADES: &[&str] = &["plumbing", "electrical", "hvac", "carpentry"];

pub(super) fn people(dataset: Dataset, now: i64) -> Vec<String> {
    let Dataset { workers_per_complex: each, .. } = dataset;
    let workers = dataset.workers();
    let numbers = format!(
        "with recursive numbers (w) as (select 0 union all select w + 1 from numbers where w + 1 < {workers})"
    );
    let hired = time(&format!("{now} - 69120000 + w"));
    vec![
        format!(
            "insert into maintenance_workers
                    (id, first_name, last_name, phone_number, email, specialties, status, created_at,
                     updated_at)
             {numbers}
             select {}, 'Worker', 'No ' || w, printf('+120255501%02d', w % 100),
                    'worker' || w || '@example.com',
                    json_array({}, {}), case when w % 25 = 24 then 'on_leave' else 'active' end,
                    {hired}, {hired}
               from numbers",
            id("8a00", "w"),
            one_of(TRADES, "w"),
            one_of(&["general", "painting", "roofing"], "w"),
        ),
        format!(
            "insert into complex_maintenance_assignments
                    (id, worker_id, complex_id, is_primary, assigned_at, updated_at)
             {numbers}
             select {}, {}, {}, w % {each} = 0, {hired}, {hired} from numbers",
            scattered("000a", "w"),
            id("8a00", "w"),
            id("8c00", &format!("w / {each}")),
        ),
    ]
}

fn facts(dataset: Dataset, now: i64, from: u32, to: u32) -> String {
    let Dataset { rows, complexes, workers_per_complex: each, properties } = dataset;
    format!(
        "with recursive generated (g) as (select {from} union all select g + 1 from generated where g < {to}),
         numbers as (
             select g, (g * 7919) % {properties} as home,
                    {now} - 60 - ({rows} - g) * (60480000.0 / {rows}) as at,
                    case when g > {rows} * 0.99 then {} when g % 33 = 0 then 'cancelled' else 'completed' end
                        as status,
                    case when g % 100 < 3 then 'failed' when g % 100 < 10 then 'delivered'
                         when g % 100 < 12 then 'sent' else 'read' end as told
               from generated
         ), facts as (
             select *, {} as request, {} as notification, {} as worker, {} as made
               from numbers
         )",
        one_of(&["pending", "in_progress"], "g"),
        scattered("0001", "g"),
        scattered("0002", "g"),
        id("8a00", &format!("(home % {complexes}) * {each} + (g / {complexes}) % {each}")),
        time("at"),
    )
}

pub(super) fn requests(dataset: Dataset, now: i64, from: u32, to: u32) -> Vec<String> {
    let facts = facts(dataset, now, from, to);
    let complexes = dataset.complexes;
    let (second, two, minute) = (time("at + 1"), time("at + 2"), time("at + 60"));
    vec![
        format!(
            "insert into maintenance_requests
                    (id, renter_id, title, description, status, priority, created_at, updated_at,
                     completed_at, property_id, location, assigned_worker_id, whatsapp_message_id,
                     whatsapp_status,
                     complex_id, specialty, version, notification_id, number)
             {facts}
             select request, {}, '{TITLE}',
                    '{DESCRIPTION}' || case when g % 10000 = 77 then ' The boiler rattles.' else '' end, status,
                    case when g % 20 = 0 then 'emergency' when g % 20 < 5 then 'high'
                         when g % 20 < 15 then 'medium' else 'low' end,
                    made, {done}, case when status = 'completed' then {done} end,
                    {}, '{LOCATION}', worker, 'wamid.fill' || g, told, {}, {}, 3, notification, g
               from facts",
            id("8b00", "home"),
            id("8d00", "home"),
            id("8c00", &format!("home % {complexes}")),
            one_of(TRADES, "g"),
            done = time("at + 86400"),
        ),
        format!(
            "insert into maintenance_notifications
                    (id, request_id, worker_id, kind, status, provider_message_id, attempts, due_at, lease,
                     error_code, error_text, created_at, sent_at, delivered_at, read_at, failed_at, priority, since)
             {facts}
             select notification, request, worker, 'assignment', told, 'wamid.fill' || g, 1, made, null,
                    case when told = 'failed' then '131026' end,
                    case when told = 'failed' then 'undeliverable' end,
                    made, {second}, case when told in ('delivered', 'read') then {two} end,
                    case when told = 'read' then {minute} end, case when told = 'failed' then {two} end,
                    'medium', made
               from facts"
        ),
        format!(
            "insert into maintenance_status_history
                    (id, request_id, previous_status, new_status, changed_by, changed_at, notes)
             {facts}
             select {}, request, case step when 1 then 'pending' else 'in_progress' end,
                    case step when 1 then 'in_progress' else 'completed' end, worker, {}, null
               from facts, (select 1 as step union all select 2)
              where status = 'completed' or status = 'in_progress' and step = 1",
            scattered("0003", "(g * 2 + step)"),
            time("at + step * 39600"),
        ),
        format!(
            "insert into maintenance_comments (id, request_id, user_id, user_type, comment, created_at)
             {facts}
             select {}, request, case when g % 10 = 0 then {} else {} end,
                    case when g % 10 = 0 then 'landlord' else 'renter' end,
                    'Somebody is at home from nine to twelve.', {}
               from facts
              where g % 5 = 0",
            scattered("0004", "g"),
            id("8e00", &format!("home % {complexes}")),
            id("8b00", "home"),
            time("at + 3600"),
        ),
    ]
}

/// Pending requests of `$1`, a list of request, message, provider's id and time; `$2` whether sent, `$3` their first
/// number.
pub(super) fn prepare(dataset: Dataset) -> [String; 2] {
    let Dataset { complexes, workers_per_complex: each, properties, .. } = dataset;
    let given = "select key as k, \
                        value ->> 0 as request, value ->> 1 as notification, value ->> 2 as provider, \
                        value ->> 3 as at \
                   from json_each($1)";
    let number = format!("((k * 7919) % {complexes}) * {each} + (k / {complexes}) % {each}");
    // The one before, where the worker is on leave: no message goes to them.
    let worker = id("8a00", &format!("({number}) - case when ({number}) % 25 = 24 then 1 else 0 end"));
    [
        format!(
            "insert into maintenance_requests
                    (id, renter_id, title, description, status, priority, created_at, updated_at,
                     completed_at, property_id, location, assigned_worker_id, whatsapp_message_id,
                     whatsapp_status,
                     complex_id, specialty, version, notification_id, number)
             select request, {}, '{TITLE}', '{DESCRIPTION}', 'pending', 'medium', at, at, null, {},
                    '{LOCATION}', {worker}, iif($2, provider, null), iif($2, 'sent', 'pending'), {},
                    'plumbing',
                    1, notification, $3 + k
               from ({given})",
            id("8b00", &format!("(k * 7919) % {properties}")),
            id("8d00", &format!("(k * 7919) % {properties}")),
            id("8c00", &format!("(k * 7919) % {complexes}")),
        ),
        format!(
            "insert into maintenance_notifications
                    (id, request_id, worker_id, kind, status, provider_message_id, attempts, due_at, lease,
                     error_code, error_text, created_at, sent_at, delivered_at, read_at, failed_at, priority, since)
             select notification, request, {worker}, 'assignment', iif($2, 'sent', 'pending'),
                    iif($2, provider, null), iif($2, 1, 0), at, null, null, null, at, iif($2, at, null), null,
                    null, null, 'medium', at
               from ({given})
             returning worker_id"
        ),
    ]
}

/// The words of all texts, and the number that the engine gives next.
pub(super) fn texts(dataset: Dataset) -> Vec<String> {
    let organization = "00000000000000000000000000000000";
    vec![
        "insert into maintenance_texts (request_id, comment_id, is_indexed)
         select r.id, null, 1 from maintenance_requests r order by r.created_at"
            .to_owned(),
        "insert into maintenance_texts (request_id, comment_id, is_indexed)
         select c.request_id, c.id, 1 from maintenance_comments c order by c.created_at"
            .to_owned(),
        format!(
            "insert into maintenance_words (rowid, organization, words)
             select t.id, '{organization}', r.title || ' ' || r.description || ' ' || r.location
               from maintenance_texts t join maintenance_requests r on r.id = t.request_id
              where t.comment_id is null"
        ),
        format!(
            "insert into maintenance_words (rowid, organization, words)
             select t.id, '{organization}', c.comment
               from maintenance_texts t join maintenance_comments c on c.id = t.comment_id"
        ),
        format!(
            "insert into maintenance_numbers (organization_id, slot, next)
             values ('00000000-0000-0000-0000-000000000000', 0, {} + 1)",
            dataset.rows
        ),
    ]
}

/// Takes away what was filed since the fill (`$1`).
pub(super) const SETTLE: [&str; 8] = [
    "delete from maintenance_words
      where rowid in (select t.id from maintenance_texts t join maintenance_requests r on r.id = t.request_id
                       where r.created_at > $1)",
    "delete from maintenance_texts
      where request_id in (select id from maintenance_requests where created_at > $1)",
    "delete from maintenance_notification_sends where at > $1",
    "delete from maintenance_notifications
      where request_id in (select id from maintenance_requests where created_at > $1)",
    "delete from maintenance_comments where created_at > $1",
    "delete from maintenance_status_history where changed_at > $1",
    "delete from maintenance_assignment_history where changed_at > $1",
    "delete from maintenance_requests where created_at > $1",
];
