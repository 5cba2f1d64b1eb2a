//! What a dispatcher asks of the store.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::{Dispatcher, recipients::Spread};
use crate::{
    maintenance::{Error, Pause, Troubled, apply_deliveries},
    model::{
        Claim, Claimed, Deferral, DeliveryUpdate, EventKind, NewEvent, Priority, Recorded, SendRecord, Sender,
    },
    ports::{Listing, Notifier, Repository, RepositoryError, RepositoryErrorKind},
    values::{LeaseId, NotificationId, OrganizationId, PhoneNumber, time::later},
};

/// How many messages one statement puts back.
const DEFERRED: u32 = 10_000;

/// How many texts one statement indexes, which takes about 50 ms, and how many statements follow each other.
const INDEXED: u32 = 1_000;
const INDEXINGS: u32 = 10;

pub(super) struct Taken {
    pub(super) listing: Listing<Claimed>,
    pub(super) begin_by: Instant,
    pub(super) lease_end: Instant,
    pub(super) claim: Claim,
}

/// What came of a write.
pub(super) struct Written {
    pub(super) recorded: Recorded,
    /// What was written.
    pub(super) done: Vec<SendRecord>,
    /// What could not be written, and why.
    pub(super) left: Option<(Vec<SendRecord>, RepositoryError)>,
}

impl<R: Repository, N: Notifier> Dispatcher<R, N> {
    pub(super) async fn take(
        &self,
        limit: u32,
        at_least: Priority,
        troubled: Troubled,
        checks_clock: bool,
    ) -> Result<Taken, Error> {
        if checks_clock {
            self.check_clock().await?;
        }
        let (now, begun, hold) = (self.shared.now(), Instant::now(), self.policy.hold);
        let lease = LeaseId::mint(&self.shared.ids);
        let Troubled { resting, trying } = troubled;
        let claim = Claim::new(now, later(now, hold), lease, limit);
        let claim = Claim { at_least, resting, trying, ..claim };
        let listing = self.repository.claim(&claim).await?;
        Ok(Taken { listing, begin_by: begun + hold / 2, lease_end: begun + hold, claim })
    }

    /// Fails when this process's clock and the store's differ so much that leases would not hold.
    async fn check_clock(&self) -> Result<(), Error> {
        let before = self.shared.now();
        let Some(store) = self.repository.time().await? else { return Ok(()) };
        let ours = self.shared.now();
        let bound = chrono::TimeDelta::from_std(self.policy.hold / 2).unwrap_or(chrono::TimeDelta::MAX);
        if store - ours > bound || before - store > bound {
            return Err(Error::ClockDiffers { ours, store, bound: self.policy.hold / 2 });
        }
        Ok(())
    }

    /// Writes outcomes together, or each alone where the store refuses them together, so that one that can't be
    /// written holds up none of the others.
    pub(super) async fn write(&self, records: Vec<SendRecord>) -> Written {
        let error = match self.repository.record_outcomes(&records).await {
            Ok(recorded) => return Written { recorded, done: records, left: None },
            Err(error) => error,
        };
        let passing = error.kind.is_about_the_store() || error.kind == RepositoryErrorKind::Conflict;
        if passing || records.len() == 1 {
            return Written { recorded: Recorded::default(), done: Vec::new(), left: Some((records, error)) };
        }
        let mut all = Written { recorded: Recorded::default(), done: Vec::new(), left: None };
        for record in records {
            match self.repository.record_outcomes(std::slice::from_ref(&record)).await {
                Ok(Recorded { counted, early }) => {
                    all.done.push(record);
                    all.recorded.counted += counted;
                    all.recorded.early.extend(early);
                }
                Err(error) => match &mut all.left {
                    Some((left, _)) => left.push(record),
                    None => all.left = Some((vec![record], error)),
                },
            }
        }
        all
    }

    /// Puts back all that waits for a recipient whose rate limit is reached.
    pub(super) async fn spread(&self, spread: Spread) -> Result<(), Error> {
        let now: DateTime<Utc> = self.shared.now();
        let Spread { to, after, every } = spread;
        let mut first = later(now, after);
        loop {
            let deferral = Deferral { to, now, first, every, limit: DEFERRED };
            let deferred = self.repository.defer(deferral).await?;
            if deferred < u64::from(DEFERRED) {
                return Ok(());
            }
            first = later(first, every.saturating_mul(DEFERRED));
        }
    }

    /// Tells the store by which number a renter was reached.
    pub(super) async fn reached(&self, id: NotificationId, number: PhoneNumber) -> Result<(), Error> {
        Ok(self.repository.reached(&[(id, Sender::number(number.digits()))]).await?)
    }

    /// Does what had to wait in the store, each on its own, so that what is refused holds up none of the others.
    pub(super) async fn catch_up(&self) -> Result<(), Error> {
        let events = self.keep_events().await;
        let updates = self.apply_kept().await;
        events.and(updates).and(self.index_texts().await)
    }

    async fn apply_kept(&self) -> Result<(), Error> {
        let hold = chrono::TimeDelta::from_std(self.policy.hold).unwrap_or_default();
        let early = self.repository.catch_up(later(self.shared.now(), Duration::ZERO) - hold).await?;
        if early.is_empty() { Ok(()) } else { self.apply(&early).await }
    }

    /// After a large import this takes several polls, so that a dispatcher that is to stop needn't wait for all of it.
    async fn index_texts(&self) -> Result<(), Error> {
        for _ in 0..INDEXINGS {
            if self.repository.index_texts(INDEXED).await? < INDEXED {
                break;
            }
        }
        Ok(())
    }

    pub(super) async fn apply(&self, early: &[DeliveryUpdate]) -> Result<(), Error> {
        apply_deliveries(&self.repository, &self.shared, early).await.map(|_| ())
    }

    /// The pause as an event.
    pub(super) fn paused(&self, pause: &Pause) -> NewEvent {
        let template = pause.template.as_ref().map(|template| format!(", template {template}"));
        self.event(EventKind::Paused, format!("channel {}{}", pause.channel, template.unwrap_or_default()))
    }

    /// The row as an event, if the error is about a row.
    pub(super) fn corrupt(&self, error: &RepositoryError) -> Option<NewEvent> {
        let RepositoryErrorKind::Corrupt { table, column, row } = &error.kind else { return None };
        Some(self.event(EventKind::Corrupt, format!("{table}.{column} of row {row}")))
    }

    fn event(&self, kind: EventKind, detail: String) -> NewEvent {
        NewEvent {
            kind,
            organization_id: OrganizationId::NONE,
            request_id: None,
            about: self.shared.ids.uuid(),
            at: self.shared.now(),
            detail: Some(detail),
        }
    }

    /// Hands the dispatcher's events to the store.
    pub(super) async fn keep_events(&self) -> Result<(), Error> {
        Ok(self.events.keep(&self.repository).await?)
    }
}
