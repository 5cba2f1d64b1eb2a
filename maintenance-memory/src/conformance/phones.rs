//! Phones that tap, write and send files, for the cases about them.

use std::sync::Arc;

use async_trait::async_trait;
use maintenance_core::{
    Action, Answer, Assign, Channel, Clock, FileKind, FileType, FileUrl, IdSource, Inbound, InboundContent,
    InboundFile, InboundOutcome, MediaError, MediaFile, MediaSource, MediaStore, Move, Notification,
    NotificationKind, ReceiveReport, Receiver, Request, RequestId, RequestRecord, RequestStatus, Sender,
    SharedRepository, Tap, WhatsAppStatus, Worker,
};

use super::World;

/// Files that are all the same photo, kept at an address made of their name.
struct Photos;

#[async_trait]
impl MediaSource for Photos {
    async fn fetch(&self, _: &Channel, file: &InboundFile) -> Result<MediaFile, MediaError> {
        match file.media_id.as_str() {
            "later" => Err(MediaError::Later("set so in a test")),
            "refused" => Err(MediaError::Refused("set so in a test")),
            _ => Ok(MediaFile { bytes: b"photo".to_vec(), file_type: FileType::new("image/jpeg").unwrap() }),
        }
    }
}

#[async_trait]
impl MediaStore for Photos {
    async fn keep(&self, name: &str, _: MediaFile) -> Result<FileUrl, MediaError> {
        Ok(FileUrl::new(&format!("https://files.example.com/{name}")).unwrap())
    }
}

/// Receiving over the world's store.
pub(super) fn receiver(world: &World) -> Receiver<Arc<dyn SharedRepository>> {
    world.shared_engine().receiver().media(Photos, Photos)
}

pub(super) fn digits(worker: &Worker) -> String {
    worker.phone_number.as_str().trim_start_matches('+').to_owned()
}

/// A message from that number, sent now.
pub(super) fn message(world: &World, digits: &str, content: InboundContent) -> Inbound {
    Inbound {
        channel: Channel::DEFAULT,
        provider_message_id: format!("wamid.in.{}", world.ids.uuid()),
        from: Sender::number(digits),
        sent_at: world.clock.now(),
        replies_to: None,
        content,
    }
}

/// A tap on that message's button.
pub(super) fn tap(world: &World, digits: &str, action: Action, on: &Notification) -> Inbound {
    let payload = Tap { action, on: on.id, request: None }.to_string();
    let title = format!("the button {action}");
    Inbound {
        replies_to: on.provider_message_id.clone(),
        ..message(world, digits, InboundContent::Tap { payload, title })
    }
}

pub(super) fn text(body: &str) -> InboundContent {
    InboundContent::Text { body: body.into() }
}

pub(super) fn photo(media_id: &str) -> InboundContent {
    InboundContent::File(InboundFile {
        kind: FileKind::Image,
        media_id: media_id.into(),
        mime_type: Some("image/jpeg".into()),
        sha256: None,
        caption: None,
        file_name: None,
    })
}

/// Keeps these messages, and applies all that is due.
pub(super) async fn received(world: &World, messages: &[Inbound]) -> ReceiveReport {
    world.maintenance.receive(messages).await.unwrap();
    let report = receiver(world).receive_due().await.unwrap();
    assert!(report.errors.is_empty() && report.corrupt.is_empty(), "{report:?}");
    report
}

pub(super) fn outcomes(report: &ReceiveReport) -> Vec<(InboundOutcome, usize)> {
    report.outcomes.iter().map(|(outcome, times)| (*outcome, *times)).collect()
}

/// The answers about a request that wait to be sent or were, oldest first.
pub(super) fn answers(record: &RequestRecord) -> Vec<Answer> {
    record.notifications.iter().filter_map(|message| message.answer).collect()
}

/// Moves a pending request there by a landlord.
pub(super) async fn advance(world: &World, request: RequestId, to: RequestStatus) {
    let path: &[RequestStatus] = match to {
        RequestStatus::Pending => &[],
        RequestStatus::InProgress => &[RequestStatus::InProgress],
        RequestStatus::Completed => &[RequestStatus::InProgress, RequestStatus::Completed],
        RequestStatus::Cancelled => &[RequestStatus::Cancelled],
    };
    for to in path {
        world.maintenance.change_status(request, Move::to(*to, world.landlord())).await.unwrap();
    }
}

/// A request of that worker alone, who was told of it, in that status.
pub(super) async fn told(world: &World, worker: &Worker, status: RequestStatus) -> (Request, Notification) {
    let filed = world.filed().await;
    if filed.assigned_worker_id != Some(worker.id) {
        world.maintenance.assign(filed.id, worker.id, Assign::by(world.landlord())).await.unwrap();
    }
    world.dispatch().await;
    advance(world, filed.id, status).await;
    let record = world.record(filed.id).await;
    let assigned = |message: &&Notification| {
        message.to == worker.id.into() && message.kind == NotificationKind::Assignment
    };
    let message = record.notifications.iter().rfind(assigned).unwrap().clone();
    assert_ne!(message.status, WhatsAppStatus::Pending);
    (record.request, message)
}

pub(super) async fn numbered(world: &World, number: &str) -> Worker {
    let mut new = world.new_worker(&["plumbing"]);
    new.phone_number = number.into();
    world.maintenance.add_worker(new).await.unwrap()
}
