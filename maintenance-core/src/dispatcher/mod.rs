//! Moves notifications from the outbox to the channel.

mod policy;
mod report;

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
#[cfg(feature = "tokio")]
use futures_util::FutureExt as _;
use futures_util::{StreamExt as _, stream};
use tracing::instrument;

pub use policy::DispatchPolicy;
pub use report::{DispatchReport, Pause, Problem};

use crate::{
    Claim, Claimed, DeliveryError, Error, LeaseId, Maintenance, Message, NextStep, Notification, Notifier,
    NotifyError, RenterContact, RenterId, Repository, SendEffect, SendOutcome, SendRecord, error::Tries,
    maintenance::Shared,
};

/// Sends due notifications. Any number may run side by side, in one process or in many.
pub struct Dispatcher<R, N> {
    repository: R,
    notifier: N,
    shared: Shared,
    policy: DispatchPolicy,
    pause: Mutex<Option<Pause>>,
}

impl<R: Repository + Clone> Maintenance<R> {
    /// A dispatcher over this engine's store and that channel.
    pub fn dispatcher<N: Notifier>(&self, notifier: N, policy: DispatchPolicy) -> Dispatcher<R, N> {
        let (repository, shared) = (self.repository.clone(), self.shared.clone());
        Dispatcher { repository, notifier, shared, policy, pause: Mutex::default() }
    }
}

impl<R: Repository, N: Notifier> Dispatcher<R, N> {
    /// One step: takes a batch of due notifications, sends them with no transaction open, records the
    /// outcomes.
    ///
    /// When it fails or is dropped half-way, what it took is held and comes due again by itself.
    #[instrument(skip_all, err)]
    pub async fn dispatch_due(&self) -> Result<DispatchReport, Error> {
        let mut report = DispatchReport::default();
        let begun = self.shared.now();
        let resting = self.pause().clone();
        if let Some(pause) = resting.as_ref().filter(|pause| pause.until > begun) {
            report.pause = Some(pause.clone());
            return Ok(report);
        }
        // After a rest one message tries the channel before a whole batch does.
        let limit = if resting.is_some() { 1 } else { self.policy.batch };
        let lease = LeaseId::mint(&self.shared.ids);
        let until = later(begun, self.policy.hold);
        let claimed = self.repository.claim(Claim { now: begun, until, lease, limit }).await?;
        report.claimed = claimed.items.len();
        report.corrupt = claimed.corrupt;
        if claimed.items.is_empty() {
            return Ok(report);
        }
        *self.pause() = None;
        let (contacts, unavailable) = match self.contacts(&claimed.items).await {
            Ok(contacts) => (Some(contacts), None),
            Err(error) => (None, Some(error)),
        };
        let contacts = contacts.as_ref();
        let sends = claimed.items.into_iter().map(|claimed| async move {
            let attempt = match contacts {
                _ if claimed.is_moot() => Attempt::Withdrawn,
                Some(contacts) => self.attempt(&claimed, contacts, begun).await,
                None => Attempt::PutBack(later(begun, self.policy.backoff.first)),
            };
            (claimed.notification, attempt, self.shared.now())
        });
        let sends = stream::iter(sends).buffer_unordered(self.policy.concurrency.max(1));
        let attempts: Vec<_> = sends.collect().await;
        let records: Vec<SendRecord> = attempts
            .into_iter()
            .map(|(notification, attempt, at)| self.settle(&mut report, lease, &notification, attempt, at))
            .collect();
        report.fenced = records.len().saturating_sub(self.record(&records).await?);
        report.pause.clone_from(&self.pause());
        unavailable.map_or(Ok(report), Err)
    }

    async fn contacts(&self, claimed: &[Claimed]) -> Result<HashMap<RenterId, RenterContact>, Error> {
        let mut renters: Vec<RenterId> = claimed.iter().map(|claimed| claimed.request.renter_id).collect();
        renters.sort_unstable();
        renters.dedup();
        Ok(self.shared.directory.contacts(&renters).await?)
    }

    /// Sends one message, unless the channel rests or the lease runs out.
    async fn attempt(
        &self,
        claimed: &Claimed,
        contacts: &HashMap<RenterId, RenterContact>,
        begun: DateTime<Utc>,
    ) -> Attempt {
        let now = self.shared.now();
        if let Some(pause) = &*self.pause() {
            return Attempt::PutBack(pause.until);
        }
        if now > later(begun, self.policy.hold / 2) {
            return Attempt::PutBack(now);
        }
        let message = message(claimed, contacts.get(&claimed.request.renter_id).cloned());
        let error = match self.notifier.notify(&message).await {
            Ok(receipt) => return Attempt::Sent(receipt.provider_message_id),
            Err(error) => error,
        };
        let rest = match error.next {
            NextStep::Pause { after, .. } => Some((after, false)),
            NextStep::Stop { .. } => Some((self.policy.probe, true)),
            _ => None,
        };
        if let Some((after, needs_person)) = rest {
            let until = later(self.shared.now(), after);
            let mut pause = self.pause();
            if pause.as_ref().is_none_or(|pause| pause.until < until) {
                *pause = Some(Pause { until, needs_person, error: error.error.clone() });
            }
        }
        Attempt::NotAccepted(error)
    }

