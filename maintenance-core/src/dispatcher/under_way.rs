//! What a dispatcher has taken and not yet written the outcome of.

use std::collections::HashSet;

use crate::{
    model::{SendOutcome, SendRecord},
    values::NotificationId,
};

/// The messages under way. A claim takes what is due by the wall clock, and when that goes forward by more than the
/// hold, as on a machine that wakes up, what is under way here is due again: it must not be sent twice.
///
/// Such a message then has the newer claim's lease. That it was sent counts under any lease; any other outcome doesn't
/// count, and the message comes due again when the newer lease ends.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    messages: HashSet<NotificationId>,
    /// Messages written as sent while a claim was under way. The store may have given them to that claim before it
    /// took the outcome, so they are under way until the claim has ended.
    just_sent: Vec<NotificationId>,
}

impl UnderWay {
    /// A claim brought a message: whether it is to be sent, which it is unless it was under way already.
    pub(super) fn begin(&mut self, message: NotificationId) -> bool {
        self.messages.insert(message)
    }

    /// A claim has ended, and all that it brought has begun.
    pub(super) fn claim_ended(&mut self) {
        for message in self.just_sent.drain(..) {
            self.messages.remove(&message);
        }
    }

    /// These outcomes were written, while a claim was under way or not.
    pub(super) fn written(&mut self, records: &[SendRecord], claiming: bool) {
        for SendRecord { notification_id, outcome, .. } in records {
            if claiming && matches!(outcome, SendOutcome::Sent { .. }) {
                self.just_sent.push(*notification_id);
            } else {
                self.messages.remove(notification_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::values::LeaseId;

    const ONE: NotificationId = NotificationId::from_uuid(Uuid::from_u128(1));

    fn record(outcome: SendOutcome) -> SendRecord {
        let (lease, at) = (LeaseId::from_uuid(Uuid::from_u128(2)), DateTime::UNIX_EPOCH);
        SendRecord { notification_id: ONE, lease, attempts: 1, at, outcome }
    }

    #[test]
    fn a_message_is_begun_once_until_its_outcome_is_written() {
        let mut under_way = UnderWay::default();
        assert!(under_way.begin(ONE));
        assert!(!under_way.begin(ONE));
        let later = SendOutcome::Later { due_at: DateTime::UNIX_EPOCH, error: None };
        under_way.written(&[record(later)], true);
        assert!(under_way.begin(ONE), "it came due again");
    }

    #[test]
    fn a_claim_that_took_a_message_just_before_it_was_written_as_sent_does_not_begin_it() {
        let mut under_way = UnderWay::default();
        under_way.begin(ONE);
        let sent = SendOutcome::Sent { provider_message_id: "wamid.1".into() };
        under_way.written(&[record(sent.clone())], true);
        assert!(!under_way.begin(ONE));
        under_way.claim_ended();
        assert!(under_way.begin(ONE), "nothing is kept beyond the claim");
        under_way.written(&[record(sent)], false);
        assert!(under_way.begin(ONE));
    }
}
