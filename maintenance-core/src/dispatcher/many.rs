//! One loop for many dispatchers.

use std::{
    fmt,
    future::pending,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::{Mutex, mpsc, watch},
    time::sleep,
};

use super::{
    Dispatcher,
    pace::{Gate, Polls},
};
use crate::ports::{Notifier, Repository};

/// Many dispatchers in one loop, for a host that gives each customer a store of its own: a schema, or a file. Clones are the
/// same loop, so that dispatchers may be added while it runs.
///
/// Each dispatcher works as in [`Dispatcher::run`], with its own policy and observer, and a store that hangs, fails or
/// panics holds up no other. There are two differences:
///
/// - One that has nothing to do is polled ever more slowly: after each poll that finds nothing the pause doubles, from
///   [`DispatchPolicy::poll`](super::DispatchPolicy::poll) up to [`idle_poll`](Self::idle_poll). A submit of this process
///   wakes it at once. A message that another process files waits for at most the idle poll, and one that is to be tried
///   again waits for at most twice as long as it had to.
/// - Only a few claim messages at a time, see [`at_once`](Self::at_once).
///
/// What each observer captures tells whose report it is:
///
/// ```no_run
/// use maintenance_core::{DispatchPolicy, Dispatchers, Maintenance, Notifier, Repository};
///
/// # async fn start<R: Repository + Clone + 'static>(
/// #     customers: Vec<(String, Maintenance<R>)>,
/// #     channel: impl Notifier + Clone + 'static,
/// #     newcomer: Maintenance<R>,
/// #     shutdown: impl Future<Output = ()>,
/// # ) {
/// let dispatchers = Dispatchers::new();
/// for (customer, maintenance) in customers {
///     let dispatcher = maintenance.dispatcher(channel.clone(), DispatchPolicy::default());
///     dispatchers.add(dispatcher.observed_by(move |report| println!("{customer}: {} sent", report.sent)));
/// }
/// # let handle = dispatchers.clone();
/// # let later = async move {
/// // Elsewhere, while it runs:
/// let added = handle.add(newcomer.dispatcher(channel, DispatchPolicy::default()));
/// added.remove().await; // returns when what it had under way is finished
/// # };
/// dispatchers.run(shutdown).await;
/// # drop(later);
/// # }
/// ```
#[derive(Clone)]
pub struct Dispatchers {
    gate: Gate,
    idle_poll: Duration,
    count: Arc<AtomicU32>,
    add: mpsc::UnboundedSender<Start>,
    /// Held by the call of `run` that is under way.
    added: Arc<Mutex<mpsc::UnboundedReceiver<Start>>>,
}

/// Begins a dispatcher that ends when it is told so.
type Start = Box<dyn FnOnce(watch::Receiver<bool>) -> BoxFuture<'static, ()> + Send>;

impl Dispatchers {
    /// Without any dispatcher yet.
    pub fn new() -> Self {
        let (add, added) = mpsc::unbounded_channel();
        let (gate, idle_poll) = (Gate::new(4), Duration::from_secs(15));
        Self { gate, idle_poll, count: Arc::default(), add, added: Arc::new(Mutex::new(added)) }
    }

    /// Sets the longest pause between two polls of a dispatcher that has nothing to do; 15 seconds by default. Holds for
    /// dispatchers that are added afterwards.
    #[must_use]
    pub fn idle_poll(mut self, pause: Duration) -> Self {
        self.idle_poll = pause;
        self
    }

    /// Sets how many dispatchers may claim messages at a time; 4 by default. Keep it below the number of the pool's
    /// connections. A claim that takes longer than a second no longer counts. Holds for dispatchers that are added
    /// afterwards.
    #[must_use]
    pub fn at_once(mut self, claims: usize) -> Self {
        self.gate = Gate::new(claims);
        self
    }

    /// Adds a dispatcher, which begins as soon as [`run`](Self::run) is under way. It stays when what this returns is
    /// dropped.
    pub fn add<R: Repository + 'static, N: Notifier + 'static>(&self, dispatcher: Dispatcher<R, N>) -> Added {
        let (stop, stopped) = watch::channel(false);
        let (begins, under_way) = watch::channel(false);
        let (gate, idle) = (self.gate.clone(), self.idle_pause());
        let start: Start = Box::new(move |all| {
            let until = move || {
                let (all, one) = (is_set(all.clone()), is_set(stopped.clone()));
                async move {
                    tokio::select! { () = all => {}, () = one => {} }
                }
            };
            async move {
                begins.send_replace(true);
                let polls = Polls::new(dispatcher.policy.poll, idle);
                while until().now_or_never().is_none() {
                    let run = dispatcher.run_both(polls.clone(), Some(&gate), until());
                    if AssertUnwindSafe(run).catch_unwind().await.is_ok() {
                        break;
                    }
                    tracing::error!("a dispatcher's store or observer panicked; the dispatcher begins anew");
                    tokio::select! { () = until() => {}, () = sleep(idle) => {} }
                }
            }
            .boxed()
        });
        // Never refused: the receiver is a field of this.
        let _ = self.add.send(start);
        Added { stop, under_way }
    }

    /// The idle pause of the next dispatcher: up to a quarter less than the limit, so that those which begin together
    /// don't poll together.
    fn idle_pause(&self) -> Duration {
        const GOLDEN: f64 = 0.618_034;
        let place = f64::from(self.count.fetch_add(1, Ordering::Relaxed)) * GOLDEN % 1.0;
        self.idle_poll.mul_f64(1.0 - place / 4.0)
    }

    /// Runs the dispatchers until `until` is done, then finishes what each has under way. Of several calls one runs at a
    /// time. When it is dropped, its dispatchers end as [`Dispatcher::run`] does when it is dropped; they must be added
    /// again for another call.
    pub async fn run(&self, until: impl Future<Output = ()>) {
        let mut until = std::pin::pin!(until);
        let mut added = tokio::select! {
            added = self.added.lock() => added,
            () = &mut until => return,
        };
        let stop = watch::Sender::new(false);
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                () = &mut until => break,
                Some(start) = added.recv() => running.push(start(stop.subscribe())),
                Some(()) = running.next() => {}
            }
        }
        stop.send_replace(true);
        while running.next().await.is_some() {}
    }
}

impl Default for Dispatchers {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Dispatchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatchers").field("idle_poll", &self.idle_poll).finish_non_exhaustive()
    }
}

/// A dispatcher in [`Dispatchers`].
#[derive(Debug)]
pub struct Added {
    stop: watch::Sender<bool>,
    /// Whether it has begun; closed when it has ended.
    under_way: watch::Receiver<bool>,
}

impl Added {
    /// Takes the dispatcher out of the loop, and returns when what it has under way is finished.
    pub async fn remove(mut self) {
        self.stop.send_replace(true);
        let _ = self.under_way.wait_for(|begun| !begun).await;
    }
}

/// Waits until it is true.
async fn is_set(mut receiver: watch::Receiver<bool>) {
    let closed = receiver.wait_for(|set| *set).await.is_err();
    if closed {
        pending::<()>().await;
    }
}
