//! Nothing private reaches an error, an update or the log, whatever the API and its webhooks say.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "support/log.rs"]
mod log;
mod support;

use std::{
    error::Error,
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use log::Log;
use maintenance_core::{
    DeliveryEffect, Maintenance, Notifier as _,
    mock::{MockDirectory, MockRepository},
};
use maintenance_whatsapp::{
    CloudApi,
    fake::{Automatic, FakeCloudApi, Fault},
    webhook::{WebhookConfig, router},
};
use serde_json::json;
use support::{fake, message};
use tokio::net::TcpListener;

const APP_SECRET: &str = "test_app_secret_0123456789abcdef";

/// What Meta has been seen to quote, and what it could: the token, the recipient, the renter, the message.
const SAID: &str = "Malformed access token EAAtoken: Zoë Example, zoe@example.com, +1 202 555 0123 (12025550123) of \
                    +16505551234, Sink leaks";

/// Fails if a text quotes any part of [`SAID`].
fn assert_private(text: &str) {
    for private in ["EAAtoken", "Malformed", "Zoë", "zoe@", "555", "Sink", APP_SECRET] {
        assert!(!text.contains(private), "{private:?} in:\n{text}");
    }
}

/// A host that takes webhooks at a free port and keeps what they brought as text.
async fn host(fake: &FakeCloudApi) -> Arc<Mutex<String>> {
    let kept = Arc::<Mutex<String>>::default();
    let mut repository = MockRepository::new();
    let keep = Arc::clone(&kept);
    repository.expect_record_deliveries().returning(move |updates, _| {
        write!(keep.lock().unwrap(), "{updates:?}").unwrap();
        Ok(vec![DeliveryEffect::Unknown; updates.len()])
    });
    let maintenance = Maintenance::new(Arc::new(repository), MockDirectory::new());
    let app =
        axum::Router::new().merge(router(maintenance, WebhookConfig::new(APP_SECRET, "token").unwrap()));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });
    fake.webhook(url, APP_SECRET, Automatic::Off);
    kept
}

#[tokio::test]
async fn a_refusal_that_quotes_the_token_or_the_message_leaves_no_trace() {
    let log = Log::start();
    let (fake, api) = fake().await;
    for code in [json!(190), json!(100), json!(131_026), json!(132_000), json!(999_999), json!(SAID)] {
        let error = json!({
            "code": code, "message": SAID, "error_user_msg": SAID, "type": SAID, "fbtrace_id": SAID,
            "error_data": {"details": SAID},
        });
        for status in [400, 500] {
            fake.fault(
                Fault::answer(status, json!({"error": error}).to_string()).header("x-said", "EAAtoken"),
            );
            let error = api.notify(&message()).await.unwrap_err();
            assert_private(&format!("{error} {error:?} {}", error.error.text));
            assert!(error.error.text.chars().all(|c| !c.is_ascii_digit()), "{error}");
        }
    }
    fake.fault(Fault::answer(502, format!("<html>{SAID}</html>")));
    assert_private(&format!("{:?}", api.notify(&message()).await.unwrap_err()));
    fake.fault(Fault::answer(200, json!({"messages": [{"id": SAID}]}).to_string()));
    assert_private(&format!("{:?}", api.notify(&message()).await.unwrap_err()));
    api.notify(&message()).await.unwrap();
    assert!(log.text().contains("not accepted") && log.text().contains(" accepted"), "{}", log.text());
    assert_private(&log.text());
}

#[tokio::test]
async fn a_code_that_could_be_a_phone_number_is_not_kept() {
    for code in [json!(12_025_550_123_u64), json!("12025550123"), json!(-12_025_550_123_i64)] {
        let (fake, api) = fake().await;
        fake.fault(Fault::answer(400, json!({"error": {"code": code}}).to_string()));
        assert_eq!(api.notify(&message()).await.unwrap_err().error.code, "http_400");
    }
}

#[tokio::test]
async fn a_webhook_that_quotes_the_message_leaves_no_trace() {
    let log = Log::start();
    let (fake, api) = fake().await;
    let kept = host(&fake).await;
    api.notify(&message()).await.unwrap();
    for code in [190, 131_026, 999_999] {
        assert_eq!(fake.post(&[fake.messages()[0].failed(code, SAID)]).await.unwrap(), 200);
    }
    let error = json!({"code": SAID, "title": SAID, "message": SAID, "error_data": {"details": SAID}});
    let status = |status: &str| json!({"id": "wamid.A", "status": status, "errors": [error]});
    let change = |value: serde_json::Value| json!({"field": "messages", "value": value});
    let odd = json!({"entry": [{"changes": [
        change(json!({"statuses": [status("failed"), status(SAID), {"id": SAID}, SAID]})),
        change(json!({"errors": [error, {"code": 131_031, "title": SAID}, {"code": 12_025_550_123_u64}]})),
        change(json!({"messages": [{"text": {"body": SAID}, "from": "12025550123"}]})),
        {"field": SAID, "value": SAID}, {SAID: SAID}, SAID,
    ]}]});
    assert_eq!(fake.post_bytes(odd.to_string().into_bytes()).await.unwrap(), 200);
    let kept = kept.lock().unwrap();
    assert_eq!(kept.matches("Failed").count(), 4, "{kept}");
    assert_private(&kept);
    let log = log.text();
    for logged in ["can't be read", "ignored", "131031: the account", "left to the host"] {
        assert!(log.contains(logged), "{logged} isn't in:\n{log}");
    }
    assert_private(&log);
}

#[tokio::test]
async fn a_message_that_whatsapp_holds_back_is_logged_with_its_ids_and_counted() {
    for status in ["paused", "held_for_quality_assessment"] {
        let log = Log::start();
        let (fake, api) = fake().await;
        fake.fault(Fault::message_status(status));
        let receipt = api.notify(&message()).await.unwrap();
        assert_eq!(receipt.provider_message_id, fake.messages()[0].wamid);
        api.notify(&message()).await.unwrap();
        assert_eq!(api.held_back(), 1);
        let log = log.text();
        let warning: Vec<_> = log.lines().filter(|line| line.starts_with("WARN")).collect();
        assert_eq!(warning.len(), 1, "{log}");
        let message = message();
        for part in [
            message.notification_id.to_string(),
            message.content.request_id.to_string(),
            "maintenance_request".to_owned(),
            status.to_owned(),
        ] {
            assert!(warning[0].contains(&part), "{part} isn't in {}", warning[0]);
        }
        assert_private(&log);
    }
}

#[tokio::test]
async fn an_address_where_nobody_answers_and_its_error_name_nothing_private() {
    let log = Log::start();
    let (fake, _) = fake().await;
    let api = CloudApi::new(fake.config()).unwrap();
    fake.shutdown().await;
    let error = api.notify(&message()).await.unwrap_err();
    assert_private(&format!("{error:?} {:?} {api:?}", error.source().map(ToString::to_string)));
    assert_private(&log.text());
}
