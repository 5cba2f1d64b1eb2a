//! The example `axum-host`, driven over HTTP as its callers do, on SQLite and on PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code: a failed expectation is its result"
)]

use std::net::SocketAddr;

use maintenance_examples::axum_host::{
    Channel, Host, Settings,
    demo::{CARETAKER, HOUSEHOLDS, LANDLORD, PLUMBER},
};
#[cfg(feature = "postgres")]
use maintenance_tests::databases::Schema;
use maintenance_whatsapp::fake::Automatic;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use uuid::Uuid;

/// A running host, with the database that must outlive it.
struct Backend<D> {
    host: Host,
    client: Client,
    url: String,
    database: D,
}

const KEY: &str = "idempotency-key";

fn renter(n: usize) -> String {
    format!("renter:{}", HOUSEHOLDS[n].renter)
}

fn plumber() -> String {
    format!("worker:{PLUMBER}")
}

fn landlord() -> String {
    format!("landlord:{LANDLORD}")
}

/// The type of a problem of the engine's.
fn engine(word: &str) -> Value {
    format!("urn:maintenance:{word}").into()
}

fn sink() -> Value {
    json!({
        "title": "The sink leaks", "description": "Water under the kitchen sink.", "location": "Kitchen",
        "priority": "high", "specialty": "plumbing",
    })
}

impl<D> Backend<D> {
    async fn start(url: String, database: D) -> Self {
        let listen = ([127, 0, 0, 1], 0).into();
        let settings =
            Settings { database_url: url.clone().into(), listen, channel: Channel::Fake(Automatic::Off) };
        Self { host: Host::start(settings).await.unwrap(), client: Client::new(), url, database }
    }

    /// Calls as that user; returns status and JSON.
    async fn send(&self, method: Method, user: &str, path: &str, body: &Value, key: &str) -> (u16, Value) {
        let url = format!("http://{}{path}", self.host.address());
        let mut request = self.client.request(method, url).header("x-user", user);
        if !key.is_empty() {
            request = request.header(KEY, key);
        }
        if !body.is_null() {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        if status >= 400 {
            assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
        }
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }

    async fn get(&self, user: &str, path: &str) -> (u16, Value) {
        self.send(Method::GET, user, path, &Value::Null, "").await
    }

    async fn post(&self, user: &str, path: &str, body: Value) -> (u16, Value) {
        self.send(Method::POST, user, path, &body, "").await
    }

    async fn file(&self, n: usize, body: Value) -> String {
        let (status, filed) = self.post(&renter(n), "/renter/requests", body).await;
        assert_eq!(status, 201, "{filed}");
        filed["id"].as_str().unwrap().to_owned()
    }

    async fn stop(self) {
        assert!(self.host.stop().await);
    }
}

/// A story on SQLite, and on PostgreSQL.
macro_rules! on_each_database {
    ($($story:ident)*) => {$(
        mod $story {
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", folder.path().join("host.sqlite").display());
                super::$story(super::Backend::start(url, folder).await).await;
            }

            #[cfg(feature = "postgres")]
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                let schema = super::Schema::empty().await;
                let url = super::url(&schema);
                super::$story(super::Backend::start(url, schema).await).await;
            }
        }
    )*};
}

/// The address by which a host comes to that schema.
#[cfg(feature = "postgres")]
fn url(schema: &Schema) -> String {
    let options = schema.options();
    let name = options.get_application_name().unwrap();
    let server = std::env::var("MAINTENANCE_TEST_DATABASE_URL").unwrap();
    let and = if server.contains('?') { '&' } else { '?' };
    format!("{server}{and}application_name={name}&options[search_path]={name}")
}

on_each_database! {
    a_request_goes_from_the_renter_to_the_worker_and_is_done
    a_renter_sees_and_cancels_only_their_own
    what_is_wrong_is_told_all_at_once
    one_idempotency_key_files_one_request
    a_host_row_that_fails_takes_the_request_with_it
    rules_and_races_have_their_own_answers
    a_request_is_edited_and_waits
    a_landlord_keeps_the_board_and_the_team
    a_landlord_finds_requests_by_all_that_screens_ask_for
    the_caller_must_say_who_they_are
    the_end_is_orderly
}

