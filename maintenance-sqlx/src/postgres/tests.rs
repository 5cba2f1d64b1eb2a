//! Every statement prepares against the migrated schema.

use sqlx::{AssertSqlSafe, Executor, SqlSafeStr, postgres::PgConnectOptions};

use super::{migrate, notifications, requests, workers};

#[tokio::test]
async fn every_statement_prepares() {
    assert!(
        std::env::var_os("PGHOST").is_some(),
        "needs PostgreSQL: run under `pg_virtualenv`, or set PGHOST"
    );
    let schema = "prepares";
    let options = PgConnectOptions::new().options([("search_path", schema)]);
    let pool = sqlx::PgPool::connect_with(options).await.unwrap();
    sqlx::query("create schema prepares").execute(&pool).await.unwrap();
    migrate(&pool).await.unwrap();
    for statements in [workers::STATEMENTS, requests::STATEMENTS, notifications::STATEMENTS] {
        for sql in statements {
            let prepared = pool.prepare(AssertSqlSafe((*sql).to_owned()).into_sql_str()).await;
            prepared.unwrap_or_else(|error| panic!("{error}: {sql}"));
        }
    }
}
