//! Every statement can be prepared against the migrated tables, and orders are the core's.

use maintenance_core::{Priority, WhatsAppStatus};
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr, SqlitePool, sqlite::SqlitePoolOptions};

use super::{archive, events, filing, import, inbound, migrate, notifications, renters, requests, workers};
use crate::order::{delivery_order, urgency};

async fn memory() -> SqlitePool {
    SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap()
}

#[tokio::test]
async fn every_statement_can_be_prepared() {
    let pool = memory().await;
    migrate(&pool).await.unwrap();
    for statements in [
        workers::STATEMENTS,
        requests::STATEMENTS,
        filing::STATEMENTS,
        notifications::STATEMENTS,
        events::STATEMENTS,
        inbound::STATEMENTS,
        renters::STATEMENTS,
        import::STATEMENTS,
        archive::STATEMENTS,
    ] {
        for sql in statements {
            pool.prepare(AssertSqlSafe((*sql).to_owned()).into_sql_str())
                .await
                .unwrap_or_else(|error| panic!("{error}: {sql}"));
        }
    }
}

#[tokio::test]
async fn the_database_orders_deliveries_as_the_core_does() {
    let pool = memory().await;
    for status in WhatsAppStatus::ALL {
        let place_of = concat!("select ", delivery_order!(place_of "$1"));
        let place: i64 = sqlx::query_scalar(place_of).bind(status.as_str()).fetch_one(&pool).await.unwrap();
        let at = concat!("select ", delivery_order!(at "$1"));
        let back: String = sqlx::query_scalar(at).bind(place).fetch_one(&pool).await.unwrap();
        assert_eq!((place, back.as_str()), (i64::from(status.progress()), status.as_str()));
    }
}

#[tokio::test]
async fn the_database_orders_priorities_as_the_core_does() {
    let pool = memory().await;
    for (place, priority) in Priority::ALL.iter().enumerate() {
        let place_of = concat!("select ", urgency!(place_of "$1"));
        let urgency: i64 =
            sqlx::query_scalar(place_of).bind(priority.as_str()).fetch_one(&pool).await.unwrap();
        assert_eq!(usize::try_from(urgency).unwrap(), place);
    }
}
