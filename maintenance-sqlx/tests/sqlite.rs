//! The SQLite store.
#![cfg(feature = "sqlite")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "test code with small numbers: a failed expectation is its result"
)]

mod store;

use std::{sync::Mutex, task::Poll, time::Duration};

use futures_util::future::join_all;
use maintenance_core::*;
use maintenance_sqlx::MigrateError;
use maintenance_sqlx::sqlite::{self, SqliteRepository};
use sqlx::{
    AssertSqlSafe, SqlStr, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use store::{
    NoDirectory,
    catalogue::{Found, Kind, TABLES},
};

struct File {
    pool: SqlitePool,
    _folder: tempfile::TempDir,
}

async fn file() -> File {
    let folder = tempfile::tempdir().unwrap();
    let pool = sqlite::open(folder.path().join("maintenance.db")).await.unwrap();
    sqlite::migrate(&pool).await.unwrap();
    File { pool, _folder: folder }
}

#[tokio::test]
async fn workers_and_assignments() {
    store::workers(&SqliteRepository::new(file().await.pool)).await;
}

#[tokio::test]
async fn a_request_lives() {
    let file = file().await;
    store::life(SqliteRepository::new(file.pool.clone())).await;
}

#[tokio::test]
async fn a_request_lives_in_the_hosts_transaction() {
    let file = file().await;
    let mut tx = file.pool.begin_with("begin immediate").await.unwrap();
    store::life(SqliteRepository::in_transaction(&mut tx)).await;
    tx.rollback().await.unwrap();
    let left: i64 =
        sqlx::query_scalar("select count(*) from maintenance_workers").fetch_one(&file.pool).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let file = file().await;
    store::lists(SqliteRepository::new(file.pool.clone())).await;
}

#[tokio::test]
async fn the_outbox_does_what_the_core_says() {
    let file = file().await;
    store::outbox(SqliteRepository::new(file.pool.clone()), 150).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_submitters_at_once_see_no_error() {
    let file = file().await;
    let store = SqliteRepository::new(file.pool.clone());
    store::staff(&store).await;
    let maintenance = Maintenance::new(store, NoDirectory);
    let begun = std::time::Instant::now();
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let maintenance = maintenance.clone();
            tokio::spawn(async move {
                for n in 0..50 {
                    maintenance.submit(store::new_request(1_000 * (task + 1) + n)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    eprintln!("400 submits in {:?}", begun.elapsed());
    let page = maintenance.requests(&RequestFilter::default(), &PageRequest::first(200)).await.unwrap();
    assert_eq!(page.items.len(), 200);
}

#[tokio::test]
async fn writers_take_turns() {
    let file = file().await;
    let store = SqliteRepository::new(file.pool.clone());
    let written = Mutex::new([0_u32; 8]);
    // Held until all of them stand in the queue.
    let held = file.pool.begin_with("begin immediate").await.unwrap();
    let writers = (0..8).map(|writer| {
        let (store, written) = (&store, &written);
        async move {
            for n in 0..20 {
                store.add_worker(&store::worker(100 * (writer as u128 + 1) + n)).await.unwrap();
                let mut written = written.lock().unwrap();
                written[writer] += 1;
                let (least, most) = (written.iter().min().unwrap(), written.iter().max().unwrap());
                assert!(most - least <= 1, "{written:?}");
            }
        }
    });
    let begin = async { held.rollback().await.unwrap() };
    futures_util::future::join(join_all(writers), begin).await;
}

#[tokio::test]
async fn filed_at_once_each_gets_its_own_answer() {
    store::at_once(SqliteRepository::new(file().await.pool.clone())).await;
}

#[tokio::test]
async fn who_waits_for_a_connection_takes_little_memory() {
    let file = file().await;
    store::waiting_takes_little_memory(&SqliteRepository::new(file.pool.clone()));
}

#[tokio::test]
async fn those_behind_one_who_waited_in_vain_are_sent_away_too() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new().filename(folder.path().join("one.db")).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(30));
    let pool = pool.connect_with(options).await.unwrap();
    sqlite::migrate(&pool).await.unwrap();
    let taken = pool.acquire().await.unwrap();
    let store = SqliteRepository::new(pool);
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let answers = join_all((0..20).map(|n| store.worker(store::worker(n).id))).await;
    for answer in answers {
        assert_eq!(answer.unwrap_err().kind, RepositoryErrorKind::Unavailable);
    }
    assert!(begun.elapsed() < Duration::from_mins(1), "each waited for a time-out of their own");
    tokio::time::resume();
    drop(taken);
    assert_eq!(store.worker(store::worker(1).id).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn new_primaries_at_once_leave_one() {
    let file = file().await;
    store::primaries(SqliteRepository::new(file.pool.clone())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dispatchers_and_webhooks_at_once_agree() {
    let file = file().await;
    store::crowd(SqliteRepository::new(file.pool.clone())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cancelled_submit_leaves_no_half_step() {
    let file = file().await;
    store::cancelled(SqliteRepository::new(file.pool.clone())).await;
}

#[tokio::test]
async fn the_tables_are_those_of_the_specification() {
    let file = file().await;
    for table in TABLES {
        let columns: Vec<(String, String, bool, i64)> =
            sqlx::query_as("select name, type, \"notnull\" = 0, pk from pragma_table_info($1)")
                .bind(table.name)
                .fetch_all(&file.pool)
                .await
                .unwrap();
        let key: Vec<_> = columns.iter().filter(|(.., pk)| *pk > 0).map(|c| c.0.as_str()).collect();
        assert_eq!(key.join(","), table.indexes[0].0);
        let references: Vec<(String, String, String)> =
            sqlx::query_as("select \"from\", \"table\", \"to\" from pragma_foreign_key_list($1)")
                .bind(table.name)
                .fetch_all(&file.pool)
                .await
                .unwrap();
        assert!(references.iter().all(|(.., to)| to == "id"));
        let indexes: Vec<(String, bool, bool)> = sqlx::query_as(
            "select (select group_concat(name) from pragma_index_info(l.name)), l.\"unique\", l.partial
               from pragma_index_list($1) l",
        )
        .bind(table.name)
        .fetch_all(&file.pool)
        .await
        .unwrap();
        let found = Found {
            columns: columns.into_iter().map(|(name, kind, nullable, _)| (name, kind, nullable)).collect(),
            references: references.into_iter().map(|(from, to, _)| (from, to)).collect(),
            indexes,
        };
        table.check(found, |kind| match kind {
            Kind::Flag | Kind::Count => "INTEGER",
            Kind::Id | Kind::Text | Kind::Texts | Kind::Time => "TEXT",
        });
    }
}

#[tokio::test]
async fn a_value_that_no_enum_has_is_refused() {
    let file = file().await;
    store::life(SqliteRepository::new(file.pool.clone())).await;
    for table in TABLES {
        for column in table.enums {
            let update = format!("update {} set {column} = 'bogus'", table.name);
            assert!(sqlx::raw_sql(AssertSqlSafe(update)).execute(&file.pool).await.is_err(), "{column}");
        }
    }
    let flag = sqlx::raw_sql("update complex_maintenance_assignments set is_primary = 2");
    assert!(flag.execute(&file.pool).await.is_err());
}

/// The host's own first migration, under the same number as ours.
fn hosts() -> Migrator {
    let sql = SqlStr::from_static("create table host_things (id integer primary key)");
    Migrator::with_migrations(vec![Migration::new(1, "host".into(), MigrationType::Simple, sql, false)])
}

async fn bare() -> File {
    let folder = tempfile::tempdir().unwrap();
    let pool = sqlite::open(folder.path().join("maintenance.db")).await.unwrap();
    File { pool, _folder: folder }
}

async fn tables(pool: &SqlitePool) -> i64 {
    let count = "select count(*) from sqlite_schema where type = 'table' and name like '%maintenance%'";
    sqlx::query_scalar(count).fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn migrations_run_at_once_again_and_beside_the_hosts() {
    let file = bare().await;
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let pool = file.pool.clone();
            tokio::spawn(async move { sqlite::migrate(&pool).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    hosts().run(&file.pool).await.unwrap();
    sqlite::migrate(&file.pool).await.unwrap();
    hosts().run(&file.pool).await.unwrap();
    assert_eq!(tables(&file.pool).await, 11);
}

#[tokio::test]
async fn an_older_version_runs_on_the_tables_of_a_newer_one_and_needs_no_lock() {
    let file = file().await;
    let newer =
        "insert into _maintenance_migrations (version, description, success, checksum, execution_time)
                 values ($1, 'another', true, '', 0)";
    sqlx::query(newer).bind(99_i64).execute(&file.pool).await.unwrap();
    let options = (*file.pool.connect_options()).clone();
    let reader = SqlitePool::connect_with(options.read_only(true)).await.unwrap();
    let held = file.pool.begin_with("begin immediate").await.unwrap();
    sqlite::migrate(&reader).await.unwrap();
    held.rollback().await.unwrap();
    sqlx::query(newer).bind(0_i64).execute(&file.pool).await.unwrap();
    let error = sqlite::migrate(&file.pool).await.unwrap_err();
    assert!(
        matches!(error, MigrateError::Migrate(sqlx::migrate::MigrateError::VersionMissing(0))),
        "{error}"
    );
}

#[tokio::test]
async fn a_migration_in_the_hosts_transaction_goes_with_it() {
    let file = bare().await;
    let mut tx = file.pool.begin().await.unwrap();
    sqlite::migrate_in(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(tables(&file.pool).await, 0);
}

#[tokio::test]
async fn a_table_of_someone_else_stops_the_migration_before_it_begins() {
    let file = bare().await;
    sqlx::raw_sql("create table maintenance_requests (number integer)").execute(&file.pool).await.unwrap();
    let error = sqlite::migrate(&file.pool).await.unwrap_err();
    assert!(matches!(&error, MigrateError::TableTaken(table) if table == "maintenance_requests"));
    assert!(error.to_string().contains("another schema"), "{error}");
    assert_eq!(tables(&file.pool).await, 1);
}

#[tokio::test]
async fn a_spoilt_value_is_not_quoted() {
    let file = file().await;
    store::unquoted(SqliteRepository::new(file.pool.clone()), |update| {
        let pool = file.pool.clone();
        async move {
            sqlx::raw_sql(update).execute(&pool).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_corrupt_row_is_reported_and_holds_up_no_other() {
    let file = file().await;
    let bad = [
        ("title", "maintenance_requests set title = ''"),
        ("created_at", "maintenance_requests set created_at = '2026-02-30T00:00:00.000000Z'"),
        ("completed_at", "maintenance_requests set completed_at = created_at"),
        ("renter_id", "maintenance_requests set renter_id = 'nobody'"),
        ("version", "maintenance_requests set version = -1"),
        ("error_text", "maintenance_notifications set error_code = 'x'"),
    ];
    store::corrupt(SqliteRepository::new(file.pool.clone()), &bad, |update| {
        let pool = file.pool.clone();
        async move {
            sqlx::raw_sql(AssertSqlSafe(update)).execute(&pool).await.unwrap();
        }
    })
    .await;
    let store = SqliteRepository::new(file.pool.clone());
    let spoil = "update maintenance_workers set specialties = '[\"secret' where status = 'active'";
    sqlx::raw_sql(spoil).execute(&file.pool).await.unwrap();
    let trade = WorkerFilter { specialty: Some(Specialty::ROOFING), ..Default::default() };
    let listing = store.workers(&trade, Slice { after: None, limit: 9 }).await.unwrap();
    assert_eq!(listing.corrupt.len(), 3);
    assert!(!format!("{:?}", listing.corrupt).contains("secret"));
    assert_eq!(store.candidates(&[store::complex(1)]).await.unwrap().corrupt.len(), 3);
}

#[tokio::test]
async fn a_step_that_fails_half_way_leaves_nothing() {
    let file = file().await;
    let mut tx = file.pool.begin_with("begin immediate").await.unwrap();
    store::halves(SqliteRepository::in_transaction(&mut tx)).await;
    tx.rollback().await.unwrap();
    store::halves(SqliteRepository::new(file.pool.clone())).await;
}

/// Polls a step once, and gives it up after the other has passed.
async fn given_up_after(passes: impl Future, step: impl Future) {
    let mut step = Box::pin(step);
    std::future::poll_fn(|context| Poll::Ready(step.as_mut().poll(context).is_ready())).await;
    passes.await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_given_up_in_the_hosts_transaction_undoes_nothing_but_itself() {
    let file = file().await;
    sqlx::raw_sql("create table host_audit (entry integer not null)").execute(&file.pool).await.unwrap();
    let staff = store::staff(&SqliteRepository::new(file.pool.clone())).await;
    // As long as a statement of another connection takes, the step goes on with nobody looking.
    let statements = async |n: usize| {
        for _ in 0..n {
            sqlx::raw_sql("select 1").execute(&file.pool).await.unwrap();
        }
    };
    for round in 0..100_usize {
        let mut tx = file.pool.begin_with("begin immediate").await.unwrap();
        sqlx::raw_sql("insert into host_audit values (1)").execute(&mut *tx).await.unwrap();
        let served = {
            let inside = SqliteRepository::in_transaction(&mut tx);
            let assign = async |n: usize| {
                let complex = store::complex(10 + n as u128);
                let assignment = store::assignment(n as u128, &staff[0], complex, false);
                inside.assign_complex(&assignment).await.map(drop)
            };
            let n = 100 + 4 * round;
            given_up_after(statements(0), assign(n)).await;
            assign(n + 1).await.unwrap();
            given_up_after(statements(round % 6), assign(n + 2)).await;
            assign(n + 3).await.unwrap();
            inside.assignments(AssignmentsOf::Worker(staff[0].id)).await.unwrap().items
        };
        tx.commit().await.unwrap();
        for acknowledged in [101 + 4 * round, 103 + 4 * round] {
            let complex = store::complex(10 + acknowledged as u128);
            assert!(served.iter().any(|served| served.complex_id == complex), "round {round}");
        }
    }
    let entries: i64 =
        sqlx::query_scalar("select count(*) from host_audit").fetch_one(&file.pool).await.unwrap();
    assert_eq!(entries, 100, "no row of the host's was undone");
}

#[tokio::test]
async fn another_process_holding_the_file_is_busy_and_passes() {
    let file = file().await;
    let options = (*file.pool.connect_options()).clone().busy_timeout(Duration::from_millis(30));
    let store = SqliteRepository::new(SqlitePool::connect_with(options).await.unwrap());
    store::staff(&store).await;
    let maintenance = Maintenance::new(store, NoDirectory);
    let request = maintenance.submit(store::new_request(1)).await.unwrap().request;
    let request = Request { id: store::id(2).into(), ..request };
    let filing = Filing { request, assignment: None, notification: None };
    let held = file.pool.begin_with("begin immediate").await.unwrap();
    let store = maintenance.repository();
    assert_eq!(store.add_worker(&store::worker(9)).await.unwrap_err().kind, RepositoryErrorKind::Busy);
    assert_eq!(store::file_one(store, &filing).await.unwrap_err().kind, RepositoryErrorKind::Busy);
    held.rollback().await.unwrap();
    assert_eq!(store::file_one(store, &filing).await.unwrap(), Inserted::New);
}

/// The kinds of error that submits at the same moment get, and how long the last one waited.
async fn submits(
    maintenance: &Maintenance<SqliteRepository<'static>>,
    n: u128,
) -> (Vec<RepositoryErrorKind>, Duration) {
    let begun = std::time::Instant::now();
    let submits = (0..n).map(|n| maintenance.submit(store::new_request(n)));
    let kinds = join_all(submits).await.into_iter().map(|answer| match answer.unwrap_err() {
        Error::Repository(error) => error.kind,
        other => panic!("{other}"),
    });
    (kinds.collect(), begun.elapsed())
}

#[tokio::test]
async fn while_another_process_holds_the_file_everyone_is_told_so_in_bounded_time() {
    let file = file().await;
    let options = (*file.pool.connect_options()).clone().busy_timeout(Duration::from_millis(500));
    let store = SqliteRepository::new(SqlitePool::connect_with(options).await.unwrap());
    let maintenance = Maintenance::new(store, NoDirectory);
    let held = file.pool.begin_with("begin immediate").await.unwrap();
    let (kinds, waited) = submits(&maintenance, 2_000).await;
    assert!(kinds.iter().all(|kind| *kind == RepositoryErrorKind::Busy), "{kinds:?}");
    // One wait after the other for each of 21 groups would be 10 seconds, and eight of each 84.
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    held.rollback().await.unwrap();
    maintenance.submit(store::new_request(1)).await.unwrap();
}

#[tokio::test]
async fn the_time_limit_of_a_step_counts_the_wait_for_its_turn_and_for_the_file() {
    let file = file().await;
    let options = (*file.pool.connect_options()).clone().busy_timeout(Duration::from_secs(8));
    let store = SqliteRepository::new(SqlitePool::connect_with(options).await.unwrap());
    let store = store.with_time_limit(Duration::from_millis(300));
    let held = file.pool.begin_with("begin immediate").await.unwrap();
    let workers: Vec<_> = (1..=20).map(store::worker).collect();
    let begun = std::time::Instant::now();
    for answer in join_all(workers.iter().map(|worker| store.add_worker(worker))).await {
        let kind = answer.unwrap_err().kind;
        assert!(matches!(kind, RepositoryErrorKind::Busy | RepositoryErrorKind::Unavailable), "{kind:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    held.rollback().await.unwrap();
}

#[tokio::test]
async fn a_read_only_file_and_a_full_disk_are_not_writable() {
    let file = file().await;
    let options = (*file.pool.connect_options()).clone();
    let reader = SqlitePool::connect_with(options.clone().read_only(true)).await.unwrap();
    let maintenance = Maintenance::new(SqliteRepository::new(reader), NoDirectory);
    let (kinds, _) = submits(&maintenance, 3).await;
    assert!(kinds.iter().all(|kind| *kind == RepositoryErrorKind::NotWritable), "{kinds:?}");
    assert_eq!(maintenance.repository().worker(store::id(1).into()).await.unwrap(), None, "it can be read");

    let full = SqlitePool::connect_with(options.pragma("max_page_count", "1")).await.unwrap();
    let maintenance = Maintenance::new(SqliteRepository::new(full), NoDirectory);
    let mut large = store::new_request(1);
    large.id = None;
    large.form.description = "water ".repeat(600);
    let refused = loop {
        match maintenance.submit(large.clone()).await {
            Ok(_) => {}
            Err(Error::Repository(error)) => break error,
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(refused.kind, RepositoryErrorKind::NotWritable, "{refused:?}");
}

#[tokio::test]
async fn an_error_that_ends_the_hosts_transaction_is_told_from_one_that_leaves_it() {
    let file = file().await;
    store::staff(&SqliteRepository::new(file.pool.clone())).await;
    let engine = Maintenance::new(SqliteRepository::new(file.pool.clone()), NoDirectory);
    for (raises, kind) in [
        ("abort", RepositoryErrorKind::Other),
        ("rollback", RepositoryErrorKind::Aborted { code: "1811".into() }),
    ] {
        let trigger = format!(
            "create trigger {raises}_requests before insert on maintenance_requests
             begin select raise({raises}, 'refused'); end;
             create trigger {raises}_workers before insert on maintenance_workers
             begin select raise({raises}, 'refused'); end"
        );
        sqlx::raw_sql(AssertSqlSafe(trigger)).execute(&file.pool).await.unwrap();
        let mut tx = file.pool.begin_with("begin immediate").await.unwrap();
        let inside = engine.within(SqliteRepository::in_transaction(&mut tx));
        let new = store::new_request(1).complex(store::complex(1));
        let Error::Repository(error) = inside.submit(new).await.unwrap_err() else { panic!() };
        assert_eq!(error.kind, kind);
        drop(tx);
        let mut tx = file.pool.begin_with("begin immediate").await.unwrap();
        let inside = SqliteRepository::in_transaction(&mut tx);
        assert_eq!(inside.add_worker(&store::worker(9)).await.unwrap_err().kind, kind);
        drop(tx);
        let end = format!("drop trigger {raises}_requests; drop trigger {raises}_workers");
        sqlx::raw_sql(AssertSqlSafe(end)).execute(&file.pool).await.unwrap();
    }
}

#[tokio::test]
async fn a_closed_pool_is_unavailable() {
    let file = file().await;
    file.pool.close().await;
    let store = SqliteRepository::new(file.pool.clone());
    assert_eq!(store.worker(store::id(1).into()).await.unwrap_err().kind, RepositoryErrorKind::Unavailable);
}
