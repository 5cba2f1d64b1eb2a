//! What belongs to one organisation is not found, changed or told by another, whichever id is given.

use std::sync::Arc;

use maintenance_core::{
    ActingAs, Actor, Assign, AssignmentsOf, CommentFilter, Error, Move, NewAttachment, NewComment, NewWorker,
    OrganizationId, Repository, RepositoryErrorKind, RequestFilter, RequestId, RequestStatus, UserId, Viewer,
    WorkerFilter,
};
use uuid::Uuid;

pub use super::attempts::{HARMLESS, METHODS};
use super::{
    World,
    attempts::{Ids, Ours, all, attachment, attempt, comment},
};

/// An organisation with a request that its worker was told of, with a comment and an attachment.
async fn settled(world: &World) -> Ids {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.dispatch().await;
    let comment = world.maintenance.comment(request.id, Actor::Renter(world.renter), comment()).await;
    let attachment = world.maintenance.attach(request.id, attachment()).await;
    Ids {
        request: request.id,
        renter: world.renter,
        property: world.property,
        complex: world.complex,
        worker: worker.id,
        comment: comment.unwrap().id,
        attachment: attachment.unwrap().id,
    }
}

/// All that an organisation has.
async fn everything(world: &World, ids: Ids) -> String {
    let engine = &world.maintenance;
    let everyone = engine.workers(&WorkerFilter::default(), &all()).await;
    let assigned = engine.assignments(AssignmentsOf::Complex(ids.complex)).await;
    let counts = engine.count_by_status(&RequestFilter::default()).await;
    let comments = engine.comments(&CommentFilter::default(), &all()).await;
    let record = engine.record(ids.request).await;
    let requests = engine.requests(&RequestFilter::default(), &all()).await;
    format!("{everyone:?} {assigned:?} {counts:?} {comments:?} {record:?} {requests:?}")
}

fn two(world: &World) -> (World, World) {
    let organization = |n| OrganizationId::from_uuid(Uuid::from_u128(n));
    let (us, mut them) = (world.of(organization(0xA)), world.of(organization(0xB)));
    (them.property, them.complex) = (them.directory.property(2), them.directory.complex(2));
    (us, them)
}

/// Another organisation's id answers what an id that nobody has answers, and changes nothing of theirs.
pub async fn an_id_of_another_organisation_is_an_id_that_nobody_has(world: World) {
    let (us, them) = two(&world);
    let theirs = settled(&them).await;
    let mine = settled(&us).await;
    let ours = Ours {
        world: &us,
        engine: &us.maintenance,
        request: us.maintenance.request(mine.request).await.unwrap(),
        worker: mine.worker,
    };
    let before = everything(&them, theirs).await;
    let messages = us.notifier.messages().len();
    for method in METHODS {
        let found = attempt(method, &ours, theirs).await;
        let expected = attempt(method, &ours, Ids::of_nobody()).await;
        assert_eq!(found, expected, "{method}");
        assert_eq!(everything(&them, theirs).await, before, "{method} changed something of theirs");
    }
    them.dispatch().await;
    let told = us.notifier.messages().split_off(messages);
    let told: Vec<_> =
        told.iter().filter(|sent| sent.organization_id == them.maintenance.organization()).collect();
    assert!(told.is_empty(), "nobody of theirs hears of it: {told:?}");
    // They find what is theirs, and so do we.
    assert_eq!(them.maintenance.request(theirs.request).await.unwrap().id, theirs.request);
    assert_eq!(us.maintenance.request(mine.request).await.unwrap().id, mine.request);
}

