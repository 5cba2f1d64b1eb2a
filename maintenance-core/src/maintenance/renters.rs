//! Messages from renters' phones: that they want no news, or that what is done isn't.

use super::{receiving::Received, replying::Applying};
use crate::{
    maintenance::Error,
    model::{
        Actor, Answer, InboundOutcome, KnownRenter, News, Notification, OptOut, Request, Settled, Write,
    },
    ports::Organizations,
    rules::{self, Deed, Reply},
    values::{Note, NotificationId, PhoneNumber},
};

impl<R: Organizations + Clone> Applying<'_, R> {
    /// Applies a text that a renter may write: that they want no news, or that what is done isn't. `None` if it is neither.
    pub(super) async fn said_by_renter(&self, text: &str) -> Result<Option<Received>, Error> {
        match self.stopped(text).await? {
            None => self.reopened(text).await,
            received => Ok(received),
        }
    }

    /// Opts the sender out if the text asks for that and they were told news; `None` if not. They are answered once.
    async fn stopped(&self, text: &str) -> Result<Option<Received>, Error> {
        if !rules::asks_to_stop(text) {
            return Ok(None);
        }
        let (store, message) = (&self.receiver.maintenance.repository, &self.kept.message);
        let renters = self.renters().await?;
        let Some(first) = renters.first() else { return Ok(None) };
        let mut is_new = false;
        for KnownRenter { organization_id, renter_id, .. } in renters.iter().copied() {
            let (channel, at) = (Some(message.channel.clone()), message.sent_at);
            let since = store.opt_out(&OptOut { organization_id, renter_id, channel, at }).await?;
            // A message that is applied again after a failure finds its own time.
            is_new |= since == at;
        }
        let request = self.heard_renter(first).await?;
        let answer = request.as_ref().filter(|_| is_new);
        let answer = answer.map(|request| self.answer_renter(Answer::OptedOut, request));
        self.finish(InboundOutcome::OptedOut, request.as_ref(), answer).await.map(Some)
    }

    /// Opens a request again if the text replies to the news that it is done; `None` if not.
    async fn reopened(&self, text: &str) -> Result<Option<Received>, Error> {
        let (store, message) = (&self.receiver.maintenance.repository, &self.kept.message);
        let Some(quoted) = &message.replies_to else { return Ok(None) };
        let Some(on) = store.sent_message(&message.channel, quoted).await? else { return Ok(None) };
        let (Some(renter_id), Some(News::Done)) = (on.to.renter(), on.news) else { return Ok(None) };
        let sender =
            KnownRenter { organization_id: on.organization_id, renter_id, request_id: on.request_id };
        let is_sender =
            |known: &KnownRenter| (known.organization_id, known.renter_id) == (on.organization_id, renter_id);
        if !self.renters().await?.iter().any(is_sender) {
            return self.done(InboundOutcome::NotTheirs).await.map(Some);
        }
        let Some(request) = self.heard_renter(&sender).await? else {
            return self.done(InboundOutcome::NotTheirs).await.map(Some);
        };
        let reply = rules::reopening(&request, message.sent_at, self.receiver.reopen_within);
        self.reopen(request, reply, text).await.map(Some)
    }

    /// Does what follows from that reply, with the text as the note.
    async fn reopen(&self, request: Request, reply: Reply, text: &str) -> Result<Received, Error> {
        let answer = |answer, request: &Request| Some(self.answer_renter(answer, request));
        let Deed::Move(to) = reply.deed else {
            let answer = reply.answer.and_then(|said| answer(said, &request));
            return self.finish(reply.outcome, Some(&request), answer).await;
        };
        let Ok(note) = Note::new(text) else {
            let answer = answer(Answer::TextRefused, &request);
            return self.finish(InboundOutcome::Unusable, Some(&request), answer).await;
        };
        let (engine, by) = (self.engine_of(request.organization_id), Actor::Renter(request.renter_id));
        let refused = |refusal| Error::Refused { request: request.id, refusal };
        let row = rules::permit(&request, to, by, Some(&note)).map_err(refused)?;
        let worker_is_active = match request.assigned_worker_id {
            Some(worker) => engine.is_active(worker).await?,
            None => true,
        };
        let mut step =
            rules::change_status(&request, row, &engine.decision(by, Some(&note)), worker_is_active);
        let after = step.after(request.clone());
        let answer = reply.answer.and_then(|said| answer(said, &after));
        let settlement = self.settlement(Settled::Applied(reply.outcome), Some(&after), answer);
        step.writes.push(Write::Settle(settlement));
        engine.apply(request, step).await?;
        Ok(Received::Applied(reply.outcome))
    }

    /// The renters that the sender may be: those of all organisations to whom messages went under their number.
    async fn renters(&self) -> Result<Vec<KnownRenter>, Error> {
        let message = &self.kept.message;
        let numbers = message.from.wa_id.as_deref().map(PhoneNumber::variants).unwrap_or_default();
        let store = &self.receiver.maintenance.repository;
        let renters = store.renters_of_sender(&message.channel, &message.from, &numbers).await?;
        for error in &renters.corrupt {
            tracing::warn!(%error, "a renter can't be read and is taken for a stranger");
        }
        Ok(renters.items)
    }

    /// Notes that the renter was heard; returns the request that it is about.
    async fn heard_renter(&self, renter: &KnownRenter) -> Result<Option<Request>, Error> {
        let message = &self.kept.message;
        let store = &self.receiver.maintenance.repository;
        store.renter_heard(renter, &message.channel, &message.from, message.sent_at).await?;
        let engine = self.engine_of(renter.organization_id);
        Ok(engine.repository.request(renter.request_id).await?)
    }

    fn answer_renter(&self, answer: Answer, request: &Request) -> Notification {
        let engine = &self.receiver.maintenance;
        let (id, channel) = (NotificationId::mint(&engine.shared.ids), self.kept.message.channel.clone());
        Notification::answering(id, channel, answer, request, request.renter_id.into(), engine.now())
    }
}
