//! The port to the events that a store keeps.

use async_trait::async_trait;

use super::{page::Listing, repository_error::RepositoryError};
use crate::{
    model::{Event, EventPosition, NewEvent},
    values::ConsumerName,
};

/// Events, of all organisations as the outbox is.
///
/// A store writes an event in the same step as what it tells of, so that both are committed or neither is, and only while
/// somebody subscribes. Two events of one kind about the same row are one. Events get their positions as they are read:
/// what was committed before an event of the same request was written comes before it, and nothing that is committed
/// later comes before what was read.
#[async_trait]
#[auto_impl::auto_impl(&, Box, Arc)]
pub trait EventRepository: Send + Sync {
    /// Keeps events for that consumer from now on. One who subscribes again stays where they are. Returns how far they
    /// have come.
    async fn subscribe(&self, consumer: &ConsumerName) -> Result<EventPosition, RepositoryError>;

    /// Ends a subscription; whether there was one.
    async fn unsubscribe(&self, consumer: &ConsumerName) -> Result<bool, RepositoryError>;

    /// The events after that position, in order, at most `limit` of them.
    async fn events(&self, after: EventPosition, limit: u32) -> Result<Listing<Event>, RepositoryError>;

    /// The consumer is done with the events up to that position; one who is further already stays there. Removes what
    /// every consumer is done with. `NotFound` for whoever doesn't subscribe.
    async fn acknowledge(
        &self,
        consumer: &ConsumerName,
        position: EventPosition,
    ) -> Result<(), RepositoryError>;

    /// Writes an event that no other step writes.
    async fn add_event(&self, event: &NewEvent) -> Result<(), RepositoryError>;
}
