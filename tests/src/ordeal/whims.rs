//! What goes wrong inside the process: its clock, its host's directory, its channel, and callers who go away.

use std::{
    collections::HashMap,
    future::{Future, pending, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use maintenance_core::{
    Clock, ComplexId, Directory, DirectoryError, Notifier, NotifyError, OrganizationId, Outgoing, PropertyId,
    Receipt, RenterContact, RenterId, SystemClock,
};
use maintenance_memory::TableDirectory;
use maintenance_whatsapp::CloudApi;

use super::{
    chance::Chance,
    host::say,
    lines::{Order, Told},
};

/// The text of panics that are part of the ordeal.
pub(super) const ON_PURPOSE: &str = "on purpose";
/// How much faster what rests wakes up.
const SPEED: u32 = 10;

/// What is to go wrong now. Clones share it.
#[derive(Clone)]
pub(super) struct Whims(Arc<State>);

struct State {
    chance: Mutex<Chance>,
    clock: AtomicI64,
    notifier: AtomicU64,
    directory: AtomicU64,
    cancel: AtomicU64,
}

impl Whims {
    /// All is well at first.
    pub(super) fn new(chance: Chance) -> Self {
        Self(Arc::new(State {
            chance: Mutex::new(chance),
            clock: AtomicI64::new(0),
            notifier: AtomicU64::new(0),
            directory: AtomicU64::new(0),
            cancel: AtomicU64::new(0),
        }))
    }

    /// Takes an order, if it is about this.
    pub(super) fn obey(&self, order: &Order) {
        match order {
            Order::Clock(millis) => self.0.clock.store(*millis, Relaxed),
            Order::Notifier(percent) => self.0.notifier.store(*percent, Relaxed),
            Order::Directory(percent) => self.0.directory.store(*percent, Relaxed),
            Order::Cancel(percent) => self.0.cancel.store(*percent, Relaxed),
            Order::Again(_) | Order::Sql(_) | Order::Quiet => {}
        }
    }

    /// A random choice.
    pub(super) fn choose<T>(&self, choose: impl FnOnce(&mut Chance) -> T) -> T {
        choose(&mut self.0.chance.lock().unwrap())
    }

    fn happens(&self, percent: &AtomicU64) -> bool {
        let percent = percent.load(Relaxed);
        percent > 0 && self.choose(|chance| chance.percent(percent))
    }

    /// Runs it to its end, or to a random moment before: then it is dropped there.
    pub(super) async fn perhaps_cut<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        if !self.happens(&self.0.cancel) {
            return Some(future.await);
        }
        let (by_time, polls, time) =
            self.choose(|chance| (chance.percent(50), chance.below(12), chance.millis(0..30)));
        if by_time {
            return tokio::time::timeout(time, future).await.ok();
        }
        let (mut future, mut left) = (pin!(future), polls);
        poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(None);
            }
            left -= 1;
            future.as_mut().poll(context).map(Some)
        })
        .await
    }

    /// Waits until the dispatcher is to be dropped.
    pub(super) async fn dispatcher_cut(&self) {
        loop {
            tokio::time::sleep(self.choose(|chance| chance.millis(20..600))).await;
            if self.0.cancel.load(Relaxed) > 0 {
                return;
            }
        }
    }
}

/// The machine's clock, set wrong. What rests by the monotonic clock rests a tenth as long.
pub(super) struct WrongClock(pub(super) Whims);

impl Clock for WrongClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + TimeDelta::milliseconds(self.0.0.clock.load(Relaxed))
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic() * SPEED
    }
}

/// The host's tables behind a connection that panics, hangs and fails.
pub(super) struct BadDirectory(pub(super) TableDirectory, pub(super) Whims);

impl BadDirectory {
    async fn trouble(&self) -> Result<(), DirectoryError> {
        let Self(_, whims) = self;
        if !whims.happens(&whims.0.directory) {
            return Ok(());
        }
        match whims.choose(|chance| chance.below(3)) {
            0 => panic!("the directory panics {ON_PURPOSE}"),
            1 => pending().await,
            _ => Err(DirectoryError::new("fails on purpose")),
        }
    }
}

#[async_trait]
impl Directory for BadDirectory {
    async fn complex_of(
        &self,
        organization: OrganizationId,
        property: PropertyId,
    ) -> Result<Option<ComplexId>, DirectoryError> {
        self.trouble().await?;
        self.0.complex_of(organization, property).await
    }

    async fn contacts(
        &self,
        organization: OrganizationId,
        renters: &[RenterId],
    ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError> {
        self.trouble().await?;
        self.0.contacts(organization, renters).await
    }
}

/// The channel, which panics and hangs before or after a message went out, and tells of every answer that reached
/// the dispatcher.
pub(super) struct BadNotifier {
    /// The channel.
    pub(super) inner: Arc<CloudApi>,
    /// What goes wrong.
    pub(super) whims: Whims,
    /// The dispatcher's number.
    pub(super) run: u32,
}

#[async_trait]
impl Notifier for BadNotifier {
    async fn notify(&self, message: &Outgoing) -> Result<Receipt, NotifyError> {
        say(&Told::Sending(message.notification_id, SystemClock.now().timestamp_micros()));
        let bad = self.whims.happens(&self.whims.0.notifier);
        let (after, hangs) = self.whims.choose(|chance| (chance.percent(50), chance.percent(50)));
        if bad && after {
            // The message goes out, and its answer is lost here.
            let _ = self.inner.notify(message).await;
        }
        if bad && hangs {
            return pending().await;
        }
        assert!(!bad, "the notifier panics {ON_PURPOSE}");
        let answer = self.inner.notify(message).await;
        if let Ok(receipt) = &answer {
            say(&Told::Answered(self.run, receipt.provider_message_id.clone()));
        }
        answer
    }

    fn template(&self, message: &Outgoing) -> Option<String> {
        self.inner.template(message)
    }
}
