//! The webhook as an axum router.

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest as _, RawQuery, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use chrono::{DateTime, Utc};
use maintenance_core::{DeliveryEffect, Error, Invalid, Maintenance, Repository};
use secrecy::SecretString;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use tracing::instrument;

use super::{
    HandshakeError, MAX_BODY, Signature, SignatureError, Unused, Webhook, WebhookSecrets, handshake, parse,
};
use crate::Numbers;

/// Whose posts a webhook takes, how long a post may take, and who acts on what the engine doesn't use. `Debug` shows no
/// secret.
#[derive(Clone)]
pub struct WebhookConfig {
    senders: Senders,
    body_deadline: Duration,
    on_unused: Arc<dyn Fn(&Unused) + Send + Sync>,
}

#[derive(Debug, Clone)]
enum Senders {
    One(WebhookSecrets),
    Several(Numbers),
}

impl WebhookConfig {
    /// A webhook of one number, with that app secret, by which Meta signs its posts, and that verify token, which the host
    /// makes up and enters in Meta's dashboard. Its updates and messages are of
    /// [`Channel::DEFAULT`](maintenance_core::Channel::DEFAULT).
    ///
    /// # Errors
    ///
    /// Those of [`WebhookSecrets::new`].
    pub fn new(
        app_secret: impl Into<SecretString>,
        verify_token: impl Into<SecretString>,
    ) -> Result<Self, Invalid> {
        WebhookSecrets::new(app_secret, verify_token).map(|secrets| Self::with(Senders::One(secrets)))
    }

    /// One webhook of several numbers, as they are set when a post arrives. Its updates and messages are of the channels
    /// whose numbers the post names.
    pub fn of(numbers: Numbers) -> Self {
        Self::with(Senders::Several(numbers))
    }

    fn with(senders: Senders) -> Self {
        Self { senders, body_deadline: Duration::from_secs(10), on_unused: Arc::new(|_| {}) }
    }

    /// Sets how long a post may take to arrive; 10 seconds by default. A slower one is answered 408, so that
    /// it holds memory, and delays a graceful shutdown, for no longer than that.
    #[must_use]
    pub fn body_deadline(mut self, deadline: Duration) -> Self {
        self.body_deadline = deadline;
        self
    }

    /// Sets what to do with a change that is neither a message nor a status: a template was paused, the account was
    /// restricted, a number's quality fell. It is called for each of a post that was verified and stored, before the post is
    /// answered, so it must not block. Meta may post one change several times.
    #[must_use]
    pub fn on_unused(mut self, act: impl Fn(&Unused) + Send + Sync + 'static) -> Self {
        self.on_unused = Arc::new(act);
        self
    }
}

impl fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookConfig")
            .field("senders", &self.senders)
            .field("body_deadline", &self.body_deadline)
            .finish_non_exhaustive()
    }
}

impl Senders {
    fn handshake(&self, query: &str) -> Result<String, HandshakeError> {
        match self {
            Self::One(secrets) => handshake(query, &secrets.verify_token),
            Self::Several(numbers) => numbers.handshake(query),
        }
    }

    fn receive(
        &self,
        signature: &Signature,
        body: &[u8],
        received: DateTime<Utc>,
    ) -> Result<Webhook, SignatureError> {
        match self {
            Self::One(secrets) => signature.verify(&secrets.app_secret, body).map(|()| parse(body, received)),
            Self::Several(numbers) => numbers.receive(signature, body, received),
        }
    }
}

struct Hook<R> {
    maintenance: Maintenance<R>,
    config: WebhookConfig,
    /// One permit per body that may be in memory.
    bodies: Semaphore,
}

/// How many bodies may be in memory at once: 48 MB if each has [`MAX_BODY`].
const MAX_BODIES: usize = 16;

