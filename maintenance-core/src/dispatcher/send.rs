//! One send: what is to be done with a claimed message, the attempt, and what follows from it.

use std::panic::AssertUnwindSafe;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout};

use super::{
    DispatchPolicy, DispatchReport, Dispatcher, Problem,
    surroundings::{Around, names_renter},
};
use crate::{
    model::{
        Action, Addressee, Claimed, Content, DeliveryError, NextStep, NotificationKind, Outgoing, Priority,
        Recipient, Scope, SendOutcome, SendRecord,
    },
    ports::{Notifier, NotifyError, Repository, SendEffect},
    rules::Turn,
    values::{LeaseId, PhoneNumber, time::later},
};

/// A claimed message whose turn comes when a slot is free.
pub(super) struct Ready {
    pub(super) claimed: Claimed,
    pub(super) around: Around,
    pub(super) lease: LeaseId,
    /// The last moment to begin: later the outcome might come after the lease.
    pub(super) begin_by: Instant,
}

impl Ready {
    /// Whether it may use the slots kept for emergencies.
    pub(super) fn is_urgent(&self) -> bool {
        self.claimed.notification.priority == Priority::Emergency
    }
}

/// What became of a claimed message.
pub(super) struct Ended {
    pub(super) claimed: Claimed,
    pub(super) lease: LeaseId,
    pub(super) attempt: Attempt,
    pub(super) at: DateTime<Utc>,
    /// The renter's number, if the message went to one: the store keeps it, so that their answer is known as theirs.
    pub(super) reached: Option<PhoneNumber>,
}

pub(super) enum Attempt {
    /// The channel accepted it.
    Sent(String),
    /// The channel did not.
    NotAccepted(NotifyError),
    /// Not sent, since what it says isn't so any more, or since its renter opted out.
    Withdrawn(DeliveryError),
    /// Not sent, since it was tried for too long or taken too often, or since its recipient has no number.
    GivenUp(DeliveryError),
    /// Nothing was tried: it comes due again at that time.
    PutBack(DateTime<Utc>),
}

impl<R: Repository, N: Notifier> Dispatcher<R, N> {
    /// Sends one message, unless it is moot, too old or taken too often, or what it needs rests.
    pub(super) async fn send(&self, ready: Ready) -> Ended {
        let Ready { claimed, around, lease, begin_by } = ready;
        let to = recipient(&claimed, &around);
        let renters_number = match &to {
            Some(Recipient::Renter { phone_number, .. }) => Some(phone_number.clone()),
            _ => None,
        };
        let attempt = match (self.before(&claimed, begin_by), to) {
            (Some(attempt), _) => attempt,
            (None, Some(to)) => self.attempt(&outgoing(&claimed, to, around), &claimed).await,
            (None, None) => self.without_number(&claimed, &around),
        };
        let reached = renters_number.filter(|_| matches!(attempt, Attempt::Sent(_)));
        Ended { claimed, lease, attempt, at: self.shared.now(), reached }
    }

    /// What decides about a message before any attempt.
    fn before(&self, claimed: &Claimed, begin_by: Instant) -> Option<Attempt> {
        let now = self.shared.now();
        let notification = &claimed.notification;
        let soon = later(now, self.policy.backoff.first);
        match Turn::of(claimed) {
            Turn::Withdraw(error) => return Some(Attempt::Withdrawn(error)),
            Turn::Wait => return Some(Attempt::PutBack(soon)),
            Turn::Send => {}
        }
        if notification.claims > self.policy.max_claims {
            return Some(Attempt::GivenUp(DeliveryError::new(
                "no_outcome",
                format!("taken {} times without an outcome that could be recorded", self.policy.max_claims),
            )));
        }
        let patience = self.policy.give_up_after.of(notification.priority);
        if notification.attempts > 0 && later(notification.since, patience) <= now {
            let newest = notification.error.clone();
            let tried = || DeliveryError::new("given_up", "tried for too long without success");
            return Some(Attempt::GivenUp(newest.unwrap_or_else(tried)));
        }
        if Instant::now() > begin_by {
            return Some(Attempt::PutBack(now));
        }
        let place = self.recipients.place(claimed, self.shared.clock.monotonic());
        place.map(|wait| Attempt::PutBack(later(now, wait)))
    }

