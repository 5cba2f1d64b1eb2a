//! Each use case, tried with the ids of another organisation.

use std::{fmt::Debug, sync::Arc};

use futures_util::StreamExt as _;
use maintenance_core::{
    ActingAs, Actor, Assign, AssignmentsOf, AttachmentId, CommentFilter, CommentId, ComplexId, Edit,
    Maintenance, Move, NewAttachment, NewComment, NewHold, NewRequest, PageRequest, PropertyId, RenterId,
    Repository, Request, RequestFilter, RequestId, RequestStatus, UserId, Viewer, WhatsAppStatus,
    WorkerFilter, WorkerId, WorkerStatus, WorkerUpdate,
};
use uuid::Uuid;

use super::World;

/// The ids of one organisation, or ids that nobody has.
#[derive(Clone, Copy)]
pub(super) struct Ids {
    pub(super) request: RequestId,
    pub(super) renter: RenterId,
    pub(super) property: PropertyId,
    pub(super) complex: ComplexId,
    pub(super) worker: WorkerId,
    pub(super) comment: CommentId,
    pub(super) attachment: AttachmentId,
}

impl Ids {
    pub(super) fn of_nobody() -> Self {
        let id = |n: u128| Uuid::from_u128(0xDEAD_0000 + n);
        Self {
            request: id(1).into(),
            renter: id(2).into(),
            property: id(3).into(),
            complex: id(4).into(),
            worker: id(5).into(),
            comment: id(6).into(),
            attachment: id(7).into(),
        }
    }

    /// The answer with a word in place of each of these ids.
    fn without_ids(self, answer: &impl Debug) -> String {
        let ids = [
            (self.request.to_string(), "REQUEST"),
            (self.renter.to_string(), "RENTER"),
            (self.property.to_string(), "PROPERTY"),
            (self.complex.to_string(), "COMPLEX"),
            (self.worker.to_string(), "WORKER"),
            (self.comment.to_string(), "COMMENT"),
            (self.attachment.to_string(), "ATTACHMENT"),
        ];
        ids.iter().fold(format!("{answer:?}"), |answer, (id, word)| answer.replace(id, word))
    }
}

/// Our own organisation, from which the ids of another are tried.
pub(super) struct Ours<'w> {
    pub(super) world: &'w World,
    pub(super) engine: &'w Maintenance<Arc<dyn Repository>>,
    pub(super) request: Request,
    pub(super) worker: WorkerId,
}

impl Ours<'_> {
    fn by(&self) -> Assign {
        Assign::by(self.world.landlord())
    }

    fn moved(&self) -> Move {
        Move::to(RequestStatus::Cancelled, self.world.landlord())
    }

    fn acting(&self) -> ActingAs<Arc<dyn Repository>> {
        self.engine.acting_as(self.world.landlord())
    }
}

pub(super) fn comment() -> NewComment {
    NewComment { id: None, comment: "Whose is it?".into() }
}

pub(super) fn attachment() -> NewAttachment {
    NewAttachment {
        id: None,
        file_url: "https://files.example.com/1.jpg".into(),
        file_type: "image/jpeg".into(),
    }
}

pub(super) fn all() -> PageRequest {
    PageRequest::first(200)
}

macro_rules! attempts {
    ($($method:literal: |$ours:ident, $ids:ident| $attempt:expr;)*) => {
        /// The methods that are tried, by their names. What none of them calls is in [`HARMLESS`].
        pub const METHODS: &[&str] = &[$($method),*];

        /// Calls the method with these ids wherever it takes one, and tells what it answered.
        pub(super) async fn attempt(method: &str, ours: &Ours<'_>, ids: Ids) -> String {
            match method {
                $($method => {
                    let ($ours, $ids) = (ours, ids);
                    let answer = $attempt;
                    ids.without_ids(&answer)
                })*
                other => panic!("nothing tries {other}"),
            }
        }
    };
}

