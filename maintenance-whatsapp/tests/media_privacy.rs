//! Nothing private of a file reaches an error or the log. This test is alone in its program: a thread without a log would
//! turn lines off that it waits for.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "support/log.rs"]
mod log;
#[expect(dead_code, reason = "no message is sent here")]
mod support;

use log::Log;
use maintenance_core::{Channel, FileKind, InboundFile, MediaSource as _};
use maintenance_whatsapp::fake::{FakeCloudApi, FakeMedia};
use support::fake;

#[tokio::test]
async fn neither_the_log_nor_an_error_shows_an_address_a_token_a_name_or_content() {
    let log = Log::start();
    let (fake, api) = fake().await;
    let photo = FakeMedia::new("image/jpeg", b"\xff\xd8\xff\xe0 JFIF s3cret");
    for media in [
        photo.clone(),
        photo.clone().wrong_hash(),
        photo.clone().endless(),
        photo.clone().expired(2),
        photo.clone().responds(500),
        photo.clone().redirects_to("https://secret.example.com/?hash=s3cret"),
        photo.clone().at("https://secret.example.com/?hash=s3cret"),
        photo.clone().at("not an address of secret.example.com"),
        photo.clone().says("mime_type", "secret/s3cret"),
        FakeMedia::new("image/jpeg", "JFIF s3cret"),
    ] {
        let file = InboundFile {
            caption: Some("Zoë s3cret".to_owned()),
            file_name: Some("s3cret.jpg".to_owned()),
            ..fake.add_file(FileKind::Image, media)
        };
        let outcome = api.fetch(&Channel::DEFAULT, &file).await;
        let shown = outcome.as_ref().err().map(ToString::to_string);
        assert_private(&fake, &format!("{file:?} {outcome:?} {shown:?} {api:?}"));
    }
    let log = log.text();
    assert!(log.contains("bytes=") && log.contains("not fetched"), "{log}");
    assert_private(&fake, &log);
}

fn assert_private(fake: &FakeCloudApi, text: &str) {
    let text = text.replace(&format!("{}/v26.0/106540352242922/messages", fake.config().base_url), "");
    for private in ["EAAtoken", "Bearer", "http", "secret", "s3cret", "JFIF", "Zoë", "/media/", "10138596"] {
        assert!(!text.contains(private), "{private:?} in:\n{text}");
    }
}
