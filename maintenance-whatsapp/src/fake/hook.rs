//! Posts webhooks to the host.

use std::{io, sync::Arc};

use reqwest::header::CONTENT_TYPE;
use secrecy::SecretString;

use super::{FakeMessage, FakeStatus, Shared, envelope::of_statuses};
use crate::webhook::sign;

/// How often the fake repeats one webhook that isn't answered 200. Meta repeats for days.
const MOST_REPEATS: u32 = 10;

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

/// A webhook that wasn't answered 200.
pub(super) struct Refused {
    body: Vec<u8>,
    repeats: u32,
}

impl Shared {
    /// Posts a body, signed; returns the HTTP status of the answer. Unless it is 200, the post is kept to be repeated.
    pub(super) async fn post(&self, body: Vec<u8>) -> io::Result<u16> {
        self.deliver(Refused { body, repeats: 0 }).await
    }

    async fn deliver(&self, post: Refused) -> io::Result<u16> {
        let hook = self.state().hook.clone();
        let Hook { url, app_secret, .. } = hook.ok_or_else(|| io::Error::other("no webhook is set"))?;
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("x-hub-signature-256", sign(&app_secret, &post.body))
            .body(post.body.clone());
        let answer = request.send().await.map(|response| response.status().as_u16());
        if !matches!(answer, Ok(200)) && post.repeats < MOST_REPEATS {
            self.state().undelivered.push(post);
        }
        answer.map_err(io::Error::other)
    }

    /// Posts once more what wasn't answered 200; returns how many are still to be repeated.
    pub(super) async fn redeliver(&self) -> usize {
        let undelivered = std::mem::take(&mut self.state().undelivered);
        for Refused { body, repeats } in undelivered {
            if let Err(error) = self.deliver(Refused { body, repeats: repeats + 1 }).await {
                tracing::warn!(%error, "webhook not delivered");
            }
        }
        self.state().undelivered.len()
    }

    /// The body of a webhook with these statuses, as it is for phones that hide their number.
    pub(super) fn statuses(&self, statuses: &[FakeStatus]) -> Vec<u8> {
        let mut statuses = statuses.to_vec();
        for status in &mut statuses {
            let phone = status.recipient_id.as_deref().map(|digits| format!("+{digits}"));
            let user_id = phone.and_then(|phone| self.state().phones.get(&phone)?.user_id.clone());
            if user_id.is_some() {
                (status.recipient_id, status.recipient_user_id) = (None, user_id);
            }
        }
        of_statuses(&statuses)
    }

    /// Posts the automatic webhooks for an accepted message.
    pub(super) async fn post_automatic(self: &Arc<Self>, message: Arc<FakeMessage>) {
        let (automatic, blocked) = {
            let state = self.state();
            let automatic = state.hook.as_ref().map(|hook| hook.automatic).unwrap_or_default();
            let blocked = state.phones.get(&message.to).is_some_and(|phone| phone.blocked);
            (automatic, blocked && state.hook.is_some())
        };
        match automatic {
            Automatic::Off if !blocked => {}
            Automatic::BeforeAnswer => self.post_all(&message, blocked).await,
            Automatic::Off | Automatic::AfterAnswer => {
                self.posting.send_modify(|posting| *posting += 1);
                let shared = Arc::clone(self);
                tokio::spawn(async move {
                    tokio::select! {
                        () = shared.post_all(&message, blocked) => {}
                        () = shared.stopped() => {}
                    }
                    shared.posting.send_modify(|posting| *posting -= 1);
                });
            }
        }
    }

    async fn post_all(&self, message: &FakeMessage, blocked: bool) {
        let statuses = if blocked {
            vec![message.failed(131_026, "Message undeliverable")]
        } else {
            ["sent", "delivered", "read"].map(|status| message.status(status)).to_vec()
        };
        for status in statuses {
            match self.post(self.statuses(&[status])).await {
                Ok(200) => {}
                Ok(http_status) => tracing::warn!(wamid = message.wamid, http_status, "webhook refused"),
                Err(error) => tracing::warn!(wamid = message.wamid, %error, "webhook not delivered"),
            }
        }
    }
}
