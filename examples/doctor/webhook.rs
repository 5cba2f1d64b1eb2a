//! Whether webhooks go to an app, and whether the host's webhook checks their signatures.

use maintenance_whatsapp::{
    SecretString,
    reqwest::{Url, header::CONTENT_TYPE},
};
use serde_json::Value;

use super::{
    Finding, Settings,
    graph::{Graph, proof, why},
};

/// A post that says nothing.
const EMPTY: &str = r#"{"object":"whatsapp_business_account","entry":[]}"#;

const SUBSCRIBE: &str = "subscribe the app: POST {account id}/subscribed_apps with its token; then choose the field \
                         messages in the app's dashboard (WhatsApp, Configuration)";

/// Whether webhooks of the account go to an app, which is the one of the settings if they name it.
pub(super) async fn subscription(graph: &Graph, settings: &Settings) -> Finding {
    let check = "subscription";
    let answer = graph.get(&format!("{}/subscribed_apps", settings.business_account_id), &[]).await;
    let apps = match answer {
        Ok(answer) => answer.get("data").and_then(Value::as_array).cloned().unwrap_or_default(),
        Err(error) if error.is_missing() => {
            return Finding::warning(
                check,
                "not checked, because the account isn't there",
                "put WHATSAPP_BUSINESS_ACCOUNT_ID right first",
            );
        }
        Err(error) => return super::unchecked(check, &error),
    };
    let of = |app: &Value, field: &str| {
        let value = app.pointer(&format!("/whatsapp_business_api_data/{field}"));
        value.and_then(Value::as_str).unwrap_or("unknown").to_owned()
    };
    let names: Vec<String> = apps.iter().map(|app| of(app, "name")).collect();
    let names = names.join(", ");
    let is_ours = |app_id: &String| apps.iter().any(|app| of(app, "id") == *app_id);
    match &settings.app_id {
        _ if apps.is_empty() => {
            Finding::wrong(check, "no app is subscribed to the account, so no webhook comes", SUBSCRIBE)
        }
        Some(app_id) if !is_ours(app_id) => {
            Finding::wrong(check, format!("the app isn't subscribed, only others: {names}"), SUBSCRIBE)
        }
        _ => Finding::good(check, format!("webhooks of the account go to: {names}")),
    }
}

/// Whether the host's webhook takes a post that is signed, and refuses one that isn't.
pub(super) async fn signatures(graph: &Graph, settings: &Settings) -> Vec<Finding> {
    let (Some(url), Some(secret)) = (&settings.webhook_url, &settings.app_secret) else { return vec![] };
    let signed = match post(graph, url, secret).await {
        Ok(200) => Finding::good("webhook", "it takes a signed post"),
        Ok(status @ (401 | 403)) => Finding::wrong(
            "webhook",
            format!("it refuses a signed post (HTTP {status})"),
            "give the host the same app secret as this program; a proxy in front of it must pass the body unchanged",
        ),
        Ok(status) => Finding::wrong(
            "webhook",
            format!("it answers a signed post with HTTP {status} instead of 200"),
            "check the address, and read the host's log; Meta repeats what isn't answered 200",
        ),
        Err(why) => {
            let to_do = "start the host, and check that the address is the one that Meta posts to";
            return vec![Finding::wrong("webhook", format!("it can't be reached: {why}"), to_do)];
        }
    };
    let other = SecretString::from("another secret");
    let forged = match post(graph, url, &other).await {
        Ok(status @ (401 | 403)) => {
            Finding::good("webhook", format!("it refuses a post with a wrong signature (HTTP {status})"))
        }
        Ok(status) => Finding::wrong(
            "webhook",
            format!("it answers a post with a wrong signature with HTTP {status} instead of 401"),
            "check signatures before anything else, as webhook::router and webhook::Signature do: otherwise anyone can \
             post",
        ),
        Err(why) => Finding::wrong(
            "webhook",
            format!("it gave no response to a post with a wrong signature: {why}"),
            "read the host's log",
        ),
    };
    vec![signed, forged]
}

/// Posts, signed by that secret; returns the HTTP status.
async fn post(graph: &Graph, url: &Url, secret: &SecretString) -> Result<u16, String> {
    let request = graph.client.post(url.clone()).header(CONTENT_TYPE, "application/json");
    let request =
        request.header("x-hub-signature-256", format!("sha256={}", proof(secret, EMPTY))).body(EMPTY);
    request.send().await.map(|response| response.status().as_u16()).map_err(why)
}
