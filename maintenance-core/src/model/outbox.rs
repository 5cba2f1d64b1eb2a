//! What a dispatcher takes from the outbox, and what the store tells it.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};

use super::{
    addressee::Addressee,
    answer::RequestChoice,
    delivery::{DeliveryUpdate, WhatsAppStatus},
    notification::Notification,
    request::{Priority, Request},
    worker::WorkerStatus,
};
use crate::values::{Channel, LeaseId, PhoneNumber};

/// A notification under a lease, with all that sending it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The notification, with this claim counted in `claims`.
    pub notification: Notification,
    /// Its request as it stands.
    pub request: Request,
    /// Whether it is the request's newest assignment message; of another kind, the newest of that kind to the same
    /// recipient about the request.
    pub is_newest: bool,
    /// What the recipient was told of the request before. Of interest for a
    /// [`Withdrawn`](crate::NotificationKind::Withdrawn) or a [`Changed`](crate::NotificationKind::Changed) message;
    /// [`Told::No`] for every other kind.
    pub told: Told,
    /// The worker whom it is for; `None` for a message to a renter, whose number the host's directory knows.
    pub worker: Option<ClaimedWorker>,
    /// When the recipient was last heard on the message's channel, UTC.
    pub heard_at: Option<DateTime<Utc>>,
    /// The recipient's open requests, the newest ten, if the message is
    /// [`Answer::WhichOne`](crate::Answer::WhichOne); otherwise none.
    pub choices: Vec<RequestChoice>,
    /// Whether it is for a renter who opted out of news.
    pub opted_out: bool,
}

/// What a store knows of the worker whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedWorker {
    /// Their number as it stands.
    pub phone_number: PhoneNumber,
    /// Their status as it stands.
    pub status: WorkerStatus,
}

/// Whether a worker was told what a later message builds on: that a request is theirs and not yet that it no longer is.
///
/// For a [`Changed`](crate::NotificationKind::Changed) message it is about the request as it was before the change: an
/// assignment message [says](crate::NotificationRepository::claim) the request as it was when it was taken from the
/// outbox, so one that was taken after the change has told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// An assignment message to them went out, or may have. For a change, none is pending, and none that went out was
    /// taken after the change.
    Yes,
    /// None went out, but one is still pending. For a change, one is pending, whether or not others went out.
    Pending,
    /// None went out and none is pending. For a change also if one that went out was taken after the change.
    No,
}

/// The request for a batch of due notifications. [`choose`](Self::choose) says what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The time now: pending notifications due by then are taken.
    pub now: DateTime<Utc>,
    /// When they come due again if no outcome is recorded.
    pub until: DateTime<Utc>,
    /// The lease to put on them.
    pub lease: LeaseId,
    /// How many at most.
    pub limit: u32,
    /// Takes only messages of this priority and above; all by default.
    pub at_least: Priority,
    /// Takes no message of these channels, which rest; none by default.
    pub resting: Vec<Channel>,
    /// Takes one message at most of each of these channels, which tries whether a rest can end; none by default.
    pub trying: Vec<Channel>,
}

impl Claim {
    /// Takes at most `limit` of what is due `now`, under that lease until then.
    pub fn new(now: DateTime<Utc>, until: DateTime<Utc>, lease: LeaseId, limit: u32) -> Self {
        Self { now, until, lease, limit, at_least: Priority::Low, resting: Vec::new(), trying: Vec::new() }
    }

