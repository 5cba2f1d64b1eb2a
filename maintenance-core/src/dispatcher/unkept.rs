//! Events of a dispatcher that the store has not taken yet.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    model::NewEvent,
    ports::{EventRepository, RepositoryError},
};

/// How many wait at most. The oldest go first: a store that has been away for so long is no news any more.
const MOST: usize = 1_000;

/// The events, the oldest first.
#[derive(Default)]
pub(super) struct Unkept(Mutex<VecDeque<NewEvent>>);

impl Unkept {
    pub(super) fn add(&self, events: Vec<NewEvent>) {
        let mut all = self.all();
        all.extend(events);
        let over = all.len().saturating_sub(MOST);
        all.drain(..over);
    }

    /// Hands the events to the store. One that it refuses stays for the next time, and so does what comes after it.
    /// Writing one twice, as when two do so at once, is harmless.
    pub(super) async fn keep(&self, store: &impl EventRepository) -> Result<(), RepositoryError> {
        while let Some(event) = self.first() {
            store.add_event(&event).await?;
            self.all().retain(|other| other.about != event.about);
        }
        Ok(())
    }

    fn first(&self) -> Option<NewEvent> {
        self.all().front().cloned()
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<NewEvent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
