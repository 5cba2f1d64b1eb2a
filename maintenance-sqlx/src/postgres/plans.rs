//! Every list is served by indexes.
//!
//! These tests and those of `writes` stand here and not in the crate's tests/, since they explain private statements with
//! their parameters.

mod writes;

use maintenance_core::{CommentFilter, Specialty, WorkerFilter, WorkerStatus};
use serde_json::Value;
use sqlx::{
    Arguments, AssertSqlSafe, Connection, Execute, PgConnection, Postgres, QueryBuilder, Row, Transaction,
    postgres::PgArguments,
};
use uuid::Uuid;

use super::{
    migrate_in,
    tests::{begin_in_schema, server},
    texts,
    workers::{CANDIDATES, CANDIDATES_OF_ONE},
};
use crate::{
    lists,
    plans::{Fill, filters, large_complex, organizations, request, slices, user},
};

const FILL: Fill = Fill {
    numbers: |to| format!("generate_series(1, {to}) n"),
    id: |kind, n| format!("('{kind:08x}-0000-4000-8000-' || lpad(to_hex({n}), 12, '0'))::uuid"),
    minute: |n| format!("timestamptz '1970-01-01 00:00+00' + ({n}) * interval '1 minute'"),
    no_organization: "'00000000-0000-0000-0000-000000000000'::uuid",
    specialties: "array['plumbing']",
    words: &["insert into maintenance_unindexed_texts select id, false, id from maintenance_requests"],
};

/// A list sorts at most as many rows as a few pages have.
const MAX_SORTED: f64 = 4.0 * 51.0 + 50.0;

/// A list reads at most about as many rows as there are open requests. With a filter by status and by
/// message, it reads the requests of one and checks the other.
const MAX_READ: f64 = 3_000.0;

/// A transaction with filled tables in a schema of its own.
async fn filled<'c>(connection: &'c mut PgConnection, schema: &str) -> Transaction<'c, Postgres> {
    // The tables of this schema alone: a test beside this one makes an index concurrently, and waits for transactions.
    const ANALYZE: &str = "
        do $$
        declare named text;
        begin
            for named in select tablename from pg_tables where schemaname = current_schema() loop
                execute format('analyze %I', named);
            end loop;
        end $$";
    let mut tx = begin_in_schema(connection, schema).await;
    migrate_in(&mut tx).await.unwrap();
    for fill in FILL.statements() {
        sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut *tx).await.unwrap();
    }
    sqlx::query(texts::INDEX).bind(i64::MAX).execute(&mut *tx).await.unwrap();
    sqlx::raw_sql(ANALYZE).execute(&mut *tx).await.unwrap();
    tx
}

/// Every kind of list by its name.
fn every_list() -> Vec<(String, QueryBuilder<Postgres>)> {
    let mut lists = Vec::new();
    for ((page, slice), (whose, organization)) in
        slices().into_iter().flat_map(|slice| organizations().map(|whose| (slice, whose)))
    {
        let mut add = |name: &str, query| lists.push((format!("{whose}: {name}, {page} page"), query));
        for (name, filter) in filters() {
            add(&format!("requests {name}"), lists::requests(organization, &filter, slice));
        }
        let comments = |user: Option<Uuid>, request: Option<Uuid>| {
            let filter = CommentFilter { user_id: user.map(Into::into), request_id: request.map(Into::into) };
            lists::comments(organization, &filter, slice)
        };
        add("comments", comments(None, None));
        add("a user's comments", comments(Some(user()), None));
        add("a request's comments", comments(None, Some(request())));
        let any = WorkerFilter::default;
        let plumbing = Specialty::try_from("plumbing".to_owned()).ok();
        let complex = Some(large_complex().into());
        add("workers", lists::workers(organization, &any(), slice));
        add(
            "active workers",
            lists::workers(
                organization,
                &WorkerFilter { status: Some(WorkerStatus::Active), ..any() },
                slice,
            ),
        );
        add("plumbers", lists::workers(organization, &WorkerFilter { specialty: plumbing, ..any() }, slice));
        add(
            "a complex's workers",
            lists::workers(organization, &WorkerFilter { complex_id: complex, ..any() }, slice),
        );
    }
    lists
}

#[tokio::test]
async fn every_list_is_served_by_an_index() {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    let mut tx = filled(&mut connection, "maintenance_plans").await;
    let mut bad = Vec::new();
    for (name, query) in every_list() {
        explain(&mut tx, &name, query, &mut bad).await;
    }
    let mut complexes = PgArguments::default();
    complexes.add(vec![large_complex()]).unwrap();
    complexes.add(vec![Some("plumbing general")]).unwrap();
    complexes.add(Uuid::nil()).unwrap();
    let query = QueryBuilder::with_arguments(CANDIDATES, complexes);
    explain(&mut tx, "candidates", query, &mut bad).await;
    let mut complex = PgArguments::default();
    complex.add(large_complex()).unwrap();
    complex.add(vec!["plumbing", "general"]).unwrap();
    complex.add(Uuid::nil()).unwrap();
    let query = QueryBuilder::with_arguments(CANDIDATES_OF_ONE, complex);
    explain(&mut tx, "candidates of one", query, &mut bad).await;
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// After so many executions PostgreSQL keeps a plan, unless plans for the given values seem cheaper.
const TRIED: i64 = 5;

/// Except a list of one person, property, complex or trade, of a period, or with some words: it may have far more or fewer
/// rows than others, as it has here.
#[tokio::test]
async fn a_list_is_planned_once() {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    let mut tx = filled(&mut connection, "maintenance_planned").await;
    for _ in 0..=TRIED {
        for (_, mut query) in every_list() {
            query.build().fetch_all(&mut *tx).await.unwrap();
        }
    }
    let anew: Vec<String> = sqlx::query_scalar(
        "select regexp_replace(statement, '^.* from maintenance', '') from pg_prepared_statements
          where generic_plans = 0 and custom_plans > $1
            and statement !~ '((renter|property|worker|complex|user|request)_id =|created_at >=|created_at <) [$]'
            and statement !~ '(completed_at|updated_at|specialty) .?= [$]|maintenance_texts'",
    )
    .bind(TRIED)
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    assert!(anew.is_empty(), "{}", anew.join("\n"));
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
    // Words are first sought in the beginning of the list. The index on `created_at` may serve a short time better than that
    // of an organisation which has few requests.
    let most = if name.contains("word") || name.contains("few: requests of a time") { 4.0 } else { 1.0 };
    if read > most * MAX_READ {
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
        // A page of each of forty complexes is sorted, and all that has a rare word.
        let sorted = if name.contains("forty") || name.contains("word") { MAX_READ } else { MAX_SORTED };
        if kind.contains("Sort") && rows(below) > sorted {
            bad.push(format!("{name}: sorts {} rows", rows(below)));
        }
        walk(below, name, read, bad);
    }
}
