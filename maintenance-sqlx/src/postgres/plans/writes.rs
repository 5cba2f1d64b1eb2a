//! Every write is served by indexes, and the price of a webhook's statement stays below the one for compiling it.

use chrono::{DateTime, TimeDelta};
use maintenance_core::{Channel, Claim, DeliveryEvent, DeliveryUpdate, LeaseId};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Execute, PgConnection, Row};
use uuid::Uuid;

use super::{
    super::{
        archive, claims, deliveries, filing, import, inbound, notifications, renters, requests,
        tests::server, texts, workers,
    },
    TRIED, filled,
};
use crate::plans::user;

/// A message that was sent for each request.
const MESSAGES: &str = "
    insert into maintenance_notifications
           (id, request_id, worker_id, kind, priority, status, provider_message_id, attempts, due_at, since,
            created_at, sent_at)
    select md5(id::text)::uuid, id, assigned_worker_id, 'assignment', priority, 'sent', 'wamid.' || id, 1,
           created_at, created_at, created_at, created_at
      from maintenance_requests;
    insert into maintenance_notification_sends (provider_message_id, channel, notification_id, attempt, at)
    select provider_message_id, channel, id, 1, sent_at from maintenance_notifications;
    analyze maintenance_notification_sends;
    analyze maintenance_notifications";

/// The slots of a thousand organisations.
const NUMBERS: &str = "
    insert into maintenance_numbers (organization_id, slot, next)
    select md5(n::text)::uuid, slot, slot + 1 from generate_series(1, 1000) n, generate_series(0, 15) slot;
    analyze maintenance_numbers";
/// Rows of the tables that no list reads, since PostgreSQL reads an empty table as a whole.
const OTHER_ROWS: &str = "
    insert into maintenance_status_history
    select md5(id::text)::uuid, id, 'pending', 'in_progress', renter_id, created_at, 'a note'
      from maintenance_requests limit 20000;
    insert into maintenance_assignment_history
    select md5(id::text)::uuid, id, null, assigned_worker_id, renter_id, created_at, 'filed', 'a note', '[]'
      from maintenance_requests limit 20000;
    insert into maintenance_attachments
    select md5(id::text)::uuid, id, 'https://files.example.com/' || id, 'image/jpeg', created_at
      from maintenance_requests limit 20000;
    insert into maintenance_early_deliveries (provider_message_id, channel, event, at, received_at)
    select 'wamid.early' || id, 'default', 'sent', created_at, created_at from maintenance_requests limit 20000;
    insert into maintenance_edits
    select md5(id::text)::uuid, id, renter_id, created_at, 'title', 'before', 'after'
      from maintenance_requests limit 20000;
    insert into maintenance_inbound
           (id, channel, provider_message_id, sender, kind, payload, sent_at, received_at, due_at, claims, request_id,
            applied_at, outcome)
    select md5(id::text)::uuid, 'default', 'wamid.in' || id, renter_id, 'text', '{}', created_at, created_at, created_at,
           1, id, created_at, 'commented'
      from maintenance_requests limit 20000;
    insert into maintenance_worker_channels (worker_id, channel, wa_id, user_id, last_inbound)
    select id, 'default', id, id, created_at from maintenance_workers;
    insert into maintenance_renter_channels (organization_id, renter_id, channel, request_id, wa_id, user_id)
    select distinct on (organization_id, renter_id) organization_id, renter_id, 'default', id, id, id
      from maintenance_requests order by organization_id, renter_id limit 20000;
    insert into maintenance_opt_outs (organization_id, renter_id, at)
    select organization_id, renter_id, now() from maintenance_renter_channels;
    analyze maintenance_renter_channels;
    analyze maintenance_opt_outs;
    analyze maintenance_inbound;
    analyze maintenance_worker_channels;
    analyze maintenance_edits;
    analyze maintenance_status_history;
    analyze maintenance_assignment_history;
    analyze maintenance_attachments;
    analyze maintenance_early_deliveries";

