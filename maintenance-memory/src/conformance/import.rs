//! Taking over requests.

use chrono::TimeDelta;
use futures_util::{StreamExt as _, stream};
use maintenance_core::{
    Actor, Assign, Comment, CommentText, Error, ImportReport, Maintenance, Move, OrganizationId, PageRequest,
    RefusedLine, Repository, Request, RequestFilter, RequestNumber, RequestRecord, RequestStatus,
    StatusChange, UserType, WhatsAppStatus, Worker,
};
use serde_json::json;
use uuid::Uuid;

use super::World;

pub(super) fn id(n: u128) -> Uuid {
    Uuid::from_u128(0xAAAA_0000_0000_4000_8000_0000_0000_0000 | n)
}

/// Imports lines; the report, and what was refused.
pub(super) async fn import(world: &World, lines: &[impl AsRef<[u8]>]) -> (ImportReport, Vec<RefusedLine>) {
    let mut refused = Vec::new();
    let report = world.maintenance.import(stream::iter(lines), |line| refused.push(line)).await.unwrap();
    assert_eq!(report.refused, refused.len() as u64);
    (report, refused)
}

/// The record without its number, which each store gives anew.
pub(super) fn unnumbered(mut record: RequestRecord) -> RequestRecord {
    record.request.number = RequestNumber::NONE;
    record
}

pub(super) fn counts(report: ImportReport) -> (u64, u64, u64) {
    (report.imported, report.existing, report.refused)
}

pub(super) fn line(record: &RequestRecord) -> String {
    serde_json::to_string(record).unwrap()
}

/// A completed request of an older system, with two changes of status and a comment. Its ids count from `100 * n`.
pub fn old_record(world: &World, n: u128, worker: Option<&Worker>) -> RequestRecord {
    let begun = maintenance_core::Clock::now(&world.clock) - TimeDelta::days(400);
    let at = |hours| begun + TimeDelta::hours(hours);
    let request_id = id(100 * n).into();
    let change = |n: u128, hours, previous_status, new_status| StatusChange {
        id: id(n).into(),
        request_id,
        previous_status,
        new_status,
        changed_by: world.landlord().user_id(),
        changed_at: at(hours),
        notes: None,
    };
    let (pending, in_progress) = (RequestStatus::Pending, RequestStatus::InProgress);
    let request: Request = serde_json::from_value(json!({
        "id": request_id,
        "organization_id": world.maintenance.organization(),
        "renter_id": world.renter,
        "title": "The gutter is full",
        "description": "Leaves – \"since\" October.\n\tIt 'overflows' 💧",
        "status": "completed",
        "priority": "low",
        "created_at": begun,
        "updated_at": at(30),
        "completed_at": at(30),
        "property_id": world.property,
        "location": "Roof",
        "assigned_worker_id": worker.map(|worker| worker.id),
        "whatsapp_message_id": null,
        "whatsapp_status": "pending",
        "complex_id": world.complex,
        "specialty": "roofing",
        "version": 3,
    }))
    .unwrap();
    RequestRecord {
        request,
        history: vec![
            change(100 * n + 1, 5, pending, in_progress),
            change(100 * n + 2, 30, in_progress, RequestStatus::Completed),
        ],
        assignments: Vec::new(),
        edits: Vec::new(),
        comments: vec![Comment {
            id: id(100 * n + 3).into(),
            request_id,
            user_id: world.renter.into(),
            user_type: UserType::Renter,
            comment: CommentText::new("It drips on the steps.").unwrap(),
            created_at: at(6),
        }],
        attachments: Vec::new(),
        notifications: Vec::new(),
    }
}

/// What an older system can't know may be missing; blank lines are skipped and counted.
pub async fn a_line_may_leave_out_what_an_older_system_does_not_know(world: World) {
    let at = maintenance_core::Clock::now(&world.clock);
    let request = json!({
        "id": id(1), "renter_id": world.renter, "title": " The sink leaks ", "description": "Water.",
        "status": "pending", "priority": "high", "created_at": "2020-02-29T23:59:59.1234567+02:00",
        "updated_at": at, "property_id": world.property, "location": "Kitchen", "complex_id": world.complex,
        "somewhere_else": [1, 2],
    });
    let lines = ["", " \t ", &json!({ "request": request }).to_string(), "", "{}"];
    let (report, refused) = import(&world, &lines).await;
    assert_eq!((counts(report), refused[0].line), ((1, 0, 1), 5));
    let record = world.record(id(1).into()).await;
    assert_eq!((record.request.title.as_str(), record.request.version), ("The sink leaks", 1));
    assert_eq!(record.request.created_at.to_rfc3339(), "2020-02-29T21:59:59.123456+00:00");
    assert_eq!(record.request.whatsapp_status, WhatsAppStatus::Pending);
    assert_eq!(record.request.organization_id, world.maintenance.organization());
    assert_eq!(import(&world, &Vec::<String>::new()).await.0, ImportReport::default());
}

