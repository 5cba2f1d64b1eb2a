//! Taking a request from its worker.

use maintenance_core::{
    Actor, Assign, AssignmentCause, Error, Exclusion, Move, NotificationKind, RequestStatus, Verdict,
    WhatsAppStatus,
};

use super::World;

/// The request is nobody's, and a worker who was told of it hears that it is no longer theirs.
pub async fn a_landlord_takes_a_request_from_its_worker(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.dispatch().await;
    let assign = || Assign::by(world.landlord()).from(Some(worker.id)).note("the renter mends it");
    let after = world.maintenance.unassign(request.id, assign()).await.unwrap();
    assert_eq!((after.status, after.assigned_worker_id, after.version), (RequestStatus::Pending, None, 2));
    let record = world.record(request.id).await;
    assert_eq!(record.request, after);
    assert!(record.history.is_empty(), "the status did not change");
    let row = record.assignments.last().unwrap();
    assert_eq!((row.previous_worker_id, row.new_worker_id), (Some(worker.id), None));
    assert_eq!((row.changed_by, row.cause), (world.landlord().user_id(), AssignmentCause::ByHand));
    assert_eq!(row.notes.as_deref(), Some("the renter mends it"));
    world.dispatch().await;
    let told = world.record(request.id).await.notifications.pop().unwrap();
    assert_eq!(
        (told.kind, told.to, told.status),
        (NotificationKind::Withdrawn, worker.id.into(), WhatsAppStatus::Sent)
    );
    let again = world.maintenance.unassign(request.id, Assign::by(world.landlord())).await.unwrap();
    assert_eq!(again, after, "nobody's already: nothing to do");
    let late = world.maintenance.unassign(request.id, assign()).await;
    assert!(matches!(late, Err(Error::AssignmentConflict { current: None, .. })), "{late:?}");
}

/// A worker declines a request before they have begun. They get no message about it, and it isn't selected for them again.
pub async fn a_worker_gives_up_what_they_have_not_begun(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.dispatch().await;
    let other = world.worker(&["painting"]).await;
    let by = |actor| Assign::by(actor);
    let stranger = world.maintenance.unassign(request.id, by(Actor::Worker(other.id))).await;
    assert!(matches!(stranger, Err(Error::AssignmentConflict { .. })), "{stranger:?}");
    let renter = world.maintenance.unassign(request.id, by(Actor::Renter(world.renter))).await;
    assert!(matches!(renter, Err(Error::NotAllowed { .. })), "{renter:?}");
    let declined = world.maintenance.unassign(request.id, by(Actor::Worker(worker.id))).await.unwrap();
    assert_eq!(declined.assigned_worker_id, None);
    let record = world.record(request.id).await;
    assert_eq!(record.assignments.last().unwrap().cause, AssignmentCause::HandedBack);
    assert_eq!(record.notifications.len(), 1, "they know that they declined");
    let twice = world.maintenance.unassign(request.id, by(Actor::Worker(worker.id))).await;
    assert!(matches!(twice, Err(Error::AssignmentConflict { current: None, .. })), "{twice:?}");
    let left = world.maintenance.assign_by_selection(request.id, by(Actor::System)).await.unwrap();
    assert_eq!(left.selection.chosen, None);
    let verdict = left.selection.ranking.iter().find(|ranked| ranked.worker_id == worker.id);
    assert_eq!(verdict.unwrap().verdict, Verdict::Excluded(Exclusion::Declined));
}

/// Work in progress goes back to pending, which needs a note whoever does it; what is over stays as it is.
pub async fn unassigning_work_in_progress_puts_it_back_to_pending_with_a_note(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let theirs = Actor::Worker(worker.id);
    for by in [theirs, world.landlord()] {
        let request = world.filed().await;
        let begun = Move::to(RequestStatus::InProgress, theirs);
        world.maintenance.change_status(request.id, begun).await.unwrap();
        let refused = world.maintenance.unassign(request.id, Assign::by(by)).await.unwrap_err();
        assert!(refused.to_string().ends_with("needs a note that says why"), "{refused}");
        let assign = Assign::by(by).note("no parts before Monday");
        let after = world.maintenance.unassign(request.id, assign).await.unwrap();
        assert_eq!((after.status, after.assigned_worker_id), (RequestStatus::Pending, None));
        let record = world.record(request.id).await;
        assert_eq!(record.history.last().unwrap().notes.as_deref(), Some("no parts before Monday"));
        let cancelled = Move::to(RequestStatus::Cancelled, world.landlord());
        world.maintenance.change_status(request.id, cancelled).await.unwrap();
        let over = world.maintenance.unassign(request.id, Assign::by(world.landlord())).await;
        assert!(matches!(over, Err(Error::NotOpen { .. })), "{over:?}");
    }
}