/// Whole tables of a thousand workers are soon read. But a serialisable transaction that reads one whole conflicts with
/// every change of it.
#[tokio::test]
async fn no_write_reads_a_whole_table() {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    let mut tx = filled(&mut connection, "maintenance_writes").await;
    sqlx::raw_sql(MESSAGES).execute(&mut *tx).await.unwrap();
    sqlx::raw_sql(NUMBERS).execute(&mut *tx).await.unwrap();
    sqlx::raw_sql(OTHER_ROWS).execute(&mut *tx).await.unwrap();
    sqlx::raw_sql("set local plan_cache_mode = force_generic_plan").execute(&mut *tx).await.unwrap();
    let writes = [
        workers::STATEMENTS,
        requests::STATEMENTS,
        &filing::statements(),
        notifications::STATEMENTS,
        &import::statements(),
        archive::WRITES,
        inbound::STATEMENTS,
        renters::STATEMENTS,
        &[texts::INDEX],
    ]
    .concat();
    let mut bad = Vec::new();
    // The statements that take whole rows, and those that let go of some.
    let takes_rows = |sql: &&str| {
        sql.contains("json_populate")
            || sql.contains("into maintenance_requests")
            || archive::WRITES.contains(sql)
            || inbound::STATEMENTS.contains(sql)
            || renters::STATEMENTS.contains(sql)
            || *sql == texts::INDEX
    };
    for (n, sql) in writes.into_iter().filter(takes_rows).enumerate() {
        let prepare = format!("prepare write_{n} as {sql}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *tx).await.unwrap();
        let count: i32 = sqlx::query_scalar(
            "select cardinality(parameter_types) from pg_prepared_statements where name = $1",
        )
        .bind(format!("write_{n}"))
        .fetch_one(&mut *tx)
        .await
        .unwrap();
        let nulls = vec!["null"; usize::try_from(count).unwrap()].join(", ");
        let explain = format!("explain (format json) execute write_{n}({nulls})");
        let row = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(&mut *tx).await.unwrap();
        let plan = row.try_get_unchecked::<String, _>(0).unwrap();
        let plan: Value = serde_json::from_str(&plan).unwrap();
        let mut scanned = Vec::new();
        scans(&plan[0]["Plan"], &mut scanned);
        // Whoever follows the events: a handful, or nobody. What is to be indexed: as far as one takes of it.
        scanned
            .retain(|table| table != "maintenance_event_consumers" && table != "maintenance_unindexed_texts");
        if !scanned.is_empty() {
            bad.push(format!("{scanned:?} in {sql}"));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// The tables that a plan reads whole.
fn scans(node: &Value, tables: &mut Vec<String>) {
    if node["Node Type"] == "Seq Scan" {
        tables.push(node["Relation Name"].as_str().unwrap().to_owned());
    }
    for below in node["Plans"].as_array().into_iter().flatten() {
        scans(below, tables);
    }
}

/// Due messages of 50 organisations, 10 each, in each of two channels, and a storm of the first that has 20,000.
const STORM: &str = "
    insert into maintenance_notifications
           (id, organization_id, channel, request_id, worker_id, kind, priority, status, attempts, due_at, since,
            created_at)
    select md5(c || '/' || o || '/' || n)::uuid, md5(o::text)::uuid, 'channel' || c, r.id, r.assigned_worker_id,
           'assignment', 'medium', 'pending', 0, r.created_at, r.created_at, r.created_at
      from (select id, assigned_worker_id, created_at from maintenance_requests
             where assigned_worker_id is not null limit 1) r,
           generate_series(1, 2) c, generate_series(1, 50) o,
           generate_series(1, case when (c, o) = (1, 1) then 20000 else 10 end) n;
    analyze maintenance_notifications";

#[tokio::test]
async fn a_claim_reads_a_few_times_what_it_takes_and_is_planned_once() {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    let mut tx = filled(&mut connection, "maintenance_claim").await;
    sqlx::raw_sql(STORM).execute(&mut *tx).await.unwrap();
    let now = DateTime::UNIX_EPOCH + TimeDelta::days(10_000);
    let claim = Claim::new(now, now + TimeDelta::hours(1), LeaseId::from_uuid(user()), 100);
    let one_rests = Claim { resting: vec![Channel::new("channel2").unwrap()], ..claim.clone() };
    // Takers are looked up twice, and once more in the recursion. Each look reads a row, and each pair of them has one
    // more turn than the bound by rounding up. What is taken is read thrice: to be chosen, locked and updated.
    for (claim, takers, channels) in [(claim, 100.0, 0.0), (one_rests, 50.0, 1.0)] {
        let mut query = claims::bind(&claim);
        let arguments = query.take_arguments().unwrap().unwrap();
        let sql = format!("explain (analyze, format json) {}", query.sql().as_str());
        let row = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_one(&mut *tx).await.unwrap();
        let plan: Value = serde_json::from_str(&row.try_get_unchecked::<String, _>(0).unwrap()).unwrap();
        let (mut read, mut scans) = (0.0, Vec::new());
        read_of("maintenance_notifications", &plan[0]["Plan"], &mut read, &mut scans);
        assert!(scans.is_empty(), "{scans:?}");
        let most = 4.0 * 100.0 + 3.0 * takers + channels + 1.0 + 2.0 * 100.0;
        assert!(read <= most, "reads {read} of {most}");
    }
    for _ in 0..=TRIED + 1 {
        let claim = Claim::new(now, now, LeaseId::from_uuid(user()), 7);
        claims::bind(&claim).fetch_all(&mut *tx).await.unwrap();
    }
    let planned: i64 = sqlx::query_scalar(
        "select generic_plans from pg_prepared_statements where statement like '%with recursive taker%limit 7%'",
    )
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    assert!(planned > 0, "planned at each claim");
}

/// The plan is kept from then on, until the statistics are renewed.
#[tokio::test]
async fn a_claim_that_was_planned_while_nothing_waited_reads_little_in_a_storm() {
    const EXECUTE: &str = "execute claim ('00000003-0000-4000-8000-000000000001', '2001-01-02', '2001-01-01',
                                          '{emergency,high,medium,low}', '{}', '{}')";
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    let mut tx = filled(&mut connection, "maintenance_calm").await;
    sqlx::raw_sql(MESSAGES).execute(&mut *tx).await.unwrap();
    let claim = claims::CLAIM.replace("$7", "100");
    let prepare = "prepare claim (uuid, timestamptz, timestamptz, text[], text[], text[]) as";
    let plan_once = "set local plan_cache_mode = force_generic_plan";
    sqlx::raw_sql(AssertSqlSafe(format!("{plan_once}; {prepare} {claim}; {EXECUTE}")))
        .execute(&mut *tx)
        .await
        .unwrap();
    let storm = STORM.replace("analyze maintenance_notifications", "select");
    sqlx::raw_sql(AssertSqlSafe(storm)).execute(&mut *tx).await.unwrap();
    let explain = AssertSqlSafe(format!("explain (analyze, buffers, format json) {EXECUTE}"));
    let row = sqlx::raw_sql(explain).fetch_one(&mut *tx).await.unwrap();
    let plan: Value = serde_json::from_str(&row.try_get_unchecked::<String, _>(0).unwrap()).unwrap();
    let pages = |key: &str| plan[0]["Plan"][key].as_f64().unwrap();
    let pages = pages("Shared Hit Blocks") + pages("Shared Read Blocks");
    // Some fifty for each message that it takes. By the index of due messages it would read 30,000 to look each up.
    assert!(pages <= 10_000.0, "reads {pages} pages");
}

/// Adds the rows that a plan reads of a table, and the places where it scans all of it.
fn read_of(table: &str, node: &Value, read: &mut f64, scans: &mut Vec<String>) {
    let number = |key: &str| node[key].as_f64().unwrap_or_default();
    let loops = number("Actual Loops");
    if node["Relation Name"] == table && node["Node Type"] != "ModifyTable" {
        *read += (number("Actual Rows") + number("Rows Removed by Filter")) * loops;
        scans.extend((node["Node Type"] == "Seq Scan" && loops > 0.0).then(|| node.to_string()));
    }
    for below in node["Plans"].as_array().into_iter().flatten() {
        read_of(table, below, read, scans);
    }
}

/// PostgreSQL's default `jit_above_cost`: above this price it compiles a statement each time it runs.
const JIT_ABOVE_COST: f64 = 100_000.0;

#[tokio::test]
async fn a_webhook_of_1000_is_too_cheap_to_be_compiled() {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    let mut tx = filled(&mut connection, "maintenance_webhook").await;
    sqlx::raw_sql(MESSAGES).execute(&mut *tx).await.unwrap();
    let sent: Vec<(Uuid, String)> =
        sqlx::query_as("select id, provider_message_id from maintenance_notifications limit 1000")
            .fetch_all(&mut *tx)
            .await
            .unwrap();
    let with_ids = |named: bool| -> Vec<DeliveryUpdate> {
        let update = |(id, provider): &(Uuid, String)| DeliveryUpdate {
            channel: Channel::DEFAULT,
            notification_id: named.then(|| (*id).into()),
            provider_message_id: provider.clone(),
            event: DeliveryEvent::Delivered,
            at: DateTime::UNIX_EPOCH,
            error: None,
            next: None,
        };
        sent.iter().map(update).collect()
    };
    for named in [true, false] {
        let updates = with_ids(named);
        let mut query = deliveries::bind(&updates, DateTime::UNIX_EPOCH);
        let arguments = query.take_arguments().unwrap().unwrap();
        let sql = format!("explain (format json) {}", query.sql().as_str());
        let row = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_one(&mut *tx).await.unwrap();
        let plan: Value = serde_json::from_str(&row.try_get_unchecked::<String, _>(0).unwrap()).unwrap();
        let price = plan[0]["Plan"]["Total Cost"].as_f64().unwrap();
        assert!(price < JIT_ABOVE_COST, "with ids: {named}, price: {price}");
    }
}
