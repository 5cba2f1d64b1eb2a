//! PostgreSQL tables in a schema of their own.

use std::str::FromStr as _;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{Clock as _, SystemClock};
use maintenance_sqlx::postgres::{PgRepository, migrate};
use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

use super::{Database, Indexes, Reading, Told, chunks, postgres_sql, progress, specification_indexes};
use crate::{
    Result,
    dataset::{Dataset, fresh, numbers},
    engine::Store,
    work::Prepared,
};
use std::sync::Arc;

/// Tables whose indexes wait until they are filled.
const FILLED: &str = "('maintenance_requests', 'maintenance_notifications', 'maintenance_status_history', \
     'maintenance_comments', 'maintenance_texts')";

/// One schema.
#[derive(Clone)]
pub(crate) struct Postgres {
    pub(crate) pool: PgPool,
    options: PgConnectOptions,
    schema: String,
    dataset: Dataset,
    filled: DateTime<Utc>,
    counts_statements: bool,
}

impl Postgres {
    /// Makes and fills a schema.
    pub(crate) async fn fill(
        url: &str,
        schema: &str,
        dataset: Dataset,
        indexes: Indexes,
        clients: usize,
    ) -> Result<Self> {
        let plain = PgConnectOptions::from_str(url)?;
        let mut connection = PgConnection::connect_with(&plain).await?;
        for sql in [format!("drop schema if exists {schema} cascade"), format!("create schema {schema}")] {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        }
        // Without the extension, or the right to make it, statements aren't counted.
        let extension = "create extension if not exists pg_stat_statements schema public";
        let _ = sqlx::raw_sql(extension).execute(&mut connection).await;
        connection.close().await?;

        let mut made = Self::open(url, schema, dataset, clients, indexes == Indexes::Specification).await?;
        migrate(&made.pool).await?;
        let mut connection = PgConnection::connect_with(&made.options).await?;
        made.load(&mut connection, indexes).await?;
        made.filled = SystemClock.now();
        Ok(made)
    }

    /// A schema that is there already. A plain pool pings, as by sqlx's defaults; the engine's docs advise
    /// against.
    pub(crate) async fn open(
        url: &str,
        schema: &str,
        dataset: Dataset,
        clients: usize,
        plain: bool,
    ) -> Result<Self> {
        let search = format!("{schema},public");
        let options = PgConnectOptions::from_str(url)?.options([("search_path", search.as_str())]);
        let connections = u32::try_from(clients)?.max(4) + 1;
        let pool = PgPoolOptions::new().max_connections(connections).test_before_acquire(plain);
        let pool = pool.connect_with(options.clone()).await?;
        // The view is there as soon as the extension is; reading it fails unless the library is preloaded.
        let counts = "select calls from public.pg_stat_statements limit 1";
        let counts_statements = sqlx::query(counts).execute(&pool).await.is_ok();
        let (schema, filled) = (schema.to_owned(), SystemClock.now());
        Ok(Self { pool, options, schema, dataset, filled, counts_statements })
    }

    async fn load(&self, connection: &mut PgConnection, indexes: Indexes) -> Result<()> {
        let put_off: Vec<(String, String)> = sqlx::query_as(AssertSqlSafe(format!(
            "select i.indexname::text, i.indexdef from pg_indexes i
              where i.schemaname = current_schema() {}
                and not exists (select from pg_constraint c
                                 where c.conname = i.indexname
                                   and c.connamespace = current_schema()::regnamespace)",
            if indexes == Indexes::Ours { format!("and i.tablename in {FILLED}") } else { String::new() },
        )))
        .fetch_all(&mut *connection)
        .await?;
        let mut run =
            vec!["set synchronous_commit = off".to_owned(), "set maintenance_work_mem = '256MB'".to_owned()];
        run.extend(put_off.iter().map(|(name, _)| format!("drop index {name}")));
        run.extend(postgres_sql::people(self.dataset));
        execute(connection, run).await?;

        let bar = progress(&self.schema, self.dataset.rows);
        for (from, to) in chunks(self.dataset.rows) {
            execute(connection, postgres_sql::requests(self.dataset, from, to)).await?;
            bar.set_position(to.into());
        }
        bar.set_message(format!("{}: indexes", self.schema));
        execute(connection, vec![postgres_sql::numbers(self.dataset)]).await?;
        let mut run: Vec<String> = match indexes {
            Indexes::Ours => put_off.into_iter().map(|(_, definition)| definition).collect(),
            // Taking away what was filed would read the whole outbox for each request, for want of an index.
            Indexes::Specification => specification_indexes()
                .chain(["alter table maintenance_notifications
                             drop constraint maintenance_notifications_request_id_fkey"
                    .to_owned()])
                .collect(),
        };
        run.push("vacuum (analyze)".to_owned());
        run.push("checkpoint".to_owned());
        execute(connection, run).await?;
        bar.finish_and_clear();
        Ok(())
    }
}

