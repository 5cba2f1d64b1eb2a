//! Files from phones: fetched and checked, whatever the file, the API's answer or another server makes of it.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[expect(dead_code, reason = "no message is sent here")]
mod support;

use std::time::Duration;

use maintenance_core::{Channel, FileKind, InboundFile, MediaError, MediaFile, MediaSource as _};
use maintenance_whatsapp::{
    CloudApi, CloudApiConfig, Numbers,
    fake::{FakeCloudApi, FakeMedia, MediaRequests},
    webhook::WebhookSecrets,
};
use serde_json::{Value, json};
use support::fake;
#[cfg(feature = "rustls")]
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF and a picture of the sink";
const ZIP: &[u8] = b"PK\x03\x04\x14\0 and an archive";
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const MB: usize = 1024 * 1024;

fn photo() -> FakeMedia {
    FakeMedia::new("image/jpeg", JPEG)
}

async fn fetch(api: &CloudApi, file: &InboundFile) -> Result<MediaFile, MediaError> {
    api.fetch(&Channel::DEFAULT, file).await
}

/// Fetches a file from a fake of its own; also returns how many lookups and downloads that took.
async fn fetch_one(kind: FileKind, media: FakeMedia) -> (Result<MediaFile, MediaError>, (usize, usize)) {
    let (fake, api) = fake().await;
    let fetched = fetch(&api, &fake.add_file(kind, media)).await;
    let requests = fake.media_requests();
    assert_eq!(requests.unauthorized, 0);
    (fetched, (requests.lookups, requests.downloads))
}

#[track_caller]
fn assert_refused(fetched: &Result<MediaFile, MediaError>, about: &str) {
    assert!(matches!(fetched, Err(MediaError::Refused(why)) if why.contains(about)), "{about}: {fetched:?}");
}

#[track_caller]
fn assert_later(fetched: &Result<MediaFile, MediaError>, about: &str) {
    assert!(matches!(fetched, Err(MediaError::Later(why)) if why.contains(about)), "{about}: {fetched:?}");
}

#[tokio::test]
async fn a_file_of_each_kind_is_fetched_with_its_type() {
    for (kind, said, content, file_type) in [
        (FileKind::Image, "image/jpeg", JPEG, "image/jpeg"),
        (FileKind::Audio, "audio/ogg; codecs=opus", b"OggS\0\x02", "audio/ogg"),
        (FileKind::Video, "video/mp4", b"\0\0\0\x20ftypisom", "video/mp4"),
        (FileKind::Document, "application/pdf", b"%PDF-1.7", "application/pdf"),
        (FileKind::Document, DOCX, ZIP, DOCX),
        (FileKind::Document, "text/csv", b"unit,issue\n", "text/csv"),
    ] {
        let (fetched, requests) = fetch_one(kind, FakeMedia::new(said, content)).await;
        let file = fetched.unwrap();
        assert_eq!((file.bytes.as_slice(), file.file_type.as_str()), (content, file_type));
        assert_eq!(requests, (1, 1));
    }
}

#[tokio::test]
async fn the_size_may_be_a_text_and_what_is_not_needed_may_be_missing() {
    let bare = ["messaging_product", "sha256", "file_size", "mime_type", "id"]
        .into_iter()
        .fold(photo(), |media, field| media.says(field, Value::Null));
    for media in [
        photo().size_as_text(),
        photo().says("file_size", "unknown"),
        photo().says("new", json!({"of": "tomorrow"})),
        bare,
    ] {
        assert_eq!(fetch_one(FileKind::Image, media).await.0.unwrap().bytes, JPEG);
    }
}

#[tokio::test]
async fn the_hash_of_the_message_counts_too_in_hex_and_in_base64() {
    let (fake, api) = fake().await;
    let file = fake.add_file(FileKind::Document, FakeMedia::new("text/plain", "abc"));
    for sha256 in [
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
    ] {
        let file = InboundFile { sha256: Some(sha256.to_owned()), ..file.clone() };
        assert_eq!(fetch(&api, &file).await.unwrap().bytes, b"abc");
    }
    for sha256 in ["", "another", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="] {
        let file = InboundFile { sha256: Some(sha256.to_owned()), ..file.clone() };
        assert_refused(&fetch(&api, &file).await, "hash");
    }
}

#[tokio::test]
async fn content_with_another_hash_is_refused() {
    let (fetched, _) = fetch_one(FileKind::Image, photo().wrong_hash()).await;
    assert_refused(&fetched, "hash");
}

