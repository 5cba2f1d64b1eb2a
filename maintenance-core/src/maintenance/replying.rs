//! Applying one message from a phone: who sent it, what it is about, what follows.

use std::time::Duration;

use super::{
    Maintenance,
    receiving::{Received, Receiver},
    subject::{About, Subject},
};
use crate::{
    maintenance::Error,
    model::{
        Action, Actor, Answer, AssignmentCause, InboundContent, InboundFile, InboundOutcome,
        InboundSettlement, KeptInbound, NewAttachment, NewComment, Notification, Request, Settled, Step, Tap,
        Worker, Write,
    },
    ports::{MediaError, Organizations, RepositoryErrorKind},
    rules::{self, Asked, Choice, Deed, Reply, exclusions},
    values::{Backoff, LeaseId, Note, NotificationId, OrganizationId, time::later},
};

/// How long a message waits for its sender to say which request it is about.
const CHOICE: Duration = Duration::from_hours(24);
/// The pauses before a message is decided again after a conflict.
const CONFLICT: Backoff = Backoff { first: Duration::from_millis(50), ceiling: Duration::from_secs(30) };
/// The pauses between tries at fetching a file, and the number of tries; together they take about a day.
const FILE: Backoff = Backoff { first: Duration::from_secs(30), ceiling: Duration::from_hours(2) };
const FILE_TRIES: u32 = 20;

/// A message being applied, under its lease.
pub(super) struct Applying<'r, R> {
    pub(super) receiver: &'r Receiver<R>,
    pub(super) kept: &'r KeptInbound,
    lease: LeaseId,
}

/// What became of a file.
pub(super) enum Filed {
    Attached,
    /// It is tried again later.
    PutBack,
    Refused,
}

impl<R: Organizations + Clone> Receiver<R> {
    /// Applies one claimed message. If somebody else changed its request in between, it is put back, and decided again on
    /// the request as it is then.
    pub(super) async fn apply(&self, kept: &KeptInbound, lease: LeaseId) -> Result<Received, Error> {
        let applying = Applying { receiver: self, kept, lease };
        match applying.apply().await {
            Err(Error::Repository(error)) if error.kind == RepositoryErrorKind::Conflict => {
                let due_at = later(self.maintenance.now(), CONFLICT.after(kept.claims));
                applying.settle(Settled::Later { due_at }, None, None).await?;
                Ok(Received::PutBack)
            }
            received => received,
        }
    }
}

