//! Editing a request.

use std::collections::BTreeSet;

use maintenance_core::{
    Actor, Assign, EDITABLE, Edit, Error, FieldChange, Location, Move, NewHold, Priority, PropertyId,
    Request, RequestField, RequestId, RequestStatus, Role, Specialty, Submission, Title, Verdict,
};
use uuid::Uuid;

use super::World;

/// One row per field, with the value before and after; the request that was edited is stored.
pub async fn each_field_is_edited_and_recorded(world: World) {
    let request = world.filed().await;
    let (landlord, property) = (world.landlord(), world.directory.property(2));
    let edit = Edit::by(landlord)
        .title(" The tap leaks ")
        .description("It drips.")
        .location("Bath")
        .priority(Priority::Emergency)
        .specialty(Some("Pest-Control"))
        .property(property)
        .seen(request.version);
    world.wait(60);
    let after = world.maintenance.edit(request.id, edit).await.unwrap();
    let record = world.record(request.id).await;
    assert_eq!(record.request, after);
    let expected = Request {
        title: Title::new("The tap leaks").unwrap(),
        description: maintenance_core::Description::new("It drips.").unwrap(),
        location: Location::new("Bath").unwrap(),
        priority: Priority::Emergency,
        specialty: Some(Specialty::PEST_CONTROL),
        property_id: property,
        complex_id: world.directory.complex(2),
        version: 2,
        updated_at: after.updated_at,
        ..request.clone()
    };
    assert_eq!(after, expected);
    assert!(after.updated_at > request.updated_at);
    let (old, new) = (request.clone(), after.clone());
    let changes = [
        FieldChange::Title { before: old.title, after: new.title },
        FieldChange::Description { before: old.description, after: new.description },
        FieldChange::Location { before: old.location, after: new.location },
        FieldChange::Priority { before: old.priority, after: new.priority },
        FieldChange::Specialty { before: old.specialty, after: new.specialty },
        FieldChange::Property { before: old.property_id, after: new.property_id },
        FieldChange::Complex { before: old.complex_id, after: new.complex_id },
    ];
    assert_eq!(record.edits.len(), changes.len());
    assert!(changes.iter().all(|change| record.edits.iter().any(|edit| edit.change == *change)));
    let by = |edit: &maintenance_core::EditedField| (edit.request_id, edit.edited_by, edit.edited_at);
    assert!(record.edits.iter().all(|edit| by(edit) == (request.id, landlord.user_id(), after.updated_at)));
    assert!(record.history.is_empty() && record.notifications.is_empty(), "nobody's: nobody is told");

    let none = world.maintenance.edit(request.id, Edit::by(landlord).specialty(None)).await.unwrap();
    assert_eq!(none.specialty, None);
    let record = world.record(request.id).await;
    let trade = FieldChange::Specialty { before: after.specialty, after: None };
    assert_eq!((record.request, &record.edits.last().unwrap().change), (none, &trade));
}

/// A form may send every field back, and an edit may be repeated.
pub async fn an_edit_that_changes_nothing_writes_nothing(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let renter = Actor::Renter(world.renter);
    let all = |by| {
        Edit::by(by)
            .title(request.title.as_str())
            .description(request.description.as_str())
            .location(request.location.as_str())
            .priority(request.priority)
            .specialty(request.specialty.as_ref().map(Specialty::as_str))
            .property(request.property_id)
    };
    let before = world.record(request.id).await;
    for by in [renter, world.landlord()] {
        assert_eq!(world.maintenance.edit(request.id, all(by)).await.unwrap(), request);
        assert_eq!(world.maintenance.edit(request.id, Edit::by(by)).await.unwrap(), request);
    }
    assert_eq!(world.record(request.id).await, before);
    let edit = || Edit::by(renter).title("The tap leaks").seen(request.version);
    let after = world.maintenance.edit(request.id, edit()).await.unwrap();
    assert_eq!(world.maintenance.edit(request.id, edit()).await.unwrap(), after, "repeated");
    assert_eq!(world.record(request.id).await.edits.len(), 1);
}