attempts! {
    "Maintenance::request": |ours, ids| ours.engine.request(ids.request).await;
    "Maintenance::record": |ours, ids| ours.engine.record(ids.request).await;
    "Maintenance::requests": |ours, ids| {
        let mut answers = Vec::new();
        for filter in filters(ids) {
            answers.push(ours.engine.requests(&filter, &all()).await);
        }
        answers
    };
    "Maintenance::count_by_status": |ours, ids| {
        let mut answers = Vec::new();
        for filter in filters(ids) {
            answers.push(ours.engine.count_by_status(&filter).await);
        }
        answers
    };
    "Maintenance::workers": |ours, ids| {
        let theirs = WorkerFilter { complex_id: Some(ids.complex), ..WorkerFilter::default() };
        let of_complex = ours.engine.workers(&theirs, &all()).await;
        (of_complex, ours.engine.workers(&WorkerFilter::default(), &all()).await)
    };
    "Maintenance::comments": |ours, ids| {
        let on = CommentFilter { request_id: Some(ids.request), ..CommentFilter::default() };
        let by = CommentFilter { user_id: Some(ids.renter.into()), ..CommentFilter::default() };
        let every = CommentFilter::default();
        (
            ours.engine.comments(&on, &all()).await,
            ours.engine.comments(&by, &all()).await,
            ours.engine.comments(&every, &all()).await,
        )
    };
    "Maintenance::comment": |ours, ids| {
        let mut answers = Vec::new();
        for actor in actors(ours, ids) {
            answers.push(ours.engine.comment(ids.request, actor, comment()).await);
        }
        answers
    };
    "Maintenance::attach": |ours, ids| ours.engine.attach(ids.request, attachment()).await;
    "Maintenance::change_status": |ours, ids| {
        let mut answers = Vec::new();
        for actor in actors(ours, ids) {
            answers.push(ours.engine.change_status(ids.request, Move::to(RequestStatus::InProgress, actor)).await);
        }
        // Nor do they act on a request of ours.
        for actor in [Actor::Worker(ids.worker), Actor::Renter(ids.renter)] {
            answers.push(ours.engine.change_status(ours.request.id, Move::to(RequestStatus::Cancelled, actor)).await);
        }
        answers
    };
    "Maintenance::assign": |ours, ids| (
        ours.engine.assign(ids.request, ids.worker, ours.by()).await,
        ours.engine.assign(ids.request, ours.worker, ours.by()).await,
        ours.engine.assign(ours.request.id, ids.worker, ours.by()).await,
    );
    "Maintenance::assign_by_selection": |ours, ids| {
        ours.engine.assign_by_selection(ids.request, ours.by()).await
    };
    "Maintenance::unassign": |ours, ids| (
        ours.engine.unassign(ids.request, ours.by()).await,
        ours.engine.unassign(ids.request, Assign::by(Actor::Worker(ids.worker))).await,
    );
    "Maintenance::edit": |ours, ids| {
        let mut answers = Vec::new();
        for actor in actors(ours, ids) {
            answers.push(ours.engine.edit(ids.request, Edit::by(actor).title("Ours")).await);
        }
        // Nor is a request of ours moved into a property of theirs.
        let moved = Edit::by(ours.world.landlord()).property(ids.property);
        answers.push(ours.engine.edit(ours.request.id, moved).await);
        answers
    };
    "Maintenance::hold": |ours, ids| {
        ours.engine.hold(ids.request, NewHold::by(ours.world.landlord(), "waiting for parts")).await
    };
    "Maintenance::resume": |ours, ids| ours.engine.resume(ids.request, ours.world.landlord()).await;
    "Maintenance::notify_again": |ours, ids| {
        ours.engine.notify_again(ids.request, ours.world.landlord()).await
    };
    "Maintenance::reassign_all": |ours, ids| ours.engine.reassign_all(ids.worker, ours.by()).await;
    "Maintenance::export_person": |ours, ids| (
        ours.engine.export_person(ids.renter).await,
        ours.engine.export_person(ids.worker).await,
    );
    "Maintenance::export": |ours, ids| {
        let mut answers = Vec::new();
        for filter in filters(ids) {
            answers.push(ours.engine.export(&filter).collect::<Vec<_>>().await);
        }
        answers
    };
    "Maintenance::forget_renter": |ours, ids| ours.engine.forget_renter(ids.renter).await;
    "Maintenance::opt_out": |ours, ids| ours.engine.opt_out(ids.renter).await;
    "Maintenance::opt_in": |ours, ids| ours.engine.opt_in(ids.renter).await;
    "Maintenance::worker": |ours, ids| ours.engine.worker(ids.worker).await;
    "Maintenance::update_worker": |ours, ids| {
        let update = WorkerUpdate { first_name: Some("Ours".into()), ..WorkerUpdate::default() };
        ours.engine.update_worker(ids.worker, update).await
    };
    "Maintenance::set_worker_status": |ours, ids| {
        ours.engine.set_worker_status(ids.worker, WorkerStatus::Inactive).await
    };
    "Maintenance::assign_complex": |ours, ids| (
        ours.engine.assign_complex(ids.worker, ours.world.complex, true).await,
        ours.engine.assign_complex(ids.worker, ids.complex, true).await,
    );
    "Maintenance::unassign_complex": |ours, ids| (
        ours.engine.unassign_complex(ids.worker, ids.complex).await,
        ours.engine.unassign_complex(ours.worker, ids.complex).await,
    );
    "Maintenance::assignments": |ours, ids| (
        ours.engine.assignments(AssignmentsOf::Complex(ids.complex)).await,
        ours.engine.assignments(AssignmentsOf::Worker(ids.worker)).await,
    );
    "ActingAs::request": |ours, ids| {
        let mut answers = Vec::new();
        for viewer in viewers(ours, ids) {
            answers.push(ours.engine.acting_as(viewer).request(ids.request).await);
        }
        answers
    };
    "ActingAs::record": |ours, ids| {
        let mut answers = Vec::new();
        for viewer in viewers(ours, ids) {
            answers.push(ours.engine.acting_as(viewer).record(ids.request).await);
        }
        answers
    };
    "ActingAs::requests": |ours, ids| {
        let mut answers = Vec::new();
        for viewer in viewers(ours, ids) {
            for filter in filters(ids) {
                answers.push(ours.engine.acting_as(viewer.clone()).requests(&filter, &all()).await);
            }
        }
        answers
    };
    "ActingAs::count_by_status": |ours, ids| {
        let mut answers = Vec::new();
        for viewer in viewers(ours, ids) {
            for filter in filters(ids) {
                answers.push(ours.engine.acting_as(viewer.clone()).count_by_status(&filter).await);
            }
        }
        answers
    };
    "ActingAs::comments": |ours, ids| ours.acting().comments(ids.request, &all()).await;
    "ActingAs::comment": |ours, ids| ours.acting().comment(ids.request, comment()).await;
    "ActingAs::attach": |ours, ids| ours.acting().attach(ids.request, attachment()).await;
    "ActingAs::change_status": |ours, ids| ours.acting().change_status(ids.request, ours.moved()).await;
    "ActingAs::assign": |ours, ids| (
        ours.acting().assign(ids.request, ours.worker, ours.by()).await,
        ours.acting().assign(ours.request.id, ids.worker, ours.by()).await,
    );
    "ActingAs::assign_by_selection": |ours, ids| {
        ours.acting().assign_by_selection(ids.request, ours.by()).await
    };
    "ActingAs::unassign": |ours, ids| ours.acting().unassign(ids.request, ours.by()).await;
    "ActingAs::edit": |ours, ids| {
        let edit = Edit::by(ours.world.landlord()).title("Ours");
        ours.acting().edit(ids.request, edit).await
    };
    "ActingAs::hold": |ours, ids| {
        ours.acting().hold(ids.request, NewHold::by(ours.world.landlord(), "waiting for parts")).await
    };
    "ActingAs::resume": |ours, ids| ours.acting().resume(ids.request).await;
    "ActingAs::notify_again": |ours, ids| ours.acting().notify_again(ids.request).await;
    // These file requests of ours, so they come last.
    "Maintenance::submit": |ours, ids| {
        let form = ours.world.new_request().form;
        let asked = ours.engine.submit(NewRequest::new(ids.renter, ids.property, form.clone())).await;
        let given = NewRequest::new(ids.renter, ids.property, form).complex(ids.complex);
        let filed = ours.engine.submit(given).await.map(|filed| filed.request.assigned_worker_id);
        (asked, filed)
    };
    "Maintenance::submit_many": |ours, ids| {
        let form = ours.world.new_request().form;
        let asked = NewRequest::new(ids.renter, ids.property, form.clone());
        let given = NewRequest::new(ids.renter, ids.property, form).complex(ids.complex);
        let answers = ours.engine.submit_many(&[asked, given]).await.into_iter();
        answers.map(|answer| answer.map(|filed| filed.request.assigned_worker_id)).collect::<Vec<_>>()
    };
    "Maintenance::add_worker": |ours, ids| {
        let added = ours.engine.add_worker(ours.world.new_worker(&["plumbing"])).await.unwrap();
        // A worker of ours in a complex of theirs is a candidate of ours alone.
        ours.engine.assign_complex(added.id, ids.complex, true).await.unwrap();
        added.status
    };
}

