//! Messages from phones, and who was heard on which channel.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    Channel, InboundClaim, InboundRepository, InboundSettlement, KeptInbound, Listing, Notification,
    NotificationId, OrganizationId, PhoneNumber, RepositoryError, RequestChoice, RequestId, Sender, Worker,
    WorkerId,
};

use crate::{MemoryRepository, store::Rows};

/// What is known of a worker on a channel.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Known {
    wa_id: Option<String>,
    user_id: Option<String>,
    pub(crate) heard_at: Option<DateTime<Utc>>,
}

impl Known {
    fn learn(&mut self, sender: &Sender) {
        self.wa_id = sender.wa_id.clone().or(self.wa_id.take());
        self.user_id = sender.user_id.clone().or(self.user_id.take());
    }

    fn is(&self, sender: &Sender) -> bool {
        let same = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
        same(&self.wa_id, &sender.wa_id) || same(&self.user_id, &sender.user_id)
    }
}

#[async_trait]
impl InboundRepository for MemoryRepository<'_> {
    async fn keep_inbound(&self, messages: &[KeptInbound]) -> Result<u64, RepositoryError> {
        let mut rows = self.rows();
        let before = rows.inbound.len();
        for kept in messages {
            let key = (kept.message.channel.clone(), kept.message.provider_message_id.clone());
            rows.inbound.entry(key).or_insert_with(|| kept.clone());
        }
        Ok((rows.inbound.len() - before) as u64)
    }

    async fn claim_inbound(&self, claim: &InboundClaim) -> Result<Listing<KeptInbound>, RepositoryError> {
        let mut rows = self.rows();
        let chosen: Vec<_> = claim.choose(rows.inbound.values()).iter().map(|kept| kept.id).collect();
        let take = |id| {
            let rows = &mut rows.inbound;
            let (key, kept) = rows.iter_mut().find(|(_, kept)| kept.id == id)?;
            (kept.lease, kept.due_at) = (Some(claim.lease), claim.until);
            kept.claims += 1;
            let (key, mut kept) = (key.clone(), kept.clone());
            kept.sender_was_asked = rows.iter().any(|(other, waits)| {
                *other != key
                    && waits.applied.is_none()
                    && waits.asked_at.is_some()
                    && waits.due_at > claim.now
                    && waits.message.channel == kept.message.channel
                    && waits.message.from.key() == kept.message.from.key()
            });
            Some(kept)
        };
        Ok(Listing { items: chosen.into_iter().filter_map(take).collect(), corrupt: Vec::new() })
    }

    async fn settle_inbound(&self, settlement: &InboundSettlement) -> Result<bool, RepositoryError> {
        Ok(self.rows().settle(settlement))
    }

    async fn release_inbound(
        &self,
        channel: &Channel,
        from: &Sender,
        about: (OrganizationId, RequestId),
        now: DateTime<Utc>,
    ) -> Result<u64, RepositoryError> {
        let mut rows = self.rows();
        let mut released = 0;
        for kept in rows.inbound.values_mut() {
            let waits = kept.applied.is_none() && kept.lease.is_none() && kept.asked_at.is_some();
            if waits && kept.message.channel == *channel && kept.message.from.key() == from.key() {
                (kept.about, kept.due_at) = (Some(about), now);
                released += 1;
            }
        }
        Ok(released)
    }

    async fn sent_message(
        &self,
        channel: &Channel,
        provider_message_id: &str,
    ) -> Result<Option<Notification>, RepositoryError> {
        let rows = self.rows();
        let id = rows.sends.get(&(channel.clone(), provider_message_id.to_owned()));
        Ok(id.and_then(|id| rows.notifications.get(id)).cloned())
    }

    async fn workers_of_sender(
        &self,
        channel: &Channel,
        from: &Sender,
        numbers: &[PhoneNumber],
    ) -> Result<Listing<Worker>, RepositoryError> {
        let rows = self.rows();
        let is_known = |worker: &Worker| {
            let known = rows.known.get(&(worker.id, channel.clone()));
            numbers.contains(&worker.phone_number) || known.is_some_and(|known| known.is(from))
        };
        let items = rows.workers.values().filter(|worker| is_known(worker)).cloned().collect();
        Ok(Listing { items, corrupt: Vec::new() })
    }

    async fn heard(
        &self,
        worker: WorkerId,
        channel: &Channel,
        from: &Sender,
        at: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        let mut rows = self.rows();
        let known = rows.known.entry((worker, channel.clone())).or_default();
        known.learn(from);
        known.heard_at = known.heard_at.max(Some(at));
        Ok(())
    }

    async fn reached(&self, reached: &[(NotificationId, Sender)]) -> Result<(), RepositoryError> {
        let mut rows = self.rows();
        for (id, sender) in reached {
            let Some(message) = rows.notifications.get(id) else { continue };
            let Some(worker) = message.to.worker() else { continue };
            let key = (worker, message.channel.clone());
            rows.known.entry(key).or_default().learn(sender);
        }
        Ok(())
    }
}

impl Rows {
    /// Whether the settlement would count.
    pub(crate) fn can_settle(&self, settlement: &InboundSettlement) -> bool {
        let kept = self.inbound.values().find(|kept| kept.id == settlement.id);
        kept.is_some_and(|kept| kept.clone().settle(settlement))
    }

    /// Settles a message and files its answer; whether it counted.
    pub(crate) fn settle(&mut self, settlement: &InboundSettlement) -> bool {
        let kept = self.inbound.values_mut().find(|kept| kept.id == settlement.id);
        let counted = kept.is_some_and(|kept| kept.settle(settlement));
        if counted {
            self.add_notification(settlement.answer.as_ref());
        }
        counted
    }

    /// A worker's open requests, the newest ten.
    pub(crate) fn choices(&self, worker: WorkerId) -> Vec<RequestChoice> {
        let mut open: Vec<_> = self
            .requests
            .values()
            .filter(|request| request.status.is_open() && request.assigned_worker_id == Some(worker))
            .collect();
        open.sort_by_key(|request| std::cmp::Reverse((request.created_at, request.id)));
        let choice = |request: &&maintenance_core::Request| RequestChoice {
            id: request.id,
            number: request.number,
            title: request.title.clone(),
        };
        open.iter().take(10).map(choice).collect()
    }
}
