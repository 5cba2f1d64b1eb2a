//! What renters and workers do with requests.

use maintenance_examples::axum_host::demo::{CARETAKER, HOUSEHOLDS, PLUMBER};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::backend::{Backend, engine, landlord, plumber, renter, sink};

on_each_database! {
    a_request_goes_from_the_renter_to_the_worker_and_is_done
    a_renter_sees_and_cancels_only_their_own
    what_is_wrong_is_told_all_at_once
    one_idempotency_key_files_one_request
    a_host_row_that_fails_takes_the_request_with_it
    rules_and_races_have_their_own_answers
    a_request_is_edited_and_waits
    the_caller_must_say_who_they_are
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
        assert_eq!(own["record"][landlords], json!([]), "{landlords} are not the renter's to see");
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
    let caretaker = CARETAKER.to_string();
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
    assert_eq!(messages.len(), 2);
    for (id, sent) in [(&first, 1), (&third, 1), (&key, 0)] {
        assert_eq!(backend.messages_about(id).await.len(), sent, "{id}");
    }
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
    assert!(told.text.contains(" was changed: The tap leaks\nPriority: high\n"));

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

async fn the_caller_must_say_who_they_are<D>(backend: Backend<D>) {
    let stranger = Uuid::from_u128(7).to_string();
    let users = [("", 401), ("renter", 401), (&*stranger, 401), (&*plumber(), 403), (&*landlord(), 403)];
    for (user, status) in users {
        assert_eq!(backend.get(user, "/renter/requests").await.0, status, "{user}");
    }
    assert_eq!(backend.get(&renter(0), "/landlord/board").await.0, 403);
    assert_eq!(backend.get("", "/nowhere").await.0, 404);
    backend.stop().await;
}
