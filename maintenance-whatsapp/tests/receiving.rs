//! Receiving webhooks, over real HTTP against the router.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use axum::extract::State;
use maintenance_core::{
    DeliveryEffect,
    DeliveryEvent::{self, Delivered, Failed, Read, Sent},
    DeliveryUpdate, InboundContent, KeptInbound, Maintenance, Notifier as _, RepositoryErrorKind,
    mock::{MockDirectory, MockRepository},
};
use maintenance_whatsapp::{
    fake::{Automatic, FakeCloudApi, Fault},
    webhook::{MAX_BODY, Unused, WebhookConfig, router},
};
use reqwest::{Client, StatusCode};
use support::{fake, message};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

const SECRET: &str = "test_app_secret_0123456789abcdef";

/// A host with the webhook, over a store that keeps the updates or, on demand, fails.
struct Host {
    url: String,
    updates: Arc<Mutex<Vec<DeliveryUpdate>>>,
    inbound: Arc<Mutex<Vec<KeptInbound>>>,
    fails: Arc<AtomicBool>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

/// How long a post may take to arrive here.
const DEADLINE: std::time::Duration = std::time::Duration::from_millis(300);

impl Host {
    async fn start() -> Self {
        Self::start_with(DEADLINE).await
    }

    async fn start_with(deadline: std::time::Duration) -> Self {
        Self::start_as(|config| config.body_deadline(deadline)).await
    }

    /// With what it was told of changes that the engine doesn't use.
    async fn start_with_unused() -> (Arc<Mutex<Vec<Unused>>>, Self) {
        let seen = Arc::<Mutex<Vec<Unused>>>::default();
        let told = Arc::clone(&seen);
        let host = Self::start_as(|config| {
            config.on_unused(move |unused| told.lock().unwrap().push(unused.clone()))
        });
        (seen, host.await)
    }