/// Importing again finds everything there, and leaves what happened since.
pub async fn importing_again_changes_nothing(world: World) {
    let records: Vec<_> = (1..=5).map(|n| old_record(&world, n, None)).collect();
    let lines: Vec<String> = records.iter().map(line).collect();
    assert_eq!(counts(import(&world, &lines[..3]).await.0), (3, 0, 0));
    let first = records[0].request.id;
    let again = Move::to(RequestStatus::InProgress, world.landlord()).note("it is full again");
    world.maintenance.change_status(first, again).await.unwrap();
    let since = world.record(first).await;
    assert_eq!(counts(import(&world, &lines).await.0), (2, 3, 0));
    // Twice in one import too.
    let twice: Vec<_> = lines.iter().chain(&lines).collect();
    assert_eq!(counts(import(&world, &twice).await.0), (0, 10, 0));
    assert_eq!(world.record(first).await, since);
    for record in &records[1..] {
        assert_eq!(&unnumbered(world.record(record.request.id).await), record);
    }
}

/// A different request under an id that is there is refused, with what differs.
pub async fn another_request_under_an_id_that_is_there_is_refused(world: World) {
    let record = old_record(&world, 1, None);
    import(&world, &[line(&record)]).await;
    let mut other = record.clone();
    other.request.renter_id = id(7).into();
    other.request.created_at -= TimeDelta::days(1);
    let (report, refused) = import(&world, &[line(&other)]).await;
    assert_eq!(counts(report), (0, 0, 1));
    assert_eq!((refused[0].line, refused[0].id), (1, Some(record.request.id)));
    let Error::Reused(used) = &refused[0].why else { panic!("{}", refused[0]) };
    let differ: Vec<_> = used.differences.iter().map(|difference| difference.field).collect();
    assert_eq!(differ, ["renter_id", "created_at"]);
    assert_eq!(unnumbered(world.record(record.request.id).await), record);
}

/// A row's id that something else has refuses its request alone.
pub async fn an_id_that_is_taken_refuses_its_request_alone(world: World) {
    let mut records: Vec<_> = (1..=6).map(|n| old_record(&world, n, None)).collect();
    import(&world, &[line(&records[0])]).await;
    records[1].comments[0].id = records[0].comments[0].id;
    records[2].history[1].id = records[0].history[0].id;
    // The one before it brings that id.
    records[4].comments[0].id = records[3].comments[0].id;
    let lines: Vec<String> = records.iter().map(line).collect();
    let (report, refused) = import(&world, &lines).await;
    assert_eq!(counts(report), (2, 1, 3));
    assert_eq!(refused.iter().map(|refused| refused.line).collect::<Vec<_>>(), [2, 3, 5]);
    for refused in refused {
        assert!(refused.to_string().contains("every row needs an id of its own"), "{refused}");
    }
    for n in [0, 3, 5] {
        assert_eq!(unnumbered(world.record(records[n].request.id).await), records[n], "it lost no row");
    }
    assert_eq!(world.requests().await.len(), 3);
}

/// The worker must be known. More lines than fit into one step are imported all the same.
pub async fn a_request_of_an_unknown_worker_is_refused_alone(world: World) {
    let worker = world.worker(&["roofing"]).await;
    let mut records: Vec<_> = (1..=1_100).map(|n| old_record(&world, n, Some(&worker))).collect();
    records[600].request.assigned_worker_id = Some(world.nobody());
    let lines: Vec<String> = records.iter().map(line).collect();
    let (report, refused) = import(&world, &lines).await;
    assert_eq!(counts(report), (1_099, 0, 1));
    let nobody = world.nobody().uuid();
    assert!(matches!(refused[0].why, Error::NotFound { what: "worker", id } if id == nobody));
    assert_eq!(refused[0].line, 601);
    // All of them, in pages, newest first, each once.
    let all = RequestFilter::default();
    let exported: Vec<_> = world.maintenance.export(&all).map(Result::unwrap).collect().await;
    let mut order: Vec<_> =
        exported.iter().map(|record| (record.request.created_at, record.request.id)).collect();
    assert!(order.is_sorted_by(|one, next| one > next));
    order.dedup();
    assert_eq!(order.len(), 1_099);
    assert_eq!(exported.last().cloned().map(unnumbered).as_ref(), records.first());
}

