//! Each row of the table with its effects, and each way of giving a request to somebody, without a store.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use uuid::Uuid;

use super::{super::transition::TRANSITIONS, *};
use crate::{
    model::{Addressee, Hold, Priority, WhatsAppStatus},
    values::{Channel, HoldReason},
};

struct Counting(AtomicU64);

impl IdSource for Counting {
    fn uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::SeqCst)))
    }
}

const WORKER: WorkerId = WorkerId::from_uuid(Uuid::from_u128(0xA));
const OTHER: WorkerId = WorkerId::from_uuid(Uuid::from_u128(0xB));
const LANDLORD: Actor = Actor::Landlord(UserId::from_uuid(Uuid::from_u128(0xC)));

fn request(status: RequestStatus) -> Request {
    let request = Request::sample(1);
    Request {
        status,
        completed_at: (status == RequestStatus::Completed).then_some(request.updated_at),
        assigned_worker_id: Some(WORKER),
        whatsapp_message_id: Some("wamid.1".to_owned()),
        whatsapp_status: WhatsAppStatus::Read,
        version: 7,
        ..request
    }
}

fn decision(by: Actor, ids: &Counting) -> Decision<'_> {
    let now = DateTime::UNIX_EPOCH + TimeDelta::hours(1);
    Decision { by, note: None, now, ids, channels: &|_, _| Channel::DEFAULT, news: &|_, _| false }
}

/// What a step writes: the messages by kind and recipient, and where the assignment goes, if it goes anywhere.
fn written(step: &Step) -> (Vec<(NotificationKind, Addressee)>, Vec<Option<WorkerId>>) {
    let (mut messages, mut assignments) = (Vec::new(), Vec::new());
    for write in &step.writes {
        match write {
            Write::Notify(message) => messages.push((message.kind, message.to)),
            Write::Assignment(change) => assignments.push(change.new_worker_id),
            Write::Status(_) | Write::Edit(_) | Write::Acknowledge(_) | Write::Settle(_) => {}
        }
    }
    (messages, assignments)
}

#[test]
fn every_row_of_the_table_has_the_effects_that_it_says() {
    let ids = Counting(AtomicU64::new(100));
    for row in TRANSITIONS {
        let before = request(row.from);
        let step = change_status(&before, *row, &decision(LANDLORD, &ids), true);
        assert_eq!((step.request_id, step.seen), (before.id, 7));
        let after = step.after(before.clone());
        assert_eq!((after.status, after.version, after.updated_at), (row.to, 8, step.at), "{row:?}");
        assert_eq!(after.completed_at.is_some(), row.has(Effect::SetsCompletedAt), "{row:?}");
        assert!(after.check().is_ok(), "{row:?}");
        let kept = (!row.has(Effect::EndsAssignment)).then_some(WORKER);
        assert_eq!(after.assigned_worker_id, kept, "{row:?}");
        let mut told = Vec::new();
        told.extend(row.has(Effect::TakesBack).then_some((NotificationKind::Withdrawn, WORKER.into())));
        told.extend(row.has(Effect::TellsWorker).then_some((NotificationKind::Assignment, WORKER.into())));
        assert_eq!(written(&step).0, told, "{row:?}");
        let mirror =
            if row.has(Effect::TellsWorker) { WhatsAppStatus::Pending } else { WhatsAppStatus::Read };
        assert_eq!(after.whatsapp_status, mirror, "{row:?}");
    }
}

#[test]
fn a_worker_who_hands_back_needs_not_be_told() {
    let ids = Counting(AtomicU64::new(100));
    let before = request(RequestStatus::InProgress);
    let row = TRANSITIONS.iter().find(|row| row.has(Effect::EndsAssignment)).unwrap();
    let step = change_status(&before, *row, &decision(Actor::Worker(WORKER), &ids), true);
    assert_eq!(written(&step), (vec![], vec![None]));
}

#[test]
fn a_worker_who_left_loses_a_request_that_is_reopened() {
    let ids = Counting(AtomicU64::new(100));
    let before = request(RequestStatus::Completed);
    let row = TRANSITIONS.iter().find(|row| row.has(Effect::TellsWorker)).unwrap();
    let step = change_status(&before, *row, &decision(LANDLORD, &ids), false);
    assert_eq!(written(&step), (vec![], vec![None]));
    assert_eq!(step.after(before).assigned_worker_id, None);
}

