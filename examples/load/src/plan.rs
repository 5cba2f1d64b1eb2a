//! What is measured: one function a group.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use maintenance_core::CandidatesOf;
use maintenance_whatsapp::fake::FakeCloudApi;

use crate::{
    Result,
    args::Args,
    channel::{self, Bare, Notifying},
    dataset::{Dataset, candidates_of},
    engine::{Engine, Instant, Store},
    measure::{Contender, Group, Versus},
    numbers::count,
    pages,
    pure::{PlainJson, Post, Receiving, Selecting},
    setup::Setup,
    store::Tables,
    work::{Actor, Delivering, Dispatching, Importing, Moving, Pool, Submitting, Work},
};

pub(crate) const SUBMIT_MANY: &str = "submit_many";
/// How many requests are imported together: as many as the engine writes in one step.
const IMPORTED: u32 = 500;
pub(crate) const SEND: &str = "claim, send, record";
pub(crate) const DELIVERY: &str = "delivery updates";
pub(crate) const STATUS: &str = "status changes";
pub(crate) const SIZE: &str = "by table size";
pub(crate) const SELECTION: &str = "selection";
pub(crate) const WEBHOOK: &str = "webhook of 1,000, verify and parse";
pub(crate) const NOTIFIER: &str = "notifier, fake API";
pub(crate) const PAGE: &str = "page: ";

pub(crate) const ENGINE: &str = "engine";
pub(crate) const NAIVE: &str = "six statements";
pub(crate) const ROWS_ALONE: &str = "rusqlite, rows alone";
pub(crate) const BARE: &str = "bare reqwest";
/// The numbers of clients that the bars on submit are about.
pub(crate) const FEW: usize = 1;
pub(crate) const MANY: usize = 32;
/// How many statuses a webhook has at most.
pub(crate) const POST: u32 = 1_000;
/// How many sends go on at a time against the fake API.
const IN_FLIGHT: usize = 64;

/// A way in batches.
pub(crate) fn together(name: &str, batch: u32) -> String {
    format!("{name}, {} together", count(batch))
}

/// A way on tables of that size.
pub(crate) fn of_rows(name: &str, rows: u32) -> String {
    format!("{name}, {} rows", count(rows))
}

