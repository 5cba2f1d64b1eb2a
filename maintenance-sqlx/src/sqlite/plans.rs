//! Every list is served by an index, and no step goes through its rows once for each of them.
//!
//! These tests stand here and not in the crate's tests/, since they explain private statements with their
//! parameters.

use maintenance_core::{CommentFilter, RequestFilter, RequestOrder, WorkerFilter};
use sqlx::{AssertSqlSafe, Execute, QueryBuilder, Sqlite, SqlitePool};

use super::{claims, filing, migrate, notifications, requests, workers};
use crate::{
    lists,
    plans::{Fill, filters, organizations, slices},
};

const FILL: Fill = Fill {
    numbers: |to| {
        format!(
            "(with recursive n (n) as (select 1 union all select n + 1 from n where n < {to}) select n from n)"
        )
    },
    id: |kind, n| format!("printf('{kind:08x}-0000-4000-8000-%012x', {n})"),
    minute: |n| format!("strftime('%Y-%m-%dT%H:%M:%S.000000Z', ({n}) * 60, 'unixepoch')"),
    no_organization: "'00000000-0000-0000-0000-000000000000'",
    specialties: "'[\"plumbing\"]'",
    words: &[
        "insert into maintenance_texts (request_id, is_indexed) select id, 1 from maintenance_requests",
        "insert into maintenance_words (rowid, organization, words)
         select t.id, replace(r.organization_id, '-', ''), r.title || ' ' || r.description || ' ' || r.location
           from maintenance_texts t join maintenance_requests r on r.id = t.request_id",
    ],
};

/// Statistics of a table with few workers, for which reading each worker's index in turn looks cheap.
const FEW_WORKERS: &str = "
    update sqlite_stat1 set stat = '200000 500 1 1' where idx = 'maintenance_requests_worker_list_idx';
    delete from sqlite_stat4 where idx = 'maintenance_requests_worker_list_idx'";

#[tokio::test]
async fn every_list_is_served_by_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let mut pool = super::open(folder.path().join("plans.db")).await.unwrap();
    migrate(&pool).await.unwrap();
    // SQLite plans without statistics unless the host has it gather some. The plans must be good either way.
    check(&pool).await;
    for fill in FILL.statements() {
        sqlx::raw_sql(AssertSqlSafe(fill)).execute(&pool).await.unwrap();
    }
    for gathered in ["analyze", FEW_WORKERS] {
        sqlx::raw_sql(gathered).execute(&pool).await.unwrap();
        pool.close().await;
        pool = super::open(folder.path().join("plans.db")).await.unwrap();
        check(&pool).await;
    }
}

/// SQLite has no index on the rows of a JSON parameter: two such lists side by side are gone through one within the
/// other, and filing 500 took 3 seconds.
#[tokio::test]
async fn no_step_goes_through_its_rows_for_each_of_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let pool = super::open(folder.path().join("steps.db")).await.unwrap();
    migrate(&pool).await.unwrap();
    let steps =
        [workers::STATEMENTS, requests::STATEMENTS, filing::STATEMENTS, notifications::STATEMENTS].concat();
    for sql in steps.iter().flat_map(|step| step.split(';')).map(str::trim) {
        if ["begin", "commit", "savepoint", "release"].iter().any(|word| sql.starts_with(word)) {
            continue;
        }
        let sql = format!("explain query plan {sql}");
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(AssertSqlSafe(sql.clone())).fetch_all(&pool).await.unwrap();
        let lists = plan.iter().filter(|(_, _, _, what)| what.contains("VIRTUAL TABLE"));
        let mut loops: Vec<i64> = lists.map(|(_, within, _, _)| *within).collect();
        loops.sort_unstable();
        assert!(loops.windows(2).all(|pair| pair[0] != pair[1]), "{plan:#?}: {sql}");
    }
}

/// With and without statistics.
#[tokio::test]
async fn a_claim_looks_messages_up_by_the_index_of_what_is_due() {
    let folder = tempfile::tempdir().unwrap();
    let pool = super::open(folder.path().join("claims.db")).await.unwrap();
    migrate(&pool).await.unwrap();
    for statistics in ["select 1", "analyze"] {
        sqlx::raw_sql(statistics).execute(&pool).await.unwrap();
        for sql in claims::CLAIM.transaction.split(';').filter(|sql| sql.contains("takers")) {
            let plan = explain(&pool, QueryBuilder::new(sql)).await;
            let of_messages = plan.split('\n').filter(|step| step.contains("maintenance_notifications"));
            assert!(
                !of_messages.clone().any(|step| step.starts_with("SCAN") && !step.contains("INDEX")),
                "{plan}"
            );
            let one = "maintenance_notifications_due_idx (channel=? AND organization_id=? AND priority=? AND due_at<?)";
            // For each priority: whether anything is due, the next one, and the turns.
            assert_eq!(of_messages.filter(|step| step.contains(one)).count(), 12, "{plan}");
        }
    }
}

