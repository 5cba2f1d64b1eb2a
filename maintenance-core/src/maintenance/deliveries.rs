//! What webhooks tell of messages.

use std::time::Duration;

use tracing::instrument;

use super::{Maintenance, Shared};
use crate::{
    maintenance::{Error, tries::Tries},
    model::{DeliveryEffect, DeliveryError, DeliveryEvent, DeliveryUpdate, NextStep, Scope, WhatsAppStatus},
    ports::Repository,
    values::{Backoff, NotificationId, time::later},
};

/// How long a message that a webhook told had failed waits before it goes out again, by its attempts.
const AGAIN: Backoff = Backoff { first: Duration::from_mins(1), ceiling: Duration::from_hours(1) };
/// How often what was stopped by a webhook is probed.
const PROBE: Duration = Duration::from_mins(1);

impl<R: Repository> Maintenance<R> {
    /// Applies what webhooks tell of messages, in one step for all; returns what each did, in order. Idempotent and
    /// independent of order, so a webhook may simply be delivered again after an error.
    ///
    /// An update is about messages of its own channel alone, whichever id it names: who can speak for one number can't
    /// move another's messages.
    ///
    /// A failure that is about us, or that passes, is acted on as at sending: the channel rests, and the message is filed
    /// anew if it is still the newest of an open request.
    ///
    /// A channel's webhook calls it (`webhook::router` of `maintenance-whatsapp` does); a host with a channel of its own
    /// does the same.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when the store fails: answer the webhook with an error, so that it is delivered again.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, at: chrono::DateTime<chrono::Utc>) -> Result<(), Error> {
    /// let delivered = DeliveryUpdate {
    ///     channel: Channel::DEFAULT,
    ///     notification_id: None,
    ///     provider_message_id: "wamid.HBgL".into(),
    ///     event: DeliveryEvent::Delivered,
    ///     at,
    ///     error: None,
    ///     next: None,
    /// };
    /// maintenance.record_deliveries(&[delivered]).await?;
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, fields(updates = updates.len()), err(level = "debug"))]
    pub async fn record_deliveries(&self, updates: &[DeliveryUpdate]) -> Result<Vec<DeliveryEffect>, Error> {
        apply_deliveries(&self.repository, &self.shared, updates).await
    }
}

/// Applies updates, and files anew what failed for a reason that isn't the message's own.
pub(crate) async fn apply_deliveries<R: Repository>(
    repository: &R,
    shared: &Shared,
    updates: &[DeliveryUpdate],
) -> Result<Vec<DeliveryEffect>, Error> {
    let mut tries = Tries::default();
    let effects = loop {
        match repository.record_deliveries(updates, shared.now()).await.map_err(Error::from) {
            Err(error) if tries.again(&error) => {}
            done => break done?,
        }
    };
    for (update, effect) in updates.iter().zip(&effects) {
        let DeliveryEffect::Known { notification_id, .. } = *effect else { continue };
        let failed = update.event == DeliveryEvent::Failed;
        if let Some(wait) = update.next.filter(|_| failed).and_then(|next| rest(shared, next, update)) {
            file_again(repository, shared, notification_id, wait).await?;
        }
    }
    Ok(effects)
}

/// Rests what the failure is about; how long the message is to wait, or `None` when it stays failed.
fn rest(shared: &Shared, next: NextStep, update: &DeliveryUpdate) -> Option<Duration> {
    let (after, needs_person) = match next {
        NextStep::Retry { after } => return Some(after.unwrap_or_default()),
        NextStep::Wait { after } | NextStep::WaitForRecipient { after, .. } => return Some(after),
        NextStep::Pause { after, .. } => (after, false),
        NextStep::Stop { .. } => (PROBE, true),
        NextStep::GiveUp | NextStep::Fix => return None,
    };
    // A webhook names no template, so what is about one waits and is found out by its next send.
    if matches!(next, NextStep::Pause { scope, .. } | NextStep::Stop { scope } if scope == Scope::Channel) {
        let unnamed = || DeliveryError::new("webhook", "a webhook told of a failure without its reason");
        let error = update.error.clone().unwrap_or_else(unnamed);
        // Repeats and old news rest nothing: only what was told within the time that the rest would take.
        let age = (shared.now() - update.at).to_std().unwrap_or_default();
        if age < after.max(PROBE) {
            shared.rests.rest(&update.channel, None, after, needs_person, &error, shared.clock.monotonic());
        }
    }
    Some(after)
}

/// Files a failed message anew, unless it isn't the newest of an open request any more.
async fn file_again<R: Repository>(
    repository: &R,
    shared: &Shared,
    failed: NotificationId,
    wait: Duration,
) -> Result<(), Error> {
    let Some(old) = repository.notification(failed).await? else { return Ok(()) };
    if old.status != WhatsAppStatus::Failed {
        return Ok(());
    }
    let now = shared.now();
    let due = later(now, wait.max(AGAIN.after(old.attempts)));
    let again = old.again(old.next_id(&shared.ids), now, due);
    let mut tries = Tries::default();
    loop {
        match repository.file_again(failed, &again).await.map_err(Error::from) {
            Ok(true) => {
                tracing::info!(request = %old.request_id, notification = %failed, "filed anew after a failure told by webhook");
                return Ok(());
            }
            Ok(false) => return Ok(()),
            Err(error) if tries.again(&error) => {}
            Err(error) => return Err(error),
        }
    }
}
