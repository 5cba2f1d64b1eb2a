//! What landlords see, and do with their team.

use maintenance_examples::axum_host::demo::{CARETAKER, HOUSEHOLDS, PLUMBER};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::backend::{Backend, engine, landlord, plumber, sink};

on_each_database! {
    a_landlord_keeps_the_board_and_the_team
    a_landlord_finds_requests_by_all_that_screens_ask_for
    what_a_worker_declines_is_chosen_anew
    a_renter_is_handed_out_and_forgotten
}

async fn a_landlord_keeps_the_board_and_the_team<D>(backend: Backend<D>) {
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(backend.file(0, sink()).await);
    }
    let complex = HOUSEHOLDS[0].complex;
    let (_, board) =
        backend.get(&landlord(), &format!("/landlord/board?complex_id={complex}&priority=high")).await;
    assert_eq!((&board["pending"]["count"], &board["completed"]["count"]), (&json!(3), &json!(0)));
    assert_eq!(board["pending"]["first"]["items"][0]["id"], json!(ids[2]));

    let list = "/landlord/requests?status=pending,in_progress&priority=high&size=2";
    let (_, first) = backend.get(&landlord(), list).await;
    let next = first["next"].as_str().unwrap();
    let (_, second) = backend.get(&landlord(), &format!("{list}&after={next}")).await;
    assert_eq!((first["items"].as_array().unwrap().len(), &second["items"][0]["id"]), (2, &json!(ids[0])));
    assert_eq!(second["next"], Value::Null);

    let worker = json!({
        "id": Uuid::from_u128(0x3_4000_8000_0000_0000_0001), "first_name": "Riverside", "last_name": "Roofer",
        "phone_number": "+12025550112", "email": "roofer@example.com", "specialties": ["roofing"],
    });
    let mut renters = worker.clone();
    renters["id"] = json!(HOUSEHOLDS[0].renter);
    let (status, taken) = backend.post(&landlord(), "/landlord/workers", renters).await;
    assert_eq!((status, &taken["type"]), (409, &json!("urn:axum-host:id-taken")));
    backend.post(&landlord(), "/landlord/workers", worker.clone()).await;
    let (status, worker) = backend.post(&landlord(), "/landlord/workers", worker).await;
    assert_eq!(status, 201, "twice adds one");
    let roofer = worker["id"].as_str().unwrap();
    let place = format!("/landlord/complexes/{complex}/workers/{roofer}");
    let put = |path: String| {
        let backend = &backend;
        async move { backend.send(Method::PUT, &landlord(), &path, &Value::Null, "").await.0 }
    };
    assert_eq!(put(place.clone()).await, 200);
    assert_eq!(put(format!("/landlord/complexes/{}/workers/{roofer}", Uuid::from_u128(7))).await, 404);
    let (_, roofers) = backend.get(&landlord(), "/landlord/workers?specialty=roofing").await;
    assert_eq!((roofers["items"].as_array().unwrap().len(), &roofers["items"][0]["id"]), (1, &json!(roofer)));
    assert_eq!(backend.get(roofer, "/worker/requests").await.0, 200, "they can log in");

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
        let path = format!("/landlord/requests?{query}");
        backend.until_found(&landlord(), &path, expected.len()).await;
        let (status, found) = backend.get(&landlord(), &path).await;
        let found: Vec<_> = found["items"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
        let expected: Vec<_> = expected.into_iter().map(|n: usize| json!(ids[n])).collect();
        assert_eq!((status, found), (200, expected.iter().collect()), "{query}");
    }
    backend.stop().await;
}

async fn what_a_worker_declines_is_chosen_anew<D>(backend: Backend<D>) {
    let id = backend.file(0, sink()).await;
    let (status, declined) =
        backend.post(&plumber(), &format!("/worker/requests/{id}/hand-back"), Value::Null).await;
    assert_eq!((status, &declined["assigned_worker_id"]), (200, &Value::Null));
    let (_, unassigned) = backend.get(&landlord(), "/landlord/requests?unassigned=true").await;
    assert_eq!(unassigned["items"][0]["id"], json!(id));
    let (status, chosen) =
        backend.post(&landlord(), &format!("/landlord/requests/{id}/select"), Value::Null).await;
    assert_eq!((status, &chosen["selection"]["chosen"]), (200, &json!(CARETAKER)));
    let (status, taken) =
        backend.post(&landlord(), &format!("/landlord/requests/{id}/unassign"), Value::Null).await;
    assert_eq!((status, &taken["assigned_worker_id"]), (200, &Value::Null));
    backend.stop().await;
}

async fn a_renter_is_handed_out_and_forgotten<D>(backend: Backend<D>) {
    let mut form = sink();
    form["reference"] = "A-1".into();
    let id = backend.file(0, form).await;
    let theirs = format!("/landlord/renters/{}", HOUSEHOLDS[0].renter);
    let (status, known) = backend.get(&landlord(), &format!("{theirs}/data")).await;
    assert_eq!((status, &known["phone_number"]), (200, &json!("+12025550100")));
    assert_eq!(known["data"][0]["request"]["request"]["title"], "The sink leaks");

    let forget = async || backend.post(&landlord(), &format!("{theirs}/forget"), Value::Null).await;
    let (status, open) = forget().await;
    assert_eq!((status, &open["type"]), (409, &engine("has-open-requests")));
    let cancel = format!("/landlord/requests/{id}/status");
    assert_eq!(backend.post(&landlord(), &cancel, json!({"to": "cancelled"})).await.0, 200);
    assert_eq!(forget().await, (200, json!({"requests": 1, "files": []})));
    assert_eq!(forget().await, (200, json!({"requests": 0, "files": []})));
    let (_, all) = backend.get(&landlord(), &format!("/landlord/requests/{id}")).await;
    assert_eq!(all["record"]["request"]["title"], "(forgotten)");
    assert_eq!(all["intake"]["reference"], Value::Null);
    let (_, known) = backend.get(&landlord(), &format!("{theirs}/data")).await;
    assert_eq!((&known["name"], &known["phone_number"]), (&json!("(forgotten)"), &Value::Null));
    let nobody = format!("/landlord/renters/{}/forget", Uuid::from_u128(7));
    assert_eq!(backend.post(&landlord(), &nobody, Value::Null).await.0, 404);
    backend.stop().await;
}
