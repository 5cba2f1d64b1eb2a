//! The port to the messages from phones that a store keeps.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{page::Listing, repository_error::RepositoryError};
use crate::{
    model::{InboundClaim, InboundSettlement, KeptInbound, Notification, Sender, Worker},
    values::{Channel, NotificationId, OrganizationId, PhoneNumber, RequestId, WorkerId},
};

/// Messages from phones, of all organisations as the outbox is: who sent them is known only when they are applied.
#[async_trait]
#[auto_impl::auto_impl(&, Box, Arc)]
pub trait InboundRepository: Send + Sync {
    /// Keeps messages, all in one step; returns how many were new. One whose channel and provider's id are there stays as
    /// it is.
    async fn keep_inbound(&self, messages: &[KeptInbound]) -> Result<u64, RepositoryError>;

    /// Takes what [`InboundClaim::choose`] says, in that order: puts the lease on it, counts the claim and moves `due_at` to
    /// `until`. No two claims take one message before it comes due again. A row that can't be read is taken too, and
    /// reported, so that it can't hold up the others.
    async fn claim_inbound(&self, claim: &InboundClaim) -> Result<Listing<KeptInbound>, RepositoryError>;

    /// Settles a claimed message as [`KeptInbound::settle`] does, and files the answer, in one step; whether it counted. An
    /// answer whose id is there stays as it is. A step can settle one too, see [`Write::Settle`](crate::Write::Settle).
    async fn settle_inbound(&self, settlement: &InboundSettlement) -> Result<bool, RepositoryError>;

    /// The messages of this sender that wait for a choice are about that request, and due at `now`; returns how many.
    async fn release_inbound(
        &self,
        channel: &Channel,
        from: &Sender,
        about: (OrganizationId, RequestId),
        now: DateTime<Utc>,
    ) -> Result<u64, RepositoryError>;

    /// The message of ours that the provider gave that id, whichever organisation's it is.
    async fn sent_message(
        &self,
        channel: &Channel,
        provider_message_id: &str,
    ) -> Result<Option<Notification>, RepositoryError>;

    /// The workers of all organisations with one of these numbers, or known on that channel by that sender, in the order of
    /// their ids.
    async fn workers_of_sender(
        &self,
        channel: &Channel,
        from: &Sender,
        numbers: &[PhoneNumber],
    ) -> Result<Listing<Worker>, RepositoryError>;

    /// A worker was heard on that channel, under that sender's ids, at that time, UTC: the conversation with them is open
    /// from then on. An earlier time than the one that is kept changes nothing; an id that isn't given stays.
    async fn heard(
        &self,
        worker: WorkerId,
        channel: &Channel,
        from: &Sender,
        at: DateTime<Utc>,
    ) -> Result<(), RepositoryError>;

    /// These messages of ours reached their workers under these ids, of whom nothing may have been heard yet. What is known
    /// already is not written again; a message that isn't there is left out.
    async fn reached(&self, reached: &[(NotificationId, Sender)]) -> Result<(), RepositoryError>;
}
