//! The outbox.

use std::{cmp::Reverse, collections::BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use maintenance_core::{
    Answer, Channel, Claim, Claimed, ClaimedWorker, Deferral, DeliveryEffect, DeliveryUpdate, EventKind,
    Listing, Notification, NotificationId, NotificationKind, NotificationRepository, Recorded,
    RepositoryError, RepositoryErrorKind, RequestId, SendOutcome, SendRecord, Told, WhatsAppStatus,
    whole_micros,
};

use crate::{MemoryRepository, store::Rows};

#[async_trait]
impl NotificationRepository for MemoryRepository<'_> {
    async fn claim(&self, claim: &Claim) -> Result<Listing<Claimed>, RepositoryError> {
        let mut rows = self.rows();
        let due: Vec<_> = claim.choose(rows.notifications.values()).iter().map(|n| n.id).collect();
        let items = due.into_iter().filter_map(|id| take(&mut rows, id, claim)).collect();
        Ok(Listing { items, corrupt: Vec::new() })
    }

    async fn defer(&self, deferral: Deferral) -> Result<u64, RepositoryError> {
        let mut rows = self.rows();
        let mut due: Vec<_> = rows
            .notifications
            .values_mut()
            .filter(|n| n.status == WhatsAppStatus::Pending && n.due_at <= deferral.now)
            .filter(|n| n.to == deferral.to)
            .collect();
        due.sort_unstable_by_key(|n| (Reverse(n.priority), n.due_at, n.id));
        due.truncate(deferral.limit as usize);
        let mut place = 0;
        let every = TimeDelta::from_std(deferral.every).unwrap_or_default();
        for notification in due {
            notification.due_at = deferral.first + every * place;
            place += 1;
        }
        Ok(u64::try_from(place).unwrap_or_default())
    }

    async fn record_outcomes(&self, records: &[SendRecord]) -> Result<Recorded, RepositoryError> {
        let mut rows = self.rows();
        if rows.outcomes_fail {
            return Err(RepositoryError::with_source(RepositoryErrorKind::Unavailable, "set to fail"));
        }
        let mut recorded = Recorded::default();
        for record in records {
            let Some(notification) = rows.notifications.get_mut(&record.notification_id) else { continue };
            let (request, organization) = (notification.request_id, notification.organization_id);
            let was = notification.status;
            let counted = notification.apply_outcome(record);
            recorded.counted += usize::from(counted);
            let kind = match &record.outcome {
                SendOutcome::Sent { .. } => Some(EventKind::Told),
                SendOutcome::Failed { .. } if counted && was == WhatsAppStatus::Pending => {
                    Some(EventKind::Failed)
                }
                SendOutcome::Later { .. } | SendOutcome::Failed { .. } => None,
            };
            if let SendOutcome::Sent { provider_message_id } = &record.outcome {
                let sent = (notification.channel.clone(), provider_message_id.clone());
                let early = rows.early.iter().map(|(_, update)| update);
                recorded.early.extend(early.filter(|update| name(update) == sent).cloned());
                rows.sends.entry(sent).or_insert(record.notification_id);
            }
            if let Some(kind) = kind {
                rows.journal.happened(kind, organization, request, record.notification_id, record.at);
            }
            rows.mirror(request);
        }
        Ok(recorded)
    }

    async fn record_deliveries(
        &self,
        updates: &[DeliveryUpdate],
        now: DateTime<Utc>,
    ) -> Result<Vec<DeliveryEffect>, RepositoryError> {
        let mut rows = self.rows();
        let mut moved: BTreeSet<RequestId> = BTreeSet::new();
        let mut effects = Vec::with_capacity(updates.len());
        for update in updates {
            let found = find(&rows, update);
            let known = found.and_then(|id| rows.notifications.get_mut(&id));
            let Some(notification) = known else {
                if !rows.early.iter().any(|(_, kept)| is_same_news(kept, update)) {
                    rows.early.push((now, update.clone()));
                }
                effects.push(DeliveryEffect::Unknown);
                continue;
            };
            notification.apply_delivery(update);
            let (notification_id, request_id) = (notification.id, notification.request_id);
            let organization = notification.organization_id;
            let kind = EventKind::from(update.event);
            rows.journal.happened(kind, organization, request_id, notification_id, now);
            moved.insert(request_id);
            rows.sends.entry(name(update)).or_insert(notification_id);
            rows.early.retain(|(_, kept)| !is_same_news(kept, update));
            effects.push(DeliveryEffect::Known { notification_id, request_id });
        }
        for request in moved {
            rows.mirror(request);
        }
        Ok(effects)
    }

    async fn notification(&self, id: NotificationId) -> Result<Option<Notification>, RepositoryError> {
        let rows = self.rows();
        let Some(notification) = rows.notifications.get(&id).cloned() else { return Ok(None) };
        let request = rows.requests.get(&notification.request_id);
        let priority = request.map_or(notification.priority, |request| request.priority);
        Ok(Some(Notification { priority, ..notification }))
    }

    async fn file_again(
        &self,
        failed: NotificationId,
        again: &Notification,
    ) -> Result<bool, RepositoryError> {
        let mut rows = self.rows();
        if matches!(again.kind, NotificationKind::Answer | NotificationKind::News) {
            let failed = rows.notifications.get(&failed).filter(|n| n.status == WhatsAppStatus::Failed);
            let is_due =
                failed.is_some_and(|n| n.kind == NotificationKind::Answer || is_newest_of_its_kind(&rows, n));
            let files = is_due && !rows.notifications.contains_key(&again.id);
            rows.add_notification(Some(again).filter(|_| files));
            return Ok(files);
        }
        let Some(request) = rows.requests.get(&again.request_id) else { return Ok(false) };
        let theirs = request.status.is_open() && request.assigned_worker_id == again.to.worker();
        let newest = rows.newest(request.id);
        let is_newest = newest.is_some_and(|n| n.id == failed && n.status == WhatsAppStatus::Failed);
        if !theirs || !is_newest || rows.check_recipient(Some(again)).is_err() {
            return Ok(false);
        }
        rows.add_notification(Some(again));
        rows.mirror(again.request_id);
        Ok(true)
    }

    async fn catch_up(&self, forget_before: DateTime<Utc>) -> Result<Vec<DeliveryUpdate>, RepositoryError> {
        let mut rows = self.rows();
        rows.early.retain(|(received, _)| *received >= forget_before);
        let known = rows.early.iter().filter(|(_, update)| rows.sends.contains_key(&name(update)));
        Ok(known.map(|(_, update)| update.clone()).collect())
    }

    async fn time(&self) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        let clock = self.rows().clock.clone();
        Ok(clock.map(|clock| whole_micros(clock.now())))
    }
}

