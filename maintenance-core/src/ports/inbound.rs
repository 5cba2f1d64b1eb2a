//! The port to the messages from phones that a store keeps.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{page::Listing, repository_error::RepositoryError};
use crate::{
    model::{
        InboundClaim, InboundSettlement, KeptInbound, KnownRenter, Notification, OptOut, Sender, Worker,
    },
    values::{Channel, NotificationId, OrganizationId, PhoneNumber, RenterId, RequestId, WorkerId},
};

/// Messages from phones, who their senders are, and which renters want no news. The messages are of all organisations, as
/// the outbox is: who sent one is known only when it is applied.
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

    /// Makes the messages of this sender that wait for a choice due at `now`, as messages about that request; returns how
    /// many.
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

    /// These messages of ours reached their workers and renters under these ids; the recipients need not have been heard yet.
    /// What is known already is not written again, and a message that isn't there is left out. For a renter the store also
    /// keeps the request that the newest of these messages is about.
    async fn reached(&self, reached: &[(NotificationId, Sender)]) -> Result<(), RepositoryError>;

    /// The renters of all organisations whom messages reached on that channel under that sender's ids or one of these
    /// numbers, in the order of their organisations and ids.
    async fn renters_of_sender(
        &self,
        channel: &Channel,
        from: &Sender,
        numbers: &[PhoneNumber],
    ) -> Result<Listing<KnownRenter>, RepositoryError>;

    /// A renter was heard on that channel, as [`heard`](Self::heard) for a worker. Their request is kept only if none is known
    /// on that channel yet.
    async fn renter_heard(
        &self,
        renter: &KnownRenter,
        channel: &Channel,
        from: &Sender,
        at: DateTime<Utc>,
    ) -> Result<(), RepositoryError>;

    /// Keeps that a renter wants no news; returns since when they want none, UTC: the earliest time that they said so.
    async fn opt_out(&self, opt_out: &OptOut) -> Result<DateTime<Utc>, RepositoryError>;

    /// The renter wants news again; whether they wanted none.
    async fn opt_in(&self, organization: OrganizationId, renter: RenterId) -> Result<bool, RepositoryError>;
}
