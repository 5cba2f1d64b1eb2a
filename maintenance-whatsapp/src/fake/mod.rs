//! An in-process fake of the Cloud API, for a host's own tests: it listens on this machine alone, is as strict
//! as the real one, fails when told to, keeps what it accepted, and posts signed webhooks.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use maintenance_whatsapp::{CloudApi, CloudApiConfig, Templates, fake::{FakeCloudApi, Fault}};
//!
//! let config = CloudApiConfig::new("106540352242922", "a-token", Templates::default());
//! let fake = FakeCloudApi::start(config).await?;
//! let notifier = CloudApi::new(fake.config())?;
//!
//! fake.fault(Fault::error(131_056).times(2)); // the next two messages are refused
//! // … send with the notifier …
//! let messages = fake.wait_for_messages(1).await;
//! fake.post(&[messages[0].status("delivered")]).await?;
//! # Ok(())
//! # }
//! ```

mod check;
mod fault;
mod hook;
mod message;
mod server;

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use secrecy::SecretString;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use fault::Fault;
pub use hook::Automatic;
pub use message::{FakeMessage, FakeStatus};

use crate::{CloudApiConfig, Template};
use hook::Hook;

/// A fake Cloud API with one phone number. Stops when it is dropped.
pub struct FakeCloudApi {
    shared: Arc<Shared>,
    server: JoinHandle<io::Result<()>>,
}

/// What the server and its owner share.
struct Shared {
    config: CloudApiConfig,
    client: reqwest::Client,
    state: Mutex<State>,
    /// How many messages were accepted.
    accepted: watch::Sender<usize>,
    /// How many automatic posts are under way.
    posting: watch::Sender<usize>,
    stop: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    messages: Vec<Arc<FakeMessage>>,
    refused: usize,
    templates: Arc<Vec<Template>>,
    faults: Vec<Fault>,
    hook: Option<Hook>,
}

impl FakeCloudApi {
    /// Starts a fake for that number, token, version and template on a free port of this machine; the
    /// configuration's address isn't used.
    ///
    /// Fails when the configuration breaks a rule or no port can be had.
    pub async fn start(mut config: CloudApiConfig) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        config.base_url = format!("http://{}", listener.local_addr()?);
        config.check().map_err(|invalid| io::Error::new(io::ErrorKind::InvalidInput, invalid))?;
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let shared = Arc::new(Shared {
            client: client.build().map_err(io::Error::other)?,
            state: Mutex::new(State {
                templates: Arc::new(
                    config.templates.clone().into_kinds().into_iter().map(|(_, template)| template).collect(),
                ),
                ..State::default()
            }),
            accepted: watch::Sender::default(),
            posting: watch::Sender::default(),
            stop: watch::Sender::default(),
            config,
        });
        let server = tokio::spawn(server::serve(listener, Arc::clone(&shared)));
        Ok(Self { shared, server })
    }

    /// The configuration of a notifier that sends to this fake.
    pub fn config(&self) -> CloudApiConfig {
        self.shared.config.clone()
    }

    /// Registers another template.
    pub fn register(&self, template: Template) {
        Arc::make_mut(&mut self.shared.state().templates).push(template);
    }

    /// Fails as the fault says. With several, the first that applies to a message decides, and one for the next
    /// messages waits until those before it are used up.
    pub fn fault(&self, fault: Fault) {
        self.shared.state().faults.push(fault);
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.shared.state().faults.clear();
    }

    /// The messages accepted so far, in order: those too whose answer was lost by a [`Fault`].
    pub fn messages(&self) -> Vec<Arc<FakeMessage>> {
        self.shared.state().messages.clone()
    }

    /// How many requests were refused or failed without their message being accepted.
    pub fn refused(&self) -> usize {
        self.shared.state().refused
    }

    /// Waits until that many messages were accepted, and returns all so far.
    pub async fn wait_for_messages(&self, n: usize) -> Vec<Arc<FakeMessage>> {
        let mut accepted = self.shared.accepted.subscribe();
        // The sender lives as long as `self`, so waiting can't fail.
        let _ = accepted.wait_for(|&accepted| accepted >= n).await;
        self.messages()
    }

    /// Sends webhooks to that address, signed under that app secret: by [`post`](Self::post), and by itself
    /// as `automatic` says.
    pub fn webhook(&self, url: impl Into<String>, app_secret: impl Into<SecretString>, automatic: Automatic) {
        let hook = Hook { url: url.into(), app_secret: app_secret.into(), automatic };
        self.shared.state().hook = Some(hook);
    }

    /// Posts these statuses in one webhook; returns the HTTP status of the answer. In any order, as often as
    /// wanted: so does Meta.
    ///
    /// Fails when there is no [`webhook`](Self::webhook) or nobody answers there.
    pub async fn post(&self, statuses: &[FakeStatus]) -> io::Result<u16> {
        self.shared.post(message::webhook(&self.shared.config.phone_number_id, statuses)).await
    }

    /// Posts any bytes as a webhook, signed.
    pub async fn post_bytes(&self, body: Vec<u8>) -> io::Result<u16> {
        self.shared.post(body).await
    }

    /// Waits until no automatic webhook is under way.
    pub async fn webhooks_done(&self) {
        let mut posting = self.shared.posting.subscribe();
        // As above: the sender lives.
        let _ = posting.wait_for(|&posting| posting == 0).await;
    }

    /// Stops and waits until the port is closed.
    pub async fn shutdown(mut self) {
        self.shared.stop.send_replace(true);
        // The server ends with an error only when it can't listen any more, which is what is wanted.
        let _ = (&mut self.server).await;
    }
}

impl Drop for FakeCloudApi {
    fn drop(&mut self) {
        self.shared.stop.send_replace(true);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the fake is to stop.
    async fn stopped(&self) {
        // The sender lives as long as `self`.
        let _ = self.stop.subscribe().wait_for(|&stop| stop).await;
    }
}

impl fmt::Debug for FakeCloudApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeCloudApi").field("base_url", &self.shared.config.base_url).finish_non_exhaustive()
    }
}
