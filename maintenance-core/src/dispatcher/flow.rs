//! What a dispatcher has under way: claims, sends, and outcomes on their way into the store.

use std::time::Duration;

use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, pending},
    stream::FuturesUnordered,
};
use tokio::time::{Instant, sleep_until};

use super::{
    DispatchReport, Dispatcher,
    pace::Gate,
    send::{Ended, Ready},
    store::{Taken, Written},
    surroundings::Surroundings,
    under_way::UnderWay,
};
use crate::{
    maintenance::Error,
    model::{Claim, NewEvent, Priority, Recorded, SendRecord},
    ports::{DirectoryError, Notifier, Repository},
    values::{Backoff, Channel},
};

/// The pauses between tries at writing outcomes.
const WRITING: Backoff = Backoff { first: Duration::from_millis(100), ceiling: Duration::from_secs(5) };

/// All that is under way. Nothing in it waits for the slowest: each outcome goes into the next write, and there is
/// always at most one write under way, so that whatever ends meanwhile goes together into the one after it.
pub(super) struct Flow<'d, R, N> {
    of: &'d Dispatcher<R, N>,
    /// What a claim must pass, where several dispatchers share a loop.
    gate: Option<&'d Gate>,
    claiming: Option<BoxFuture<'d, Result<Taken, Error>>>,
    preparing: FuturesUnordered<BoxFuture<'d, (Vec<Ready>, Vec<DirectoryError>)>>,
    /// The least urgent first, so that the next to send is the last.
    ready: Vec<Ready>,
    sending: FuturesUnordered<BoxFuture<'d, Ended>>,
    under_way: UnderWay,
    /// Outcomes to write.
    known: Vec<SendRecord>,
    writing: Option<BoxFuture<'d, Written>>,
    /// When to try again to write, and how often it failed in a row.
    trouble: Option<(Instant, u32)>,
    /// Side work: putting back what waits for a recipient, and catching up.
    beside: FuturesUnordered<BoxFuture<'d, Result<(), Error>>>,
    /// When the newest lease ends.
    lease_end: Instant,
    /// Whether the store may have more that is due.
    more: bool,
    /// The error of a claim, for a caller who asked for one claim.
    pub(super) failed: Option<Error>,
    pub(super) report: DispatchReport,
}