#[test]
fn a_new_worker_is_told_and_so_is_the_one_before() {
    let ids = Counting(AtomicU64::new(100));
    let choice = |worker| Choice { worker, cause: AssignmentCause::ByHand, ranking: Vec::new() };
    let before = request(RequestStatus::Pending);
    let step = assign(&before, choice(Some(OTHER)), &decision(LANDLORD, &ids)).unwrap();
    let told =
        vec![(NotificationKind::Withdrawn, WORKER.into()), (NotificationKind::Assignment, OTHER.into())];
    assert_eq!(written(&step), (told, vec![Some(OTHER)]));
    assert_eq!(step.must_be_active(), Some(OTHER));
    let step = assign(&before, choice(None), &decision(LANDLORD, &ids)).unwrap();
    assert_eq!(written(&step), (vec![(NotificationKind::Withdrawn, WORKER.into())], vec![None]));
    assert_eq!(step.must_be_active(), None);
}

#[test]
fn work_in_progress_goes_to_another_with_a_note_alone() {
    let ids = Counting(AtomicU64::new(100));
    let before = request(RequestStatus::InProgress);
    let choice = || Choice { worker: Some(OTHER), cause: AssignmentCause::ByHand, ranking: Vec::new() };
    let refused = assign(&before, choice(), &decision(LANDLORD, &ids)).unwrap_err();
    assert!(matches!(refused, Refusal::NoteRequired(_)));
    let note = Note::new("the first is ill").unwrap();
    let step =
        assign(&before, choice(), &Decision { note: Some(&note), ..decision(LANDLORD, &ids) }).unwrap();
    assert_eq!(step.after(before).status, RequestStatus::Pending);
}

fn hold() -> Hold {
    Hold { reason: HoldReason::new("waiting for parts").unwrap(), until: None }
}

/// What a step edits.
fn edited(step: &Step) -> Vec<FieldChange> {
    let edits = step.writes.iter().filter_map(|write| match write {
        Write::Edit(edit) => Some(edit.change.clone()),
        _ => None,
    });
    edits.collect()
}

#[test]
fn a_hold_ends_when_the_work_is_over_or_nobodys_and_that_is_recorded() {
    let ids = Counting(AtomicU64::new(100));
    let held = |status| Request { hold: Some(hold()), ..request(status) };
    let ends = vec![FieldChange::Hold { before: Some(hold()), after: None }];
    for row in TRANSITIONS.iter().filter(|row| row.from.is_open()) {
        let step = change_status(&held(row.from), *row, &decision(LANDLORD, &ids), true);
        let over = !row.to.is_open() || row.has(Effect::EndsAssignment);
        assert_eq!(edited(&step), if over { ends.clone() } else { vec![] }, "{row:?}");
        assert_eq!(step.after(held(row.from)).hold.is_none(), over, "{row:?}");
    }
    let choice = |worker| Choice { worker, cause: AssignmentCause::ByHand, ranking: Vec::new() };
    let before = held(RequestStatus::Pending);
    for (to, ends) in [(Some(OTHER), vec![]), (None, ends)] {
        assert_eq!(edited(&assign(&before, choice(to), &decision(LANDLORD, &ids)).unwrap()), ends);
    }
    let nobodys = Request { assigned_worker_id: None, ..before };
    let step = assign(&nobodys, choice(Some(OTHER)), &decision(LANDLORD, &ids)).unwrap();
    assert_eq!(edited(&step), [], "somebody's at last, and it waits all the same");
}

