//! The notifier: one HTTP request per message.

use std::{fmt, time::Duration};

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
use tracing::instrument;

use crate::{
    CloudApiConfig, Template, compiled_template::CompiledTemplate, pace::Pace, payload::Payload,
    response::Reply,
};

/// What most requests' bodies fit into.
const USUAL_BODY: usize = 1024;

/// How much of an answer is read; the API's own are far shorter.
const MAX_ANSWER: usize = 64 * 1024;

/// How long the channel rests when there is no connection.
const NO_CONNECTION: Duration = Duration::from_secs(10);

/// Sends messages by the Cloud API, each as one template message.
///
/// Each carries its [`NotificationId`](maintenance_core::NotificationId) as `biz_opaque_callback_data`,
/// which the webhooks bring back. Nothing is retried here, and redirects aren't followed, so that the token
/// goes nowhere else.
pub struct CloudApi {
    client: Client,
    endpoint: Url,
    authorization: HeaderValue,
    templates: Vec<(NotificationKind, CompiledTemplate)>,
    request_timeout: Duration,
    recipient_interval: Duration,
    pace: Pace<DefaultClock>,
}

/// A notifier could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The configuration breaks a rule: every wrong field, with its rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The HTTP client could not be built, as when the machine's certificates can't be read.
    #[error("the HTTP client could not be built")]
    Client(#[source] reqwest::Error),
}

impl CloudApi {
    /// A notifier with an HTTP client of its own, by the TLS of the feature `rustls`; without the feature an `https`
    /// address is refused.
    pub fn new(config: CloudApiConfig) -> Result<Self, SetupError> {
        let (endpoint, _) = config.check()?;
        if endpoint.scheme() == "https" && !cfg!(feature = "rustls") {
            let rule = "is an https address, and no TLS is built in; turn on the feature `rustls`, or give \
                        `with_client` a builder that has TLS";
            return Err(Invalid::field("base_url", rule).into());
        }
        Self::with_client(config, Client::builder())
    }

    /// A notifier over a client by the host's own settings, as for its TLS or its proxy. Redirects are turned off in
    /// it whatever it says, since one would decide where the token and the messages go.
    pub fn with_client(config: CloudApiConfig, client: ClientBuilder) -> Result<Self, SetupError> {
        let (endpoint, authorization) = config.check()?;
        let client = client.connect_timeout(config.connect_timeout).redirect(Policy::none());
        let client = client.build().map_err(SetupError::Client)?;
        Ok(Self {
            client,
            endpoint,
            authorization,
            templates: {
                let templates = config.templates.into_kinds().into_iter();
                templates.map(|(kind, template)| (kind, CompiledTemplate::of(template))).collect()
            },
            request_timeout: config.request_timeout,
            recipient_interval: config.pacing.recipient_interval,
            pace: Pace::new(config.pacing, DefaultClock::default()),
        })
    }

    /// The template for what the message is about.
    fn compiled(&self, message: &Outgoing) -> Option<&CompiledTemplate> {
        let mut of_kind = self.templates.iter().filter(|(kind, _)| *kind == message.kind);
        of_kind.next().map(|(_, template)| template)
    }

    async fn send(&self, message: &Outgoing) -> Result<Receipt, NotifyError> {
        let Some(compiled) = self.compiled(message) else { return Err(no_template()) };
        let values = compiled.fill(message);
        let mut body = Vec::with_capacity(USUAL_BODY);
        serde_json::to_writer(&mut body, &Payload::new(&compiled.template, &values, message))
            .map_err(|_| refused_here("payload"))?;
        let every = self.recipient_interval;
        let wait = |after| not_yet(NextStep::WaitForRecipient { after, every });
        self.pace.recipient(message.to.phone_number()).map_err(wait)?;
        self.pace.number_turn().await.map_err(|after| not_yet(NextStep::Wait { after }))?;
        let request = self
            .client
            .post(self.endpoint.clone())
            .timeout(self.request_timeout)
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        let mut response = request.send().await.map_err(|error| unanswered(&error))?;
        let body = read(&mut response).await;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok());
        Reply { status: response.status().as_u16(), retry_after, body: &body }.read(message.attempt)
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
            Ok(Receipt { provider_message_id }) => tracing::debug!(%provider_message_id, "accepted"),
            Err(NotifyError { next, effect, error }) => {
                tracing::debug!(code = error.code, ?next, %effect, "not accepted");
            }
        }
        outcome
    }
}

/// The body, or as much of it as came within the bound: an answer cut short is judged by what there is.
async fn read(response: &mut Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = MAX_ANSWER.saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if chunk.len() >= room {
            break;
        }
    }
    body
}

/// The engine knows a kind of message that this crate doesn't yet.
fn no_template() -> NotifyError {
    let error =
        DeliveryError::new("no_template", "there is no template for this kind of message; update the crate");
    NotifyError { next: NextStep::Fix, effect: SendEffect::NotSent, error }
}

/// Our own rate limit is reached.
fn not_yet(next: NextStep) -> NotifyError {
    NotifyError {
        next,
        effect: SendEffect::NotSent,
        error: DeliveryError::new("pace", "waits its turn under Meta's limits"),
    }
}

/// No answer came. Unless there was no connection, the request may have been carried out.
fn unanswered(error: &reqwest::Error) -> NotifyError {
    if error.is_builder() {
        return refused_here("client");
    }
    let (error, effect, next) = if error.is_connect() {
        // Nobody can be sent to: an outage of an hour must not use up the attempts of all messages.
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

/// The request could not even be made, as for an `https` address and a client without TLS: no message can go
/// out until that is mended.
fn refused_here(code: &str) -> NotifyError {
    let error = DeliveryError::new(
        code,
        "the request could not be made; check the base URL and that TLS is built in",
    );
    NotifyError { next: NextStep::Stop { scope: Scope::Channel }, effect: SendEffect::NotSent, error }
}

impl fmt::Debug for CloudApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudApi").field("endpoint", &self.endpoint.as_str()).finish_non_exhaustive()
    }
}
