//! What an operator asks the API: about the token, the number, the templates and the apps that webhooks go to.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, RawQuery, State},
    http::{HeaderMap, Response, header},
    routing::get,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{
    FakeCloudApi, Shared,
    check::{ApiError, require},
    media,
    server::respond,
    templates::Templates,
};
use crate::{Wording, Wordings, webhook::sign};

/// The account that owns the numbers, and the app that the tokens are of.
pub(super) struct Account {
    app_secret: Option<SecretString>,
    /// What the API knows of each number.
    number: Map<String, Value>,
    /// What the API knows of each token.
    token: Map<String, Value>,
    /// The apps that webhooks go to.
    apps: Vec<Value>,
    /// Behind an `Arc`, so that a message is checked without the lock.
    pub(super) templates: Arc<Templates>,
}

impl Default for Account {
    fn default() -> Self {
        let number = [
            ("display_phone_number", "+1 555-078-3881".into()),
            ("verified_name", "Test Number".into()),
            ("quality_rating", "GREEN".into()),
            ("code_verification_status", "VERIFIED".into()),
            ("name_status", "APPROVED".into()),
            ("throughput", json!({"level": "STANDARD"})),
            ("platform_type", "CLOUD_API".into()),
        ];
        let token = [
            ("app_id", FakeCloudApi::APP_ID.into()),
            ("type", "SYSTEM_USER".into()),
            ("application", "Maintenance".into()),
            ("expires_at", 0.into()),
            ("is_valid", true.into()),
            ("scopes", json!(["whatsapp_business_management", "whatsapp_business_messaging"])),
        ];
        Self {
            app_secret: None,
            number: number.map(|(name, value)| (name.to_owned(), value)).into_iter().collect(),
            token: token.map(|(name, value)| (name.to_owned(), value)).into_iter().collect(),
            apps: vec![app(FakeCloudApi::APP_ID, "Maintenance")],
            templates: Arc::default(),
        }
    }
}

impl Account {
    /// An account in which the templates of these wordings are registered.
    pub(super) fn of(wordings: &Wordings) -> Self {
        let mut account = Self::default();
        wordings.iter().for_each(|wording| account.templates().add_all(wording));
        account
    }

    fn templates(&mut self) -> &mut Templates {
        Arc::make_mut(&mut self.templates)
    }
}

/// The fields of a template that a request may ask for.
const TEMPLATE_FIELDS: [&str; 7] =
    ["id", "name", "language", "status", "category", "parameter_format", "components"];

/// What an operator sets up at Meta.
impl FakeCloudApi {
    /// The id of the `WhatsApp` business account that owns the numbers and the templates.
    pub const BUSINESS_ACCOUNT_ID: &str = "102290129340398";

    /// The id of the app that the tokens are of.
    pub const APP_ID: &str = "670843887433847";

    /// Sets the app's secret, which `debug_token` and `appsecret_proof` need. Until then the fake refuses both.
    pub fn set_app_secret(&self, secret: impl Into<SecretString>) {
        self.shared.state().account.app_secret = Some(secret.into());
    }

    /// Sets what the API says of the tokens: `expires_at`, `scopes`, `is_valid` or another field of `debug_token`.
    pub fn set_token_field(&self, field: impl Into<String>, value: impl Into<Value>) {
        self.shared.state().account.token.insert(field.into(), value.into());
    }

    /// Sets what the API says of the numbers: `quality_rating`, `platform_type`, `name_status` or another field.
    pub fn set_number_field(&self, field: impl Into<String>, value: impl Into<Value>) {
        self.shared.state().account.number.insert(field.into(), value.into());
    }

    /// Sets the apps that webhooks go to, each by its id and name. It changes nothing in what the fake posts.
    pub fn set_subscribed_apps(&self, apps: &[(&str, &str)]) {
        self.shared.state().account.apps = apps.iter().map(|(id, name)| app(id, name)).collect();
    }

    /// Registers the templates of another wording, approved; they replace those of the same name and language.
    pub fn register(&self, wording: &Wording) {
        self.shared.state().account.templates().add_all(wording);
    }

    /// Sets the status of a registered template: `APPROVED`, `PENDING`, `REJECTED`, `PAUSED` or `DISABLED`. Messages go
    /// out by an approved one alone.
    pub fn set_template_status(&self, name: &str, language: &str, status: &str) {
        self.shared.state().account.templates().set_status(name, language, status);
    }

    /// Sets the status of the templates that are registered over HTTP from now on; `APPROVED` by default.
    pub fn set_new_template_status(&self, status: impl Into<String>) {
        self.shared.state().account.templates().new_status = status.into();
    }

    /// Removes a registered template.
    pub fn remove_template(&self, name: &str, language: &str) {
        self.shared.state().account.templates().remove(name, language);
    }
}

fn app(id: &str, name: &str) -> Value {
    json!({"whatsapp_business_api_data": {"id": id, "name": name, "link": "https://www.example.com/"}})
}

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/{version}/debug_token", get(debug_token))
        .route("/{version}/{id}", get(node))
        .route("/{version}/{account_id}/message_templates", get(templates).post(register))
        .route("/{version}/{account_id}/subscribed_apps", get(subscribed_apps))
}

type Parameters = HashMap<String, String>;

