//! What one caller does: workers, the life of a request, the lists.

use chrono::{DateTime, Datelike as _, Utc};
use maintenance_core::*;

use super::*;

/// Workers and assignments.
pub(crate) async fn workers(store: &dyn Repository) {
    let workers = staff(store).await;
    let [one, two, _] = &workers[..] else { panic!() };
    assert_eq!(store.worker(one.id).await.unwrap().as_ref(), Some(one));
    assert_eq!(store.add_worker(one).await.unwrap(), Inserted::Existing(one.clone()));
    assert_eq!(store.worker(id(1).into()).await.unwrap(), None);

    let away = Worker { status: WorkerStatus::OnLeave, updated_at: at(50), ..one.clone() };
    assert_eq!(kind(store.save_worker(&away, at(49)).await), RepositoryErrorKind::Conflict);
    let nobody = Worker { id: id(1).into(), ..one.clone() };
    assert_eq!(kind(store.save_worker(&nobody, at(1)).await), RepositoryErrorKind::NotFound);
    store.save_worker(&away, one.updated_at).await.unwrap();
    assert_eq!(store.worker(one.id).await.unwrap(), Some(away.clone()));

    let all = Slice { after: None, limit: 10 };
    let list = |filter: WorkerFilter, slice| async move {
        let listing = store.workers(&filter, slice).await.unwrap();
        assert!(listing.corrupt.is_empty());
        listing.items.into_iter().map(|worker| worker.created_at).collect::<Vec<_>>()
    };
    assert_eq!(list(WorkerFilter::default(), all).await, [at(3), at(2), at(1)]);
    let after = Position::new(at(3), workers[2].id.uuid());
    assert_eq!(list(WorkerFilter::default(), Slice { after: Some(after), limit: 1 }).await, [at(2)]);
    let on_leave = WorkerFilter { status: Some(WorkerStatus::OnLeave), ..Default::default() };
    assert_eq!(list(on_leave, all).await, [at(1)]);
    let trade = |name| WorkerFilter {
        specialty: Some(Specialty::new(name).unwrap()),
        complex_id: Some(complex(1)),
        ..Default::default()
    };
    assert_eq!(list(trade("pool care"), all).await.len(), 3);
    assert_eq!(list(trade("roofing"), all).await.len(), 0);

    // A worker assigned again keeps the assignment's id. A new primary replaces the former one.
    let again = store.assign_complex(&assignment(9, two, complex(1), true)).await.unwrap();
    assert_eq!(
        again,
        ComplexAssignment { updated_at: at(9), is_primary: true, ..assignment(1, two, complex(1), false) }
    );
    let all = store.assignments(AssignmentsOf::Complex(complex(1))).await.unwrap().items;
    assert_eq!(
        all.iter().map(|a| (a.is_primary, a.updated_at)).collect::<Vec<_>>(),
        [(false, at(9)), (true, at(9)), (false, at(2))]
    );
    let unknown = assignment(10, &nobody, complex(1), true);
    assert_eq!(kind(store.assign_complex(&unknown).await), RepositoryErrorKind::NotFound);

    // A time that they can't both hold becomes the nearest that they can.
    let (earliest, latest) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    let ageless = Worker { id: id(2).into(), created_at: earliest, updated_at: latest, ..one.clone() };
    assert_eq!(store.add_worker(&ageless).await.unwrap(), Inserted::New);
    let stored = store.worker(ageless.id).await.unwrap().unwrap();
    assert_eq!((stored.created_at.year(), stored.updated_at.year()), (1, 9_999));
    assert!(store.assignments(AssignmentsOf::Worker(two.id)).await.unwrap().items[0].is_primary);
    assert!(store.unassign_complex(two.id, complex(1)).await.unwrap());
    assert!(!store.unassign_complex(two.id, complex(1)).await.unwrap());
    assert_eq!(store.candidates(&[anyone(1)]).await.unwrap().items.len(), 2);
}