    async fn start_as(configure: impl FnOnce(WebhookConfig) -> WebhookConfig) -> Self {
        let (updates, fails) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicBool>::default());
        let mut repository = MockRepository::new();
        let (kept, failing) = (Arc::clone(&updates), Arc::clone(&fails));
        repository.expect_record_deliveries().returning(move |updates, _| {
            if failing.load(Ordering::Relaxed) {
                return Err(RepositoryErrorKind::Unavailable.into());
            }
            kept.lock().unwrap().extend_from_slice(updates);
            // As if no message were known: the router must not mind.
            Ok(vec![DeliveryEffect::Unknown; updates.len()])
        });
        let inbound = Arc::<Mutex<Vec<KeptInbound>>>::default();
        let (kept, failing) = (Arc::clone(&inbound), Arc::clone(&fails));
        repository.expect_keep_inbound().returning(move |messages| {
            if failing.load(Ordering::Relaxed) {
                return Err(RepositoryErrorKind::Unavailable.into());
            }
            let mut kept = kept.lock().unwrap();
            let before = kept.len();
            for new in messages {
                let id = |kept: &KeptInbound| kept.message.provider_message_id.clone();
                if !kept.iter().any(|old| id(old) == id(new)) {
                    kept.push(new.clone());
                }
            }
            Ok((kept.len() - before) as u64)
        });
        let maintenance = Maintenance::new(Arc::new(repository), MockDirectory::new());
        let config = configure(WebhookConfig::new(SECRET, "a verify token").unwrap().body_deadline(DEADLINE));
        let app = axum::Router::new().nest("/webhooks/whatsapp", router(maintenance, config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/webhooks/whatsapp", listener.local_addr().unwrap());
        let (stop, mut stopped) = watch::channel(false);
        let server = tokio::spawn(async {
            let told = async move { drop(stopped.wait_for(|&stop| stop).await) };
            axum::serve(listener, app).with_graceful_shutdown(told).await.unwrap();
        });
        Self { url, updates, inbound, fails, stop, server }
    }

    /// A fake that posts to it, and a message that the fake accepted.
    async fn fake(&self, automatic: Automatic) -> (FakeCloudApi, maintenance_whatsapp::CloudApi) {
        let (fake, api) = fake().await;
        fake.webhook(&self.url, SECRET, automatic);
        (fake, api)
    }

    fn events(&self) -> Vec<DeliveryEvent> {
        self.updates.lock().unwrap().iter().map(|update| update.event).collect()
    }
}

#[tokio::test]
async fn only_a_handshake_with_the_right_token_is_answered_with_the_bare_challenge() {
    let host = Host::start().await;
    for (query, status, body) in [
        (
            "hub.mode=subscribe&hub.verify_token=a%20verify%20token&hub.challenge=1158201444",
            200,
            "1158201444",
        ),
        ("hub.mode=subscribe&hub.verify_token=another&hub.challenge=1158201444", 403, ""),
        ("hub.mode=subscribe&hub.verify_token=a%20verify%20token", 403, ""),
        ("", 403, ""),
    ] {
        let answer = Client::new().get(format!("{}?{query}", host.url)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{query}");
        assert_eq!(answer.text().await.unwrap(), body);
    }
}

#[tokio::test]
async fn a_post_without_a_good_signature_is_refused_and_nothing_of_it_is_stored() {
    let host = Host::start().await;
    let body = r#"{"entry":[{"changes":[{"field":"messages","value":{"statuses":[{"id":"a","status":"sent","timestamp":"1750030073"}]}}]}]}"#;
    let of_another_body = "sha256=f18075f0bbeb02ee5043593392c48c4a9eafb26469f108d9615c5a772d1df41e";
    for signature in [None, Some(""), Some("sha256=zz"), Some("sha1=00"), Some(of_another_body)] {
        let mut post = Client::new().post(&host.url).body(body);
        if let Some(signature) = signature {
            post = post.header("X-Hub-Signature-256", signature);
        }
        assert_eq!(post.send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "{signature:?}");
    }
    assert_eq!(host.events(), []);
}

#[tokio::test]
async fn a_post_signed_as_the_check_vector_is_taken() {
    let host = Host::start().await;
    let post = Client::new()
        .post(&host.url)
        .header(
            "X-Hub-Signature-256",
            "sha256=f18075f0bbeb02ee5043593392c48c4a9eafb26469f108d9615c5a772d1df41e",
        )
        .body(r#"{"object":"whatsapp_business_account","entry":[]}"#);
    assert_eq!(post.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn statuses_are_stored_in_any_order_as_often_as_they_come() {
    let host = Host::start().await;
    let (fake, api) = host.fake(Automatic::Off).await;
    let receipt = api.notify(&message()).await.unwrap();
    let sent = &fake.wait_for_messages(1).await[0];
    let (read, delivered) = (sent.status("read"), sent.status("delivered"));
    assert_eq!(fake.post(&[read.clone(), delivered, read]).await.unwrap(), 200);
    assert_eq!(fake.post(&[sent.failed(131_026, "Message undeliverable")]).await.unwrap(), 200);
    assert_eq!(host.events(), [Read, Delivered, Read, Failed]);
    let updates = host.updates.lock().unwrap();
    assert!(updates.iter().all(|update| update.provider_message_id == receipt.provider_message_id));
    assert_eq!(updates[0].notification_id, Some(message().notification_id));
    assert_eq!(updates[3].notification_id, None);
    assert_eq!(
        updates[3].error.as_ref().unwrap().to_string(),
        "131026: the recipient can't be reached by WhatsApp"
    );
}

#[tokio::test]
async fn a_thousand_statuses_with_a_broken_one_store_the_others() {
    let host = Host::start().await;
    let (fake, api) = host.fake(Automatic::Off).await;
    api.notify(&message()).await.unwrap();
    let mut statuses = vec![fake.messages()[0].status("delivered"); 1_000];
    statuses[17].wamid.clear();
    assert_eq!(fake.post(&statuses).await.unwrap(), 200);
    assert_eq!(host.events().len(), 999);
}

#[tokio::test]
async fn a_signed_body_that_cannot_be_read_is_not_asked_for_again() {
    let host = Host::start().await;
    let (fake, _) = host.fake(Automatic::Off).await;
    for body in [&b""[..], b"{", b"null", b"\xFF\xFE", br#"{"entry":[7]}"#] {
        assert_eq!(fake.post_bytes(body.to_vec()).await.unwrap(), 200, "{body:?}");
    }
    assert_eq!(host.events(), []);
}

#[tokio::test]
async fn a_body_up_to_the_limit_is_taken_and_a_longer_one_refused() {
    let host = Host::start().await;
    let (fake, _) = host.fake(Automatic::Off).await;
    let body = |length: usize| format!("{{\"entry\":[],\"x\":\"{}\"}}", "x".repeat(length - 19)).into_bytes();
    assert_eq!(body(100).len(), 100);
    assert_eq!(fake.post_bytes(body(MAX_BODY)).await.unwrap(), 200);
    assert_eq!(fake.post_bytes(body(MAX_BODY + 1)).await.unwrap(), 413);
}

#[tokio::test]
async fn what_could_not_be_stored_is_left_to_be_delivered_again() {
    let host = Host::start().await;
    let (fake, api) = host.fake(Automatic::Off).await;
    api.notify(&message()).await.unwrap();
    let status = fake.messages()[0].status("sent");
    host.fails.store(true, Ordering::Relaxed);
    assert_eq!(fake.post(std::slice::from_ref(&status)).await.unwrap(), 503);
    host.fails.store(false, Ordering::Relaxed);
    assert_eq!(fake.post(&[status]).await.unwrap(), 200);
    assert_eq!(host.events(), [Sent]);
}

#[tokio::test]
async fn messages_are_stored_before_the_answer_and_once_however_often_they_come() {
    let host = Host::start().await;
    let (fake, _) = host.fake(Automatic::Off).await;
    let text = |n: u32| {
        format!(r#"{{"id":"wamid.{n}","from":"12025550123","type":"text","text":{{"body":"On my way"}}}}"#)
    };
    let post = |messages: &str| {
        format!(
            r#"{{"entry":[{{"changes":[{{"field":"messages","value":{{"messages":[{messages}],
            "statuses":[{{"id":"wamid.A","status":"sent"}}]}}}}]}}]}}"#
        )
    };
    let body = post(&[text(1), text(2), "7".to_owned(), text(3)].join(","));
    host.fails.store(true, Ordering::Relaxed);
    assert_eq!(fake.post_bytes(body.clone().into_bytes()).await.unwrap(), 503);
    assert_eq!(host.inbound.lock().unwrap().len(), 0);
    host.fails.store(false, Ordering::Relaxed);
    for body in [&body, &post(&text(2)), &body] {
        assert_eq!(fake.post_bytes(body.clone().into_bytes()).await.unwrap(), 200);
    }
    assert_eq!(host.events(), [Sent; 3]);
    let kept = host.inbound.lock().unwrap();
    let ids: Vec<_> = kept.iter().map(|kept| kept.message.provider_message_id.as_str()).collect();
    assert_eq!(ids, ["wamid.1", "wamid.2", "wamid.3"]);
    assert_eq!(kept[0].message.content, InboundContent::Text { body: "On my way".to_owned() });
}