fn parameters(query: Option<String>) -> Parameters {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}

/// A number, or a file: both are asked for by their ids.
async fn node(
    State(shared): State<Arc<Shared>>,
    Path((version, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let query = parameters(query);
    if !query.contains_key("fields") && !shared.state().numbers.contains_key(&id) {
        return media::look_up(&shared, &version, &id, &headers);
    }
    let number = || {
        let token = shared.authorize(&version, &headers, &query)?;
        let state = shared.state();
        let is_theirs = state.numbers.get(&id).is_some_and(|own| own.expose_secret() == token);
        require_object(is_theirs)?;
        let fields = query.get("fields").map_or("display_phone_number,verified_name,quality_rating", |it| it);
        let mut shown = Map::from_iter([("id".to_owned(), Value::from(id.as_str()))]);
        for field in fields.split(',').filter(|&field| field != "id") {
            let value = state.account.number.get(field).ok_or_else(|| no_field(field))?;
            shown.insert(field.to_owned(), value.clone());
        }
        Ok(shown.into())
    };
    answer(number())
}

async fn debug_token(
    State(shared): State<Arc<Shared>>,
    Path(version): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let query = parameters(query);
    let data = || {
        require_object(version == shared.config.version)?;
        let state = shared.state();
        let secret = state.account.app_secret.as_ref().map(SecretString::expose_secret);
        let given =
            bearer(&headers).and_then(|token| token.strip_prefix(FakeCloudApi::APP_ID)?.strip_prefix('|'));
        require(given.is_some() && given == secret, 190, "Invalid OAuth access token signature")?;
        let input = query.get("input_token");
        let input = input.ok_or_else(|| ApiError::new(100, "The parameter input_token is required"))?;
        if state.numbers.values().any(|token| token.expose_secret() == input) {
            return Ok(json!({"data": state.account.token}));
        }
        let error = json!({"code": 190, "message": "Invalid OAuth access token"});
        Ok(json!({"data": {"error": error, "is_valid": false, "scopes": []}}))
    };
    answer(data())
}

async fn templates(
    State(shared): State<Arc<Shared>>,
    Path((version, account_id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let query = parameters(query);
    let page = || {
        shared.authorize(&version, &headers, &query)?;
        require_object(account_id == FakeCloudApi::BUSINESS_ACCOUNT_ID)?;
        let fields: Vec<&str> =
            query.get("fields").map_or(TEMPLATE_FIELDS.to_vec(), |fields| fields.split(',').collect());
        if let Some(field) = fields.iter().find(|field| !TEMPLATE_FIELDS.contains(field)) {
            return Err(no_field(field));
        }
        let parameter = |name: &str| query.get(name).map(String::as_str);
        shared.state().account.templates.page(&fields, parameter("limit"), parameter("after"))
    };
    answer(page())
}

async fn register(
    State(shared): State<Arc<Shared>>,
    Path((version, account_id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let query = parameters(query);
    let registered = || {
        shared.authorize(&version, &headers, &query)?;
        require_object(account_id == FakeCloudApi::BUSINESS_ACCOUNT_ID)?;
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = kind.is_some_and(|kind| kind.starts_with("application/json"));
        require(is_json, 100, "The content type must be application/json")?;
        shared.state().account.templates().register(&body)
    };
    answer(registered())
}

async fn subscribed_apps(
    State(shared): State<Arc<Shared>>,
    Path((version, account_id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response<Body> {
    let query = parameters(query);
    let apps = || {
        shared.authorize(&version, &headers, &query)?;
        require_object(account_id == FakeCloudApi::BUSINESS_ACCOUNT_ID)?;
        Ok(json!({"data": shared.state().account.apps}))
    };
    answer(apps())
}

impl Shared {
    /// The token of the request, which must be one of the fake's, with the right proof if it has one.
    fn authorize<'a>(
        &self,
        version: &str,
        headers: &'a HeaderMap,
        query: &Parameters,
    ) -> Result<&'a str, ApiError> {
        let state = self.state();
        let known = |token: &&str| state.numbers.values().any(|own| own.expose_secret() == *token);
        let token = bearer(headers).filter(known);
        let token = token.ok_or_else(|| ApiError::new(190, "Invalid OAuth access token"))?;
        if let Some(proof) = query.get("appsecret_proof") {
            let right = state.account.app_secret.as_ref().map(|secret| sign(secret, token.as_bytes()));
            let right = right.is_some_and(|right| right.strip_prefix("sha256=") == Some(proof));
            require(right, 100, "Invalid appsecret_proof provided in the API argument")?;
        }
        require_object(version == self.config.version)?;
        Ok(token)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn require_object(exists: bool) -> Result<(), ApiError> {
    let missing =
        || ApiError::new(100, "Unsupported get request. The object does not exist").with_subcode(33);
    if exists { Ok(()) } else { Err(missing()) }
}

fn no_field(field: &str) -> ApiError {
    ApiError::new(100, format!("Tried accessing nonexisting field ({field})"))
}

fn answer(result: Result<Value, ApiError>) -> Response<Body> {
    match result {
        Ok(body) => respond(200, body.to_string(), &[]),
        Err(error) => respond(error.status, error.json(), &[]),
    }
}
