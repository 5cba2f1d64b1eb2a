//! What many callers do at the same moment or cancel half-way.

use chrono::TimeDelta;
use futures_util::future::join_all;
use maintenance_core::*;

use super::{outbox::all, *};

/// Calls that file at the same moment over a pool each get the answer to their own filing.
pub(crate) async fn at_once<S: Repository + Clone + 'static>(store: S) {
    let away = staff(&store).await.remove(2);
    let away = Worker { status: WorkerStatus::OnLeave, updated_at: at(50), ..away };
    store.save_worker(&away, worker(3).updated_at).await.unwrap();
    let maintenance = Maintenance::new(store.clone(), NoDirectory);
    let request = maintenance.submit(new_request(1)).await.unwrap().request;
    let message = maintenance.record(request.id).await.unwrap().notifications[0].clone();
    let with_message = |n: u128, message_id: u128| {
        let request = Request { id: id(0x6000 + n).into(), ..request.clone() };
        let id = id(0x7000 + message_id).into();
        let message = Notification { id, request_id: request.id, ..message.clone() };
        Filing { request, assignment: None, notification: Some(message), news: None }
    };
    let filing = |n: u128| with_message(n, n);
    let mut refused = filing(4);
    refused.request.assigned_worker_id = Some(away.id);
    refused.notification.as_mut().unwrap().to = away.id.into();
    let given = [filing(1), filing(2), with_message(2, 22), refused, filing(5)];
    let answers = join_all(given.iter().map(|filing| file_one(&store, filing))).await;
    let [one, two, again, refused, five] = answers.try_into().unwrap();
    let is_new = |filed: Result<Filed, RepositoryError>| matches!(filed.unwrap(), Filed::New(_));
    assert!(is_new(one) && is_new(five));
    let twice = [is_new(two), is_new(again)];
    assert_ne!(twice[0], twice[1], "one of the two files it");
    assert_eq!(kind(refused), RepositoryErrorKind::Conflict);
    for n in [1, 2, 5] {
        let record = store.record(filing(n).request.id).await.unwrap().unwrap();
        assert_eq!(record.notifications.len(), 1);
    }
    assert_eq!(store.request(filing(4).request.id).await.unwrap(), None);
}

/// Eight tasks that submit at once meet no error, and every request is filed.
pub(crate) async fn submitters<R: Repository + Clone + 'static>(store: R) {
    staff(&store).await;
    let maintenance = Maintenance::new(store, NoDirectory);
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let maintenance = maintenance.clone();
            tokio::spawn(async move {
                for n in 0..50 {
                    maintenance.submit(new_request(1_000 * (task + 1) + n)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let counts = maintenance.repository().count_by_status(&RequestFilter::default()).await.unwrap();
    assert_eq!(counts[&RequestStatus::Pending], 400);
}

/// Thousands of calls may wait at once, so each must hold little memory.
pub(crate) fn waiting_takes_little_memory(store: &dyn Repository) {
    let of = [anyone(1)];
    let ranking = size_of_val(&*store.candidates(&of));
    let reading = size_of_val(&*store.request(id(1).into()));
    assert!(ranking < 4_096 && reading < 4_096, "{ranking} and {reading} bytes");
}

/// Calls that make different workers the primary of one complex at once all succeed, and leave one primary.
pub(crate) async fn primaries<R: Repository + Clone + 'static>(store: R) {
    let workers = staff(&store).await;
    let tasks: Vec<_> = (0..9_u128)
        .map(|n| {
            let (store, worker) = (store.clone(), workers[(n % 3) as usize].clone());
            let assignment = assignment(100 + n, &worker, complex(n % 2 + 1), true);
            tokio::spawn(async move { store.assign_complex(&assignment).await.map(drop) })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    for n in 1..=2 {
        let all = store.assignments(AssignmentsOf::Complex(complex(n))).await.unwrap().items;
        assert_eq!(all.iter().filter(|assignment| assignment.is_primary).count(), 1);
    }
}

/// Dispatchers and webhooks work on the same messages at once: every message is claimed once, no call fails,
/// and the requests mirror their messages.
pub(crate) async fn crowd<R: Repository + Clone + 'static>(store: R) {
    staff(&store).await;
    let maintenance = Maintenance::new(store.clone(), NoDirectory);
    let mut requests = Vec::new();
    for n in 0..60 {
        requests.push(maintenance.submit(new_request(n)).await.unwrap().request.id);
    }
    let now = at(0) + TimeDelta::days(3_000);
    let tasks: Vec<_> = (0..6_u128)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                let lease = LeaseId::from_uuid(id(0x9_0000 + task));
                let mut taken = 0;
                loop {
                    let claim = Claim::new(now, now + TimeDelta::hours(1), lease, 7);
                    let claimed = store.claim(&claim).await.unwrap().items;
                    if claimed.is_empty() {
                        return taken;
                    }
                    taken += claimed.len();
                    let ids: Vec<_> = claimed.iter().map(|claimed| claimed.notification.id).collect();
                    let updates: Vec<_> =
                        [DeliveryEvent::Read, DeliveryEvent::Delivered, DeliveryEvent::Sent]
                            .into_iter()
                            .flat_map(|event| ids.iter().map(move |id| (*id, event)))
                            .map(|(id, event)| DeliveryUpdate {
                                channel: Channel::DEFAULT,
                                notification_id: Some(id),
                                provider_message_id: format!("wamid.{id}"),
                                event,
                                at: now,
                                error: None,
                                next: None,
                            })
                            .collect();
                    let records: Vec<_> = ids
                        .iter()
                        .map(|id| SendRecord {
                            notification_id: *id,
                            lease,
                            attempts: 1,
                            at: now,
                            outcome: SendOutcome::Sent { provider_message_id: format!("wamid.{id}") },
                        })
                        .collect();
                    let (again, mut reversed) = (store.clone(), updates.clone());
                    reversed.reverse();
                    let other =
                        tokio::spawn(async move { again.record_deliveries(&reversed, now).await.unwrap() });
                    assert_eq!(store.record_outcomes(&records).await.unwrap().counted, records.len());
                    store.record_deliveries(&updates, now).await.unwrap();
                    other.await.unwrap();
                }
            })
        })
        .collect();
    let mut taken = 0;
    for task in tasks {
        taken += task.await.unwrap();
    }
    assert_eq!(taken, 60);
    for notification in all(&store, &requests).await.values() {
        assert_eq!(notification.status, WhatsAppStatus::Read);
        assert_eq!(notification.attempts, 1);
    }
}

/// Submits that are cancelled at any moment leave whole filings and a working pool.
pub(crate) async fn cancelled<R: Repository + Clone + 'static>(store: R) {
    staff(&store).await;
    let maintenance = Maintenance::new(store.clone(), NoDirectory);
    for n in 0..200_u128 {
        let submit = maintenance.submit(new_request(n));
        let patience = std::time::Duration::from_micros(20 * n as u64);
        let _ = tokio::time::timeout(patience, submit).await;
    }
    for n in 0..200_u128 {
        maintenance.submit(new_request(n)).await.unwrap();
        let record = maintenance.record(id(n).into()).await.unwrap();
        assert_eq!(record.notifications.len(), 1);
    }
}
