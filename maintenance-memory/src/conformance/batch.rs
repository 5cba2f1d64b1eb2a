//! Batches, and bursts of single submits.

use std::{collections::BTreeMap, sync::Arc};

use maintenance_core::{
    Actor, Assign, Error, Filed, Filing, Maintenance, Move, NewRequest, Notification, PageRequest,
    Reassigned, Repository, RepositoryErrorKind, Request, RequestFilter, RequestId, RequestRepository as _,
    RequestStatus, Submission, Submitted, WorkerId, WorkerStatus,
};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{World, accepted};

/// There is one answer for each request, in order; a request that is refused stops none of the others.
pub async fn submitting_many_answers_each_as_a_submit_alone_would(world: World) {
    world.worker(&["plumbing"]).await;
    let new = |n| world.new_request().id(RequestId::from_uuid(Uuid::from_u128(n)));
    let another = |n| {
        let mut another = new(n);
        another.form.title = "Another".into();
        another
    };
    let (mut bad, mut roof) = (world.new_request(), world.new_request());
    bad.form.title = String::new();
    bad.property_id = Uuid::from_u128(1).into();
    roof.form.specialty = Some("roofing".into());
    let before = new(7);
    world.maintenance.submit(before.clone()).await.unwrap();
    let batch = [new(1), bad, before, another(7), new(1), another(1), roof];
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

/// What the batch has given a worker already counts in the selections that follow in it.
pub async fn a_batch_spreads_over_the_workers_as_single_submits_would(world: World) {
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(world.worker(&["plumbing"]).await.id);
    }
    // One of them serves another complex too.
    world.maintenance.assign_complex(workers[2], world.directory.complex(2), false).await.unwrap();
    let mut there = world.new_request();
    there.property_id = world.directory.property(2);
    let batch: Vec<_> =
        [there.clone(), there].into_iter().chain((0..7).map(|_| world.new_request())).collect();
    let mut given = BTreeMap::<_, usize>::new();
    for answer in world.maintenance.submit_many(&batch).await {
        *given.entry(answer.unwrap().request.assigned_worker_id.unwrap()).or_default() += 1;
    }
    assert_eq!(given, workers.into_iter().map(|worker| (worker, 3)).collect());
}

/// The store answers for each filing whether it is new, was there before or is refused. A refusal stops no
/// other filing.
pub async fn a_store_files_many_in_one_step_and_refuses_each_alone(world: World) {
    let (stays, leaves) = (world.worker(&["plumbing"]).await, world.worker(&["roofing"]).await);
    let there = world.filed().await;
    let message = world.newest_message(there.id).await;
    let filing = |n: u128, worker| {
        let id = RequestId::from_uuid(Uuid::from_u128(n));
        let request = Request { id, assigned_worker_id: Some(worker), ..there.clone() };
        let notification_id = Uuid::from_u128(n + 100).into();
        let message =
            Notification { id: notification_id, request_id: id, to: worker.into(), ..message.clone() };
        Filing { request, assignment: None, notification: Some(message), news: None }
    };
    let mut filings = [filing(1, stays.id), filing(2, leaves.id), filing(3, stays.id)];
    filings[2].request.id = there.id;
    world.maintenance.set_worker_status(leaves.id, WorkerStatus::Inactive).await.unwrap();
    let mut unassigned = filings[0].clone();
    unassigned.request.id = Uuid::from_u128(4).into();
    unassigned.request.assigned_worker_id = None;
    unassigned.notification = None;
    let all = [&filings[..], &[unassigned.clone()]].concat();
    let answers = world.maintenance.repository().file(&all).await.unwrap();
    let told: Vec<_> = answers.iter().map(|answer| answer.as_ref().map_err(|error| &error.kind)).collect();
    let [
        Ok(Filed::New(one)),
        Err(RepositoryErrorKind::Conflict),
        Ok(Filed::Existing(stored)),
        Ok(Filed::New(last)),
    ] = told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!(stored, &there);
    (filings[0].request.number, unassigned.request.number) = (*one, *last);
    let filed = world.record(filings[0].request.id).await;
    assert_eq!(
        (&filed.request, filed.notifications.first()),
        (&filings[0].request, filings[0].notification.as_ref())
    );
    assert_eq!(world.record(unassigned.request.id).await.request, unassigned.request);
    assert_eq!(world.requests().await.len(), 3);
}

/// Each open request goes to the worker who suits it best; one that suits nobody is left unassigned.
pub async fn the_work_of_a_worker_who_falls_ill_goes_to_others(world: World) {
    let ill = world.worker(&["plumbing", "roofing"]).await;
    let mut roof = world.new_request();
    roof.form.specialty = Some("roofing".into());
    let roof = world.maintenance.submit(roof).await.unwrap().request;
    let (begun, waiting) = (world.filed().await, world.filed().await);
    let done = world.filed().await;
    for (id, to) in [(begun.id, RequestStatus::InProgress), (done.id, RequestStatus::Cancelled)] {
        world.maintenance.change_status(id, Move::to(to, world.landlord())).await.unwrap();
    }
    let other = world.worker(&["plumbing"]).await;
    world.maintenance.set_worker_status(ill.id, WorkerStatus::OnLeave).await.unwrap();
    let by = world.landlord();
    let answers = world.maintenance.reassign_all(ill.id, Assign::by(by).note("ill")).await.unwrap();
    let chosen: BTreeMap<_, _> = answers
        .into_iter()
        .map(|one| (one.request_id, one.outcome.unwrap().request.assigned_worker_id))
        .collect();
    let expected = [(roof.id, None), (begun.id, Some(other.id)), (waiting.id, Some(other.id))];
    assert_eq!(chosen, expected.into());
    assert_eq!(world.record(begun.id).await.request.status, RequestStatus::Pending);
    let unassigned = RequestFilter { unassigned: true, ..RequestFilter::default() };
    let found = world.maintenance.requests(&unassigned, &PageRequest::first(10)).await.unwrap();
    assert_eq!(found.items.iter().map(|request| request.id).collect::<Vec<_>>(), [roof.id]);
    let refused = world.maintenance.reassign_all(ill.id, Assign::by(Actor::Worker(ill.id))).await;
    assert!(matches!(refused, Err(Error::NotAllowed { .. })));
}

