//! Forgetting a renter.

use futures_util::{StreamExt as _, stream};
use maintenance_core::{
    Action, Actor, Assign, CommentFilter, DeliveryEvent, DeliveryUpdate, Edit, Error, FORGOTTEN, Forgotten,
    InboundContent, InboundOutcome, Move, NewAttachment, NewComment, NewHold, NewRequest, PageRequest,
    Priority, RequestField, RequestFilter, RequestForm, RequestId, RequestRecord, RequestStatus, Tap,
};
use uuid::Uuid;

use super::{
    World,
    import::unnumbered,
    phones::{message, outcomes, received},
    screens::found,
};

/// A word that is in each text of the renter's requests, and in no other.
pub const SECRET: &str = "zanzibar";

/// The renter's request with that word in all its texts: cancelled, with its worker still to be told.
pub async fn secret(world: &World, id: u128) -> RequestId {
    let maintenance = &world.maintenance;
    let form = RequestForm::new(
        format!("The {SECRET} leaks"),
        format!("Water under the {SECRET}."),
        format!("{SECRET}, left"),
    );
    let new = NewRequest::new(world.renter, world.property, form.specialty("plumbing"));
    let id = RequestId::from_uuid(Uuid::from_u128(id));
    maintenance.submit(new.id(id)).await.unwrap();
    let assign = Assign::by(world.landlord()).note(format!("nearer to the {SECRET}"));
    let other = world.worker(&["plumbing"]).await;
    maintenance.assign(id, other.id, assign).await.unwrap();
    for by in [Actor::Renter(world.renter), world.landlord()] {
        let comment = NewComment { id: None, comment: format!("It is the {SECRET}.") };
        maintenance.comment(id, by, comment).await.unwrap();
    }
    let file = NewAttachment {
        id: None,
        file_url: format!("https://files.example.com/{SECRET}.jpg"),
        file_type: "image/jpeg".into(),
    };
    maintenance.attach(id, file).await.unwrap();
    let edit = Edit::by(world.landlord()).title(format!("The old {SECRET} leaks")).priority(Priority::High);
    maintenance.edit(id, edit).await.unwrap();
    let hold = NewHold::by(world.landlord(), format!("parts for the {SECRET}"));
    maintenance.hold(id, hold).await.unwrap();
    let wanted = Move::to(RequestStatus::InProgress, world.landlord());
    maintenance.change_status(id, wanted).await.unwrap();
    id
}

/// The worker who had it first taps on their message, with the word on the button: nothing follows, so the message is kept
/// with its content.
pub async fn said(world: &World, id: RequestId) {
    let record = world.record(id).await;
    let first = record.notifications.first().unwrap();
    let payload = Tap { action: Action::Start, on: first.id, request: None }.to_string();
    let tap = InboundContent::Tap { payload, title: format!("Mend the {SECRET}") };
    let report = received(world, &[message(world, "12025550123", tap)]).await;
    assert_eq!(outcomes(&report), [(InboundOutcome::NotTheirs, 1)]);
}

/// Cancels it, with the word in the note.
pub async fn cancel(world: &World, id: RequestId) {
    let wanted = Move::to(RequestStatus::Cancelled, world.landlord()).note(format!("no {SECRET} there"));
    world.maintenance.change_status(id, wanted).await.unwrap();
}

/// Everything that the engine shows, as JSON.
async fn everything(world: &World) -> String {
    let all = RequestFilter::default();
    let records: Vec<RequestRecord> = world.maintenance.export(&all).map(Result::unwrap).collect().await;
    let any = CommentFilter::default();
    let comments = world.maintenance.comments(&any, &PageRequest::first(200)).await.unwrap().items;
    serde_json::to_string(&(records, comments)).unwrap()
}

