//! Messages from phones, and who was heard on which channel.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    Addressee, Channel, InboundClaim, InboundRepository, InboundSettlement, KeptInbound, KnownRenter,
    Listing, Notification, NotificationId, OptOut, OrganizationId, PhoneNumber, RenterId, RepositoryError,
    RequestChoice, RequestId, Sender, Worker, WorkerId,
};

use crate::{MemoryRepository, store::Rows};

/// A renter of an organisation.
pub(crate) type RenterOf = (OrganizationId, RenterId);

/// What is known of a worker or a renter on a channel.
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

    fn hear(&mut self, sender: &Sender, at: DateTime<Utc>) {
        self.learn(sender);
        self.heard_at = self.heard_at.max(Some(at));
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
        rows.known.entry((worker, channel.clone())).or_default().hear(from, at);
        Ok(())
    }

    async fn reached(&self, reached: &[(NotificationId, Sender)]) -> Result<(), RepositoryError> {
        let mut rows = self.rows();
        let reached = reached.iter().filter_map(|(id, sender)| Some((rows.notifications.get(id)?, sender)));
        let mut reached: Vec<_> = reached.map(|(message, sender)| (message.clone(), sender)).collect();
        reached.sort_by_key(|(message, _)| (message.created_at, message.id));
        for (message, sender) in reached {
            match message.to {
                Addressee::Worker(worker) => {
                    rows.known.entry((worker, message.channel)).or_default().learn(sender);
                }
                Addressee::Renter(renter) => {
                    let key = ((message.organization_id, renter), message.channel);
                    let new = || (message.request_id, Known::default());
                    let (request, known) = rows.known_renters.entry(key).or_insert_with(new);
                    *request = message.request_id;
                    known.learn(sender);
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn renters_of_sender(
        &self,
        channel: &Channel,
        from: &Sender,
        numbers: &[PhoneNumber],
    ) -> Result<Listing<KnownRenter>, RepositoryError> {
        let rows = self.rows();
        let is_known = |known: &Known| {
            let number = known.wa_id.as_deref();
            known.is(from) || numbers.iter().any(|other| number == Some(other.digits()))
        };
        let theirs =
            rows.known_renters.iter().filter(|((_, on), (_, known))| on == channel && is_known(known));
        let renter =
            |(((organization_id, renter_id), _), (request_id, _)): (&(RenterOf, _), &(RequestId, _))| {
                KnownRenter {
                    organization_id: *organization_id,
                    renter_id: *renter_id,
                    request_id: *request_id,
                }
            };
        Ok(Listing { items: theirs.map(renter).collect(), corrupt: Vec::new() })
    }

    async fn renter_heard(
        &self,
        renter: &KnownRenter,
        channel: &Channel,
        from: &Sender,
        at: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        let mut rows = self.rows();
        let key = ((renter.organization_id, renter.renter_id), channel.clone());
        let new = || (renter.request_id, Known::default());
        rows.known_renters.entry(key).or_insert_with(new).1.hear(from, at);
        Ok(())
    }

    async fn opt_out(&self, opt_out: &OptOut) -> Result<DateTime<Utc>, RepositoryError> {
        let mut rows = self.rows();
        let since = rows.opt_outs.entry((opt_out.organization_id, opt_out.renter_id)).or_insert(opt_out.at);
        *since = (*since).min(opt_out.at);
        Ok(*since)
    }

    async fn opt_in(&self, organization: OrganizationId, renter: RenterId) -> Result<bool, RepositoryError> {
        Ok(self.rows().opt_outs.remove(&(organization, renter)).is_some())
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
