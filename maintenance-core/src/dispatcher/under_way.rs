//! What a dispatcher has taken and not yet written the outcome of.

use std::collections::HashMap;

use crate::{
    model::{Notification, SendOutcome, SendRecord},
    values::{Channel, NotificationId},
};

/// The messages under way. A claim takes what is due by the wall clock, and when that goes forward by more than the
/// hold, as on a machine that wakes up, what is under way here is due again: it must not be sent twice.
///
/// Such a message then has the newer claim's lease. That it was sent counts under any lease; any other outcome doesn't
/// count, and the message comes due again when the newer lease ends.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    messages: HashMap<NotificationId, Message>,
    /// Messages written as sent while a claim was under way. The store may have given them to that claim before it
    /// took the outcome, so they are under way until the claim has ended.
    just_sent: Vec<NotificationId>,
}

#[derive(Debug)]
struct Message {
    channel: Channel,
    /// Whether it tries if its channel's rest can end.
    tries: bool,
}

impl UnderWay {
    /// A claim that tries these channels brought a message: whether it is to be sent, which it is unless it was under way
    /// already.
    pub(super) fn begin(&mut self, message: &Notification, trying: &[Channel]) -> bool {
        let (channel, tries) = (message.channel.clone(), trying.contains(&message.channel));
        self.messages.insert(message.id, Message { channel, tries }).is_none()
    }

    /// Whether a message of that channel is under way.
    pub(super) fn has_any_of(&self, channel: &Channel) -> bool {
        self.messages.values().any(|message| message.channel == *channel)
    }

    /// A claim has ended, and all that it brought has begun.
    pub(super) fn claim_ended(&mut self) {
        for message in self.just_sent.drain(..) {
            self.messages.remove(&message);
        }
    }

    /// These outcomes were written, while a claim was under way or not. Returns whether any of them tried a channel.
    pub(super) fn written(&mut self, records: &[SendRecord], claiming: bool) -> bool {
        let mut tried = false;
        for SendRecord { notification_id, outcome, .. } in records {
            if let Some(message) = self.messages.get_mut(notification_id) {
                tried |= std::mem::take(&mut message.tries);
            }
            if claiming && matches!(outcome, SendOutcome::Sent { .. }) {
                self.just_sent.push(*notification_id);
            } else {
                self.messages.remove(notification_id);
            }
        }
        tried
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::{
        model::{NotificationKind, Request},
        values::{LeaseId, WorkerId},
    };

    const ONE: NotificationId = NotificationId::from_uuid(Uuid::from_u128(1));

    fn one() -> Notification {
        let (worker, at) = (WorkerId::from_uuid(Uuid::from_u128(3)), DateTime::UNIX_EPOCH);
        let (channel, kind) = (Channel::DEFAULT, NotificationKind::Assignment);
        Notification::new(ONE, channel, kind, &Request::sample(1), worker, at, at)
    }

    fn record(outcome: SendOutcome) -> SendRecord {
        let (lease, at) = (LeaseId::from_uuid(Uuid::from_u128(2)), DateTime::UNIX_EPOCH);
        SendRecord { notification_id: ONE, lease, attempts: 1, at, outcome }
    }

    #[test]
    fn a_message_is_begun_once_until_its_outcome_is_written() {
        let mut under_way = UnderWay::default();
        assert!(under_way.begin(&one(), &[]));
        assert!(!under_way.begin(&one(), &[]));
        let later = SendOutcome::Later { due_at: DateTime::UNIX_EPOCH, error: None };
        under_way.written(&[record(later)], true);
        assert!(under_way.begin(&one(), &[]), "it came due again");
    }

    #[test]
    fn a_claim_that_took_a_message_just_before_it_was_written_as_sent_does_not_begin_it() {
        let mut under_way = UnderWay::default();
        under_way.begin(&one(), &[]);
        let sent = SendOutcome::Sent { provider_message_id: "wamid.1".into() };
        under_way.written(&[record(sent.clone())], true);
        assert!(!under_way.begin(&one(), &[]));
        under_way.claim_ended();
        assert!(under_way.begin(&one(), &[]), "nothing is kept beyond the claim");
        under_way.written(&[record(sent)], false);
        assert!(under_way.begin(&one(), &[]));
    }
}