impl<'d, R: Repository, N: Notifier> Flow<'d, R, N> {
    pub(super) fn new(of: &'d Dispatcher<R, N>, gate: Option<&'d Gate>) -> Self {
        Self {
            of,
            gate,
            claiming: None,
            preparing: FuturesUnordered::new(),
            ready: Vec::new(),
            sending: FuturesUnordered::new(),
            under_way: UnderWay::default(),
            known: Vec::new(),
            writing: None,
            trouble: None,
            beside: FuturesUnordered::new(),
            lease_end: Instant::now(),
            more: false,
            failed: None,
            report: DispatchReport::default(),
        }
    }

    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.claiming.is_none()
            && !self.has_messages()
            && self.known.is_empty()
            && self.writing.is_none()
            && self.beside.is_empty()
    }

    /// Whether there are messages taken and not yet sent.
    pub(super) fn has_messages(&self) -> bool {
        !(self.preparing.is_empty() && self.ready.is_empty() && self.sending.is_empty())
    }

    pub(super) fn is_claiming(&self) -> bool {
        self.claiming.is_some()
    }

    /// Whether to look again at once: the last claim may have left something, and there is room.
    pub(super) fn wants_more(&self) -> bool {
        self.more && self.has_room()
    }

    fn has_room(&self) -> bool {
        self.preparing.is_empty() && self.ready.is_empty() && self.sending.len() < self.of.policy.slots()
    }

    /// Begins a claim if one can be used now: of whatever is due while there is room, and of emergencies alone while
    /// there is none. Nothing is taken while outcomes can't be written.
    pub(super) fn claim(&mut self, checks_clock: bool) -> bool {
        let of = self.of;
        let policy = &of.policy;
        if self.claiming.is_some() || self.trouble.is_some() {
            return false;
        }
        let (limit, at_least) = if self.has_room() {
            (policy.batch.max(1), Priority::Low)
        } else {
            let waiting = self.ready.iter().filter(|ready| ready.is_urgent()).count();
            let busy = waiting + self.sending.len().saturating_sub(policy.slots());
            match u32::try_from(policy.reserve().saturating_sub(busy)) {
                Ok(0) | Err(_) => return true,
                Ok(free) => (free, Priority::Emergency),
            }
        };
        // After a rest one message tries the channel; while it is under way the channel rests still.
        let mut troubled = of.shared.rests.troubled(of.shared.clock.monotonic());
        let under_way = |channel: &mut Channel| self.under_way.has_any_of(channel);
        troubled.resting.extend(troubled.trying.extract_if(.., under_way));
        let take = of.take(limit, at_least, troubled, checks_clock);
        self.claiming = Some(match self.gate {
            Some(gate) => gate.pass(take).boxed(),
            None => take.boxed(),
        });
        true
    }

    /// Begins to do what had to wait in the store.
    pub(super) fn catch_up(&mut self) {
        let of = self.of;
        if self.beside.is_empty() {
            self.beside.push(of.catch_up().boxed());
        }
    }

    /// Waits for the next thing under way to end, and begins what follows from it. Loses nothing when it is dropped.
    pub(super) async fn turn(&mut self) {
        self.begin_sends();
        self.begin_write();
        let retry = self.trouble.filter(|_| self.writing.is_none()).map(|(at, _)| at);
        tokio::select! {
            written = ended(&mut self.writing) => self.wrote(written),
            taken = ended(&mut self.claiming) => self.took(taken),
            Some((ready, errors)) = self.preparing.next() => self.prepared(ready, errors),
            Some(ended) = self.sending.next() => {
                self.sent(ended);
                // Whatever else has ended goes into the same write.
                while let Some(Some(ended)) = self.sending.next().now_or_never() {
                    self.sent(ended);
                }
            }
            Some(done) = self.beside.next() => {
                if let Err(error) = done {
                    self.trouble_with("what had to wait could not be done", error);
                }
            }
            () = sleep_until(retry.unwrap_or_else(Instant::now)), if retry.is_some() => {
                self.trouble = self.trouble.map(|(_, times)| (Instant::now(), times));
            }
        }
    }

    /// Gives up what can't be written, once the leases have ended: its messages will be taken again.
    pub(super) fn give_up(&mut self) -> bool {
        let over = self.trouble.is_some() && self.writing.is_none() && Instant::now() >= self.lease_end;
        if over && !self.known.is_empty() {
            tracing::error!(outcomes = self.known.len(), "outcomes could not be written and are given up");
            self.known.clear();
        }
        over
    }

    fn took(&mut self, taken: Result<Taken, Error>) {
        let of = self.of;
        let Taken { mut listing, begin_by, lease_end, claim: Claim { lease, limit, trying, .. } } =
            match taken {
                Ok(taken) => taken,
                Err(error) => {
                    self.more = false;
                    self.under_way.claim_ended();
                    tracing::error!(%error, causes = %causes(&error), "nothing could be taken from the outbox");
                    self.failed = Some(error);
                    return;
                }
            };
        self.more = Claim::may_have_left(limit, listing.rows());
        self.lease_end = self.lease_end.max(lease_end);
        listing.items.retain(|claimed| self.under_way.begin(&claimed.notification, &trying));
        self.under_way.claim_ended();
        self.report.claimed += listing.items.len();
        for error in &listing.corrupt {
            tracing::error!(%error, "a message can't be read; it is looked at again after the hold");
        }
        self.note(listing.corrupt.iter().filter_map(|error| of.corrupt(error)).collect());
        self.report.corrupt.extend(listing.corrupt);
        if listing.items.is_empty() {
            return;
        }
        let preparing = async move {
            let directory = &*of.shared.directory;
            let around = Surroundings::of(&listing.items, directory, of.policy.directory_limit).await;
            let ready = listing.items.into_iter().map(|claimed| {
                let around = around.for_message(&claimed);
                Ready { claimed, around, lease, begin_by }
            });
            let ready = ready.collect();
            (ready, around.errors)
        };
        self.preparing.push(preparing.boxed());
    }

    fn prepared(&mut self, ready: Vec<Ready>, errors: Vec<DirectoryError>) {
        for error in errors {
            self.trouble_with("renters or places are left out of their messages", error.into());
        }
        // Behind what waits already, and urgent first: a stable sort of the reversed keeps both.
        let mut all = std::mem::take(&mut self.ready);
        all.reverse();
        all.extend(ready);
        all.sort_by_key(|ready| std::cmp::Reverse(ready.claimed.notification.priority));
        all.reverse();
        self.ready = all;
    }

    fn begin_sends(&mut self) {
        let of = self.of;
        while let Some(next) = self.ready.last() {
            let slots = of.policy.slots() + if next.is_urgent() { of.policy.reserve() } else { 0 };
            if self.sending.len() >= slots {
                return;
            }
            self.sending.extend(self.ready.pop().map(|ready| of.send(ready).boxed()));
        }
    }

    fn sent(&mut self, mut ended: Ended) {
        let of = self.of;
        if let Some(number) = ended.reached.take() {
            self.beside.push(of.reached(ended.claimed.notification.id, number).boxed());
        }
        self.known.push(ended.settle(&of.policy, &mut self.report));
        for spread in of.recipients.to_spread(of.shared.clock.monotonic()) {
            self.beside.push(of.spread(spread).boxed());
        }
        self.note(of.shared.rests.untold(&*of.shared.clock).iter().map(|pause| of.paused(pause)).collect());
    }

    /// Begins to keep these events. What the store refuses is tried again when it is to catch up.
    fn note(&mut self, events: Vec<NewEvent>) {
        if !events.is_empty() {
            self.of.events.add(events);
            self.beside.push(self.of.keep_events().boxed());
        }
    }

    fn begin_write(&mut self) {
        let of = self.of;
        let rests = self.trouble.is_some_and(|(at, _)| at > Instant::now());
        if self.writing.is_none() && !self.known.is_empty() && !rests {
            self.writing = Some(of.write(std::mem::take(&mut self.known)).boxed());
        }
    }

    fn wrote(&mut self, written: Written) {
        let of = self.of;
        let Written { recorded: Recorded { counted, early }, done, left } = written;
        self.report.fenced += done.len().saturating_sub(counted);
        // Once it is known what came of a trial, the others of its channel follow, or the next one tries.
        self.more |= self.under_way.written(&done, self.claiming.is_some());
        if !early.is_empty() {
            let apply = async move { of.apply(&early).await };
            self.beside.push(apply.boxed());
        }
        let Some((mut left, error)) = left else {
            self.trouble = None;
            return;
        };
        let times = self.trouble.map_or(1, |(_, times)| times.saturating_add(1));
        self.trouble = Some((Instant::now() + WRITING.after(times), times));
        left.append(&mut self.known);
        self.known = left;
        self.trouble_with("outcomes could not be written; they are kept and tried again", error.into());
    }

    fn trouble_with(&mut self, what: &'static str, error: Error) {
        tracing::error!(%error, causes = %causes(&error), "{what}");
        self.report.errors.push(error);
    }
}

/// Waits for the future, if there is one, and takes it away.
async fn ended<T>(slot: &mut Option<BoxFuture<'_, T>>) -> T {
    let ended = match slot {
        Some(future) => future.await,
        None => pending().await,
    };
    *slot = None;
    ended
}

/// The causes of an error, outermost first, for a log.
fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
