//! The outbox.

use std::collections::BTreeSet;

use async_trait::async_trait;
use maintenance_core::{
    Claim, Claimed, DeliveryEffect, DeliveryUpdate, Listing, NotificationId, NotificationRepository,
    RepositoryError, RequestId, SendRecord, WhatsAppStatus,
};

use crate::{MemoryRepository, store::Rows};

#[async_trait]
impl NotificationRepository for MemoryRepository {
    async fn claim(&self, claim: Claim) -> Result<Listing<Claimed>, RepositoryError> {
        let mut rows = self.rows();
        let mut due: Vec<_> = rows
            .notifications
            .values()
            .filter(|n| n.status == WhatsAppStatus::Pending && n.due_at <= claim.now)
            .map(|notification| (notification.due_at, notification.id))
            .collect();
        due.sort_unstable();
        due.truncate(claim.limit as usize);
        let items = due.into_iter().filter_map(|(_, id)| take(&mut rows, id, claim)).collect();
        Ok(Listing { items, corrupt: Vec::new() })
    }

    async fn record_outcomes(&self, records: &[SendRecord]) -> Result<usize, RepositoryError> {
        let mut rows = self.rows();
        let mut moved = Vec::new();
        for record in records {
            let notification = rows.notifications.get_mut(&record.notification_id);
            if let Some(notification) =
                notification.filter(|notification| notification.lease == Some(record.lease))
            {
                notification.record(record);
                moved.push(notification.request_id);
            }
        }
        for request in &moved {
            rows.mirror(*request);
        }
        Ok(moved.len())
    }

    async fn record_deliveries(
        &self,
        updates: &[DeliveryUpdate],
    ) -> Result<Vec<DeliveryEffect>, RepositoryError> {
        let mut rows = self.rows();
        let mut moved: BTreeSet<RequestId> = BTreeSet::new();
        let mut effects = Vec::with_capacity(updates.len());
        for update in updates {
            let known = find(&rows, update).and_then(|id| rows.notifications.get_mut(&id));
            effects.push(match known {
                Some(notification) => {
                    notification.learn(update);
                    moved.insert(notification.request_id);
                    DeliveryEffect::Known
                }
                None => DeliveryEffect::Unknown,
            });
        }
        for request in moved {
            rows.mirror(request);
        }
        Ok(effects)
    }
}

fn take(rows: &mut Rows, id: NotificationId, claim: Claim) -> Option<Claimed> {
    let notification = rows.notifications.get_mut(&id)?;
    notification.lease = Some(claim.lease);
    notification.due_at = claim.until;
    notification.attempts += 1;
    let notification = notification.clone();
    let request = rows.requests.get(&notification.request_id)?.clone();
    let phone_number = rows.workers.get(&notification.worker_id)?.phone_number.clone();
    Some(Claimed { notification, request, phone_number })
}

/// The notification of an update: by our id, or else by the provider's.
fn find(rows: &Rows, update: &DeliveryUpdate) -> Option<NotificationId> {
    let ours = update.notification_id.filter(|id| rows.notifications.contains_key(id));
    ours.or_else(|| {
        let theirs = Some(&update.provider_message_id);
        rows.notifications.values().find(|n| n.provider_message_id.as_ref() == theirs).map(|n| n.id)
    })
}