/// An id can be used once in a store. Whoever tries one that another organisation has used is refused, and learns no more.
pub async fn an_id_that_another_organisation_has_used_is_refused(world: World) {
    let (us, them) = two(&world);
    let theirs = settled(&them).await;
    let mine = settled(&us).await;
    let before = everything(&them, theirs).await;
    let refused = |error: Error| match error {
        Error::Repository(error) => assert_eq!(error.kind, RepositoryErrorKind::Conflict),
        Error::NotFound { .. } => {}
        other => panic!("it tells more: {other:?}"),
    };
    refused(us.maintenance.submit(us.new_request().id(theirs.request)).await.unwrap_err());
    let worker = NewWorker { id: Some(theirs.worker), ..us.new_worker(&["plumbing"]) };
    refused(us.maintenance.add_worker(worker).await.unwrap_err());
    let again = NewComment { id: Some(theirs.comment), ..comment() };
    refused(us.maintenance.comment(mine.request, us.landlord(), again).await.unwrap_err());
    let again = NewAttachment { id: Some(theirs.attachment), ..attachment() };
    refused(us.maintenance.attach(mine.request, again).await.unwrap_err());
    assert_eq!(everything(&them, theirs).await, before);
}

/// Two organisations may have to do with one complex, as when a host sells it: each has its own primary worker there, and
/// selects among its own.
pub async fn each_organisation_has_its_own_workers_in_a_complex(world: World) {
    let (us, them) = two(&world);
    let theirs = them.worker(&["plumbing"]).await;
    them.maintenance.assign_complex(theirs.id, us.complex, true).await.unwrap();
    let mine = us.worker(&["plumbing"]).await;
    us.maintenance.assign_complex(mine.id, us.complex, true).await.unwrap();
    assert!(
        them.maintenance.assignments(AssignmentsOf::Complex(us.complex)).await.unwrap().items[0].is_primary
    );
    for _ in 0..3 {
        assert_eq!(us.filed().await.assigned_worker_id, Some(mine.id));
    }
    assert_eq!(us.maintenance.assignments(AssignmentsOf::Complex(us.complex)).await.unwrap().items.len(), 1);
}

/// The outbox is that of all: one dispatcher sends everybody's messages, each in its organisation's name and with what that
/// organisation's directory says.
pub async fn one_dispatcher_sends_the_messages_of_all(world: World) {
    let (us, them) = two(&world);
    for world in [&us, &them] {
        world.worker(&["plumbing"]).await;
        world.filed().await;
    }
    world.dispatch().await;
    let mut sent: Vec<_> = world.notifier.messages();
    sent.sort_by_key(|message| message.organization_id);
    let names: Vec<_> = sent.iter().map(|message| message.organization_id).collect();
    assert_eq!(names, [us.maintenance.organization(), them.maintenance.organization()]);
    assert!(sent.iter().all(|message| message.content.renter.is_some()));
}

/// Each call that an actor can make about one request, refused.
async fn tried(acting: &ActingAs<Arc<dyn Repository>>, id: RequestId) -> [String; 7] {
    let (by, worker) = (Assign::by(Actor::System), Ids::of_nobody().worker);
    [
        format!("{:?}", acting.request(id).await.unwrap_err()),
        format!("{:?}", acting.comment(id, comment()).await.unwrap_err()),
        format!("{:?}", acting.attach(id, attachment()).await.unwrap_err()),
        format!(
            "{:?}",
            acting.change_status(id, Move::to(RequestStatus::Cancelled, Actor::System)).await.unwrap_err()
        ),
        format!("{:?}", acting.unassign(id, by.clone()).await.unwrap_err()),
        format!("{:?}", acting.assign(id, worker, by.clone()).await.unwrap_err()),
        format!("{:?}", acting.assign_by_selection(id, by).await.unwrap_err()),
    ]
}

