//! Giving a request to a worker.

use std::collections::BTreeSet;

use maintenance_core::{
    Actor, Assign, AssignmentCause, DeliveryEvent, Error, Exclusion, Move, NotificationKind, RequestStatus,
    UserId, Verdict, WhatsAppStatus, Worker, WorkerStatus,
};

use super::World;

/// A request for which nobody suited can be assigned once somebody does. Its status history stays empty.
pub async fn an_unassigned_request_is_assigned_by_selection_later(world: World) {
    let request = world.filed().await;
    let nobody = world.maintenance.assign_by_selection(request.id, Assign::by(Actor::System)).await.unwrap();
    assert_eq!((nobody.selection.chosen, nobody.request), (None, request.clone()));
    let worker = world.worker(&["plumbing"]).await;
    let assigned =
        world.maintenance.assign_by_selection(request.id, Assign::by(Actor::System)).await.unwrap();
    assert_eq!(assigned.selection.chosen, Some(worker.id));
    let record = world.record(request.id).await;
    assert_eq!(record.request, assigned.request);
    assert_eq!((record.request.assigned_worker_id, record.request.version), (Some(worker.id), 2));
    assert!(record.history.is_empty(), "the status did not change");
    assert_eq!(record.notifications[0].to, worker.id.into());
}

/// The worker before was never told of the request, so they get no message that it was taken back.
pub async fn reassigning_by_hand_tells_the_new_worker_alone(world: World) {
    let first = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let second = world.worker(&["painting"]).await;
    let landlord = world.landlord();
    let after = world.maintenance.assign(request.id, second.id, Assign::by(landlord)).await.unwrap();
    assert_eq!(after.assigned_worker_id, Some(second.id));
    let again = world.maintenance.assign(request.id, second.id, Assign::by(landlord)).await.unwrap();
    assert_eq!(again, after, "already theirs: nothing to do");
    let report = world.dispatch().await;
    assert_eq!((report.sent, report.withdrawn), (1, 1));
    world.wait(60);
    let report = world.dispatch().await;
    assert_eq!((report.sent, report.withdrawn), (0, 1));
    let messages = world.record(request.id).await.notifications;
    let told: BTreeSet<_> = messages.iter().map(|n| (n.to, n.kind, n.status)).collect();
    let expected = [
        (first.id.into(), NotificationKind::Assignment, WhatsAppStatus::Failed),
        (first.id.into(), NotificationKind::Withdrawn, WhatsAppStatus::Failed),
        (second.id.into(), NotificationKind::Assignment, WhatsAppStatus::Sent),
    ];
    assert_eq!(told, expected.into());
    let failed = messages.iter().filter(|message| message.to == first.id.into());
    assert!(failed.map(|message| message.error.as_ref().unwrap()).all(|error| error.code == "withdrawn"));
    assert_eq!(world.record(request.id).await.request.whatsapp_status, WhatsAppStatus::Sent);
}

/// The worker is told when the request is given to another or cancelled. That message holds no contact of
/// the renter.
pub async fn a_worker_who_was_told_hears_that_it_is_no_longer_theirs(world: World) {
    let first = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.dispatch().await;
    let second = world.worker(&["plumbing"]).await;
    let landlord = world.landlord();
    world.maintenance.assign(request.id, second.id, Assign::by(landlord)).await.unwrap();
    assert_eq!(world.dispatch().await.sent, 2);
    let cancelled = Move::to(RequestStatus::Cancelled, Actor::Renter(world.renter));
    world.maintenance.change_status(request.id, cancelled).await.unwrap();
    assert_eq!(world.dispatch().await.sent, 1);
    let sent = world.notifier.messages();
    let kinds: Vec<_> =
        sent.iter().map(|message| (message.kind, message.to.phone_number().clone())).collect();
    let withdrawn = |worker: &Worker| (NotificationKind::Withdrawn, worker.phone_number.clone());
    assert!(kinds[1..3].contains(&withdrawn(&first)), "{kinds:?}");
    assert_eq!(kinds[3], withdrawn(&second));
    for message in sent.iter().filter(|message| message.kind == NotificationKind::Withdrawn) {
        assert_eq!((&message.content.title, &message.content.renter), (&request.title, &None));
    }
    let record = world.record(request.id).await;
    assert_eq!(record.request.whatsapp_status, WhatsAppStatus::Sent, "the mirror is of the assignment");
}

