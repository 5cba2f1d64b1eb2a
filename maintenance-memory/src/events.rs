//! Events.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    ConsumerName, Event, EventKind, EventPosition, EventRepository, Listing, NewEvent, OrganizationId,
    RepositoryError, RepositoryErrorKind, RequestId,
};
use uuid::Uuid;

use crate::MemoryRepository;

/// The kept events, oldest first, and how far each consumer has come.
#[derive(Clone, Default)]
pub(crate) struct Journal {
    pub(crate) events: Vec<Event>,
    pub(crate) consumers: BTreeMap<ConsumerName, EventPosition>,
    pub(crate) last: EventPosition,
}

impl Journal {
    /// Keeps an event if somebody subscribes and it is none that is kept already.
    pub(crate) fn add(&mut self, event: NewEvent) {
        let key = (event.about, event.kind);
        if self.consumers.is_empty() || self.events.iter().any(|kept| key_of(kept) == key) {
            return;
        }
        self.last = EventPosition(self.last.0 + 1);
        self.events.push(event.at_position(self.last));
    }

    /// Keeps that something happened to a request.
    pub(crate) fn happened(
        &mut self,
        kind: EventKind,
        organization_id: OrganizationId,
        request_id: RequestId,
        about: impl Into<Uuid>,
        at: DateTime<Utc>,
    ) {
        let (request_id, about) = (Some(request_id), about.into());
        self.add(NewEvent { kind, organization_id, request_id, about, at, detail: None });
    }

    /// Adds the events of a transaction that began when the journal was `before` and now sees `own`.
    pub(crate) fn merge(&mut self, before: &Self, own: &Self) {
        for event in own.events.iter().filter(|event| event.position > before.last) {
            let Event { kind, organization_id, request_id, about, at, detail, .. } = event.clone();
            self.add(NewEvent { kind, organization_id, request_id, about, at, detail });
        }
        for (consumer, position) in &own.consumers {
            let kept = self.consumers.entry(consumer.clone()).or_insert(*position);
            *kept = (*kept).max(*position);
        }
    }

    fn forget(&mut self) {
        let done = self.consumers.values().min().copied().unwrap_or(self.last);
        self.events.retain(|event| event.position > done);
    }
}

fn key_of(event: &Event) -> (Uuid, EventKind) {
    (event.about, event.kind)
}

#[async_trait]
impl EventRepository for MemoryRepository<'_> {
    async fn subscribe(&self, consumer: &ConsumerName) -> Result<EventPosition, RepositoryError> {
        let journal = &mut self.rows().journal;
        let last = journal.last;
        Ok(*journal.consumers.entry(consumer.clone()).or_insert(last))
    }

    async fn unsubscribe(&self, consumer: &ConsumerName) -> Result<bool, RepositoryError> {
        Ok(self.rows().journal.consumers.remove(consumer).is_some())
    }

    async fn events(&self, after: EventPosition, limit: u32) -> Result<Listing<Event>, RepositoryError> {
        let rows = self.rows();
        let events = rows.journal.events.iter().filter(|event| event.position > after);
        Ok(Listing { items: events.take(limit as usize).cloned().collect(), corrupt: Vec::new() })
    }

    async fn acknowledge(
        &self,
        consumer: &ConsumerName,
        position: EventPosition,
    ) -> Result<(), RepositoryError> {
        let journal = &mut self.rows().journal;
        let kept = journal.consumers.get_mut(consumer).ok_or(RepositoryErrorKind::NotFound)?;
        *kept = (*kept).max(position);
        journal.forget();
        Ok(())
    }

    async fn add_event(&self, event: &NewEvent) -> Result<(), RepositoryError> {
        self.rows().journal.add(event.clone());
        Ok(())
    }
}