/// The run: the setup, and what goes through all groups.
pub(crate) struct Plan<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) args: &'a Args,
    engine: Actor,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(setup: &'a Setup, args: &'a Args) -> Self {
        let engine = engine(&setup.tables, setup.dataset, args.batch);
        Self { setup, args, engine }
    }

    /// All groups that are wanted.
    pub(crate) async fn groups(&self) -> Result<Vec<Group>> {
        let mut groups = vec![
            self.submit(FEW),
            self.submit(MANY),
            self.submit_many(),
            self.import(),
            self.status_changes(),
            self.deliveries(),
            self.sends().await?,
            self.by_size(),
            self.selection(),
            self.webhook()?,
            self.notifier(),
        ];
        for (name, list) in pages::lists(self.setup.dataset) {
            let name = format!("{PAGE}{name}");
            if self.args.wants(&name) {
                groups.push(self.page(name, list).await?);
            }
        }
        groups.retain(|group| self.args.wants(&group.name));
        Ok(groups)
    }

    fn group(&self, name: impl Into<String>, contenders: Vec<Contender>) -> Group {
        Group { name: name.into(), contenders, window: self.args.window() }
    }

    /// The engine, the limit and the naive way, each doing `work`.
    fn three<W: Work + 'static>(
        &self,
        clients: usize,
        naive: bool,
        work: impl Fn(Actor, bool) -> W,
    ) -> Vec<Contender> {
        let tables = &self.setup.tables;
        let mut contenders =
            vec![Contender::new(ENGINE, clients, work(self.engine.clone(), false)).metered(tables)];
        if let Some((name, backend)) = &self.setup.limit {
            let by = Actor { backend: Arc::clone(backend), ..self.engine.clone() };
            contenders.push(Contender::new(*name, clients, work(by, false)).metered(tables));
        }
        if let Some(by) = self.setup.naive.as_ref().filter(|_| naive) {
            contenders.push(Contender::new(NAIVE, clients, work(by.clone(), true)).metered(&by.database));
        }
        Self::compared(contenders)
    }

    /// Says what the first of them is compared with.
    fn compared(mut contenders: Vec<Contender>) -> Vec<Contender> {
        let names: Vec<String> = contenders.iter().skip(1).map(|other| other.name.clone()).collect();
        if let Some(first) = contenders.first_mut() {
            for name in names {
                let what = if name == NAIVE { Versus::Naive } else { Versus::Limit };
                first.versus.push((what, name));
            }
        }
        contenders
    }

    /// The engine and the limit doing `work` in batches, compared with each other.
    fn batches<W: Work + 'static>(&self, batch: u32, work: impl Fn(Actor) -> W) -> Vec<Contender> {
        let clients = self.args.clients;
        let mut contenders = vec![
            Contender::new(together(ENGINE, batch), clients, work(self.engine.clone()))
                .metered(&self.setup.tables),
        ];
        if let Some((name, backend)) = &self.setup.limit {
            let by = Actor { backend: Arc::clone(backend), ..self.engine.clone() };
            contenders
                .push(Contender::new(together(name, batch), clients, work(by)).metered(&self.setup.tables));
        }
        Self::compared(contenders)
    }

    /// Submits by so many clients at once.
    pub(crate) fn submit(&self, clients: usize) -> Group {
        let mut contenders = self.three(clients, true, |by, _| Submitting { by, batch: 1 });
        if let Some(backend) = &self.setup.rows_alone {
            let by = Actor { backend: Arc::clone(backend), ..self.engine.clone() };
            contenders.push(Contender::new(ROWS_ALONE, clients, Submitting { by, batch: 1 }));
        }
        self.group(by_clients(clients), contenders)
    }

    fn submit_many(&self) -> Group {
        let batch = self.args.batch;
        self.group(SUBMIT_MANY, self.batches(batch, |by| Submitting { by, batch }))
    }

    /// Imports by one client. There is nothing by hand to compare them with.
    fn import(&self) -> Group {
        let work = Importing { by: self.engine.clone(), batch: IMPORTED };
        let contender = Contender::new(together(ENGINE, IMPORTED), 1, work);
        self.group("import", vec![contender.metered(&self.setup.tables)])
    }

    fn status_changes(&self) -> Group {
        let amount = self.args.requests / 4;
        let work = |by, _| Moving { by, amount, pool: Pool::default() };
        self.group(STATUS, self.three(self.args.clients, true, work))
    }

    fn deliveries(&self) -> Group {
        let requests = self.args.requests;
        let delivering = |by, batch, amount| Delivering { by, batch, amount, pool: Pool::default() };
        // The naive way reads the whole table for each: it uses up few.
        let amount = |naive| if naive { requests / 100 } else { requests / 4 };
        let mut contenders = self
            .three(self.args.clients, self.setup.naive_sends, |by, naive| delivering(by, 1, amount(naive)));
        contenders.extend(self.batches(POST, |by| delivering(by, POST, requests)));
        self.group(DELIVERY, contenders)
    }

    async fn sends(&self) -> Result<Group> {
        let Args { clients, batch, requests, .. } = *self.args;
        let mut contenders = self.batches(batch, |by| Dispatching { by, batch, amount: requests });
        if let Some(by) = self.setup.naive.as_ref().filter(|_| self.setup.naive_sends) {
            let database = Arc::clone(&by.database);
            let work = Dispatching { by: by.clone(), batch: 1, amount: requests / 20 };
            contenders.push(Contender::new(NAIVE, clients, work).metered(&database));
            if let Some(first) = contenders.first_mut() {
                first.versus.push((Versus::Naive, NAIVE.to_owned()));
            }
        }
        let (fake, api) = channel::fake().await?;
        let backend =
            Engine::new(self.setup.tables.store(), self.setup.dataset, Arc::new(api), batch, IN_FLIGHT);
        let by = Actor { backend: Arc::new(backend), ..self.engine.clone() };
        let work = Kept { _fake: fake, work: Dispatching { by, batch, amount: requests / 4 } };
        let name = format!("{}, fake API", together(ENGINE, batch));
        contenders.push(Contender::new(name, clients, work).metered(&self.setup.tables));
        Ok(self.group(SEND, contenders))
    }

    fn by_size(&self) -> Group {
        let mut contenders = vec![];
        let smaller = self.setup.smaller.iter().map(|(dataset, tables)| (*dataset, tables));
        let all: Vec<(Dataset, &Tables)> = smaller.chain([(self.setup.dataset, &self.setup.apart)]).collect();
        let first = self.setup.smaller.first().map(|(dataset, _)| dataset.rows);
        for (dataset, tables) in all {
            let compared = |contender: Contender, name: &str| match first.filter(|rows| *rows != dataset.rows)
            {
                Some(rows) => contender.versus(Versus::Smaller, of_rows(name, rows)),
                None => contender,
            };
            let ranking = Ranking { store: tables.store(), of: candidates_of(dataset.complexes / 2) };
            contenders.push(compared(
                Contender::new(of_rows("candidates", dataset.rows), 1, ranking),
                "candidates",
            ));
            let by = engine(tables, dataset, self.args.batch);
            let submit = Submitting { by, batch: 1 };
            contenders.push(compared(Contender::new(of_rows("submit", dataset.rows), 1, submit), "submit"));
        }
        self.group(SIZE, contenders)
    }

    async fn page(&self, name: String, list: pages::List) -> Result<Group> {
        let lists = |dataset| {
            pages::lists(dataset).into_iter().find(|(known, _)| name.ends_with(&format!(": {known}")))
        };
        let (first, deep) = pages::readings(self.setup.apart.store(), self.setup.dataset, list).await?;
        let mut contenders = vec![Contender::new("first", 1, first)];
        contenders.extend(deep.map(|deep| Contender::new("deep", 1, deep)));
        for (dataset, tables) in &self.setup.smaller {
            let Some((_, list)) = lists(*dataset) else { continue };
            let (first, deep) = pages::readings(tables.store(), *dataset, list).await?;
            let smaller = [("first", Some(first)), ("deep", deep)];
            for (kind, reading) in smaller.into_iter().filter_map(|(kind, reading)| Some((kind, reading?))) {
                let name = of_rows(kind, dataset.rows);
                let larger =
                    contenders.iter_mut().find(|larger| larger.name == kind && larger.versus.is_empty());
                if let Some(larger) = larger {
                    larger.versus.push((Versus::Smaller, name.clone()));
                    contenders.push(Contender::new(name, 1, reading));
                }
            }
        }
        Ok(Group { name, contenders, window: self.args.page_window() })
    }

    fn selection(&self) -> Group {
        let contenders = [20, 200, 2_000].map(|n| {
            let contender = Contender::new(candidates(n), 1, Selecting::among(n));
            if n == 2_000 { contender.versus(Versus::Smaller, candidates(200)) } else { contender }
        });
        self.group(SELECTION, contenders.into())
    }

    fn webhook(&self) -> Result<Group> {
        let post = Post::of(POST)?;
        let contenders = vec![
            Contender::new(ENGINE, 1, Receiving::new(post.clone())).versus(Versus::Limit, "HMAC and Value"),
            Contender::new("HMAC and Value", 1, PlainJson(post)),
        ];
        Ok(self.group(WEBHOOK, contenders))
    }

    fn notifier(&self) -> Group {
        let contenders = vec![
            Contender::new(ENGINE, IN_FLIGHT, Notifying::default()).versus(Versus::Limit, BARE),
            Contender::new(BARE, IN_FLIGHT, Bare::default()),
        ];
        let window = self.args.window().max(Duration::from_millis(10));
        Group { window, ..self.group(NOTIFIER, contenders) }
    }
}