fn take(rows: &mut Rows, id: NotificationId, claim: &Claim) -> Option<Claimed> {
    let notification = rows.notifications.get_mut(&id)?;
    notification.lease = Some(claim.lease);
    notification.due_at = claim.until;
    notification.claims += 1;
    let notification = notification.clone();
    let request = rows.requests.get(&notification.request_id)?.clone();
    let worker = notification.to.worker();
    let claimed_worker = worker
        .and_then(|worker| rows.workers.get(&worker))
        .map(|worker| ClaimedWorker { phone_number: worker.phone_number.clone(), status: worker.status });
    let (is_newest, told) = match notification.kind {
        NotificationKind::Withdrawn => {
            (is_newest_of_its_kind(rows, &notification), told(rows, &notification))
        }
        NotificationKind::Changed => {
            (is_newest_of_its_kind(rows, &notification), told_before(rows, &notification))
        }
        NotificationKind::News => (is_newest_of_its_kind(rows, &notification), Told::No),
        _ => (rows.newest(request.id).is_some_and(|newest| newest.id == id), Told::No),
    };
    rows.content_at.insert(id, request.updated_at);
    let renter = notification.to.renter().map(|renter| (notification.organization_id, renter));
    let channel = notification.channel.clone();
    let known = match (worker, renter) {
        (Some(worker), _) => rows.known.get(&(worker, channel)),
        (None, Some(renter)) => rows.known_renters.get(&(renter, channel)).map(|(_, known)| known),
        (None, None) => None,
    };
    let heard_at = known.and_then(|known| known.heard_at);
    let opted_out = renter.is_some_and(|renter| rows.opt_outs.contains_key(&renter));
    let asks = notification.answer == Some(Answer::WhichOne);
    let choices = worker.filter(|_| asks).map(|worker| rows.choices(worker)).unwrap_or_default();
    let worker = claimed_worker;
    Some(Claimed { notification, request, is_newest, told, worker, heard_at, choices, opted_out })
}

