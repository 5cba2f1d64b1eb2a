//! The fake as a phone: what a person does with it reaches the host, and their conversation is open for a day.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use chrono::{DateTime, Utc};
use maintenance_core::{Clock, FileKind, Inbound, InboundContent, Notifier as _, Sender};
use maintenance_whatsapp::{
    Pacing,
    fake::{Automatic, FakeCloudApi, FakeMessage, FakePhone},
    webhook::{Webhook, parse},
};
use serde_json::{Value, json};
use support::{TO, fake, message};
use tokio::net::TcpListener;

/// A clock that a test moves.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicU64>);

impl Hand {
    fn pass(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap() + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// What the host answers, and what it was posted.
type Host = Arc<Mutex<(StatusCode, Vec<Bytes>)>>;

/// A fake, the phone that it writes to, and a host that keeps what it is posted and answers as it is told to.
struct Stage {
    fake: FakeCloudApi,
    phone: FakePhone,
    clock: Hand,
    host: Host,
}

impl Stage {
    async fn set() -> Self {
        let (fake, api) = fake().await;
        let (clock, host) = (Hand::default(), Arc::new(Mutex::new((StatusCode::OK, vec![]))));
        fake.clock(clock.clone());
        let app = Router::new().route("/", post(keep)).with_state(Arc::clone(&host));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, app).await });
        fake.webhook(url, "an app secret", Automatic::Off);
        api.notify(&message()).await.unwrap();
        Self { phone: fake.phone(TO), fake, clock, host }
    }

    fn answers(&self, status: u16) {
        self.host.lock().unwrap().0 = StatusCode::from_u16(status).unwrap();
    }

    fn posts(&self) -> Vec<Bytes> {
        self.host.lock().unwrap().1.clone()
    }

    /// What the newest post says.
    fn read(&self) -> Webhook {
        parse(self.posts().last().unwrap(), self.clock.now())
    }

    /// The one message of the newest post.
    fn heard(&self) -> Inbound {
        let webhook = self.read();
        assert_eq!((webhook.inbound.len(), webhook.problems), (1, vec![]));
        webhook.inbound.into_iter().next().unwrap()
    }

    /// Sends a message of that type to the phone; the API's error code if it is refused.
    async fn send(&self, kind: &str, content: Value) -> Result<Arc<FakeMessage>, i64> {
        self.send_body(json!({
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": TO, "type": kind, kind: content,
        }))
        .await
    }

    async fn send_body(&self, body: Value) -> Result<Arc<FakeMessage>, i64> {
        let request = reqwest::Client::new()
            .post(format!("{}/v26.0/106540352242922/messages", self.fake.config().base_url))
            .header("authorization", "Bearer EAAtoken")
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = request.send().await.unwrap().bytes().await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        match answer.pointer("/error/code").and_then(Value::as_i64) {
            Some(code) => Err(code),
            None => Ok(self.fake.messages().last().unwrap().clone()),
        }
    }

    async fn buttons(&self) -> Arc<FakeMessage> {
        self.send("interactive", buttons(&[("I begin", "start:7"), ("I can't", "decline:7")])).await.unwrap()
    }
}

async fn keep(State(host): State<Host>, body: Bytes) -> StatusCode {
    let mut host = host.lock().unwrap();
    host.1.push(body);
    host.0
}

fn buttons(buttons: &[(&str, &str)]) -> Value {
    let buttons: Vec<_> = buttons
        .iter()
        .map(|(title, id)| json!({"type": "reply", "reply": {"id": id, "title": title}}))
        .collect();
    json!({"type": "button", "body": {"text": "Well?"}, "action": {"buttons": buttons}})
}

fn list(rows: &Value) -> Value {
    let sections = json!([{"rows": rows}]);
    json!({"type": "list", "body": {"text": "Which?"}, "action": {"button": "Choose", "sections": sections}})
}

fn tapped(payload: &str, title: &str) -> InboundContent {
    InboundContent::Tap { payload: payload.to_owned(), title: title.to_owned() }
}

fn said(body: &str) -> InboundContent {
    InboundContent::Text { body: body.to_owned() }
}

