//! Changing a request's status.

use maintenance_core::{
    Actor, Clock as _, Error, Move, RenterId, RequestStatus, TRANSITIONS, WhatsAppStatus,
};
use uuid::Uuid;

use super::World;

use RequestStatus::{Cancelled, Completed, InProgress, Pending};

/// The row says from which status to which, who changed it, when and why.
pub async fn each_change_writes_one_history_row(world: World) {
    let worker = Actor::Worker(world.worker(&["plumbing"]).await.id);
    let request = world.filed().await;
    world.wait(60);
    let began = world.maintenance.change_status(request.id, Move::to(InProgress, worker)).await.unwrap();
    world.wait(60);
    let done = Move::to(Completed, worker).from(InProgress).note("  new seal ");
    let done = world.maintenance.change_status(request.id, done).await.unwrap();
    let record = world.record(request.id).await;
    assert_eq!(record.request, done);
    let rows: Vec<_> =
        record.history.iter().map(|row| (row.previous_status, row.new_status, row.changed_at)).collect();
    assert_eq!(rows, [(Pending, InProgress, began.updated_at), (InProgress, Completed, done.updated_at)]);
    assert!(
        record.history.iter().all(|row| row.changed_by == worker.user_id() && row.request_id == request.id)
    );
    let notes: Vec<_> = record.history.iter().map(|row| row.notes.as_deref()).collect();
    assert_eq!(notes, [None, Some("new seal")]);
}

/// The times are those of the engine's clock.
pub async fn completing_sets_completed_at_and_reopening_clears_it(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let landlord = world.landlord();
    world.maintenance.change_status(request.id, Move::to(InProgress, landlord)).await.unwrap();
    world.wait(60);
    let done = world.maintenance.change_status(request.id, Move::to(Completed, landlord)).await.unwrap();
    assert_eq!(done.completed_at, Some(world.clock.now()));
    assert_eq!(world.record(request.id).await.request, done);
    let reopen = Move::to(InProgress, Actor::Renter(world.renter)).note("it drips again");
    let reopened = world.maintenance.change_status(request.id, reopen).await.unwrap();
    assert_eq!(reopened.completed_at, None);
    assert_eq!(world.record(request.id).await.request, reopened);
}

/// The request is unassigned until somebody assigns it again.
pub async fn handing_back_ends_the_assignment(world: World) {
    let worker = Actor::Worker(world.worker(&["plumbing"]).await.id);
    let request = world.filed().await;
    world.maintenance.change_status(request.id, Move::to(InProgress, worker)).await.unwrap();
    let back = Move::to(Pending, worker).note("no parts");
    let back = world.maintenance.change_status(request.id, back).await.unwrap();
    assert_eq!((back.status, back.assigned_worker_id), (Pending, None));
    let refused =
        world.maintenance.change_status(request.id, Move::to(InProgress, worker)).await.unwrap_err();
    assert!(refused.to_string().contains("only these may move this request"), "{refused}");
}

/// The worker gets a new message.
pub async fn reopening_tells_the_worker_again(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.dispatch().await;
    let landlord = world.landlord();
    world.maintenance.change_status(request.id, Move::to(InProgress, landlord)).await.unwrap();
    world.maintenance.change_status(request.id, Move::to(Completed, landlord)).await.unwrap();
    let reopen = Move::to(InProgress, landlord).note("drips");
    let reopened = world.maintenance.change_status(request.id, reopen).await.unwrap();
    assert_eq!(reopened.whatsapp_status, WhatsAppStatus::Pending);
    assert_eq!(world.dispatch().await.sent, 1);
    let record = world.record(request.id).await;
    assert!(record.notifications.len() == 2 && record.notifications.iter().all(|n| n.to == worker.id.into()));
    assert_eq!(record.request.whatsapp_status, WhatsAppStatus::Sent);
}