/// A worker who lost the request several times is told once, and not at all if it is theirs again.
pub async fn a_worker_hears_once_that_it_is_no_longer_theirs(world: World) {
    let first = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.dispatch().await;
    let second = world.worker(&["plumbing"]).await;
    let by = Assign::by(world.landlord());
    for worker in [second.id, first.id] {
        world.maintenance.assign(request.id, worker, by.clone()).await.unwrap();
    }
    let dispatch_all = async || {
        for _ in 0..3 {
            world.dispatch().await;
            world.wait(60);
        }
        world.notifier.messages().iter().map(|message| message.kind).collect::<Vec<_>>()
    };
    let (assigned, withdrawn) = (NotificationKind::Assignment, NotificationKind::Withdrawn);
    assert_eq!(dispatch_all().await, [assigned, assigned], "it is theirs again");
    for worker in [second.id, first.id, second.id] {
        world.maintenance.assign(request.id, worker, by.clone()).await.unwrap();
    }
    let mut told = dispatch_all().await.split_off(2);
    told.sort_unstable();
    assert_eq!(told, [assigned, withdrawn]);
}

/// A row of the assignment history says who changed the worker, when, why, and how the best candidates
/// ranked.
pub async fn each_change_of_worker_leaves_its_row(world: World) {
    let first = world.worker(&["plumbing"]).await;
    let painter = world.worker(&["painting"]).await;
    let request = world.filed().await;
    let landlord = world.landlord();
    let assign = Assign::by(landlord).note("the walls first");
    world.maintenance.assign(request.id, painter.id, assign).await.unwrap();
    let worker = Actor::Worker(painter.id);
    world.maintenance.change_status(request.id, Move::to(RequestStatus::InProgress, worker)).await.unwrap();
    let back = Move::to(RequestStatus::Pending, worker).note("not mine");
    world.maintenance.change_status(request.id, back).await.unwrap();
    world.maintenance.assign_by_selection(request.id, Assign::by(Actor::System)).await.unwrap();
    let rows = world.record(request.id).await.assignments;
    let moves: Vec<_> = rows
        .iter()
        .map(|row| {
            let note = row.notes.as_deref().map(ToOwned::to_owned);
            (row.previous_worker_id, row.new_worker_id, row.changed_by, row.cause, note)
        })
        .collect();
    let note = |text: &str| Some(text.to_owned());
    assert_eq!(
        moves,
        [
            (None, Some(first.id), UserId::SYSTEM, AssignmentCause::Filed, None),
            (
                Some(first.id),
                Some(painter.id),
                landlord.user_id(),
                AssignmentCause::ByHand,
                note("the walls first")
            ),
            (Some(painter.id), None, worker.user_id(), AssignmentCause::HandedBack, note("not mine")),
            (None, Some(first.id), UserId::SYSTEM, AssignmentCause::Selected, None),
        ]
    );
    assert!(rows.windows(2).all(|pair| pair[0].changed_at < pair[1].changed_at));
    let chosen: Vec<_> = rows.iter().map(|row| row.ranking.first().map(|ranked| ranked.worker_id)).collect();
    assert_eq!(chosen, [Some(first.id), None, None, Some(first.id)]);
    let verdict = &rows[3].ranking[1].verdict;
    assert_eq!(verdict, &Verdict::Excluded(Exclusion::Declined), "why the painter was passed over");
}

/// The new worker has not begun, so the status goes back, and that needs a note.
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
    let refused = world.maintenance.assign(request.id, second.id, Assign::by(landlord)).await.unwrap_err();
    assert!(refused.to_string().ends_with("needs a note that says why"), "{refused}");
    let note = Some("the first is ill");
    let after = world
        .maintenance
        .assign(request.id, second.id, note.into_iter().fold(Assign::by(landlord), Assign::note))
        .await
        .unwrap();
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