async fn execute(connection: &mut PgConnection, statements: Vec<String>) -> Result<()> {
    for sql in statements {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    }
    Ok(())
}

#[async_trait]
impl Database for Postgres {
    fn store(&self) -> Store {
        Arc::new(PgRepository::new(self.pool.clone()))
    }

    async fn prepare(&self, n: u32, told: Told) -> Result<Vec<Prepared>> {
        let ids: Vec<(Uuid, Uuid)> = (0..n).map(|_| (fresh(), fresh())).collect();
        let (requests, notifications): (Vec<Uuid>, Vec<Uuid>) = ids.iter().copied().unzip();
        let providers: Vec<String> = ids.iter().map(|(_, id)| format!("wamid.{}", id.simple())).collect();
        let mut step = self.pool.begin().await?;
        sqlx::query("set local synchronous_commit = off").execute(&mut *step).await?;
        let mut workers: Vec<Uuid> = vec![];
        let first = i32::try_from(numbers(n))?;
        for sql in postgres_sql::prepare(self.dataset) {
            let query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(&requests).bind(&notifications);
            let query = query.bind(told == Told::Sent).bind(&providers).bind(first);
            workers = query.fetch_all(&mut *step).await?;
        }
        step.commit().await?;
        let rows = ids.into_iter().zip(providers).zip(workers);
        Ok(rows
            .map(|(((request, notification), provider), worker)| Prepared {
                request: request.into(),
                worker: worker.into(),
                notification: notification.into(),
                provider,
            })
            .collect())
    }

    async fn settle(&self) -> Result<()> {
        let mut step = self.pool.begin().await?;
        sqlx::query("set local synchronous_commit = off").execute(&mut *step).await?;
        for sql in postgres_sql::SETTLE {
            sqlx::query(sql).bind(self.filled).execute(&mut *step).await?;
        }
        Ok(step.commit().await?)
    }

    async fn tidy(&self) -> Result<()> {
        let tables = "vacuum maintenance_requests, maintenance_texts, maintenance_unindexed_texts,
                             maintenance_notifications, maintenance_status_history";
        sqlx::query(tables).execute(&self.pool).await?;
        Ok(())
    }

    async fn meter(&self) -> Result<Reading> {
        let wal: i64 = sqlx::query_scalar("select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint")
            .fetch_one(&self.pool)
            .await?;
        let statements: Option<i64> = if self.counts_statements {
            let sql = "select sum(calls)::bigint from public.pg_stat_statements
                        where toplevel
                          and dbid = (select oid from pg_database where datname = current_database())";
            sqlx::query_scalar(sql).fetch_one(&self.pool).await?
        } else {
            None
        };
        let statements = statements.map(u64::try_from).transpose()?;
        Ok(Reading { wal_bytes: Some(u64::try_from(wal)?), statements })
    }

    async fn describe(&self) -> Result<Vec<(String, String)>> {
        let mut facts = vec![];
        for name in [
            "server_version",
            "fsync",
            "synchronous_commit",
            "full_page_writes",
            "wal_level",
            "shared_buffers",
            "max_wal_size",
            "checkpoint_timeout",
            "autovacuum",
            "jit",
        ] {
            let value =
                sqlx::query_scalar("select current_setting($1)").bind(name).fetch_one(&self.pool).await?;
            facts.push((name.to_owned(), value));
        }
        if !self.counts_statements {
            let why =
                "not counted, since pg_stat_statements is not in shared_preload_libraries or not readable";
            facts.push(("statements".to_owned(), why.to_owned()));
        }
        Ok(facts)
    }

    async fn remove(&self) -> Result<()> {
        self.pool.close().await;
        let mut connection = PgConnection::connect_with(&self.options).await?;
        execute(&mut connection, vec![format!("drop schema {} cascade", self.schema)]).await?;
        Ok(connection.close().await?)
    }
}