async fn a_request_goes_from_the_renter_to_the_worker_and_is_done<D>(backend: Backend<D>) {
    let mut form = sink();
    form["reference"] = "A-1".into();
    let id = backend.file(0, form).await;

    let fake = backend.host.fake().unwrap();
    let messages = fake.wait_for_messages(1).await;
    assert_eq!(messages[0].to, "+12025550111");
    assert!(messages[0].text.contains("Renter: Riverside renter, phone +12025550100"));
    assert_eq!(fake.post(&[messages[0].status("read")]).await.unwrap(), 200);

    let path = |what: &str| format!("/worker/requests/{id}{what}");
    let (status, list) = backend.get(&plumber(), "/worker/requests?status=pending").await;
    assert_eq!((status, list["items"][0]["id"].as_str()), (200, Some(id.as_str())));
    assert_eq!(backend.post(&plumber(), &path("/start"), Value::Null).await.0, 200);
    let comment = json!({"comment": "On my way."});
    assert_eq!(backend.post(&plumber(), &path("/comments"), comment).await.0, 200);
    let note = json!({"note": "New washer."});
    assert_eq!(backend.post(&plumber(), &path("/complete"), note).await.0, 200);

    let (status, all) = backend.get(&landlord(), &format!("/landlord/requests/{id}")).await;
    assert_eq!(status, 200);
    let record = &all["record"];
    assert_eq!(record["request"]["status"], "completed");
    assert_eq!(record["request"]["whatsapp_status"], "read");
    assert_eq!(record["request"]["assigned_worker_id"], PLUMBER.to_string());
    assert_eq!(record["notifications"][0]["status"], "read");
    assert_eq!(record["comments"][0]["comment"], "On my way.");
    let moves: Vec<_> = record["history"].as_array().unwrap().iter().map(|row| &row["new_status"]).collect();
    assert_eq!(moves, ["in_progress", "completed"]);
    let assigned = &record["assignments"][0];
    assert_eq!((&assigned["cause"], &assigned["new_worker_id"]), (&json!("filed"), &json!(PLUMBER)));
    assert_eq!(assigned["ranking"][0]["worker_id"], json!(PLUMBER), "and why they were chosen");
    assert_eq!(all["intake"]["reference"], "A-1", "the host's own row");

    let (status, own) = backend.get(&renter(0), &format!("/renter/requests/{id}")).await;
    assert_eq!((status, &own["record"]["request"]["status"]), (200, &json!("completed")));
    for landlords in ["notifications", "assignments"] {
        assert_eq!(own["record"][landlords], Value::Null, "{landlords} are not the renter's to see");
    }
    let (status, reopened) = backend
        .post(&renter(0), &format!("/renter/requests/{id}/reopen"), json!({"note": "It drips."}))
        .await;
    assert_eq!((status, &reopened["status"]), (200, &json!("in_progress")));
    fake.wait_for_messages(2).await;
    backend.stop().await;
}

async fn a_renter_sees_and_cancels_only_their_own<D>(backend: Backend<D>) {
    let id = backend.file(0, sink()).await;
    let path = format!("/renter/requests/{id}");
    let nobody = backend.get(&renter(1), &format!("/renter/requests/{}", Uuid::from_u128(7))).await;
    let others = backend.get(&renter(1), &path).await;
    assert_eq!((nobody.0, others.0), (404, 404));
    assert_eq!(nobody.1["type"], others.1["type"]);
    for what in ["cancel", "reopen", "comments"] {
        let body = json!({"note": "mine", "comment": "mine"});
        let body = if what == "comments" { body } else { json!({"note": "mine"}) };
        assert_eq!(backend.post(&renter(1), &format!("{path}/{what}"), body).await.0, 404, "{what}");
    }
    let (_, list) =
        backend.get(&renter(1), &format!("/renter/requests?renter_id={}", HOUSEHOLDS[0].renter)).await;
    assert_eq!(list["items"], json!([]), "whatever they ask for");
    let caretaker = format!("worker:{CARETAKER}");
    assert_eq!(backend.get(&caretaker, &format!("/worker/requests/{id}")).await.0, 404);

    let (status, own) = backend.get(&renter(0), &path).await;
    assert_eq!((status, &own["record"]["request"]["status"]), (200, &json!("pending")));
    let (status, cancelled) = backend.post(&renter(0), &format!("{path}/cancel"), Value::Null).await;
    assert_eq!((status, &cancelled["status"]), (200, &json!("cancelled")));

    // Somebody else's id as an idempotency key reveals nothing about the request filed under it.
    let (status, taken) = backend.send(Method::POST, &renter(1), "/renter/requests", &sink(), &id).await;
    assert_eq!((status, &taken["type"], &taken["fields"]), (409, &engine("reused"), &Value::Null));
    assert!(!taken.to_string().contains(&HOUSEHOLDS[0].renter.to_string()));
    backend.stop().await;
}

