//! The tables that a run measures on, and who works on them.

use std::{path::Path, sync::Arc};

use crate::{
    Result,
    args::Args,
    baseline::{postgres, postgres_naive, rusqlite, sqlite_naive},
    dataset::Dataset,
    footprint,
    plan::MANY,
    store::{Indexes, Memory, Tables, postgres::Postgres, sqlite::Sqlite},
    work::{Actor, Backend},
};

/// The name of the engine's schema; the others' are made from it.
const SCHEMA: &str = "maintenance_load";

/// Everything that is measured on.
pub(crate) struct Setup {
    pub(crate) dataset: Dataset,
    pub(crate) tables: Tables,
    /// The same tables over a pool of its own, which one client at a time uses, as with the smaller ones: a pool
    /// hands its connections out in turn, and many clients leave many, each with a cold server process.
    pub(crate) apart: Tables,
    /// Where a child process finds the engine's tables.
    pub(crate) name: Option<String>,
    /// By hand, as fast as it goes, on the engine's tables.
    pub(crate) limit: Option<(&'static str, Arc<dyn Backend>)>,
    /// By hand on SQLite, the rows of a submit alone.
    pub(crate) rows_alone: Option<Arc<dyn Backend>>,
    /// Six statements an effect, on tables of their own.
    pub(crate) naive: Option<Actor>,
    /// Whether the naive way sends and takes webhooks too.
    pub(crate) naive_sends: bool,
    /// Smaller tables, to compare with.
    pub(crate) smaller: Vec<(Dataset, Tables)>,
}

fn dataset(args: &Args) -> Dataset {
    Dataset::new(args.backlog, args.complexes, args.workers_per_complex)
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
    let (url, dataset) = (args.database.as_str(), dataset(args));
    let clients = args.clients.max(MANY);
    let make = async |schema: &str, dataset: Dataset, indexes: Indexes, clients: usize| {
        if args.filled {
            Postgres::open(url, schema, dataset, clients, indexes == Indexes::Specification).await
        } else {
            Postgres::fill(url, schema, dataset, indexes, clients).await
        }
    };
    let main = make(SCHEMA, dataset, Indexes::Ours, clients).await?;
    let naive = if args.pages_alone() {
        None
    } else {
        let naive = make(&format!("{SCHEMA}_naive"), dataset, Indexes::Specification, clients).await?;
        let six = postgres_naive::SixStatements { pool: naive.pool.clone(), dataset };
        Some(Actor { backend: Arc::new(six), database: Arc::new(naive), dataset })
    };
    let mut smaller: Vec<(Dataset, Tables)> = vec![];
    for rows in &args.compare_rows {
        let (dataset, schema) = (dataset.scaled(*rows), format!("{SCHEMA}_{rows}"));
        let tables = make(&schema, dataset, Indexes::Ours, 1).await?;
        smaller.push((dataset, Arc::new(tables)));
    }
    let apart = Postgres::open(url, SCHEMA, dataset, 1, false).await?;
    let limit = postgres::OneStatement { pool: main.pool.clone(), dataset };
    Ok(Setup {
        dataset,
        tables: Arc::new(main),
        apart: Arc::new(apart),
        name: Some(SCHEMA.to_owned()),
        limit: Some(("one statement", Arc::new(limit))),
        rows_alone: None,
        naive,
        naive_sends: true,
        smaller,
    })
}

async fn sqlite(args: &Args, file: &Path) -> Result<Setup> {
    let dataset = dataset(args);
    let beside = |end: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        std::path::PathBuf::from(name)
    };
    let make = async |file: &Path, dataset: Dataset, indexes: Indexes| {
        if args.filled {
            Sqlite::open(file, dataset).await
        } else {
            Sqlite::fill(file, dataset, indexes).await
        }
    };
    let main = make(file, dataset, Indexes::Ours).await?;
    let naive = make(&beside("-naive"), dataset, Indexes::Specification).await?;
    let mut smaller: Vec<(Dataset, Tables)> = vec![];
    for rows in &args.compare_rows {
        let dataset = dataset.scaled(*rows);
        let tables = make(&beside(&format!("-{rows}")), dataset, Indexes::Ours).await?;
        smaller.push((dataset, Arc::new(tables)));
    }
    let limit = rusqlite::ByHand::open(file, dataset, true)?;
    let rows_alone = rusqlite::ByHand::open(file, dataset, false)?;
    let six = sqlite_naive::SixStatements { pool: naive.pool.clone(), dataset };
    Ok(Setup {
        dataset,
        tables: Arc::new(main),
        apart: Arc::new(Sqlite::open(file, dataset).await?),
        name: Some(file.display().to_string()),
        limit: Some(("rusqlite", Arc::new(limit))),
        rows_alone: Some(Arc::new(rows_alone)),
        naive: Some(Actor { backend: Arc::new(six), database: Arc::new(naive), dataset }),
        naive_sends: false,
        smaller,
    })
}

async fn memory(args: &Args) -> Result<Setup> {
    let dataset = dataset(args);
    let tables: Tables = Arc::new(Memory::fill(dataset).await?);
    let mut smaller: Vec<(Dataset, Tables)> = vec![];
    for rows in &args.compare_rows {
        let dataset = dataset.scaled(*rows);
        smaller.push((dataset, Arc::new(Memory::fill(dataset).await?)));
    }
    Ok(Setup {
        dataset,
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
    let dataset = dataset(args);
    let made: Tables = if args.database.starts_with("sqlite:") {
        Arc::new(Sqlite::open(Path::new(tables), dataset).await?)
    } else {
        Arc::new(Postgres::open(&args.database, tables, dataset, args.clients, false).await?)
    };
    let footprint = footprint::child(made.store(), dataset, args.in_flight).await?;
    anstream::println!("{}", serde_json::to_string(&footprint)?);
    Ok(())
}
