//! SQLite tables in a file of their own.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use maintenance_core::{Clock as _, SystemClock};
use maintenance_sqlx::sqlite::{SqliteRepository, migrate, open};
use sqlx::{
    AssertSqlSafe, Connection as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use uuid::Uuid;

use super::{Database, Indexes, Told, chunks, progress, specification_indexes, sqlite_sql};
use crate::{
    Result,
    dataset::{Dataset, fresh, numbers},
    engine::Store,
    work::Prepared,
};

/// One file.
#[derive(Clone)]
pub(crate) struct Sqlite {
    pub(crate) pool: SqlitePool,
    pub(crate) file: PathBuf,
    store: SqliteRepository<'static>,
    dataset: Dataset,
    filled: DateTime<Utc>,
}

/// A time as the engine's tables keep it.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

impl Sqlite {
    /// Makes and fills a file. One that is there is refused: it may be somebody's.
    pub(crate) async fn fill(file: &Path, dataset: Dataset, indexes: Indexes) -> Result<Self> {
        if file.exists() {
            return Err(format!("{} exists; name a file that may be made and removed", file.display()).into());
        }
        let mut made = Self::open(file, dataset).await?;
        migrate(&made.pool).await?;
        made.load(indexes).await?;
        made.filled = SystemClock.now();
        Ok(made)
    }

    /// A file that is there already.
    pub(crate) async fn open(file: &Path, dataset: Dataset) -> Result<Self> {
        let pool = open(file).await?;
        let store = SqliteRepository::new(pool.clone());
        Ok(Self { pool, file: file.to_owned(), store, dataset, filled: SystemClock.now() })
    }

    async fn load(&self, indexes: Indexes) -> Result<()> {
        // A connection of its own, whose haste isn't measured.
        let options = SqliteConnectOptions::new()
            .filename(&self.file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Off)
            .foreign_keys(false)
            .pragma("cache_size", "-500000");
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let tables = if indexes == Indexes::Ours {
            "and tbl_name in ('maintenance_requests', 'maintenance_notifications', \
                'maintenance_status_history', 'maintenance_comments', 'maintenance_texts')"
        } else {
            "and tbl_name not like '\\_maintenance%' escape '\\'"
        };
        let put_off: Vec<(String, String)> = sqlx::query_as(AssertSqlSafe(format!(
            "select name, sql from sqlite_schema where type = 'index' and sql is not null {tables}"
        )))
        .fetch_all(&mut connection)
        .await?;
        let now = SystemClock.now().timestamp();
        let mut run: Vec<String> = put_off.iter().map(|(name, _)| format!("drop index {name}")).collect();
        run.extend(sqlite_sql::people(self.dataset, now));
        execute(&mut connection, run).await?;
        let name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bar = progress(&name, self.dataset.rows);
        for (from, to) in chunks(self.dataset.rows) {
            let mut run = vec!["begin immediate".to_owned()];
            run.extend(sqlite_sql::requests(self.dataset, now, from, to));
            run.push("commit".to_owned());
            execute(&mut connection, run).await?;
            bar.set_position(to.into());
        }
        bar.set_message(format!("{name}: indexes"));
        let mut run: Vec<String> = match indexes {
            Indexes::Ours => put_off.into_iter().map(|(_, sql)| sql).collect(),
            Indexes::Specification => specification_indexes().collect(),
        };
        if indexes == Indexes::Ours {
            run.extend(sqlite_sql::texts(self.dataset));
        }
        run.push("analyze".to_owned());
        run.push("pragma wal_checkpoint(truncate)".to_owned());
        execute(&mut connection, run).await?;
        bar.finish_and_clear();
        Ok(connection.close().await?)
    }
}

async fn execute(connection: &mut SqliteConnection, statements: Vec<String>) -> Result<()> {
    for sql in statements {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    }
    Ok(())
}

#[async_trait]
impl Database for Sqlite {
    fn store(&self) -> Store {
        // One store for all: its writers wait for each other fairly.
        Arc::new(self.store.clone())
    }

    async fn prepare(&self, n: u32, told: Told) -> Result<Vec<Prepared>> {
        // Each at its own moment, as if they had come one by one.
        let now = SystemClock.now();
        let ids: Vec<(Uuid, Uuid, String, String)> = (0..n)
            .map(|n| (fresh(), fresh(), time(now + TimeDelta::microseconds(n.into()))))
            .map(|(request, id, at)| (request, id, format!("wamid.{}", id.simple()), at))
            .collect();
        let given = serde_json::to_string(&ids)?;
        let mut step = self.pool.begin_with("begin immediate").await?;
        let mut workers: Vec<String> = vec![];
        let first = numbers(n);
        for sql in sqlite_sql::prepare(self.dataset) {
            let query =
                sqlx::query_scalar(AssertSqlSafe(sql)).bind(&given).bind(told == Told::Sent).bind(first);
            workers = query.fetch_all(&mut *step).await?;
        }
        step.commit().await?;
        let mut prepared = Vec::with_capacity(ids.len());
        for ((request, notification, provider, _), worker) in ids.into_iter().zip(workers) {
            let (worker, request) = (worker.parse()?, request.into());
            prepared.push(Prepared { request, worker, notification: notification.into(), provider });
        }
        Ok(prepared)
    }

    async fn settle(&self) -> Result<()> {
        // Without the checks, for which not all files have an index.
        let options = SqliteConnectOptions::new().filename(&self.file).foreign_keys(false);
        let options = options.busy_timeout(Duration::from_mins(1)).synchronous(SqliteSynchronous::Normal);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let mut step = connection.begin_with("begin immediate").await?;
        for sql in sqlite_sql::SETTLE {
            sqlx::query(sql).bind(time(self.filled)).execute(&mut *step).await?;
        }
        step.commit().await?;
        sqlx::query("pragma wal_checkpoint(truncate)").execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    async fn describe(&self) -> Result<Vec<(String, String)>> {
        let version: String = sqlx::query_scalar("select sqlite_version()").fetch_one(&self.pool).await?;
        let mode: String = sqlx::query_scalar("pragma journal_mode").fetch_one(&self.pool).await?;
        let synchronous: i64 = sqlx::query_scalar("pragma synchronous").fetch_one(&self.pool).await?;
        let synchronous = ["off", "normal", "full", "extra"].get(usize::try_from(synchronous)?).copied();
        Ok(vec![
            ("sqlite".to_owned(), version),
            ("journal_mode".to_owned(), mode),
            ("synchronous".to_owned(), synchronous.unwrap_or("?").to_owned()),
        ])
    }

    async fn remove(&self) -> Result<()> {
        self.pool.close().await;
        for end in ["", "-wal", "-shm"] {
            let mut name = self.file.clone().into_os_string();
            name.push(end);
            if Path::new(&name).exists() {
                std::fs::remove_file(&name)?;
            }
        }
        Ok(())
    }
}
