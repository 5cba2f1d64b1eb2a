//! Filing a request.

use maintenance_core::{
    Candidate, CandidatesOf, ComplexId, Error, Filing, Listing, Notification, Priority, PropertyId,
    RepositoryErrorKind, Request, RequestId, RequestRepository as _, RequestStatus, Specialty, Submission,
    Verdict, WhatsAppStatus, WorkerRepository as _, WorkerStatus,
};
use uuid::Uuid;

use super::{World, accepted, file_one};

/// One step writes both, with every field as it was given.
pub async fn submitting_files_the_request_and_its_message_together(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let new = world.new_request();
    let filed = world.filed().await;
    assert_eq!(
        (filed.title.as_str(), filed.location.as_str()),
        (new.form.title.as_str(), new.form.location.as_str())
    );
    assert_eq!(filed.description.as_str(), new.form.description);
    assert_eq!(
        (filed.renter_id, filed.property_id, filed.complex_id),
        (world.renter, world.property, world.complex)
    );
    assert_eq!((filed.status, filed.priority, filed.version), (RequestStatus::Pending, Priority::High, 1));
    assert_eq!(filed.assigned_worker_id, Some(worker.id));
    let record = world.record(filed.id).await;
    assert_eq!(record.request, filed);
    assert!(record.history.is_empty(), "filing is no status change");
    let [message] = record.notifications.as_slice() else { panic!("one message") };
    assert_eq!(
        (message.to, message.status, message.attempts),
        (worker.id.into(), WhatsAppStatus::Pending, 0)
    );
    assert_eq!((message.created_at, message.due_at), (filed.created_at, filed.created_at));
}

/// The second caller gets the request as it is now.
pub async fn submitting_twice_with_one_id_files_one_request(world: World) {
    world.worker(&["plumbing"]).await;
    let mut new = world.new_request();
    new.id = Some(RequestId::from_uuid(Uuid::from_u128(9)));
    let first = world.maintenance.submit(new.clone()).await.unwrap();
    world.wait(60);
    assert_eq!(world.dispatch().await.sent, 1);
    new.form.title = format!("  {} ", new.form.title);
    let second = world.maintenance.submit(new).await.unwrap();
    assert_eq!(second.submission, Submission::AlreadyFiled);
    assert_eq!((second.request.id, second.request.created_at), (first.request.id, first.request.created_at));
    assert_eq!(second.request.whatsapp_status, WhatsAppStatus::Sent, "as it stands, not as it was filed");
    assert_eq!(world.record(first.request.id).await.notifications.len(), 1);
}

/// The error says in which fields the two differ, and quotes the text of neither.
pub async fn submitting_other_content_with_one_id_is_a_conflict_naming_both(world: World) {
    let mut new = world.new_request();
    new.id = Some(RequestId::from_uuid(Uuid::from_u128(9)));
    let first = world.maintenance.submit(new.clone()).await.unwrap().request;
    new.form.title = "The sink is fine".into();
    new.form.priority = Priority::Low;
    new.form.specialty = None;
    let error = world.maintenance.submit(new).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "request id 00000000-0000-0000-0000-000000000009 was already used with different content; use a new id: title is a text of 14 characters, now another, a text of 16 characters; priority is high, now \
         low; specialty is plumbing, now none"
    );
    assert_eq!(world.record(first.id).await.request, first);
}

/// Eight callers submit: one files the request, and seven learn that it is filed.
pub async fn submitting_at_the_same_moment_with_one_id_files_one_request(world: World) {
    world.worker(&["plumbing"]).await;
    let mut new = world.new_request();
    new.id = Some(RequestId::from_uuid(Uuid::from_u128(9)));
    let submits: Vec<_> = (0..8)
        .map(|_| {
            let (maintenance, new) = (world.maintenance.clone(), new.clone());
            tokio::spawn(async move { maintenance.submit(new).await })
        })
        .collect();
    let mut filed = 0;
    for submit in submits {
        filed += usize::from(accepted(&submit.await.unwrap().unwrap().submission).is_some());
    }
    assert_eq!(filed, 1);
    assert_eq!(world.record(new.id.unwrap()).await.notifications.len(), 1);
}

