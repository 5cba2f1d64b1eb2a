//! The whole loop on real parts: SQLite, HTTP to the fake Cloud API, signed webhooks coming back.

#![expect(clippy::expect_used, reason = "test code: a failed expectation is its result")]

use hmac::{Hmac, KeyInit as _, Mac as _};
use maintenance_core::{
    Actor, Clock as _, DispatchPolicy, Move, NextStep, RequestStatus, Scope, SendEffect, WhatsAppStatus,
};
use maintenance_tests::{APP_SECRET, Phone, VERIFY_TOKEN};
use maintenance_whatsapp::{
    CloudApi,
    fake::{Automatic, FakeCloudApi, Fault},
};
use reqwest::{Client, StatusCode};
use sha2::Sha256;

/// As Meta signs: HMAC-SHA256 of the body under the app secret.
fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length is a key");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

async fn status(phone: &Phone, request: maintenance_core::RequestId) -> WhatsAppStatus {
    phone.world.record(request).await.request.whatsapp_status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renter_files_a_request_and_the_workers_phone_rings() {
    let phone = Phone::new(Automatic::AfterAnswer).await;
    let request = phone.world.filed().await;
    assert_eq!(phone.dispatch().await.sent, 1);
    let message = phone.message(request.id).await;
    assert_eq!(message.to, "+12025550123");
    assert_eq!(
        message.text,
        format!(
            "New job {}: The sink leaks\nPriority: high\nBuilding: not stated\nWhere: Kitchen\nWhat is wrong: Water under \
             the kitchen sink. It drips – \"often\", 'fast' & ever faster 💧\nRenter: Renter One, phone \
             +12025550100\nThis job is assigned to you. Please tell us below whether you can do it.",
            request.number
        )
    );
    phone.fake.webhooks_done().await;
    let record = phone.world.record(request.id).await;
    assert_eq!(record.request.whatsapp_status, WhatsAppStatus::Read);
    assert_eq!(record.request.whatsapp_message_id.as_deref(), Some(message.wamid.as_str()));
    let worker = Actor::Worker(request.assigned_worker_id.unwrap());
    for to in [RequestStatus::InProgress, RequestStatus::Completed] {
        phone.world.maintenance.change_status(request.id, Move::to(to, worker)).await.unwrap();
    }
    let record = phone.world.record(request.id).await;
    assert_eq!((record.request.status, record.history.len()), (RequestStatus::Completed, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_ahead_of_the_sends_own_response_end_in_the_same_state() {
    let phone = Phone::new(Automatic::BeforeAnswer).await;
    let request = phone.world.filed().await;
    assert_eq!(phone.dispatch().await.sent, 1);
    let record = phone.world.record(request.id).await;
    assert_eq!(record.request.whatsapp_status, WhatsAppStatus::Read);
    assert_eq!(
        record.request.whatsapp_message_id.as_deref(),
        Some(phone.message(request.id).await.wamid.as_str())
    );
    assert_eq!(record.notifications[0].lease, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_duplicated_and_reordered_end_in_the_same_state() {
    let phone = Phone::new(Automatic::Off).await;
    let mut ends = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let request = phone.world.filed().await;
        phone.dispatch().await;
        let message = phone.message(request.id).await;
        let mut all = ["sent", "delivered", "read"].map(|status| message.status(status));
        for (second, status) in (0..).zip(&mut all) {
            status.timestamp = phone.world.clock.now().timestamp() + second;
        }
        for n in order {
            let one = all[n].clone();
            assert_eq!(phone.fake.post(&[one.clone(), one.clone()]).await.unwrap(), 200);
            assert_eq!(phone.fake.post(&[one]).await.unwrap(), 200);
        }
        let after = phone.world.newest_message(request.id).await;
        let since =
            |at: Option<chrono::DateTime<chrono::Utc>>| (at.unwrap() - after.created_at).num_seconds();
        ends.push((after.status, since(after.sent_at), since(after.delivered_at), since(after.read_at)));
    }
    assert!(ends.iter().all(|end| *end == (WhatsAppStatus::Read, 0, 1, 2)), "{ends:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_status_without_our_id_is_kept_with_its_reason() {
    let phone = Phone::new(Automatic::Off).await;
    let request = phone.world.filed().await;
    phone.dispatch().await;
    let failed = phone.message(request.id).await.failed(131_026, "Message undeliverable");
    assert_eq!(phone.fake.post(&[failed]).await.unwrap(), 200);
    let after = phone.world.newest_message(request.id).await;
    assert_eq!((after.status, after.error.unwrap().code.as_str()), (WhatsAppStatus::Failed, "131026"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_response_is_not_followed_by_a_second_message() {
    let phone = Phone::new(Automatic::Off).await;
    let request = phone.world.filed().await;
    phone.fake.fault(Fault::hang_up().kept());
    let report = phone.dispatch().await;
    assert_eq!((report.held, report.sent), (1, 0));
    assert_eq!(report.problems[0].error.effect, SendEffect::Unknown);
    phone.world.wait(299);
    assert_eq!(phone.dispatch().await.claimed, 0, "within the window nothing is sent");
    let message = phone.message(request.id).await;
    assert_eq!(phone.fake.post(&[message.status("delivered")]).await.unwrap(), 200);
    phone.world.wait(10_000);
    assert_eq!(phone.dispatch().await.claimed, 0);
    assert_eq!(phone.fake.messages().len(), 1);
    assert_eq!(status(&phone, request.id).await, WhatsAppStatus::Delivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_response_without_any_webhook_is_sent_again_after_the_window() {
    let phone = Phone::new(Automatic::Off).await;
    phone.world.filed().await;
    phone.fake.fault(Fault::hang_up());
    assert_eq!(phone.dispatch().await.held, 1);
    phone.world.wait(300);
    assert_eq!(phone.dispatch().await.sent, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_recipient_waits_as_told_and_the_others_go_on() {
    let phone = Phone::new(Automatic::Off).await;
    let throttled = phone.world.filed().await;
    let mut other = phone.world.new_worker(&["roofing"]);
    other.phone_number = "+16505551234".into();
    let other = phone.world.maintenance.add_worker(other).await.unwrap();
    phone.world.maintenance.assign_complex(other.id, phone.world.complex, false).await.unwrap();
    let mut new = phone.world.new_request();
    new.form.specialty = Some("roofing".into());
    let goes_on = phone.world.maintenance.submit(new).await.unwrap().request;
    phone.fake.fault(Fault::error(131_056).to("+12025550123"));
    let report = phone.dispatch().await;
    assert_eq!((report.sent, report.retried), (1, 1));
    assert_eq!(status(&phone, goes_on.id).await, WhatsAppStatus::Sent);
    phone.world.wait(3);
    assert_eq!(phone.dispatch().await.claimed, 0, "4^1 seconds");
    phone.world.wait(1);
    assert_eq!(phone.dispatch().await.sent, 1);
    assert_eq!(status(&phone, throttled.id).await, WhatsAppStatus::Sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_token_pauses_the_channel_burns_no_attempt_and_says_so() {
    let phone = Phone::new(Automatic::Off).await;
    let request = phone.world.filed().await;
    phone.fake.fault(Fault::error(190).times(1));
    let report = phone.dispatch().await;
    let pause = report.channel_pause().expect("the channel rests");
    assert!(pause.needs_person);
    assert_eq!(
        (pause.error.code.as_str(), report.problems[0].error.next),
        ("190", NextStep::Stop { scope: Scope::Channel })
    );
    assert_eq!(phone.world.newest_message(request.id).await.attempts, 0);
    assert!(phone.dispatch().await.channel_pause().is_some());
    phone.world.wait(60);
    assert_eq!(phone.dispatch().await.sent, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxys_error_page_says_nothing_of_the_message_so_it_is_held() {
    let phone = Phone::new(Automatic::Off).await;
    let request = phone.world.filed().await;
    phone.fake.fault(Fault::answer(502, "<html>Bad gateway</html>"));
    assert_eq!(phone.dispatch().await.held, 1);
    phone.world.wait(300);
    assert_eq!(phone.dispatch().await.sent, 1);
    assert_eq!(phone.world.newest_message(request.id).await.attempts, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_without_a_right_signature_changes_nothing() {
    let phone = Phone::new(Automatic::Off).await;
    let request = phone.world.filed().await;
    phone.dispatch().await;
    let id = phone.message(request.id).await.wamid.clone();
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{"statuses":[{{"id":"{id}","status":"read","timestamp":"1750030073"}}]}}}}]}}]}}"#
    );
    let post = |signature: Option<String>, body: Vec<u8>| {
        let request = Client::new().post(&phone.url).body(body);
        let request = match signature {
            Some(signature) => request.header("x-hub-signature-256", signature),
            None => request,
        };
        async move { request.send().await.unwrap().status() }
    };
    let right = sign(APP_SECRET, body.as_bytes());
    let forged = sign("another_secret", body.as_bytes());
    let bytes = || body.clone().into_bytes();
    for wrong in [None, Some(forged), Some(String::new()), Some("sha256=zz".into()), Some(right[..20].into())]
    {
        assert_eq!(post(wrong.clone(), bytes()).await, StatusCode::UNAUTHORIZED, "{wrong:?}");
    }
    assert_eq!(post(Some(right.clone()), [bytes(), b" ".to_vec()].concat()).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&phone, request.id).await, WhatsAppStatus::Sent);
    assert_eq!(post(Some(right), bytes()).await, StatusCode::OK);
    assert_eq!(status(&phone, request.id).await, WhatsAppStatus::Read);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_statuses_with_a_broken_one_the_others_are_applied() {
    let phone = Phone::new(Automatic::Off).await;
    let mut requests = Vec::new();
    for _ in 0..20 {
        requests.push(phone.world.filed().await.id);
    }
    assert_eq!(phone.dispatch().await.sent, 20);
    let mut statuses = Vec::new();
    for n in 0..999 {
        statuses.push(phone.message(requests[n % 20]).await.status(["sent", "delivered", "read"][n % 3]));
    }
    let mut broken = statuses[0].clone();
    broken.timestamp = i64::MAX;
    statuses.insert(500, broken);
    assert_eq!(phone.fake.post(&statuses).await.unwrap(), 200);
    for request in requests {
        assert_eq!(status(&phone, request).await, WhatsAppStatus::Read);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_gets_the_right_status_code() {
    let phone = Phone::new(Automatic::Off).await;
    for odd in [
        b"\xff\xfe".to_vec(),
        b"".to_vec(),
        b"[]".to_vec(),
        br#"{"entry":{"changes":7}}"#.to_vec(),
        br#"{"object":"whatsapp_business_account","entry":[]}"#.to_vec(),
    ] {
        assert_eq!(
            phone.fake.post_bytes(odd.clone()).await.unwrap(),
            200,
            "{}",
            String::from_utf8_lossy(&odd)
        );
    }
    assert_eq!(phone.fake.post_bytes(vec![b' '; 3 * 1024 * 1024]).await.unwrap(), 200, "3 MB are taken");
    assert_eq!(phone.fake.post_bytes(vec![b' '; 3 * 1024 * 1024 + 1]).await.unwrap(), 413);
    let shake = |query: String| {
        let url = format!("{}?{query}", phone.url);
        async move {
            let answer = Client::new().get(url).send().await.unwrap();
            (answer.status(), answer.text().await.unwrap())
        }
    };
    let right = format!("hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=1158201444");
    assert_eq!(shake(right).await, (StatusCode::OK, "1158201444".to_owned()));
    let wrong = "hub.mode=subscribe&hub.verify_token=guess&hub.challenge=1".to_owned();
    assert_eq!(shake(wrong).await.0, StatusCode::FORBIDDEN);
    assert_eq!(shake(String::new()).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_of_a_message_that_is_not_ours_is_no_error() {
    let phone = Phone::new(Automatic::Off).await;
    let request = phone.world.filed().await;
    phone.dispatch().await;
    let mut stranger = phone.message(request.id).await.status("read");
    stranger.wamid = "wamid.of.another.sender".into();
    stranger.callback_data = Some("another sender's own".into());
    assert_eq!(phone.fake.post(&[stranger]).await.unwrap(), 200);
    assert_eq!(status(&phone, request.id).await, WhatsAppStatus::Sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_uses_up_no_attempt() {
    let phone = Phone::new(Automatic::Off).await;
    let request = phone.world.filed().await;
    let config = phone.fake.config();
    // The server no longer listens.
    let gone = FakeCloudApi::start(config).await.unwrap();
    let notifier = CloudApi::new(gone.config()).unwrap();
    gone.shutdown().await;
    let dispatcher = phone.world.maintenance.dispatcher(notifier, DispatchPolicy::default());
    for _ in 0..20 {
        let report = dispatcher.dispatch_due().await.unwrap();
        assert!(report.put_back == 1 && report.channel_pause().is_some_and(|pause| !pause.needs_person));
        phone.world.wait(60);
    }
    assert_eq!(phone.world.newest_message(request.id).await.attempts, 0);
    assert_eq!(phone.dispatch().await.sent, 1, "another way out is open");
}
