//! The tables that a run measures on, and who works on them.

use std::{path::Path, sync::Arc};

use crate::{
    Result,
    args::Args,
    baseline::{postgres, postgres_naive, rusqlite, sqlite_naive},
    footprint,
    store::{Indexes, Memory, Tables, postgres::Postgres, sqlite::Sqlite},
    town::Town,
    work::{Actor, Doer},
};

/// The name of the engine's schema; the others' are made from it.
const SCHEMA: &str = "maintenance_load";

/// Everything that is measured on.
pub(crate) struct Setup {
    pub(crate) town: Town,
    pub(crate) tables: Tables,
    /// The same tables over a pool of its own, which one client at a time uses, as with the smaller ones: a pool
    /// hands its connections out in turn, and many clients leave many, each with a cold server process.
    pub(crate) apart: Tables,
    /// Where a child process finds the engine's tables.
    pub(crate) name: Option<String>,
    /// By hand, as fast as it goes, on the engine's tables.
    pub(crate) limit: Option<(&'static str, Arc<dyn Doer>)>,
    /// By hand on SQLite, the rows of a submit alone.
    pub(crate) rows_alone: Option<Arc<dyn Doer>>,
    /// Six statements an effect, on tables of their own.
    pub(crate) naive: Option<Actor>,
    /// Whether the naive way sends and takes webhooks too.
    pub(crate) naive_sends: bool,
    /// Smaller tables, to compare with.
    pub(crate) smaller: Vec<(Town, Tables)>,
}

fn town(args: &Args) -> Town {
    Town::new(args.backlog, args.complexes, args.workers_per_complex)
}

/// Makes and fills the tables.
pub(crate) async fn setup(args: &Args) -> Result<Setup> {
    if args.database == "memory" {
        return memory(args).await;
    }
    match args.database.strip_prefix("sqlite:") {
        Some(file) => sqlite(args, Path::new(file.trim_start_matches("//"))).await,
        None if args.database.starts_with("postgres") => postgres(args).await,
        None => Err("--database must be postgres://…, sqlite:FILE or memory".into()),
    }
}

async fn postgres(args: &Args) -> Result<Setup> {
    let (url, town) = (args.database.as_str(), town(args));
    // The plot goes up to more clients than the table.
    let clients = args.clients.max(if args.plot.is_some() { 32 } else { 0 });
    let main = Postgres::fill(url, SCHEMA, town, Indexes::Ours, clients).await?;
    let naive = format!("{SCHEMA}_naive");
    let naive = Postgres::fill(url, &naive, town, Indexes::Specification, clients).await?;
    let mut smaller: Vec<(Town, Tables)> = vec![];
    for rows in &args.compare_rows {
        let (town, schema) = (town.scaled(*rows), format!("{SCHEMA}_{rows}"));
        let tables = Postgres::fill(url, &schema, town, Indexes::Ours, 1).await?;
        smaller.push((town, Arc::new(tables)));
    }
    let apart = Postgres::open(url, SCHEMA, town, 1, false).await?;
    let limit = postgres::OneStatement { pool: main.pool.clone(), town };
    let six = postgres_naive::SixStatements { pool: naive.pool.clone(), town };
    Ok(Setup {
        town,
        tables: Arc::new(main),
        apart: Arc::new(apart),
        name: Some(SCHEMA.to_owned()),
        limit: Some(("one statement", Arc::new(limit))),
        rows_alone: None,
        naive: Some(Actor { doer: Arc::new(six), database: Arc::new(naive), town }),
        naive_sends: true,
        smaller,
    })
}

async fn sqlite(args: &Args, file: &Path) -> Result<Setup> {
    let town = town(args);
    let beside = |end: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        std::path::PathBuf::from(name)
    };
    let main = Sqlite::fill(file, town, Indexes::Ours).await?;
    let naive = Sqlite::fill(&beside("-naive"), town, Indexes::Specification).await?;
    let mut smaller: Vec<(Town, Tables)> = vec![];
    for rows in &args.compare_rows {
        let town = town.scaled(*rows);
        let tables = Sqlite::fill(&beside(&format!("-{rows}")), town, Indexes::Ours).await?;
        smaller.push((town, Arc::new(tables)));
    }
    let limit = rusqlite::ByHand::open(file, town, true)?;
    let rows_alone = rusqlite::ByHand::open(file, town, false)?;
    let six = sqlite_naive::SixStatements { pool: naive.pool.clone(), town };
    Ok(Setup {
        town,
        tables: Arc::new(main),
        apart: Arc::new(Sqlite::open(file, town).await?),
        name: Some(file.display().to_string()),
        limit: Some(("rusqlite", Arc::new(limit))),
        rows_alone: Some(Arc::new(rows_alone)),
        naive: Some(Actor { doer: Arc::new(six), database: Arc::new(naive), town }),
        naive_sends: false,
        smaller,
    })
}

async fn memory(args: &Args) -> Result<Setup> {
    let town = town(args);
    let tables: Tables = Arc::new(Memory::fill(town).await?);
    let mut smaller: Vec<(Town, Tables)> = vec![];
    for rows in &args.compare_rows {
        let town = town.scaled(*rows);
        smaller.push((town, Arc::new(Memory::fill(town).await?)));
    }
    Ok(Setup {
        town,
        apart: Arc::clone(&tables),
        tables,
        name: None,
        limit: None,
        rows_alone: None,
        naive: None,
        naive_sends: false,
        smaller,
    })
}

impl Setup {
    /// Clears up after a group that wrote.
    pub(crate) async fn tidy(&self) -> Result<()> {
        let naive = self.naive.as_ref().map(|naive| &naive.database);
        for tables in self.smaller.iter().map(|(_, tables)| tables).chain([&self.tables]).chain(naive) {
            tables.tidy().await?;
        }
        Ok(())
    }

    /// Removes all tables.
    pub(crate) async fn remove(self) -> Result<()> {
        // Whoever holds a connection to a file lets go of it first.
        drop((self.limit, self.rows_alone, self.apart));
        self.tables.remove().await?;
        if let Some(naive) = self.naive {
            naive.database.remove().await?;
        }
        for (_, tables) in self.smaller {
            tables.remove().await?;
        }
        Ok(())
    }
}

/// What a child process does: measures its own memory on tables that are there.
pub(crate) async fn child(args: &Args, tables: &str) -> Result<()> {
    let town = town(args);
    let made: Tables = if args.database.starts_with("sqlite:") {
        Arc::new(Sqlite::open(Path::new(tables), town).await?)
    } else {
        Arc::new(Postgres::open(&args.database, tables, town, args.clients, false).await?)
    };
    let footprint = footprint::child(made.store(), town, args.in_flight).await?;
    anstream::println!("{}", serde_json::to_string(&footprint)?);
    Ok(())
}
