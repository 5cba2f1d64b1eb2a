//! Several numbers in one process: sending by each, and one webhook for all.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use maintenance_core::{
    Channel, DeliveryEffect, DeliveryUpdate, Maintenance, NextStep, Notifier as _, Outgoing, Scope,
    SendEffect,
    mock::{MockDirectory, MockRepository},
};
use maintenance_whatsapp::{
    CloudApi, CloudApiConfig, Numbers, Pacing,
    fake::{Automatic, FakeCloudApi},
    webhook::{WebhookConfig, WebhookSecrets, router},
};
use support::{config, fake, message};
use tokio::net::TcpListener;

const NORTH: &str = "106540352242922";
const SOUTH: &str = "207650463353033";
const NORTH_SECRET: &str = "app_secret_of_the_north";
const SOUTH_SECRET: &str = "app_secret_of_the_south";

fn channel(name: &str) -> Channel {
    Channel::new(name).unwrap()
}

fn secrets(of: &str) -> WebhookSecrets {
    let app_secret = if of == "north" { NORTH_SECRET } else { SOUTH_SECRET };
    WebhookSecrets::new(app_secret, format!("verify {of}")).unwrap()
}

fn by(name: &str) -> Outgoing {
    message().channel(channel(name))
}

/// A fake with two numbers, `north` and `south`, of two apps.
async fn two() -> (FakeCloudApi, Numbers) {
    let (fake, north) = fake().await;
    let numbers = Numbers::new();
    numbers.set(channel("north"), north, secrets("north")).unwrap();
    let south = fake.add_number(SOUTH, "south-token");
    numbers.set(channel("south"), CloudApi::new(south).unwrap(), secrets("south")).unwrap();
    (fake, numbers)
}

#[tokio::test]
async fn each_message_goes_out_by_its_channels_number() {
    let (fake, numbers) = two().await;
    for name in ["south", "north", "south"] {
        numbers.notify(&by(name)).await.unwrap();
    }
    let sent: Vec<_> = fake.messages().iter().map(|message| message.phone_number_id.clone()).collect();
    assert_eq!(sent, [SOUTH, NORTH, SOUTH]);
    assert_eq!(numbers.template(&by("south")).as_deref(), Some("maintenance_request/en"));
}

#[tokio::test]
async fn a_bad_token_stops_its_own_channel_and_a_new_one_is_used_by_the_next_send() {
    let (fake, numbers) = two().await;
    fake.add_number(SOUTH, "replaced-token");
    let error = numbers.notify(&by("south")).await.unwrap_err();
    assert_eq!((error.next, error.error.code.as_str()), (NextStep::Stop { scope: Scope::Channel }, "190"));
    numbers.notify(&by("north")).await.unwrap();
    let south = numbers.get(&channel("south")).unwrap();
    let refused = south.set_token("two words").unwrap_err().to_string();
    assert!(refused.contains("token") && !refused.contains("two words"), "{refused}");
    south.set_token("replaced-token").unwrap();
    numbers.notify(&by("south")).await.unwrap();
    assert_eq!(fake.messages().len(), 2);
}

#[tokio::test]
async fn a_new_token_keeps_the_pace() {
    let fake = FakeCloudApi::start(CloudApiConfig {
        pacing: Pacing {
            recipient_burst: 1,
            recipient_interval: Duration::from_hours(1),
            ..Pacing::default()
        },
        ..config()
    })
    .await
    .unwrap();
    let api = CloudApi::new(fake.config()).unwrap();
    api.notify(&message()).await.unwrap();
    fake.add_number(NORTH, "new-token");
    api.set_token("new-token").unwrap();
    let error = api.notify(&message()).await.unwrap_err();
    assert!(matches!(error.next, NextStep::WaitForRecipient { .. }), "{error:?}");
}

#[tokio::test]
async fn a_channel_without_a_number_stops_and_is_named() {
    let (fake, numbers) = two().await;
    let stopped = |error: maintenance_core::NotifyError| {
        assert_eq!(
            (error.next, error.effect),
            (NextStep::Stop { scope: Scope::Channel }, SendEffect::NotSent)
        );
        error.to_string()
    };
    let told = stopped(numbers.notify(&by("west")).await.unwrap_err());
    assert_eq!(told, "no_number: no number is set for the channel west; set it in the host's Numbers");
    assert!(numbers.remove(&channel("south")) && !numbers.remove(&channel("south")));
    stopped(numbers.notify(&by("south")).await.unwrap_err());
    assert!(fake.messages().is_empty());
}