/// What is numbers and times of a record, without the texts, the version and `updated_at`.
fn figures(record: &RequestRecord) -> impl PartialEq + std::fmt::Debug + use<> {
    let request = &record.request;
    (
        (request.id, request.renter_id, request.status, request.priority, request.specialty.clone()),
        (request.created_at, request.completed_at, request.assigned_worker_id, request.complex_id),
        record.history.iter().map(|row| (row.id, row.new_status, row.changed_at)).collect::<Vec<_>>(),
        record.assignments.iter().map(|row| (row.id, row.new_worker_id, row.changed_at)).collect::<Vec<_>>(),
        record.comments.iter().map(|row| (row.id, row.user_id, row.created_at)).collect::<Vec<_>>(),
        record.notifications.iter().map(|row| (row.id, row.status, row.sent_at)).collect::<Vec<_>>(),
    )
}

/// No text is left, figures are as they were, and files are named once.
pub async fn forgetting_a_renter_leaves_figures_and_no_text(world: World) {
    world.worker(&["plumbing"]).await;
    let id = secret(&world, 7).await;
    world.wait(60);
    world.dispatch().await;
    // A webhook tells why the message failed, in the provider's words.
    let mut news: DeliveryUpdate = world.news(&world.newest_message(id).await, DeliveryEvent::Failed);
    news.error.as_mut().unwrap().text = format!("no {SECRET} on WhatsApp");
    world.maintenance.record_deliveries(&[news]).await.unwrap();
    cancel(&world, id).await;
    // Somebody else's request, with a comment of theirs and one of the renter's, who came by an import.
    let mut other = super::import::old_record(&world, 1, None);
    other.request.renter_id = Uuid::from_u128(8).into();
    other.comments[0].comment = maintenance_core::CommentText::new("a word").unwrap();
    let mut stays = other.comments[0].clone();
    (stays.id, stays.user_id) = (Uuid::from_u128(9).into(), Uuid::from_u128(8).into());
    other.comments.push(stays);
    let lines = [serde_json::to_string(&other).unwrap()];
    world.maintenance.import(stream::iter(lines), |line| panic!("{line}")).await.unwrap();

    assert!(everything(&world).await.contains(SECRET));
    let before = world.record(id).await;
    let counts = world.maintenance.count_by_status(&RequestFilter::default()).await.unwrap();
    let Forgotten { requests, notes, comments, messages, files, .. } =
        world.maintenance.forget_renter(world.renter).await.unwrap();
    let noted = before.history.iter().filter(|change| change.notes.is_some()).count()
        + before.assignments.iter().filter(|change| change.notes.is_some()).count();
    let told = before.notifications.iter().filter(|message| message.error.is_some()).count();
    assert_eq!((requests, notes, comments, messages), (1, noted as u64, 3, told as u64));
    assert!(noted >= 2 && told >= 1);
    let files: Vec<_> = files.iter().map(|file| file.as_str().to_owned()).collect();
    assert_eq!(files, [format!("https://files.example.com/{SECRET}.jpg")]);
    assert!(!everything(&world).await.contains(SECRET));

    let after = world.record(id).await;
    assert_eq!(figures(&after), figures(&before));
    assert_eq!(after.request.version, before.request.version + 1);
    assert_eq!((after.request.title.as_str(), after.request.fingerprint), (FORGOTTEN, None));
    assert_eq!(after.attachments, []);
    let fields: Vec<_> = after.edits.iter().map(|edit| edit.change.field()).collect();
    assert_eq!(fields, [RequestField::Priority], "an edit without a text stays");
    assert_eq!(world.maintenance.count_by_status(&RequestFilter::default()).await.unwrap(), counts);
    other.comments[0].comment.forget();
    let mut left = world.record(other.request.id).await;
    left.comments.sort_by_key(|comment| comment.id);
    other.comments.sort_by_key(|comment| comment.id);
    assert_eq!(unnumbered(left), other, "of somebody else's request their own comment alone");

    assert_eq!(world.maintenance.forget_renter(world.renter).await.unwrap(), Forgotten::default());
    assert_eq!(world.record(id).await, after);
    let nobody = Uuid::from_u128(99).into();
    assert_eq!(world.maintenance.forget_renter(nobody).await.unwrap(), Forgotten::default());
}

