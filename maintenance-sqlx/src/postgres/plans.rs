//! Every list is served by an index, and a webhook's statement is priced by what it does.

use chrono::DateTime;
use maintenance_core::{CommentFilter, DeliveryEvent, DeliveryUpdate, WorkerFilter};
use serde_json::Value;
use sqlx::{
    Arguments, AssertSqlSafe, Connection, Execute, PgConnection, Postgres, QueryBuilder, Row,
    postgres::PgArguments,
};

use super::{
    migrate_in,
    notifications::deliveries,
    tests::server,
    workers::{CANDIDATES, CANDIDATES_OF_ONE},
};
use crate::{
    lists,
    plans::{Fill, filters, large_complex, slices},
};

const FILL: Fill = Fill {
    numbers: |to| format!("generate_series(1, {to}) n"),
    id: |kind, n| format!("('{kind:08x}-0000-4000-8000-' || lpad(to_hex({n}), 12, '0'))::uuid"),
    minute: |n| format!("timestamptz '1970-01-01 00:00+00' + ({n}) * interval '1 minute'"),
    specialties: "array['plumbing']",
};

/// No sort of more rows than a few pages have, and no walk of more rows than are open: those whose message is
/// asked for as well are looked for among them, or the other way round.
const SORTED: f64 = 4.0 * 51.0 + 50.0;
const READ: f64 = 3_000.0;

#[tokio::test]
async fn every_list_is_served_by_an_index() {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    // Never committed, so that nothing of it is left behind.
    let mut step = connection.begin().await.unwrap();
    let schema = "create schema maintenance_plans; set local search_path to maintenance_plans";
    sqlx::raw_sql(schema).execute(&mut *step).await.unwrap();
    migrate_in(&mut step).await.unwrap();
    for fill in FILL.statements() {
        sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut *step).await.unwrap();
    }
    sqlx::raw_sql("analyze").execute(&mut *step).await.unwrap();
    let mut bad = Vec::new();
    for (page, slice) in slices() {
        for (name, filter) in filters() {
            let query = lists::requests::<Postgres>(&filter, slice);
            explain(&mut step, &format!("requests {name}, {page} page"), query, &mut bad).await;
        }
        let query = lists::comments::<Postgres>(&CommentFilter::default(), slice);
        explain(&mut step, &format!("comments, {page} page"), query, &mut bad).await;
        let query = lists::workers::<Postgres>(&WorkerFilter::default(), slice);
        explain(&mut step, &format!("workers, {page} page"), query, &mut bad).await;
    }
    let mut complexes = PgArguments::default();
    complexes.add(vec![large_complex()]).unwrap();
    let query = QueryBuilder::with_arguments(CANDIDATES, complexes);
    explain(&mut step, "candidates", query, &mut bad).await;
    let mut complex = PgArguments::default();
    complex.add(large_complex()).unwrap();
    let query = QueryBuilder::with_arguments(CANDIDATES_OF_ONE, complex);
    explain(&mut step, "candidates of one", query, &mut bad).await;
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Above this price PostgreSQL compiles a statement each time it runs, as it comes (`jit_above_cost`).
const COMPILED: f64 = 100_000.0;

#[tokio::test]
async fn a_webhook_of_1000_is_too_cheap_to_be_compiled() {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    // Never committed, so that nothing of it is left behind.
    let mut step = connection.begin().await.unwrap();
    let schema = "create schema maintenance_webhook; set local search_path to maintenance_webhook";
    sqlx::raw_sql(schema).execute(&mut *step).await.unwrap();
    migrate_in(&mut step).await.unwrap();
    for fill in FILL.statements() {
        sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut *step).await.unwrap();
    }
    let messages = "
        insert into maintenance_notifications
               (id, request_id, worker_id, kind, status, provider_message_id, attempts, due_at, created_at,
                sent_at)
        select md5(id::text)::uuid, id, assigned_worker_id, 'assignment', 'sent', 'wamid.' || id, 1,
               created_at, created_at, created_at
          from maintenance_requests;
        analyze";
    sqlx::raw_sql(messages).execute(&mut *step).await.unwrap();
    let told: Vec<(uuid::Uuid, String)> =
        sqlx::query_as("select id, provider_message_id from maintenance_notifications limit 1000")
            .fetch_all(&mut *step)
            .await
            .unwrap();
    let with_ids = |named: bool| -> Vec<DeliveryUpdate> {
        let update = |(id, provider): &(uuid::Uuid, String)| DeliveryUpdate {
            notification_id: named.then(|| (*id).into()),
            provider_message_id: provider.clone(),
            event: DeliveryEvent::Delivered,
            at: DateTime::UNIX_EPOCH,
            error: None,
        };
        told.iter().map(update).collect()
    };
    for named in [true, false] {
        let updates = with_ids(named);
        let mut query = deliveries(&updates);
        let arguments = query.take_arguments().unwrap().unwrap();
        let sql = format!("explain (format json) {}", query.sql().as_str());
        let row = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_one(&mut *step).await.unwrap();
        let plan: Value = serde_json::from_str(&row.try_get_unchecked::<String, _>(0).unwrap()).unwrap();
        let price = plan[0]["Plan"]["Total Cost"].as_f64().unwrap();
        assert!(price < COMPILED, "with ids: {named}, price: {price}");
    }
}

async fn explain(
    connection: &mut PgConnection,
    name: &str,
    mut query: QueryBuilder<Postgres>,
    bad: &mut Vec<String>,
) {
    let mut query = query.build();
    let arguments = query.take_arguments().unwrap().unwrap();
    let sql = format!("explain (analyze, format json) {}", query.sql().as_str());
    let row = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_one(connection).await.unwrap();
    let plan: Value = serde_json::from_str(&row.try_get_unchecked::<String, _>(0).unwrap()).unwrap();
    let mut read = 0.0;
    walk(&plan[0]["Plan"], name, &mut read, bad);
    if read > READ {
        bad.push(format!("{name}: reads {read} rows"));
    }
}

fn walk(node: &Value, name: &str, read: &mut f64, bad: &mut Vec<String>) {
    let kind = node["Node Type"].as_str().unwrap();
    let number = |node: &Value, key: &str| node[key].as_f64().unwrap_or_default();
    let rows = |node: &Value| number(node, "Actual Rows") * number(node, "Actual Loops");
    if node["Relation Name"] == "maintenance_requests" {
        *read += rows(node) + number(node, "Rows Removed by Filter") * number(node, "Actual Loops");
    }
    if kind == "Seq Scan"
        && node["Relation Name"] == "maintenance_requests"
        && number(node, "Actual Loops") > 0.0
    {
        bad.push(format!("{name}: scans {}", node["Relation Name"]));
    }
    for below in node["Plans"].as_array().into_iter().flatten() {
        if kind.contains("Sort") && rows(below) > SORTED {
            bad.push(format!("{name}: sorts {} rows", rows(below)));
        }
        walk(below, name, read, bad);
    }
}
