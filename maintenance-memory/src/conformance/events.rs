//! Events: written with what they tell of, read in order, kept until everybody is done with them.

use std::{collections::BTreeSet, convert::Infallible, time::Duration};

use futures_util::StreamExt as _;
use maintenance_core::{
    Actor, Channel, ConsumerName, DeliveryEvent, Edit, Error, Event, EventKind, EventPosition, Events, Move,
    NewComment, NextStep, Repository, RepositoryErrorKind, RequestId, RequestStatus, Scope, SendEffect,
    Viewer,
};

use super::{World, refused};

type Followed = Events<std::sync::Arc<dyn Repository>>;

fn events(world: &World, name: &str) -> Followed {
    world.maintenance.events(ConsumerName::new(name).unwrap())
}

async fn all(events: &Followed, after: EventPosition) -> Vec<Event> {
    let listing = events.read(after, 1_000).await.unwrap();
    assert!(listing.corrupt.is_empty());
    listing.items
}

/// What happened to a request, in order.
async fn kinds(events: &Followed, after: EventPosition, request: RequestId) -> Vec<EventKind> {
    let happened = all(events, after).await;
    happened.iter().filter(|event| event.request_id == Some(request)).map(|event| event.kind).collect()
}

/// A request's life, told in the order in which it happened; each event names the row that it is about.
pub async fn what_happens_to_a_request_is_told_in_order(world: World) {
    use EventKind::{Assigned, Commented, Delivered, Edited, Filed, Read, Status, Told};

    let search = events(&world, "search");
    let start = search.subscribe().await.unwrap();
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    world.dispatch().await;
    world.wait(10);
    let message = world.newest_message(request.id).await;
    for news in [DeliveryEvent::Delivered, DeliveryEvent::Read, DeliveryEvent::Delivered] {
        world.maintenance.record_deliveries(&[world.news(&message, news)]).await.unwrap();
        world.wait(1);
    }
    let by = Actor::Worker(worker.id);
    world.maintenance.change_status(request.id, Move::to(RequestStatus::InProgress, by)).await.unwrap();
    world.wait(1);
    let said = NewComment { id: None, comment: "On my way.".into() };
    let comment = world.maintenance.comment(request.id, by, said).await.unwrap();
    world.wait(1);
    world.maintenance.edit(request.id, Edit::by(world.landlord()).title("The tap leaks")).await.unwrap();
    world.wait(1);
    let back = Move::to(RequestStatus::Pending, by).note("no parts");
    world.maintenance.change_status(request.id, back).await.unwrap();
    let told = kinds(&search, start, request.id).await;
    let (before, last) = told.split_at(told.len() - 2);
    assert_eq!(before, [Filed, Assigned, Told, Delivered, Read, Status, Commented, Edited]);
    assert_eq!(BTreeSet::from_iter(last), BTreeSet::from_iter(&[Status, Assigned]), "one step, in any order");
    let happened = all(&search, start).await;
    let record = world.record(request.id).await;
    let about = |kind: EventKind| happened.iter().find(|event| event.kind == kind).unwrap().about;
    assert_eq!(about(Filed), request.id.uuid());
    assert_eq!(about(Assigned), record.assignments[0].id.uuid());
    assert_eq!(about(Told), message.id.uuid());
    assert_eq!(about(Status), record.history[0].id.uuid());
    assert_eq!(about(Commented), comment.id.uuid());
    assert_eq!(about(Edited), record.edits[0].id.uuid());
    assert!(happened.is_sorted_by(|one, next| one.position < next.position));
}

/// A step that is refused, and one that is repeated, tell nothing.
pub async fn what_did_not_happen_is_not_told(world: World) {
    let search = events(&world, "search");
    let start = search.subscribe().await.unwrap();
    world.worker(&["plumbing"]).await;
    let new = world.new_request().id(RequestId::from_uuid(uuid::Uuid::from_u128(0x1D)));
    let request = world.maintenance.submit(new.clone()).await.unwrap().request;
    let count = all(&search, start).await.len();
    world.maintenance.submit(new).await.unwrap();
    let stranger = Actor::Worker(world.nobody());
    world
        .maintenance
        .change_status(request.id, Move::to(RequestStatus::InProgress, stranger))
        .await
        .unwrap_err();
    assert_eq!(all(&search, start).await.len(), count);
}

