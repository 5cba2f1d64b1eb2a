//! The notifier: one HTTP request per message.

use std::{
    collections::BTreeMap,
    error::Error as _,
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use governor::clock::DefaultClock;
use maintenance_core::{
    Answer, Clock, DeliveryError, Invalid, NextStep, NotificationKind, Notifier, NotifyError, Outgoing,
    Receipt, Scope, SendEffect, SystemClock,
};
use reqwest::{
    Client, ClientBuilder, Response, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use secrecy::SecretString;
use tracing::instrument;

use crate::{
    CloudApiConfig, Wording, Wordings,
    compiled_template::CompiledTemplate,
    config,
    error_code::OUTSIDE_WINDOW,
    media::Downloads,
    pace::Pace,
    payload::Payload,
    response::{Accepted, SendResponse},
    session::Session,
    wording::Use,
};

/// The initial capacity of a request's body, which is enough for most.
const USUAL_BODY: usize = 1024;

/// How many bytes of a response are read; the API's own responses are far shorter.
const MAX_RESPONSE: usize = 64 * 1024;

/// How long the channel rests when no connection can be made.
const NO_CONNECTION: Duration = Duration::from_secs(10);

/// Sends messages through the Cloud API, each as one message in its recipient's language.
///
/// An answer to a worker or a renter goes out as a message of the conversation while that is open, with buttons or a list. Every
/// other message is a template message, and so is an answer outside the conversation.
///
/// Each message carries its [`NotificationId`](maintenance_core::NotificationId) as
/// `biz_opaque_callback_data`, which the webhooks return. A `CloudApi` makes one attempt per call: the
/// engine's dispatcher retries. It follows no redirect, so that the token reaches no other host.
///
/// ```
/// use maintenance_core::NotificationKind;
/// use maintenance_whatsapp::{CloudApi, CloudApiConfig, SetupError, Wordings};
///
/// # fn notifier(token: String) -> Result<CloudApi, SetupError> {
/// // Each template is registered with Meta under its name, language, body and buttons.
/// let wordings = Wordings::default().named(NotificationKind::Assignment, "our_maintenance_request");
/// CloudApi::new(CloudApiConfig::new("106540352242922", token, wordings))
/// # }
/// ```
pub struct CloudApi {
    pub(crate) client: Client,
    /// `{base}/{version}/{phone_number_id}/messages`.
    pub(crate) endpoint: Url,
    phone_number_id: String,
    authorization: RwLock<HeaderValue>,
    wordings: Wordings,
    /// By the language's code.
    templates: BTreeMap<String, BTreeMap<Use, CompiledTemplate>>,
    clock: Arc<dyn Clock>,
    pub(crate) request_timeout: Duration,
    pub(crate) downloads: Downloads,
    recipient_interval: Duration,
    pace: Pace<DefaultClock>,
    held_back: AtomicU64,
}

/// How a message goes out.
enum Form<'a> {
    /// As a message of the open conversation.
    Session(Answer, &'a Wording),
    Template(&'a CompiledTemplate, &'a Wording),
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
        let downloads = Downloads::new(&config, &endpoint).map_err(SetupError::Client)?;
        Ok(Self {
            client,
            downloads,
            endpoint,
            phone_number_id: config.phone_number_id,
            authorization: RwLock::new(authorization),
            templates: config.wordings.iter().map(|it| (it.language.clone(), compiled(it))).collect(),
            wordings: config.wordings,
            clock: Arc::new(SystemClock),
            request_timeout: config.request_timeout,
            recipient_interval: config.pacing.recipient_interval,
            pace: Pace::new(config.pacing, DefaultClock::default()),
            held_back: AtomicU64::new(0),
        })
    }

    /// The same with another clock, which says whether a conversation is still open; [`SystemClock`] by default.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Fetches files with a client of the host's own settings, for example its TLS or its proxy, in place of one with the
    /// TLS of the feature `rustls`. Without that feature no file can be fetched until this is called.
    ///
    /// Whatever the builder says, the client follows no redirect, unpacks nothing, and resolves the hosts that files come
    /// from by itself, to public addresses alone. It checks neither addresses that the builder gives a name by `resolve`
    /// nor those that a proxy resolves.
    ///
    /// # Errors
    ///
    /// [`SetupError::Client`] when the client can't be built.
    pub fn with_media_client(mut self, client: ClientBuilder) -> Result<Self, SetupError> {
        self.downloads.set_client(client).map_err(SetupError::Client)?;
        Ok(self)
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

    pub(crate) fn authorization(&self) -> HeaderValue {
        self.authorization.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How a message goes out now; `None` for a kind that has no template.
    fn form(&self, message: &Outgoing) -> Option<Form<'_>> {
        let wording = self.wordings.of(message.language.as_ref());
        let refused = message.previous_error.as_ref().is_some_and(|error| error.code == OUTSIDE_WINDOW);
        let open = message.open_until.is_some_and(|until| until > self.clock.now());
        if let Some(answer) = message.answer.filter(|_| message.kind == NotificationKind::Answer)
            && open
            && !refused
        {
            return Some(Form::Session(answer, wording));
        }
        let news = message.news.filter(|_| message.kind == NotificationKind::News);
        let template = self.templates.get(&wording.language)?.get(&(message.kind, news))?;
        Some(Form::Template(template, wording))
    }

    async fn send(&self, message: &Outgoing) -> Result<Receipt, NotifyError> {
        let form = self.form(message).ok_or_else(no_template)?;
        let body = form.body(message).map_err(|_| not_requested("payload"))?;
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
        let body = read_body(&mut response).await;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok());
        let template = form.template();
        let status = response.status().as_u16();
        let response = SendResponse { to_template: template.is_some(), status, retry_after, body: &body };
        let Accepted { receipt, held_back } = response.read(message.attempt)?;
        if let Some(message_status) = held_back {
            self.held_back.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(
                notification = %message.notification_id,
                request = %message.content.request_id,
                template,
                message_status,
                "WhatsApp accepted the message and holds it back; look at the template in WhatsApp Manager"
            );
        }
        Ok(receipt)
    }
}

impl Form<'_> {
    /// The request's body.
    fn body(&self, message: &Outgoing) -> serde_json::Result<Vec<u8>> {
        let mut body = Vec::with_capacity(USUAL_BODY);
        match self {
            Self::Session(answer, wording) => {
                let session = Session::new(message, *answer, wording);
                serde_json::to_writer(&mut body, &Payload::session(session, message))?;
            }
            Self::Template(compiled, wording) => {
                let values = compiled.fill(message, wording);
                let payload = Payload::template(&compiled.template, &wording.language, &values, message);
                serde_json::to_writer(&mut body, &payload)?;
            }
        }
        Ok(body)
    }

    /// The template's name, if it is one.
    fn template(&self) -> Option<&str> {
        match self {
            Self::Session(..) => None,
            Self::Template(compiled, _) => Some(&compiled.template.name),
        }
    }
}

#[async_trait]
impl Notifier for CloudApi {
    fn template(&self, message: &Outgoing) -> Option<String> {
        match self.form(message)? {
            Form::Template(compiled, wording) => {
                Some(format!("{}/{}", compiled.template.name, wording.language))
            }
            Form::Session(..) => None,
        }
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

/// The templates of a wording, prepared for filling in.
fn compiled(wording: &Wording) -> BTreeMap<Use, CompiledTemplate> {
    let templates = wording.all_templates();
    templates.map(|(of, template)| (of, CompiledTemplate::of(template.clone()))).collect()
}

/// The body, or as much of it as came: a response that was cut off is still judged by its status.
pub(crate) async fn read_body(response: &mut Response) -> Vec<u8> {
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