async fn what_is_wrong_is_told_all_at_once<D>(backend: Backend<D>) {
    let form = json!({"title": "  ", "priority": "urgent", "reference": ""});
    let (status, told) = backend.send(Method::POST, &renter(0), "/renter/requests", &form, "no uuid").await;
    assert_eq!((status, &told["type"], &told["status"]), (422, &engine("invalid"), &json!(422)));
    let fields: Vec<_> = told["fields"].as_array().unwrap().iter().map(|field| &field["field"]).collect();
    assert_eq!(fields, ["title", "description", "location", "Idempotency-Key", "priority", "reference"]);
    let (status, told) = backend.post(&renter(0), "/renter/requests", json!({"titel": "x"})).await;
    assert_eq!((status, &told["type"]), (400, &json!("urn:axum-host:unreadable")));
    for (query, status) in [
        ("status=done", 422),
        ("size=0", 422),
        ("after=x", 422),
        ("complex_id=x", 422),
        ("specialty=7", 422),
        ("text=-", 422),
        ("number=seven", 422),
        ("order=random", 400),
        ("sice=3", 400),
    ] {
        let (told, body) = backend.get(&landlord(), &format!("/landlord/requests?{query}")).await;
        assert_eq!(told, status, "{query}: {body}");
    }
    backend.stop().await;
}