    /// Which of these messages the claim takes, in order. This is the model that a store's own statement must agree with,
    /// except that it leaves out what another claim holds at that moment.
    ///
    /// Each organisation has its turns within each channel, in which its messages go the most urgent first, and of those
    /// the longest due first. First turns go before second ones; among the same turns the more urgent goes first, and then
    /// the longer due. So nobody's storm makes anybody else's message wait for more than its own turn.
    ///
    /// So that a store needn't read a whole storm, each organisation has at most
    /// `4 × limit / the number of those who have something due` turns, and at least one.
    pub fn choose<'n>(&self, messages: impl IntoIterator<Item = &'n Notification>) -> Vec<&'n Notification> {
        let due = |n: &&Notification| n.status == WhatsAppStatus::Pending && n.due_at <= self.now;
        let wanted = |n: &&Notification| n.priority >= self.at_least && !self.resting.contains(&n.channel);
        let mut due: Vec<_> = messages.into_iter().filter(due).filter(wanted).collect();
        due.sort_by_key(|n| (Reverse(n.priority), n.due_at, n.id));
        let (mut takers, mut turns) = (BTreeMap::<_, u64>::new(), Vec::new());
        for message in due {
            // A channel that is tried has one turn for all.
            let tries = self.trying.contains(&message.channel);
            let turn =
                takers.entry((&message.channel, (!tries).then_some(message.organization_id))).or_default();
            *turn += 1;
            if *turn == 1 || !tries {
                turns.push((*turn, message));
            }
        }
        let takers = u64::try_from(takers.len()).unwrap_or(u64::MAX).max(1);
        let most = (4 * u64::from(self.limit)).div_ceil(takers);
        turns.retain(|(turn, _)| *turn <= most);
        turns.sort_by_key(|(turn, _)| *turn);
        turns.truncate(self.limit as usize);
        turns.into_iter().map(|(_, message)| message).collect()
    }

    /// Whether a claim of that limit which took so many may have left something that is due.
    ///
    /// It has when it is full. It has too when one of p takers had more than its turns, of which it had at least
    /// `4 × limit / p`, while each of the others took one or more: `p - 1 + 4 × limit / p` is at least `4 × √limit - 1`,
    /// whatever p is.
    #[cfg_attr(not(feature = "tokio"), expect(dead_code, reason = "only a dispatcher looks again"))]
    pub(crate) fn may_have_left(limit: u32, taken: usize) -> bool {
        let (limit, taken) = (u64::from(limit), u64::try_from(taken).unwrap_or(u64::MAX));
        taken >= limit || taken.saturating_add(1).saturating_pow(2) >= 16 * limit
    }
}

/// A request to put back what waits for one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deferral {
    /// The recipient.
    pub to: Addressee,
    /// The time now: what is pending and due by then is put back, in the order in which it would be claimed.
    pub now: DateTime<Utc>,
    /// When the first of them comes due.
    pub first: DateTime<Utc>,
    /// How much later each of the others comes due.
    pub every: Duration,
    /// How many at most.
    pub limit: u32,
}

/// What a store did with outcomes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// How many of them counted, as [`Notification::apply_outcome`] says.
    pub counted: usize,
    /// Updates that came by webhook before the send's own answer was recorded, without our id, so that no message
    /// was found for them. It is now: they are to be applied, and the store keeps them until they are.
    pub early: Vec<DeliveryUpdate>,
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::{
        model::notification::NotificationKind,
        values::{NotificationId, OrganizationId, WorkerId},
    };

    fn claim(limit: u32) -> Claim {
        let now = DateTime::UNIX_EPOCH + TimeDelta::hours(1);
        Claim::new(now, now, LeaseId::from_uuid(Uuid::nil()), limit)
    }

    /// Due messages of each organisation, so many.
    fn due(of: &[usize]) -> Vec<Notification> {
        let mut messages = Vec::new();
        for (organization, count) in of.iter().enumerate() {
            for _ in 0..*count {
                let id = NotificationId::from_uuid(Uuid::from_u128(messages.len() as u128));
                let worker = WorkerId::from_uuid(Uuid::nil());
                let (request, at) = (Request::sample(1), DateTime::UNIX_EPOCH);
                let kind = NotificationKind::Assignment;
                let message = Notification::new(id, Channel::DEFAULT, kind, &request, worker, at, at);
                let organization_id = OrganizationId::from_uuid(Uuid::from_u128(organization as u128));
                messages.push(Notification { organization_id, ..message });
            }
        }
        messages
    }

    proptest! {
        #[test]
        fn what_is_left_behind_is_looked_for_at_once(
            of in proptest::collection::vec(1..60_usize, 0..30), limit in 1..120_u32,
        ) {
            let messages = due(&of);
            let taken = claim(limit).choose(&messages).len();
            prop_assert!(taken == messages.len() || Claim::may_have_left(limit, taken), "{taken}");
        }

        #[test]
        fn nobody_has_a_second_turn_before_everybody_had_their_first(
            of in proptest::collection::vec(1..60_usize, 1..30), limit in 1..120_u32,
        ) {
            let messages = due(&of);
            let mut turns = BTreeMap::<_, usize>::new();
            for message in claim(limit).choose(&messages) {
                *turns.entry(message.organization_id).or_default() += 1;
            }
            prop_assert_eq!(turns.len(), of.len().min(limit as usize));
        }
    }

    #[test]
    fn a_claim_of_little_does_not_look_again() {
        assert!(!Claim::may_have_left(100, 0) && !Claim::may_have_left(100, 38));
        assert!(Claim::may_have_left(100, 39) && Claim::may_have_left(100, 100));
        assert!(Claim::may_have_left(1, 1) && !Claim::may_have_left(1, 0));
    }
}
