//! Putting the work on a request on hold.

use maintenance_core::{
    Actor, Assign, Clock as _, EditedField, Error, FieldChange, Hold, HoldReason, Move, NewHold,
    RequestStatus,
};

use super::{World, edit::in_status};

fn hold(reason: &str) -> Hold {
    Hold { reason: HoldReason::new(reason).unwrap(), until: None }
}

/// What happened to the hold, oldest first.
fn holds(edits: Vec<EditedField>) -> Vec<(Option<Hold>, Option<Hold>)> {
    let holds = edits.into_iter().filter_map(|edit| match edit.change {
        FieldChange::Hold { before, after } => Some((before, after)),
        _ => None,
    });
    holds.collect()
}

/// Holding again replaces reason and time. Each change is recorded, and the status stays as it is.
pub async fn a_hold_is_set_replaced_and_ended(world: World) {
    let worker = Actor::Worker(world.worker(&["plumbing"]).await.id);
    for status in [RequestStatus::Pending, RequestStatus::InProgress] {
        let id = in_status(&world, status).await;
        let until = world.clock.now() + chrono::TimeDelta::days(3);
        let parts = NewHold::by(worker, " waiting for parts ").until(until);
        let held = world.maintenance.hold(id, parts.clone()).await.unwrap();
        let with_time = Hold { until: Some(until), ..hold("waiting for parts") };
        assert_eq!((held.status, held.hold.as_ref()), (status, Some(&with_time)));
        assert_eq!(world.record(id).await.request, held);
        assert_eq!(world.maintenance.hold(id, parts).await.unwrap(), held, "it is on hold for that already");
        let key = NewHold::by(world.landlord(), "waiting for a key");
        let replaced = world.maintenance.hold(id, key).await.unwrap();
        assert_eq!(replaced.hold, Some(hold("waiting for a key")));
        assert_eq!(world.record(id).await.request, replaced);
        let resumed = world.maintenance.resume(id, worker).await.unwrap();
        assert_eq!((resumed.status, &resumed.hold), (status, &None));
        assert_eq!(world.maintenance.resume(id, worker).await.unwrap(), resumed, "it isn't on hold");
        let record = world.record(id).await;
        assert_eq!(record.request, resumed);
        let key = Some(hold("waiting for a key"));
        let with_time = Some(with_time);
        let expected = [(None, with_time.clone()), (with_time, key.clone()), (key, None)];
        assert_eq!(holds(record.edits), expected);
    }
}

/// Nothing is written for it.
pub async fn a_bad_hold_names_every_wrong_field(world: World) {
    let request = world.filed().await;
    let now = world.clock.now();
    for until in [now, now + chrono::TimeDelta::days(4_000)] {
        let bad = NewHold::by(world.landlord(), "x".repeat(201)).until(until);
        let Err(Error::Invalid(invalid)) = world.maintenance.hold(request.id, bad).await else {
            panic!("it is invalid")
        };
        let fields: Vec<_> = invalid.fields.iter().map(|field| field.field.as_ref()).collect();
        assert_eq!(fields, ["reason", "until"]);
    }
    assert_eq!(world.record(request.id).await.request, request);
}

/// It ends in the same step, by whoever does it, and is recorded. A request that goes from one worker to another still
/// waits.
pub async fn a_hold_ends_with_the_work_that_it_is_about(world: World) {
    let worker = Actor::Worker(world.worker(&["plumbing"]).await.id);
    let other = world.worker(&["painting"]).await.id;
    let landlord = world.landlord();
    let on_hold = async |status| {
        let id = in_status(&world, status).await;
        world.maintenance.hold(id, NewHold::by(worker, "no parts")).await.unwrap();
        id
    };
    let pending = on_hold(RequestStatus::Pending).await;
    let begun = world.maintenance.change_status(pending, Move::to(RequestStatus::InProgress, worker)).await;
    assert_eq!(begun.unwrap().hold, Some(hold("no parts")), "to begin ends nothing");
    let given = on_hold(RequestStatus::Pending).await;
    let given = world.maintenance.assign(given, other, Assign::by(landlord)).await.unwrap();
    assert_eq!(given.hold, Some(hold("no parts")));

    let cases = [
        (RequestStatus::InProgress, Some(RequestStatus::Completed), worker),
        (RequestStatus::InProgress, Some(RequestStatus::Pending), worker),
        (RequestStatus::Pending, Some(RequestStatus::Cancelled), Actor::Renter(world.renter)),
        (RequestStatus::InProgress, Some(RequestStatus::Cancelled), landlord),
        (RequestStatus::Pending, None, worker),
        (RequestStatus::InProgress, None, landlord),
    ];
    for (status, to, by) in cases {
        let id = on_hold(status).await;
        let after = match to {
            Some(to) => world.maintenance.change_status(id, Move::to(to, by).note("why")).await,
            None => world.maintenance.unassign(id, Assign::by(by).note("why")).await,
        };
        let after = after.unwrap();
        assert_eq!(after.hold, None, "{status} to {to:?}");
        let record = world.record(id).await;
        assert_eq!(record.request, after);
        let ended = record.edits.last().unwrap();
        assert_eq!((ended.edited_by, ended.edited_at), (by.user_id(), after.updated_at));
        assert_eq!(holds(record.edits).last(), Some(&(Some(hold("no parts")), None)));
    }
}
