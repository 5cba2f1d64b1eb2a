//! An import that is dropped half-way is finished by the next one, and of a forgotten renter no column of any table holds
//! a text.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code: a failed expectation is its result")]

use std::{future::Future, pin::pin, task::Poll};

use futures_util::stream;
use maintenance_core::{Organizations, RequestFilter};
use maintenance_memory::conformance::{
    World,
    forget::{SECRET, cancel, said, secret},
    import::old_record,
};
use maintenance_sqlx::sqlx::{AssertSqlSafe, SqlitePool, query_scalar};
use maintenance_tests::databases;

/// Polls the future so often at most; whether it ended.
async fn polled(times: usize, future: impl Future) -> bool {
    let (mut future, mut left) = (pin!(future), times);
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        future.as_mut().poll(context).map(|_| true)
    })
    .await
}

/// Imports 1,200 requests, which are three steps, and drops the import after each number of polls until one ends.
async fn dropped_and_resumed(world: &World) {
    let records: Vec<_> = (1..=1_200).map(|n| old_record(world, n, None)).collect();
    let lines: Vec<String> = records.iter().map(|record| serde_json::to_string(record).unwrap()).collect();
    let import = || {
        let lines = stream::iter(&lines);
        world.maintenance.import(lines, |line| panic!("{line}"))
    };
    let mut times = 1;
    while !polled(times, import()).await {
        times += 1 + times / 4;
        assert!(times < 10_000, "it never ends");
    }
    assert!(times > 3, "it was dropped before");
    let report = import().await.unwrap();
    assert_eq!((report.imported, report.existing), (0, 1_200));
    for record in records.iter().step_by(7) {
        let mut found = world.record(record.request.id).await;
        // The store gives a number of its own.
        found.request.number = record.request.number;
        assert_eq!(&found, record);
    }
    assert_eq!(
        world.maintenance.count_by_status(&RequestFilter::default()).await.unwrap().values().sum::<u64>(),
        1_200
    );
}

/// A renter with the word in every text, whose requests are over.
async fn renter(store: impl Organizations + 'static) -> World {
    let world = World::new(store);
    world.worker(&["plumbing"]).await;
    for id in [7, 8] {
        let id = secret(&world, id).await;
        said(&world, id).await;
        cancel(&world, id).await;
        world.wait(60);
        world.dispatch().await;
    }
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_dropped_anywhere_is_resumed_without_a_double_on_sqlite() {
    let (store, _alive) = databases::sqlite().await;
    dropped_and_resumed(&World::new(store)).await;
}

/// The columns of all tables, `table.column`, in which some row has that text.
async fn sqlite_columns_with(pool: &SqlitePool, text: &str) -> Vec<String> {
    let columns: Vec<(String, String)> = sqlx::query_as(
        "select m.name, c.name from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table'",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut found = Vec::new();
    for (table, column) in columns {
        let sql = format!("select count(*) from \"{table}\" where instr(cast(\"{column}\" as text), $1) > 0");
        let rows: i64 = query_scalar(AssertSqlSafe(sql)).bind(text).fetch_one(pool).await.unwrap();
        if rows > 0 {
            found.push(format!("{table}.{column}"));
        }
    }
    found.sort_unstable();
    found
}

/// The columns that hold texts of a request. The word must be found in each before the renter is forgotten.
const TEXTS: [&str; 10] = [
    "maintenance_assignment_history.notes",
    "maintenance_attachments.file_url",
    "maintenance_comments.comment",
    "maintenance_edits.after",
    "maintenance_edits.before",
    "maintenance_inbound.payload",
    "maintenance_requests.description",
    "maintenance_requests.location",
    "maintenance_requests.title",
    "maintenance_status_history.notes",
];

#[tokio::test]
async fn no_column_holds_a_text_of_a_forgotten_renter_on_sqlite() {
    let (pool, _folder) = databases::sqlite_pool().await;
    let world = renter(maintenance_sqlx::sqlite::SqliteRepository::new(pool.clone())).await;
    let before = sqlite_columns_with(&pool, SECRET).await;
    for column in TEXTS {
        assert!(before.iter().any(|found| found == column), "{column}: {before:?}");
    }
    world.maintenance.forget_renter(world.renter).await.unwrap();
    assert_eq!(sqlite_columns_with(&pool, SECRET).await, [""; 0]);
}

#[cfg(feature = "postgres")]
mod postgres {
    use maintenance_sqlx::{postgres::PgRepository, sqlx::PgPool};
    use maintenance_tests::databases::Schema;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_import_dropped_anywhere_is_resumed_without_a_double_on_postgres() {
        let (store, _alive) = databases::postgres().await;
        dropped_and_resumed(&World::new(store)).await;
    }

    async fn columns_with(pool: &PgPool, text: &str) -> Vec<String> {
        let columns: Vec<(String, String)> = sqlx::query_as(
            "select table_name::text, column_name::text from information_schema.columns
              where table_schema = current_schema()",
        )
        .fetch_all(pool)
        .await
        .unwrap();
        let mut found = Vec::new();
        for (table, column) in columns {
            let sql =
                format!("select count(*) from \"{table}\" where position($1 in \"{column}\"::text) > 0");
            let rows: i64 = query_scalar(AssertSqlSafe(sql)).bind(text).fetch_one(pool).await.unwrap();
            if rows > 0 {
                found.push(format!("{table}.{column}"));
            }
        }
        found
    }

    #[tokio::test]
    async fn no_column_holds_a_text_of_a_forgotten_renter_on_postgres() {
        let schema = Schema::empty().await;
        let pool = schema.migrated().await;
        let world = renter(PgRepository::new(pool.clone())).await;
        let before = columns_with(&pool, SECRET).await;
        for column in TEXTS {
            assert!(before.iter().any(|found| found == column), "{column}: {before:?}");
        }
        world.maintenance.forget_renter(world.renter).await.unwrap();
        assert_eq!(columns_with(&pool, SECRET).await, [""; 0]);
    }
}
