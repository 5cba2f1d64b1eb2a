//! The host's settings, from environment variables.

use std::net::SocketAddr;

use maintenance_whatsapp::fake::Automatic;
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    StartError,
    demo::{SENDERS, Sender},
};

/// How the host is to run.
#[derive(Debug)]
pub struct Settings {
    /// `sqlite:FILE` or `postgres://…`. May hold a password.
    pub database_url: SecretString,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where messages go.
    pub messages: Messages,
}

/// Where messages go.
#[derive(Debug)]
pub enum Messages {
    /// To a fake Cloud API in this process, which plays all numbers and posts these webhooks by itself.
    Fake(Automatic),
    /// To WhatsApp.
    WhatsApp {
        /// The name under which the assignment template is registered with Meta.
        template: String,
        /// The numbers: the first sender's, and those of others that have one.
        numbers: Vec<Number>,
    },
}

/// A number that sends.
#[derive(Debug)]
pub struct Number {
    /// Whose it is.
    pub sender: &'static Sender,
    /// The access token.
    pub token: SecretString,
    /// The id of the number.
    pub phone_number_id: String,
    /// The app secret, which signs the webhooks.
    pub app_secret: SecretString,
    /// The token of the webhook's handshake.
    pub verify_token: SecretString,
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
  WHATSAPP_TEMPLATE          the name of the assignment template

The second organisation sends by a number of its own, and its complex Harbour by another, with all of:
  WHATSAPP_TOKEN_2, WHATSAPP_PHONE_NUMBER_ID_2, WHATSAPP_APP_SECRET_2, WHATSAPP_VERIFY_TOKEN_2
  WHATSAPP_TOKEN_3, WHATSAPP_PHONE_NUMBER_ID_3, WHATSAPP_APP_SECRET_3, WHATSAPP_VERIFY_TOKEN_3
Without them its messages go by the number before.";

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
            messages: Messages::from(&variable, or("WHATSAPP_TEMPLATE", "maintenance_request"))?,
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

impl Messages {
    fn from(variable: impl Fn(&str) -> Option<String>, template: String) -> Result<Self, StartError> {
        let given: Vec<[Option<String>; 4]> =
            SENDERS.iter().map(|sender| sender.variables().map(|name| variable(&name))).collect();
        if given.iter().flatten().all(Option::is_none) {
            return Ok(Self::Fake(Automatic::AfterAnswer));
        }
        let mut numbers = Vec::new();
        for (sender, values) in SENDERS.iter().zip(given) {
            match values {
                // Only the first sender must have a number: the others' messages then go by it.
                [None, None, None, None] if !numbers.is_empty() => {}
                [Some(token), Some(phone_number_id), Some(app_secret), Some(verify_token)] => {
                    numbers.push(Number {
                        sender,
                        token: token.into(),
                        phone_number_id,
                        app_secret: app_secret.into(),
                        verify_token: verify_token.into(),
                    });
                }
                some => {
                    let names = sender.variables();
                    let missing = names.iter().zip(&some).filter(|(_, value)| value.is_none());
                    let missing: Vec<&str> = missing.map(|(name, _)| name.as_str()).collect();
                    return Err(StartError::new(format!(
                        "{} must be set too: to use WhatsApp set all of {}, to use the fake none of the variables WHATSAPP_*",
                        missing.join(", "),
                        names.join(", ")
                    )));
                }
            }
        }
        Ok(Self::WhatsApp { template, numbers })
    }
}
