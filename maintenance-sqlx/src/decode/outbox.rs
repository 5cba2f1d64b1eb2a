//! What is read for sending, for webhooks and for those who follow events.

use maintenance_core::{
    BoxError, Claimed, ClaimedWorker, DeliveryEvent, DeliveryUpdate, Event, EventPosition, NewEvent,
    RepositoryError, RequestChoice, RequestId, RequestNumber, Title, Told, WhatsAppStatus, WorkerId,
};

use super::{
    NOTIFICATION_COLUMNS, NOTIFICATIONS, REQUEST_COLUMNS, WORKERS, delivery_error, notification_at,
    request_at,
};
use crate::row::{Raw, Reader};

const EARLY: &str = "maintenance_early_deliveries";
const EVENTS: &str = "maintenance_events";

/// Columns: a notification's, its request's, the id, number and status of the worker whom it is for, whether the
/// notification is its request's newest, what the recipient was told: yes (true), pending (false) or no (null), when they were last
/// heard, the requests to choose from as JSON or null, and whether they opted out of news.
pub(crate) fn claimed<R: Raw>(row: &R) -> Result<Claimed, RepositoryError> {
    const WORKER_COLUMNS: usize = 3;
    let notification = notification_at(row, 0)?;
    let request = request_at(row, NOTIFICATION_COLUMNS)?;
    let read_worker = |_: WorkerId| {
        let mut worker = Reader::new(row, WORKERS, NOTIFICATION_COLUMNS + REQUEST_COLUMNS);
        worker.id::<WorkerId>("id")?;
        let (phone_number, status) = (worker.text("phone_number")?, worker.word("status")?);
        Ok::<_, RepositoryError>(ClaimedWorker { phone_number, status })
    };
    let worker = notification.to.worker().map(read_worker).transpose()?;
    let mut rest =
        Reader::new(row, NOTIFICATIONS, 0).skip_to(NOTIFICATION_COLUMNS + REQUEST_COLUMNS + WORKER_COLUMNS);
    let is_newest = rest.flag("is_newest")?;
    let told = match rest.optional("told", R::flag, Ok::<_, BoxError>)? {
        Some(true) => Told::Yes,
        Some(false) => Told::Pending,
        None => Told::No,
    };
    let heard_at = rest.time_or_none("last_inbound")?;
    let choices = rest.optional("choices", R::text, |json| choices(&json))?.unwrap_or_default();
    let opted_out = rest.flag("opted_out")?;
    Ok(Claimed { notification, request, is_newest, told, worker, heard_at, choices, opted_out })
}

/// Requests as a JSON array of `[id, number, title]`. The parser's own error may quote the text.
fn choices(json: &str) -> Result<Vec<RequestChoice>, BoxError> {
    let choices: Vec<(RequestId, u32, Title)> =
        serde_json::from_str(json).map_err(|_| "must be a list of requests as JSON")?;
    let choice = |(id, number, title)| RequestChoice { id, number: RequestNumber::new(number), title };
    Ok(choices.into_iter().map(choice).collect())
}

/// Columns: an event's, and its position.
pub(crate) fn event<R: Raw>(row: &R) -> Result<Event, RepositoryError> {
    let mut read = Reader::new(row, EVENTS, 0);
    let event = NewEvent {
        about: read.id("about")?,
        kind: read.word("kind")?,
        organization_id: read.id("organization_id")?,
        request_id: read.id_or_none("request_id")?,
        at: read.time("at")?,
        detail: read.text_or_none("detail")?,
    };
    let position = read.optional("position", R::number, u64::try_from)?;
    Ok(event.at_position(EventPosition(read.required("position", position)?)))
}

/// Columns: those of a kept update; all of them are null if there is none.
pub(crate) fn early_or_none<R: Raw>(
    row: &R,
    first: usize,
) -> Result<Option<DeliveryUpdate>, RepositoryError> {
    let mut read = Reader::new(row, EARLY, first);
    let Some(provider_message_id) = read.text_or_none("provider_message_id")? else { return Ok(None) };
    let channel = read.text("channel")?;
    let status: WhatsAppStatus = read.word("event")?;
    let event = match status {
        WhatsAppStatus::Sent => DeliveryEvent::Sent,
        WhatsAppStatus::Delivered => DeliveryEvent::Delivered,
        WhatsAppStatus::Read => DeliveryEvent::Read,
        WhatsAppStatus::Failed => DeliveryEvent::Failed,
        WhatsAppStatus::Pending => {
            return Err(read.corrupt("event", "must be one of: sent delivered read failed"));
        }
    };
    let at = read.time("at")?;
    let error = delivery_error(&mut read)?;
    let parse = |json: String| serde_json::from_str(&json).map_err(|_| "is no next step as JSON");
    let next = read.optional("next", R::text, parse)?;
    let notification_id = None;
    Ok(Some(DeliveryUpdate { channel, notification_id, provider_message_id, event, at, error, next }))
}