#[tokio::test]
async fn two_channels_cannot_have_one_number() {
    let (fake, numbers) = two().await;
    let same = || CloudApi::new(fake.config()).unwrap();
    let refused = numbers.set(channel("west"), same(), secrets("north")).unwrap_err().to_string();
    assert!(refused.contains("phone_number_id is already that of the channel north"), "{refused}");
    numbers.set(channel("north"), same(), secrets("north")).unwrap();
    let shown = format!("{numbers:?}");
    assert!(shown.contains(SOUTH) && !shown.contains("secret") && !shown.contains("EAAtoken"), "{shown}");
}

/// A host with one webhook for the numbers, over a store that keeps the updates.
async fn host(numbers: &Numbers) -> (String, Arc<Mutex<Vec<DeliveryUpdate>>>) {
    host_of(WebhookConfig::of(numbers.clone()), Arc::default()).await
}

/// The same, which also keeps the channels of messages from phones in `inbound`.
async fn host_of(
    config: WebhookConfig,
    inbound: Arc<Mutex<Vec<String>>>,
) -> (String, Arc<Mutex<Vec<DeliveryUpdate>>>) {
    let kept = Arc::<Mutex<Vec<_>>>::default();
    let mut repository = MockRepository::new();
    let keep = Arc::clone(&kept);
    repository.expect_record_deliveries().returning(move |updates, _| {
        keep.lock().unwrap().extend_from_slice(updates);
        Ok(vec![DeliveryEffect::Unknown; updates.len()])
    });
    let keep = Arc::clone(&inbound);
    repository.expect_keep_inbound().returning(move |messages| {
        keep.lock().unwrap().extend(messages.iter().map(|kept| kept.message.channel.to_string()));
        Ok(messages.len() as u64)
    });
    let maintenance = Maintenance::new(Arc::new(repository), MockDirectory::new());
    let app = router::<_, ()>(maintenance, config);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });
    (url, kept)
}

/// The channels of the updates that were stored since this was last asked.
fn stored(kept: &Mutex<Vec<DeliveryUpdate>>) -> Vec<String> {
    std::mem::take(&mut *kept.lock().unwrap()).iter().map(|update| update.channel.to_string()).collect()
}

#[tokio::test]
async fn a_post_tells_of_the_numbers_whose_secret_signed_it_alone() {
    let (fake, numbers) = two().await;
    let (url, kept) = host(&numbers).await;
    for name in ["north", "south"] {
        numbers.notify(&by(name)).await.unwrap();
    }
    let [north, south] = [0, 1].map(|n| fake.messages()[n].status("read"));
    let mut unknown = north.clone();
    unknown.phone_number_id = "999".to_owned();

    fake.webhook(&url, SOUTH_SECRET, Automatic::Off);
    assert_eq!(fake.post(std::slice::from_ref(&south)).await.unwrap(), 200);
    assert_eq!(stored(&kept), ["south"]);
    for forged in
        [vec![north.clone()], vec![south.clone(), north.clone()], vec![north.clone(), unknown.clone()]]
    {
        assert_eq!(fake.post(&forged).await.unwrap(), 401);
    }
    assert_eq!(stored(&kept), [""; 0]);

    fake.webhook(&url, NORTH_SECRET, Automatic::Off);
    assert_eq!(fake.post(&[unknown.clone(), north.clone(), unknown.clone()]).await.unwrap(), 200);
    assert_eq!(stored(&kept), ["north"], "the others are reported");
    for nobody in [vec![unknown.clone()], vec![]] {
        assert_eq!(fake.post(&nobody).await.unwrap(), 200, "Meta isn't to deliver it for days");
    }
    assert_eq!(fake.post_bytes(b"{".to_vec()).await.unwrap(), 200);
    assert_eq!(stored(&kept), [""; 0]);
}