    /// Turns an attempt into the record to write, and counts it.
    fn settle(
        &self,
        report: &mut DispatchReport,
        lease: LeaseId,
        notification: &Notification,
        attempt: Attempt,
        at: DateTime<Utc>,
    ) -> SendRecord {
        let (tried, not_tried) = (notification.attempts, notification.attempts.saturating_sub(1));
        let (attempts, outcome) = match attempt {
            Attempt::Sent(provider_message_id) => {
                report.sent += 1;
                (tried, SendOutcome::Sent { provider_message_id })
            }
            Attempt::Withdrawn => {
                report.withdrawn += 1;
                (not_tried, SendOutcome::Failed { error: DeliveryError::withdrawn() })
            }
            Attempt::PutBack(due_at) => {
                report.put_back += 1;
                (not_tried, SendOutcome::Later { due_at, error: None })
            }
            Attempt::NotAccepted(error) => {
                let NotifyError { next, effect, .. } = error;
                tracing::warn!(notification = %notification.id, %error, ?next, %effect, "not accepted");
                let decided = self.after(report, &error, tried, at);
                report.problems.push(Problem { notification_id: notification.id, error });
                decided
            }
        };
        SendRecord { notification_id: notification.id, lease, attempts, at, outcome }
    }

    /// What follows an attempt that was not accepted: the attempts that count, and the outcome.
    fn after(
        &self,
        report: &mut DispatchReport,
        error: &NotifyError,
        tried: u32,
        at: DateTime<Utc>,
    ) -> (u32, SendOutcome) {
        let not_tried = tried.saturating_sub(1);
        let unknown = error.effect == SendEffect::Unknown;
        let (attempts, wait, count) = match error.next {
            NextStep::Wait { after } | NextStep::Pause { after, .. } => {
                (not_tried, after, &mut report.put_back)
            }
            NextStep::Stop { .. } => (not_tried, self.policy.probe, &mut report.put_back),
            NextStep::Retry { after } if tried < self.policy.max_attempts => {
                let wait = after.unwrap_or_else(|| self.policy.backoff.after(tried));
                (tried, wait, if unknown { &mut report.held } else { &mut report.retried })
            }
            NextStep::Retry { .. } | NextStep::GiveUp | NextStep::Fix => {
                report.failed += 1;
                return (tried, SendOutcome::Failed { error: error.error.clone() });
            }
        };
        *count += 1;
        // What may have gone out is held until a webhook had its time.
        let wait = if unknown { wait.max(self.policy.hold) } else { wait };
        (attempts, SendOutcome::Later { due_at: later(at, wait), error: Some(error.error.clone()) })
    }

    async fn record(&self, records: &[SendRecord]) -> Result<usize, Error> {
        let mut tries = Tries::default();
        loop {
            match self.repository.record_outcomes(records).await.map_err(Error::from) {
                Err(error) if tries.again(&error) => {}
                done => return done,
            }
        }
    }

    fn pause(&self) -> MutexGuard<'_, Option<Pause>> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what is due until `until` is done: at once after a submit in this process, and otherwise at
    /// every poll. A step under way is finished first. A step that fails is logged and tried again at the
    /// next poll: the store may be back by then.
    #[cfg(feature = "tokio")]
    pub async fn run(&self, until: impl Future<Output = ()>) {
        let mut until = std::pin::pin!(until);
        loop {
            let step = self.dispatch_due().await;
            if step.is_ok_and(|report| report.claimed > 0 && report.pause.is_none()) {
                // There may be more: go on at once, unless it is time to stop.
                if until.as_mut().now_or_never().is_some() {
                    return;
                }
            } else {
                tokio::select! {
                    () = &mut until => return,
                    () = self.shared.wake.nudged() => {}
                    () = tokio::time::sleep(self.policy.poll) => {}
                }
            }
        }
    }
}

/// What became of one claimed notification.
enum Attempt {
    Sent(String),
    NotAccepted(NotifyError),
    Withdrawn,
    PutBack(DateTime<Utc>),
}

fn message(claimed: &Claimed, renter: Option<RenterContact>) -> Message {
    let Claimed { notification, request, phone_number } = claimed.clone();
    Message {
        notification_id: notification.id,
        kind: notification.kind,
        attempt: notification.attempts,
        to: phone_number,
        request_id: request.id,
        title: request.title,
        description: request.description,
        priority: request.priority,
        location: request.location,
        specialty: request.specialty,
        renter,
    }
}

fn later(at: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    // Nothing here waits for years; the bound keeps an absurd wait from overflowing.
    let most = TimeDelta::days(3_650);
    at.checked_add_signed(TimeDelta::from_std(by).unwrap_or(most).min(most)).unwrap_or(at)
}

impl<R, N> fmt::Debug for Dispatcher<R, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").field("policy", &self.policy).finish_non_exhaustive()
    }
}
