//! Renters who want no messages.

use tracing::instrument;

use super::{Maintenance, receiving::Received, replying::Applying};
use crate::{
    maintenance::Error,
    model::{Answer, InboundOutcome, KnownRenter, Notification, OptOut, Request},
    ports::{Organizations, Repository},
    rules,
    values::{NotificationId, PhoneNumber, RenterId},
};

impl<R: Repository> Maintenance<R> {
    /// Tells a renter of this organisation no news any more, by whichever channel. News that waits fails with the code
    /// `opted_out` when its turn comes. A renter does the same by writing `STOP` to the number that the news came from.
    ///
    /// A call that the host trusts.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when the store fails.
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn opt_out(&self, renter: RenterId) -> Result<(), Error> {
        let (organization_id, at) = (self.organization(), self.now());
        let opt_out = OptOut { organization_id, renter_id: renter, channel: None, at };
        self.repository.opt_out(&opt_out).await?;
        Ok(())
    }

    /// Tells a renter of this organisation news again; whether they had opted out. What they missed meanwhile isn't told.
    ///
    /// A call that the host trusts.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when the store fails.
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn opt_in(&self, renter: RenterId) -> Result<bool, Error> {
        Ok(self.repository.opt_in(self.organization(), renter).await?)
    }
}

impl<R: Organizations + Clone> Applying<'_, R> {
    /// Opts the sender out if the text asks for that and they were told news; `None` if not. They are answered once.
    pub(super) async fn stopped(&self, text: &str) -> Result<Option<Received>, Error> {
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