#[tokio::test]
async fn a_type_that_the_kind_does_not_have_is_refused_and_not_downloaded() {
    for (kind, said) in [
        (FileKind::Image, "image/svg+xml"),
        (FileKind::Image, "application/pdf"),
        (FileKind::Audio, "video/mp4"),
        (FileKind::Video, "image/jpeg"),
        (FileKind::Document, "application/zip"),
        (FileKind::Document, "text/html"),
        (FileKind::Document, "application/x-msdownload"),
        (FileKind::Document, ""),
    ] {
        let (fetched, requests) = fetch_one(kind, FakeMedia::new(said, JPEG)).await;
        assert_refused(&fetched, "type");
        assert_eq!(requests, (1, 0), "{said}");
    }
}

#[tokio::test]
async fn content_that_is_not_of_its_type_is_refused() {
    for (kind, said, content) in [
        (FileKind::Image, "image/jpeg", ZIP),
        (FileKind::Image, "image/png", JPEG),
        (FileKind::Image, "image/jpeg", b""),
        (FileKind::Video, "video/mp4", b"<html><script>"),
        (FileKind::Document, "application/pdf", b"MZ\x90\0"),
        (FileKind::Document, "text/plain", b"\x7fELF\x02"),
        (FileKind::Document, "application/msword", ZIP),
    ] {
        let (fetched, _) = fetch_one(kind, FakeMedia::new(said, content)).await;
        assert_refused(&fetched, "first bytes");
    }
}

#[tokio::test]
async fn a_file_may_be_as_large_as_its_kind_allows_and_no_larger() {
    let of = |size: usize| [JPEG, &vec![0; size - JPEG.len()]].concat();
    let allowed = FakeMedia::new("image/jpeg", of(5 * MB));
    for media in [allowed.clone(), allowed.without_length()] {
        assert_eq!(fetch_one(FileKind::Image, media).await.0.unwrap().bytes.len(), 5 * MB);
    }
    // By the metadata alone; by the response's own length; by the bytes that come.
    let claims = photo().says("file_size", 5 * MB + 1);
    let longer = FakeMedia::new("image/jpeg", of(5 * MB + 1)).says("file_size", 7);
    let unsaid = longer.clone().without_length();
    for (media, downloads) in [(claims, 0), (longer, 1), (unsaid, 1), (photo().endless(), 1)] {
        let (fetched, requests) = fetch_one(FileKind::Image, media).await;
        assert_refused(&fetched, "larger");
        assert_eq!(requests, (1, downloads));
    }
    let sound = FakeMedia::new("audio/amr", "#!AMR\n").says("file_size", (16 * MB + 1).to_string());
    assert_refused(&fetch_one(FileKind::Audio, sound).await.0, "larger");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_token_goes_nowhere() {
    let (elsewhere, _) = fake().await;
    let id = elsewhere.add_media(photo());
    let target = format!("{}/media/{id}/1", elsewhere.config().base_url);
    for media in [
        photo().redirects_to(&target),
        photo().redirects_to("https://lookaside.fbsbx.com/"),
        photo().responds(304),
    ] {
        let (fetched, requests) = fetch_one(FileKind::Image, media).await;
        assert_refused(&fetched, "leads to another");
        assert_eq!(requests, (1, 1));
    }
    assert_eq!(elsewhere.media_requests(), MediaRequests::default());
}

#[tokio::test]
async fn an_address_of_another_host_is_not_even_connected_to() {
    let trap = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = trap.local_addr().unwrap().port();
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://lookaside.fbsbx.com@127.0.0.1:{port}/"),
        "https://10.0.0.1/".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://lookaside.fbsbx.com/".to_owned(),
        "https://lookaside.fbsbx.com.example.com/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let (fetched, requests) = fetch_one(FileKind::Image, photo().at(url)).await;
        assert_refused(&fetched, "hosts");
        assert_eq!(requests, (1, 0));
    }
    assert_untouched(trap).await;
}

