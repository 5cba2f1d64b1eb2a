//! Many at once.

use std::collections::BTreeMap;

use maintenance_core::{
    Actor, Error, Move, NewRequest, Notification, Opening, Reassigned, RepositoryErrorKind, Request,
    RequestFilter, RequestId, RequestRepository as _, RequestStatus, Submission, WorkerStatus,
};
use uuid::Uuid;

use crate::{World, accepted};

/// One answer for each, in order; a bad one stops none of the others.
pub async fn submitting_many_answers_each_as_a_submit_alone_would(world: World) {
    world.worker(&["plumbing"]).await;
    let id = |n| Some(RequestId::from_uuid(Uuid::from_u128(n)));
    let before = NewRequest { id: id(7), ..world.new_request() };
    world.maintenance.submit(before.clone()).await.unwrap();
    let batch = [
        NewRequest { id: id(1), ..world.new_request() },
        NewRequest { title: String::new(), property_id: Uuid::from_u128(1).into(), ..world.new_request() },
        before,
        NewRequest { id: id(7), title: "Another".into(), ..world.new_request() },
        NewRequest { id: id(1), ..world.new_request() },
        NewRequest { id: id(1), title: "Another".into(), ..world.new_request() },
        NewRequest { specialty: Some("roofing".into()), ..world.new_request() },
    ];
    let answers = world.maintenance.submit_many(&batch).await;
    assert!(
        matches!(&answers[0], Ok(submitted) if accepted(&submitted.submission).is_some()),
        "{:?}",
        answers[0]
    );
    assert!(
        matches!(&answers[1], Err(Error::Invalid(invalid)) if invalid.fields.len() == 2),
        "{:?}",
        answers[1]
    );
    for n in [2, 4] {
        assert!(
            matches!(&answers[n], Ok(submitted) if submitted.submission == Submission::AlreadyFiled),
            "{n}"
        );
    }
    for n in [3, 5] {
        assert!(matches!(&answers[n], Err(Error::Reused(_))), "{n}");
    }
    assert!(matches!(&answers[6], Ok(submitted) if submitted.request.assigned_worker_id.is_none()));
    assert_eq!(world.requests().await.len(), 3);
    for answer in answers.iter().flatten() {
        let record = world.record(answer.request.id).await;
        assert_eq!(record.request, answer.request);
        assert_eq!(record.notifications.len(), usize::from(record.request.assigned_worker_id.is_some()));
    }
    assert_eq!(world.dispatch().await.sent, 2);
    assert!(world.maintenance.submit_many(&[]).await.is_empty());
}

/// What the batch gives counts in its own selection.
pub async fn a_batch_spreads_over_the_workers_as_single_submits_would(world: World) {
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(world.worker(&["plumbing"]).await.id);
    }
    // One of them serves another complex too.
    world.maintenance.assign_complex(workers[2], world.directory.complex(2), false).await.unwrap();
    let there = NewRequest { property_id: world.directory.property(2), ..world.new_request() };
    let batch: Vec<_> =
        [there.clone(), there].into_iter().chain((0..7).map(|_| world.new_request())).collect();
    let mut given = BTreeMap::<_, usize>::new();
    for answer in world.maintenance.submit_many(&batch).await {
        *given.entry(answer.unwrap().request.assigned_worker_id.unwrap()).or_default() += 1;
    }
    assert_eq!(given, workers.into_iter().map(|worker| (worker, 3)).collect());
}