async fn check(pool: &SqlitePool) {
    let mut bad = Vec::new();
    for ((page, slice), (whose, organization)) in
        slices().into_iter().flat_map(|slice| organizations().map(|whose| (slice, whose)))
    {
        for (name, filter) in filters() {
            let plan = explain(pool, lists::requests::<Sqlite>(organization, &filter, slice)).await;
            let index = index(&filter);
            let sorts = !may_sort(&filter) && plan.contains("TEMP B-TREE FOR ORDER BY");
            if sorts || !plan.contains(index) || scans(&plan) {
                bad.push(format!("{whose}: {page} page, {name}: {plan}"));
            }
        }
        for query in [
            lists::comments::<Sqlite>(organization, &CommentFilter::default(), slice),
            lists::workers::<Sqlite>(organization, &WorkerFilter::default(), slice),
        ] {
            let plan = explain(pool, query).await;
            if plan.contains("TEMP B-TREE FOR ORDER BY") || scans(&plan) {
                bad.push(format!("{whose}: {page} page: {plan}"));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n\n"));
}

/// Whether a step reads a whole table, and not the rows of a step before it.
fn scans(plan: &str) -> bool {
    let steps: Vec<&str> = plan.split('\n').collect();
    let made = |name: &str| {
        ["CO-ROUTINE", "MATERIALIZE"].iter().any(|how| steps.contains(&&*format!("{how} {name}")))
    };
    let is_of_rows = |name: &str| {
        name.starts_with('(') || name == "CONSTANT ROW" || made(name) || name == "r" && made("beginning")
    };
    let tables =
        steps.iter().filter(|step| !step.contains("INDEX")).filter_map(|step| step.strip_prefix("SCAN "));
    tables.into_iter().any(|name| !is_of_rows(name))
}

/// Whether a list has few rows or a page of each of a few lists to sort. A renter has some tens of requests, which are found
/// by the specification's index on renters.
fn may_sort(filter: &RequestFilter) -> bool {
    let of_a_key = !filter.complexes.is_empty() || filter.unassigned;
    filter.renter_id.is_some()
        || filter.number.is_some()
        || filter.text.is_some()
        || filter.complexes.len() > 1
        || filter.absent_worker == Some(true)
        || filter.updated_since.is_some()
        || match filter.order {
            RequestOrder::UrgentFirst => true,
            RequestOrder::LongestWaiting => of_a_key,
            RequestOrder::RecentlyCompleted => false,
            _ => filter.completed_from.is_some(),
        }
}

/// A part of the name of the index by which a list must be read.
fn index(filter: &RequestFilter) -> &'static str {
    let open = filter.statuses.len() == 2 || filter.order == RequestOrder::LongestWaiting;
    if filter.number.is_some() {
        "requests_number_key"
    } else if filter.renter_id.is_some() {
        "requests_renter_id"
    } else if filter.property_id.is_some() {
        "requests_property_list"
    } else if filter.assigned_worker_id.is_some() {
        if open { "requests_open_work" } else { "requests_worker_list" }
    } else if filter.text.is_some() {
        "maintenance_words VIRTUAL TABLE"
    } else if !filter.complexes.is_empty() {
        "requests_complex_list"
    } else if filter.absent_worker == Some(true) {
        if open { "requests_open_work" } else { "requests_worker_list" }
    } else if filter.unassigned {
        "requests_unassigned_list"
    } else if filter.order == RequestOrder::LongestWaiting || filter.updated_since.is_some() {
        "requests_updated_list"
    } else if filter.order == RequestOrder::RecentlyCompleted || filter.completed_from.is_some() {
        "requests_completed_list"
    } else if filter.specialty.is_some() {
        "requests_trade_list"
    } else if !filter.statuses.is_empty()
        || !filter.priorities.is_empty()
        || filter.order == RequestOrder::UrgentFirst
    {
        "requests_status_list"
    } else if filter.whatsapp_status.is_some() {
        "requests_whatsapp_list"
    } else {
        "requests_list_idx"
    }
}

async fn explain(pool: &SqlitePool, mut query: QueryBuilder<Sqlite>) -> String {
    let mut query = query.build();
    let arguments = query.take_arguments().unwrap().unwrap();
    let sql = format!("explain query plan {}", query.sql().as_str());
    let steps: Vec<(i64, i64, i64, String)> =
        sqlx::query_as_with(AssertSqlSafe(sql), arguments).fetch_all(pool).await.unwrap();
    steps.into_iter().map(|step| step.3).collect::<Vec<_>>().join("\n")
}
