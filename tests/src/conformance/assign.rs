//! Giving a request to a worker.

use maintenance_core::{
    Actor, DeliveryEvent, Error, Exclusion, Move, RequestStatus, Verdict, WhatsAppStatus, WorkerStatus,
};

use crate::World;

/// Filed without a worker, then one is hired.
pub async fn an_unassigned_request_is_assigned_by_selection_later(world: World) {
    let request = world.filed().await;
    let nobody = world.maintenance.assign_by_selection(request.id, Actor::System, None).await.unwrap();
    assert_eq!((nobody.selection.chosen, nobody.request), (None, request.clone()));
    let worker = world.worker(&["plumbing"]).await;
    let assigned = world.maintenance.assign_by_selection(request.id, Actor::System, None).await.unwrap();
    assert_eq!(assigned.selection.chosen, Some(worker.id));
    let record = world.record(request.id).await;
    assert_eq!(record.request, assigned.request);
    assert_eq!((record.request.assigned_worker_id, record.request.version), (Some(worker.id), 2));
    assert!(record.history.is_empty(), "the status did not change");
    assert_eq!(record.notifications[0].worker_id, worker.id);
}

/// Who had it first hears nothing that is no longer so.
pub async fn reassigning_by_hand_tells_the_new_worker_alone(world: World) {
    let first = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let second = world.worker(&["painting"]).await;
    let landlord = world.landlord();
    let after = world.maintenance.assign(request.id, second.id, landlord, None).await.unwrap();
    assert_eq!(after.assigned_worker_id, Some(second.id));
    let again = world.maintenance.assign(request.id, second.id, landlord, None).await.unwrap();
    assert_eq!(again, after, "already theirs: nothing to do");
    let report = world.dispatch().await;
    assert_eq!((report.sent, report.withdrawn), (1, 1));
    let record = world.record(request.id).await;
    let told: Vec<_> = record.notifications.iter().map(|n| (n.worker_id, n.status)).collect();
    assert_eq!(told, [(first.id, WhatsAppStatus::Failed), (second.id, WhatsAppStatus::Sent)]);
    assert_eq!(record.notifications[0].error.as_ref().unwrap().code, "withdrawn");
    assert_eq!(record.request.whatsapp_status, WhatsAppStatus::Sent);
}

/// The new worker has not begun.
pub async fn reassigning_work_in_progress_puts_it_back_to_pending_with_a_note(world: World) {
    let first = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world
        .maintenance
        .change_status(request.id, Move::to(RequestStatus::InProgress, Actor::Worker(first.id)))
        .await
        .unwrap();
    let second = world.worker(&["plumbing"]).await;
    let landlord = world.landlord();
    let refused = world.maintenance.assign(request.id, second.id, landlord, None).await.unwrap_err();
    assert!(refused.to_string().ends_with("needs a note that says why"), "{refused}");
    let note = Some("the first is ill");
    let after = world.maintenance.assign(request.id, second.id, landlord, note).await.unwrap();
    assert_eq!((after.status, after.assigned_worker_id), (RequestStatus::Pending, Some(second.id)));
    let record = world.record(request.id).await;
    assert_eq!(record.request, after);
    let change = &record.history[1];
    assert_eq!(
        (change.previous_status, change.new_status),
        (RequestStatus::InProgress, RequestStatus::Pending)
    );
    assert_eq!((change.changed_by, change.notes.as_deref()), (landlord.user_id(), note));
}