pub(crate) fn candidates(n: u32) -> String {
    format!("{} candidates", count(n))
}

pub(crate) fn by_clients(clients: usize) -> String {
    format!("submit by {clients} client{}", if clients == 1 { "" } else { "s" })
}

/// The engine with a channel that accepts at once.
fn engine(tables: &Tables, dataset: Dataset, batch: u32) -> Actor {
    let backend = Engine::new(tables.store(), dataset, Arc::new(Instant), batch, 32);
    Actor { backend: Arc::new(backend), database: Arc::clone(tables), dataset }
}

/// Work whose fake must live as long.
struct Kept<W> {
    _fake: FakeCloudApi,
    work: W,
}

#[async_trait]
impl<W: Work> Work for Kept<W> {
    async fn prepare(&self) -> Result<()> {
        self.work.prepare().await
    }

    async fn once(&self) -> Result<u64> {
        self.work.once().await
    }

    async fn clear(&self) -> Result<()> {
        self.work.clear().await
    }
}

/// Reading the candidates of a complex.
struct Ranking {
    store: Store,
    of: CandidatesOf,
}

#[async_trait]
impl Work for Ranking {
    async fn once(&self) -> Result<u64> {
        let candidates = self.store.candidates(std::slice::from_ref(&self.of)).await?;
        if candidates.items.is_empty() { Err("the complex has no candidates".into()) } else { Ok(1) }
    }
}