impl<R: Organizations + Clone> Applying<'_, R> {
    async fn apply(&self) -> Result<Received, Error> {
        let content = &self.kept.message.content;
        match content {
            InboundContent::Tap { payload, title } => match payload.parse::<Tap>() {
                Ok(tap) => self.tapped(tap, title).await,
                // A button of the host's own templates.
                Err(_) => self.done(InboundOutcome::Ignored).await,
            },
            InboundContent::Text { body } => self.said(None, body).await,
            InboundContent::Location { latitude, longitude, name } => {
                let name = name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
                self.said(None, &format!("geo:{latitude},{longitude}{name}")).await
            }
            InboundContent::File(file) => {
                self.said(Some(file), file.caption.as_deref().unwrap_or_default()).await
            }
            _ => self.done(InboundOutcome::Ignored).await,
        }
    }

    /// A button, which names the message that it stands on.
    async fn tapped(&self, tap: Tap, title: &str) -> Result<Received, Error> {
        let engine = &self.receiver.maintenance;
        let on = engine.repository.notification(tap.on).await?;
        // Who can speak for one number can't name another's messages.
        let Some(on) = on.filter(|on| on.channel == self.kept.message.channel) else {
            return self.done(InboundOutcome::Old).await;
        };
        let worker = match self.recipient(&on).await? {
            Ok(worker) => worker,
            Err(outcome) => return self.done(outcome).await,
        };
        let id = tap.request.unwrap_or(on.request_id);
        let Some(about) = self.about(worker, id).await? else {
            return self.done(InboundOutcome::NotTheirs).await;
        };
        let asked = match tap.action {
            Action::Accept => Asked::Accept,
            Action::Decline => Asked::Decline,
            Action::Start => Asked::Start,
            Action::Done => Asked::Finish,
            Action::Choose => return self.chosen(&about).await,
        };
        let relation = rules::relation(&about.record, &about.worker, Some(on.created_at));
        let reply = rules::reply(asked, relation, about.record.request.status);
        self.follow(&about, reply, title).await
    }

    /// The worker chose a request: their messages that wait for the choice are about it.
    async fn chosen(&self, about: &About<R>) -> Result<Received, Error> {
        let request = &about.record.request;
        if request.assigned_worker_id != Some(about.worker.id) {
            let reply = Reply::only(InboundOutcome::NotTheirs, Answer::NotTheirs);
            return self.follow(about, reply, "").await;
        }
        let message = &self.kept.message;
        let engine = &self.receiver.maintenance;
        let chosen = (request.organization_id, request.id);
        engine.repository.release_inbound(&message.channel, &message.from, chosen, engine.now()).await?;
        self.settle(Settled::Applied(InboundOutcome::Chosen), Some(request), None).await?;
        engine.shared.wake.arrived();
        Ok(Received::Applied(InboundOutcome::Chosen))
    }

    /// A text or a file. A worker's is about the request of the message that it replies to, or the one that was chosen, or
    /// their only open one.
    async fn said(&self, file: Option<&InboundFile>, text: &str) -> Result<Received, Error> {
        if let Some(received) = self.said_by_renter(file, text).await? {
            return Ok(received);
        }
        let about = match self.subject().await? {
            Subject::One(about) => about,
            Subject::Several(worker, newest) => return self.ask(&worker, &newest).await,
            Subject::None(outcome, whom) => {
                let answer =
                    whom.map(|(worker, request)| self.answer(Answer::NothingOpen, &request, &worker));
                return self.finish(outcome, None, answer).await;
            }
        };
        let relation = rules::relation(&about.record, &about.worker, None);
        let asked = if file.is_some() { Asked::Attach } else { Asked::Comment };
        let reply = rules::reply(asked, relation, about.record.request.status);
        self.follow(&about, reply, text).await
    }

    /// Does what follows. `text` is what the sender said, or what stood on the button.
    async fn follow(&self, about: &About<R>, reply: Reply, text: &str) -> Result<Received, Error> {
        let About { engine, worker, record } = about;
        let request = &record.request;
        let by = Actor::Worker(worker.id);
        let note = Note::new(text).ok();
        let step = match reply.deed {
            Deed::Nothing => return self.finish_reply(about, reply).await,
            Deed::Comment => return self.comment(about, reply, text).await,
            Deed::Attach => return self.attach(about, reply, text).await,
            Deed::Acknowledge => rules::acknowledge(record, worker, engine.now()),
            Deed::Move(to) => {
                let refused = |refusal| Error::Refused { request: request.id, refusal };
                let row = rules::permit(request, to, by, None).map_err(refused)?;
                rules::change_status(request, row, &engine.decision(by, None), true)
            }
            Deed::GiveUp => {
                let selection = engine.select_for(request, exclusions(record)).await?;
                let cause = AssignmentCause::HandedBack;
                let next = Choice { worker: selection.chosen, cause, ranking: selection.kept() };
                let refused = |refusal| Error::Refused { request: request.id, refusal };
                rules::assign(request, next, &engine.decision(by, note.as_ref())).map_err(refused)?
            }
        };
        self.apply_step(about, step, reply).await
    }

    /// Writes the step, the settlement and the answer together.
    async fn apply_step(&self, about: &About<R>, mut step: Step, reply: Reply) -> Result<Received, Error> {
        let request = step.after(about.record.request.clone());
        let answer = reply.answer.map(|answer| self.answer(answer, &request, &about.worker));
        let settlement = self.settlement(Settled::Applied(reply.outcome), Some(&request), answer);
        step.writes.push(Write::Settle(settlement));
        about.engine.apply(about.record.request.clone(), step).await?;
        Ok(Received::Applied(reply.outcome))
    }

    async fn comment(&self, about: &About<R>, reply: Reply, text: &str) -> Result<Received, Error> {
        let by = Actor::Worker(about.worker.id);
        let reply = self.add_comment(&about.record.request, by, reply, text).await?;
        self.finish_reply(about, reply).await
    }

    /// Adds the text as a comment under the message's id; returns the reply, which is another one if the text can't be added.
    pub(super) async fn add_comment(
        &self,
        request: &Request,
        by: Actor,
        reply: Reply,
        text: &str,
    ) -> Result<Reply, Error> {
        let comment = NewComment { id: Some(self.kept.id.uuid().into()), comment: text.to_owned() };
        match self.engine_of(request.organization_id).comment(request.id, by, comment).await {
            Ok(_) => Ok(reply),
            Err(Error::Invalid(_)) => Ok(Reply::only(InboundOutcome::Unusable, Answer::TextRefused)),
            Err(error) => Err(error),
        }
    }

    async fn attach(&self, about: &About<R>, reply: Reply, caption: &str) -> Result<Received, Error> {
        let InboundContent::File(file) = &self.kept.message.content else {
            return self.done(InboundOutcome::Ignored).await;
        };
        match self.file(&about.record.request, file).await? {
            Filed::PutBack => Ok(Received::PutBack),
            Filed::Refused => {
                let refused = Reply::only(InboundOutcome::FileRefused, Answer::FileRefused);
                self.finish_reply(about, refused).await
            }
            Filed::Attached if caption.trim().is_empty() => self.finish_reply(about, reply).await,
            Filed::Attached => self.comment(about, reply, caption).await,
        }
    }

    /// Keeps the file as an attachment of the request.
    pub(super) async fn file(&self, request: &Request, file: &InboundFile) -> Result<Filed, Error> {
        match self.keep(file, request).await {
            Ok(attachment) => {
                self.engine_of(request.organization_id).attach(request.id, attachment).await?;
                Ok(Filed::Attached)
            }
            Err(MediaError::Later(why)) if self.kept.claims < FILE_TRIES => {
                tracing::warn!(message = %self.kept.id, why, "a file could not be kept and is tried again");
                let due_at = later(self.receiver.maintenance.now(), FILE.after(self.kept.claims));
                self.settle(Settled::Later { due_at }, Some(request), None).await?;
                Ok(Filed::PutBack)
            }
            Err(MediaError::Later(why) | MediaError::Refused(why)) => {
                tracing::warn!(message = %self.kept.id, why, "a file is not kept");
                Ok(Filed::Refused)
            }
        }
    }

    /// Fetches the file and keeps it under the message's id.
    async fn keep(&self, file: &InboundFile, request: &Request) -> Result<NewAttachment, MediaError> {
        let Some(media) = &self.receiver.media else {
            return Err(MediaError::Refused("no store for files is set"));
        };
        let fetched = media.source.fetch(&self.kept.message.channel, file).await?;
        let file_type = fetched.file_type.as_str().to_owned();
        let name = file_name(request, self.kept, &file_type);
        let file_url = media.store.keep(&name, fetched).await?.as_str().to_owned();
        Ok(NewAttachment { id: Some(self.kept.id.uuid().into()), file_url, file_type })
    }

    /// Asks the worker which request it is about, unless another message of theirs waits for that answer already.
    async fn ask(&self, worker: &Worker, newest: &Request) -> Result<Received, Error> {
        if self.kept.asked_at.is_some() {
            return self.done(InboundOutcome::Unanswered).await;
        }
        let answer = (!self.kept.sender_was_asked).then(|| self.answer(Answer::WhichOne, newest, worker));
        let until = later(self.receiver.maintenance.now(), CHOICE);
        self.settle(Settled::Asked { until }, None, answer).await?;
        Ok(Received::Asked)
    }

    pub(super) fn engine_of(&self, organization: OrganizationId) -> Maintenance<R> {
        self.receiver.maintenance.of(organization)
    }

    fn answer(&self, answer: Answer, request: &Request, worker: &Worker) -> Notification {
        let engine = &self.receiver.maintenance;
        let (id, channel) = (NotificationId::mint(&engine.shared.ids), self.kept.message.channel.clone());
        Notification::answering(id, channel, answer, request, worker.id.into(), engine.now())
    }

    pub(super) async fn done(&self, outcome: InboundOutcome) -> Result<Received, Error> {
        self.finish(outcome, None, None).await
    }

    async fn finish_reply(&self, about: &About<R>, reply: Reply) -> Result<Received, Error> {
        let request = &about.record.request;
        let answer = reply.answer.map(|answer| self.answer(answer, request, &about.worker));
        self.finish(reply.outcome, Some(request), answer).await
    }

    pub(super) async fn finish(
        &self,
        outcome: InboundOutcome,
        about: Option<&Request>,
        answer: Option<Notification>,
    ) -> Result<Received, Error> {
        self.settle(Settled::Applied(outcome), about, answer).await?;
        Ok(Received::Applied(outcome))
    }

    async fn settle(
        &self,
        state: Settled,
        about: Option<&Request>,
        answer: Option<Notification>,
    ) -> Result<(), Error> {
        let engine = &self.receiver.maintenance;
        let answers = answer.is_some();
        let counted = engine.repository.settle_inbound(&self.settlement(state, about, answer)).await?;
        if counted && answers {
            engine.wake();
        }
        Ok(())
    }

    pub(super) fn settlement(
        &self,
        state: Settled,
        about: Option<&Request>,
        answer: Option<Notification>,
    ) -> InboundSettlement {
        InboundSettlement {
            id: self.kept.id,
            lease: self.lease,
            at: self.receiver.maintenance.now(),
            state,
            about: about.map(|request| (request.organization_id, request.id)),
            answer,
        }
    }
}

/// The name under which a file is kept: its request's and its message's ids, and the ending of its type.
fn file_name(request: &Request, kept: &KeptInbound, file_type: &str) -> String {
    let plain = file_type.split(';').next().unwrap_or_default();
    let ending = plain.rsplit('/').next().unwrap_or_default();
    let ending: String = ending.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    format!("{}/{}/{}.{ending}", request.organization_id, request.id, kept.id)
}