#[tokio::test]
async fn a_message_from_a_phone_is_of_the_channel_that_it_was_sent_to() {
    let (fake, numbers) = two().await;
    let inbound = Arc::<Mutex<Vec<String>>>::default();
    let (url, _) = host_of(WebhookConfig::of(numbers.clone()), Arc::clone(&inbound)).await;
    let phone = fake.phone("+16505551234");
    numbers.notify(&by("south")).await.unwrap();
    fake.webhook(&url, SOUTH_SECRET, Automatic::Off);
    assert_eq!(phone.say("On my way").await.unwrap(), 200);
    numbers.notify(&by("north")).await.unwrap();
    assert_eq!(phone.say("On my way").await.unwrap(), 401, "the north's app must sign it");
    fake.webhook(&url, NORTH_SECRET, Automatic::Off);
    assert_eq!(phone.say("On my way").await.unwrap(), 200);
    assert_eq!(*inbound.lock().unwrap(), ["south", "north"]);
}

#[tokio::test]
async fn numbers_of_one_app_share_its_secret_and_a_post() {
    let (fake, numbers) = two().await;
    let south = fake.add_number(SOUTH, "south-token");
    let shared = WebhookSecrets::new(NORTH_SECRET, "another").unwrap();
    numbers.set(channel("south"), CloudApi::new(south).unwrap(), shared).unwrap();
    let (url, kept) = host(&numbers).await;
    for name in ["north", "south"] {
        numbers.notify(&by(name)).await.unwrap();
    }
    fake.webhook(&url, NORTH_SECRET, Automatic::Off);
    let statuses = [1, 0, 1].map(|n| fake.messages()[n].status("delivered"));
    assert_eq!(fake.post(&statuses).await.unwrap(), 200);
    assert_eq!(stored(&kept), ["south", "north", "south"]);
    // One level of the body has an unexpected type, and the rest is read all the same.
    let odd = format!(
        r#"{{"entry":[7,{{"changes":[{{"field":"messages","value":{{"metadata":{{"phone_number_id":"{SOUTH}"}},
        "statuses":[{{"id":"wamid.A","status":"read","timestamp":"1750030073"}}]}}}}]}}]}}"#
    );
    assert_eq!(fake.post_bytes(odd.into_bytes()).await.unwrap(), 200);
    assert_eq!(stored(&kept), ["south"]);
}

#[tokio::test]
async fn a_post_that_names_no_number_is_read_if_any_of_their_apps_signed_it() {
    let (fake, numbers) = two().await;
    let told = Arc::new(Mutex::new(0));
    let count = Arc::clone(&told);
    let config = WebhookConfig::of(numbers.clone()).on_unused(move |_| *count.lock().unwrap() += 1);
    let (url, kept) = host_of(config, Arc::default()).await;
    let body = br#"{"entry":[{"changes":[{"field":"account_update","value":{"event":"ACCOUNT_RESTRICTION"}},
        {"field":"messages","value":{"statuses":[{"id":"wamid.A","status":"read"}]}}]}]}"#;
    for (secret, told_by_now) in [(SOUTH_SECRET, 1), ("another secret", 1), (NORTH_SECRET, 2)] {
        fake.webhook(&url, secret, Automatic::Off);
        assert_eq!(fake.post_bytes(body.to_vec()).await.unwrap(), 200);
        assert_eq!(*told.lock().unwrap(), told_by_now, "{secret}");
    }
    assert_eq!(stored(&kept), [""; 0], "a status must name its number");
}

#[tokio::test]
async fn a_handshake_with_any_numbers_verify_token_is_answered() {
    let (_fake, numbers) = two().await;
    let (url, _) = host(&numbers).await;
    let status = async |token: &str| {
        let url = format!("{url}?hub.mode=subscribe&hub.challenge=7&hub.verify_token={token}");
        reqwest::get(url).await.unwrap().status().as_u16()
    };
    assert_eq!((status("verify%20north").await, status("verify%20south").await), (200, 200));
    assert_eq!((status("verify%20west").await, status("").await), (403, 403));
    numbers.remove(&channel("south"));
    assert_eq!((status("verify%20north").await, status("verify%20south").await), (200, 403));
}