/// Nothing is written for it.
pub async fn a_bad_edit_names_every_wrong_field(world: World) {
    let request = world.filed().await;
    let unknown = PropertyId::from_uuid(Uuid::from_u128(7));
    let edit = Edit::by(world.landlord())
        .title(" ")
        .description("x".repeat(10_001))
        .location("")
        .specialty(Some("--"))
        .property(unknown)
        .priority(Priority::Low);
    let Err(Error::Invalid(invalid)) = world.maintenance.edit(request.id, edit).await else {
        panic!("it is invalid")
    };
    let fields: Vec<_> = invalid.fields.iter().map(|field| field.field.as_ref()).collect();
    assert_eq!(fields, ["title", "description", "location", "specialty", "property_id"]);
    let (nowhere, edit) = (Uuid::from_u128(3).into(), Edit::by(world.landlord()).title("The tap"));
    let nothing = world.maintenance.edit(nowhere, edit).await;
    assert!(matches!(nothing, Err(Error::NotFound { what: "request", .. })), "{nothing:?}");
    world.directory.set_failing(true);
    let failed = world.maintenance.edit(request.id, Edit::by(world.landlord()).property(unknown)).await;
    assert!(matches!(failed, Err(Error::Directory(_))), "{failed:?}");
    assert_eq!(world.record(request.id).await.request, request);
}

/// Every field is edited by everyone, in every status.
pub async fn everyone_edits_what_the_table_lets_them(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let landlord = world.landlord();
    let actors = [
        (Some(Role::Renter), Actor::Renter(world.renter)),
        (Some(Role::AssignedWorker), Actor::Worker(worker.id)),
        (Some(Role::Landlord), landlord),
        (Some(Role::Landlord), Actor::System),
        (None, Actor::Renter(Uuid::from_u128(1).into())),
        (None, Actor::Worker(world.nobody())),
    ];
    let property = world.directory.property(1);
    for status in RequestStatus::ALL {
        for (role, by) in actors {
            let id = in_status(&world, *status).await;
            for field in RequestField::ALL {
                let edit = Edit::by(by);
                let edit = match field {
                    RequestField::Title => edit.title("The tap leaks"),
                    RequestField::Description => edit.description("It drips."),
                    RequestField::Location => edit.location("Bath"),
                    RequestField::Priority => edit.priority(Priority::Low),
                    RequestField::Specialty => edit.specialty(Some("painting")),
                    RequestField::Property => edit.property(property),
                    RequestField::Hold => edit,
                    // The complex changes with the property alone.
                    _ => continue,
                };
                let before = world.record(id).await;
                let answer = match field {
                    RequestField::Hold => world.maintenance.hold(id, NewHold::by(by, "no parts")).await,
                    _ => world.maintenance.edit(id, edit).await,
                };
                let may = EDITABLE.iter().any(|row| {
                    let is_allowed = role.is_some_and(|role| row.allowed.contains(&role));
                    row.fields.contains(field) && row.statuses.contains(status) && is_allowed
                });
                assert_eq!(answer.is_ok(), may, "{field} while {status} by {role:?}: {answer:?}");
                if may {
                    assert_eq!(world.record(id).await.edits.len(), before.edits.len() + 1);
                    continue;
                }
                assert_eq!(world.record(id).await, before, "a refused edit wrote something");
                match answer.unwrap_err() {
                    Error::NotAllowed { .. } => assert_eq!(role, None),
                    Error::NotOpen { .. } => assert!(!status.is_open()),
                    Error::Refused { refusal, .. } => {
                        let text = refusal.to_string();
                        assert!(text.starts_with(&format!("only these may edit the {field} of")), "{text}");
                    }
                    other => panic!("{other}"),
                }
            }
            let own = world.maintenance.edit(id, Edit::by(by)).await;
            assert_eq!(own.is_ok(), role.is_some() && status.is_open(), "others don't even see it: {own:?}");
        }
    }
}

/// A filed request moved to that status.
pub(super) async fn in_status(world: &World, status: RequestStatus) -> RequestId {
    let path: &[RequestStatus] = match status {
        RequestStatus::Pending => &[],
        RequestStatus::InProgress => &[RequestStatus::InProgress],
        RequestStatus::Completed => &[RequestStatus::InProgress, RequestStatus::Completed],
        RequestStatus::Cancelled => &[RequestStatus::Cancelled],
    };
    let id = world.filed().await.id;
    for to in path {
        world.maintenance.change_status(id, Move::to(*to, world.landlord())).await.unwrap();
    }
    id
}