/// Whoever said no, or was not reached, is not asked again.
pub async fn a_worker_who_handed_back_or_is_unreachable_is_not_selected_again(world: World) {
    let declined = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let by = Actor::Worker(declined.id);
    world.maintenance.change_status(request.id, Move::to(RequestStatus::InProgress, by)).await.unwrap();
    let back = Move::to(RequestStatus::Pending, by).note("no parts");
    world.maintenance.change_status(request.id, back).await.unwrap();
    let unreachable = world.worker(&["plumbing"]).await;
    let assigned = world.maintenance.assign_by_selection(request.id, Actor::System, None).await.unwrap();
    assert_eq!(assigned.selection.chosen, Some(unreachable.id));
    let message = world.newest_message(request.id).await;
    world.maintenance.record_deliveries(&[world.news(&message, DeliveryEvent::Failed)]).await.unwrap();
    let left = world.maintenance.assign_by_selection(request.id, Actor::System, None).await.unwrap();
    assert_eq!(left.selection.chosen, None);
    let verdicts: Vec<_> = left.selection.ranking.iter().map(|r| (r.worker_id, r.verdict.clone())).collect();
    assert_eq!(
        verdicts,
        [
            (declined.id, Verdict::Excluded(Exclusion::Declined)),
            (unreachable.id, Verdict::Excluded(Exclusion::HasItNow)),
        ]
    );
    assert_eq!(left.request.assigned_worker_id, Some(unreachable.id), "nobody better: it stays");
    let third = world.worker(&["general"]).await;
    let assigned = world.maintenance.assign_by_selection(request.id, Actor::System, None).await.unwrap();
    assert_eq!(assigned.selection.chosen, Some(third.id));
    let left = world.maintenance.assign_by_selection(request.id, Actor::System, None).await.unwrap();
    let unreached = left.selection.ranking.iter().find(|ranked| ranked.worker_id == unreachable.id).unwrap();
    assert_eq!(unreached.verdict, Verdict::Excluded(Exclusion::Unreachable));
}

/// By whom and to whom.
pub async fn only_landlords_assign_and_only_active_workers_are_assigned(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let other = world.worker(&["plumbing"]).await;
    for by in [Actor::Worker(worker.id), Actor::Renter(world.renter)] {
        let refused = world.maintenance.assign(request.id, other.id, by, None).await.unwrap_err();
        assert_eq!(refused.to_string(), "only a landlord may assign a request");
        let refused = world.maintenance.assign_by_selection(request.id, by, None).await;
        assert!(matches!(refused, Err(Error::NotAllowed { .. })));
    }
    world.maintenance.set_worker_status(other.id, WorkerStatus::OnLeave).await.unwrap();
    let refused = world.maintenance.assign(request.id, other.id, world.landlord(), None).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("invalid input: worker_id {} is on_leave; it must be active", other.id)
    );
    let refused = world.maintenance.assign(request.id, world.nobody(), world.landlord(), None).await;
    assert!(matches!(refused, Err(Error::NotFound { what: "worker", .. })));
    assert_eq!(world.record(request.id).await.request, request);
}

/// Completed or cancelled.
pub async fn work_that_is_over_cannot_be_assigned(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world
        .maintenance
        .change_status(request.id, Move::to(RequestStatus::Cancelled, world.landlord()))
        .await
        .unwrap();
    let refused = world.maintenance.assign(request.id, worker.id, world.landlord(), None).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("request {} is cancelled; only a pending or in_progress request can be assigned", request.id)
    );
    let refused = world.maintenance.assign_by_selection(request.id, Actor::System, None).await;
    assert!(matches!(refused, Err(Error::NotOpen { .. })));
    assert!(matches!(
        world.maintenance.notify_again(request.id, Actor::System).await,
        Err(Error::NotOpen { .. })
    ));
}

/// As a new message; the old one keeps its record.
pub async fn a_failed_message_can_be_sent_again_by_a_person(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let too_soon = world.maintenance.notify_again(request.id, world.landlord()).await.unwrap_err();
    assert!(too_soon.to_string().ends_with("has a message that is still to be sent"), "{too_soon}");
    let message = world.newest_message(request.id).await;
    world.maintenance.record_deliveries(&[world.news(&message, DeliveryEvent::Failed)]).await.unwrap();
    let after = world.maintenance.notify_again(request.id, world.landlord()).await.unwrap();
    assert_eq!((after.whatsapp_status, after.assigned_worker_id), (WhatsAppStatus::Pending, Some(worker.id)));
    assert_eq!(world.dispatch().await.sent, 1);
    let record = world.record(request.id).await;
    assert_eq!(record.notifications.len(), 2);
    assert_eq!(record.notifications[0].error.as_ref().unwrap().code, "131026");
    assert_eq!(record.request.whatsapp_status, WhatsAppStatus::Sent);
}