/// The fields are named in the order of the form.
pub async fn bad_input_names_every_wrong_field_and_its_rule(world: World) {
    let mut new = world.new_request();
    new.form.title = " \n ".into();
    new.form.description = "x".repeat(20_000);
    new.form.location = "Kitchen\u{0}".into();
    new.form.specialty = Some("!".into());
    new.property_id = PropertyId::from_uuid(Uuid::from_u128(1));
    let error = world.maintenance.submit(new).await.unwrap_err();
    let Error::Invalid(invalid) = &error else { panic!("{error}") };
    let fields: Vec<&str> = invalid.fields.iter().map(|wrong| wrong.field.as_ref()).collect();
    assert_eq!(fields, ["title", "description", "location", "specialty", "property_id"]);
    assert_eq!(invalid.fields[0].rule, "is empty; it must have 1 to 200 characters");
    assert_eq!(invalid.fields[1].rule, "has 20000 characters; it must have 1 to 10000");
    assert_eq!(invalid.fields[2].rule, "holds the control character U+0000; remove it");
    assert_eq!(invalid.fields[4].rule, "00000000-0000-0000-0000-000000000001 is an unknown property");
    assert!(world.requests().await.is_empty());
}

/// A request is filed even if there is no worker for it.
pub async fn nobody_suitable_files_the_request_unassigned_and_says_why(world: World) {
    let painter = world.worker(&["painting"]).await;
    let submitted = world.maintenance.submit(world.new_request()).await.unwrap();
    let Submission::Filed(selection) = submitted.submission else { panic!("filed") };
    assert_eq!((selection.chosen, selection.ranking[0].worker_id), (None, painter.id));
    assert_eq!(selection.ranking[0].verdict.to_string(), "out: lacks the trade plumbing");
    let record = world.record(submitted.request.id).await;
    assert_eq!(record.request.assigned_worker_id, None);
    assert!(record.notifications.is_empty());
}

/// Having the trade counts more than being the primary worker.
pub async fn the_specialist_goes_before_the_primary_generalist(world: World) {
    let generalist = world.worker(&["general"]).await;
    world.maintenance.assign_complex(generalist.id, world.complex, true).await.unwrap();
    let specialist = world.worker(&["plumbing"]).await;
    assert_eq!(world.filed().await.assigned_worker_id, Some(specialist.id));
    world.maintenance.set_worker_status(specialist.id, WorkerStatus::Inactive).await.unwrap();
    assert_eq!(world.filed().await.assigned_worker_id, Some(generalist.id), "who stands in");
}

/// This holds even for the primary worker who has the trade.
pub async fn a_worker_on_leave_is_passed_over(world: World) {
    let away = world.worker(&["plumbing"]).await;
    world.maintenance.assign_complex(away.id, world.complex, true).await.unwrap();
    world.maintenance.set_worker_status(away.id, WorkerStatus::OnLeave).await.unwrap();
    let there = world.worker(&["plumbing"]).await;
    let submitted = world.maintenance.submit(world.new_request()).await.unwrap();
    let Submission::Filed(selection) = submitted.submission else { panic!("filed") };
    assert_eq!(selection.chosen, Some(there.id));
    assert_eq!(selection.ranking[1].verdict, Verdict::NotActive(WorkerStatus::OnLeave));
}

/// Open requests count and finished ones don't. Of equals, the one who has waited longest for a request is
/// chosen.
pub async fn the_least_busy_worker_is_chosen(world: World) {
    let (first, second) = (world.worker(&["plumbing"]).await, world.worker(&["plumbing"]).await);
    let mut chosen = Vec::new();
    for _ in 0..4 {
        world.wait(60);
        chosen.push(world.filed().await);
    }
    let workers: Vec<_> = chosen.iter().map(|request| request.assigned_worker_id.unwrap()).collect();
    assert_eq!(workers, [first.id, second.id, first.id, second.id]);
    let cancel = maintenance_core::Move::to(RequestStatus::Cancelled, world.landlord());
    world.maintenance.change_status(chosen[1].id, cancel).await.unwrap();
    assert_eq!(world.filed().await.assigned_worker_id, Some(second.id));
}