/// Every status is moved to every other, by everyone, with a note and without.
pub async fn every_transition_follows_the_table(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let landlord = world.landlord();
    let actors = [
        ("renter", Actor::Renter(world.renter)),
        ("assigned worker", Actor::Worker(worker.id)),
        ("landlord", landlord),
        ("nobody", Actor::Renter(RenterId::from_uuid(Uuid::from_u128(1)))),
        ("nobody", Actor::Worker(world.nobody())),
    ];
    for (from, to) in
        RequestStatus::ALL.iter().flat_map(|from| RequestStatus::ALL.iter().map(move |to| (*from, *to)))
    {
        for (role, actor) in actors {
            for note in [None, Some("why")] {
                let id = world.filed().await.id;
                let path: &[RequestStatus] = match from {
                    Pending => &[],
                    InProgress => &[InProgress],
                    Completed => &[InProgress, Completed],
                    Cancelled => &[Cancelled],
                };
                for step in path {
                    world.maintenance.change_status(id, Move::to(*step, landlord)).await.unwrap();
                }
                let before = world.record(id).await;
                let wanted = Move::to(to, actor);
                let wanted = note.map_or(wanted.clone(), |note| wanted.note(note));
                let answer = world.maintenance.change_status(id, wanted).await;
                let allowed =
                    TRANSITIONS.iter().find(|row| row.from == from && row.to == to).is_some_and(|row| {
                        row.allowed.iter().any(|r| r.as_str() == role)
                            && (note.is_some() || !row.note_required)
                    });
                assert_eq!(answer.is_ok(), allowed, "{from} to {to} by {role}, note {note:?}: {answer:?}");
                if !allowed {
                    assert_eq!(world.record(id).await, before, "a refused change wrote something");
                }
            }
        }
    }
}

/// Two callers make the same change at the same moment, ten times.
pub async fn of_two_callers_one_wins_and_the_other_learns_the_current_status(world: World) {
    let worker = Actor::Worker(world.worker(&["plumbing"]).await.id);
    for _ in 0..10 {
        let id = world.filed().await.id;
        let start = |by| {
            let maintenance = world.maintenance.clone();
            tokio::spawn(async move { maintenance.change_status(id, Move::to(InProgress, by)).await })
        };
        let (one, two) = (start(worker), start(world.landlord()));
        let answers = [one.await.unwrap(), two.await.unwrap()];
        let lost: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
        assert_eq!(lost.len(), 1, "{answers:?}");
        assert!(
            matches!(lost[0], Error::StatusConflict { current: InProgress, wanted: InProgress, .. }),
            "{lost:?}"
        );
        assert_eq!(world.record(id).await.history.len(), 1);
    }
}

/// The status that the caller saw is part of what they ask for.
pub async fn a_caller_who_saw_another_status_gets_a_conflict(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let landlord = world.landlord();
    world.maintenance.change_status(request.id, Move::to(InProgress, landlord)).await.unwrap();
    let stale = Move::to(Cancelled, landlord).from(Pending).note("not needed");
    let error = world.maintenance.change_status(request.id, stale).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("request {} can't be moved to cancelled: it is now in_progress", request.id)
    );
}

/// The error says which change would be allowed, or who may make it.
pub async fn a_refused_change_writes_nothing(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let change = |wanted| world.maintenance.change_status(request.id, wanted);
    let text =
        |answer: Result<_, Error>| answer.map(|_: maintenance_core::Request| ()).unwrap_err().to_string();
    assert_eq!(
        text(change(Move::to(Completed, world.landlord())).await),
        format!(
            "request {}: a request that is pending can't become completed; it can become: in_progress, cancelled",
            request.id
        )
    );
    assert_eq!(
        text(change(Move::to(InProgress, Actor::Renter(world.renter))).await),
        format!(
            "request {}: only these may move this request from pending to in_progress: assigned worker, landlord",
            request.id
        )
    );
    assert_eq!(
        text(change(Move::to(InProgress, world.landlord()).note("x".repeat(2_001))).await),
        "invalid input: note has 2001 characters; it must have 1 to 2000"
    );
    assert_eq!(world.record(request.id).await.request, request);
    let nothing =
        world.maintenance.change_status(Uuid::from_u128(3).into(), Move::to(Cancelled, world.landlord()));
    assert!(matches!(nothing.await, Err(Error::NotFound { what: "request", .. })));
}

/// The times within one record always grow.
pub async fn history_keeps_its_order_when_the_clock_goes_back(world: World) {
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let landlord = world.landlord();
    let mut moves = vec![Move::to(InProgress, landlord)];
    for _ in 0..3 {
        moves.push(Move::to(Completed, landlord));
        moves.push(Move::to(InProgress, landlord).note("again"));
    }
    for wanted in moves {
        world.clock.set(world.clock.now() - chrono::TimeDelta::hours(1));
        world.maintenance.change_status(request.id, wanted).await.unwrap();
    }
    let record = world.record(request.id).await;
    let times: Vec<_> = record.history.iter().map(|row| row.changed_at).collect();
    assert!(times.len() == 7 && times.is_sorted_by(|a, b| a < b), "{times:?}");
    assert!(
        record.notifications.len() == 4
            && record.notifications.is_sorted_by(|a, b| a.created_at < b.created_at)
    );
}
