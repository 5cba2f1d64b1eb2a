//! The webhook as an axum router.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest as _, RawQuery, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use maintenance_core::{DeliveryEffect, Invalid, Maintenance, Repository};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use tracing::instrument;

use super::{MAX_BODY, Signature, Webhook, handshake, parse};
use crate::invalid::Fields;

/// The secrets of a webhook. `Debug` shows neither.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    app_secret: SecretString,
    verify_token: SecretString,
    body_deadline: Duration,
}

impl WebhookConfig {
    /// The app secret that signs the posts, and the token of the handshake, which the host makes up. Neither
    /// may be empty, since anybody could sign with an empty secret, and neither may begin or end with white space, as
    /// one that was read from a file with its line break does.
    pub fn new(
        app_secret: impl Into<SecretString>,
        verify_token: impl Into<SecretString>,
    ) -> Result<Self, Invalid> {
        let (app_secret, verify_token) = (app_secret.into(), verify_token.into());
        let config = Self { app_secret, verify_token, body_deadline: Duration::from_secs(10) };
        let mut fields = Fields::default();
        for (field, secret) in [("app_secret", &config.app_secret), ("verify_token", &config.verify_token)] {
            let secret = secret.expose_secret();
            let sound = secret.trim() == secret && !secret.contains(char::is_control);
            fields.rule(!secret.is_empty(), field, "is empty");
            fields.rule(sound, field, "begins or ends with white space, or holds a line break; remove it");
        }
        fields.finish().map(|()| config)
    }

    /// With another limit on how long a post may take to arrive; 10 seconds by default. It is answered 408 then, so
    /// that slow posts hold neither memory nor a shutdown.
    #[must_use]
    pub fn body_deadline(mut self, deadline: Duration) -> Self {
        self.body_deadline = deadline;
        self
    }
}

struct Hook<R> {
    maintenance: Maintenance<R>,
    config: WebhookConfig,
    /// How many bodies may be held at a time.
    turns: Semaphore,
}

/// How many bodies are held at a time: with [`MAX_BODY`] each they take 48 MB.
const BODIES: usize = 16;

/// A router with the webhook at `/`, to be nested where the host wants it.
///
/// | request | answer |
/// |---|---|
/// | `GET`, a handshake with the right verify token | 200 with the challenge |
/// | `GET`, any other | 403 |
/// | `POST` without a signature of its body under the app secret | 401 |
/// | `POST` above [`MAX_BODY`] | 413 |
/// | `POST` whose body doesn't arrive in time | 408 |
/// | `POST` while too many others arrive | 503; Meta delivers it again |
/// | `POST`, its updates stored | 200 |
/// | `POST`, the store failed | 503; Meta delivers it again |
///
/// What can't be read, and updates of messages that aren't the engine's, are logged and answered 200.
pub fn router<R>(maintenance: Maintenance<R>, config: WebhookConfig) -> Router
where
    R: Repository + Clone + 'static,
{
    Router::new()
        .route("/", get(subscribe::<R>).post(receive::<R>))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Arc::new(Hook { maintenance, config, turns: Semaphore::new(BODIES) }))
}

async fn subscribe<R>(State(hook): State<Arc<Hook<R>>>, RawQuery(query): RawQuery) -> Response {
    match handshake(&query.unwrap_or_default(), &hook.config.verify_token) {
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
    // Before the body is read: nobody without a signature at all makes the host hold 3 MB.
    let signature = match Signature::from_header(header.as_deref()) {
        Ok(signature) => signature,
        Err(error) => return unsigned(error),
    };
    let webhook = {
        let deadline = Instant::now() + hook.config.body_deadline;
        let Ok(Ok(_turn)) = timeout_at(deadline, hook.turns.acquire()).await else {
            tracing::warn!("too many posts at once; left to be delivered again");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        let body = match timeout_at(deadline, Bytes::from_request(request, &())).await {
            Ok(Ok(body)) => body,
            Ok(Err(rejection)) => return rejection.into_response(),
            Err(_) => {
                tracing::warn!("a post's body did not come in time");
                return StatusCode::REQUEST_TIMEOUT.into_response();
            }
        };
        if let Err(error) = signature.verify(&hook.config.app_secret, &body) {
            return unsigned(error);
        }
        parse(&body, hook.maintenance.now())
    };
    report(&webhook);
    if webhook.updates.is_empty() {
        return StatusCode::OK.into_response();
    }
    match hook.maintenance.record_deliveries(&webhook.updates).await {
        Ok(effects) => {
            let unknown = effects.iter().filter(|&&effect| effect == DeliveryEffect::Unknown).count();
            tracing::debug!(updates = effects.len(), unknown, "stored");
            StatusCode::OK.into_response()
        }
        Err(error) => {
            tracing::error!(%error, "not stored; left to be delivered again");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn unsigned(error: super::SignatureError) -> Response {
    tracing::warn!(%error, "post refused");
    StatusCode::UNAUTHORIZED.into_response()
}

fn report(webhook: &Webhook) {
    let Webhook { updates: _, inbound, ignored, problems } = webhook;
    for problem in problems {
        tracing::error!(%problem, "can't be read");
    }
    for super::Ignored { path, what } in ignored {
        tracing::info!(path, what, "ignored");
    }
    if *inbound > 0 {
        tracing::debug!(inbound, "messages not read");
    }
}
