//! A schema per customer over one pool, with one loop of dispatchers for all.
#![cfg(feature = "postgres")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "test code: a failed expectation is its result"
)]

use std::{
    pin::pin,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use maintenance_core::{
    DispatchPolicy, Dispatchers, Error, Maintenance, PageRequest, RepositoryErrorKind, Request,
    RequestFilter, RequestId, SystemClock, WhatsAppStatus,
};
use maintenance_memory::{TableDirectory, conformance::World};
use maintenance_sqlx::{
    MigrateError,
    postgres::{PgRepository, SchemaName, Schemas, migrate, migrate_all},
    sqlx::{self, AssertSqlSafe, PgPool, postgres::PgPoolOptions},
};
use maintenance_tests::databases::Schema;
use tokio::{sync::oneshot, task::yield_now};

/// A host's pool, with customers' schemas beside its own.
struct Host {
    pool: PgPool,
    customers: Vec<Schema>,
    own: Schema,
}

impl Host {
    /// A host with that many customers, whose tables are made.
    async fn new(customers: usize, connections: u32) -> Self {
        let (own, customers) =
            (Schema::empty().await, (0..customers).map(|_| Schema::missing()).collect::<Vec<_>>());
        let pool = own.pool(connections).await;
        let host = Self { pool, customers, own };
        assert!(migrate_all(&host.pool, host.names()).await.is_empty());
        host
    }

    fn names(&self) -> Vec<SchemaName> {
        self.customers.iter().map(name).collect()
    }

    /// A world in each customer's schema, with one worker in it.
    async fn worlds(&self) -> Vec<World> {
        let schemas = Schemas::new(self.pool.clone());
        let worlds: Vec<World> =
            self.names().iter().map(|name| World::new(schemas.repository(name))).collect();
        for world in &worlds {
            world.worker(&["plumbing"]).await;
        }
        worlds
    }

    /// Takes all connections of the pool at once, and asserts that each has the host's `search_path`.
    async fn sees_its_own_schema(&self) {
        let all = (0..self.pool.options().get_max_connections()).map(async |_| {
            let mut connection = self.pool.acquire().await.unwrap();
            let path: String =
                sqlx::query_scalar("show search_path").fetch_one(&mut *connection).await.unwrap();
            (connection, path)
        });
        for (_, path) in join_all(all).await {
            assert_eq!(path, self.own.name());
        }
    }
}

fn name(schema: &Schema) -> SchemaName {
    SchemaName::new(schema.name()).unwrap()
}

async fn run(pool: &PgPool, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.unwrap();
}

/// Polls the future at most that often, and drops it.
async fn give_up_after(polls: u32, future: impl Future) {
    let waits = async {
        for _ in 0..polls {
            yield_now().await;
        }
    };
    tokio::select! {
        biased;
        _ = future => {}
        () = waits => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_organisations_in_one_database_see_nothing_of_each_other() {
    let schemas = [Schema::empty().await, Schema::empty().await];
    let pools = [schemas[0].pool(4).await, schemas[1].pool(4).await];
    // Both migrate at once: neither takes the other's tables for somebody else's.
    let (one, two) = tokio::join!(migrate(&pools[0]), migrate(&pools[1]));
    one.unwrap();
    two.unwrap();
    let worlds = pools.map(|pool| World::new(PgRepository::new(pool)));
    file_in_each(&worlds).await;
}

/// Files one request in the first world, two in the second and so on, all at once, and asserts that each has its own.
async fn file_in_each(worlds: &[World]) {
    for world in worlds {
        if world.requests().await.is_empty() {
            world.worker(&["plumbing"]).await;
        }
    }
    // Ids count from 1 in every world, so that any leak from one to another would clash.
    let filed = worlds.iter().enumerate().map(async |(n, world)| {
        let filed: Vec<Request> = join_all((0..=n).map(|_| world.filed())).await;
        (n, filed.into_iter().map(|request| request.id).collect::<Vec<_>>())
    });
    let filed: Vec<(usize, Vec<RequestId>)> = join_all(filed).await;
    let reports = join_all(worlds.iter().map(World::dispatch)).await;
    for (n, ids) in filed {
        assert_eq!((reports[n].sent, worlds[n].notifier.messages().len()), (n + 1, n + 1));
        assert_eq!(worlds[n].requests().await.len(), n + 1);
        for id in ids {
            assert_eq!(worlds[n].record(id).await.request.whatsapp_status, WhatsAppStatus::Sent);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_schemas_over_few_connections_see_nothing_of_each_other_and_the_host_nothing_of_them() {
    for connections in [1, 3] {
        let host = Host::new(6, connections).await;
        let schemas = Schemas::new(host.pool.clone());
        let worlds: Vec<World> =
            host.names().iter().map(|name| World::new(schemas.repository(name))).collect();
        let (over, is_over) = oneshot::channel::<()>();
        // The host's own queries take turns with the calls.
        let pool = host.pool.clone();
        let hosts = tokio::spawn(async move {
            let (mut is_over, mut seen) = (pin!(is_over), std::collections::BTreeSet::<String>::new());
            loop {
                tokio::select! {
                    biased;
                    _ = &mut is_over => return seen,
                    path = sqlx::query_scalar("show search_path").fetch_one(&pool) => {
                        seen.insert(path.unwrap());
                    }
                }
            }
        });
        file_in_each(&worlds).await;
        over.send(()).unwrap();
        assert_eq!(hosts.await.unwrap().into_iter().collect::<Vec<_>>(), [host.own.name()]);
        host.sees_its_own_schema().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_that_is_dropped_at_any_moment_leaves_no_connection_in_its_schema() {
    let host = Host::new(3, 2).await;
    let worlds = host.worlds().await;
    let mut filed = [0, 0, 0];
    for (n, world) in worlds.iter().enumerate() {
        for _ in 0..=n {
            world.filed().await;
            filed[n] += 1;
        }
    }
    let all = (RequestFilter::default(), PageRequest::first(200));
    for polls in 0..60 {
        let calls = worlds.iter().map(|world| {
            let call = world.maintenance.requests(&all.0, &all.1);
            // Several of each, so that kept connections change hands while others are given up.
            give_up_after(polls * 20, call)
        });
        join_all(calls).await;
        let answers = join_all(worlds.iter().map(World::requests)).await;
        assert_eq!(answers.iter().map(Vec::len).collect::<Vec<_>>(), filed);
        if polls % 10 == 0 {
            host.sees_its_own_schema().await;
        }
    }
    host.sees_its_own_schema().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_or_takes_too_long_leaves_no_connection_in_its_schema() {
    let host = Host::new(3, 2).await;
    let worlds = host.worlds().await;
    let [broken, locked, sound] = &worlds[..] else { panic!() };
    run(&host.pool, format!("drop table {}.maintenance_requests cascade", host.customers[0].name())).await;
    let mut tx = host.pool.begin().await.unwrap();
    let lock = format!("lock table {}.maintenance_requests", host.customers[1].name());
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *tx).await.unwrap();
    let schemas = Schemas::new(host.pool.clone());
    let repository =
        schemas.repository(&name(&host.customers[1])).with_time_limit(Duration::from_millis(300));
    let hangs = Maintenance::new(repository, locked.directory.clone());
    let (all, page) = (RequestFilter::default(), PageRequest::first(200));
    for _ in 0..5 {
        let error = broken.maintenance.requests(&all, &page).await.unwrap_err();
        assert!(matches!(error, Error::Repository(error) if error.kind == RepositoryErrorKind::Other));
        assert!(sound.requests().await.is_empty());
        let error = hangs.requests(&all, &page).await.unwrap_err();
        assert!(matches!(error, Error::Repository(error) if error.kind == RepositoryErrorKind::Unavailable));
        assert!(sound.requests().await.is_empty());
    }
    tx.rollback().await.unwrap();
    host.sees_its_own_schema().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_schema_lacks_is_not_found_in_the_hosts() {
    let host = Host::new(0, 2).await;
    migrate(&host.pool).await.unwrap();
    let missing = Schemas::new(host.pool.clone()).repository(&name(&Schema::missing()));
    let missing = Maintenance::new(missing, TableDirectory::new());
    assert!(missing.requests(&RequestFilter::default(), &PageRequest::first(1)).await.is_err());
    let own = World::new(PgRepository::new(host.pool.clone()));
    assert!(own.requests().await.is_empty());
}

#[test]
fn a_connection_that_its_runtime_did_not_bring_back_does_no_harm() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let host = first.block_on(Host::new(1, 2));
    // Ends while the connection is kept for the next call, or on its way back.
    first.block_on(async { host.worlds().await[0].filed().await });
    drop(first);
    let second = runtime();
    second.block_on(async {
        let pool = host.own.pool(2).await;
        let world = World::new(Schemas::new(pool).repository(&name(&host.customers[0])));
        assert_eq!(world.requests().await.len(), 1);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_schemas_are_migrated_but_those_that_cannot_be_whoever_else_does_so() {
    let host = Host::new(0, 6).await;
    let schemas: Vec<Schema> = (0..8).map(|_| Schema::missing()).collect();
    let [spoilt, quoted, ..] = &schemas[..] else { panic!() };
    run(
        &host.pool,
        format!("create schema {0}; create table {0}.maintenance_requests (id uuid)", spoilt.name()),
    )
    .await;
    run(&host.pool, format!("create schema {}", quoted.name())).await;
    let names: Vec<SchemaName> = schemas.iter().map(name).collect();
    // Three processes at once.
    for failed in join_all((0..3).map(|_| migrate_all(&host.pool, names.clone()))).await {
        let failed: Vec<_> = failed.into_iter().collect();
        let [(schema, MigrateError::TableTaken(table))] = &failed[..] else { panic!("{failed:?}") };
        assert_eq!((schema.as_str(), table.as_str()), (spoilt.name(), "maintenance_requests"));
    }
    host.sees_its_own_schema().await;
    for schema in &schemas[1..] {
        // Of the pool's own schema `migrate` finds the same tables up to date.
        migrate(&schema.pool(1).await).await.unwrap();
    }
    run(&host.pool, format!("drop table {}.maintenance_requests", spoilt.name())).await;
    assert!(migrate_all(&host.pool, names).await.is_empty(), "once it is mended, it follows");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_create_no_schema_is_told_which_one_is_missing() {
    let host = Host::new(1, 2).await;
    let (missing, role) = (Schema::missing(), format!("{}_reader", host.own.name()));
    run(
        &host.pool,
        format!(
            "create role {role}; grant usage on schema {0} to {role};
             grant select on all tables in schema {0} to {role}",
            host.customers[0].name()
        ),
    )
    .await;
    let options = host.own.options().options([("role", role.as_str())]);
    let pool = PgPoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    let failed = migrate_all(&pool, [name(&host.customers[0]), name(&missing)]).await;
    pool.close().await;
    run(&host.pool, format!("drop owned by {role}; drop role {role}")).await;
    let failed: Vec<_> = failed.into_iter().collect();
    let [(schema, error @ MigrateError::Schema { .. })] = &failed[..] else { panic!("{failed:?}") };
    assert_eq!(schema, &name(&missing));
    assert!(error.to_string().contains(missing.name()), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_schema_whose_name_needs_quotes_is_quoted() {
    let host = Host::new(0, 2).await;
    let odd = SchemaName::new(&format!("{}, \"public\"; --", &host.own.name()[..40])).unwrap();
    let failed = migrate_all(&host.pool, [odd.clone()]).await;
    let schemas = Schemas::new(host.pool.clone());
    let world = World::new(schemas.repository(&odd));
    world.worker(&["plumbing"]).await;
    world.filed().await;
    let found = world.requests().await.len();
    run(&host.pool, format!("drop schema {} cascade", odd.search_path())).await;
    assert_eq!((failed.len(), found), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_loop_sends_for_every_schema_whatever_becomes_of_some() {
    let host = Host::new(12, 5).await;
    let worlds = host.worlds().await;
    run(&host.pool, format!("drop table {}.maintenance_notifications cascade", host.customers[0].name()))
        .await;
    // Whoever claims in the second schema waits until this ends.
    let locking = host.own.pool(1).await;
    let mut tx = locking.begin().await.unwrap();
    let lock = format!("lock table {}.maintenance_notifications", host.customers[1].name());
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *tx).await.unwrap();

    let (dispatchers, errors) = (Dispatchers::new().at_once(1), Arc::new(Mutex::new(vec![0; worlds.len()])));
    for (n, world) in worlds.iter().enumerate() {
        // The store's clock is compared with the engine's, which stands still in these worlds.
        let maintenance = world.maintenance.clone().with_clock(SystemClock);
        let dispatcher = maintenance.dispatcher(world.notifier.clone(), DispatchPolicy::default());
        let errors = errors.clone();
        dispatchers
            .add(dispatcher.observed_by(move |report| errors.lock().unwrap()[n] += report.errors.len()));
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let running =
        tokio::spawn(async move { dispatchers.run(async { stopped.await.unwrap_or_default() }).await });
    let sound = &worlds[2..];
    let limit = Instant::now() + Duration::from_mins(1);
    for _ in 0..3 {
        let filed = join_all(sound.iter().map(World::filed)).await;
        for (world, request) in sound.iter().zip(filed) {
            while world.record(request.id).await.request.whatsapp_status != WhatsAppStatus::Sent {
                assert!(Instant::now() < limit, "not sent within a minute");
                yield_now().await;
            }
        }
    }
    for world in sound {
        assert_eq!(world.notifier.messages().len(), 3);
    }
    while errors.lock().unwrap()[0] == 0 {
        assert!(Instant::now() < limit, "nobody heard of the broken schema");
        yield_now().await;
    }
    assert!(errors.lock().unwrap()[2..].iter().all(|errors| *errors == 0));
    tx.rollback().await.unwrap();
    stop.send(()).unwrap();
    running.await.unwrap();
    host.sees_its_own_schema().await;
}