/// A message that waits goes out without the texts.
pub async fn what_still_waits_goes_out_without_the_texts(world: World) {
    world.worker(&["plumbing"]).await;
    let id = secret(&world, 7).await;
    world.wait(60);
    world.dispatch().await;
    world.wait(600);
    let sent = world.notifier.messages().len();
    cancel(&world, id).await;
    world.maintenance.forget_renter(world.renter).await.unwrap();
    assert_eq!(world.dispatch().await.sent, 1, "the worker hears that it is no longer theirs");
    let told = world.notifier.messages().split_off(sent);
    assert_eq!(told[0].content.title.as_str(), FORGOTTEN);
}

/// Whether they were indexed before or not.
pub async fn forgotten_texts_are_found_no_more(world: World) {
    world.worker(&["plumbing"]).await;
    for (id, is_indexed) in [(7, true), (8, false)] {
        let request = secret(&world, id).await;
        cancel(&world, request).await;
        if is_indexed {
            world.index_texts().await;
            assert_eq!(found(&world, SECRET).await, [request]);
        }
        world.maintenance.forget_renter(world.renter).await.unwrap();
        world.index_texts().await;
        assert_eq!(found(&world, SECRET).await, []);
    }
}

/// An open request refuses it and is named; nothing is forgotten until it is over.
pub async fn an_open_request_refuses_to_be_forgotten(world: World) {
    world.worker(&["plumbing"]).await;
    let (open, over) = (secret(&world, 7).await, secret(&world, 8).await);
    cancel(&world, over).await;
    let before = everything(&world).await;
    match world.maintenance.forget_renter(world.renter).await.unwrap_err() {
        Error::HasOpenRequests { renter, requests } => {
            assert_eq!((renter, requests), (world.renter, vec![open]));
        }
        error => panic!("{error}"),
    }
    assert_eq!(everything(&world).await, before);
    cancel(&world, open).await;
    assert_eq!(world.maintenance.forget_renter(world.renter).await.unwrap().requests, 2);
    assert!(!everything(&world).await.contains(SECRET));
}

/// The same renter's id in another organisation is another person.
pub async fn forgetting_stays_within_its_organization(world: World) {
    let (mut one, mut other) = (world.of(Uuid::from_u128(1).into()), world.of(Uuid::from_u128(2).into()));
    (one.renter, other.renter) = (world.renter, world.renter);
    let (mine, theirs) =
        (super::import::old_record(&one, 1, None), super::import::old_record(&other, 2, None));
    for (world, record) in [(&one, &mine), (&other, &theirs)] {
        let lines = [serde_json::to_string(record).unwrap()];
        world.maintenance.import(stream::iter(lines), |line| panic!("{line}")).await.unwrap();
    }
    let forgotten = one.maintenance.forget_renter(world.renter).await.unwrap();
    assert_eq!((forgotten.requests, forgotten.comments), (1, 1));
    assert_eq!(unnumbered(other.record(theirs.request.id).await), theirs);
    assert_eq!(one.record(mine.request.id).await.comments[0].comment.as_str(), FORGOTTEN);
}

/// A submit is no longer known as a repeat of what is forgotten, and files nothing in its place.
pub async fn what_is_forgotten_is_not_submitted_again_under_its_id(world: World) {
    let new = world.new_request().id(RequestId::from_uuid(Uuid::from_u128(7)));
    let id = world.maintenance.submit(new.clone()).await.unwrap().request.id;
    cancel(&world, id).await;
    world.maintenance.forget_renter(world.renter).await.unwrap();
    let again = world.maintenance.submit(new).await;
    assert!(matches!(again, Err(Error::Reused(_))), "{again:?}");
    assert_eq!(world.record(id).await.request.title.as_str(), FORGOTTEN);
}

/// What phones said of a renter's requests and nobody could apply is forgotten with them.
pub async fn what_phones_said_of_their_requests_is_forgotten(world: World) {
    world.worker(&["plumbing"]).await;
    let id = secret(&world, 7).await;
    said(&world, id).await;
    said(&world, id).await;
    cancel(&world, id).await;
    let forgotten = world.maintenance.forget_renter(world.renter).await.unwrap();
    assert_eq!(forgotten.inbound, 2);
    assert_eq!(world.maintenance.forget_renter(world.renter).await.unwrap(), Forgotten::default());
}
