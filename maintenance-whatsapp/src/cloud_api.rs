//! The notifier: one HTTP request per message.

use std::{
    error::Error as _,
    fmt,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use governor::clock::DefaultClock;
use maintenance_core::{
    DeliveryError, Invalid, NextStep, NotificationKind, Notifier, NotifyError, Outgoing, Receipt, Scope,
    SendEffect,
};
use reqwest::{
    Client, ClientBuilder, Response, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use secrecy::SecretString;
use tracing::instrument;

use crate::{
    CloudApiConfig, Template,
    compiled_template::CompiledTemplate,
    config,
    pace::Pace,
    payload::Payload,
    response::{Accepted, SendResponse},
};

/// The initial capacity of a request's body, which is enough for most.
const USUAL_BODY: usize = 1024;

/// How many bytes of a response are read; the API's own responses are far shorter.
const MAX_RESPONSE: usize = 64 * 1024;

/// How long the channel rests when no connection can be made.
const NO_CONNECTION: Duration = Duration::from_secs(10);

/// Sends messages through the Cloud API, each as one template message.
///
/// Each message carries its [`NotificationId`](maintenance_core::NotificationId) as
/// `biz_opaque_callback_data`, which the webhooks return. A `CloudApi` makes one attempt per call: the
/// engine's dispatcher retries. It follows no redirect, so that the token reaches no other host.
///
/// ```
/// use maintenance_whatsapp::{CloudApi, CloudApiConfig, SetupError, Template, Templates};
///
/// # fn notifier(token: String) -> Result<CloudApi, SetupError> {
/// // Each template is registered with Meta under its name, language and body.
/// let templates = Templates::default().assignment(Template::assignment("our_maintenance_request"));
/// CloudApi::new(CloudApiConfig::new("106540352242922", token, templates))
/// # }
/// ```
pub struct CloudApi {
    client: Client,
    endpoint: Url,
    phone_number_id: String,
    authorization: RwLock<HeaderValue>,
    templates: Vec<(NotificationKind, CompiledTemplate)>,
    request_timeout: Duration,
    recipient_interval: Duration,
    pace: Pace<DefaultClock>,
    held_back: AtomicU64,
}

/// A notifier could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The configuration breaks a rule: every wrong field, with its rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The HTTP client could not be built, for example because the machine's certificates can't be read.
    #[error("the HTTP client could not be built")]
    Client(#[source] reqwest::Error),
}

impl CloudApi {
    /// A notifier with an HTTP client of its own, whose TLS comes from the feature `rustls`.
    ///
    /// # Errors
    ///
    /// [`SetupError::Invalid`] names every field that breaks a rule; without the feature `rustls` that
    /// includes an `https` address. [`SetupError::Client`] when the HTTP client can't be built.
    pub fn new(config: CloudApiConfig) -> Result<Self, SetupError> {
        let (endpoint, _) = config.check()?;
        if endpoint.scheme() == "https" && !cfg!(feature = "rustls") {
            let rule = "is an https address, and no TLS is built in; turn on the feature `rustls` of \
                        maintenance-whatsapp, or call `CloudApi::with_client` with a client builder that has TLS";
            return Err(Invalid::field("base_url", rule).into());
        }
        Self::with_client(config, Client::builder())
    }

    /// A notifier whose HTTP client has the host's own settings, for example its TLS or its proxy.
    ///
    /// Whatever the builder says, the client follows no redirect: the token and the messages would go to any
    /// host that a redirect names. Whether the builder has TLS can't be seen here; if it has none, the first
    /// send to an `https` address stops the channel and says so.
    ///
    /// # Errors
    ///
    /// [`SetupError::Invalid`] names every field that breaks a rule, [`SetupError::Client`] says that the
    /// client can't be built.
    pub fn with_client(config: CloudApiConfig, client: ClientBuilder) -> Result<Self, SetupError> {
        let (endpoint, authorization) = config.check()?;
        let client = client.connect_timeout(config.connect_timeout).redirect(Policy::none());
        let client = client.build().map_err(SetupError::Client)?;
        Ok(Self {
            client,
            endpoint,
            phone_number_id: config.phone_number_id,
            authorization: RwLock::new(authorization),
            templates: {
                let templates = config.templates.into_kinds().into_iter();
                templates.map(|(kind, template)| (kind, CompiledTemplate::of(template))).collect()
            },
            request_timeout: config.request_timeout,
            recipient_interval: config.pacing.recipient_interval,
            pace: Pace::new(config.pacing, DefaultClock::default()),
            held_back: AtomicU64::new(0),
        })
    }

    /// How many messages WhatsApp accepted and did not send on yet, because their template is paused or its
    /// quality is being assessed. Each was logged as a warning with its ids; a webhook tells whether it was
    /// sent after all.
    ///
    /// A number that grows means that somebody should look at the template in WhatsApp Manager.
    pub fn held_back(&self) -> u64 {
        self.held_back.load(Ordering::Relaxed)
    }

    /// Replaces the access token while messages go out: sends that begin from now on use it. The pace goes on.
    ///
    /// # Errors
    ///
    /// When it isn't visible ASCII characters alone; then the token before stays.
    pub fn set_token(&self, token: impl Into<SecretString>) -> Result<(), Invalid> {
        let new = config::authorization(&token.into()).map_err(|rule| Invalid::field("token", rule))?;
        *self.authorization.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// The id of the number that it sends from.
    pub fn phone_number_id(&self) -> &str {
        &self.phone_number_id
    }

    fn authorization(&self) -> HeaderValue {
        self.authorization.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The template for messages of this kind.
    fn compiled(&self, message: &Outgoing) -> Option<&CompiledTemplate> {
        let mut of_kind = self.templates.iter().filter(|(kind, _)| *kind == message.kind);
        of_kind.next().map(|(_, template)| template)
    }

    async fn send(&self, message: &Outgoing) -> Result<Receipt, NotifyError> {
        let Some(compiled) = self.compiled(message) else { return Err(no_template()) };
        let values = compiled.fill(message);
        let mut body = Vec::with_capacity(USUAL_BODY);
        serde_json::to_writer(&mut body, &Payload::new(&compiled.template, &values, message))
            .map_err(|_| not_requested("payload"))?;
        let every = self.recipient_interval;
        let wait = |after| not_yet(NextStep::WaitForRecipient { after, every });
        self.pace.recipient(message.to.phone_number()).map_err(wait)?;
        self.pace.wait_for_number().await.map_err(|after| not_yet(NextStep::Wait { after }))?;
        let request = self
            .client
            .post(self.endpoint.clone())
            .timeout(self.request_timeout)
            .header(AUTHORIZATION, self.authorization())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        let mut response = request.send().await.map_err(|error| unanswered(&error))?;
        let body = read(&mut response).await;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok());
        let response = SendResponse { status: response.status().as_u16(), retry_after, body: &body };
        let Accepted { receipt, held_back } = response.read(message.attempt)?;
        if let Some(message_status) = held_back {
            self.held_back.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(
                notification = %message.notification_id,
                request = %message.content.request_id,
                template = compiled.template.name,
                message_status,
                "WhatsApp accepted the message and holds it back; look at the template in WhatsApp Manager"
            );
        }
        Ok(receipt)
    }
}

#[async_trait]
impl Notifier for CloudApi {
    fn template(&self, message: &Outgoing) -> Option<String> {
        let Template { name, language, .. } = &self.compiled(message)?.template;
        Some(format!("{name}/{language}"))
    }

    #[instrument(
        name = "whatsapp.send",
        skip_all,
        fields(notification = %message.notification_id, request = %message.content.request_id, attempt = message.attempt)
    )]
    async fn notify(&self, message: &Outgoing) -> Result<Receipt, NotifyError> {
        let outcome = self.send(message).await;
        match &outcome {
            // Not the provider's id: it holds the recipient's number in base64.
            Ok(_) => tracing::debug!("accepted"),
            Err(NotifyError { next, effect, error }) => {
                tracing::debug!(code = error.code, ?next, %effect, "not accepted");
            }
        }
        outcome
    }
}

/// The body, or as much of it as came: a response that was cut off is still judged by its status.
async fn read(response: &mut Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = MAX_RESPONSE.saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if chunk.len() >= room {
            break;
        }
    }
    body
}