/// Nothing is kept while nobody follows, and nothing that everybody is done with.
pub async fn events_are_kept_until_everybody_is_done_with_them(world: World) {
    world.filed().await;
    let (search, bill) = (events(&world, "search"), events(&world, "billing"));
    let start = search.subscribe().await.unwrap();
    assert_eq!(all(&search, EventPosition::default()).await, [], "nobody followed");
    assert_eq!(bill.subscribe().await.unwrap(), start);
    let request = world.filed().await;
    let told = all(&search, start).await;
    assert_eq!(told[0].request_id, Some(request.id));
    let end = told.last().unwrap().position;
    search.acknowledge(end).await.unwrap();
    assert_eq!(search.subscribe().await.unwrap(), end, "a consumer that comes again stays where it is");
    search.acknowledge(start).await.unwrap();
    assert_eq!(search.subscribe().await.unwrap(), end, "and never goes back");
    assert_eq!(all(&bill, start).await, told, "the other isn't done");
    bill.acknowledge(end).await.unwrap();
    assert_eq!(all(&bill, EventPosition::default()).await, []);
    assert!(bill.unsubscribe().await.unwrap());
    assert!(!bill.unsubscribe().await.unwrap());
    let gone = bill.acknowledge(end).await.unwrap_err();
    assert!(matches!(gone, Error::Repository(error) if error.kind == RepositoryErrorKind::NotFound));
    // Positions are never given again.
    world.filed().await;
    assert!(all(&search, end).await[0].position > end);
}

/// Pages end where the reader asked, and the stream goes on to the end.
pub async fn events_are_read_in_pages_and_as_a_stream(world: World) {
    let search = events(&world, "search");
    let start = search.subscribe().await.unwrap();
    for _ in 0..5 {
        world.filed().await;
        world.wait(1);
    }
    let first = search.read(start, 2).await.unwrap().items;
    let next = search.read(first[1].position, 10).await.unwrap().items;
    assert_eq!((first.len(), next.len()), (2, 3));
    let streamed: Vec<_> = search.after(start).map(|event| event.unwrap()).collect().await;
    assert_eq!(streamed, [first, next].concat());
}

/// The callback gets each event, in order; one that it can't handle comes again, and what was handled does not.
pub async fn a_callback_gets_each_event_until_it_is_handled(world: World) {
    let search = events(&world, "search");
    search.subscribe().await.unwrap();
    for _ in 0..3 {
        world.filed().await;
        world.wait(1);
    }
    let (stop, stopped) = tokio::sync::oneshot::channel::<Infallible>();
    let (mut stop, mut handled, mut refused) = (Some(stop), Vec::new(), 0);
    let until = async move {
        let _closed = stopped.await;
    };
    search
        .run(Duration::ZERO, until, |event| {
            // The second is refused once.
            let refuse = handled.len() == 1 && refused == 0;
            refused += usize::from(refuse);
            if !refuse {
                handled.push(event.position);
            }
            if handled.len() == 3 {
                stop.take();
            }
            std::future::ready(if refuse { Err("not now".into()) } else { Ok(()) })
        })
        .await;
    assert_eq!(refused, 1);
    assert!(handled.is_sorted_by(|one, next| one < next), "{handled:?}");
}

/// A channel that stops until somebody acts is told of once.
pub async fn a_channel_that_needs_a_person_is_told_of_once(world: World) {
    let search = events(&world, "search");
    let start = search.subscribe().await.unwrap();
    world.worker(&["plumbing"]).await;
    world.filed().await;
    world.filed().await;
    let stop = refused(NextStep::Stop { scope: Scope::Channel }, SendEffect::NotSent);
    world.notifier.refuse_channel(&Channel::default(), stop);
    let dispatcher = world.dispatcher();
    for _ in 0..3 {
        dispatcher.dispatch_due().await.unwrap();
        world.wait(3_600);
    }
    let mut told = all(&search, start).await;
    told.retain(|event| event.kind == EventKind::Paused);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0].request_id, told[0].detail.as_deref()), (None, Some("channel default")));
}

/// Events are of all organisations, and each says whose it is.
pub async fn events_name_their_organisation(world: World) {
    let search = events(&world, "search");
    let start = search.subscribe().await.unwrap();
    let organization = maintenance_core::OrganizationId::from_uuid(uuid::Uuid::from_u128(0xA));
    let other = world.of(organization);
    let request = other.filed().await;
    let acting = other.maintenance.acting_as(Viewer::from(other.landlord()));
    acting.comment(request.id, NewComment { id: None, comment: "Noted.".into() }).await.unwrap();
    let told = all(&search, start).await;
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|event| event.organization_id == organization));
}
