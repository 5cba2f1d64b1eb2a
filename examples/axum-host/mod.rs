//! A small property-management backend that links the engine: its own tables and migrations, JSON routes for
//! renters, landlords and workers, the WhatsApp webhook, and a dispatcher, on SQLite or PostgreSQL.
//!
//! | to see | look in |
//! |---|---|
//! | the engine and its dispatcher put together, and shut down | this file |
//! | a request and the host's own row in one transaction | `filing.rs`, `tables/` |
//! | the host's tables, and [`Directory`](maintenance_core::Directory) over them | `tables/`, `migrations/` |
//! | who the caller is, and that they see their own alone | `caller.rs`, `renters.rs` |
//! | errors as HTTP: the engine's are ready, the host adds its own | `problem.rs` |
//! | what the start can fail at, in words | `start_error.rs` |

mod caller;
pub mod demo;
mod edits;
mod filing;
mod input;
mod landlords;
mod problem;
mod renters;
mod settings;
mod start_error;
mod tables;
mod team;
mod trace;
mod view;
mod workers;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{Router, middleware::from_fn};
use maintenance_core::{DispatchPolicy, IdSource as _, Maintenance, RandomIds, Repository};
use maintenance_whatsapp::{
    CloudApi, CloudApiConfig, Template, Templates,
    fake::FakeCloudApi,
    webhook::{self, WebhookConfig},
};
use secrecy::ExposeSecret as _;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use problem::Problem;
use tables::Tables;

pub use settings::{Channel, Settings};
pub use start_error::StartError;

/// The engine over either database.
type Engine = Maintenance<Arc<dyn Repository>>;

/// Where Meta posts to.
const WEBHOOK: &str = "/webhooks/whatsapp";

/// How long running requests and sends may take to finish when the host stops.
const GRACE: Duration = Duration::from_secs(30);

/// The state of every route.
#[derive(Clone)]
struct App {
    engine: Engine,
    tables: Arc<dyn Tables>,
}

/// The running backend: a web server and a dispatcher.
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
        let (notifier, hook, fake) = connect(settings.channel, address).await?;

        let tables = tables::open(settings.database_url.expose_secret()).await?;
        let engine = Maintenance::new(tables.repository(), Arc::clone(&tables));
        let app = App { engine: engine.clone(), tables: Arc::clone(&tables) };
        let seeded = demo::seed(&app).await;
        seeded.map_err(|problem| StartError::new(format!("the demo data can't be added: {problem}")))?;

        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let server = axum::serve(listener, router(app, hook)).with_graceful_shutdown(told(stopped.clone()));
        tasks.spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the server ended");
            }
        });
        let dispatcher = engine.dispatcher(notifier, DispatchPolicy::default());
        tasks.spawn(async move { dispatcher.run(told(stopped)).await });
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

    /// Waits until the server or the dispatcher ends. Neither should before [`stop`](Self::stop).
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

fn router(app: App, hook: WebhookConfig) -> Router {
    let webhook = webhook::router(app.engine.clone(), hook);
    Router::new()
        .nest("/renter", renters::routes())
        .nest("/landlord", landlords::routes().merge(team::routes()))
        .nest("/worker", workers::routes())
        .with_state(app)
        .nest(WEBHOOK, webhook)
        .fallback(async || Problem::not_found("there is nothing at this path"))
        .layer(from_fn(trace::trace))
}

/// The notifier, the webhook's secrets, and the fake with its webhooks coming to this host.
async fn connect(
    channel: Channel,
    host: SocketAddr,
) -> Result<(CloudApi, WebhookConfig, Option<FakeCloudApi>), StartError> {
    match channel {
        Channel::Real { token, phone_number_id, template, app_secret, verify_token } => {
            let templates = Templates::default().assignment(Template::assignment(template));
            let notifier = CloudApi::new(CloudApiConfig::new(phone_number_id, token, templates))?;
            Ok((notifier, WebhookConfig::new(app_secret, verify_token)?, None))
        }
        Channel::Fake(automatic) => {
            // New secrets at every start, so that nobody else can sign webhooks for the fake.
            let secret = || RandomIds.uuid().to_string();
            let fake =
                FakeCloudApi::start(CloudApiConfig::new("106540352242922", secret(), Templates::default()))
                    .await
                    .map_err(|error| {
                        StartError::caused("the fake Cloud API can't start", &error, "try again")
                    })?;
            let app_secret = secret();
            fake.webhook(format!("http://{}{WEBHOOK}", reachable(host)), app_secret.clone(), automatic);
            let hook = WebhookConfig::new(app_secret, secret())?;
            Ok((CloudApi::new(fake.config())?, hook, Some(fake)))
        }
    }
}

/// The address at which this machine reaches the host: 127.0.0.1 if it listens on every address.
fn reachable(host: SocketAddr) -> SocketAddr {
    if host.ip().is_unspecified() { (Ipv4Addr::LOCALHOST, host.port()).into() } else { host }
}
