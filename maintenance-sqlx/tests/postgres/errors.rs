//! What the errors of PostgreSQL mean to a caller.

use maintenance_core::*;
use maintenance_sqlx::postgres::PgRepository;
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};

use crate::{
    server::Schema,
    store::{self, NoDirectory},
};

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
    let text = format!("{error} {error:?} {}", error.source.as_ref().unwrap());
    assert!(text.contains("23514") && !text.contains('ü') && !text.contains("+1202"), "{text}");
    // What can't be read from a row's JSON.
    sqlx::raw_sql(
        "alter table maintenance_workers alter first_name type integer using 0, drop constraint none",
    )
    .execute(&*pool)
    .await
    .unwrap();
    let error = store.add_worker(&store::worker(9)).await.unwrap_err();
    let text = format!("{error} {error:?} {}", error.source.as_ref().unwrap());
    assert!(text.contains("22P02") && !text.contains('ü') && !text.contains("+1202"), "{text}");
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
async fn in_the_hosts_transaction_a_serialisation_failure_is_reported_with_its_code() {
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
    // The transaction is over, and every later call says so.
    assert_eq!(kind(inside.repository().worker(worker.id).await), Some(aborted("25P02")));
}

/// Its snapshot has the slots of numbers as they no longer are.
#[tokio::test]
async fn a_filing_above_read_committed_is_aborted_once_another_of_its_organisation_has_committed() {
    let schema = Schema::migrated().await;
    let maintenance = Maintenance::new(PgRepository::new(schema.clone()), NoDirectory);
    for (n, (level, organization, expected)) in (0..).zip([
        ("begin isolation level repeatable read", OrganizationId::NONE, Some(aborted("40001"))),
        ("begin isolation level repeatable read", store::id(1).into(), None),
        ("begin isolation level read committed", OrganizationId::NONE, None),
    ]) {
        let mut tx = schema.begin_with(level).await.unwrap();
        sqlx::raw_sql("select from maintenance_numbers").execute(&mut *tx).await.unwrap();
        maintenance.submit(store::new_request(10 * n + 1)).await.unwrap();
        let inside = maintenance.of(organization).within(PgRepository::in_transaction(&mut tx));
        let answer = match inside.submit(store::new_request(10 * n + 2).complex(store::complex(1))).await {
            Err(Error::Repository(error)) => Some(error.kind),
            answer => answer.err().map(|error| panic!("{error}")),
        };
        assert_eq!(answer, expected, "{level}, organisation {organization}");
    }
}

#[tokio::test]
async fn in_the_hosts_transaction_a_failed_guard_is_a_conflict_and_a_violated_constraint_is_aborted() {
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
async fn in_a_deadlock_one_transaction_is_aborted_and_the_other_goes_on() {
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
        let mut answers = futures_util::future::join(one, other).await;
        if answers.0.is_none() {
            answers = (answers.1, answers.0);
        }
        assert_eq!(answers, (Some(aborted("40P01")), None));
    }
}

#[tokio::test]
async fn in_the_hosts_transaction_the_hosts_own_time_limits_are_reported_with_their_codes() {
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

/// Makes the first `times` inserts of a request fail with this code. A sequence counts all inserts, since no
/// rollback undoes it.
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

/// Submits over a pool while the first `times` inserts fail with this code. Returns the kind of the submit's
/// error, and the number of inserts.
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
async fn over_a_pool_a_time_limit_of_the_database_is_busy_and_not_tried_again() {
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