async fn a_landlord_finds_requests_by_all_that_screens_ask_for<D>(backend: Backend<D>) {
    let mut ids = Vec::new();
    for (title, priority) in [("The sink leaks", "high"), ("No hot water", "emergency"), ("A door", "low")] {
        let mut form = sink();
        (form["title"], form["priority"]) = (title.into(), priority.into());
        ids.push(backend.file(0, form).await);
    }
    let note = json!({"comment": "The boiler is off."});
    let (status, _) =
        backend.post(&landlord(), &format!("/landlord/requests/{}/comments", ids[2]), note).await;
    assert_eq!(status, 200);
    let (_, all) = backend.get(&landlord(), "/landlord/requests").await;
    let number = all["items"][0]["number"].as_u64().unwrap();
    let complexes = format!("{},{}", HOUSEHOLDS[0].complex, Uuid::from_u128(7));
    for (query, expected) in [
        ("order=oldest_first".to_owned(), vec![0, 1, 2]),
        ("order=urgent_first".to_owned(), vec![1, 0, 2]),
        (format!("complex_id={complexes}&order=longest_waiting"), vec![0, 1, 2]),
        ("order=recently_completed".to_owned(), vec![]),
        ("priority=low,high".to_owned(), vec![2, 0]),
        ("text=hot+wat".to_owned(), vec![1]),
        ("text=boiler".to_owned(), vec![2]),
        (format!("number=%23{number}"), vec![2]),
        ("specialty=Plumbing&absent_worker=false&size=1".to_owned(), vec![2]),
        ("absent_worker=true".to_owned(), vec![]),
        ("updated_since=2100-01-01T00:00:00Z".to_owned(), vec![]),
        ("completed_from=2000-01-01T00:00:00Z".to_owned(), vec![]),
    ] {
        let (status, found) = backend.get(&landlord(), &format!("/landlord/requests?{query}")).await;
        let found: Vec<_> = found["items"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
        let expected: Vec<_> = expected.into_iter().map(|n: usize| json!(ids[n])).collect();
        assert_eq!((status, found), (200, expected.iter().collect()), "{query}");
    }
    backend.stop().await;
}

async fn one_idempotency_key_files_one_request<D>(backend: Backend<D>) {
    let key = Uuid::from_u128(0x1_4000_8000_0000_0000_0001).to_string();
    let file = |form| {
        let (backend, key) = (&backend, key.as_str());
        async move { backend.send(Method::POST, &renter(0), "/renter/requests", &form, key).await }
    };
    let (first, second) = (file(sink()).await, file(sink()).await);
    assert_eq!((first.0, second.0), (201, 200));
    assert_eq!(first.1["id"], key);
    assert_eq!(second.1["id"], key);
    let mut other = sink();
    other["location"] = "Bath".into();
    let (status, reused) = file(other).await;
    assert_eq!((status, &reused["fields"][0]["field"]), (409, &json!("location")));
    let (_, list) = backend.get(&renter(0), "/renter/requests").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    backend.stop().await;
}

async fn a_host_row_that_fails_takes_the_request_with_it<D>(backend: Backend<D>) {
    let mut form = sink();
    form["reference"] = "A-1".into();
    let first = backend.file(0, form.clone()).await;
    let key = Uuid::from_u128(0x2_4000_8000_0000_0000_0001).to_string();
    let (status, taken) = backend.send(Method::POST, &renter(0), "/renter/requests", &form, &key).await;
    assert_eq!((status, &taken["type"]), (409, &json!("urn:axum-host:reference-taken")));
    assert_eq!(backend.get(&landlord(), &format!("/landlord/requests/{key}")).await.0, 404);

    // The next message is that of the next request: the one taken back left none in the outbox.
    let third = backend.file(0, sink()).await;
    let messages = backend.host.fake().unwrap().wait_for_messages(2).await;
    let about = |id: &str| messages.iter().filter(|message| message.text.contains(id)).count();
    assert_eq!((messages.len(), about(&first), about(&third), about(&key)), (2, 1, 1, 0));
    backend.stop().await;
}

async fn rules_and_races_have_their_own_answers<D>(backend: Backend<D>) {
    let id = backend.file(0, sink()).await;
    let status = format!("/landlord/requests/{id}/status");
    let to = |to: &str, from: &str| json!({"to": to, "from": from});
    let (code, conflict) = backend.post(&landlord(), &status, to("in_progress", "completed")).await;
    assert_eq!(
        (code, &conflict["request_status"]),
        (409, &json!("pending")),
        "not where the landlord saw it"
    );
    let (code, refused) = backend.post(&landlord(), &status, json!({"to": "completed"})).await;
    assert_eq!((code, &refused["type"]), (409, &engine("no-such-transition")));
    assert_eq!(backend.post(&plumber(), &format!("/worker/requests/{id}/start"), Value::Null).await.0, 200);
    let (code, refused) =
        backend.post(&renter(0), &format!("/renter/requests/{id}/cancel"), Value::Null).await;
    assert_eq!((code, &refused["type"]), (403, &engine("not-allowed")), "work has begun");
    let back = format!("/worker/requests/{id}/hand-back");
    let (code, refused) = backend.post(&plumber(), &back, Value::Null).await;
    assert_eq!((code, &refused["fields"][0]["field"]), (422, &json!("note")));
    assert_eq!(backend.post(&plumber(), &back, json!({"note": "No parts."})).await.0, 200);
    assert_eq!(backend.post(&landlord(), &status, json!({"to": "cancelled"})).await.0, 200);
    let assign = json!({"worker_id": CARETAKER});
    let (code, over) = backend.post(&landlord(), &format!("/landlord/requests/{id}/assign"), assign).await;
    assert_eq!((code, &over["request_status"]), (409, &json!("cancelled")));
    backend.stop().await;
}

async fn a_request_is_edited_and_waits<D>(backend: Backend<D>) {
    let id = backend.file(0, sink()).await;
    let edit = async |user: &str, role: &str, body: Value| {
        backend.send(Method::PATCH, user, &format!("/{role}/requests/{id}"), &body, "").await
    };
    let record = async || backend.get(&landlord(), &format!("/landlord/requests/{id}")).await.1;
    while record().await["record"]["request"]["whatsapp_status"] != "sent" {}
    let title = json!({"title": "The tap leaks"});
    assert_eq!(edit(&renter(1), "renter", title.clone()).await.0, 404);
    let (status, edited) = edit(&renter(0), "renter", title).await;
    assert_eq!((status, &edited["title"], &edited["version"]), (200, &json!("The tap leaks"), &json!(2)));
    let fake = backend.host.fake().unwrap();
    let told = fake.wait_for_messages(2).await.pop().unwrap();
    assert!(told.text.starts_with("Your maintenance request was changed: The tap leaks\nPriority: high\n"));

    let (status, refused) = edit(&renter(0), "renter", json!({"priority": "emergency"})).await;
    assert_eq!((status, &refused["type"]), (403, &engine("not-allowed")));
    let urgent = |version: u32| json!({"priority": "emergency", "specialty": null, "version": version});
    let (status, late) = edit(&landlord(), "landlord", urgent(1)).await;
    assert_eq!((status, &late["type"]), (409, &engine("version-conflict")));
    let (status, wrong) = edit(&landlord(), "landlord", json!({"title": "", "location": ""})).await;
    assert_eq!((status, wrong["fields"].as_array().unwrap().len()), (422, 2));
    assert_eq!(edit(&landlord(), "landlord", urgent(2)).await.0, 200);
    let told = fake.wait_for_messages(3).await.pop().unwrap();
    assert!(told.text.contains("Priority: emergency\nTrade: not stated"), "{}", told.text);
    assert_eq!(edit(&plumber(), "worker", json!({"specialty": "plumbing"})).await.0, 200);

    let path = format!("/worker/requests/{id}/hold");
    let past = json!({"reason": "waiting for parts", "until": "2020-01-01T00:00:00Z"});
    let (status, wrong) = backend.post(&plumber(), &path, past).await;
    assert_eq!((status, &wrong["fields"][0]["field"]), (422, &json!("until")));
    let (status, held) = backend.post(&plumber(), &path, json!({"reason": "waiting for parts"})).await;
    assert_eq!((status, &held["status"]), (200, &json!("pending")));
    assert_eq!(held["hold"], json!({"reason": "waiting for parts", "until": null}));
    let resume = format!("/landlord/requests/{id}/resume");
    let (status, resumed) = backend.post(&landlord(), &resume, Value::Null).await;
    assert_eq!((status, &resumed["hold"]), (200, &Value::Null));
    let (_, own) = backend.get(&renter(0), &format!("/renter/requests/{id}")).await;
    let edits = own["record"]["edits"].as_array().unwrap();
    assert_eq!((edits.len(), &edits[0]["before"]), (6, &json!("The sink leaks")));
    backend.stop().await;
}

async fn a_landlord_keeps_the_board_and_the_team<D>(backend: Backend<D>) {
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(backend.file(0, sink()).await);
    }
    let complex = HOUSEHOLDS[0].complex;
    let (_, board) = backend.get(&landlord(), &format!("/landlord/board?complex_id={complex}")).await;
    assert_eq!((&board["pending"]["count"], &board["completed"]["count"]), (&json!(3), &json!(0)));
    assert_eq!(board["pending"]["newest"]["items"][0]["id"], json!(ids[2]));

    let list = "/landlord/requests?status=pending,in_progress&priority=high&size=2";
    let (_, first) = backend.get(&landlord(), list).await;
    let next = first["next"].as_str().unwrap();
    let (_, second) = backend.get(&landlord(), &format!("{list}&after={next}")).await;
    assert_eq!((first["items"].as_array().unwrap().len(), &second["items"][0]["id"]), (2, &json!(ids[0])));
    assert_eq!(second["next"], Value::Null);

    let worker = json!({
        "first_name": "Riverside", "last_name": "Roofer", "phone_number": "+12025550112",
        "email": "roofer@example.com", "specialties": ["roofing"],
    });
    let (status, worker) = backend.post(&landlord(), "/landlord/workers", worker).await;
    assert_eq!(status, 201);
    let roofer = worker["id"].as_str().unwrap();
    let place = format!("/landlord/complexes/{complex}/workers/{roofer}");
    let put = |path: String| {
        let backend = &backend;
        async move { backend.send(Method::PUT, &landlord(), &path, &Value::Null, "").await.0 }
    };
    assert_eq!(put(place.clone()).await, 200);
    assert_eq!(put(format!("/landlord/complexes/{}/workers/{roofer}", Uuid::from_u128(7))).await, 404);
    let (_, roofers) = backend.get(&landlord(), "/landlord/workers?specialty=roofing").await;
    assert_eq!(roofers["items"][0]["id"], *roofer);

    let assign = json!({"worker_id": roofer});
    let (_, given) =
        backend.post(&landlord(), &format!("/landlord/requests/{}/assign", ids[0]), assign).await;
    assert_eq!(given["assigned_worker_id"], *roofer);
    let leave = json!({"status": "on_leave"});
    let (_, away) = backend.post(&landlord(), &format!("/landlord/workers/{roofer}/status"), leave).await;
    assert_eq!(away["status"], "on_leave");
    let (status, again) =
        backend.post(&landlord(), &format!("/landlord/requests/{}/select", ids[0]), Value::Null).await;
    assert_eq!((status, &again["selection"]["chosen"]), (200, &json!(PLUMBER)));
    let away = backend.send(Method::DELETE, &landlord(), &place, &Value::Null, "").await;
    assert_eq!(away.0, 204);
    backend.stop().await;
}