/// Selection passes over a worker who declined the request and over one whom its message did not reach.
pub async fn a_worker_who_handed_back_or_is_unreachable_is_not_selected_again(world: World) {
    let declined = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let by = Actor::Worker(declined.id);
    world.maintenance.change_status(request.id, Move::to(RequestStatus::InProgress, by)).await.unwrap();
    let back = Move::to(RequestStatus::Pending, by).note("no parts");
    world.maintenance.change_status(request.id, back).await.unwrap();
    let unreachable = world.worker(&["plumbing"]).await;
    let assigned =
        world.maintenance.assign_by_selection(request.id, Assign::by(Actor::System)).await.unwrap();
    assert_eq!(assigned.selection.chosen, Some(unreachable.id));
    let message = world.newest_message(request.id).await;
    world.maintenance.record_deliveries(&[world.news(&message, DeliveryEvent::Failed)]).await.unwrap();
    let left = world.maintenance.assign_by_selection(request.id, Assign::by(Actor::System)).await.unwrap();
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
    let assigned =
        world.maintenance.assign_by_selection(request.id, Assign::by(Actor::System)).await.unwrap();
    assert_eq!(assigned.selection.chosen, Some(third.id));
    let left = world.maintenance.assign_by_selection(request.id, Assign::by(Actor::System)).await.unwrap();
    let unreached = left.selection.ranking.iter().find(|ranked| ranked.worker_id == unreachable.id).unwrap();
    assert_eq!(unreached.verdict, Verdict::Excluded(Exclusion::Unreachable));
}

/// A renter or a worker may not assign a request, and a worker on leave may not be given one.
pub async fn only_landlords_assign_and_only_active_workers_are_assigned(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let other = world.worker(&["plumbing"]).await;
    for by in [Actor::Worker(worker.id), Actor::Renter(world.renter)] {
        let refused = world.maintenance.assign(request.id, other.id, Assign::by(by)).await.unwrap_err();
        assert_eq!(refused.to_string(), "only a landlord may assign a request");
        let refused = world.maintenance.assign_by_selection(request.id, Assign::by(by)).await;
        assert!(matches!(refused, Err(Error::NotAllowed { .. })));
    }
    world.maintenance.set_worker_status(other.id, WorkerStatus::OnLeave).await.unwrap();
    let refused =
        world.maintenance.assign(request.id, other.id, Assign::by(world.landlord())).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("invalid input: worker_id {} is on_leave; it must be active", other.id)
    );
    let refused = world.maintenance.assign(request.id, world.nobody(), Assign::by(world.landlord())).await;
    assert!(matches!(refused, Err(Error::NotFound { what: "worker", .. })));
    assert_eq!(world.record(request.id).await.request, request);
}

/// A cancelled request can neither be assigned nor have its message sent again.
pub async fn work_that_is_over_cannot_be_assigned(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world
        .maintenance
        .change_status(request.id, Move::to(RequestStatus::Cancelled, world.landlord()))
        .await
        .unwrap();
    let refused =
        world.maintenance.assign(request.id, worker.id, Assign::by(world.landlord())).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("request {} is cancelled; only a pending or in_progress request can be assigned", request.id)
    );
    let refused = world.maintenance.assign_by_selection(request.id, Assign::by(Actor::System)).await;
    assert!(matches!(refused, Err(Error::NotOpen { .. })));
    assert!(matches!(
        world.maintenance.notify_again(request.id, Actor::System).await,
        Err(Error::NotOpen { .. })
    ));
}

/// It is sent as a new message; the failed one keeps its record.
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

