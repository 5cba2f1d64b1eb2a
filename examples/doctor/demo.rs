//! A set-up to examine without Meta: a fake Cloud API in which two templates are wrong, and a host's webhook.

use std::io;

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, HeaderValue, StatusCode},
    routing::post,
};
use maintenance_core::NotificationKind;
use maintenance_whatsapp::{CloudApiConfig, SecretString, Wordings, fake::FakeCloudApi, webhook::Signature};
use tokio::{net::TcpListener, task::JoinHandle};

use super::Settings;

const APP_SECRET: &str = "demo-app-secret";

/// The fake and the webhook. Both stop when it is dropped.
pub struct Demo {
    fake: FakeCloudApi,
    webhook: JoinHandle<()>,
    settings: Settings,
}

impl Demo {
    /// Starts both with the templates of these wordings. In the default language one is missing, and the text of another
    /// differs.
    ///
    /// # Errors
    ///
    /// Those of the ports.
    pub async fn start(wordings: Wordings) -> io::Result<Self> {
        let config = CloudApiConfig::new("106540352242922", "demo-token", wordings);
        let fake = FakeCloudApi::start(config).await?;
        fake.set_app_secret(APP_SECRET);

        let mut edited = fake.config().wordings.of(None).clone();
        if let Some(answer) = edited.templates.get_mut(&NotificationKind::Answer) {
            answer.body.push_str(" Have a nice day!");
        }
        fake.register(&edited);
        if let Some(withdrawn) = edited.templates.get(&NotificationKind::Withdrawn) {
            fake.remove_template(&withdrawn.name, &edited.language);
        }

        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/webhooks/whatsapp", listener.local_addr()?);
        let app = Router::new().route("/webhooks/whatsapp", post(webhook));
        let webhook = tokio::spawn(async move {
            // Ends with the demo.
            let _ = axum::serve(listener, app).await;
        });
        let settings = Settings {
            config: fake.config(),
            business_account_id: FakeCloudApi::BUSINESS_ACCOUNT_ID.to_owned(),
            app_id: Some(FakeCloudApi::APP_ID.to_owned()),
            app_secret: Some(APP_SECRET.into()),
            webhook_url: Some(url.parse().map_err(io::Error::other)?),
        };
        Ok(Self { fake, webhook, settings })
    }

    /// What is to be examined.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The fake.
    pub fn fake(&self) -> &FakeCloudApi {
        &self.fake
    }

    /// Gives the template that differs the right text, as an operator does in `WhatsApp` Manager.
    pub fn edit(&self) {
        self.fake.register(self.settings.config.wordings.of(None));
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.webhook.abort();
    }
}

/// A host's webhook, as far as the signature.
async fn webhook(headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = headers.get("x-hub-signature-256").map(HeaderValue::as_bytes);
    let signature = Signature::from_header(header);
    match signature.and_then(|signature| signature.verify(&SecretString::from(APP_SECRET), &body)) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::UNAUTHORIZED,
    }
}
