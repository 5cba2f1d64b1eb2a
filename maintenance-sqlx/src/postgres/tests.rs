//! Every statement prepares against the migrated schema.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr};

use super::{filing, migrate_in, notifications, requests, workers};

/// The server to test on.
pub(super) fn server() -> String {
    std::env::var("MAINTENANCE_TEST_DATABASE_URL").expect(
        "MAINTENANCE_TEST_DATABASE_URL must be the URL of a PostgreSQL server on which schemas may be made; \
         tests/run starts a throwaway one",
    )
}

#[tokio::test]
async fn every_statement_prepares() {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    // Never committed, so that nothing of it is left behind.
    let mut step = connection.begin().await.unwrap();
    let schema = "create schema maintenance_prepares; set local search_path to maintenance_prepares";
    sqlx::raw_sql(schema).execute(&mut *step).await.unwrap();
    migrate_in(&mut step).await.unwrap();
    for statements in
        [workers::STATEMENTS, requests::STATEMENTS, filing::STATEMENTS, notifications::STATEMENTS]
    {
        for sql in statements {
            let prepared = step.prepare(AssertSqlSafe((*sql).to_owned()).into_sql_str()).await;
            prepared.unwrap_or_else(|error| panic!("{error}: {sql}"));
        }
    }
}
