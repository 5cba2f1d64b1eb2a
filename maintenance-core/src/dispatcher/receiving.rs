//! The loop that applies messages from phones as they come.

use std::time::Duration;

use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, join3},
    stream::FuturesUnordered,
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until},
};

use super::{
    Dispatcher,
    pace::{Gate, Polls},
};
use crate::{
    maintenance::{ReceiveReport, Receiver},
    ports::{Notifier, Organizations, Repository},
};

/// How many messages are under way at most. A file from a slow host holds up one place of these.
const SLOTS: usize = 64;
/// How often the store is asked for what another process received, or what is to be tried again.
const POLL: Duration = Duration::from_secs(1);

/// A receiver of any store, for the dispatcher whose loop runs it.
pub(super) trait Receives: Send + Sync {
    fn run_at<'r>(&'r self, polls: Polls, until: BoxFuture<'r, ()>) -> BoxFuture<'r, ()>;
}

impl<R: Organizations + Clone> Receives for Receiver<R> {
    fn run_at<'r>(&'r self, polls: Polls, until: BoxFuture<'r, ()>) -> BoxFuture<'r, ()> {
        self.run_polling(polls, until).boxed()
    }
}

impl<R: Organizations + Clone> Receiver<R> {
    /// Applies messages as they come until `until` is done: at once after they were received in this process, and otherwise
    /// at a poll once per second. What is under way then is finished first. A slow file holds up no other message.
    ///
    /// A host that has a dispatcher hands it the receiver instead, see [`Dispatcher::receiving`].
    pub async fn run(&self, until: impl Future<Output = ()>) {
        self.run_polling(Polls::new(POLL, POLL), until).await;
    }

    async fn run_polling(&self, mut polls: Polls, until: impl Future<Output = ()>) {
        let mut until = std::pin::pin!(until);
        let mut under_way = FuturesUnordered::new();
        let mut report = ReceiveReport::default();
        let (mut stopping, mut look, mut busy) = (false, true, false);
        let mut next_poll = Instant::now() + POLL;
        while !stopping || !under_way.is_empty() {
            let room = SLOTS.saturating_sub(under_way.len());
            if look && !stopping && room > 0 {
                look = false;
                match self.claim(u32::try_from(room).unwrap_or(1)).await {
                    Ok((lease, taken)) => {
                        report.corrupt.extend(taken.corrupt);
                        under_way.extend(taken.items.into_iter().map(|kept| self.receive_one(kept, lease)));
                    }
                    Err(error) => {
                        tracing::error!(%error, "no message from a phone could be taken");
                        report.errors.push(error);
                    }
                }
            }
            tokio::select! {
                () = &mut until, if !stopping => stopping = true,
                Some((id, received)) = under_way.next(), if !under_way.is_empty() => {
                    report.count(id, received);
                    // The next message of the same sender is free now.
                    look = true;
                }
                () = self.maintenance.shared.wake.arrival(), if !stopping => (look, busy) = (true, true),
                () = sleep_until(next_poll), if !stopping => {
                    next_poll = Instant::now() + polls.next(std::mem::take(&mut busy));
                    look = true;
                }
            }
            busy |= !under_way.is_empty();
            if report.is_worth_telling() {
                self.tell(&std::mem::take(&mut report));
            }
        }
    }
}

impl<R: Repository, N: Notifier> Dispatcher<R, N> {
    /// Has [`run`](Self::run) apply messages from phones too, by that receiver.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(
    /// #     maintenance: Maintenance<impl Organizations + Clone + 'static>, channel: impl Notifier,
    /// #     shutdown: impl Future<Output = ()>,
    /// # ) {
    /// let receiver = maintenance.receiver();
    /// maintenance.dispatcher(channel, DispatchPolicy::default()).receiving(receiver).run(shutdown).await;
    /// # }
    /// ```
    #[must_use]
    pub fn receiving<S: Organizations + Clone + 'static>(mut self, receiver: Receiver<S>) -> Self {
        self.receiver = Some(Box::new(receiver));
        self
    }

    /// Runs the loop at that pace, and the receiver's beside it if there is one, until `until` is done.
    pub(super) async fn run_both(&self, polls: Polls, gate: Option<&Gate>, until: impl Future<Output = ()>) {
        let Some(receiver) = &self.receiver else { return self.run_at(polls, gate, until).await };
        // Receiving ends first, so that the answers to what was applied still go out.
        let (stop_receiving, no_more_in) = oneshot::channel::<()>();
        let (stop_sending, no_more_out) = oneshot::channel::<()>();
        let ends = async {
            until.await;
            drop(stop_receiving);
        };
        let receiving = async {
            receiver.run_at(polls.clone(), no_more_in.map(drop).boxed()).await;
            drop(stop_sending);
        };
        join3(ends, receiving, self.run_at(polls.clone(), gate, no_more_out.map(drop))).await;
    }
}