/// Fails if anybody has connected.
async fn assert_untouched(trap: TcpListener) {
    tokio::select! {
        biased;
        accepted = trap.accept() => unreachable!("{accepted:?}"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn a_listed_host_that_leads_into_the_network_is_not_connected_to() {
    let fake = fake().await.0;
    let config = CloudApiConfig { media_hosts: vec!["localhost".to_owned()], ..fake.config() };
    let media = fake.add_file(FileKind::Image, photo().at("https://localhost/"));
    for api in [CloudApi::new(config.clone()).unwrap(), {
        let client = maintenance_whatsapp::reqwest::Client::builder();
        CloudApi::new(config).unwrap().with_media_client(client).unwrap()
    }] {
        let fetched = fetch(&api, &media).await;
        // Without TLS the client gives up before it looks the name up.
        assert_later(&fetched, if cfg!(feature = "rustls") { "no public address" } else { "no connection" });
    }
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn a_listed_host_is_told_nothing_before_it_proves_who_it_is() {
    let fake = fake().await.0;
    let host = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let config = CloudApiConfig { media_hosts: vec!["files.example.com".to_owned()], ..fake.config() };
    let client = reqwest::Client::builder().resolve("files.example.com", host.local_addr().unwrap());
    let api = CloudApi::new(config).unwrap().with_media_client(client).unwrap();
    let media = fake.add_file(FileKind::Image, photo().at("https://files.example.com/"));
    let impostor = async {
        let (mut connection, _) = host.accept().await.unwrap();
        let mut told = [0; 4096];
        let n = connection.read(&mut told).await.unwrap();
        told[..n].to_vec()
    };
    let (fetched, told) = tokio::join!(fetch(&api, &media), impostor);
    assert_later(&fetched, "no connection");
    // A handshake of TLS.
    assert!(told.starts_with(&[0x16, 3]), "{told:?}");
    assert!(!String::from_utf8_lossy(&told).contains("EAAtoken"));
}

#[tokio::test]
async fn an_expired_address_is_asked_for_again_once() {
    let (fetched, requests) = fetch_one(FileKind::Image, photo().expired(1)).await;
    assert_eq!((fetched.unwrap().bytes.as_slice(), requests), (JPEG, (2, 2)));
    let (fetched, requests) = fetch_one(FileKind::Image, photo().expired(2)).await;
    assert_later(&fetched, "expired");
    assert_eq!(requests, (2, 2));
}

#[tokio::test]
async fn a_file_that_the_api_does_not_have_is_refused() {
    let (fake, api) = fake().await;
    let good = fake.add_file(FileKind::Image, photo());
    let unknown = InboundFile { media_id: "7".to_owned(), ..good.clone() };
    assert_refused(&fetch(&api, &unknown).await, "no file");
    let before = fake.media_requests();
    for id in ["", "..", "../../v1.0/me", "7/messages", "7?fields=owner", "7#", "%2e%2e", &"7".repeat(513)] {
        let odd = InboundFile { media_id: id.to_owned(), ..good.clone() };
        assert_refused(&fetch(&api, &odd).await, "id");
    }
    assert_eq!(fake.media_requests(), before);
}

#[tokio::test]
async fn a_host_that_fails_may_give_the_file_later() {
    for status in [401, 403, 429, 500, 502, 503, 204, 206, 410] {
        let (fetched, requests) = fetch_one(FileKind::Image, photo().responds(status)).await;
        assert_later(&fetched, "host");
        assert_eq!(requests, (1, 1), "{status}");
    }
    let (fetched, _) = fetch_one(FileKind::Image, photo().says("url", Value::Null)).await;
    assert_later(&fetched, "no address");
}

#[tokio::test]
async fn a_token_that_the_api_refuses_may_be_replaced() {
    let (fake, api) = fake().await;
    let file = fake.add_file(FileKind::Image, photo());
    api.set_token("EAAold").unwrap();
    assert_later(&fetch(&api, &file).await, "token");
    assert_eq!((fake.media_requests().lookups, fake.media_requests().unauthorized), (0, 1));
    api.set_token("EAAtoken").unwrap();
    assert!(fetch(&api, &file).await.is_ok());
}

#[tokio::test]
async fn a_file_that_does_not_end_comes_later() {
    let (fake, _) = fake().await;
    let config = CloudApiConfig { media_timeout: Duration::from_millis(300), ..fake.config() };
    let file = fake.add_file(FileKind::Image, photo().stalled());
    assert_later(&fetch(&CloudApi::new(config).unwrap(), &file).await, "in time");
    fake.shutdown().await;
}

#[tokio::test]
async fn an_api_that_is_away_may_answer_later() {
    let (fake, api) = fake().await;
    let file = fake.add_file(FileKind::Image, photo());
    fake.shutdown().await;
    assert_later(&fetch(&api, &file).await, "API");
}

#[tokio::test]
async fn each_channel_s_files_are_fetched_by_its_own_number() {
    let fake = FakeCloudApi::start(support::config()).await.unwrap();
    let numbers = Numbers::new();
    let acme = Channel::new("acme").unwrap();
    let secrets = WebhookSecrets::new("a-secret", "a-token").unwrap();
    let api = CloudApi::new(fake.add_number("207650463353033", "EAAacme")).unwrap();
    numbers.set(acme.clone(), api, secrets).unwrap();
    let file = fake.add_file(FileKind::Image, photo());
    assert_eq!(numbers.fetch(&acme, &file).await.unwrap().bytes, JPEG);
    assert_later(&numbers.fetch(&Channel::DEFAULT, &file).await, "no number");
}
