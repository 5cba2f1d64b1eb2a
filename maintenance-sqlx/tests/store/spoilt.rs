//! Rows and batches of which a part is wrong.

use chrono::TimeDelta;
use maintenance_core::*;

use super::*;

/// Each bad update spoils one request of its own or its message: lists and claims report it and keep the
/// rest.
pub(crate) async fn corrupt<R: Repository, F: Future<Output = ()>>(
    store: R,
    bad: &[(&'static str, &'static str)],
    execute: impl Fn(String) -> F,
) {
    staff(&store).await;
    let maintenance = Maintenance::new(store, NoDirectory).with_clock(Still);
    let store = maintenance.repository();
    let count = bad.len() as u128;
    for n in 0..=count {
        maintenance.submit(new_request(n)).await.unwrap();
    }
    for (n, (_, update)) in bad.iter().enumerate() {
        let key = if update.starts_with("maintenance_requests") { "id" } else { "request_id" };
        execute(format!("update {update} where {key} = '{}'", id(n as u128))).await;
    }
    for (n, (column, update)) in bad.iter().enumerate() {
        let error = store.record(id(n as u128).into()).await.unwrap_err().kind;
        let table = update.split(' ').next().unwrap();
        assert!(
            matches!(&error, RepositoryErrorKind::Corrupt { table: t, column: c, .. } if *t == table && c == column),
            "{update}: {error:?}"
        );
    }
    let of_requests = bad.iter().filter(|(_, update)| update.starts_with("maintenance_requests")).count();
    let listing = store.requests(&RequestFilter::default(), Slice { after: None, limit: 50 }).await.unwrap();
    assert_eq!(listing.corrupt.len(), of_requests);
    assert_eq!(listing.items.len(), bad.len() + 1 - of_requests);
    let now = at(0) + TimeDelta::days(3_000);
    let lease = LeaseId::from_uuid(id(0x9_0000));
    let claim = Claim::new(now, now + TimeDelta::hours(1), lease, 50);
    let claimed = store.claim(&claim).await.unwrap();
    assert_eq!((claimed.items.len(), claimed.corrupt.len()), (1, bad.len()));
    let again = store.claim(&claim).await.unwrap();
    assert_eq!((again.items.len(), again.corrupt.len()), (0, 0));
}

/// An error names a spoilt value's place and never quotes the value.
pub(crate) async fn unquoted<R: Repository, F: Future<Output = ()>>(
    store: R,
    execute: impl Fn(&'static str) -> F,
) {
    staff(&store).await;
    let maintenance = Maintenance::new(store, NoDirectory);
    let request = maintenance.submit(new_request(1)).await.unwrap().request;
    let hold = NewHold::by(Actor::System, "waiting for parts");
    maintenance.hold(request.id, hold).await.unwrap();
    for (spoil, column, mend) in [
        (
            "update maintenance_assignment_history set ranking = '[\"secret\"]'",
            "ranking",
            "update maintenance_assignment_history set ranking = '[]'",
        ),
        (
            "update maintenance_edits set after = '{\"reason\": 1, \"secret\": 2}'",
            "after",
            "update maintenance_edits set after = null",
        ),
        (
            "update maintenance_edits set field = 'secret'",
            "field",
            "update maintenance_edits set field = 'hold'",
        ),
    ] {
        execute(spoil).await;
        let error = maintenance.repository().record(request.id).await.unwrap_err();
        let told = format!("{error} {error:?} {}", error.source.as_ref().unwrap());
        assert!(told.contains(column) && !told.contains("secret"), "{told}");
        execute(mend).await;
        assert!(maintenance.repository().record(request.id).await.is_ok());
    }
}

/// A write that fails half-way leaves nothing of itself behind, also in a host's transaction that stays open.
pub(crate) async fn halves<R: Repository>(store: R) {
    staff(&store).await;
    let maintenance = Maintenance::new(store, NoDirectory);
    let store = maintenance.repository();
    let boss = Actor::Landlord(id(0xf000).into());
    let one = maintenance.submit(new_request(1)).await.unwrap().request;
    let two = maintenance.submit(new_request(2)).await.unwrap().request;
    maintenance.change_status(one.id, Move::to(RequestStatus::InProgress, boss)).await.unwrap();
    let record = maintenance.record(one.id).await.unwrap();
    let (change, message) = (record.history[0].clone(), record.notifications[0].clone());

    // The id of the change is in use.
    let mut step = Step::on(&two, two.updated_at + TimeDelta::microseconds(1));
    step.writes.push(Write::Status(StatusChange { request_id: two.id, ..change }));
    assert_eq!(kind(store.apply(&step).await), RepositoryErrorKind::Conflict);
    assert_eq!(maintenance.record(two.id).await.unwrap().request, two);

    // The id of the second filing's message is in use by another request's message.
    let filing = |n: u128, message_id: NotificationId| {
        let request = Request { id: id(n).into(), ..two.clone() };
        let message = Notification { id: message_id, request_id: request.id, ..message.clone() };
        Filing { request, assignment: None, notification: Some(message), news: None }
    };
    let filings = [filing(0x61, id(0x71).into()), filing(0x62, message.id)];
    assert_eq!(kind(store.file(&filings).await), RepositoryErrorKind::Conflict);
    assert_eq!(kind(file_one(store, &filings[1]).await), RepositoryErrorKind::Conflict);
    for filing in &filings {
        assert_eq!(store.request(filing.request.id).await.unwrap(), None);
    }

    // With free ids they are filed. Filed again, they write nothing new.
    let filings = [filing(0x61, id(0x71).into()), filing(0x62, id(0x72).into())];
    assert_eq!(kinds(store.file(&filings).await), [true, true]);
    assert_eq!(kinds(store.file(&filings).await), [false, false]);
    assert!(matches!(file_one(store, &filings[0]).await, Ok(Filed::Existing(_))));
    assert_eq!(maintenance.record(id(0x61).into()).await.unwrap().notifications.len(), 1);
}

fn kinds(answers: Result<Vec<Result<Filed, RepositoryError>>, RepositoryError>) -> Vec<bool> {
    answers.unwrap().into_iter().map(|answer| matches!(answer, Ok(Filed::New(_)))).collect()
}
