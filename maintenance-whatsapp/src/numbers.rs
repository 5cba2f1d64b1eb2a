//! Several numbers in one process: each channel's notifier, and the secrets of its webhook.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    Channel, DeliveryError, Invalid, NextStep, Notifier, NotifyError, Outgoing, Receipt, Scope, SendEffect,
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    CloudApi,
    webhook::{
        HandshakeError, Signature, SignatureError, Webhook, WebhookSecrets, answer, named_numbers, read,
    },
};

/// The numbers that a process sends from, each under the name of its channel. Clones share them, and they may be added,
/// replaced and removed while messages go out. It is the notifier of a dispatcher, which sends each message by its
/// channel's number, and what one webhook for all of them is made of.
///
/// ```
/// # async fn example(
/// #     maintenance: maintenance_core::Maintenance<impl maintenance_core::Repository + Clone>, riverside: maintenance_core::ComplexId,
/// #     acme: maintenance_core::OrganizationId,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// use maintenance_core::{Channel, ChannelTable, DispatchPolicy};
/// use maintenance_whatsapp::{CloudApi, CloudApiConfig, Numbers, Wordings, webhook::WebhookSecrets};
///
/// let numbers = Numbers::new();
/// for (name, id, token) in [("default", "106540352242922", "a-token"), ("acme", "207650463353033", "another")] {
///     let api = CloudApi::new(CloudApiConfig::new(id, token, Wordings::default()))?;
///     numbers.set(Channel::new(name)?, api, WebhookSecrets::new("the-app-secret", "the-verify-token")?)?;
/// }
/// let channels = ChannelTable::default().organization(acme, Channel::new("acme")?);
/// let maintenance = maintenance.with_channels(channels);
/// let dispatcher = maintenance.dispatcher(numbers.clone(), DispatchPolicy::default());
///
/// // Later, while the dispatcher runs: a new token for one of them.
/// if let Some(api) = numbers.get(&Channel::new("acme")?) {
///     api.set_token("a-new-token")?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Numbers(Arc<RwLock<BTreeMap<Channel, Number>>>);

struct Number {
    api: Arc<CloudApi>,
    secrets: WebhookSecrets,
}

impl Numbers {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of a channel: adds it, or puts it in the place of the one before. Its pace begins anew; to replace
    /// the token alone, use [`CloudApi::set_token`].
    ///
    /// # Errors
    ///
    /// When another channel has the same `phone_number_id`: a webhook could not tell which of them it is about.
    pub fn set(&self, channel: Channel, api: CloudApi, secrets: WebhookSecrets) -> Result<(), Invalid> {
        let mut numbers = self.write();
        let id = api.phone_number_id();
        let taken =
            numbers.iter().find(|(other, number)| **other != channel && number.api.phone_number_id() == id);
        if let Some((other, _)) = taken {
            return Err(Invalid::field(
                "phone_number_id",
                format!("is already that of the channel {other}; remove that one first, or use its channel"),
            ));
        }
        numbers.insert(channel, Number { api: Arc::new(api), secrets });
        Ok(())
    }

    /// Removes a channel's number; returns whether it had one. Sends under way end; messages that still go by the channel
    /// wait until it has a number again.
    pub fn remove(&self, channel: &Channel) -> bool {
        self.write().remove(channel).is_some()
    }

    /// A channel's number.
    pub fn get(&self, channel: &Channel) -> Option<Arc<CloudApi>> {
        self.read().get(channel).map(|number| Arc::clone(&number.api))
    }

    /// The challenge to answer a `GET` with, as [`handshake`](crate::webhook::handshake) says, if the verify token is that
    /// of any of the numbers.
    ///
    /// # Errors
    ///
    /// Why the `GET` must be answered 403.
    pub fn handshake(&self, query: &str) -> Result<String, HandshakeError> {
        let numbers = self.read();
        answer(query, numbers.values().map(|number| &number.secrets.verify_token))
    }

    /// Verifies and reads a post, whose updates and messages are then of the channels whose `phone_number_id` it names.
    ///
    /// The numbers that a post names decide which app secret must have signed it. Nothing else of the body is read before,
    /// and only numbers with that secret are read after: who has one app's secret can say nothing of another's numbers. A
    /// part about a number that no channel has is reported as a problem and not applied. So is a whole post that names no
    /// number of ours, which nobody can verify: answer it 200, or Meta delivers it again for days. A post that names no
    /// number at all, as those about templates and accounts, is read if any of the numbers' app secrets signed it.
    ///
    /// # Errors
    ///
    /// [`SignatureError::Forged`] when the numbers that it names don't have one app secret, or it isn't signed by that one.
    pub fn receive(
        &self,
        signature: &Signature,
        body: &[u8],
        received: DateTime<Utc>,
    ) -> Result<Webhook, SignatureError> {
        let numbers = self.read();
        let named = named_numbers(body);
        let is_named = |id: &str| named.is_empty() || named.contains(id);
        let asked = numbers.values().filter(|number| is_named(number.api.phone_number_id()));
        let mut secrets: Vec<&SecretString> = asked.map(|number| &number.secrets.app_secret).collect();
        secrets.sort_by(|one, other| one.expose_secret().cmp(other.expose_secret()));
        secrets.dedup_by(|one, other| one.expose_secret() == other.expose_secret());
        let secret = match secrets[..] {
            [] => return Ok(Webhook::of_nobody()),
            _ if named.is_empty() => {
                match secrets.into_iter().find(|secret| signature.verify(secret, body).is_ok()) {
                    Some(secret) => secret,
                    None => return Ok(Webhook::of_nobody()),
                }
            }
            [secret] => secret,
            // One app posts, and it has one secret.
            _ => return Err(SignatureError::Forged),
        };
        signature.verify(secret, body)?;
        let signed = numbers
            .iter()
            .filter(|(_, number)| number.secrets.app_secret.expose_secret() == secret.expose_secret());
        let channels: HashMap<&str, &Channel> =
            signed.map(|(channel, number)| (number.api.phone_number_id(), channel)).collect();
        Ok(read(body, received, |id| {
            let channel = id.and_then(|id| channels.get(id));
            channel.map(|channel| (*channel).clone()).ok_or("names a phone number id that no channel has")
        }))
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Channel, Number>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<Channel, Number>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Notifier for Numbers {
    fn template(&self, message: &Outgoing) -> Option<String> {
        self.get(&message.channel)?.template(message)
    }

    async fn notify(&self, message: &Outgoing) -> Result<Receipt, NotifyError> {
        match self.get(&message.channel) {
            Some(api) => api.notify(message).await,
            None => Err(no_number(&message.channel)),
        }
    }
}

/// No message of the channel can go out until a person sets its number.
fn no_number(channel: &Channel) -> NotifyError {
    let text = format!("no number is set for the channel {channel}; set it in the host's Numbers");
    let error = DeliveryError::new("no_number", text);
    NotifyError { next: NextStep::Stop { scope: Scope::Channel }, effect: SendEffect::NotSent, error }
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.read().iter().map(|(channel, number)| (channel, &number.api))).finish()
    }
}
