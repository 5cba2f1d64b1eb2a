//! The calls to Meta's Graph API. Each gives the JSON of the response, or what went wrong in words without secrets.

use std::{error::Error as _, fmt, iter::successors, time::Duration};

use hmac::{Hmac, KeyInit as _, Mac as _};
use maintenance_whatsapp::{
    SecretString,
    reqwest::{
        Client, RequestBuilder, Url,
        header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
        redirect::Policy,
    },
};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use sha2::Sha256;

use super::Settings;

/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A client of the API with the token of the settings.
pub(super) struct Graph {
    pub(super) client: Client,
    /// `{base}/{version}/`.
    base: Url,
    token: SecretString,
    /// What no text may show.
    secrets: Vec<SecretString>,
}

/// Why a call failed.
#[derive(Debug)]
pub(super) enum GraphError {
    /// No connection, or no response.
    Unreachable(String),
    /// Meta's error.
    Refused { code: i64, subcode: Option<i64>, says: String },
    /// The response wasn't Meta's JSON.
    Unreadable(u16),
}

impl Graph {
    pub(super) fn new(settings: &Settings) -> Result<Self, String> {
        let client = Client::builder().redirect(Policy::none()).timeout(TIMEOUT).build();
        let client = client.map_err(|error| format!("the HTTP client can't be built: {error}"))?;
        let base = format!("{}/{}/", settings.config.base_url.trim_end_matches('/'), settings.config.version);
        let base = Url::parse(&base).map_err(|error| format!("--base-url isn't an address: {error}"))?;
        let token = settings.config.token.clone();
        let mut secrets = vec![token.clone()];
        secrets.extend(settings.app_secret.clone());
        secrets
            .extend(settings.app_secret.as_ref().map(|secret| proof(secret, token.expose_secret()).into()));
        Ok(Self { client, base, token, secrets })
    }

    /// Reads what is at the path, with the token of the settings.
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, GraphError> {
        self.get_as(&self.token, path, query).await
    }

    /// Reads what is at the path, with another token.
    pub(super) async fn get_as(
        &self,
        token: &SecretString,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Value, GraphError> {
        let mut url = self.url(path)?;
        url.query_pairs_mut().extend_pairs(query);
        self.send(self.client.get(url), token).await
    }

    /// Posts to the path.
    pub(super) async fn post(&self, path: &str, body: String) -> Result<Value, GraphError> {
        let request = self.client.post(self.url(path)?).header(CONTENT_TYPE, "application/json").body(body);
        self.send(request, &self.token).await
    }

    fn url(&self, path: &str) -> Result<Url, GraphError> {
        self.base.join(path).map_err(|error| GraphError::Unreachable(error.to_string()))
    }

    async fn send(&self, request: RequestBuilder, token: &SecretString) -> Result<Value, GraphError> {
        let unreachable = |error| GraphError::Unreachable(why(error));
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
            .map_err(|error| GraphError::Unreachable(error.to_string()))?;
        bearer.set_sensitive(true);
        let response = request.header(AUTHORIZATION, bearer).send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(unreachable)?;
        let body: Value = serde_json::from_slice(&body).map_err(|_| GraphError::Unreadable(status))?;
        match body.get("error") {
            Some(error) => Err(self.refused(error)),
            None if status == 200 => Ok(body),
            None => Err(GraphError::Unreadable(status)),
        }
    }

    fn refused(&self, error: &Value) -> GraphError {
        let number = |name: &str| error.get(name).and_then(Value::as_i64);
        let texts = ["/error_user_msg", "/error_data/details", "/message"];
        let says = texts.iter().find_map(|path| error.pointer(path)?.as_str()).unwrap_or_default();
        // Meta repeats a malformed token in its message.
        let hide = |text: String, secret: &SecretString| text.replace(secret.expose_secret(), "…");
        GraphError::Refused {
            code: number("code").unwrap_or_default(),
            subcode: number("error_subcode"),
            says: self.secrets.iter().fold(says.to_owned(), hide),
        }
    }
}

impl GraphError {
    /// Whether Meta doesn't accept the token.
    pub(super) const fn is_token(&self) -> bool {
        matches!(self, Self::Refused { code: 0 | 190, .. })
    }

    /// Whether nothing with that id is there, or the token may not see it.
    pub(super) const fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { code: 100, subcode: Some(33), .. })
    }

    /// What to do about it, where the caller knows nothing better.
    pub(super) fn to_do(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => {
                "check the network, the proxy and the address of the API from this machine, then try again"
            }
            Self::Unreadable(_) => {
                "check --base-url, and any proxy on the way; if they are right, try again later"
            }
            Self::Refused { code: 0 | 190, .. } => "put the token right first",
            Self::Refused { code: 10 | 200..=299, .. } => {
                "give the system user of the token full control of the WhatsApp account and of the app, with the \
                 permissions whatsapp_business_messaging and whatsapp_business_management, and make a new token"
            }
            Self::Refused { code: 1 | 2 | 4 | 80_007 | 80_008 | 130_429, .. } => {
                "wait some minutes, then try again"
            }
            Self::Refused { code: 368 | 131_031, .. } => {
                "the account is restricted: see Account quality in Meta Business Suite, and appeal there"
            }
            Self::Refused { .. } => "look the code up in Meta's list of error codes",
        }
    }
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "the API can't be reached: {why}"),
            Self::Unreadable(status) => write!(f, "the response (HTTP {status}) isn't one of Meta's"),
            Self::Refused { code: code @ (0 | 190), .. } => {
                write!(f, "Meta doesn't accept the token (error {code})")
            }
            Self::Refused { code, subcode, says } => {
                let subcode = subcode.map(|subcode| format!("/{subcode}")).unwrap_or_default();
                write!(f, "Meta answered error {code}{subcode}: {says}")
            }
        }
    }
}

/// An HTTP error and its causes, without the address, which can hold the token.
pub(super) fn why(error: maintenance_whatsapp::reqwest::Error) -> String {
    let error = error.without_url();
    let causes = successors(error.source(), |&cause| cause.source()).map(|cause| format!(": {cause}"));
    format!("{error}{}", causes.collect::<String>())
}

/// The HMAC-SHA256 of a text under the secret, in hexadecimal.
pub(super) fn proof(secret: &SecretString, text: &str) -> String {
    // HMAC takes a key of any length, so this never fails.
    let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes());
    mac.map(|mac| hex::encode(mac.chain_update(text).finalize().into_bytes())).unwrap_or_default()
}
