//! How the host starts, with which settings, and how it stops.

use std::net::SocketAddr;

use maintenance_examples::axum_host::{Host, Messages, Number, Settings, demo::SENDERS};
use maintenance_whatsapp::fake::Automatic;
use serde_json::json;

use crate::backend::{Backend, renter, sink};

on_each_database! {
    the_end_is_orderly
}

async fn the_end_is_orderly<D>(mut backend: Backend<D>) {
    let id = backend.file(0, sink()).await;
    backend.host.fake().unwrap().wait_for_messages(1).await;
    let (address, fake) = (backend.host.address(), backend.host.fake().unwrap().config().base_url);
    // The host runs until it is told to stop.
    assert!(tokio::time::timeout(std::time::Duration::ZERO, backend.host.ended()).await.is_err());
    let path = format!("/renter/requests/{id}");
    assert_eq!(backend.get(&renter(0), &path).await.0, 200);
    let Backend { host, url, database, .. } = backend;
    assert!(host.stop().await);
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens");
    assert!(tokio::net::TcpStream::connect(fake.trim_start_matches("http://")).await.is_err());

    let again = Backend::start(url, database).await;
    let (status, own) = again.get(&renter(0), &path).await;
    assert_eq!(
        (status, &own["record"]["request"]["whatsapp_status"]),
        (200, &json!("sent")),
        "a step is finished"
    );
    again.stop().await;
}

/// What a host that can't start says.
async fn start_error(database_url: &str, listen: SocketAddr, messages: Messages) -> String {
    let settings = Settings { database_url: database_url.into(), listen, messages };
    let Err(error) = Host::start(settings).await else { panic!("started") };
    error.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_cannot_start_says_what_is_wrong_and_what_would_be_right() {
    let fake = || Messages::Fake(Automatic::Off);
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let taken = tokio::net::TcpListener::bind(free).await.unwrap();
    let port = taken.local_addr().unwrap();
    let closed = {
        let listener = tokio::net::TcpListener::bind(free).await.unwrap();
        listener.local_addr().unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let number = |n: usize, token: &str, app_secret: &str| Number {
        sender: &SENDERS[n],
        token: token.into(),
        phone_number_id: SENDERS[n].fake_id.to_owned(),
        app_secret: app_secret.into(),
        verify_token: "token".into(),
    };
    let real = |numbers| Messages::WhatsApp { template: "maintenance_request".to_owned(), numbers };
    let away = format!("postgres://someone:pass-word@{closed}/host");
    for (error, says) in [
        (start_error("sqlite:x", port, fake()).await, [port.to_string(), "set LISTEN".to_owned()]),
        (start_error(&away, free, fake()).await, [closed.to_string(), "in DATABASE_URL".to_owned()]),
        (
            start_error(&format!("sqlite:{}/x", missing.display()), free, fake()).await,
            [missing.display().to_string(), "a folder that exists".to_owned()],
        ),
        (
            start_error("mysql://someone:pass-word@db/host", free, fake()).await,
            ["DATABASE_URL".to_owned(), "sqlite:axum-host.sqlite".to_owned()],
        ),
        (
            start_error("postgres://someone:pass-word@db:port/host", free, fake()).await,
            ["DATABASE_URL".to_owned(), "must look like postgres://".to_owned()],
        ),
        (
            start_error("sqlite:x", free, real(vec![number(0, "pass-word\n", "secret")])).await,
            ["WHATSAPP_TOKEN ".to_owned(), "no space or line break".to_owned()],
        ),
        (
            start_error(
                "sqlite:x",
                free,
                real(vec![number(0, "token", "secret"), number(1, "token", "pass-word\n")]),
            )
            .await,
            ["WHATSAPP_APP_SECRET_2 ".to_owned(), "remove it".to_owned()],
        ),
    ] {
        for part in says {
            assert!(error.contains(&part), "{part:?} isn't in: {error}");
        }
        assert!(!error.contains("pass-word") && !error.contains('{') && !error.contains('\n'), "{error}");
    }
    assert!(!std::path::Path::new("x").exists(), "nothing is written before the settings are checked");
}

#[test]
fn settings_that_are_wrong_or_missing_are_named_and_the_help_lists_them_all() {
    let from = |given: &[(&str, &str)]| {
        let value = |name: &str| given.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        Settings::from(value).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(from(&[]), Ok(()));
    assert_eq!(
        from(&[("LISTEN", "3000")]),
        Err("LISTEN is \"3000\"; it must be an address and a port, for example 127.0.0.1:3000".to_owned())
    );
    let partly = from(&[("WHATSAPP_TOKEN", "pass-word")]).unwrap_err();
    assert!(partly.starts_with("WHATSAPP_PHONE_NUMBER_ID, WHATSAPP_APP_SECRET, WHATSAPP_VERIFY_TOKEN must"));
    assert!(!partly.contains("pass-word"), "{partly}");
    let second = from(&[("WHATSAPP_TOKEN_2", "pass-word")]).unwrap_err();
    assert!(
        second.starts_with("WHATSAPP_TOKEN, WHATSAPP_PHONE_NUMBER_ID, "),
        "the first is needed: {second}"
    );
    let first = [
        ("WHATSAPP_TOKEN", "token"),
        ("WHATSAPP_PHONE_NUMBER_ID", "1065"),
        ("WHATSAPP_APP_SECRET", "secret"),
        ("WHATSAPP_VERIFY_TOKEN", "verify"),
    ];
    assert_eq!(from(&first), Ok(()), "one number is enough");
    let second = from(&[&first[..], &[("WHATSAPP_TOKEN_3", "token")]].concat()).unwrap_err();
    assert!(second.starts_with("WHATSAPP_PHONE_NUMBER_ID_3, WHATSAPP_APP_SECRET_3, "), "{second}");
    let asked = std::cell::RefCell::new(Vec::new());
    Settings::from(|name| {
        asked.borrow_mut().push(name.to_owned());
        None
    })
    .unwrap();
    for name in asked.into_inner() {
        assert!(Settings::HELP.contains(&name), "{name} isn't in the help");
    }
}
