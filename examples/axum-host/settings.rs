//! What the environment says.

use std::net::SocketAddr;

use maintenance_whatsapp::fake::Automatic;
use secrecy::{ExposeSecret as _, SecretString};

use super::StartError;

/// How the host is to run.
#[derive(Debug)]
pub struct Settings {
    /// `sqlite:FILE` or `postgres://…`. May hold a password.
    pub database_url: SecretString,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where messages go.
    pub channel: Channel,
}

/// Where messages go.
#[derive(Debug)]
pub enum Channel {
    /// To a fake Cloud API in this process, which posts webhooks by itself as told here.
    Fake(Automatic),
    /// To WhatsApp.
    Real {
        /// The access token.
        token: SecretString,
        /// The id of the number that sends.
        phone_number_id: String,
        /// The name under which the assignment template is registered with Meta.
        template: String,
        /// Signs the webhooks.
        app_secret: SecretString,
        /// Of the webhook's handshake.
        verify_token: SecretString,
    },
}

impl Settings {
    /// Reads `DATABASE_URL` (`sqlite:axum-host.sqlite`), `LISTEN` (`127.0.0.1:3000`), and for the real API
    /// `WHATSAPP_TOKEN`, `WHATSAPP_PHONE_NUMBER_ID`, `WHATSAPP_APP_SECRET` and `WHATSAPP_VERIFY_TOKEN`, with
    /// `WHATSAPP_TEMPLATE` (`maintenance_request`). With none of the four it is the fake.
    pub fn from(variable: impl Fn(&str) -> Option<String>) -> Result<Self, StartError> {
        let or = |name: &str, default: &str| variable(name).unwrap_or_else(|| default.to_owned());
        let listen = or("LISTEN", "127.0.0.1:3000").parse();
        Ok(Self {
            database_url: or("DATABASE_URL", "sqlite:axum-host.sqlite").into(),
            listen: listen.map_err(|_| "LISTEN must be an address and a port, as in 127.0.0.1:3000")?,
            channel: Channel::from(&variable, or("WHATSAPP_TEMPLATE", "maintenance_request"))?,
        })
    }

    /// Which database it is, without user and password.
    pub fn database(&self) -> String {
        let url = self.database_url.expose_secret();
        let url = url.split_once('?').map_or(url, |(url, _)| url);
        match (url.split_once("://"), url.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, place))) => format!("{scheme}://{place}"),
            _ => url.to_owned(),
        }
    }
}

impl Channel {
    fn from(variable: impl Fn(&str) -> Option<String>, template: String) -> Result<Self, StartError> {
        const NAMES: [&str; 4] =
            ["WHATSAPP_TOKEN", "WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN"];
        match NAMES.map(variable) {
            [None, None, None, None] => Ok(Self::Fake(Automatic::AfterAnswer)),
            [Some(token), Some(phone_number_id), Some(app_secret), Some(verify_token)] => Ok(Self::Real {
                token: token.into(),
                phone_number_id,
                template,
                app_secret: app_secret.into(),
                verify_token: verify_token.into(),
            }),
            some => {
                let missing = NAMES.into_iter().zip(some).filter(|(_, value)| value.is_none());
                let missing: Vec<&str> = missing.map(|(name, _)| name).collect();
                Err(format!("for WhatsApp, set {} too; for the fake, none of them", missing.join(", "))
                    .into())
            }
        }
    }
}