#[tokio::test]
async fn the_fake_tells_of_each_message_by_itself_after_it_answers() {
    let host = Host::start().await;
    let (fake, api) = host.fake(Automatic::AfterAnswer).await;
    api.notify(&message()).await.unwrap();
    fake.webhooks_done().await;
    assert_eq!(host.events(), [Sent, Delivered, Read]);
}

#[tokio::test]
async fn a_webhook_can_come_before_the_answer_to_its_send_and_even_without_one() {
    let host = Host::start().await;
    let (fake, api) = host.fake(Automatic::BeforeAnswer).await;
    fake.fault(Fault::hang_up().kept());
    api.notify(&message()).await.unwrap_err();
    assert_eq!(host.events(), [Sent, Delivered, Read]);
    assert_eq!(host.updates.lock().unwrap()[0].notification_id, Some(message().notification_id));
    api.notify(&message()).await.unwrap();
    assert_eq!(host.events().len(), 6);
}

#[test]
fn empty_secrets_are_refused_and_no_secret_is_shown() {
    let fields = WebhookConfig::new("", " ").unwrap_err().fields;
    assert_eq!(fields.iter().map(|field| &*field.field).collect::<Vec<_>>(), ["app_secret", "verify_token"]);
    let shown = format!("{:?}", WebhookConfig::new(SECRET, "a verify token").unwrap());
    assert!(!shown.contains("secret_0") && !shown.contains("a verify"), "{shown}");
}

#[tokio::test]
async fn changes_that_the_engine_does_not_use_are_the_hosts_once_the_post_is_stored() {
    let (seen, host) = Host::start_with_unused().await;
    let (fake, _) = host.fake(Automatic::Off).await;
    let body = br#"{"entry":[{"changes":[
        {"field":"message_template_status_update","value":{"event":"PAUSED","message_template_name":"maintenance"}},
        {"field":"messages","value":{"statuses":[{"id":"wamid.A","status":"sent"}]}}
    ]}]}"#;
    host.fails.store(true, Ordering::Relaxed);
    assert_eq!(fake.post_bytes(body.to_vec()).await.unwrap(), 503);
    assert_eq!(seen.lock().unwrap().len(), 0);
    host.fails.store(false, Ordering::Relaxed);
    assert_eq!(fake.post_bytes(body.to_vec()).await.unwrap(), 200);
    assert_eq!(host.events(), [Sent]);
    assert_eq!(seen.lock().unwrap()[0].field, "message_template_status_update");
    assert_eq!(seen.lock().unwrap()[0].value["event"], "PAUSED");
}

