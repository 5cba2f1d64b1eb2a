//! Messages from phones: kept, and applied one by one.

use std::{collections::BTreeMap, fmt, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use tracing::instrument;

use super::Maintenance;
use crate::{
    maintenance::Error,
    model::{Inbound, InboundClaim, InboundOutcome, KeptInbound, Sender},
    ports::{
        Listing, MediaSource, MediaStore, Organizations, Repository, RepositoryError, RepositoryErrorKind,
    },
    values::{InboundId, LeaseId, NotificationId, time::later},
};

/// How long a claimed message is held; longer than the longest file takes to fetch.
const HOLD: Duration = Duration::from_mins(5);
/// For how long a renter can open what is done again, by default.
const REOPEN_WITHIN: Duration = Duration::from_hours(7 * 24);
/// How many are claimed together, and how many are applied at a time.
const BATCH: u32 = 64;
const AT_A_TIME: usize = 16;

impl<R: Repository> Maintenance<R> {
    /// Keeps messages from phones, all in one step; returns how many were new. The same message twice is kept once, so a
    /// webhook may simply be delivered again after an error. They are applied by a [`Receiver`].
    ///
    /// A channel's webhook calls it before it answers (`webhook::router` of `maintenance-whatsapp` does).
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when the store fails: answer the webhook with an error, so that it is delivered again.
    #[instrument(skip_all, fields(messages = messages.len()), err(level = "debug"))]
    pub async fn receive(&self, messages: &[Inbound]) -> Result<u64, Error> {
        if messages.is_empty() {
            return Ok(0);
        }
        let now = self.now();
        let keep =
            |message: &Inbound| KeptInbound::new(InboundId::mint(&self.shared.ids), message.clone(), now);
        let new = self.repository.keep_inbound(&messages.iter().map(keep).collect::<Vec<_>>()).await?;
        if new > 0 {
            self.shared.wake.arrived();
        }
        Ok(new)
    }

    /// Keeps under which ids messages of ours reached their workers and renters, as webhooks report it. Somebody who hides
    /// their number is then known when they answer.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when the store fails.
    #[instrument(skip_all, fields(messages = reached.len()), err(level = "debug"))]
    pub async fn record_reached(&self, reached: &[(NotificationId, Sender)]) -> Result<(), Error> {
        if reached.is_empty() { Ok(()) } else { Ok(self.repository.reached(reached).await?) }
    }
}

impl<R: Organizations + Clone> Maintenance<R> {
    /// What applies the messages from phones. Any number may run side by side, in one process or in many.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Organizations + Clone>) -> Result<(), Error> {
    /// let report = maintenance.receiver().receive_due().await?;
    /// for (id, outcome) in &report.refused {
    ///     println!("message {id} changed nothing: {outcome}");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn receiver(&self) -> Receiver<R> {
        Receiver { maintenance: self.clone(), media: None, reopen_within: REOPEN_WITHIN, observer: None }
    }
}

/// Applies messages from phones: what workers tap, write and send, and what renters write and send about requests that they
/// were told of.
///
/// Each message is applied once. A change of the request and the mark that the message is applied are one step; a comment or
/// an attachment has the message's own id. One sender's messages are applied in the order in which they were sent.
pub struct Receiver<R> {
    pub(crate) maintenance: Maintenance<R>,
    pub(super) media: Option<Media>,
    /// For how long after a request was done its renter can open it again by a reply.
    pub(super) reopen_within: Duration,
    observer: Option<Observer>,
}

/// Who is told what [`Receiver::run`] did.
type Observer = Arc<dyn Fn(&ReceiveReport) + Send + Sync>;

/// Where files come from, and where they are kept.
#[derive(Clone)]
pub(super) struct Media {
    pub(super) source: Arc<dyn MediaSource>,
    pub(super) store: Arc<dyn MediaStore>,
}

/// What a receiver did: in one [`receive_due`](Receiver::receive_due), or in [`run`](Receiver::run) since the report before.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ReceiveReport {
    /// How many messages became what.
    pub outcomes: BTreeMap<InboundOutcome, usize>,
    /// Messages that changed nothing although they asked for something, for a person to look at.
    pub refused: Vec<(InboundId, InboundOutcome)>,
    /// Messages whose sender was asked which request they are about.
    pub asked: usize,
    /// Messages that are tried again later, as when a file could not be fetched.
    pub put_back: usize,
    /// Messages that could not be read; they are tried again after the hold.
    pub corrupt: Vec<RepositoryError>,
    /// What failed; the messages are tried again.
    pub errors: Vec<Error>,
}