    /// What becomes of a message whose recipient has no number that is known. While the directory fails it waits.
    fn without_number(&self, claimed: &Claimed, around: &Around) -> Attempt {
        let now = self.shared.now();
        let patience = self.policy.give_up_after.of(claimed.notification.priority);
        if around.renter_may_be_known && later(claimed.notification.since, patience) > now {
            return Attempt::PutBack(later(now, self.policy.backoff.first));
        }
        let text = "the directory knows no number of the recipient";
        Attempt::GivenUp(DeliveryError::new(DeliveryError::NO_NUMBER, text))
    }

    async fn attempt(&self, message: &Outgoing, claimed: &Claimed) -> Attempt {
        let template = self.notifier.template(message);
        let (channel, template) = (&message.channel, template.as_ref());
        let (rests, clock) = (&self.shared.rests, &self.shared.clock);
        if let Err(wait) = rests.begin(channel, template, clock.monotonic()) {
            return Attempt::PutBack(later(self.shared.now(), wait));
        }
        let sending = AssertUnwindSafe(self.notifier.notify(message)).catch_unwind();
        let unknown = |code: &str, text: &str| NotifyError {
            next: NextStep::Retry { after: None },
            effect: SendEffect::Unknown,
            error: DeliveryError::new(code, text),
        };
        let answer = match timeout(self.policy.send_limit, sending).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(unknown("panic", "the notifier panicked")),
            Err(_) => Err(unknown("timeout", "the notifier did not answer within the send limit")),
        };
        let error = match answer {
            Ok(receipt) => {
                rests.accepted(channel, template);
                return Attempt::Sent(receipt.provider_message_id);
            }
            Err(error) => error,
        };
        let now = clock.monotonic();
        let rest = |scope: Scope, after, needs_person| {
            // A template that has no name can't be told from others: then the whole channel rests.
            let scope = template.filter(|_| scope == Scope::Template).cloned();
            rests.rest(channel, scope, after, needs_person, &error.error, now);
        };
        match error.next {
            NextStep::Pause { scope, after } => rest(scope, after, false),
            NextStep::Stop { scope } => rest(scope, self.policy.probe, true),
            NextStep::Retry { after: None } => rests.passing(channel, template, &error.error, now),
            NextStep::WaitForRecipient { after, every } => {
                rests.untried(channel, template);
                let wait = self.recipients.rest(claimed, after, every, now);
                return Attempt::PutBack(later(self.shared.now(), wait));
            }
            NextStep::Wait { .. } => rests.untried(channel, template),
            NextStep::Retry { after: Some(_) } | NextStep::GiveUp | NextStep::Fix => {
                rests.judged(channel, template);
            }
        }
        Attempt::NotAccepted(error)
    }
}

impl Ended {
    /// The record to write, counted in the report.
    pub(super) fn settle(self, policy: &DispatchPolicy, report: &mut DispatchReport) -> SendRecord {
        let Self { claimed, lease, attempt, at, reached: _ } = self;
        let notification = claimed.notification;
        let (not_tried, tried) = (notification.attempts, notification.attempts.saturating_add(1));
        let (attempts, outcome) = match attempt {
            Attempt::Sent(provider_message_id) => {
                report.sent += 1;
                (tried, SendOutcome::Sent { provider_message_id })
            }
            Attempt::Withdrawn(error) => {
                report.withdrawn += 1;
                (not_tried, SendOutcome::Failed { error })
            }
            Attempt::GivenUp(error) => {
                report.failed += 1;
                tracing::warn!(notification = %notification.id, %error, "given up");
                (not_tried, SendOutcome::Failed { error })
            }
            Attempt::PutBack(due_at) => {
                report.put_back += 1;
                (not_tried, SendOutcome::Later { due_at, error: None })
            }
            Attempt::NotAccepted(error) => {
                let NotifyError { next, effect, .. } = error;
                tracing::warn!(notification = %notification.id, %error, ?next, %effect, "not accepted");
                let decided = after(policy, report, &error, not_tried, at);
                report.problems.push(Problem { notification_id: notification.id, error });
                decided
            }
        };
        SendRecord { notification_id: notification.id, lease, attempts, at, outcome }
    }
}