/// The life of a request, from submit to completion, through the use cases.
pub(crate) async fn life<R: Repository>(store: R) {
    let workers = staff(&store).await;
    let maintenance = Maintenance::new(store, NoDirectory);
    let store = maintenance.repository();
    let filed = maintenance.submit(new_request(7)).await.unwrap();
    let request = filed.request.clone();
    assert_eq!(request.assigned_worker_id, Some(workers[0].id));
    assert_eq!(store.request(request.id).await.unwrap().as_ref(), Some(&request));
    assert_eq!(maintenance.submit(new_request(7)).await.unwrap().submission, Submission::AlreadyFiled);

    let candidates = store.candidates(&[anyone(1)]).await.unwrap().items;
    let candidates: Vec<_> = candidates.into_iter().map(|(_, candidate)| candidate).collect();
    let busy = candidates.iter().find(|c| c.worker_id == workers[0].id).unwrap();
    assert_eq!((busy.open_requests, busy.last_assigned_at), (1, Some(request.created_at)));
    assert_eq!(candidates.iter().filter(|c| c.last_assigned_at.is_none()).count(), 2);

    let boss = Actor::Landlord(id(0xf000).into());
    let moved =
        maintenance.change_status(request.id, Move::to(RequestStatus::InProgress, boss)).await.unwrap();
    let note = Some("The other one is nearer.");
    let given = maintenance
        .assign(request.id, workers[1].id, note.into_iter().fold(Assign::by(boss), Assign::note))
        .await
        .unwrap();
    assert_eq!((moved.version, given.version), (2, 3));
    let comment = NewComment { id: Some(id(0x77).into()), comment: "On my way.".into() };
    let staff = Actor::Worker(workers[1].id);
    let said = maintenance.comment(request.id, staff, comment.clone()).await.unwrap();
    assert_eq!(maintenance.comment(request.id, staff, comment).await.unwrap(), said);
    let file = NewAttachment {
        id: Some(id(0x78).into()),
        file_url: "https://files.example.com/sink.jpg".into(),
        file_type: "image/jpeg".into(),
    };
    let attached = maintenance.attach(request.id, file.clone()).await.unwrap();
    assert_eq!(maintenance.attach(request.id, file).await.unwrap(), attached);
    maintenance.change_status(request.id, Move::to(RequestStatus::InProgress, staff)).await.unwrap();
    let done =
        maintenance.change_status(request.id, Move::to(RequestStatus::Completed, staff)).await.unwrap();
    assert!(done.completed_at.is_some());

    let record = maintenance.record(request.id).await.unwrap();
    assert_eq!(record.request, done);
    assert_eq!(record.history.len(), 4);
    assert!(record.history.windows(2).all(|pair| pair[0].changed_at < pair[1].changed_at));
    assert_eq!((record.comments, record.attachments), (vec![said], vec![attached]));
    let recipients = |kind| record.notifications.iter().filter(move |n| n.kind == kind).map(|n| n.to);
    assert!(recipients(NotificationKind::Assignment).eq([workers[0].id.into(), workers[1].id.into()]));
    assert!(recipients(NotificationKind::Withdrawn).eq([workers[0].id.into()]));
    let givens: Vec<_> =
        record.assignments.iter().map(|row| (row.previous_worker_id, row.new_worker_id)).collect();
    let (first, second) = (Some(workers[0].id), Some(workers[1].id));
    assert_eq!(givens, [(None, first), (first, second)]);
    assert!(!record.assignments[0].ranking.is_empty());
    assert_eq!(maintenance.repository().record(id(1).into()).await.unwrap(), None);

    // A refused call writes nothing.
    let current = Step::on(&done, at(91));
    let mut stale = current.clone();
    stale.seen -= 1;
    assert_eq!(kind(store.apply(&stale).await), RepositoryErrorKind::Conflict);
    let mut gone = current.clone();
    gone.request_id = id(1).into();
    assert_eq!(kind(store.apply(&gone).await), RepositoryErrorKind::NotFound);
    let away = Worker { status: WorkerStatus::Inactive, updated_at: at(90), ..workers[2].clone() };
    store.save_worker(&away, workers[2].updated_at).await.unwrap();
    let mut tell = current.clone();
    let message = Notification { to: away.id.into(), id: id(0x99).into(), ..record.notifications[0].clone() };
    tell.writes.push(Write::Notify(message.clone()));
    assert_eq!(kind(store.apply(&tell).await), RepositoryErrorKind::Conflict);
    let mut filing =
        Filing { request: request.clone(), assignment: None, notification: Some(message), news: None };
    assert_eq!(file_one(store, &filing).await.unwrap(), Filed::Existing(done.clone()));
    filing.request.id = id(0x55).into();
    filing.request.assigned_worker_id = Some(away.id);
    assert_eq!(kind(file_one(store, &filing).await), RepositoryErrorKind::Conflict);
    assert_eq!(store.request(id(0x55).into()).await.unwrap(), None);
    let lost = Comment {
        id: id(0x56).into(),
        request_id: id(0x55).into(),
        ..maintenance
            .comments(&CommentFilter::default(), &PageRequest::default())
            .await
            .unwrap()
            .items
            .remove(0)
    };
    assert_eq!(kind(store.add_comment(&lost).await), RepositoryErrorKind::NotFound);
    assert_eq!(maintenance.record(request.id).await.unwrap().notifications.len(), 3);
}
