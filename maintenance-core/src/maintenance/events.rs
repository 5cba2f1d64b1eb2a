//! What happened, told to the host's other parts after it was committed.

#[cfg(feature = "tokio")]
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};
use tracing::instrument;

use super::{Error, Maintenance};
#[cfg(feature = "tokio")]
use crate::ports::BoxError;
use crate::{
    model::{Event, EventPosition},
    ports::{Listing, Repository},
    values::ConsumerName,
};

/// How many events are read at a time.
const BATCH: u32 = 200;

/// The events for one consumer, from [`Maintenance::events`]: those of all organisations.
#[derive(Debug, Clone)]
pub struct Events<R> {
    repository: R,
    consumer: ConsumerName,
}

impl<R: Repository + Clone> Maintenance<R> {
    /// What happened to all requests and messages, for a part of the host that follows it: a search index, an invoice, a
    /// live screen. Events are read from the store after they were committed, at least once each, and those of one request
    /// in the order in which they happened. The store keeps how far each consumer has come, and keeps events only while
    /// somebody [subscribes](Events::subscribe).
    ///
    /// No event tells of [`import`](Self::import), [`forget_renter`](Self::forget_renter) and
    /// [`clean_up`](Self::clean_up). A consumer that keeps texts, as a search index does, must hear from the host's own
    /// call what was imported and who was forgotten.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository + Clone>) -> Result<(), Box<dyn std::error::Error>> {
    /// let events = maintenance.events(ConsumerName::new("search")?);
    /// let mut done = events.subscribe().await?; // once, when the host starts
    /// for event in events.read(done, 100).await?.items {
    ///     println!("{} {:?}", event.kind, event.request_id);
    ///     done = event.position;
    /// }
    /// events.acknowledge(done).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// With the feature `tokio`, `Events::run` does this until it is told to stop.
    pub fn events(&self, consumer: ConsumerName) -> Events<R> {
        Events { repository: self.repository.clone(), consumer }
    }
}

impl<R: Repository> Events<R> {
    /// Keeps events for this consumer from now on, and returns how far it has come: 0 or the present end at first, and
    /// where it was when it subscribes again.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when the store fails.
    #[instrument(skip_all, fields(consumer = %self.consumer), err(level = "debug"))]
    pub async fn subscribe(&self) -> Result<EventPosition, Error> {
        Ok(self.repository.subscribe(&self.consumer).await?)
    }

    /// Ends the subscription; whether there was one. Events that nobody else waits for are removed at the next
    /// acknowledgement.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when the store fails.
    #[instrument(skip_all, fields(consumer = %self.consumer), err(level = "debug"))]
    pub async fn unsubscribe(&self) -> Result<bool, Error> {
        Ok(self.repository.unsubscribe(&self.consumer).await?)
    }

    /// The events after that position, in order, at most `limit` of them. What this consumer has acknowledged may be gone.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when the store fails. A row that can't be read is in `corrupt` beside the others.
    #[instrument(skip_all, fields(consumer = %self.consumer, after = after.0), err(level = "debug"))]
    pub async fn read(&self, after: EventPosition, limit: u32) -> Result<Listing<Event>, Error> {
        Ok(self.repository.events(after, limit).await?)
    }

    /// The events after that position as a stream, up to the last that there is now. A row that can't be read is left out
    /// and logged.
    pub fn after(&self, position: EventPosition) -> impl Stream<Item = Result<Event, Error>> + '_ {
        let batches = stream::try_unfold(Some(position), move |after| async move {
            let Some(after) = after else { return Ok::<_, Error>(None) };
            let batch = self.read(after, BATCH).await?;
            report(&batch);
            let next = batch.items.last().map(|last| last.position);
            let next = next.filter(|_| batch.rows() >= BATCH as usize);
            Ok(Some((batch.items, next)))
        });
        batches.flat_map(|batch| {
            let (items, error) = match batch {
                Ok(items) => (items, None),
                Err(error) => (Vec::new(), Some(Err(error))),
            };
            stream::iter(items.into_iter().map(Ok).chain(error))
        })
    }

    /// This consumer is done with the events up to that position: they aren't kept for it any more. Acknowledge after your
    /// own work is committed, then no event is missed, whenever the process ends.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when the store fails; its kind is `NotFound` when this consumer doesn't subscribe.
    #[instrument(skip_all, fields(consumer = %self.consumer, position = position.0), err(level = "debug"))]
    pub async fn acknowledge(&self, position: EventPosition) -> Result<(), Error> {
        Ok(self.repository.acknowledge(&self.consumer, position).await?)
    }

    /// Subscribes, and hands each event to `handle` until `until` is done, one after the other. It looks again after
    /// `poll` when there are no more. An event whose handling fails is handed over again after `poll`, and those behind it
    /// wait. A store that fails is asked again after `poll`.
    #[cfg(feature = "tokio")]
    pub async fn run<F>(
        &self,
        poll: Duration,
        until: impl Future<Output = ()>,
        mut handle: impl FnMut(Event) -> F,
    ) where
        F: Future<Output = Result<(), BoxError>>,
    {
        let mut until = std::pin::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => return,
                full = self.round(&mut handle) => if full { continue },
            }
            tokio::select! {
                () = &mut until => return,
                () = tokio::time::sleep(poll) => {}
            }
        }
    }

    /// Hands over a batch; whether there may be more at once.
    #[cfg(feature = "tokio")]
    async fn round<F>(&self, handle: &mut impl FnMut(Event) -> F) -> bool
    where
        F: Future<Output = Result<(), BoxError>>,
    {
        let batch = async {
            let done = self.subscribe().await?;
            Ok::<_, Error>((done, self.read(done, BATCH).await?))
        };
        let (began, batch) = match batch.await {
            Ok(batch) => batch,
            Err(error) => {
                tracing::error!(consumer = %self.consumer, %error, "the events can't be read; tried again");
                return false;
            }
        };
        report(&batch);
        let (mut done, mut full) = (began, batch.rows() >= BATCH as usize);
        for event in batch.items {
            let (position, kind, about) = (event.position, event.kind, event.about);
            if let Err(error) = handle(event).await {
                // The host's own error may hold private data, so it isn't logged.
                drop(error);
                tracing::error!(consumer = %self.consumer, %kind, %about, "an event was not handled; tried again");
                full = false;
                break;
            }
            done = position;
        }
        if done > began
            && let Err(error) = self.acknowledge(done).await
        {
            tracing::error!(consumer = %self.consumer, %error, "events can't be acknowledged; they come again");
            return false;
        }
        full
    }
}

fn report(batch: &Listing<Event>) {
    for error in &batch.corrupt {
        tracing::error!(%error, "an event can't be read and is left out");
    }
}
