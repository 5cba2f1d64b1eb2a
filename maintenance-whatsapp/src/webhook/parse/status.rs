//! A status of a message of ours.

use chrono::{DateTime, Utc};
use maintenance_core::{
    Channel, DeliveryError, DeliveryEvent, DeliveryUpdate, NextStep, NotificationId, Sender,
};
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use super::{
    part::{digits, id, parts, plain_word, text, time},
    sender::Contacts,
};
use crate::error_code::{code_of, failure};

parts! {
    /// A message's status.
    Status {
        id = "id",
        event = "status",
        timestamp = "timestamp",
        recipient_id = "recipient_id",
        recipient_user_id = "recipient_user_id",
        user_id = "user_id",
        biz_opaque_callback_data = "biz_opaque_callback_data",
        errors = "errors",
    }
}

impl Status<'_> {
    /// The update; or what the status is if it is no update; or what was wrong with it.
    pub(super) fn read(
        &self,
        channel: &Channel,
        received: DateTime<Utc>,
    ) -> Result<Result<DeliveryUpdate, String>, &'static str> {
        let id = id(self.id).ok_or("has no id of 1 to 512 visible ASCII characters")?;
        let status = text(self.event).ok_or("has no status that is a text")?;
        let event = match &*status {
            "sent" => DeliveryEvent::Sent,
            "delivered" => DeliveryEvent::Delivered,
            // A voice message that was played was seen too.
            "read" | "played" => DeliveryEvent::Read,
            "failed" => DeliveryEvent::Failed,
            other => return Ok(Err(format!("status {}", plain_word(other)))),
        };
        let notification_id = text(self.biz_opaque_callback_data).and_then(|id| Uuid::try_parse(&id).ok());
        let errors = self.errors.filter(|_| event == DeliveryEvent::Failed);
        let (error, next) = errors.and_then(first_error).unzip();
        Ok(Ok(DeliveryUpdate {
            channel: channel.clone(),
            notification_id: notification_id.map(NotificationId::from_uuid),
            provider_message_id: id,
            event,
            at: time(self.timestamp, received),
            error,
            next: next.flatten(),
        }))
    }

    /// Whom the message reached, if the post says their business-scoped id.
    pub(super) fn reached(&self, contacts: &Contacts) -> Option<Sender> {
        let user_id = id(self.recipient_user_id).or_else(|| id(self.user_id));
        let person = contacts.complete(Sender { wa_id: digits(self.recipient_id), user_id });
        person.user_id.is_some().then_some(person)
    }
}

/// The first of a status's errors: the error to store, and what to do about it.
fn first_error(errors: &RawValue) -> Option<(DeliveryError, Option<NextStep>)> {
    let errors: Value = serde_json::from_str(errors.get()).ok()?;
    errors.get(0).filter(|error| error.is_object()).map(|error| failure(code_of(error.get("code"))))
}

/// An error that is about no message.
pub(super) fn error_of(error: &Value) -> String {
    failure(code_of(error.get("code"))).0.to_string()
}
