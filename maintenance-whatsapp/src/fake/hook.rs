//! Posts webhooks to the host.

use std::{io, sync::Arc};

use reqwest::header::CONTENT_TYPE;
use secrecy::SecretString;

use super::{FakeMessage, Shared, message::webhook};
use crate::webhook::sign;

/// Which webhooks the fake posts by itself for each accepted message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Automatic {
    /// None.
    #[default]
    Off,
    /// `sent`, `delivered` and `read`, one after the other, while and after it responds.
    AfterAnswer,
    /// The same three before it responds: the webhooks come before the response to the send.
    BeforeAnswer,
}

#[derive(Clone)]
pub(super) struct Hook {
    pub(super) url: String,
    pub(super) app_secret: SecretString,
    pub(super) automatic: Automatic,
}

impl Shared {
    /// Posts a body, signed; returns the HTTP status of the answer.
    pub(super) async fn post(&self, body: Vec<u8>) -> io::Result<u16> {
        let hook = self.state().hook.clone();
        let Hook { url, app_secret, .. } = hook.ok_or_else(|| io::Error::other("no webhook is set"))?;
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("x-hub-signature-256", sign(&app_secret, &body))
            .body(body);
        let response = request.send().await.map_err(io::Error::other)?;
        Ok(response.status().as_u16())
    }

    /// Posts the automatic webhooks for an accepted message.
    pub(super) async fn post_automatic(self: &Arc<Self>, message: Arc<FakeMessage>) {
        let automatic = self.state().hook.as_ref().map(|hook| hook.automatic).unwrap_or_default();
        match automatic {
            Automatic::Off => {}
            Automatic::BeforeAnswer => self.post_all(&message).await,
            Automatic::AfterAnswer => {
                self.posting.send_modify(|posting| *posting += 1);
                let shared = Arc::clone(self);
                tokio::spawn(async move {
                    tokio::select! {
                        () = shared.post_all(&message) => {}
                        () = shared.stopped() => {}
                    }
                    shared.posting.send_modify(|posting| *posting -= 1);
                });
            }
        }
    }

    async fn post_all(&self, message: &FakeMessage) {
        for status in ["sent", "delivered", "read"] {
            let body = webhook(&[message.status(status)]);
            match self.post(body).await {
                Ok(200) => {}
                Ok(http_status) => tracing::warn!(wamid = message.wamid, http_status, "webhook refused"),
                Err(error) => tracing::warn!(wamid = message.wamid, %error, "webhook not delivered"),
            }
        }
    }
}
