//! The PostgreSQL store. Needs a server at `MAINTENANCE_TEST_DATABASE_URL`: tests/run starts a throwaway one.
#![cfg(feature = "postgres")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "test code with small numbers: a failed expectation is its result"
)]

mod server;
mod store;

use maintenance_core::*;
use maintenance_sqlx::MigrateError;
use maintenance_sqlx::postgres::{self, PgRepository};
use server::Schema;
use sqlx::{
    AssertSqlSafe, PgPool, SqlStr,
    migrate::{Migration, MigrationType, Migrator},
    postgres::PgPoolOptions,
};
use store::{
    NoDirectory,
    catalogue::{Found, Kind, TABLES},
};

#[tokio::test]
async fn workers_and_assignments() {
    let schema = Schema::migrated().await;
    store::workers(&PgRepository::new(schema.clone())).await;
}

#[tokio::test]
async fn a_request_lives() {
    let schema = Schema::migrated().await;
    store::life(PgRepository::new(schema.clone())).await;
}

#[tokio::test]
async fn a_request_lives_in_the_hosts_transaction() {
    let pool = Schema::migrated().await;
    let mut tx = pool.begin().await.unwrap();
    store::life(PgRepository::in_transaction(&mut tx)).await;
    tx.rollback().await.unwrap();
    let left: i64 =
        sqlx::query_scalar("select count(*) from maintenance_workers").fetch_one(&*pool).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn filed_at_once_each_gets_its_own_answer() {
    store::at_once(PgRepository::new(Schema::migrated().await.clone())).await;
}

#[tokio::test]
async fn who_waits_for_a_connection_takes_little_memory() {
    let pool = PgPoolOptions::new().connect_lazy("postgres://localhost/nobody_connects").unwrap();
    store::waiting_takes_little_memory(&PgRepository::new(pool));
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let schema = Schema::migrated().await;
    store::lists(PgRepository::new(schema.clone())).await;
}

#[tokio::test]
async fn the_outbox_does_what_the_core_says() {
    let schema = Schema::migrated().await;
    store::outbox(PgRepository::new(schema.clone()), 150).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_submitters_at_once_see_no_error() {
    let schema = Schema::migrated().await;
    let store = PgRepository::new(schema.clone());
    store::staff(&store).await;
    let maintenance = Maintenance::new(store, NoDirectory);
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
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn new_primaries_at_once_leave_one() {
    let schema = Schema::migrated().await;
    store::primaries(PgRepository::new(schema.clone())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dispatchers_and_webhooks_at_once_agree() {
    let schema = Schema::migrated().await;
    store::crowd(PgRepository::new(schema.clone())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cancelled_submit_leaves_no_half_step() {
    let schema = Schema::migrated().await;
    store::cancelled(PgRepository::new(schema.clone())).await;
}

#[tokio::test]
async fn the_tables_are_those_of_the_specification() {
    let pool = Schema::migrated().await;
    for table in TABLES {
        let columns: Vec<(String, String, bool)> = sqlx::query_as(
            "select column_name::text, udt_name::text, is_nullable = 'YES'
               from information_schema.columns
              where table_schema = current_schema() and table_name = $1 and is_generated = 'NEVER'
                and column_name <> 'mirror_owed'
              order by ordinal_position",
        )
        .bind(table.name)
        .fetch_all(&*pool)
        .await
        .unwrap();
        let references: Vec<(String, String)> = sqlx::query_as(
            "select a.attname::text, c.confrelid::regclass::text
               from pg_constraint c
               join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
               join pg_attribute t on t.attrelid = c.confrelid and t.attnum = c.confkey[1]
              where c.conrelid = $1::regclass and c.contype = 'f' and t.attname = 'id'",
        )
        .bind(table.name)
        .fetch_all(&*pool)
        .await
        .unwrap();
        let indexes: Vec<(String, bool, bool)> = sqlx::query_as(
            "select (select string_agg(a.attname, ',' order by k.place)
                       from unnest(i.indkey::int2[]) with ordinality k (number, place)
                       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number),
                    i.indisunique, i.indpred is not null
               from pg_index i
               join pg_class c on c.oid = i.indexrelid
               join pg_am m on m.oid = c.relam and m.amname = 'btree'
              where i.indrelid = $1::regclass and c.relname <> 'maintenance_notifications_mirror_owed_idx'",
        )
        .bind(table.name)
        .fetch_all(&*pool)
        .await
        .unwrap();
        table.check(Found { columns, references, indexes }, |kind| match kind {
            Kind::Id => "uuid",
            Kind::Text => "text",
            Kind::Texts => "_text",
            Kind::Flag => "bool",
            Kind::Time => "timestamptz",
            Kind::Count => "int4",
        });
    }
}

#[tokio::test]
async fn a_value_that_no_enum_has_is_refused() {
    let pool = Schema::migrated().await;
    store::life(PgRepository::new(pool.clone())).await;
    for table in TABLES {
        for column in table.enums {
            let update = format!("update {} set {column} = 'bogus'", table.name);
            assert!(sqlx::raw_sql(AssertSqlSafe(update)).execute(&*pool).await.is_err(), "{column}");
        }
    }
}

/// The host's own first migration, under the same number as ours.
fn hosts() -> Migrator {
    let sql = SqlStr::from_static("create table host_things (id integer primary key)");
    Migrator::with_migrations(vec![Migration::new(1, "host".into(), MigrationType::Simple, sql, false)])
}

async fn tables(pool: &PgPool) -> i64 {
    let count = "select count(*) from pg_tables where schemaname = current_schema()";
    sqlx::query_scalar(count).fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn migrations_run_at_once_again_and_beside_the_hosts() {
    let pool = Schema::empty().await;
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { postgres::migrate(&pool).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    hosts().run(&*pool).await.unwrap();
    postgres::migrate(&pool).await.unwrap();
    hosts().run(&*pool).await.unwrap();
    assert_eq!(tables(&pool).await, 13);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn migrations_run_at_once_at_any_isolation_level() {
    for level in ["repeatable read", "serializable"] {
        let schema = Schema::empty().await;
        let options = (*schema.connect_options()).clone().options([("default_transaction_isolation", level)]);
        let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move { postgres::migrate(&pool).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        pool.close().await;
    }
}

#[tokio::test]
async fn a_role_that_may_create_nothing_finds_the_tables_up_to_date() {
    let schema = Schema::migrated().await;
    let role = format!("{}_reader", schema.name());
    let grants = format!(
        "create role {role};
         grant usage on schema {0} to {role};
         grant select on all tables in schema {0} to {role}",
        schema.name()
    );
    sqlx::raw_sql(AssertSqlSafe(grants)).execute(&*schema).await.unwrap();
    let options = (*schema.connect_options()).clone().options([("role", role.as_str())]);
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    let migrated = postgres::migrate(&pool).await;
    let create = sqlx::raw_sql("create table more (id integer)").execute(&pool).await;
    pool.close().await;
    let end = format!("drop owned by {role}; drop role {role}");
    sqlx::raw_sql(AssertSqlSafe(end)).execute(&*schema).await.unwrap();
    migrated.unwrap();
    assert!(create.is_err(), "it may create nothing");
}

#[tokio::test]
async fn an_older_version_runs_on_the_tables_of_a_newer_one() {
    let schema = Schema::migrated().await;
    let newer =
        "insert into _maintenance_migrations (version, description, success, checksum, execution_time)
                 values ($1, 'another', true, '', 0)";
    sqlx::query(newer).bind(99_i64).execute(&*schema).await.unwrap();
    postgres::migrate(&schema).await.unwrap();
    postgres::migrate_in(&mut schema.acquire().await.unwrap()).await.unwrap();
    // One that it should know, and doesn't, is of somebody else's making.
    sqlx::query(newer).bind(0_i64).execute(&*schema).await.unwrap();
    let error = postgres::migrate(&schema).await.unwrap_err();
    assert!(
        matches!(error, MigrateError::Migrate(sqlx::migrate::MigrateError::VersionMissing(0))),
        "{error}"
    );
}

#[tokio::test]
async fn a_migration_in_the_hosts_transaction_goes_with_it() {
    let pool = Schema::empty().await;
    let mut tx = pool.begin().await.unwrap();
    postgres::migrate_in(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(tables(&pool).await, 0);
}

#[tokio::test]
async fn a_table_of_someone_else_stops_the_migration_before_it_begins() {
    let pool = Schema::empty().await;
    sqlx::raw_sql("create view maintenance_requests as select 1 as n").execute(&*pool).await.unwrap();
    let error = postgres::migrate(&pool).await.unwrap_err();
    assert!(matches!(&error, MigrateError::TableTaken(table) if table == "maintenance_requests"));
    assert!(error.to_string().contains("another schema"), "{error}");
    assert_eq!(tables(&pool).await, 0);
    let drop = format!("drop schema {} cascade", pool.name());
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&*pool).await.unwrap();
    assert!(matches!(postgres::migrate(&pool).await, Err(MigrateError::NoSchema)));
}

#[tokio::test]
async fn a_corrupt_row_is_reported_and_holds_up_no_other() {
    let pool = Schema::migrated().await;
    let bad = [
        ("title", "maintenance_requests set title = ''"),
        ("updated_at", "maintenance_requests set updated_at = 'infinity'"),
        ("updated_at", "maintenance_requests set updated_at = '-infinity'"),
        ("completed_at", "maintenance_requests set completed_at = created_at"),
        ("version", "maintenance_requests set version = -1"),
        ("error_text", "maintenance_notifications set error_code = 'x'"),
    ];
    store::corrupt(PgRepository::new(pool.clone()), &bad, |update| {
        let pool = pool.clone();
        async move {
            sqlx::raw_sql(AssertSqlSafe(update)).execute(&pool).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn an_error_quotes_no_row() {
    let pool = Schema::migrated().await;
    let store = PgRepository::new(pool.clone());
    store::staff(&store).await;
    let clash = sqlx::raw_sql("create unique index on maintenance_workers (email)").execute(&*pool).await;
    assert!(clash.is_err());
    sqlx::raw_sql("alter table maintenance_workers add constraint none check (first_name = '') not valid")
        .execute(&*pool)
        .await
        .unwrap();
    let error = store.add_worker(&store::worker(9)).await.unwrap_err();
    let told = format!("{error} {error:?} {}", error.source.as_ref().unwrap());
    assert!(told.contains("23514") && !told.contains("Ann") && !told.contains("+1202"), "{told}");
    // What can't be read from a row's JSON.
    sqlx::raw_sql(
        "alter table maintenance_workers alter first_name type integer using 0, drop constraint none",
    )
    .execute(&*pool)
    .await
    .unwrap();
    let error = store.add_worker(&store::worker(9)).await.unwrap_err();
    let told = format!("{error} {error:?} {}", error.source.as_ref().unwrap());
    assert!(told.contains("22P02") && !told.contains("Ann") && !told.contains("+1202"), "{told}");
}

#[tokio::test]
async fn a_spoilt_value_is_not_quoted() {
    let pool = Schema::migrated().await;
    store::unquoted(PgRepository::new(pool.clone()), |update| {
        let pool = pool.clone();
        async move {
            sqlx::raw_sql(update).execute(&pool).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_step_that_fails_half_way_leaves_nothing() {
    let schema = Schema::migrated().await;
    store::halves(PgRepository::new(schema.clone())).await;
}

fn kind<T>(result: Result<T, RepositoryError>) -> Option<RepositoryErrorKind> {
    result.err().map(|error| error.kind)
}

fn saved(worker: &Worker) -> Worker {
    Worker { updated_at: store::at(99), ..worker.clone() }
}

fn aborted(code: &str) -> RepositoryErrorKind {
    RepositoryErrorKind::Aborted { code: code.to_owned() }
}

#[tokio::test]
async fn in_the_hosts_transaction_a_serialisation_failure_is_told_by_its_own_code() {
    let schema = Schema::migrated().await;
    let store = PgRepository::new(schema.clone());
    let worker = store::staff(&store).await.remove(0);
    let mut tx = schema.begin_with("begin isolation level repeatable read").await.unwrap();
    let inside = Maintenance::new(store.clone(), NoDirectory).within(PgRepository::in_transaction(&mut tx));
    inside.worker(worker.id).await.unwrap();
    store.save_worker(&saved(&worker), worker.updated_at).await.unwrap();
    let late = inside.set_worker_status(worker.id, WorkerStatus::OnLeave).await.unwrap_err();
    let Error::Repository(late) = late else { panic!("{late}") };
    assert_eq!(late.kind, aborted("40001"));
    // It is over, and whatever follows says so.
    assert_eq!(kind(inside.repository().worker(worker.id).await), Some(aborted("25P02")));
}

#[tokio::test]
async fn in_the_hosts_transaction_a_refused_guard_and_a_constraint_are_told_apart() {
    let schema = Schema::migrated().await;
    let worker = store::staff(&PgRepository::new(schema.clone())).await.remove(0);
    sqlx::raw_sql("create unique index on maintenance_workers (created_at)").execute(&*schema).await.unwrap();
    let mut tx = schema.begin().await.unwrap();
    let inside = PgRepository::in_transaction(&mut tx);
    let stale = inside.save_worker(&saved(&worker), store::at(7)).await;
    assert_eq!(kind(stale), Some(RepositoryErrorKind::Conflict));
    assert!(inside.worker(worker.id).await.is_ok(), "it goes on");
    let clash = Worker { id: store::id(77).into(), ..worker };
    assert_eq!(kind(inside.add_worker(&clash).await), Some(aborted("23505")));
}

#[tokio::test]
async fn of_a_deadlock_one_is_aborted_and_the_other_goes_on() {
    let schema = Schema::migrated().await;
    let workers = store::staff(&PgRepository::new(schema.clone())).await;
    let (mut first, mut second) = (schema.begin().await.unwrap(), schema.begin().await.unwrap());
    {
        let first = PgRepository::in_transaction(&mut first);
        let second = PgRepository::in_transaction(&mut second);
        let [a, b, _] = &workers[..] else { panic!() };
        first.save_worker(&saved(a), a.updated_at).await.unwrap();
        second.save_worker(&saved(b), b.updated_at).await.unwrap();
        let (crossed, back) = (saved(b), saved(a));
        let one = async { kind(first.save_worker(&crossed, b.updated_at).await) };
        let other = async { kind(second.save_worker(&back, a.updated_at).await) };
        let mut told = futures_util::future::join(one, other).await;
        if told.0.is_none() {
            told = (told.1, told.0);
        }
        assert_eq!(told, (Some(aborted("40P01")), None));
    }
}

#[tokio::test]
async fn in_the_hosts_transaction_the_hosts_own_time_limits_are_told_by_their_codes() {
    let schema = Schema::migrated().await;
    let store = PgRepository::new(schema.clone());
    let worker = store::staff(&store).await.remove(0);
    let mut holder = schema.begin().await.unwrap();
    let held = PgRepository::in_transaction(&mut holder);
    held.save_worker(&saved(&worker), worker.updated_at).await.unwrap();
    for (limit, code) in [("lock_timeout", "55P03"), ("statement_timeout", "57014")] {
        let mut tx = schema.begin().await.unwrap();
        let set = format!("set local {limit} = '20ms'");
        sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut *tx).await.unwrap();
        let inside =
            Maintenance::new(store.clone(), NoDirectory).within(PgRepository::in_transaction(&mut tx));
        let late = inside.set_worker_status(worker.id, WorkerStatus::OnLeave).await.unwrap_err();
        let Error::Repository(late) = late else { panic!("{late}") };
        assert_eq!(late.kind, aborted(code));
    }
}

/// Refuses the first inserts of a request with that code; a sequence, which no rollback undoes, counts all of them.
async fn refuse(pool: &PgPool, code: &str, times: u32) {
    let sql = format!(
        "create sequence inserts;
         create function refuse() returns trigger language plpgsql as $$ begin
             if nextval('inserts') <= {times} then raise exception 'refused' using errcode = '{code}'; end if;
             return new;
         end $$;
         create trigger refuse before insert on maintenance_requests for each row execute function refuse()"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.unwrap();
}

/// What a submit over the pool answers while its inserts are refused so often with that code, and how many there were.
async fn submit_refused(code: &str, times: u32) -> (Option<RepositoryErrorKind>, i64) {
    let schema = Schema::migrated().await;
    refuse(&schema, code, times).await;
    let maintenance = Maintenance::new(PgRepository::new(schema.clone()), NoDirectory);
    let answer = maintenance.submit(store::new_request(1)).await;
    let kind =
        answer.err().map(|error| if let Error::Repository(error) = error { error.kind } else { panic!() });
    let inserts = sqlx::query_scalar("select last_value from inserts").fetch_one(&*schema).await.unwrap();
    (kind, inserts)
}

#[tokio::test]
async fn over_a_pool_serialisation_failures_and_deadlocks_are_decided_again() {
    for code in ["40001", "40P01"] {
        assert_eq!(submit_refused(code, 2).await, (None, 3));
        assert_eq!(submit_refused(code, 99).await, (Some(RepositoryErrorKind::Conflict), 8));
    }
}

#[tokio::test]
async fn over_a_pool_a_time_limit_of_the_database_is_busy_and_not_waited_for_again() {
    for code in ["55P03", "57014"] {
        assert_eq!(submit_refused(code, 99).await, (Some(RepositoryErrorKind::Busy), 1));
    }
}

#[tokio::test]
async fn a_read_only_server_and_a_full_disk_are_not_writable() {
    for code in ["25006", "53100"] {
        assert_eq!(submit_refused(code, 99).await, (Some(RepositoryErrorKind::NotWritable), 1));
    }
    let schema = Schema::migrated().await;
    let options = (*schema.connect_options()).clone().options([("default_transaction_read_only", "on")]);
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    let refused = PgRepository::new(pool).add_worker(&store::worker(1)).await;
    assert_eq!(kind(refused), Some(RepositoryErrorKind::NotWritable));
}

#[tokio::test]
async fn a_pool_that_wrote_to_a_server_that_became_read_only_connects_anew() {
    let schema = Schema::migrated().await;
    let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = pool.connect_with((*schema.connect_options()).clone()).await.unwrap();
    sqlx::raw_sql("set default_transaction_read_only = on").execute(&pool).await.unwrap();
    let store = PgRepository::new(pool);
    let refused = store.add_worker(&store::worker(1)).await;
    assert_eq!(kind(refused), Some(RepositoryErrorKind::NotWritable));
    assert_eq!(store.add_worker(&store::worker(1)).await.unwrap(), Inserted::New);
}

#[tokio::test]
async fn a_pool_without_a_connection_or_closed_is_unavailable() {
    let schema = Schema::migrated().await;
    let options = (*schema.connect_options()).clone();
    let patience = std::time::Duration::from_secs(2);
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(1).acquire_timeout(patience);
    let pool = pool.connect_with(options).await.unwrap();
    let store = PgRepository::new(pool.clone());
    let taken = pool.acquire().await.unwrap();
    let nobody = store::id(1).into();
    assert_eq!(kind(store.worker(nobody).await), Some(RepositoryErrorKind::Unavailable));
    drop(taken);
    assert_eq!(store.worker(nobody).await.unwrap(), None);
    pool.close().await;
    assert_eq!(kind(store.worker(nobody).await), Some(RepositoryErrorKind::Unavailable));
}