/// Workers at capacity rank behind the others, except in an emergency.
pub async fn an_emergency_ignores_capacity(world: World) {
    let primary = world.worker(&["plumbing"]).await;
    world.maintenance.assign_complex(primary.id, world.complex, true).await.unwrap();
    for _ in 0..10 {
        assert_eq!(world.filed().await.assigned_worker_id, Some(primary.id));
    }
    let other = world.worker(&["plumbing"]).await;
    assert_eq!(world.filed().await.assigned_worker_id, Some(other.id));
    let mut emergency = world.new_request();
    emergency.form.priority = Priority::Emergency;
    let submitted = world.maintenance.submit(emergency).await.unwrap();
    assert_eq!(submitted.request.assigned_worker_id, Some(primary.id));
}

/// The caller learns that the directory failed.
pub async fn a_directory_that_fails_files_nothing(world: World) {
    world.directory.set_failing(true);
    let error = world.maintenance.submit(world.new_request()).await.unwrap_err();
    assert!(matches!(error, Error::Directory(_)), "{error}");
    assert!(world.requests().await.is_empty());
}

/// The store itself refuses to file a request with a message to a worker who isn't active.
pub async fn a_worker_who_left_after_ranking_gets_no_request(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = Request { id: RequestId::from_uuid(Uuid::from_u128(77)), ..world.filed().await };
    let mut notification: Notification = world.newest_message(world.filed().await.id).await;
    notification.id = Uuid::from_u128(78).into();
    notification.request_id = request.id;
    world.maintenance.set_worker_status(worker.id, WorkerStatus::Inactive).await.unwrap();
    let filing = Filing { request, assignment: None, notification: Some(notification), news: None };
    let refused = file_one(world.maintenance.repository(), &filing).await.unwrap_err();
    assert_eq!(refused.kind, RepositoryErrorKind::Conflict);
    assert_eq!(world.maintenance.repository().request(filing.request.id).await.unwrap(), None);
}

/// The load of whoever could be chosen is right; that of others may be left out, but they are candidates too.
pub async fn the_load_is_counted_of_who_has_a_trade_that_serves(world: World) {
    let (plumber, painter) =
        (world.worker(&["plumbing", "roofing"]).await, world.worker(&["painting"]).await);
    let filed = world.filed().await;
    assert_eq!(filed.assigned_worker_id, Some(plumber.id));
    let elsewhere = world.directory.complex(2);
    world.maintenance.assign_complex(plumber.id, elsewhere, false).await.unwrap();
    let store = world.maintenance.repository();
    let trades = |names: &[&str]| Some(names.iter().map(|name| Specialty::new(name).unwrap()).collect());
    let asked = |complex_id, trades| CandidatesOf { complex_id, trades };
    let load = |listing: &Listing<(ComplexId, Candidate)>, complex, worker| {
        let candidate = listing.items.iter().find(|(of, who)| (*of, who.worker_id) == (complex, worker));
        candidate.map(|(_, who)| (who.open_requests, who.last_assigned_at))
    };
    let busy = Some((1, Some(filed.created_at)));
    for served in [None, trades(&["roofing"]), trades(&["general", "plumbing"])] {
        let one = store.candidates(&[asked(world.complex, served.clone())]).await.unwrap();
        assert_eq!(one.items.len(), 2);
        assert_eq!(load(&one, world.complex, plumber.id), busy, "{served:?}");
        assert_eq!(load(&one, world.complex, painter.id), Some((0, None)));
        let both = [asked(world.complex, trades(&["painting"])), asked(elsewhere, served)];
        let both = store.candidates(&both).await.unwrap();
        assert_eq!(load(&both, elsewhere, plumber.id), busy);
        assert_eq!(load(&both, elsewhere, painter.id), None);
        assert!(load(&both, world.complex, plumber.id).is_some());
    }
}