/// The version that the caller saw is part of what they ask for.
pub async fn an_editor_who_saw_an_older_version_gets_a_conflict(world: World) {
    let request = world.filed().await;
    let landlord = world.landlord();
    let edit = |title: &str| Edit::by(landlord).title(title);
    let after = world.maintenance.edit(request.id, edit("The tap leaks")).await.unwrap();
    let late = world.maintenance.edit(request.id, edit("The pipe leaks").seen(request.version)).await;
    assert_eq!(
        late.unwrap_err().to_string(),
        format!("request {} now has version 2, and you saw 1; read it again before you edit it", request.id)
    );
    assert_eq!(world.record(request.id).await.request, after);
    world.maintenance.edit(request.id, edit("The pipe leaks").seen(after.version)).await.unwrap();
}

/// Two edit other fields at the same moment, ten times: both are kept. Of two who say which version they saw, one is told.
pub async fn two_editors_at_once_do_not_undo_each_other(world: World) {
    let landlord = world.landlord();
    for _ in 0..10 {
        let request = world.filed().await;
        let start = |edit: Edit| {
            let maintenance = world.maintenance.clone();
            tokio::spawn(async move { maintenance.edit(request.id, edit).await })
        };
        let title = start(Edit::by(landlord).title("The tap leaks"));
        let place = start(Edit::by(Actor::Renter(world.renter)).location("Bath"));
        title.await.unwrap().unwrap();
        place.await.unwrap().unwrap();
        let record = world.record(request.id).await;
        let Request { title, location, version, .. } = record.request;
        assert_eq!((title.as_str(), location.as_str(), version), ("The tap leaks", "Bath", 3));
        let times: BTreeSet<_> = record.edits.iter().map(|edit| edit.edited_at).collect();
        assert_eq!(times.len(), 2);
        let seen = |title: &str| start(Edit::by(landlord).title(title).seen(version));
        let (one, two) = (seen("One"), seen("Two"));
        let answers = [one.await.unwrap(), two.await.unwrap()];
        let lost: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
        assert!(matches!(lost[..], [Error::VersionConflict { seen: 3, current: 4, .. }]), "{answers:?}");
    }
}

/// Nothing happens by itself: whoever adds the trade has a worker selected.
pub async fn a_trade_that_is_added_is_selected_for_at_once(world: World) {
    let roofer = world.worker(&["roofing"]).await;
    let request = world.filed().await;
    assert_eq!(request.assigned_worker_id, None, "no plumber");
    let landlord = world.landlord();
    let edit = Edit::by(landlord).specialty(Some("roofing"));
    let edited = world.maintenance.edit(request.id, edit).await.unwrap();
    assert_eq!((edited.assigned_worker_id, edited.version), (None, 2));
    let assigned = world.maintenance.assign_by_selection(request.id, Assign::by(landlord)).await.unwrap();
    assert_eq!(assigned.request.assigned_worker_id, Some(roofer.id));
    assert!(matches!(assigned.selection.ranking[0].verdict, Verdict::Eligible(_)));
}

/// By what it was submitted with, whatever it is now.
pub async fn a_repeat_of_the_submit_is_recognised_after_an_edit(world: World) {
    let new = world.new_request().id(Uuid::from_u128(0x5E7F).into());
    let request = world.maintenance.submit(new.clone()).await.unwrap().request;
    let edit = Edit::by(world.landlord()).title("The tap leaks").priority(Priority::Low).specialty(None);
    let edited = world.maintenance.edit(request.id, edit).await.unwrap();
    let again = world.maintenance.submit(new.clone()).await.unwrap();
    assert_eq!((again.submission, again.request), (Submission::AlreadyFiled, edited));
    let mut other = new;
    other.form.title = "The tap leaks".into();
    assert!(matches!(world.maintenance.submit(other).await, Err(Error::Reused(_))));
}