/// Two people reassign the same worker's requests at the same moment.
pub async fn reassigning_all_twice_at_once_moves_each_request_once(world: World) {
    let ill = world.worker(&["plumbing"]).await;
    for _ in 0..10 {
        world.filed().await;
    }
    for _ in 0..3 {
        world.worker(&["plumbing"]).await;
    }
    world.maintenance.set_worker_status(ill.id, WorkerStatus::OnLeave).await.unwrap();
    let mut both = JoinSet::new();
    for _ in 0..2 {
        let (maintenance, by) = (world.maintenance.clone(), world.landlord());
        both.spawn(async move { maintenance.reassign_all(ill.id, Assign::by(by)).await.unwrap() });
    }
    let mut moved = 0;
    while let Some(answers) = both.join_next().await {
        for Reassigned { outcome, .. } in answers.unwrap() {
            match outcome {
                Ok(_) => moved += 1,
                Err(Error::AssignmentConflict { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert_eq!(moved, 10);
    for request in world.requests().await {
        assert_eq!(request.version, 2, "moved once");
        assert_ne!(request.assigned_worker_id, Some(ill.id));
    }
}

/// The counts include the statuses that no request has.
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
    assert_eq!(count(RequestFilter { complexes: vec![world.complex], ..any() }).await, [1, 2, 0, 1]);
    assert_eq!(
        count(RequestFilter { complexes: vec![Uuid::from_u128(1).into()], ..any() }).await,
        [0, 0, 0, 0]
    );
    let open = vec![RequestStatus::Pending, RequestStatus::InProgress];
    assert_eq!(count(RequestFilter { statuses: open, ..any() }).await, [1, 2, 0, 0]);
}

/// After 2,000 submits at once over 20 idle workers no worker has more than 1.3 times the mean.
pub async fn a_burst_spreads_over_the_workers(world: World) {
    for _ in 0..20 {
        world.worker(&["plumbing"]).await;
    }
    let given = burst(&world.maintenance, &world.new_request(), 2_000).await;
    let most = given.values().max().copied().unwrap_or_default();
    assert_eq!((given.len(), given.values().sum::<u32>()), (20, 2_000));
    assert!(most <= 130, "{given:?}");
}

/// Submits that many copies of a request at once; returns how many each worker got.
pub async fn burst(
    maintenance: &Maintenance<Arc<dyn Repository>>,
    new: &NewRequest,
    submits: u32,
) -> BTreeMap<WorkerId, u32> {
    let mut burst = JoinSet::new();
    for _ in 0..submits {
        let (maintenance, new) = (maintenance.clone(), new.clone());
        burst
            .spawn(async move { maintenance.submit(new).await.unwrap().request.assigned_worker_id.unwrap() });
    }
    let mut given = BTreeMap::new();
    while let Some(worker) = burst.join_next().await {
        *given.entry(worker.unwrap()).or_default() += 1;
    }
    given
}

/// Every third submit is cancelled at once or a little later; each of the others is filed and answered.
pub async fn a_caller_who_goes_away_takes_nobody_along(world: World) {
    for _ in 0..3 {
        world.worker(&["plumbing"]).await;
    }
    let mut stays = JoinSet::new();
    let mut goes = Vec::new();
    for n in 0..300_u128 {
        let (maintenance, new) = (world.maintenance.clone(), world.new_request());
        let id = uuid::Uuid::from_u128(0xF00 + n).into();
        let submit = async move { maintenance.submit(new.id(id)).await.map(|_| id) };
        if n % 3 == 0 {
            goes.push(tokio::spawn(submit));
        } else {
            stays.spawn(submit);
        }
    }
    for task in goes {
        tokio::task::yield_now().await;
        task.abort();
    }
    let mut answered = 0;
    while let Some(answer) = stays.join_next().await {
        let id = answer.unwrap().unwrap();
        let record = world.record(id).await;
        assert_eq!(record.notifications.len(), 1, "filed once");
        answered += 1;
    }
    assert_eq!(answered, 200);
    world.filed().await;
}

/// This holds also for submits that the engine files together: the others learn that it is filed, or that
/// its content differs.
pub async fn several_submits_with_one_id_at_once_file_one_request(world: World) {
    world.worker(&["plumbing"]).await;
    let mut burst = JoinSet::new();
    for n in 0..40_u32 {
        let (maintenance, mut new) = (world.maintenance.clone(), world.new_request());
        new.id = Some(uuid::Uuid::from_u128(0xF00).into());
        if n % 4 == 3 {
            new.form.title = format!("Another {n}");
        }
        burst.spawn(async move { maintenance.submit(new).await });
    }
    let (mut filed, mut told) = (0, 0);
    while let Some(answer) = burst.join_next().await {
        match answer.unwrap() {
            Ok(Submitted { submission: Submission::Filed(_), .. }) => filed += 1,
            Ok(_) | Err(Error::Reused(_)) => told += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((filed, told), (1, 39));
    assert_eq!(world.requests().await.len(), 1);
}
