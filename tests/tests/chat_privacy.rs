//! What workers write on WhatsApp leaves no trace in the log, whatever it is set to. The only test of its process, since a
//! log is a process's.

#![expect(clippy::unwrap_used, reason = "test code: a failed expectation is its result")]

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use axum::Router;
use maintenance_core::DispatchPolicy;
use maintenance_memory::conformance::World;
use maintenance_tests::databases;
use maintenance_whatsapp::{
    CloudApi, CloudApiConfig, ObjectMedia, Wordings,
    fake::{Automatic, FakeCloudApi, FakeMedia},
    webhook::{WebhookConfig, router},
};
use tokio::net::TcpListener;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Texts, names, numbers and secrets, any of which would be private. The second form of the number is how a provider's id
/// holds it.
const PRIVATE: [&str; 9] = [
    "quetzal",
    "Ångström",
    "2025550123",
    "MTIwMjU1NTAxMjM",
    "2025550199",
    "Renter One",
    "test-token",
    "sink leaks",
    "test_app_secret",
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_private_is_logged_at_trace() {
    let log = Log::default();
    let ours = Targets::new()
        .with_target("maintenance_core", LevelFilter::TRACE)
        .with_target("maintenance_memory", LevelFilter::TRACE)
        .with_target("maintenance_sqlx", LevelFilter::TRACE)
        .with_target("maintenance_whatsapp", LevelFilter::TRACE)
        .with_target("object_store", LevelFilter::TRACE);
    let writer = log.clone();
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
    tracing_subscriber::registry().with(ours).with(lines).init();

    let (store, _folder) = databases::sqlite().await;
    let world = World::new(store);
    let engine = world.shared_engine();
    let fake =
        FakeCloudApi::start(CloudApiConfig::new("106540352242922", "test-token", Wordings::default())).await;
    let fake = fake.unwrap();
    fake.clock(world.clock.clone());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let config = WebhookConfig::new("test_app_secret_0123456789abcdef", "a-verify-token").unwrap();
    let app: Router = router(engine.clone(), config);
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    fake.webhook(url, "test_app_secret_0123456789abcdef", Automatic::AfterAnswer);
    let api = Arc::new(CloudApi::new(fake.config()).unwrap().with_clock(world.clock.clone()));
    let files = tempfile::tempdir().unwrap();
    let kept = ObjectMedia::folder(files.path(), "https://files.example.com/").unwrap();
    let receiver = engine.receiver().media(Arc::clone(&api), kept);
    let dispatcher = engine.dispatcher(Arc::clone(&api), DispatchPolicy::default());

    world.worker(&["plumbing"]).await;
    world.filed().await;
    dispatcher.dispatch_due().await.unwrap();
    let phone = fake.phone("+12025550123");
    let jpeg = b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00".to_vec();
    let hostile = FakeMedia::new("image/jpeg", "no photo, but a quetzal");
    for message in [
        phone.tap("accept"),
        phone.say("the quetzal is in the pipe"),
        phone.photo(jpeg).caption("a quetzal"),
        phone.send(maintenance_core::FileKind::Image, hostile),
        phone.document("quetzal.pdf", b"%PDF-1.7 quetzal".to_vec()),
        phone.say("quetzal ".repeat(500)),
        phone.say("broken quetzal").broken(),
        phone.location(15.5, -90.25),
        phone.unsupported(),
        phone.change_number("+12025550199"),
        fake.phone("+12025550199").say("a stranger's quetzal"),
    ] {
        assert_eq!(message.await.unwrap(), 200);
        world.wait(1);
        receiver.receive_due().await.unwrap();
        dispatcher.dispatch_due().await.unwrap();
    }
    phone.hide_number();
    assert_eq!(phone.say("a hidden quetzal").await.unwrap(), 200);
    receiver.receive_due().await.unwrap();
    fake.webhooks_done().await;
    server.abort();

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("changed nothing") && log.lines().count() > 50, "something is logged: {log}");
    for private in PRIVATE {
        let lines: Vec<_> = log.lines().filter(|line| line.contains(private)).collect();
        assert!(lines.is_empty(), "{private} is in {lines:?}");
    }
}