/// A router with the webhook at `/`, for the host to nest where it wants it. It fits a host's router of any
/// state.
///
/// ```no_run
/// # use maintenance_core::{Maintenance, Repository};
/// use axum::{Router, extract::State, routing::get};
/// use maintenance_whatsapp::webhook::{WebhookConfig, router};
///
/// #[derive(Clone)]
/// struct App {
///     name: String,
/// }
///
/// # fn app<R: Repository + Clone + 'static>(
/// #     maintenance: Maintenance<R>,
/// # ) -> Result<Router, Box<dyn std::error::Error>> {
/// let webhook = WebhookConfig::new("the-app-secret", "the-verify-token")?;
/// let app = Router::new()
///     .route("/", get(async |State(app): State<App>| app.name))
///     .nest("/webhooks/whatsapp", router(maintenance, webhook))
///     .with_state(App { name: "our host".to_owned() });
/// # Ok(app)
/// # }
/// ```
///
/// | request | answer |
/// |---|---|
/// | `GET`, a handshake with the right verify token | 200 with the challenge |
/// | `GET`, any other | 403 |
/// | `POST` without a signature of its body under the app secret, of several numbers' under that of those it names | 401 |
/// | `POST` above [`MAX_BODY`] | 413 |
/// | `POST` whose body doesn't arrive within [`body_deadline`](WebhookConfig::body_deadline) | 408; Meta delivers it again |
/// | `POST` that waited that long for 16 other posts to arrive | 503; Meta delivers it again |
/// | `POST`, its updates and messages stored | 200 |
/// | `POST`, the store failed | 503; Meta delivers it again |
///
/// Parts that can't be read, parts about a number that isn't set, and updates of messages that aren't the engine's, are
/// logged and answered 200.
pub fn router<R, S>(maintenance: Maintenance<R>, config: WebhookConfig) -> Router<S>
where
    R: Repository + Clone + 'static,
    S: Clone + Send + Sync + 'static,
{
    Router::new()
        .route("/", get(subscribe::<R>).post(receive::<R>))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Arc::new(Hook { maintenance, config, bodies: Semaphore::new(MAX_BODIES) }))
}

async fn subscribe<R>(State(hook): State<Arc<Hook<R>>>, RawQuery(query): RawQuery) -> Response {
    match hook.config.senders.handshake(&query.unwrap_or_default()) {
        Ok(challenge) => challenge.into_response(),
        Err(error) => {
            tracing::warn!(%error, "handshake refused");
            StatusCode::FORBIDDEN.into_response()
        }
    }
}

#[instrument(name = "whatsapp.webhook", skip_all)]
async fn receive<R: Repository>(State(hook): State<Arc<Hook<R>>>, request: Request) -> Response {
    let header = request.headers().get("x-hub-signature-256").map(|value| value.as_bytes().to_vec());
    // Checked before the body is read, so that a post without any signature takes no memory.
    let signature = match Signature::from_header(header.as_deref()) {
        Ok(signature) => signature,
        Err(error) => return unsigned(error),
    };
    let webhook = {
        let deadline = Instant::now() + hook.config.body_deadline;
        let Ok(Ok(_permit)) = timeout_at(deadline, hook.bodies.acquire()).await else {
            tracing::warn!("post refused: too many others are arriving; Meta delivers it again");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        let body = match timeout_at(deadline, Bytes::from_request(request, &())).await {
            Ok(Ok(body)) => body,
            Ok(Err(rejection)) => return rejection.into_response(),
            Err(_) => {
                tracing::warn!("post refused: its body did not arrive in time; Meta delivers it again");
                return StatusCode::REQUEST_TIMEOUT.into_response();
            }
        };
        match hook.config.senders.receive(&signature, &body, hook.maintenance.now()) {
            Ok(webhook) => webhook,
            Err(error) => return unsigned(error),
        }
    };
    report(&webhook);
    if let Err(error) = store(&hook.maintenance, &webhook).await {
        tracing::error!(%error, "post not stored; Meta delivers it again");
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    webhook.unused.iter().for_each(|unused| (hook.config.on_unused)(unused));
    StatusCode::OK.into_response()
}

/// Stores the updates and the messages of a post.
async fn store<R: Repository>(maintenance: &Maintenance<R>, webhook: &Webhook) -> Result<(), Error> {
    if !webhook.updates.is_empty() {
        let effects = maintenance.record_deliveries(&webhook.updates).await?;
        let unknown = effects.iter().filter(|&&effect| effect == DeliveryEffect::Unknown).count();
        tracing::debug!(updates = effects.len(), unknown, "updates stored");
        maintenance.record_reached(&webhook.recipients(&effects)).await?;
    }
    if !webhook.inbound.is_empty() {
        let new = maintenance.receive(&webhook.inbound).await?;
        tracing::debug!(messages = webhook.inbound.len(), new, "messages stored");
    }
    Ok(())
}

fn unsigned(error: SignatureError) -> Response {
    tracing::warn!(%error, "post refused");
    StatusCode::UNAUTHORIZED.into_response()
}

fn report(webhook: &Webhook) {
    let Webhook { updates: _, reached: _, inbound: _, unused, ignored, problems } = webhook;
    for problem in problems {
        tracing::error!(%problem, "part of a post can't be read");
    }
    for super::Ignored { path, what } in ignored {
        tracing::info!(path, what, "part of a post ignored");
    }
    for unused in unused {
        tracing::info!(path = unused.path, field = unused.plain_field(), "change of a post left to the host");
    }
}