/// Another organisation's requests, rows and workers can't be reached, and look like nothing.
pub async fn an_import_stays_within_its_organization(world: World) {
    let (one, other) = (world.of(id(1).into()), world.of(id(2).into()));
    let (theirs, mine) = (one.worker(&[]).await, other.worker(&[]).await);
    let record = old_record(&one, 1, Some(&theirs));
    assert_eq!(counts(import(&one, &[line(&record)]).await.0), (1, 0, 0));
    // Its line as it is, its line as ours, a row of it, and its worker.
    let mut taken = old_record(&other, 1, Some(&mine));
    let mut with_row = old_record(&other, 2, Some(&mine));
    with_row.comments[0].id = record.comments[0].id;
    let with_worker = old_record(&other, 3, Some(&theirs));
    taken.request.renter_id = record.request.renter_id;
    let good = old_record(&other, 4, Some(&mine));
    let lines = [&record, &taken, &with_row, &with_worker, &good].map(line);
    let (report, refused) = import(&other, &lines).await;
    assert_eq!(counts(report), (1, 0, 4));
    let wrong: Vec<String> = refused.iter().map(|refused| refused.why.to_string()).collect();
    assert!(wrong.iter().any(|why| why.contains("request.organization_id")), "{wrong:?}");
    assert_eq!(wrong.iter().filter(|why| why.contains("is taken")).count(), 2, "{wrong:?}");
    assert!(wrong.iter().any(|why| *why == format!("there is no worker {}", theirs.id)), "{wrong:?}");
    assert_eq!(unnumbered(one.record(record.request.id).await), record);
    assert_eq!(unnumbered(other.record(good.request.id).await), good);
    // A line that names no organisation is that of who imports it.
    let mut unnamed = serde_json::to_value(old_record(&other, 5, None)).unwrap();
    unnamed["request"].as_object_mut().unwrap().remove("organization_id");
    import(&other, &[unnamed.to_string()]).await;
    assert_eq!(other.record(id(500).into()).await.request.organization_id, OrganizationId::from(id(2)));
}

/// Two imports of the same lines at once write each request once.
pub async fn imports_at_the_same_time_write_each_request_once(world: World) {
    let records: Vec<_> = (1..=120).map(|n| old_record(&world, n, None)).collect();
    let lines: Vec<String> = records.iter().map(line).collect();
    let tasks: Vec<_> = (0..4)
        .map(|n| {
            let maintenance: Maintenance<std::sync::Arc<dyn Repository>> = world.maintenance.clone();
            let mut lines = lines.clone();
            lines.rotate_left(30 * n);
            tokio::spawn(async move {
                let refused = |line: RefusedLine| panic!("{line}");
                maintenance.import(stream::iter(lines), refused).await.unwrap()
            })
        })
        .collect();
    let mut imported = 0;
    for task in tasks {
        let report = task.await.unwrap();
        assert_eq!(report.imported + report.existing, 120);
        imported += report.imported;
    }
    assert_eq!(imported, 120);
    for record in &records {
        assert_eq!(&unnumbered(world.record(record.request.id).await), record);
    }
}

/// An open request that was imported is worked on like any other: it counts as its worker's, who is told on demand.
pub async fn an_imported_open_request_is_worked_on_like_any_other(world: World) {
    let worker = world.worker(&["roofing"]).await;
    let open = |n, worker: Option<&Worker>| {
        let mut record = old_record(&world, n, worker);
        record.history.clear();
        record.request.status = RequestStatus::Pending;
        record.request.completed_at = None;
        record
    };
    let (theirs, nobodys) = (open(1, Some(&worker)), open(2, None));
    import(&world, &[line(&theirs), line(&nobodys)]).await;
    world.wait(3_600);
    assert_eq!(world.dispatch().await.claimed, 0);
    let unassigned = RequestFilter { unassigned: true, ..RequestFilter::default() };
    let listed = world.maintenance.requests(&unassigned, &PageRequest::default()).await.unwrap();
    assert_eq!(listed.items.iter().map(|request| request.id).collect::<Vec<_>>(), [nobodys.request.id]);
    world.maintenance.notify_again(theirs.request.id, world.landlord()).await.unwrap();
    let twice = world.maintenance.notify_again(theirs.request.id, world.landlord()).await;
    assert!(matches!(twice, Err(Error::Invalid(_))), "its message is on its way");
    let assign = Assign::by(world.landlord());
    world.maintenance.assign_by_selection(nobodys.request.id, assign).await.unwrap();
    assert_eq!(world.dispatch().await.sent, 2);
    let by = Actor::Worker(worker.id);
    for to in [RequestStatus::InProgress, RequestStatus::Completed] {
        world.maintenance.change_status(theirs.request.id, Move::to(to, by)).await.unwrap();
    }
    assert_eq!(world.record(theirs.request.id).await.request.status, RequestStatus::Completed);
}
