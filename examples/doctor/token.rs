//! The token, and whether the app secret belongs to it.

use chrono::{DateTime, TimeDelta, Utc};
use maintenance_whatsapp::SecretString;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{
    Finding, Settings,
    graph::{Graph, GraphError, proof},
};

/// The permissions that the token needs.
const SCOPES: [&str; 2] = ["whatsapp_business_messaging", "whatsapp_business_management"];

/// How long before a token expires it is time to replace it.
const SOON: TimeDelta = TimeDelta::days(7);

const NEW_TOKEN: &str = "make a new token of a system user in Meta Business Suite, which never expires, and give it \
                         to the host as WHATSAPP_TOKEN";

/// Whether the token is valid, when it expires, and what it may do.
pub(super) async fn token(graph: &Graph, settings: &Settings, now: DateTime<Utc>) -> Vec<Finding> {
    let id = &settings.config.phone_number_id;
    let asked = async || accepted(graph.get(id, &[("fields", "id")]).await);
    let (Some(app_id), Some(secret)) = (&settings.app_id, &settings.app_secret) else {
        return vec![asked().await];
    };
    let app_token = SecretString::from(format!("{app_id}|{}", secret.expose_secret()));
    let input = settings.config.token.expose_secret();
    match graph.get_as(&app_token, "debug_token", &[("input_token", input)]).await {
        Ok(answer) => described(answer.get("data").unwrap_or(&Value::Null), now),
        Err(error @ (GraphError::Unreachable(_) | GraphError::Unreadable(_))) => vec![failed(&error)],
        Err(error) => {
            let found = if error.is_token() {
                "Meta doesn't accept the app's id together with the app secret, so it says nothing more about the token"
                    .to_owned()
            } else {
                error.to_string()
            };
            let to_do = "compare WHATSAPP_APP_ID and WHATSAPP_APP_SECRET with the app's dashboard (App settings, \
                         Basic); both must be of the app that the token was made for";
            vec![asked().await, Finding::wrong("app", found, to_do)]
        }
    }
}

/// What a call with the token says of it. Any error but those of the token is one of what was asked for.
fn accepted(answer: Result<Value, GraphError>) -> Finding {
    match answer {
        Err(error) if error.is_token() => Finding::wrong("token", error.to_string(), NEW_TOKEN),
        Err(error @ (GraphError::Unreachable(_) | GraphError::Unreadable(_))) => failed(&error),
        Ok(_) | Err(_) => Finding::good(
            "token",
            "Meta accepts it (the right WHATSAPP_APP_ID and WHATSAPP_APP_SECRET show when it expires and what it may do)",
        ),
    }
}

fn failed(error: &GraphError) -> Finding {
    Finding::wrong("token", error.to_string(), error.to_do())
}

/// What `debug_token` says.
fn described(data: &Value, now: DateTime<Utc>) -> Vec<Finding> {
    let expires = data.get("expires_at").and_then(Value::as_i64).filter(|&seconds| seconds != 0);
    let expires = expires.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let valid = data.get("is_valid").and_then(Value::as_bool).unwrap_or_default();
    let time = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M UTC");
    let state = match expires {
        Some(at) if at <= now => Finding::wrong("token", format!("it expired at {}", time(at)), NEW_TOKEN),
        _ if !valid => Finding::wrong("token", "Meta says that it is no longer valid", NEW_TOKEN),
        Some(at) if at - now < SOON => {
            Finding::warning("token", format!("valid, but it expires at {}", time(at)), NEW_TOKEN)
        }
        Some(at) => Finding::good("token", format!("valid until {}", time(at))),
        None => Finding::good("token", "valid, and it never expires"),
    };
    if !valid {
        return vec![state];
    }
    let has = |scope: &str| {
        let scopes = data.get("scopes").and_then(Value::as_array);
        scopes.is_some_and(|scopes| scopes.iter().any(|given| given == scope))
    };
    let missing: Vec<&str> = SCOPES.into_iter().filter(|scope| !has(scope)).collect();
    let permissions = if missing.is_empty() {
        Finding::good("permissions", format!("the token has {}", SCOPES.join(" and ")))
    } else {
        Finding::wrong(
            "permissions",
            format!("the token lacks {}", missing.join(" and ")),
            "make a new token with both permissions",
        )
    };
    vec![state, permissions]
}

/// Whether the secret is of the app that the token is of.
pub(super) async fn app_secret(graph: &Graph, settings: &Settings) -> Option<Finding> {
    let secret = settings.app_secret.as_ref()?;
    let proof = proof(secret, settings.config.token.expose_secret());
    let query = [("fields", "id"), ("appsecret_proof", &proof)];
    Some(match graph.get(&settings.config.phone_number_id, &query).await {
        Ok(_) => Finding::good("app secret", "it belongs to the app that the token is of"),
        Err(error) if error.is_missing() => Finding::warning(
            "app secret",
            "not checked, because the number isn't there",
            "put the number right first",
        ),
        Err(GraphError::Refused { code: 100, .. }) => Finding::wrong(
            "app secret",
            "Meta refuses the proof made with it: it isn't the secret of the app that the token is of, so webhooks \
             would be refused too",
            "copy it again from the app's dashboard (App settings, Basic), and give it to the host too",
        ),
        Err(error) => super::unchecked("app secret", &error),
    })
}
