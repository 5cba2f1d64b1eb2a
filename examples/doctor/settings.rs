//! What is to be examined: from flags and environment variables.

use maintenance_core::NotificationKind;
use maintenance_whatsapp::{
    CloudApi, CloudApiConfig, SecretString, SetupError, Wording, Wordings, reqwest::Url,
};

/// The set-up that is examined.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The number, its token, and the templates that should be registered.
    pub config: CloudApiConfig,
    /// The account that owns the number and the templates.
    pub business_account_id: String,
    /// The app that the token is of.
    pub app_id: Option<String>,
    /// The app's secret, which signs the webhooks.
    pub app_secret: Option<SecretString>,
    /// The host's webhook.
    pub webhook_url: Option<Url>,
}

/// The values of the flags.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// The codes of the languages to check, with commas between them.
    pub languages: Option<String>,
    /// The API's address.
    pub base_url: Option<String>,
    /// The address of the host's webhook.
    pub webhook_url: Option<String>,
}

impl Settings {
    /// What the program's help says about the environment variables.
    pub const HELP: &str = "\
Environment variables:
  WHATSAPP_TOKEN                 the access token
  WHATSAPP_PHONE_NUMBER_ID       the id of the number that sends
  WHATSAPP_BUSINESS_ACCOUNT_ID   the id of the WhatsApp business account that owns the number
and, to check more:
  WHATSAPP_APP_ID                the id of the app: with its secret, when the token expires and what it may do
  WHATSAPP_APP_SECRET            the app's secret: whether it belongs to the token; --webhook-url needs it
  WHATSAPP_TEMPLATE              the name of the assignment template, if it isn't maintenance_request

Without WHATSAPP_TOKEN a fake Cloud API in this process is examined.
The exit code is 0 when all is well, 1 when something is wrong, and 2 for wrong arguments.";

    /// Reads the flags and the environment variables that [`HELP`](Self::HELP) lists; `None` without a token.
    ///
    /// # Errors
    ///
    /// Which one is wrong or missing, and what would be right. The text holds no secret.
    pub fn read(flags: &Flags, variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let needed = |name: &str| {
            variable(name).ok_or_else(|| format!("with WHATSAPP_TOKEN set, {name} must be set too"))
        };
        let mut wordings = wordings(flags.languages.as_deref())?;
        let Some(token) = variable("WHATSAPP_TOKEN") else { return Ok(None) };
        if let Some(name) = variable("WHATSAPP_TEMPLATE") {
            wordings = wordings.named(NotificationKind::Assignment, &name);
        }
        let mut config = CloudApiConfig::new(needed("WHATSAPP_PHONE_NUMBER_ID")?, token, wordings);
        if let Some(base_url) = &flags.base_url {
            config.base_url.clone_from(base_url);
        }
        CloudApi::new(config.clone()).map_err(|error| refused(&error))?;
        let settings = Self {
            config,
            business_account_id: id("WHATSAPP_BUSINESS_ACCOUNT_ID", needed("WHATSAPP_BUSINESS_ACCOUNT_ID")?)?,
            app_id: variable("WHATSAPP_APP_ID").map(|value| id("WHATSAPP_APP_ID", value)).transpose()?,
            app_secret: variable("WHATSAPP_APP_SECRET").map(app_secret).transpose()?,
            webhook_url: flags.webhook_url.as_deref().map(webhook_url).transpose()?,
        };
        if settings.webhook_url.is_some() && settings.app_secret.is_none() {
            return Err("--webhook-url needs WHATSAPP_APP_SECRET, which signs the test post".to_owned());
        }
        Ok(Some(settings))
    }
}

/// The wordings of the languages with these codes; all languages if none is named.
pub fn wordings(codes: Option<&str>) -> Result<Wordings, String> {
    let Some(codes) = codes else { return Ok(Wordings::default()) };
    let known = Wording::all();
    let mut named = codes.split(',').map(|code| {
        let wording = known.iter().find(|wording| wording.language == code.trim()).cloned();
        wording.ok_or_else(|| {
            let codes: Vec<&str> = known.iter().map(|wording| wording.language.as_str()).collect();
            format!("--languages has {code:?}; the languages are {}", codes.join(","))
        })
    });
    let first = named.next().unwrap_or_else(|| Ok(Wording::english()))?;
    named.try_fold(Wordings::new(first), |wordings, wording| Ok(wordings.with(wording?)))
}

/// What the notifier's own rules say, with the names that the fields have here. They repeat no value.
fn refused(error: &SetupError) -> String {
    let SetupError::Invalid(invalid) = error else { return error.to_string() };
    let name = |field: &str| match field {
        "base_url" => "--base-url".to_owned(),
        "phone_number_id" => "WHATSAPP_PHONE_NUMBER_ID".to_owned(),
        "token" => "WHATSAPP_TOKEN".to_owned(),
        field => match field.rsplit_once('.') {
            Some((_, "name")) => "WHATSAPP_TEMPLATE".to_owned(),
            _ => field.to_owned(),
        },
    };
    let mut rules: Vec<String> =
        invalid.fields.iter().map(|wrong| format!("{} {}", name(&wrong.field), wrong.rule)).collect();
    // A name has the same rule in every language.
    rules.dedup();
    rules.join("; ")
}

fn id(name: &str, value: String) -> Result<String, String> {
    let sound = (1..=32).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
    if sound { Ok(value) } else { Err(format!("{name} must be an id of 1 to 32 digits")) }
}

fn app_secret(value: String) -> Result<SecretString, String> {
    if value.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(value.into())
    } else {
        Err("WHATSAPP_APP_SECRET has a space, a line break or a character that isn't ASCII; remove it"
            .to_owned())
    }
}

fn webhook_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| "--webhook-url must be an http or https address".to_owned())
}