/// What follows an attempt that was not accepted: the attempts that count, and the outcome.
fn after(
    policy: &DispatchPolicy,
    report: &mut DispatchReport,
    error: &NotifyError,
    not_tried: u32,
    at: DateTime<Utc>,
) -> (u32, SendOutcome) {
    let unknown = error.effect == SendEffect::Unknown;
    let tried = not_tried.saturating_add(1);
    let (attempts, wait, count) = match error.next {
        NextStep::Wait { after }
        | NextStep::WaitForRecipient { after, .. }
        | NextStep::Pause { after, .. } => (not_tried, after, &mut report.put_back),
        NextStep::Stop { .. } => (not_tried, policy.probe, &mut report.put_back),
        NextStep::Retry { after } => {
            let wait = after.unwrap_or_else(|| policy.backoff.after(tried));
            (tried, wait, if unknown { &mut report.held } else { &mut report.retried })
        }
        NextStep::GiveUp | NextStep::Fix => {
            report.failed += 1;
            return (tried, SendOutcome::Failed { error: error.error.clone() });
        }
    };
    *count += 1;
    // What may have gone out is held until a webhook had its time.
    let wait = if unknown { wait.max(policy.hold_after(tried)) } else { wait };
    (attempts, SendOutcome::Later { due_at: later(at, wait), error: Some(error.error.clone()) })
}

/// How long a conversation stays open after its other side was heard. Ten minutes of the day are left out, since a message
/// takes a while to reach the provider.
const CONVERSATION: TimeDelta = TimeDelta::minutes(24 * 60 - 10);

/// Who gets the message; `None` when no number of theirs is known.
fn recipient(claimed: &Claimed, around: &Around) -> Option<Recipient> {
    match claimed.notification.to {
        Addressee::Worker(id) => {
            let phone_number = claimed.worker.as_ref()?.phone_number.clone();
            Some(Recipient::Worker { id, phone_number })
        }
        Addressee::Renter(id) => {
            let phone_number = around.renter.as_ref()?.phone_number.clone()?;
            Some(Recipient::Renter { id, phone_number })
        }
    }
}

fn outgoing(claimed: &Claimed, to: Recipient, around: Around) -> Outgoing {
    let names_renter = names_renter(claimed);
    let Claimed { notification, request, heard_at, choices, .. } = claimed.clone();
    let offers: &[Action] = match (notification.kind, notification.answer) {
        (NotificationKind::Assignment, _) => &[Action::Accept, Action::Decline],
        (NotificationKind::Answer, Some(answer))
            if request.assigned_worker_id.is_some_and(|worker| notification.to == worker.into()) =>
        {
            answer.offers(request.status)
        }
        _ => &[],
    };
    let content = Content::new(
        request.id,
        request.title,
        request.description,
        request.priority,
        request.location,
        request.specialty,
    );
    let content = content.number(request.number).hold(request.hold).place(around.place);
    let content = content.renter(around.renter.filter(|_| names_renter));
    Outgoing::new(notification.id, notification.kind, to, content)
        .organization(notification.organization_id)
        .channel(notification.channel)
        .attempt(notification.attempts.saturating_add(1))
        .answer(notification.answer, choices)
        .news(notification.news)
        .offers(offers)
        .language(around.language)
        .open_until(heard_at.map(|at| at + CONVERSATION))
        .after(notification.error)
}
