//! Every statement prepares against the migrated schema.

use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use super::{filing, migrate, notifications, requests, workers};

#[tokio::test]
async fn every_statement_prepares() {
    let pool =
        sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    migrate(&pool).await.unwrap();
    for statements in
        [workers::STATEMENTS, requests::STATEMENTS, filing::STATEMENTS, notifications::STATEMENTS]
    {
        for sql in statements {
            pool.prepare(AssertSqlSafe((*sql).to_owned()).into_sql_str())
                .await
                .unwrap_or_else(|error| panic!("{error}: {sql}"));
        }
    }
}
