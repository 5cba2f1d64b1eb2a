//! The host's settings, from environment variables.

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
    /// To a fake Cloud API in this process, which posts these webhooks by itself.
    Fake(Automatic),
    /// To WhatsApp.
    Real {
        /// The access token.
        token: SecretString,
        /// The id of the number that sends.
        phone_number_id: String,
        /// The name under which the assignment template is registered with Meta.
        template: String,
        /// The app secret, which signs the webhooks.
        app_secret: SecretString,
        /// The token of the webhook's handshake.
        verify_token: SecretString,
    },
}

impl Settings {
    /// What the program's help says about the environment variables.
    pub const HELP: &str = "\
Environment variables:
  DATABASE_URL   sqlite:FILE or postgres://user:password@host/database [default: sqlite:axum-host.sqlite]
  LISTEN         the address and port to listen on [default: 127.0.0.1:3000]
  RUST_LOG       what to log [default: info]

To send over WhatsApp rather than to a fake Cloud API in this process, set all of:
  WHATSAPP_TOKEN             the access token
  WHATSAPP_PHONE_NUMBER_ID   the id of the number that sends
  WHATSAPP_APP_SECRET        signs the webhooks, which Meta posts to /webhooks/whatsapp
  WHATSAPP_VERIFY_TOKEN      the token of the webhook's handshake
and, if it isn't maintenance_request:
  WHATSAPP_TEMPLATE          the name of the assignment template";

    /// Reads the environment variables that [`HELP`](Self::HELP) lists.
    ///
    /// # Errors
    ///
    /// Which variable is wrong or missing, and what would be right.
    pub fn from(variable: impl Fn(&str) -> Option<String>) -> Result<Self, StartError> {
        let or = |name: &str, default: &str| variable(name).unwrap_or_else(|| default.to_owned());
        let listen = or("LISTEN", "127.0.0.1:3000");
        Ok(Self {
            database_url: or("DATABASE_URL", "sqlite:axum-host.sqlite").into(),
            listen: listen.parse().map_err(|_| {
                StartError::new(format!(
                    "LISTEN is {listen:?}; it must be an address and a port, for example 127.0.0.1:3000"
                ))
            })?,
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
                let (missing, all) = (missing.join(", "), NAMES.join(", "));
                Err(StartError::new(format!(
                    "{missing} must be set too: to use WhatsApp set all of {all}, to use the fake none of them"
                )))
            }
        }
    }
}