/// A caller who names the worker they saw gets a conflict if the worker is another by now. A double click
/// assigns once.
pub async fn a_decision_made_meanwhile_is_not_overwritten(world: World) {
    let first = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let second = world.worker(&["plumbing"]).await;
    let third = world.worker(&["plumbing"]).await;
    let by = world.landlord();
    let saw_first = || Assign::by(by).from(Some(first.id));
    world.maintenance.assign(request.id, second.id, saw_first()).await.unwrap();
    // The second click on the same screen, and a click for another worker.
    world.maintenance.assign(request.id, second.id, saw_first()).await.unwrap();
    let refused = world.maintenance.assign(request.id, third.id, saw_first()).await.unwrap_err();
    let expected = format!(
        "request {} is now assigned to worker {}; you expected worker {}",
        request.id, second.id, first.id
    );
    assert_eq!(refused.to_string(), expected);
    let refused = world.maintenance.assign_by_selection(request.id, saw_first()).await;
    assert!(matches!(refused, Err(Error::AssignmentConflict { .. })));
    let saw_nobody = Assign::by(by).from(None);
    let refused = world.maintenance.assign_by_selection(request.id, saw_nobody).await.unwrap_err();
    assert!(refused.to_string().ends_with("you expected nobody"), "{refused}");
    let record = world.record(request.id).await;
    assert_eq!((record.request.assigned_worker_id, record.notifications.len()), (Some(second.id), 3));
}

/// Eight callers assign at the same moment: one succeeds, and the others learn who has the request.
pub async fn of_many_who_assign_at_once_one_wins(world: World) {
    let first = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let mut others = Vec::new();
    for _ in 0..8 {
        others.push(world.worker(&["plumbing"]).await.id);
    }
    let mut burst = tokio::task::JoinSet::new();
    for (n, other) in others.into_iter().enumerate() {
        let (maintenance, by) = (world.maintenance.clone(), world.landlord());
        burst.spawn(async move {
            // Half of them say which worker they saw; the others decide on what the engine reads first.
            let assign = if n % 2 == 0 { Assign::by(by).from(Some(first.id)) } else { Assign::by(by) };
            maintenance.assign(request.id, other, assign).await
        });
    }
    let mut won = 0;
    while let Some(answer) = burst.join_next().await {
        match answer.unwrap() {
            Ok(_) => won += 1,
            Err(Error::AssignmentConflict { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let record = world.record(request.id).await;
    assert!(won >= 1);
    assert_eq!(record.request.version, 1 + won, "each who was told of success assigned once");
}

/// The error says why the worker gets no message, rather than that there is a conflict.
pub async fn telling_a_worker_on_leave_again_says_that_they_are_on_leave(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.dispatch().await;
    world.maintenance.set_worker_status(worker.id, WorkerStatus::OnLeave).await.unwrap();
    let refused = world.maintenance.notify_again(request.id, Actor::System).await.unwrap_err();
    let expected = format!(
        "invalid input: worker_id {} is on_leave; assign the request to an active worker first",
        worker.id
    );
    assert_eq!(refused.to_string(), expected);
}

/// It is reopened without a worker, and the list of unassigned requests shows it.
pub async fn a_request_reopened_for_a_worker_who_left_is_nobodys(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let by = Actor::Worker(worker.id);
    for to in [RequestStatus::InProgress, RequestStatus::Completed] {
        world.maintenance.change_status(request.id, Move::to(to, by)).await.unwrap();
    }
    world.maintenance.set_worker_status(worker.id, WorkerStatus::Inactive).await.unwrap();
    let reopen = Move::to(RequestStatus::InProgress, Actor::Renter(world.renter)).note("it leaks again");
    let reopened = world.maintenance.change_status(request.id, reopen).await.unwrap();
    assert_eq!((reopened.status, reopened.assigned_worker_id), (RequestStatus::InProgress, None));
    let unassigned = maintenance_core::RequestFilter { unassigned: true, ..Default::default() };
    let found =
        world.maintenance.requests(&unassigned, &maintenance_core::PageRequest::first(10)).await.unwrap();
    assert_eq!(found.items, [reopened]);
    let other = world.worker(&["plumbing"]).await;
    let assign = Assign::by(Actor::System).note("the first has left");
    let assigned = world.maintenance.assign_by_selection(request.id, assign).await.unwrap();
    assert_eq!(assigned.request.assigned_worker_id, Some(other.id));
}
