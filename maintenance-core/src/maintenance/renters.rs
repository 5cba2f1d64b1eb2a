//! Messages from renters' phones: that they want no news, that what is done isn't, or something about their request.

use super::{
    receiving::Received,
    replying::{Applying, Filed},
};
use crate::{
    maintenance::Error,
    model::{
        Actor, Answer, InboundFile, InboundOutcome, KnownRenter, Notification, OptOut, Request,
        RequestStatus, Settled, Write,
    },
    ports::Organizations,
    rules::{self, Deed, Reply},
    values::{Note, NotificationId, PhoneNumber},
};

impl<R: Organizations + Clone> Applying<'_, R> {
    /// Applies a text, a file or both that a renter sent. `None` if the sender isn't known as a renter, or speaks as a worker:
    /// they are one, and reply to nothing that they were told as a renter.
    pub(super) async fn said_by_renter(
        &self,
        file: Option<&InboundFile>,
        text: &str,
    ) -> Result<Option<Received>, Error> {
        let renters = self.renters().await?;
        let Some(first) = renters.first() else { return Ok(None) };
        if file.is_none() && rules::asks_to_stop(text) {
            return self.stopped(&renters).await.map(Some);
        }
        let quoted = self.quoted().await?;
        let (about, news) = match &quoted {
            Some(on) if on.to.renter().is_some() => {
                let is_theirs = |known: &&KnownRenter| {
                    known.organization_id == on.organization_id && on.to == known.renter_id.into()
                };
                let Some(known) = renters.iter().find(is_theirs) else {
                    return self.done(InboundOutcome::NotTheirs).await.map(Some);
                };
                (KnownRenter { request_id: on.request_id, ..*known }, on.news)
            }
            Some(_) => return Ok(None),
            None if !self.senders().await?.is_empty() => return Ok(None),
            None => (*first, None),
        };
        let Some(request) = self.heard_renter(&about).await? else {
            return self.done(InboundOutcome::NotTheirs).await.map(Some);
        };
        let at = self.kept.message.sent_at;
        let reply = rules::reply_to_renter(&request, news, at, self.receiver.reopen_within);
        self.follow_renter(request, reply, file, text).await.map(Some)
    }

    /// Does what follows: the file becomes an attachment, and the text a comment, or the note of the change. A file without
    /// words opens a request again too; the note then says what kind of file it is.
    async fn follow_renter(
        &self,
        request: Request,
        reply: Reply,
        file: Option<&InboundFile>,
        text: &str,
    ) -> Result<Received, Error> {
        if reply.deed == Deed::Nothing {
            return self.finish_renter(&request, reply).await;
        }
        let has_words = !text.trim().is_empty();
        if let Some(file) = file {
            match self.file(&request, file).await? {
                Filed::PutBack => return Ok(Received::PutBack),
                Filed::Refused => {
                    let refused = Reply::only(InboundOutcome::FileRefused, Answer::FileRefused);
                    return self.finish_renter(&request, refused).await;
                }
                Filed::Attached => {}
            }
        }
        match (reply.deed, file) {
            (Deed::Move(to), Some(file)) if !has_words => {
                self.reopen(request, to, reply, file.kind.as_str()).await
            }
            (Deed::Move(to), _) => self.reopen(request, to, reply, text).await,
            (_, Some(_)) if !has_words => {
                self.finish_renter(&request, Reply::only(InboundOutcome::Attached, Answer::Attached)).await
            }
            _ => {
                let by = Actor::Renter(request.renter_id);
                let reply = self.add_comment(&request, by, reply, text).await?;
                self.finish_renter(&request, reply).await
            }
        }
    }

    async fn finish_renter(&self, request: &Request, reply: Reply) -> Result<Received, Error> {
        let answer = reply.answer.map(|answer| self.answer_renter(answer, request));
        self.finish(reply.outcome, Some(request), answer).await
    }

    /// Opts the sender out, who is answered once.
    async fn stopped(&self, renters: &[KnownRenter]) -> Result<Received, Error> {
        let (store, message) = (&self.receiver.maintenance.repository, &self.kept.message);
        let mut is_new = false;
        for KnownRenter { organization_id, renter_id, .. } in renters.iter().copied() {
            let (channel, at) = (Some(message.channel.clone()), message.sent_at);
            let since = store.opt_out(&OptOut { organization_id, renter_id, channel, at }).await?;
            // A message that is applied again after a failure finds its own time.
            is_new |= since == at;
        }
        let request = match renters.first() {
            Some(first) => self.heard_renter(first).await?,
            None => None,
        };
        let answer = request.as_ref().filter(|_| is_new);
        let answer = answer.map(|request| self.answer_renter(Answer::OptedOut, request));
        self.finish(InboundOutcome::OptedOut, request.as_ref(), answer).await
    }

    /// Opens the request again, with the text as the note.
    async fn reopen(
        &self,
        request: Request,
        to: RequestStatus,
        reply: Reply,
        text: &str,
    ) -> Result<Received, Error> {
        let Ok(note) = Note::new(text) else {
            let refused = Reply::only(InboundOutcome::Unusable, Answer::TextRefused);
            return self.finish_renter(&request, refused).await;
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
        let answer = reply.answer.map(|answer| self.answer_renter(answer, &after));
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
