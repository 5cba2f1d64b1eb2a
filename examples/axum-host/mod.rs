//! A small property-management backend that links the engine: its own tables and migrations, JSON routes for
//! renters, landlords and workers, the WhatsApp webhook, and a dispatcher, on SQLite or PostgreSQL.
//!
//! | to see | look in |
//! |---|---|
//! | the engine, its dispatcher and what runs beside it put together, and shut down | this file, `background.rs` |
//! | who the caller is, their organisation, and that they see their own alone | `caller.rs` |
//! | several numbers, and which organisation and complex sends by which | `channels.rs` |
//! | a request and the host's own row in one transaction | `filing.rs`, `tables/` |
//! | the host's tables, and [`Directory`](maintenance_core::Directory) over them | `tables/`, `migrations/` |
//! | what is known of a renter handed out, and forgotten | `people.rs` |
//! | errors as HTTP: the engine's are ready, the host adds its own | `problem.rs` |
//! | what the start can fail at, in words | `start_error.rs` |

mod background;
mod caller;
mod channels;
pub mod demo;
mod edits;
mod filing;
mod input;
mod landlords;
mod people;
mod problem;
mod renters;
mod settings;
mod start_error;
mod tables;
mod team;
mod to_the_end;
mod trace;
mod view;
mod workers;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, middleware::from_fn};
use maintenance_core::{ConsumerName, DispatchPolicy, Maintenance, SharedRepository};
use maintenance_whatsapp::{
    Numbers,
    fake::FakeCloudApi,
    webhook::{self, WebhookConfig},
};
use secrecy::ExposeSecret as _;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use problem::Problem;
use tables::Tables;

pub use settings::{Messages, Number, Settings};
pub use start_error::StartError;

/// The engine's store in either database. A host with one database names its type: `PgRepository<'static>`.
type Store = Arc<dyn SharedRepository>;

/// The engine.
type Engine = Maintenance<Store>;

/// Where Meta posts to.
const WEBHOOK: &str = "/webhooks/whatsapp";

/// How long running requests and sends may take to finish when the host stops.
const GRACE: Duration = Duration::from_secs(30);

/// The state of every route.
#[derive(Clone)]
struct App {
    /// Of no organisation: only `caller.rs` makes a caller's engine of it.
    engine: Engine,
    tables: Arc<dyn Tables>,
    numbers: Numbers,
}

/// The running backend: a web server, a dispatcher, and what runs beside it.
pub struct Host {
    address: SocketAddr,
    fake: Option<FakeCloudApi>,
    tables: Arc<dyn Tables>,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Host {
    /// Listens, connects, brings the tables up to date, adds the demo data if there is none, serves and
    /// sends.
    ///
    /// # Errors
    ///
    /// What was wrong (a setting, the port, the database), and what would be right.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        // Settings and port come first: they fail at once, and before anything is written.
        let (listener, address) = listen(settings.listen).await?;
        let (numbers, fake) = channels::connect(settings.messages, address).await?;
        let log = ConsumerName::new("log").map_err(|rule| StartError::new(format!("the log {rule}")))?;

        let tables = tables::open(settings.database_url.expose_secret()).await?;
        let engine = Maintenance::new(tables.repository(), Arc::clone(&tables))
            .with_channels(channels::table(&numbers));
        let app = App { engine: engine.clone(), tables: Arc::clone(&tables), numbers: numbers.clone() };
        let seeded = demo::seed(&app).await;
        seeded.map_err(|problem| StartError::new(format!("the demo data can't be added: {problem}")))?;

        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let server = axum::serve(listener, router(app)).with_graceful_shutdown(told(stopped.clone()));
        tasks.spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the server ended");
            }
        });
        // One of each for all organisations and numbers. It also applies what workers tap and write; a host that keeps their
        // photos gives the receiver a store for them.
        let dispatcher = engine.dispatcher(numbers, DispatchPolicy::default()).receiving(engine.receiver());
        tasks.spawn({
            let stopped = told(stopped.clone());
            async move { dispatcher.run(stopped).await }
        });
        tasks.spawn(background::follow_events(engine.clone(), log, told(stopped.clone())));
        tasks.spawn(background::clean_up(engine, told(stopped)));
        Ok(Self { address, fake, tables, tasks, stop })
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The fake Cloud API, unless messages go to WhatsApp.
    pub fn fake(&self) -> Option<&FakeCloudApi> {
        self.fake.as_ref()
    }

    /// Waits until the server, the dispatcher or a task beside them ends. None should before [`stop`](Self::stop).
    pub async fn ended(&mut self) {
        self.tasks.join_next().await;
    }

    /// Stops accepting requests, lets the running ones and the dispatcher's sends finish, and closes the
    /// pool. Returns whether all finished in time.
    pub async fn stop(mut self) -> bool {
        self.stop.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let finished = tokio::time::timeout(GRACE, all).await.is_ok();
        // A message whose send is aborted here is due again when its lease ends.
        self.tasks.shutdown().await;
        if let Some(fake) = self.fake {
            fake.shutdown().await;
        }
        self.tables.close().await;
        finished
    }
}

/// Listens there; the address has the port that the system chose, if it was to choose one.
async fn listen(on: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listening = async {
        let listener = TcpListener::bind(on).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    listening.await.map_err(|error: io::Error| {
        let remedy = "end the program that uses this port, or set LISTEN to another address";
        StartError::caused(&format!("the host can't listen on {on}"), &error, remedy)
    })
}

/// Ends once the host is to stop, or is dropped.
async fn told(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|&stopped| stopped).await;
}

fn router(app: App) -> Router {
    let webhook = webhook::router(app.engine.clone(), WebhookConfig::of(app.numbers.clone()));
    let landlord =
        landlords::routes().merge(team::routes()).merge(people::routes()).merge(channels::routes());
    Router::new()
        .nest("/renter", renters::routes())
        .nest("/landlord", landlord)
        .nest("/worker", workers::routes())
        .with_state(app)
        .nest(WEBHOOK, webhook)
        .fallback(async || Problem::not_found("there is nothing at this path"))
        .layer(from_fn(trace::trace))
}
