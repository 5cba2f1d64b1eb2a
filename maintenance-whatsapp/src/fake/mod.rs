//! An in-process fake of the Cloud API, for a host's own tests: it listens on this machine alone, is as
//! strict as the real API, fails when a test asks it to, keeps the messages that it accepted, posts signed webhooks, and
//! plays the phones of those who answer.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use maintenance_whatsapp::{CloudApi, CloudApiConfig, Wordings, fake::{FakeCloudApi, Fault}};
//!
//! let config = CloudApiConfig::new("106540352242922", "a-token", Wordings::default());
//! let fake = FakeCloudApi::start(config).await?;
//! let notifier = CloudApi::new(fake.config())?;
//!
//! fake.fault(Fault::error(131_056).times(2)); // the next two messages are refused
//! // … send with the notifier …
//! let messages = fake.wait_for_messages(1).await;
//! fake.post(&[messages[0].status("delivered")]).await?;
//! fake.phone("+12025550123").say("On my way").await?;
//! # Ok(())
//! # }
//! ```

mod admin;
mod buttons;
mod check;
mod clock;
mod envelope;
mod fault;
mod hook;
mod limits;
mod media;
mod message;
mod phone;
mod phone_message;
mod server;
mod session;
mod templates;
mod window;

use std::{
    collections::HashMap,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use maintenance_core::Clock;
use secrecy::SecretString;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use fault::Fault;
pub use hook::Automatic;
pub use media::{FakeMedia, MediaRequests};
pub use message::{FakeMessage, FakeStatus};
pub use phone::FakePhone;
pub use phone_message::PhoneMessage;

use crate::{CloudApiConfig, Pacing};
use clock::FakeClock;
use hook::{Hook, Refused};
use limits::Limits;
use phone::PhoneState;
use window::Windows;

/// A fake Cloud API with one phone number, and more that are [added](Self::add_number). It stops when it is dropped.
///
/// ```
/// # use maintenance_core::{Notifier as _, Outgoing};
/// # async fn example(message: Outgoing) -> Result<(), Box<dyn std::error::Error>> {
/// use maintenance_whatsapp::{CloudApi, CloudApiConfig, Wordings, fake::{Automatic, FakeCloudApi, Fault}};
///
/// let fake = FakeCloudApi::start(CloudApiConfig::new("1065", "a-token", Wordings::default())).await?;
/// fake.webhook("http://127.0.0.1:3000/webhooks/whatsapp", "the-app-secret", Automatic::AfterAnswer);
/// let notifier = CloudApi::new(fake.config())?;
///
/// fake.fault(Fault::error(130_429).retry_after(5)); // the next message meets a rate limit
/// assert!(notifier.notify(&message).await.is_err());
/// notifier.notify(&message).await?;
/// assert!(fake.messages()[0].text.starts_with("New job"));
/// # Ok(())
/// # }
/// ```
pub struct FakeCloudApi {
    shared: Arc<Shared>,
    server: JoinHandle<io::Result<()>>,
}

/// What the server and the [`FakeCloudApi`] share.
struct Shared {
    config: CloudApiConfig,
    client: reqwest::Client,
    clock: FakeClock,
    state: Mutex<State>,
    /// How many messages were accepted.
    accepted: watch::Sender<usize>,
    /// How many automatic posts are under way.
    posting: watch::Sender<usize>,
    stop: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    /// The numbers by their ids, each with its token.
    numbers: HashMap<String, SecretString>,
    messages: Vec<Arc<FakeMessage>>,
    refused: usize,
    account: admin::Account,
    faults: Vec<Fault>,
    hook: Option<Hook>,
    undelivered: Vec<Refused>,
    limits: Option<Limits>,
    windows: Windows,
    /// The phones of which there is something to know, by their numbers.
    phones: HashMap<String, PhoneState>,
    /// How many messages phones have written.
    written: usize,
    media: media::Shelf,
}

impl FakeCloudApi {
    /// Starts a fake for that number, token, version and wordings on a free port of 127.0.0.1, whatever
    /// address the configuration names.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when the configuration breaks a rule; otherwise the
    /// error of the port or of the HTTP client.
    pub async fn start(mut config: CloudApiConfig) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        config.base_url = format!("http://{}", listener.local_addr()?);
        config.check().map_err(|invalid| io::Error::new(io::ErrorKind::InvalidInput, invalid))?;
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let shared = Arc::new(Shared {
            client: client.build().map_err(io::Error::other)?,
            state: Mutex::new(State {
                numbers: HashMap::from([(config.phone_number_id.clone(), config.token.clone())]),
                account: admin::Account::of(&config.wordings),
                ..State::default()
            }),
            clock: FakeClock::default(),
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

    /// Adds a number, or gives one another token; returns the configuration of a notifier for it.
    pub fn add_number(
        &self,
        phone_number_id: impl Into<String>,
        token: impl Into<SecretString>,
    ) -> CloudApiConfig {
        let (phone_number_id, token) = (phone_number_id.into(), token.into());
        self.shared.state().numbers.insert(phone_number_id.clone(), token.clone());
        CloudApiConfig { phone_number_id, token, ..self.config() }
    }

    /// Sets the clock by which messages and webhooks have their times, conversations close and [`pacing`](Self::pacing)
    /// counts; the machine's by default.
    pub fn clock(&self, clock: impl Clock + 'static) {
        self.shared.clock.set(clock);
    }

    /// Limits from now on how fast messages are accepted, as Meta does: beyond it with the error 130429 for the number, and
    /// 131056 for one recipient. Without it there is no limit.
    pub fn pacing(&self, pacing: Pacing) {
        self.shared.state().limits = Some(Limits::new(pacing));
    }

    /// The phone with that number, E.164 with its `+`.
    pub fn phone(&self, number: impl Into<String>) -> FakePhone {
        FakePhone::new(Arc::clone(&self.shared), number.into())
    }

    /// Adds a fault. Of several, the first that applies to a message decides; a fault for the next messages
    /// waits until those before it are used up.
    pub fn fault(&self, fault: Fault) {
        self.shared.state().faults.push(fault);
    }

    /// Removes all faults.
    pub fn heal(&self) {
        self.shared.state().faults.clear();
    }

    /// The messages accepted so far, in order, including those whose response a [`Fault`] lost.
    pub fn messages(&self) -> Vec<Arc<FakeMessage>> {
        self.shared.state().messages.clone()
    }

    /// How many requests came whose message was not accepted.
    pub fn refused(&self) -> usize {
        self.shared.state().refused
    }

    /// Waits until that many messages have been accepted, and returns all accepted so far.
    pub async fn wait_for_messages(&self, n: usize) -> Vec<Arc<FakeMessage>> {
        let mut accepted = self.shared.accepted.subscribe();
        // The sender lives as long as `self`, so waiting can't fail.
        let _ = accepted.wait_for(|&accepted| accepted >= n).await;
        self.messages()
    }

    /// Sets the address that webhooks are posted to, the app secret that signs them, and which of them the
    /// fake posts by itself.
    pub fn webhook(&self, url: impl Into<String>, app_secret: impl Into<SecretString>, automatic: Automatic) {
        let hook = Hook { url: url.into(), app_secret: app_secret.into(), automatic };
        self.shared.state().hook = Some(hook);
    }

    /// Posts these statuses in one webhook and returns the HTTP status of the response. A test may post any
    /// order and repeat statuses, as Meta does.
    ///
    /// # Errors
    ///
    /// When no [`webhook`](Self::webhook) is set or nothing answers there.
    pub async fn post(&self, statuses: &[FakeStatus]) -> io::Result<u16> {
        self.shared.post(self.shared.statuses(statuses)).await
    }

    /// Posts these messages from phones in one webhook, and returns the HTTP status of the response.
    ///
    /// # Errors
    ///
    /// Those of a [`PhoneMessage`].
    pub async fn post_together(&self, messages: &[PhoneMessage]) -> io::Result<u16> {
        self.shared.post(phone_message::write(&self.shared, messages)?).await
    }

    /// Posts once more every webhook that wasn't answered 200, in their order, as Meta does for days; each at most 10 times.
    /// Returns how many are still to be repeated.
    pub async fn redeliver(&self) -> usize {
        self.shared.redeliver().await
    }

    /// Posts any bytes as a webhook, signed, and returns the HTTP status of the response.
    ///
    /// # Errors
    ///
    /// When no [`webhook`](Self::webhook) is set or nothing answers there.
    pub async fn post_bytes(&self, body: Vec<u8>) -> io::Result<u16> {
        self.shared.post(body).await
    }

    /// Waits until every automatic webhook has been answered.
    pub async fn webhooks_done(&self) {
        let mut posting = self.shared.posting.subscribe();
        // As above: the sender lives as long as `self`.
        let _ = posting.wait_for(|&posting| posting == 0).await;
    }

    /// Stops the fake and waits until its port is closed.
    pub async fn shutdown(mut self) {
        self.shared.stop.send_replace(true);
        // The server ends with an error only when it can no longer listen, and it is to stop anyway.
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