/// Whether no newer message of that kind about the request is for the same recipient.
fn is_newest_of_its_kind(rows: &Rows, of: &Notification) -> bool {
    let mut newest_last = rows.notifications_of(of.request_id).into_iter();
    let newest = newest_last.rfind(|n| n.kind == of.kind && n.to == of.to);
    newest.is_some_and(|newest| newest.id == of.id)
}

/// Whether an assignment message about the request reached the recipient of this one, and no message that took it
/// back since then.
fn told(rows: &Rows, of: &Notification) -> Told {
    let mut theirs = rows.notifications_of(of.request_id);
    theirs.retain(|n| n.to == of.to && n.id != of.id);
    let taken_back = |n: &&Notification| n.kind == NotificationKind::Withdrawn && may_have_gone_out(n);
    let since = theirs.iter().rposition(taken_back).map_or(0, |at| at + 1);
    let assignments = theirs.split_off(since).into_iter().filter(|n| n.kind == NotificationKind::Assignment);
    let mut told = Told::No;
    for assignment in assignments {
        if may_have_gone_out(assignment) {
            return Told::Yes;
        }
        if assignment.status == WhatsAppStatus::Pending {
            told = Told::Pending;
        }
    }
    told
}

/// Whether the recipient was told of the request as it was before the change that this message tells of.
fn told_before(rows: &Rows, of: &Notification) -> Told {
    let mut assignments = rows.notifications_of(of.request_id);
    assignments.retain(|n| n.to == of.to && n.kind == NotificationKind::Assignment);
    let is_after = |n: &Notification| rows.content_at.get(&n.id).is_some_and(|at| *at >= of.created_at);
    if assignments.iter().any(|n| n.status == WhatsAppStatus::Pending) {
        Told::Pending
    } else if assignments.iter().any(|n| may_have_gone_out(n) && is_after(n)) {
        Told::No
    } else {
        told(rows, of)
    }
}

fn may_have_gone_out(notification: &Notification) -> bool {
    match notification.status {
        WhatsAppStatus::Sent | WhatsAppStatus::Delivered | WhatsAppStatus::Read => true,
        WhatsAppStatus::Pending | WhatsAppStatus::Failed => notification.attempts > 0,
    }
}

/// Whether two updates tell the same, with our id or without it.
fn is_same_news(one: &DeliveryUpdate, other: &DeliveryUpdate) -> bool {
    let key = |update: &DeliveryUpdate| (name(update), update.event, update.at);
    key(one) == key(other)
}

/// The provider's id of an update's message, which is its channel's.
fn name(update: &DeliveryUpdate) -> (Channel, String) {
    (update.channel.clone(), update.provider_message_id.clone())
}

/// The notification of an update among its channel's: by our id, or else by the provider's.
fn find(rows: &Rows, update: &DeliveryUpdate) -> Option<NotificationId> {
    let ours = update.notification_id.and_then(|id| rows.notifications.get(&id));
    let ours = ours.filter(|n| n.channel == update.channel).map(|n| n.id);
    ours.or_else(|| rows.sends.get(&name(update)).copied())
}