/// The core has a kind of message that this crate doesn't know.
fn no_template() -> NotifyError {
    let text = "there is no template for this kind of message; update maintenance-whatsapp";
    let error = DeliveryError::new("no_template", text);
    NotifyError { next: NextStep::Fix, effect: SendEffect::NotSent, error }
}

/// Our own rate limit is reached.
fn not_yet(next: NextStep) -> NotifyError {
    NotifyError {
        next,
        effect: SendEffect::NotSent,
        error: DeliveryError::new("pace", "our own rate limit is reached; the message waits"),
    }
}

/// No response came. Unless no connection was made, the request may have been carried out.
fn unanswered(error: &reqwest::Error) -> NotifyError {
    if error.is_builder() || lacks_tls(error) {
        return not_requested("client");
    }
    let (error, effect, next) = if error.is_connect() {
        // It concerns every message: an outage of an hour must not use up their attempts.
        (
            DeliveryError::new("no_connection", "no connection to the API could be made"),
            SendEffect::NotSent,
            NextStep::Pause { scope: Scope::Channel, after: NO_CONNECTION },
        )
    } else {
        let lost = if error.is_timeout() {
            DeliveryError::new("timeout", "the API did not answer in time")
        } else {
            DeliveryError::new("no_answer", "the connection ended before the API answered")
        };
        (lost, SendEffect::Unknown, NextStep::Retry { after: None })
    };
    NotifyError { next, effect, error }
}

/// Whether a client without TLS was to connect to an `https` address. The HTTP library says so in its text
/// alone; were that text another, the channel would rest as for any other missing connection.
fn lacks_tls(error: &reqwest::Error) -> bool {
    let mut sources = std::iter::successors(error.source(), |&error| error.source());
    sources.any(|error| error.to_string().contains("scheme is not http"))
}

/// The request could not even be made, for example because a client without TLS was to connect to an `https`
/// address. No message can go out until a person corrects that.
fn not_requested(code: &str) -> NotifyError {
    let text = "the request could not be made; check the base URL, and that the HTTP client has TLS";
    let error = DeliveryError::new(code, text);
    NotifyError { next: NextStep::Stop { scope: Scope::Channel }, effect: SendEffect::NotSent, error }
}

impl fmt::Debug for CloudApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudApi").field("endpoint", &self.endpoint.as_str()).finish_non_exhaustive()
    }
}