#[tokio::test]
async fn what_a_phone_says_reaches_the_host_with_who_and_when() {
    let stage = Stage::set().await;
    assert_eq!(stage.phone.say("On my way é/🚚").await.unwrap(), 200);
    let heard = stage.heard();
    assert_eq!(heard.from, Sender::number("16505551234"));
    assert_eq!((heard.sent_at, heard.replies_to), (stage.clock.now(), None));
    assert_eq!(heard.content, said("On my way é/🚚"));
    let ours = &stage.fake.messages()[0];
    stage.phone.reply(ours, "Which flat?").late(Duration::from_mins(10)).await.unwrap();
    let heard = stage.heard();
    assert_eq!(heard.sent_at, stage.clock.now() - Duration::from_mins(10));
    assert_eq!(heard.replies_to.as_ref(), Some(&ours.wamid));
    stage.phone.opt_out().await.unwrap();
    assert_eq!(stage.heard().content, said("STOP"));
}

#[tokio::test]
async fn a_post_has_a_contact_and_the_business_number_as_metas_have() {
    let stage = Stage::set().await;
    stage.phone.say("Hello").await.unwrap();
    let body: Value = serde_json::from_slice(&stage.posts()[0]).unwrap();
    let value = &body["entry"][0]["changes"][0]["value"];
    assert_eq!(value["metadata"]["phone_number_id"], "106540352242922");
    assert_eq!(value["metadata"]["display_phone_number"], "16505551111");
    assert_eq!(value["contacts"], json!([{"profile": {"name": "A Person"}, "wa_id": "16505551234"}]));
    stage.fake.post(&[stage.fake.messages()[0].status("delivered")]).await.unwrap();
    let body: Value = serde_json::from_slice(&stage.posts()[1]).unwrap();
    let status = &body["entry"][0]["changes"][0]["value"]["statuses"][0];
    assert_eq!(status["pricing"]["category"], "utility");
    assert_eq!(status["conversation"]["origin"]["type"], "utility");
}

#[tokio::test]
async fn a_tap_is_on_the_newest_message_with_that_button_or_on_the_one_that_is_named() {
    let stage = Stage::set().await;
    stage.phone.say("Hello").await.unwrap();
    let (old, new) = (stage.buttons().await, stage.buttons().await);
    stage.send("text", json!({"body": "No buttons here"})).await.unwrap();
    assert_eq!(new.buttons[0], ("I begin".to_owned(), "start:7".to_owned()));
    assert_eq!((&new.template, new.text.as_str()), (&None, "Well?"));
    for (button, tap) in [
        ("I begin", tapped("start:7", "I begin")),
        ("start", tapped("start:7", "I begin")),
        ("decline", tapped("decline:7", "I can't")),
    ] {
        stage.phone.tap(button).await.unwrap();
        let heard = stage.heard();
        assert_eq!((heard.content, heard.replies_to.as_ref()), (tap, Some(&new.wamid)));
    }
    stage.phone.tap_on(&old, "start").await.unwrap();
    assert_eq!(stage.heard().replies_to.as_ref(), Some(&old.wamid));
    for nothing in ["star", "done", ""] {
        let error = stage.phone.tap(nothing).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
    }
    assert!(stage.fake.phone("+12025550123").tap("start").await.is_err(), "it is another phone's");
}

#[tokio::test]
async fn a_templates_buttons_are_taken_and_tapped() {
    let stage = Stage::set().await;
    let mut body: Value = serde_json::from_slice(&stage.fake.messages()[0].body).unwrap();
    let button = |index: Value, payload: &str| {
        json!({"type": "button", "sub_type": "quick_reply", "index": index,
            "parameters": [{"type": "payload", "payload": payload}]})
    };
    let mut components = body["template"]["components"].as_array().unwrap().clone();
    components.retain(|component| component["type"] == "body");
    let mut send = async |buttons: Vec<Value>| {
        body["template"]["components"] = [components.clone(), buttons].concat().into();
        stage.send_body(body.clone()).await
    };
    let taken = send(vec![button("0".into(), "start:7"), button("1".into(), "decline:7")]).await.unwrap();
    assert_eq!(taken.buttons.len(), 2);
    assert_eq!(taken.template.as_deref(), Some("maintenance_request"));
    stage.phone.tap("decline").await.unwrap();
    let body: Value = serde_json::from_slice(stage.posts().last().unwrap()).unwrap();
    let message = &body["entry"][0]["changes"][0]["value"]["messages"][0];
    assert_eq!((&message["type"], &message["button"]["payload"]), (&json!("button"), &json!("decline:7")));
    assert_eq!(stage.heard().content, tapped("decline:7", "I can't do it"));
    for (wrong, code) in [
        (button(0.into(), "start:7"), 132_018),
        (button("x".into(), "start:7"), 132_018),
        (button("0".into(), ""), 131_008),
        (button("2".into(), "start:7"), 132_018),
        (button("0".into(), &"x".repeat(129)), 132_018),
        (json!({"type": "button", "sub_type": "url", "index": "0", "parameters": []}), 132_018),
        (json!({"type": "button", "sub_type": "quick_reply", "index": "0"}), 131_008),
    ] {
        assert_eq!(send(vec![wrong.clone()]).await.unwrap_err(), code, "{wrong}");
    }
}

