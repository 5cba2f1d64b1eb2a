//! Comments and attachments.

use maintenance_core::{
    Actor, AttachmentId, CommentId, Error, NewAttachment, NewComment, RenterId, RequestId, UserType,
};
use uuid::Uuid;

use super::World;

fn says(text: &str) -> NewComment {
    NewComment { comment: text.into(), ..NewComment::default() }
}

fn photo(url: &str) -> NewAttachment {
    NewAttachment { id: None, file_url: url.into(), file_type: "image/JPEG".into() }
}

/// The record lists comments oldest first, whoever wrote them.
pub async fn comments_and_attachments_are_part_of_the_record(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let request = world.filed().await;
    let mut comments = Vec::new();
    for by in [Actor::Renter(world.renter), Actor::Worker(worker.id), world.landlord()] {
        world.wait(1);
        comments.push(
            world.maintenance.comment(request.id, by, says("It's getting worse 💧\n– soon?")).await.unwrap(),
        );
    }
    let file = world
        .maintenance
        .attach(request.id, photo("https://files.example.com/sink 1.jpg?a=b"))
        .await
        .unwrap();
    assert_eq!(
        (file.file_url.as_str(), file.file_type.as_str()),
        ("https://files.example.com/sink%201.jpg?a=b", "image/jpeg")
    );
    let record = world.record(request.id).await;
    assert_eq!((&record.comments, &record.attachments), (&comments, &vec![file]));
    let types: Vec<_> = comments.iter().map(|comment| comment.user_type).collect();
    assert_eq!(types, [UserType::Renter, UserType::MaintenanceStaff, UserType::Landlord]);
    assert_eq!(record.request, request, "talking about a request doesn't change it");
    let system = world.maintenance.comment(request.id, Actor::System, says("beep")).await;
    assert!(matches!(system, Err(Error::NotAllowed { .. })));
}

/// The id is an idempotency key, for attachments too.
pub async fn a_comment_twice_with_one_id_is_one_comment(world: World) {
    let request = world.filed().await;
    let mut new = says("Hello?");
    new.id = Some(CommentId::from_uuid(Uuid::from_u128(4)));
    let first = world.maintenance.comment(request.id, world.landlord(), new.clone()).await.unwrap();
    world.wait(1);
    assert_eq!(world.maintenance.comment(request.id, world.landlord(), new.clone()).await.unwrap(), first);
    new.comment = "Goodbye".into();
    let error = world.maintenance.comment(request.id, world.landlord(), new).await.unwrap_err();
    assert!(matches!(&error, Error::Reused(reused) if reused.differences.len() == 1), "{error}");
    let mut file = photo("https://files.example.com/1");
    file.id = Some(AttachmentId::from_uuid(Uuid::from_u128(5)));
    let first = world.maintenance.attach(request.id, file.clone()).await.unwrap();
    assert_eq!(world.maintenance.attach(request.id, file.clone()).await.unwrap(), first);
    file.file_url = "https://files.example.com/2".into();
    assert!(matches!(world.maintenance.attach(request.id, file).await, Err(Error::Reused(_))));
    let record = world.record(request.id).await;
    assert_eq!((record.comments.len(), record.attachments.len()), (1, 1));
}

/// A renter can't comment on a neighbour's request.
pub async fn a_renter_comments_on_their_own_requests_only(world: World) {
    let request = world.filed().await;
    let neighbour = Actor::Renter(RenterId::from_uuid(Uuid::from_u128(8)));
    let error = world.maintenance.comment(request.id, neighbour, says("mine too")).await.unwrap_err();
    assert_eq!(error.to_string(), "only its renter, a landlord or a worker may comment on this request");
    assert!(world.record(request.id).await.comments.is_empty());
}

/// The error names the wrong address and the wrong type at once.
pub async fn attachments_are_web_addresses_with_a_mime_type(world: World) {
    let request = world.filed().await;
    let bad = NewAttachment { id: None, file_url: "file:///etc/passwd".into(), file_type: "picture".into() };
    let error = world.maintenance.attach(request.id, bad).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid input: file_url has the scheme `file`; it must be http or https; file_type must be a MIME \
         type, as in image/jpeg"
    );
}

/// The answer is that the request was not found, for comments and attachments alike.
pub async fn nothing_can_be_added_to_a_request_that_is_not_there(world: World) {
    let nothing = RequestId::from_uuid(Uuid::from_u128(6));
    let comment = world.maintenance.comment(nothing, world.landlord(), says("Hello?")).await;
    assert!(matches!(comment, Err(Error::NotFound { what: "request", .. })));
    let file = world.maintenance.attach(nothing, photo("https://files.example.com/1")).await;
    assert!(matches!(file, Err(Error::NotFound { what: "request", .. })));
    assert!(matches!(world.maintenance.record(nothing).await, Err(Error::NotFound { what: "request", .. })));
}
