//! Moves notifications from the outbox to the channel.

mod flow;
mod many;
mod pace;
mod policy;
mod receiving;
mod recipients;
mod report;
mod send;
mod store;
mod surroundings;
mod under_way;
mod unkept;

use std::{fmt, sync::Arc};

use tokio::time::{Instant, sleep_until};
use tracing::instrument;

pub use many::{Added, Dispatchers};
pub use policy::{DispatchPolicy, Patience};
pub use report::{DispatchReport, Problem};

use crate::{
    maintenance::{Error, Maintenance, Pause, Shared},
    ports::{Notifier, Repository},
};
use flow::Flow;
use pace::{Gate, Polls};
use receiving::Receives;
use recipients::Recipients;
use unkept::Unkept;

/// Who is told what [`Dispatcher::run`] did.
type Observer = Arc<dyn Fn(&DispatchReport) + Send + Sync>;

/// Sends due notifications. Any number may run side by side, in one process or in many.
///
/// A message goes out once, except: its answer was lost or its process died, and no webhook told within
/// [`DispatchPolicy::hold`] that it went out.
pub struct Dispatcher<R, N> {
    repository: R,
    notifier: N,
    shared: Shared,
    policy: DispatchPolicy,
    recipients: Recipients,
    events: Unkept,
    observer: Option<Observer>,
    receiver: Option<Box<dyn Receives>>,
}

impl<R: Repository + Clone> Maintenance<R> {
    /// A dispatcher over this engine's store and that channel.
    pub fn dispatcher<N: Notifier>(&self, notifier: N, policy: DispatchPolicy) -> Dispatcher<R, N> {
        let (repository, shared) = (self.repository.clone(), self.shared.clone());
        let (recipients, events) = (Recipients::default(), Unkept::default());
        Dispatcher {
            repository,
            notifier,
            shared,
            policy,
            recipients,
            events,
            observer: None,
            receiver: None,
        }
    }
}

impl<R: Repository, N: Notifier> Dispatcher<R, N> {
    /// Hands `observer` a report whenever [`run`](Self::run) has done something: so a channel that needs a person,
    /// a corrupt row or a failing store reach somebody. It is called between two sends, so it must not block.
    #[must_use]
    pub fn observed_by(mut self, observer: impl Fn(&DispatchReport) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// One round: takes a batch of due notifications, sends them with no transaction open, and records each outcome
    /// as soon as it is known. Returns when all are recorded; an outcome that can't be is tried until its lease ends.
    ///
    /// When it is dropped before it completes, the outcome of each send under way counts as unknown: the message is held
    /// and comes due again after the hold.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when nothing could be taken, or when an outcome could not be recorded in time.
    #[instrument(skip_all, err)]
    pub async fn dispatch_due(&self) -> Result<DispatchReport, Error> {
        let mut flow = Flow::new(self, None);
        flow.claim(false);
        let mut caught_up = false;
        loop {
            while !flow.is_idle() {
                flow.turn().await;
                if flow.give_up() {
                    let unwritten = flow.report.errors.pop();
                    return unwritten.map_or(Ok(flow.report), Err);
                }
            }
            if let Some(error) = flow.failed {
                return Err(error);
            }
            // A round that finds nothing has time for what had to wait.
            if caught_up || flow.report.claimed > 0 {
                flow.report.pauses = self.pauses();
                return Ok(flow.report);
            }
            caught_up = true;
            flow.catch_up();
        }
    }

    /// Sends what is due until `until` is done: at once after a submit in this process, and otherwise at every poll.
    /// What is under way then is finished first. A store that fails is tried again at the next poll, and a known
    /// outcome is kept until it can be recorded.
    ///
    /// Checks at the start, and then once per hold, that the clock of this process and that of the store differ by
    /// less than half the hold. While they don't, nothing is sent, since two dispatchers would take each other's
    /// messages.
    pub async fn run(&self, until: impl Future<Output = ()>) {
        let polls = Polls::new(self.policy.poll, self.policy.poll);
        self.run_both(polls, None, until).await;
    }

    /// Does the same at that pace, and claims through that gate.
    async fn run_at(&self, mut polls: Polls, gate: Option<&Gate>, until: impl Future<Output = ()>) {
        let mut until = std::pin::pin!(until);
        let mut flow = Flow::new(self, gate);
        let (mut stopping, mut look, mut busy, mut catches_up) = (false, true, false, false);
        let (mut next_poll, mut clock_check) = (Instant::now() + self.policy.poll, Instant::now());
        while !(stopping && flow.is_idle()) {
            look |= flow.wants_more();
            if look && !stopping {
                let checks_clock = Instant::now() >= clock_check;
                look = !flow.claim(checks_clock);
                if !look && checks_clock {
                    clock_check = Instant::now() + self.policy.hold;
                }
            }
            tokio::select! {
                () = &mut until, if !stopping => stopping = true,
                () = flow.turn(), if !flow.is_idle() => {}
                () = self.woken(), if !stopping => (look, busy) = (true, true),
                () = sleep_until(next_poll), if !stopping => {
                    next_poll = Instant::now() + polls.next(std::mem::take(&mut busy));
                    (look, catches_up) = (true, true);
                }
            }
            busy |= flow.has_messages();
            if busy {
                // What there was may come due again soon, and the pause may have grown before it.
                next_poll = next_poll.min(Instant::now() + self.policy.poll);
            }
            if let Some(error) = flow.failed.take() {
                // Tried at the next poll: the store may be back by then, and the clock right.
                (look, catches_up) = (false, false);
                if matches!(error, Error::ClockDiffers { .. }) {
                    clock_check = Instant::now();
                }
                flow.report.errors.push(error);
            }
            // After the claim, so that a store with one connection, or one in the right schema, serves both.
            if catches_up && !look && !flow.is_claiming() {
                catches_up = false;
                flow.catch_up();
            }
            self.tell(&mut flow.report);
            if stopping && flow.give_up() {
                return;
            }
        }
    }

    /// Waits until a submit of this process has left something to send: for a host that runs its own loop around
    /// [`dispatch_due`](Self::dispatch_due) instead of [`run`](Self::run).
    pub async fn woken(&self) {
        self.shared.wake.nudged().await;
    }

    /// What rests now, by channel, the whole channel before its templates; empty when all is well.
    pub fn pauses(&self) -> Vec<Pause> {
        self.shared.rests.pauses(&*self.shared.clock)
    }

    fn tell(&self, report: &mut DispatchReport) {
        if !report.is_worth_telling() {
            return;
        }
        let mut report = std::mem::take(report);
        report.pauses = self.pauses();
        if let Some(observer) = &self.observer {
            observer(&report);
        }
    }
}

impl<R, N> fmt::Debug for Dispatcher<R, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").field("policy", &self.policy).finish_non_exhaustive()
    }
}