/// What each actor finds: a renter their own requests, a worker those that are theirs, a landlord those of their complexes.
pub async fn an_actor_finds_what_they_may_see(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.dispatch().await;
    let engine = &world.maintenance;
    let user = UserId::from_uuid(Uuid::from_u128(0xA11));
    let elsewhere = world.directory.complex(2);
    let everyone = RequestFilter::default();
    let sees = [
        (Viewer::from(Actor::Renter(world.renter)), true),
        (Viewer::from(Actor::Renter(Ids::of_nobody().renter)), false),
        (Viewer::from(Actor::Worker(worker.id)), true),
        (Viewer::from(Actor::Worker(world.nobody())), false),
        (Viewer::from(world.landlord()), true),
        (Viewer::from(Actor::System), true),
        (Viewer::landlord_of(user, [world.complex, elsewhere]), true),
        (Viewer::landlord_of(user, [elsewhere]), false),
        (Viewer::landlord_of(user, []), false),
    ];
    for (viewer, sees) in sees {
        let acting = engine.acting_as(viewer.clone());
        let page = acting.requests(&everyone, &all()).await.unwrap();
        assert_eq!(page.items.len(), usize::from(sees), "{viewer:?}");
        let counts = acting.count_by_status(&everyone).await.unwrap();
        assert_eq!(counts[&RequestStatus::Pending], u64::from(sees), "{viewer:?}");
        assert_eq!(acting.record(request.id).await.is_ok(), sees, "{viewer:?}");
        assert_eq!(acting.comments(request.id, &all()).await.is_ok(), sees, "{viewer:?}");
        if !sees {
            let unknown = Ids::of_nobody().request;
            let (found, expected) = (tried(&acting, request.id).await, tried(&acting, unknown).await);
            let found: Vec<_> =
                found.iter().map(|answer| answer.replace(&request.id.to_string(), "ID")).collect();
            let expected: Vec<_> =
                expected.iter().map(|answer| answer.replace(&unknown.to_string(), "ID")).collect();
            assert_eq!(found, expected, "{viewer:?}");
        }
    }
    assert_eq!(world.record(request.id).await.request.version, request.version, "nothing was changed");
    let shown = engine.acting_as(Actor::Renter(world.renter)).record(request.id).await.unwrap();
    assert!(shown.assignments.is_empty() && shown.notifications.is_empty(), "the house's own affairs");
    let shown = engine.acting_as(Actor::Worker(worker.id)).record(request.id).await.unwrap();
    assert!(shown.assignments.iter().all(|change| change.ranking.is_empty()), "how others ranked");
    assert_eq!(shown.notifications.len(), 1, "their own message");
    // Whoever the step names, it is the viewer who acts.
    let theirs = engine.acting_as(Actor::Renter(world.renter));
    let cancelled = theirs.change_status(request.id, Move::to(RequestStatus::Cancelled, Actor::System)).await;
    cancelled.unwrap();
    let row = world.record(request.id).await.history.pop().unwrap();
    assert_eq!(row.changed_by, UserId::from(world.renter));
}

/// Whether a comment or a file has an id is not told to whoever may not see its request.
pub async fn an_id_used_on_a_request_that_is_not_seen_is_refused(world: World) {
    let engine = &world.maintenance;
    let theirs = world.filed().await.id;
    let comment = engine.comment(theirs, world.landlord(), comment()).await.unwrap();
    let file = engine.attach(theirs, attachment()).await.unwrap();
    let mut new = world.new_request();
    new.renter_id = world.directory.renter("Renter Two", "+12025550142");
    let (viewer, mine) = (Actor::Renter(new.renter_id), engine.submit(new).await.unwrap().request.id);
    let renter = engine.acting_as(viewer);
    let again = NewComment { id: Some(comment.id), ..self::comment() };
    let answer = renter.comment(mine, again).await.unwrap_err();
    assert!(matches!(answer, Error::NotFound { what: "request", .. }), "{answer:?}");
    let again = NewAttachment { id: Some(file.id), ..attachment() };
    let answer = renter.attach(mine, again).await.unwrap_err();
    assert!(matches!(answer, Error::NotFound { what: "request", .. }), "{answer:?}");
    assert_eq!(world.record(mine).await.comments, []);
    // For who sees both it is an id that is used.
    let again = NewComment { id: Some(comment.id), ..self::comment() };
    let answer = engine.acting_as(world.landlord()).comment(mine, again).await.unwrap_err();
    assert!(matches!(answer, Error::Reused(_)), "{answer:?}");
}