/// Begins a post of 1,000 bytes and sends only the first of them.
async fn stalled(url: &str) -> tokio::net::TcpStream {
    let mut stream = connect(url, 1000).await;
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"{").await.unwrap();
    stream
}

/// Begins a post of that length.
async fn connect(url: &str, length: usize) -> tokio::net::TcpStream {
    use tokio::io::AsyncWriteExt as _;
    let address = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let signature = format!("sha256={}", "0".repeat(64));
    let head = format!(
        "POST /webhooks/whatsapp HTTP/1.1\r\nhost: {address}\r\nx-hub-signature-256: {signature}\r\n\
         content-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_post_that_stalls_is_ended_and_holds_up_the_others_for_its_time_alone() {
    use tokio::io::AsyncReadExt as _;
    let host = Host::start().await;
    let mut stalling = Vec::new();
    for _ in 0..40 {
        stalling.push(stalled(&host.url).await);
    }
    let mut codes = Vec::new();
    for mut stream in stalling {
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        codes.push(String::from_utf8_lossy(&answer).into_owned());
    }
    let (late, full): (Vec<_>, Vec<_>) = codes.iter().partition(|code| code.ends_with("408"));
    assert!(late.len() >= 16, "{codes:?}");
    assert!(full.iter().all(|code| code.ends_with("503")), "{codes:?}");
    let (fake, api) = host.fake(Automatic::Off).await;
    api.notify(&message()).await.unwrap();
    assert_eq!(fake.post(&[fake.messages()[0].status("sent")]).await.unwrap(), 200, "none is left over");
    assert_eq!(host.events(), [Sent]);
}

#[tokio::test]
async fn posts_that_stall_hold_up_a_graceful_shutdown_for_their_deadline_alone() {
    let host = Host::start().await;
    let _stalling = [stalled(&host.url).await, stalled(&host.url).await];
    host.stop.send_replace(true);
    // Without the deadline the server waits for the posts for ever. The bound is generous, for slow machines.
    tokio::time::timeout(std::time::Duration::from_secs(20), host.server).await.unwrap().unwrap();
}

/// The most memory that this process has had, in MB.
#[cfg(target_os = "linux")]
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn sixty_long_posts_that_stall_hold_less_memory_than_twenty_of_them() {
    use tokio::io::AsyncWriteExt as _;
    static LONG: [u8; MAX_BODY - 1] = [b' '; MAX_BODY - 1];
    let host = Host::start_with(std::time::Duration::from_secs(3)).await;
    let before = peak_memory();
    let mut posts = tokio::task::JoinSet::new();
    for _ in 0..60 {
        let mut stream = connect(&host.url, MAX_BODY).await;
        posts.spawn(async move {
            // All but the last byte. Where the host doesn't read, this waits until the host closes the
            // connection.
            let _ = stream.write_all(&LONG).await;
            let mut answer = [0; 1];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut answer).await;
        });
    }
    while posts.join_next().await.is_some() {}
    let grown = peak_memory().saturating_sub(before);
    assert!(grown < 100, "{grown} MB for 60 posts of 3 MB, of which 16 may be in memory");
}

#[tokio::test]
async fn the_webhook_fits_a_router_that_has_a_state() {
    #[derive(Clone)]
    struct App(&'static str);
    let maintenance = Maintenance::new(Arc::new(MockRepository::new()), MockDirectory::new());
    let app = axum::Router::new()
        .route("/", axum::routing::get(async |State(app): State<App>| app.0))
        .nest("/webhooks/whatsapp", router(maintenance, WebhookConfig::new(SECRET, "token").unwrap()))
        .with_state(App("our host"));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });
    assert_eq!(reqwest::get(&url).await.unwrap().text().await.unwrap(), "our host");
    let subscribe = "?hub.mode=subscribe&hub.verify_token=token&hub.challenge=7";
    let answer = reqwest::get(format!("{url}/webhooks/whatsapp{subscribe}")).await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "7");
}

#[test]
fn a_secret_with_a_line_break_is_refused_and_says_what_to_do() {
    for (secret, token) in
        [("secret\n", "token"), ("secret", " token"), ("", "token"), ("sec\u{0}ret", "token")]
    {
        let error = WebhookConfig::new(secret, token).unwrap_err();
        assert_eq!(error.fields.len(), 1);
        assert!(!error.to_string().contains("secret\n"));
    }
    let error = WebhookConfig::new("secret\n", "token\n").unwrap_err().to_string();
    assert!(
        error.contains("app_secret") && error.contains("verify_token") && error.contains("remove it"),
        "{error}"
    );
}