#[tokio::test]
async fn a_row_of_a_list_is_chosen_by_its_title_or_its_request() {
    let stage = Stage::set().await;
    stage.phone.say("Hello").await.unwrap();
    let rows = json!([
        {"id": "choose:7:0b7c1d7e", "title": "#12 Sink leaks", "description": "Kitchen"},
        {"id": "choose:7:1c8d2e8f", "title": "#13 Door jams"},
    ]);
    let sent = stage.send("interactive", list(&rows)).await.unwrap();
    let row = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(sent.rows[0], row("#12 Sink leaks", "Kitchen", "choose:7:0b7c1d7e"));
    assert_eq!(sent.rows[1], row("#13 Door jams", "", "choose:7:1c8d2e8f"));
    for chosen in ["#13 Door jams", "1c8d2e8f"] {
        stage.phone.choose(chosen).await.unwrap();
        let heard = stage.heard();
        assert_eq!(heard.content, tapped("choose:7:1c8d2e8f", "#13 Door jams"));
        assert_eq!(heard.replies_to.as_ref(), Some(&sent.wamid));
    }
    assert!(stage.phone.choose("another").await.is_err());
}

#[tokio::test]
async fn files_places_reactions_and_what_cannot_be_passed_on_come_as_they_are() {
    let stage = Stage::set().await;
    let mut ids = vec![];
    for (message, kind, mime, name, caption) in [
        (
            stage.phone.photo(vec![1]).caption("The leak"),
            FileKind::Image,
            "image/jpeg",
            None,
            Some("The leak"),
        ),
        (
            stage.phone.document("bill.pdf", vec![2]),
            FileKind::Document,
            "application/pdf",
            Some("bill.pdf"),
            None,
        ),
        (stage.phone.voice(vec![3]), FileKind::Audio, "audio/ogg; codecs=opus", None, None),
    ] {
        message.await.unwrap();
        let InboundContent::File(file) = stage.heard().content else { panic!("it is a file") };
        assert_eq!((file.kind, file.mime_type.as_deref()), (kind, Some(mime)));
        assert_eq!((file.file_name.as_deref(), file.caption.as_deref()), (name, caption));
        assert_eq!(file.sha256.unwrap().len(), 64);
        ids.push(file.media_id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);

    stage.phone.location(38.9, -77.0).await.unwrap();
    let place = InboundContent::Location { latitude: 38.9, longitude: -77.0, name: None };
    assert_eq!(stage.heard().content, place);

    let ours = &stage.fake.messages()[0];
    for (emoji, read) in [("👍", Some("👍".to_owned())), ("", None)] {
        stage.phone.react(ours, emoji).await.unwrap();
        let reaction = InboundContent::Reaction { message_id: ours.wamid.clone(), emoji: read };
        assert_eq!(stage.heard().content, reaction);
    }

    stage.phone.unsupported().await.unwrap();
    assert_eq!(stage.heard().content, InboundContent::Unsupported);

    stage.phone.change_number("+12025550199").await.unwrap();
    let changed = stage.heard();
    assert_eq!(changed.content, InboundContent::NumberChanged { wa_id: "12025550199".to_owned() });
    assert_eq!(changed.from, Sender::number("16505551234"));
}

#[tokio::test]
async fn a_phone_that_hides_its_number_is_known_by_its_id_alone() {
    let stage = Stage::set().await;
    stage.phone.hide_number();
    stage.phone.say("Hello").await.unwrap();
    let from = stage.heard().from;
    assert_eq!(from.wa_id, None);
    assert!(from.user_id.as_ref().unwrap().starts_with("US."));
    stage.fake.post(&[stage.fake.messages()[0].status("delivered")]).await.unwrap();
    assert_eq!(stage.read().reached, [(0, from)]);
    for post in stage.posts() {
        assert!(!String::from_utf8_lossy(&post).contains("16505551234"));
    }
}

#[tokio::test]
async fn a_message_to_a_phone_that_blocks_the_business_fails_by_webhook() {
    let stage = Stage::set().await;
    stage.phone.say("Hello").await.unwrap();
    stage.phone.block();
    stage.send("text", json!({"body": "Are you there?"})).await.unwrap();
    stage.fake.webhooks_done().await;
    let webhook = stage.read();
    let error = webhook.updates[0].error.as_ref().unwrap();
    assert_eq!((webhook.updates.len(), error.code.as_str()), (1, "131026"));
}

#[tokio::test]
async fn a_phones_newest_post_comes_again_byte_for_byte() {
    let stage = Stage::set().await;
    assert!(stage.phone.again().await.is_err());
    stage.phone.say("Hello").await.unwrap();
    stage.fake.phone("+12025550123").say("Not me").await.unwrap();
    stage.clock.pass(Duration::from_mins(1));
    assert_eq!(stage.phone.again().await.unwrap(), 200);
    let posts = stage.posts();
    assert_eq!((posts.len(), &posts[2]), (3, &posts[0]));
}

#[tokio::test]
async fn ten_messages_in_one_post_with_the_fourth_broken_are_nine() {
    let stage = Stage::set().await;
    let other = stage.fake.phone("+12025550123");
    let mut messages: Vec<_> = (0..10).map(|n| stage.phone.say(n.to_string())).collect();
    messages[3] = stage.phone.photo(vec![]).broken();
    messages[7] = other.say("7");
    messages[9] = messages[8].clone();
    assert_eq!(stage.fake.post_together(&messages).await.unwrap(), 200);
    let webhook = stage.read();
    assert_eq!((webhook.inbound.len(), webhook.problems.len()), (9, 1));
    assert_eq!(webhook.problems[0].path, "entry[0].changes[0].value.messages[3]");
    assert_eq!(webhook.inbound[6].from, Sender::number("12025550123"));
    assert_eq!(webhook.inbound[7].provider_message_id, webhook.inbound[8].provider_message_id);
    assert_eq!(webhook.inbound[7].provider_message_id, messages[8].wamid());
}

#[tokio::test]
async fn what_is_not_answered_200_is_repeated_until_it_is_and_not_for_ever() {
    let stage = Stage::set().await;
    stage.answers(503);
    assert_eq!(stage.phone.say("Hello").await.unwrap(), 503);
    assert_eq!(stage.phone.say("Anybody?").await.unwrap(), 503);
    assert_eq!(stage.fake.redeliver().await, 2);
    stage.answers(200);
    assert_eq!(stage.fake.redeliver().await, 0);
    let posts = stage.posts();
    assert_eq!((posts.len(), &posts[4..]), (6, &posts[..2]));
    assert_eq!(stage.fake.redeliver().await, 0);
    assert_eq!(stage.posts().len(), 6);
    stage.answers(503);
    stage.phone.say("Hello?").await.unwrap();
    while stage.fake.redeliver().await > 0 {}
    assert_eq!(stage.posts().len(), 6 + 1 + 10);
}

#[tokio::test]
async fn a_conversation_is_open_for_a_day_after_the_phone_wrote() {
    let stage = Stage::set().await;
    let send = async || stage.send("text", json!({"body": "Hello", "preview_url": false})).await.map(drop);
    assert_eq!(send().await, Err(131_047));
    stage.phone.change_number("+12025550199").await.unwrap();
    assert_eq!(send().await, Err(131_047), "no person wrote that");
    stage.phone.say("Hello").late(Duration::from_hours(1)).await.unwrap();
    assert_eq!(send().await, Ok(()));
    stage.clock.pass(Duration::from_hours(23) - Duration::from_secs(1));
    assert_eq!(send().await, Ok(()));
    stage.clock.pass(Duration::from_secs(1));
    assert_eq!(send().await, Err(131_047));
    assert_eq!(stage.send("interactive", buttons(&[("A", "a")])).await.unwrap_err(), 131_047);
    assert_eq!(stage.phone.messages().len(), 3);
}

#[tokio::test]
async fn messages_of_a_conversation_must_be_as_the_api_wants_them() {
    let stage = Stage::set().await;
    stage.phone.say("Hello").await.unwrap();
    let text = |body: &str| json!({"body": body});
    let long = |n: usize| "x".repeat(n);
    let row = |title: &str, id: &str| json!({"title": title, "id": id});
    let rows = |n: usize| Value::from((0..n).map(|n| row("A", &n.to_string())).collect::<Vec<_>>());
    let with = |mut content: Value, path: &str, value: Value| {
        *content.pointer_mut(path).unwrap() = value;
        content
    };
    let two = || list(&rows(2));
    for (kind, content, answer) in [
        ("text", text(&"é".repeat(4_096)), Ok(())),
        ("text", text(&long(4_097)), Err(100)),
        ("text", text(""), Err(100)),
        ("text", json!({}), Err(131_008)),
        ("text", json!("Hello"), Err(131_008)),
        ("text", json!({"body": "a", "preview_url": "no"}), Err(100)),
        ("text", json!({"body": "a", "colour": "red"}), Err(100)),
        ("interactive", buttons(&[(&long(20), &long(256)), ("B", "b"), ("C", "c")]), Ok(())),
        ("interactive", buttons(&[]), Err(131_009)),
        ("interactive", buttons(&[("A", "a"), ("B", "b"), ("C", "c"), ("D", "d")]), Err(131_009)),
        ("interactive", buttons(&[(&long(21), "a")]), Err(131_009)),
        ("interactive", buttons(&[("A", &long(257))]), Err(131_009)),
        ("interactive", buttons(&[("A", "a"), ("A", "b")]), Err(131_009)),
        ("interactive", buttons(&[("A", "a"), ("B", "a")]), Err(131_009)),
        ("interactive", with(buttons(&[("A", "a")]), "/body/text", long(1_025).into()), Err(131_009)),
        ("interactive", with(buttons(&[("A", "a")]), "/type", "carousel".into()), Err(131_009)),
        ("interactive", list(&rows(10)), Ok(())),
        ("interactive", list(&rows(11)), Err(131_009)),
        ("interactive", list(&rows(0)), Err(131_009)),
        ("interactive", list(&json!([row(&long(25), "a")])), Err(131_009)),
        ("interactive", list(&json!([row("A", &long(201))])), Err(131_009)),
        ("interactive", list(&json!([row("A", "a"), row("B", "a")])), Err(131_009)),
        ("interactive", list(&json!([{"title": "A", "id": "a", "description": long(73)}])), Err(131_009)),
        ("interactive", with(two(), "/body/text", long(4_096).into()), Ok(())),
        ("interactive", with(two(), "/body/text", long(4_097).into()), Err(131_009)),
        ("interactive", with(two(), "/action/button", long(21).into()), Err(131_009)),
        ("interactive", with(two(), "/action/sections", json!([])), Err(131_009)),
        ("interactive", with(two(), "/action", json!(null)), Err(131_008)),
        ("interactive", with(two(), "/body", json!(null)), Err(131_008)),
    ] {
        let answered = stage.send(kind, content.clone()).await.map(drop);
        assert_eq!(answered, answer, "{kind} {content}");
    }
    let body = |name: &str, value: Value| {
        json!({"messaging_product": "whatsapp", "recipient_type": "individual", "to": TO, "type": "text",
            "text": {"body": "a"}, name: value})
    };
    let quoting = stage.send_body(body("context", json!({"message_id": "wamid.A"}))).await.unwrap();
    assert_eq!(quoting.replies_to.as_deref(), Some("wamid.A"));
    assert_eq!(stage.send_body(body("context", json!({}))).await.unwrap_err(), 131_009);
    assert_eq!(stage.send_body(body("priority", json!("high"))).await.unwrap_err(), 100);
}

#[tokio::test]
async fn beyond_the_pace_messages_are_refused_until_time_has_passed() {
    let stage = Stage::set().await;
    let other = stage.fake.phone("+12025550123");
    stage.phone.say("Hello").await.unwrap();
    other.say("Hello").await.unwrap();
    let pacing =
        Pacing { number_per_second: 3, recipient_burst: 2, recipient_interval: Duration::from_secs(6) };
    stage.fake.pacing(pacing);
    let send = async |to: &str| {
        let body = json!({"messaging_product": "whatsapp", "recipient_type": "individual", "to": to,
            "type": "text", "text": {"body": "a"}});
        stage.send_body(body).await.map(drop)
    };
    assert_eq!([send(TO).await, send(TO).await, send(TO).await], [Ok(()), Ok(()), Err(131_056)]);
    assert_eq!([send("+12025550123").await, send("+12025550123").await], [Ok(()), Err(130_429)]);
    stage.clock.pass(Duration::from_secs(1));
    assert_eq!([send("+12025550123").await, send(TO).await], [Ok(()), Err(131_056)]);
    stage.clock.pass(Duration::from_secs(5));
    assert_eq!([send(TO).await, send(TO).await], [Ok(()), Err(131_056)]);
}

#[tokio::test]
async fn no_number_and_no_text_is_shown() {
    let stage = Stage::set().await;
    let message = stage.phone.say("Sheena's kitchen");
    let shown = format!("{:?} {message:?} {:?}", stage.phone, stage.fake.messages());
    assert!(shown.contains(message.wamid()), "{shown}");
    for private in ["6505551234", "Sheena", "Sink"] {
        assert!(!shown.contains(private), "{shown}");
    }
}
