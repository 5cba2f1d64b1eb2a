//! Two organisations in the same tables, and the numbers that they send by.

use maintenance_examples::axum_host::demo::{ASSISTANT, CARETAKER, HOUSEHOLDS, PLUMBER, PLUMBER2, SENDERS};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::backend::{Backend, landlord, landlord2, renter, sink};

fn assistant() -> String {
    ASSISTANT.to_string()
}

on_each_database! {
    what_belongs_to_another_organisation_does_not_exist
    no_list_shows_another_organisations_requests
    what_two_organisations_call_the_same_stays_apart
    an_assistant_is_a_landlord_of_their_complexes_alone
    each_organisation_and_complex_sends_by_its_number
    a_stopped_channel_stops_no_other
}

/// What South's people try with an id of North's, for which ID stands: method, user, path and body.
type Attempt = (&'static str, String, String, Value);

fn on_a_request() -> Vec<Attempt> {
    let (plumber2, by) = (PLUMBER2.to_string(), json!({"worker_id": PLUMBER2}));
    let landlords = [
        ("GET", "", Value::Null),
        ("PATCH", "", json!({"title": "x"})),
        ("POST", "/status", json!({"to": "cancelled"})),
        ("POST", "/comments", json!({"comment": "x"})),
        ("POST", "/hold", json!({"reason": "x"})),
        ("POST", "/resume", Value::Null),
        ("POST", "/assign", by),
        ("POST", "/unassign", json!({"note": "x"})),
        ("POST", "/select", Value::Null),
        ("POST", "/notify", Value::Null),
    ];
    let landlords = landlords
        .map(|(method, what, body)| (method, landlord2(), format!("/landlord/requests/ID{what}"), body));
    let others = [
        ("GET", &plumber2, "/worker/requests/ID"),
        ("POST", &plumber2, "/worker/requests/ID/start"),
        ("POST", &plumber2, "/worker/requests/ID/hand-back"),
        ("GET", &renter(2), "/renter/requests/ID"),
        ("POST", &renter(2), "/renter/requests/ID/cancel"),
    ];
    let others = others.map(|(method, user, path)| (method, user.clone(), path.to_owned(), Value::Null));
    landlords.into_iter().chain(others).collect()
}

/// Each with the id of North's.
fn on_the_rest(south_request: &str) -> Vec<(String, Attempt)> {
    let (north, south) = (&HOUSEHOLDS[0], &HOUSEHOLDS[2]);
    let (caretaker, complex, renter) =
        (CARETAKER.to_string(), north.complex.to_string(), north.renter.to_string());
    let null = Value::Null;
    [
        (&caretaker, "POST", "/landlord/workers/ID/status".to_owned(), json!({"status": "inactive"})),
        (
            &caretaker,
            "POST",
            format!("/landlord/requests/{south_request}/assign"),
            json!({"worker_id": "ID"}),
        ),
        (&caretaker, "PUT", format!("/landlord/complexes/{}/workers/ID", south.complex), null.clone()),
        (&complex, "GET", "/landlord/complexes/ID/workers".to_owned(), null.clone()),
        (&complex, "PUT", format!("/landlord/complexes/ID/workers/{PLUMBER2}"), null.clone()),
        (&complex, "DELETE", format!("/landlord/complexes/ID/workers/{CARETAKER}"), null.clone()),
        (&renter, "GET", "/landlord/renters/ID/data".to_owned(), null.clone()),
        (&renter, "POST", "/landlord/renters/ID/forget".to_owned(), null),
        (&"default".to_owned(), "PUT", "/landlord/channels/ID/token".to_owned(), json!({"token": "x"})),
    ]
    .map(|(id, method, path, body)| (id.clone(), (method, landlord2(), path, body)))
    .into()
}

async fn what_belongs_to_another_organisation_does_not_exist<D>(backend: Backend<D>) {
    let (north, south) = (backend.file(0, sink()).await, backend.file(2, sink()).await);
    let nobodys = Uuid::from_u128(7).to_string();
    let on_a_request = on_a_request().into_iter().map(|attempt| (north.clone(), attempt));
    for (theirs, (method, user, path, body)) in on_a_request.chain(on_the_rest(&south)) {
        let answer = async |id: &str| {
            let (path, body) = (path.replace("ID", id), body.to_string().replace("ID", id).parse().unwrap());
            let (status, told) = backend.send(method.parse().unwrap(), &user, &path, &body, "").await;
            (status, told.to_string().replace(id, "ID"))
        };
        let (of_north, of_nobody) = (answer(&theirs).await, answer(&nobodys).await);
        assert_eq!(of_north.0, 404, "{method} {path}");
        assert_eq!(of_north, of_nobody, "{method} {path}");
    }
    let untouched = backend.get(&landlord(), &format!("/landlord/requests/{north}")).await;
    assert_eq!((untouched.0, &untouched.1["record"]["request"]["version"]), (200, &json!(1)));
    backend.stop().await;
}

async fn no_list_shows_another_organisations_requests<D>(backend: Backend<D>) {
    let (north, south) = (backend.file(0, sink()).await, backend.file(2, sink()).await);
    let house = &HOUSEHOLDS[0];
    for landlord in [landlord(), landlord2()] {
        backend.until_found(&landlord, "/landlord/requests?text=sink", 1).await;
    }
    for (query, own) in [
        (String::new(), true),
        ("?text=sink".to_owned(), true),
        (format!("?complex_id={}", house.complex), false),
        (format!("?renter_id={}", house.renter), false),
        (format!("?worker_id={PLUMBER}"), false),
        (format!("?property_id={}", house.property), false),
    ] {
        let (_, list) = backend.get(&landlord2(), &format!("/landlord/requests{query}")).await;
        let found: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
        assert!(!found.contains(&&json!(north)), "{query}");
        assert_eq!(found.contains(&&json!(south)), own, "{query}");
    }
    // Nor can a request be moved there.
    let moved = async |property: String| {
        let (path, body) = (format!("/landlord/requests/{south}"), json!({"property_id": property}));
        let (status, told) = backend.send(Method::PATCH, &landlord2(), &path, &body, "").await;
        (status, told.to_string().replace(&property, "ID"))
    };
    let nobodys = moved(Uuid::from_u128(7).to_string()).await;
    assert_eq!((nobodys.0, moved(house.property.to_string()).await), (422, nobodys));
    backend.stop().await;
}

async fn what_two_organisations_call_the_same_stays_apart<D>(backend: Backend<D>) {
    let mut form = sink();
    form["reference"] = "A-1".into();
    let ids = [backend.file(0, form.clone()).await, backend.file(2, form).await];
    for (user, id) in [(landlord(), &ids[0]), (landlord2(), &ids[1])] {
        let (_, all) = backend.get(&user, &format!("/landlord/requests/{id}")).await;
        assert_eq!(all["intake"]["reference"], "A-1");
        let number = &all["record"]["request"]["number"];
        let (_, found) = backend.get(&user, &format!("/landlord/requests?number=%23{number}")).await;
        let found: Vec<_> = found["items"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
        assert_eq!(found, [id], "the number is the organisation's own");
        let (_, board) = backend.get(&user, "/landlord/board").await;
        assert_eq!(board["pending"]["count"], 1);
    }
    // The other's id as a key, and as a new worker's.
    let (status, taken) = backend.send(Method::POST, &renter(2), "/renter/requests", &sink(), &ids[0]).await;
    assert_eq!((status, &taken["fields"]), (409, &Value::Null), "{taken}");
    let worker = json!({
        "id": PLUMBER, "first_name": "A", "last_name": "B", "phone_number": "+12025550130",
        "email": "b@example.com", "specialties": ["plumbing"],
    });
    let (status, taken) = backend.post(&landlord2(), "/landlord/workers", worker).await;
    assert_eq!((status, &taken["type"]), (409, &json!("urn:axum-host:id-taken")));
    backend.stop().await;
}

async fn an_assistant_is_a_landlord_of_their_complexes_alone<D>(backend: Backend<D>) {
    let riverside = backend.file(0, sink()).await;
    let hilltop = backend.file(1, sink()).await;
    let path = |id: &str| format!("/landlord/requests/{id}");
    let found = backend.get(&assistant(), &path(&hilltop)).await.0;
    assert_eq!((found, backend.get(&assistant(), &path(&riverside)).await.0), (200, 404));
    let cancel = json!({"to": "cancelled"});
    assert_eq!(backend.post(&assistant(), &format!("{}/status", path(&riverside)), cancel).await.0, 404);
    let (_, board) = backend.get(&assistant(), "/landlord/board").await;
    assert_eq!(board["pending"]["count"], 1);
    let theirs = format!("/landlord/requests?complex_id={}", HOUSEHOLDS[0].complex);
    assert_eq!(backend.get(&assistant(), &theirs).await, (200, json!({"items": [], "next": null})));
    let edit = json!({"priority": "low"});
    assert_eq!(backend.send(Method::PATCH, &assistant(), &path(&hilltop), &edit, "").await.0, 200);
    for path in ["/landlord/workers", &format!("/landlord/renters/{}/data", HOUSEHOLDS[1].renter)] {
        assert_eq!(backend.get(&assistant(), path).await.0, 403, "{path}");
    }
    let token = json!({"token": "x"});
    assert_eq!(backend.put(&assistant(), "/landlord/channels/default/token", token).await.0, 403);
    backend.stop().await;
}

/// The number by which a request's message went out.
async fn number_of<D>(backend: &Backend<D>, id: &str) -> String {
    backend.messages_about(id).await.first().unwrap().phone_number_id.clone()
}

async fn each_organisation_and_complex_sends_by_its_number<D>(backend: Backend<D>) {
    let mut ids = Vec::new();
    for renter in 0..HOUSEHOLDS.len() {
        ids.push(backend.file(renter, sink()).await);
    }
    let fake = backend.host.fake().unwrap();
    let messages = fake.wait_for_messages(ids.len()).await;
    let [default, south, harbour] = SENDERS.each_ref().map(|sender| sender.fake_id);
    let mut sent = Vec::new();
    for id in &ids {
        sent.push(number_of(&backend, id).await);
    }
    assert_eq!(sent, [default, default, harbour, south]);

    // One webhook takes the news of all.
    let read: Vec<_> = messages.iter().map(|message| message.status("read")).collect();
    assert_eq!(fake.post(&read).await.unwrap(), 200);
    for (user, id) in [(landlord(), &ids[0]), (landlord2(), &ids[2]), (landlord2(), &ids[3])] {
        let (_, all) = backend.get(&user, &format!("/landlord/requests/{id}")).await;
        assert_eq!(all["record"]["request"]["whatsapp_status"], "read");
    }
    backend.stop().await;
}

async fn a_stopped_channel_stops_no_other<D>(backend: Backend<D>) {
    let put = async |token: Value| backend.put(&landlord2(), "/landlord/channels/south/token", token).await;
    assert_eq!(put(json!({"token": "expired"})).await.0, 204);
    let fake = backend.host.fake().unwrap();
    let stopped = backend.file(3, sink()).await;
    while fake.refused() == 0 {
        tokio::task::yield_now().await;
    }
    let others = [backend.file(0, sink()).await, backend.file(2, sink()).await];
    assert_eq!(fake.wait_for_messages(2).await.len(), 2);
    for id in &others {
        number_of(&backend, id).await;
    }
    let (_, all) = backend.get(&landlord2(), &format!("/landlord/requests/{stopped}")).await;
    assert_eq!(all["record"]["request"]["whatsapp_status"], "pending", "its message waits");
    assert_eq!(all["record"]["notifications"][0]["channel"], "south");

    let (status, refused) = put(json!({"token": "two words"})).await;
    assert_eq!((status, &refused["fields"][0]["field"]), (422, &json!("token")));
    assert!(!refused.to_string().contains("two words"));
    assert_eq!(put(json!({"token": ""})).await.0, 422);
    assert_eq!(put(json!({"token": 7})).await.0, 400);
    assert_eq!(put(json!({"token": "token-of-south"})).await.0, 204);
    backend.stop().await;
}