#[test]
fn an_edit_tells_the_worker_unless_it_is_theirs() {
    let ids = Counting(AtomicU64::new(100));
    let before = request(RequestStatus::InProgress);
    let urgent = FieldChange::Priority { before: Priority::Medium, after: Priority::Emergency };
    let step = edit(&before, vec![urgent.clone()], &decision(LANDLORD, &ids));
    assert_eq!((edited(&step), step.must_be_active()), (vec![urgent.clone()], None));
    assert_eq!(written(&step), (vec![(NotificationKind::Changed, WORKER.into())], vec![]));
    let Some(Write::Notify(message)) = step.writes.last() else { panic!("a message comes last") };
    assert_eq!((message.priority, message.created_at), (Priority::Emergency, step.at));
    let after = step.after(before.clone());
    assert_eq!((after.priority, after.version, after.updated_at), (Priority::Emergency, 8, step.at));
    assert_eq!(after.whatsapp_status, before.whatsapp_status, "the mirror is of the assignment");
    let theirs = edit(&before, vec![urgent.clone()], &decision(Actor::Worker(WORKER), &ids));
    assert_eq!(written(&theirs).0, []);
    let nobodys = Request { assigned_worker_id: None, ..before };
    assert_eq!(written(&edit(&nobodys, vec![urgent], &decision(LANDLORD, &ids))).0, []);
}

/// The news that the step tells the renter.
fn told_to_renter(step: &Step) -> Vec<News> {
    let messages = step.writes.iter().filter_map(|write| match write {
        Write::Notify(message) if message.to.renter().is_some() => message.news,
        _ => None,
    });
    messages.collect()
}

#[test]
fn the_renter_is_told_of_what_others_did() {
    let ids = Counting(AtomicU64::new(100));
    let told = |by| Decision { news: &|_, _| true, ..decision(by, &ids) };
    for row in TRANSITIONS {
        let before = request(row.from);
        let news = match row.to {
            RequestStatus::InProgress => Some(News::Started),
            RequestStatus::Completed => Some(News::Done),
            RequestStatus::Cancelled => Some(News::Cancelled),
            RequestStatus::Pending => None,
        };
        let step = change_status(&before, *row, &told(LANDLORD), true);
        assert_eq!(told_to_renter(&step), news.into_iter().collect::<Vec<_>>(), "{row:?}");
        let theirs = change_status(&before, *row, &told(Actor::Renter(before.renter_id)), true);
        assert_eq!(told_to_renter(&theirs), [], "{row:?}");
        let unwanted = change_status(&before, *row, &decision(LANDLORD, &ids), true);
        assert_eq!(told_to_renter(&unwanted), [], "{row:?}");
    }
    let choice = |worker| Choice { worker, cause: AssignmentCause::ByHand, ranking: Vec::new() };
    let note = Note::new("the first is ill").unwrap();
    for status in [RequestStatus::Pending, RequestStatus::InProgress] {
        let decision = Decision { note: Some(&note), ..told(LANDLORD) };
        let step = assign(&request(status), choice(Some(OTHER)), &decision).unwrap();
        assert_eq!(told_to_renter(&step), [News::Assigned], "{status}");
        let step = assign(&request(status), choice(None), &decision).unwrap();
        assert_eq!(told_to_renter(&step), [], "{status}");
    }
}

#[test]
fn of_a_filing_the_renter_hears_once() {
    let ids = Counting(AtomicU64::new(100));
    let selection = |chosen| Selection { chosen, ranking: Vec::new() };
    let channels = |_: crate::values::OrganizationId, _: crate::values::ComplexId| Channel::DEFAULT;
    let told = |chosen, wants: &[News]| {
        let wants: std::collections::BTreeSet<_> = wants.iter().copied().collect();
        let request = Request { assigned_worker_id: None, ..request(RequestStatus::Pending) };
        let filing = file(request.clone(), &selection(chosen), &ids, &channels, &wants);
        let again = file(request, &selection(chosen), &ids, &channels, &wants);
        assert_eq!(filing.news.as_ref().map(|news| news.id), again.news.map(|news| news.id));
        filing.news.and_then(|message| message.news)
    };
    let both = &[News::Filed, News::Assigned];
    assert_eq!(told(None, both), Some(News::Filed));
    assert_eq!(told(Some(WORKER), both), Some(News::Assigned));
    assert_eq!(told(Some(WORKER), &[News::Filed]), Some(News::Filed));
    assert_eq!(told(None, &[News::Assigned]), None);
    assert_eq!(told(Some(WORKER), &[]), None);
}