async fn the_caller_must_say_who_they_are<D>(backend: Backend<D>) {
    for (user, status) in
        [("", 401), ("renter", 401), ("renter:x", 401), (&*plumber(), 403), (&*landlord(), 403)]
    {
        assert_eq!(backend.get(user, "/renter/requests").await.0, status, "{user}");
    }
    assert_eq!(backend.get(&renter(0), "/landlord/board").await.0, 403);
    let stranger = format!("renter:{}", Uuid::from_u128(7));
    assert_eq!(backend.post(&stranger, "/renter/requests", sink()).await.0, 404);
    assert_eq!(backend.get("", "/nowhere").await.0, 404);
    backend.stop().await;
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
async fn start_error(database_url: &str, listen: SocketAddr, channel: Channel) -> String {
    let settings = Settings { database_url: database_url.into(), listen, channel };
    let Err(error) = Host::start(settings).await else { panic!("started") };
    error.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_cannot_start_says_what_is_wrong_and_what_would_be_right() {
    let fake = || Channel::Fake(Automatic::Off);
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let taken = tokio::net::TcpListener::bind(free).await.unwrap();
    let port = taken.local_addr().unwrap();
    let closed = {
        let listener = tokio::net::TcpListener::bind(free).await.unwrap();
        listener.local_addr().unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let real = |token: &str, app_secret: &str| Channel::Real {
        token: token.into(),
        phone_number_id: "106540352242922".to_owned(),
        template: "maintenance_request".to_owned(),
        app_secret: app_secret.into(),
        verify_token: "token".into(),
    };
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
            start_error("sqlite:x", free, real("pass-word\n", "secret")).await,
            ["WHATSAPP_TOKEN".to_owned(), "no space or line break".to_owned()],
        ),
        (
            start_error("sqlite:x", free, real("token", "pass-word\n")).await,
            ["WHATSAPP_APP_SECRET".to_owned(), "remove it".to_owned()],
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
    let from = |given: &'static [(&str, &str)]| {
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

/// The README's commands for this host, from the first variable on.
fn readme_commands(host: SocketAddr) -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let from = readme.find("H=http://127.0.0.1:3000").unwrap();
    let to = from + readme[from..].find("```").unwrap();
    readme[from..to].replace("127.0.0.1:3000", &host.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_s_commands_do_what_they_say_as_often_as_they_are_run() {
    if std::process::Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: curl isn't installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("host.sqlite").display());
    let backend = Backend::start(url, folder).await;
    for run in ["first", "second"] {
        let commands = readme_commands(backend.host.address());
        let shell = tokio::task::spawn_blocking(move || {
            std::process::Command::new("bash").args(["-euc", &commands]).output().unwrap()
        });
        let output = shell.await.unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{run}: {printed}{}", String::from_utf8_lossy(&output.stderr));
        let codes: Vec<_> = printed.lines().filter(|line| line.len() == 3).collect();
        assert_eq!(
            codes,
            [
                "201", "200", "422", "404", "200", "200", "200", "200", "200", "200", "403", "200", "200",
                "200", "200"
            ],
            "{run}: {printed}"
        );
    }
    backend.stop().await;
}