/// What became of one message.
#[derive(Debug)]
pub(crate) enum Received {
    Applied(InboundOutcome),
    Asked,
    PutBack,
}

impl<R: Organizations + Clone> Receiver<R> {
    /// With files: they are fetched from `source` and kept in `store`, and their addresses become attachments. Without it
    /// the sender of a file is told that files can't be added.
    #[must_use]
    pub fn media(mut self, source: impl MediaSource + 'static, store: impl MediaStore + 'static) -> Self {
        self.media = Some(Media { source: Arc::new(source), store: Arc::new(store) });
        self
    }

    /// For how long after a request was done its renter can open it again by replying to the news of it, 7 days by default.
    /// Their text is the note of the change; for a photo without words it is the kind of file.
    #[must_use]
    pub fn reopen_within(mut self, window: Duration) -> Self {
        self.reopen_within = window;
        self
    }

    /// Hands `observer` a report whenever `run` has done something, so that a stranger's message or a failing store reaches
    /// somebody. It must not block.
    #[must_use]
    pub fn observed_by(mut self, observer: impl Fn(&ReceiveReport) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Applies all that is due now. One that fails is reported, holds up no other and is tried again after the hold of 5
    /// minutes.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when nothing could be taken.
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn receive_due(&self) -> Result<ReceiveReport, Error> {
        let mut report = ReceiveReport::default();
        loop {
            let (lease, taken) = self.claim(BATCH).await?;
            if taken.rows() == 0 {
                return Ok(report);
            }
            report.corrupt.extend(taken.corrupt);
            let applied = taken.items.into_iter().map(|kept| self.receive_one(kept, lease));
            let mut applied = stream::iter(applied).buffer_unordered(AT_A_TIME);
            while let Some((id, received)) = applied.next().await {
                report.count(id, received);
            }
        }
    }

    pub(crate) async fn claim(&self, limit: u32) -> Result<(LeaseId, Listing<KeptInbound>), Error> {
        let now: DateTime<Utc> = self.maintenance.now();
        let lease = LeaseId::mint(&self.maintenance.shared.ids);
        let claim = InboundClaim { now, until: later(now, HOLD), lease, limit };
        Ok((lease, self.maintenance.repository.claim_inbound(&claim).await?))
    }

    pub(crate) async fn receive_one(
        &self,
        kept: KeptInbound,
        lease: LeaseId,
    ) -> (InboundId, Result<Received, Error>) {
        let id = kept.id;
        // A file's source that panics costs its own message alone.
        let applied = AssertUnwindSafe(self.apply(&kept, lease)).catch_unwind().await;
        let panicked =
            |_| Err(RepositoryError::with_source(RepositoryErrorKind::Other, "it panicked").into());
        (id, applied.unwrap_or_else(panicked))
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn tell(&self, report: &ReceiveReport) {
        if let Some(observer) = &self.observer {
            observer(report);
        }
    }
}

impl ReceiveReport {
    /// Whether there is anything to tell.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_worth_telling(&self) -> bool {
        !(self.outcomes.is_empty() && self.corrupt.is_empty() && self.errors.is_empty())
            || self.asked + self.put_back > 0
    }

    pub(crate) fn count(&mut self, id: InboundId, received: Result<Received, Error>) {
        match received {
            Ok(Received::Applied(outcome)) => {
                *self.outcomes.entry(outcome).or_default() += 1;
                if !outcome.is_applied() {
                    tracing::warn!(message = %id, %outcome, "a message from a phone changed nothing");
                    self.refused.push((id, outcome));
                }
            }
            Ok(Received::Asked) => self.asked += 1,
            Ok(Received::PutBack) => self.put_back += 1,
            Err(error) => {
                tracing::error!(message = %id, %error, "a message from a phone could not be applied");
                self.errors.push(error);
            }
        }
    }
}

impl<R> fmt::Debug for Receiver<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("keeps_files", &self.media.is_some()).finish_non_exhaustive()
    }
}
