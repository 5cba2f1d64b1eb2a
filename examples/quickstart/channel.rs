//! The WhatsApp side: the real Cloud API, or the fake one with its webhooks.

use std::{env, error::Error, io, sync::Arc};

use axum::Router;
use maintenance_core::{Maintenance, NotificationKind, PhoneNumber, Repository};
use maintenance_whatsapp::{
    CloudApi, CloudApiConfig, SetupError, Wordings,
    fake::{Automatic, FakeCloudApi, FakeMessage, FakePhone},
    webhook::{WebhookConfig, router},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// Where messages go.
pub(crate) struct Channel {
    config: CloudApiConfig,
    /// The fake, and the host's web server that its webhooks come to.
    fake: Option<(FakeCloudApi, JoinHandle<()>)>,
    /// The number that every worker has when the API is real.
    number: Option<String>,
}

impl Channel {
    /// The real API if the environment has its token, otherwise the fake one.
    pub(crate) async fn open<R>(maintenance: &Maintenance<R>) -> Result<Self, Box<dyn Error>>
    where
        R: Repository + Clone + 'static,
    {
        let mut wordings = Wordings::default();
        if let Ok(name) = env::var("WHATSAPP_TEMPLATE") {
            wordings = wordings.named(NotificationKind::Assignment, &name);
        }
        if let (Ok(token), Ok(id)) = (env::var("WHATSAPP_TOKEN"), env::var("WHATSAPP_PHONE_NUMBER_ID")) {
            let number = env::var("WHATSAPP_TO").map_err(
                |_| "with WHATSAPP_TOKEN set, WHATSAPP_TO must be the number to send to, as in +12025550123",
            )?;
            let config = CloudApiConfig::new(id, token, wordings);
            return Ok(Self { config, fake: None, number: Some(number) });
        }
        let fake =
            FakeCloudApi::start(CloudApiConfig::new("106540352242922", "quickstart-token", wordings)).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/webhooks/whatsapp", listener.local_addr()?);
        let webhook = WebhookConfig::new("quickstart-app-secret", "quickstart-verify-token")?;
        let app = Router::new().nest("/webhooks/whatsapp", router(maintenance.clone(), webhook));
        let server = tokio::spawn(async move {
            // Ends with the program.
            let _ = axum::serve(listener, app).await;
        });
        fake.webhook(url, "quickstart-app-secret".to_owned(), Automatic::Off);
        Ok(Self { config: fake.config(), fake: Some((fake, server)), number: None })
    }

    pub(crate) fn notifier(&self) -> Result<Arc<CloudApi>, SetupError> {
        CloudApi::new(self.config.clone()).map(Arc::new)
    }

    /// The phone with that number, if it is the fake that plays it.
    pub(crate) fn phone(&self, number: &PhoneNumber) -> Option<FakePhone> {
        self.fake.as_ref().map(|(fake, _)| fake.phone(number.as_str()))
    }

    pub(crate) fn number(&self) -> Option<&str> {
        self.number.as_deref()
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.config.base_url
    }

    pub(crate) fn is_fake(&self) -> bool {
        self.fake.is_some()
    }

    /// The message that was sent last, once the fake has it.
    pub(crate) fn last(&self) -> Option<Arc<FakeMessage>> {
        self.fake.as_ref().and_then(|(fake, _)| fake.messages().pop())
    }

    /// Has Meta's side post the status of the last message, as a signed webhook; whether it was taken.
    pub(crate) async fn tell(&self, status: &str) -> io::Result<bool> {
        let Some(((fake, _), message)) = self.fake.as_ref().zip(self.last()) else { return Ok(false) };
        Ok(fake.post(&[message.status(status)]).await? == 200)
    }

    pub(crate) async fn close(self) {
        if let Some((fake, server)) = self.fake {
            fake.shutdown().await;
            server.abort();
        }
    }
}
