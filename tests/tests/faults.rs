//! A store that fails half-way through a step, and rows that can't be read.

#![expect(clippy::unwrap_used, reason = "test code: a failed expectation is its result")]

use std::{sync::Arc, time::Duration};

use maintenance_core::{
    Actor, Assign, DeliveryEvent, DispatchPolicy, Dispatcher, Error, Move, PageRequest, Repository,
    RepositoryError, RepositoryErrorKind, RequestFilter, RequestStatus, Submission, WorkerFilter,
};
use maintenance_memory::{RecordingNotifier, conformance::World};
use maintenance_sqlx::{
    sqlite::SqliteRepository,
    sqlx::{self, AssertSqlSafe, SqlitePool},
};
use maintenance_tests::databases;
use tempfile::TempDir;

const TABLES: [&str; 9] = [
    "maintenance_workers",
    "complex_maintenance_assignments",
    "maintenance_requests",
    "maintenance_attachments",
    "maintenance_comments",
    "maintenance_status_history",
    "maintenance_notifications",
    "maintenance_notification_sends",
    "maintenance_early_deliveries",
];

async fn world() -> (World, SqlitePool, TempDir) {
    let (pool, folder) = databases::sqlite_pool().await;
    (World::new(Arc::new(SqliteRepository::new(pool.clone()))), pool, folder)
}

async fn run(pool: &SqlitePool, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.unwrap();
}

/// Every row of every table.
async fn dump(pool: &SqlitePool) -> Vec<(String, Vec<String>)> {
    let mut dump = Vec::new();
    for table in TABLES {
        let columns =
            "select group_concat('quote(' || name || ')', ' || ''|'' || ') from pragma_table_info($1)";
        let columns: String = sqlx::query_scalar(columns).bind(table).fetch_one(pool).await.unwrap();
        let rows = format!("select {columns} from {table} order by 1");
        dump.push((table.to_owned(), sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(pool).await.unwrap()));
    }
    dump
}

/// The use case that runs while the store fails.
#[derive(Debug, Clone, Copy)]
enum Step {
    Submit,
    Complete,
    Reopen,
    HandBack,
    Assign,
    Primary,
    Dispatch,
    Hear,
}