/// The store's own answers: new, there already, refused; the refused stop nothing.
pub async fn a_store_files_many_in_one_step_and_refuses_each_alone(world: World) {
    let (stays, leaves) = (world.worker(&["plumbing"]).await, world.worker(&["roofing"]).await);
    let there = world.filed().await;
    let message = world.newest_message(there.id).await;
    let opening = |n: u128, worker| {
        let id = RequestId::from_uuid(Uuid::from_u128(n));
        let request = Request { id, assigned_worker_id: Some(worker), ..there.clone() };
        let notification_id = Uuid::from_u128(n + 100).into();
        let message =
            Notification { id: notification_id, request_id: id, worker_id: worker, ..message.clone() };
        Opening { request, notification: Some(message) }
    };
    let mut openings = [opening(1, stays.id), opening(2, leaves.id), opening(3, stays.id)];
    openings[2].request.id = there.id;
    world.maintenance.set_worker_status(leaves.id, WorkerStatus::Inactive).await.unwrap();
    let mut unassigned = openings[0].clone();
    unassigned.request.id = Uuid::from_u128(4).into();
    unassigned.request.assigned_worker_id = None;
    unassigned.notification = None;
    let all = [&openings[..], &[unassigned.clone()]].concat();
    let answers = world.maintenance.repository().open_many(&all).await.unwrap();
    let told: Vec<_> = answers.iter().map(|answer| answer.as_ref().map_err(|error| &error.kind)).collect();
    assert_eq!(
        told,
        [
            Ok(&maintenance_core::Inserted::New),
            Err(&RepositoryErrorKind::Conflict),
            Ok(&maintenance_core::Inserted::Existing(there)),
            Ok(&maintenance_core::Inserted::New),
        ]
    );
    let filed = world.record(openings[0].request.id).await;
    assert_eq!(
        (&filed.request, filed.notifications.first()),
        (&openings[0].request, openings[0].notification.as_ref())
    );
    assert_eq!(world.record(unassigned.request.id).await.request, unassigned.request);
    assert_eq!(world.requests().await.len(), 3);
}

/// Each to whoever suits; one for whom nobody does stays.
pub async fn the_work_of_a_worker_who_falls_ill_goes_to_others(world: World) {
    let ill = world.worker(&["plumbing", "roofing"]).await;
    let roof = NewRequest { specialty: Some("roofing".into()), ..world.new_request() };
    let roof = world.maintenance.submit(roof).await.unwrap().request;
    let (begun, waiting) = (world.filed().await, world.filed().await);
    let done = world.filed().await;
    for (id, to) in [(begun.id, RequestStatus::InProgress), (done.id, RequestStatus::Cancelled)] {
        world.maintenance.change_status(id, Move::to(to, world.landlord())).await.unwrap();
    }
    let other = world.worker(&["plumbing"]).await;
    world.maintenance.set_worker_status(ill.id, WorkerStatus::OnLeave).await.unwrap();
    let by = world.landlord();
    let answers = world.maintenance.reassign_all(ill.id, by, Some("ill")).await.unwrap();
    let chosen: BTreeMap<_, _> = answers
        .into_iter()
        .map(|one| (one.request_id, one.outcome.unwrap().request.assigned_worker_id))
        .collect();
    let expected = [(roof.id, Some(ill.id)), (begun.id, Some(other.id)), (waiting.id, Some(other.id))];
    assert_eq!(chosen, expected.into());
    assert_eq!(world.record(begun.id).await.request.status, RequestStatus::Pending);
    let refused = world.maintenance.reassign_all(ill.id, Actor::Worker(ill.id), None).await.unwrap();
    assert!(matches!(refused[..], [Reassigned { outcome: Err(Error::NotAllowed { .. }), .. }]));
}

/// Every status is there, also those without any.
pub async fn requests_are_counted_by_status(world: World) {
    world.worker(&["plumbing"]).await;
    for path in
        [&[][..], &[RequestStatus::InProgress], &[RequestStatus::InProgress], &[RequestStatus::Cancelled]]
    {
        let id = world.filed().await.id;
        for to in path {
            world.maintenance.change_status(id, Move::to(*to, world.landlord())).await.unwrap();
        }
    }
    let count = |filter| {
        let maintenance = world.maintenance.clone();
        async move { maintenance.count_by_status(&filter).await.unwrap().into_values().collect::<Vec<_>>() }
    };
    let any = RequestFilter::default;
    assert_eq!(count(any()).await, [1, 2, 0, 1]);
    assert_eq!(count(RequestFilter { complex_id: Some(world.complex), ..any() }).await, [1, 2, 0, 1]);
    assert_eq!(
        count(RequestFilter { complex_id: Some(Uuid::from_u128(1).into()), ..any() }).await,
        [0, 0, 0, 0]
    );
    let open = vec![RequestStatus::Pending, RequestStatus::InProgress];
    assert_eq!(count(RequestFilter { statuses: open, ..any() }).await, [1, 2, 0, 0]);
}
