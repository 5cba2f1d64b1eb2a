//! Who sent a message from a phone, and what it is about.

use super::{Maintenance, replying::Applying};
use crate::{
    maintenance::Error,
    model::{InboundOutcome, Notification, Request, RequestRecord, RequestStatus, Worker, WorkerStatus},
    ports::{Organizations, RequestFilter, Slice},
    values::{PhoneNumber, RequestId},
};

/// A worker and the record that their message is about, as their organisation sees it.
pub(super) struct About<R> {
    pub(super) engine: Maintenance<R>,
    pub(super) worker: Worker,
    pub(super) record: RequestRecord,
}

/// What a message is about.
pub(super) enum Subject<R> {
    One(Box<About<R>>),
    /// Several requests; the worker and the newest of them.
    Several(Worker, Box<Request>),
    /// Nothing: what became of the message, and whom to answer about which request.
    None(InboundOutcome, Option<(Worker, Box<Request>)>),
}

impl<R: Organizations + Clone> Applying<'_, R> {
    /// The worker who got that message, if it was they who sent this one; otherwise what became of it.
    pub(super) async fn recipient(
        &self,
        message: &Notification,
    ) -> Result<Result<Worker, InboundOutcome>, Error> {
        let mut workers = self.senders().await?;
        if let Some(at) = workers.iter().position(|worker| message.to == worker.id.into()) {
            return Ok(Ok(workers.swap_remove(at)));
        }
        let organization = message.organization_id;
        Ok(Err(if workers.is_empty() {
            InboundOutcome::Stranger
        } else if workers.iter().all(|worker| worker.organization_id != organization) {
            InboundOutcome::OtherOrganization
        } else {
            InboundOutcome::NotTheirs
        }))
    }

    /// The workers that the sender may be: one per organisation that knows their number.
    pub(super) async fn senders(&self) -> Result<Vec<Worker>, Error> {
        let message = &self.kept.message;
        let numbers = message.from.wa_id.as_deref().map(PhoneNumber::variants).unwrap_or_default();
        let store = &self.receiver.maintenance.repository;
        let workers = store.workers_of_sender(&message.channel, &message.from, &numbers).await?;
        for error in &workers.corrupt {
            tracing::warn!(%error, "a worker can't be read and is taken for a stranger");
        }
        Ok(workers.items)
    }

    /// Our message that this one replies to, if it replies to any.
    pub(super) async fn quoted(&self) -> Result<Option<Notification>, Error> {
        let message = &self.kept.message;
        let Some(quoted) = &message.replies_to else { return Ok(None) };
        Ok(self.receiver.maintenance.repository.sent_message(&message.channel, quoted).await?)
    }

    pub(super) async fn subject(&self) -> Result<Subject<R>, Error> {
        if let Some(quoted) = self.quoted().await? {
            return Ok(match self.recipient(&quoted).await? {
                Ok(worker) => self.subject_of(worker, quoted.request_id).await?,
                Err(outcome) => Subject::None(outcome, None),
            });
        }
        let mut workers = self.senders().await?;
        if workers.is_empty() {
            return Ok(Subject::None(InboundOutcome::Stranger, None));
        }
        workers.retain(|worker| worker.status != WorkerStatus::Inactive);
        if workers.is_empty() {
            return Ok(Subject::None(InboundOutcome::Inactive, None));
        }
        if let Some((organization, request)) = self.kept.about
            && let Some(at) = workers.iter().position(|worker| worker.organization_id == organization)
        {
            return self.subject_of(workers.swap_remove(at), request).await;
        }
        self.only_open_one(workers).await
    }

    async fn subject_of(&self, worker: Worker, request: RequestId) -> Result<Subject<R>, Error> {
        let about = self.about(worker, request).await?;
        let nothing = || Subject::None(InboundOutcome::NotTheirs, None);
        Ok(about.map_or_else(nothing, |about| Subject::One(Box::new(about))))
    }

    /// The one open request that the sender has, in whichever organisation.
    async fn only_open_one(&self, workers: Vec<Worker>) -> Result<Subject<R>, Error> {
        let (mut open, mut last) = (Vec::new(), None);
        for worker in workers {
            self.heard(&worker).await?;
            let engine = self.engine_of(worker.organization_id);
            let theirs = RequestFilter { assigned_worker_id: Some(worker.id), ..RequestFilter::default() };
            let statuses = RequestStatus::ALL.iter().copied().filter(|status| status.is_open()).collect();
            let slice = Slice { after: None, limit: 2 };
            let filter = RequestFilter { statuses, ..theirs.clone() };
            let found = engine.repository.requests(&filter, slice).await?.items;
            if found.is_empty() && last.is_none() {
                let slice = Slice { after: None, limit: 1 };
                let newest = engine.repository.requests(&theirs, slice).await?.items.pop();
                last = newest.map(|request| (worker.clone(), Box::new(request)));
            }
            open.extend(found.into_iter().map(|request| (worker.clone(), request)));
        }
        let mut open = open.into_iter();
        match (open.next(), open.next()) {
            (None, _) => Ok(Subject::None(InboundOutcome::NothingOpen, last)),
            (Some((worker, request)), None) => self.subject_of(worker, request.id).await,
            (Some((worker, newest)), Some(_)) => Ok(Subject::Several(worker, Box::new(newest))),
        }
    }

    /// The record of a request as that worker's organisation sees it. The worker was heard.
    pub(super) async fn about(&self, worker: Worker, request: RequestId) -> Result<Option<About<R>>, Error> {
        self.heard(&worker).await?;
        let engine = self.engine_of(worker.organization_id);
        let record = engine.repository.record(request).await?;
        Ok(record.map(|record| About { engine, worker, record }))
    }

    async fn heard(&self, worker: &Worker) -> Result<(), Error> {
        let message = &self.kept.message;
        let store = &self.receiver.maintenance.repository;
        Ok(store.heard(worker.id, &message.channel, &message.from, message.sent_at).await?)
    }
}