/// Prepares a step, lets the store fail at one kind of write to one table, and does the step. Returns whether
/// the failure came to the caller; then nothing may have been written.
async fn fails_whole(step: Step, table: &str, write: &str) -> bool {
    let (world, pool, _folder) = world().await;
    let (first, second) = (world.worker(&["plumbing"]).await, world.worker(&["roofing"]).await);
    world.maintenance.assign_complex(first.id, world.complex, true).await.unwrap();
    let (landlord, worker) = (world.landlord(), Actor::Worker(first.id));
    let request = world.filed().await;
    let change = |wanted| world.maintenance.change_status(request.id, wanted);
    let before_that: &[RequestStatus] = match step {
        Step::Complete | Step::HandBack | Step::Assign => &[RequestStatus::InProgress],
        Step::Reopen => &[RequestStatus::InProgress, RequestStatus::Completed],
        _ => &[],
    };
    for to in before_that {
        change(Move::to(*to, landlord)).await.unwrap();
    }
    let message = world.newest_message(request.id).await;
    let trigger = format!(
        "create trigger injected before {write} on {table} begin select raise(abort, 'injected'); end"
    );
    run(&pool, trigger).await;
    let before = dump(&pool).await;
    let failed = match step {
        Step::Submit => world.maintenance.submit(world.new_request()).await.is_err(),
        Step::Complete => change(Move::to(RequestStatus::Completed, worker)).await.is_err(),
        Step::Reopen => change(Move::to(RequestStatus::InProgress, landlord).note("again")).await.is_err(),
        Step::HandBack => change(Move::to(RequestStatus::Pending, worker).note("no parts")).await.is_err(),
        Step::Assign => {
            world.maintenance.assign(request.id, second.id, Assign::by(landlord).note("why")).await.is_err()
        }
        Step::Primary => world.maintenance.assign_complex(second.id, world.complex, true).await.is_err(),
        Step::Hear => {
            world.maintenance.record_deliveries(&[world.news(&message, DeliveryEvent::Read)]).await.is_err()
        }
        // A dispatch is two steps, claim and record: what is claimed stays claimed, and is sent once.
        Step::Dispatch => return impatient(&world).dispatch_due().await.is_err(),
    };
    if failed {
        assert_eq!(dump(&pool).await, before, "{step:?} left something half-done: {write} on {table} failed");
    }
    run(&pool, "drop trigger injected".into()).await;
    failed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_at_any_write_leaves_nothing_half_done() {
    let cases: [(Step, &[(&str, &str)]); 8] = [
        (Step::Submit, &[("insert", "maintenance_requests"), ("insert", "maintenance_notifications")]),
        (Step::Complete, &[("update", "maintenance_requests"), ("insert", "maintenance_status_history")]),
        (
            Step::Reopen,
            &[
                ("update", "maintenance_requests"),
                ("insert", "maintenance_status_history"),
                ("insert", "maintenance_notifications"),
            ],
        ),
        (Step::HandBack, &[("update", "maintenance_requests"), ("insert", "maintenance_status_history")]),
        (
            Step::Assign,
            &[
                ("update", "maintenance_requests"),
                ("insert", "maintenance_status_history"),
                ("insert", "maintenance_notifications"),
            ],
        ),
        (
            Step::Primary,
            &[("insert", "complex_maintenance_assignments"), ("update", "complex_maintenance_assignments")],
        ),
        (
            Step::Dispatch,
            &[
                ("update", "maintenance_notifications"),
                ("update", "maintenance_requests"),
                ("insert", "maintenance_notification_sends"),
            ],
        ),
        (
            Step::Hear,
            &[
                ("update", "maintenance_notifications"),
                ("update", "maintenance_requests"),
                ("insert", "maintenance_notification_sends"),
            ],
        ),
    ];
    for (step, needed) in cases {
        for table in TABLES {
            for write in ["insert", "update", "delete"] {
                let failed = fails_whole(step, table, write).await;
                assert_eq!(failed, needed.contains(&(write, table)), "{step:?}, {write} on {table}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_whose_record_failed_is_held_and_then_settled_by_its_webhook() {
    let (world, pool, _folder) = world().await;
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let trigger = "create trigger injected before update of provider_message_id on maintenance_notifications
                   begin select raise(abort, 'injected'); end";
    run(&pool, trigger.into()).await;
    assert!(impatient(&world).dispatch_due().await.is_err());
    run(&pool, "drop trigger injected".into()).await;
    assert_eq!(world.notifier.messages().len(), 1, "it went out");
    assert_eq!(world.dispatch().await.claimed, 0, "held");
    let message = world.newest_message(request.id).await;
    world.maintenance.record_deliveries(&[world.news(&message, DeliveryEvent::Delivered)]).await.unwrap();
    world.wait(100_000);
    assert_eq!(world.dispatch().await.claimed, 0, "settled: no second message");
}

fn is_corrupt(error: &RepositoryError, at: (&str, &str, &str)) -> bool {
    matches!(&error.kind, RepositoryErrorKind::Corrupt { table, column, row } if (*table, *column, row.as_str()) == at)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_row_is_named_and_holds_up_no_other() {
    let spoilt = [
        ("status", "'done'"),
        ("priority", "'urgent'"),
        ("created_at", "'2026-13-45T00:00:00.000000Z'"),
        ("created_at", "'yesterday'"),
        ("completed_at", "'2026-01-01T00:00:00.000000Z'"),
        ("title", "''"),
        ("renter_id", "'nobody'"),
        ("specialty", "'--'"),
        ("version", "-1"),
    ];
    for (column, value) in spoilt {
        let (world, pool, _folder) = world().await;
        world.worker(&["plumbing"]).await;
        let (sound, bad) = (world.filed().await, world.filed().await);
        run(
            &pool,
            format!(
                "pragma ignore_check_constraints = on;
                 update maintenance_requests set {column} = {value} where id = '{}';
                 pragma ignore_check_constraints = off",
                bad.id
            ),
        )
        .await;
        let id = bad.id.to_string();
        let at = ("maintenance_requests", column, id.as_str());
        let page =
            world.maintenance.requests(&RequestFilter::default(), &PageRequest::first(1)).await.unwrap();
        let (mut items, mut corrupt, mut after) = (page.items, page.corrupt, page.next);
        while let Some(cursor) = after {
            let page = PageRequest::after(cursor, 1);
            let page = world.maintenance.requests(&RequestFilter::default(), &page).await.unwrap();
            items.extend(page.items);
            corrupt.extend(page.corrupt);
            after = page.next;
        }
        assert_eq!(items, std::slice::from_ref(&sound), "{column}");
        assert!(!corrupt.is_empty() && corrupt.iter().all(|error| is_corrupt(error, at)), "{corrupt:?}");
        let error = world.maintenance.record(bad.id).await.unwrap_err();
        assert!(matches!(&error, Error::Repository(error) if is_corrupt(error, at)), "{error}");
        let report = world.dispatch().await;
        assert_eq!(report.sent, 1, "{column}: the other message goes out");
        assert!(report.corrupt.iter().all(|error| is_corrupt(error, at)) && report.corrupt.len() == 1);
        assert_eq!(world.dispatch().await.claimed, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_worker_is_left_out_of_selection_and_named_in_lists() {
    let (world, pool, _folder) = world().await;
    let (bad, sound) = (world.worker(&["plumbing"]).await, world.worker(&["plumbing"]).await);
    run(&pool, format!("update maintenance_workers set specialties = '[7]' where id = '{}'", bad.id)).await;
    let submitted = world.maintenance.submit(world.new_request()).await.unwrap();
    let Submission::Filed(selection) = submitted.submission else { panic!("filed") };
    assert_eq!((selection.chosen, selection.ranking.len()), (Some(sound.id), 1));
    let page = world.maintenance.workers(&WorkerFilter::default(), &PageRequest::default()).await.unwrap();
    assert_eq!((page.items.len(), page.corrupt.len()), (1, 1));
    let id = bad.id.to_string();
    assert!(is_corrupt(&page.corrupt[0], ("maintenance_workers", "specialties", &id)));
}

/// A dispatcher that soon gives up recording an outcome.
fn impatient(world: &World) -> Dispatcher<Arc<dyn Repository>, RecordingNotifier> {
    let policy = DispatchPolicy { hold: Duration::from_millis(300), ..DispatchPolicy::default() };
    world.maintenance.dispatcher(world.notifier.clone(), policy)
}
