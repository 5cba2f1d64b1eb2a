//! The secrets of a webhook.

use maintenance_core::Invalid;
use secrecy::{ExposeSecret as _, SecretString};

use crate::invalid::Fields;

/// The secrets by which posts and handshakes are known to be Meta's. `Debug` shows none. Numbers of one app share its
/// secret.
#[derive(Debug, Clone)]
pub struct WebhookSecrets {
    pub(crate) app_secret: SecretString,
    pub(crate) verify_token: SecretString,
}

impl WebhookSecrets {
    /// The app secret, by which Meta signs its posts, and the verify token, which the host makes up and enters in Meta's
    /// dashboard.
    ///
    /// # Errors
    ///
    /// A secret that is empty (anybody could sign with it), or that has white space around it or a line break
    /// in it, as one that was read from a file has.
    pub fn new(
        app_secret: impl Into<SecretString>,
        verify_token: impl Into<SecretString>,
    ) -> Result<Self, Invalid> {
        let secrets = Self { app_secret: app_secret.into(), verify_token: verify_token.into() };
        let mut fields = Fields::default();
        for (field, secret) in [("app_secret", &secrets.app_secret), ("verify_token", &secrets.verify_token)]
        {
            let secret = secret.expose_secret();
            let sound = secret.trim() == secret && !secret.contains(char::is_control);
            fields.rule(!secret.is_empty(), field, "is empty; it must have at least one character");
            fields.rule(sound, field, "begins or ends with white space, or contains a line break; remove it");
        }
        fields.finish().map(|()| secrets)
    }
}