/// Public methods that take no id of an organisation's rows, each with the reason why nothing tries it.
pub const HARMLESS: &[(&str, &str)] = &[
    ("Maintenance::beside", "takes no id; the store that it is given decides what it sees"),
    ("Maintenance::new", "makes an engine"),
    ("Maintenance::with_clock", "makes an engine"),
    ("Maintenance::with_ids", "makes an engine"),
    ("Maintenance::with_policy", "makes an engine"),
    ("Maintenance::of", "names the organisation"),
    ("Maintenance::within", "is of the same organisation"),
    ("Maintenance::acting_as", "is of the same organisation"),
    ("Maintenance::clean_up", "removes the old messages of all, and takes no id"),
    ("Maintenance::import", "is tried by import::an_import_stays_within_its_organization"),
    ("Maintenance::with_channels", "makes an engine"),
    ("Maintenance::with_renter_news", "makes an engine"),
    ("Maintenance::events", "tells what happened to all"),
    ("Maintenance::organization", "takes nothing"),
    ("Maintenance::wake", "takes nothing"),
    ("Maintenance::now", "takes nothing"),
    ("Maintenance::repository", "takes nothing"),
    ("Maintenance::dispatcher", "sends the messages of all"),
    ("Maintenance::receive", "keeps messages from phones, whoever sent them"),
    ("Maintenance::receiver", "is tried by replies::what_follows_from_each_message_is_in_the_table"),
    ("Maintenance::record_reached", "a webhook tells under which ids the messages of all arrived"),
    ("Maintenance::record_deliveries", "a webhook tells of the messages of all"),
];

/// A filter for each of the ids.
fn filters(ids: Ids) -> Vec<RequestFilter> {
    let any = RequestFilter::default;
    vec![
        any(),
        RequestFilter { renter_id: Some(ids.renter), ..any() },
        RequestFilter { property_id: Some(ids.property), ..any() },
        RequestFilter { complexes: vec![ids.complex], ..any() },
        RequestFilter { assigned_worker_id: Some(ids.worker), ..any() },
        RequestFilter { unassigned: true, ..any() },
        RequestFilter { statuses: vec![RequestStatus::Pending], ..any() },
        RequestFilter { whatsapp_status: Some(WhatsAppStatus::Sent), ..any() },
    ]
}

fn actors(ours: &Ours<'_>, ids: Ids) -> [Actor; 4] {
    let landlord = ours.world.landlord();
    [landlord, Actor::Worker(ids.worker), Actor::Renter(ids.renter), Actor::System]
}

fn viewers(ours: &Ours<'_>, ids: Ids) -> Vec<Viewer> {
    let mut viewers: Vec<Viewer> = actors(ours, ids).map(Viewer::from).into();
    viewers.push(Viewer::landlord_of(UserId::SYSTEM, [ids.complex]));
    viewers
}
