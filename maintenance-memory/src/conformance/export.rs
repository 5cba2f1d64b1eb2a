//! Handing out requests, and what there is about a person.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use maintenance_core::{
    Actor, Assign, Clock as _, DeliveryEvent, Edit, Move, NewAttachment, NewComment, NewHold, Note,
    PersonalData, RenterId, RequestRecord, RequestStatus, UserId, Worker,
};
use uuid::Uuid;

use super::{
    World,
    import::{counts, id, import, line, old_record, unnumbered},
};

/// The same record under other ids.
fn renumbered(mut record: RequestRecord) -> RequestRecord {
    let other = |id: Uuid| Uuid::from_u128(id.as_u128() ^ (0xBBBB << 64));
    let request = other(record.request.id.uuid()).into();
    record.request.id = request;
    for row in &mut record.history {
        (row.id, row.request_id) = (other(row.id.uuid()).into(), request);
    }
    for row in &mut record.assignments {
        (row.id, row.request_id) = (other(row.id.uuid()).into(), request);
    }
    for row in &mut record.edits {
        (row.id, row.request_id) = (other(row.id.uuid()).into(), request);
    }
    for row in &mut record.comments {
        (row.id, row.request_id) = (other(row.id.uuid()).into(), request);
    }
    for row in &mut record.attachments {
        (row.id, row.request_id) = (other(row.id.uuid()).into(), request);
    }
    record
}

/// A request with rows in every table: edited, reassigned, put on hold, completed, reopened, told of.
async fn rich(world: &World) -> (RequestRecord, Worker) {
    let (first, maintenance) = (world.worker(&["plumbing"]).await, &world.maintenance);
    let request = world.filed().await.id;
    let second = world.worker(&["plumbing"]).await;
    world.wait(60);
    world.dispatch().await;
    let edit = Edit::by(world.landlord())
        .title("The tap leaks")
        .specialty(None)
        .property(world.directory.property(2));
    maintenance.edit(request, edit).await.unwrap();
    maintenance.assign(request, second.id, Assign::by(world.landlord()).note("is nearer")).await.unwrap();
    world.wait(60);
    world.dispatch().await;
    let message = world.newest_message(request).await;
    maintenance.record_deliveries(&[world.news(&message, DeliveryEvent::Read)]).await.unwrap();
    let by = Actor::Worker(second.id);
    maintenance.hold(request, NewHold::by(by, "no parts")).await.unwrap();
    for (to, by, note) in [
        (RequestStatus::InProgress, by, None),
        (RequestStatus::Completed, by, Some("a new washer")),
        (RequestStatus::InProgress, Actor::Renter(world.renter), Some("it drips again")),
        (RequestStatus::Completed, by, None),
    ] {
        world.wait(60);
        let wanted = Move::to(to, by);
        let wanted = if let Some(note) = note { wanted.note(note) } else { wanted };
        maintenance.change_status(request, wanted).await.unwrap();
    }
    for by in [Actor::Renter(world.renter), world.landlord(), by] {
        world.wait(1);
        let new = NewComment { id: None, comment: "At home from nine.\n'Ring' \"twice\" 工".into() };
        maintenance.comment(request, by, new).await.unwrap();
    }
    let photo = NewAttachment {
        id: None,
        file_url: "https://files.example.com/sink.jpg?key=1".into(),
        file_type: "image/jpeg".into(),
    };
    maintenance.attach(request, photo).await.unwrap();
    let record = world.record(request).await;
    assert!(record.notifications.len() >= 3 && record.assignments.len() == 2, "{first:?}");
    assert_eq!(record.edits.len(), 6, "title, trade, property, complex, the hold and its end");
    (record, second)
}

/// What is exported is imported as it was, but for its messages, and nothing is sent.
pub async fn an_exported_request_is_imported_as_it_was(world: World) {
    let (exported, _) = rich(&world).await;
    let waiting = world.filed().await.id;
    let hold = NewHold::by(world.landlord(), "no parts").until(world.clock.now() + TimeDelta::days(3));
    world.maintenance.hold(waiting, hold).await.unwrap();
    while world.dispatch().await.claimed > 0 {
        world.wait(60);
    }
    let sent = world.notifier.messages().len();
    world.wait(1);
    for exported in [exported, world.record(waiting).await] {
        let mut given = renumbered(exported);
        let (report, refused) = import(&world, &[line(&given)]).await;
        assert_eq!(counts(report), (1, 0, 0), "{refused:?}");
        given.notifications.clear();
        assert_eq!(unnumbered(world.record(given.request.id).await), unnumbered(given));
    }
    world.wait(3_600);
    assert_eq!(world.dispatch().await.claimed, 0);
    assert_eq!(world.notifier.messages().len(), sent);
}

/// What there is about a renter, a worker and a landlord, each row once.
pub async fn a_persons_data_is_exported_whole(world: World) {
    let (own, worker) = rich(&world).await;
    let mut elsewhere = old_record(&world, 1, Some(&worker));
    elsewhere.request.renter_id = id(7).into();
    elsewhere.history[0].changed_by = world.renter.into();
    elsewhere.history[1].notes = Some(Note::new("cleaned").unwrap());
    import(&world, &[line(&elsewhere)]).await;
    let kinds = async |person: UserId| {
        let data = world.maintenance.export_person(person).await.unwrap();
        assert!(data.corrupt.is_empty());
        let mut kinds: Vec<String> = Vec::new();
        let mut texts = BTreeSet::new();
        for data in &data.items {
            let json = serde_json::to_value(data).unwrap();
            assert_eq!(&serde_json::from_value::<PersonalData>(json.clone()).unwrap(), data);
            kinds.push(json.as_object().unwrap().keys().next().unwrap().clone());
            assert!(texts.insert(json.to_string()), "twice: {json}");
        }
        kinds.sort_unstable();
        (data.items, kinds)
    };
    let (items, found) = kinds(world.renter.into()).await;
    // Their comment on the other's request, and their change of it; their own request's are in its record.
    assert_eq!(found, ["comment", "request", "status_change"]);
    assert!(items.contains(&PersonalData::Request(Box::new(own.clone()))));
    let (_, found) = kinds(worker.id.into()).await;
    let of = |kind: &str| found.iter().filter(|found| *found == kind).count();
    let messages = own.notifications.iter().filter(|message| message.to == worker.id.into()).count();
    let changes = own.history.iter().filter(|change| change.changed_by == worker.id.into()).count();
    let edits = own.edits.iter().filter(|edit| edit.edited_by == worker.id.into()).count();
    assert_eq!((of("worker"), of("complex_assignment"), of("comment")), (1, 1, 1));
    assert_eq!((of("notification"), of("status_change"), of("assignment_change")), (messages, changes, 1));
    assert_eq!((of("edit"), edits), (2, 2), "the hold and its end");
    assert_eq!(found.len(), 4 + messages + changes + edits);
    let (_, found) = kinds(world.landlord().user_id()).await;
    assert_eq!(found, ["assignment_change", "comment", "edit", "edit", "edit", "edit", "status_change"]);
    let (_, found) = kinds(RenterId::from(id(99)).into()).await;
    assert_eq!(found, [""; 0]);
    let elsewhere = world.of(id(1).into()).maintenance.export_person(world.renter).await.unwrap().items;
    let theirs =
        |data: &&PersonalData| matches!(data, PersonalData::StatusChange(_) | PersonalData::Notification(_));
    assert_eq!(elsewhere.iter().filter(theirs).count(), 0, "another organisation sees none of it");
}
