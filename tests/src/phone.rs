//! The whole loop on real parts: a SQLite file, the fake Cloud API over HTTP, and the webhook mounted in a
//! server of the host.

use std::sync::Arc;

use axum::Router;
use maintenance_core::{DispatchPolicy, DispatchReport, Dispatcher, NotificationKind, Repository, RequestId};
use maintenance_memory::conformance::World;
use maintenance_whatsapp::{
    CloudApi, CloudApiConfig, Wordings,
    fake::{Automatic, FakeCloudApi, FakeMessage},
    webhook::{WebhookConfig, router},
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::databases;

/// The app secret that signs the webhooks.
pub const APP_SECRET: &str = "test_app_secret_0123456789abcdef";
/// The token of the handshake.
pub const VERIFY_TOKEN: &str = "test_verify_token";

/// A world whose messages go to a fake Cloud API.
pub struct Phone {
    /// The world.
    pub world: World,
    /// The API.
    pub fake: FakeCloudApi,
    /// The webhook's address.
    pub url: String,
    dispatcher: Dispatcher<Arc<dyn Repository>, CloudApi>,
    server: JoinHandle<()>,
    _folder: TempDir,
}

impl Phone {
    /// A fresh world with one plumber, and everything listening.
    pub async fn new(automatic: Automatic) -> Self {
        let (store, folder) = databases::sqlite().await;
        let world = World::new(store);
        let config = CloudApiConfig::new(
            "106540352242922",
            "test-token",
            Wordings::default().named(NotificationKind::Assignment, "new_request"),
        );
        let fake = FakeCloudApi::start(config).await.unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/whatsapp", listener.local_addr().unwrap());
        let secrets = WebhookConfig::new(APP_SECRET.to_owned(), VERIFY_TOKEN.to_owned()).unwrap();
        let app = Router::new().nest("/whatsapp", router(world.maintenance.clone(), secrets));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        fake.webhook(url.clone(), APP_SECRET.to_owned(), automatic);
        let notifier = CloudApi::new(fake.config()).unwrap();
        let dispatcher = world.maintenance.dispatcher(notifier, DispatchPolicy::default());
        world.worker(&["plumbing"]).await;
        Self { world, fake, url, dispatcher, server, _folder: folder }
    }

    /// Sends what is due, once.
    pub async fn dispatch(&self) -> DispatchReport {
        self.dispatcher.dispatch_due().await.unwrap()
    }

    /// The fake's newest assignment message about a request.
    pub async fn message(&self, request: RequestId) -> Arc<FakeMessage> {
        let id = self.world.newest_message(request).await.id;
        let mut messages = self.fake.messages().into_iter();
        messages.rfind(|message| message.notification_id() == Some(id)).expect("it was sent")
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.server.abort();
    }
}
