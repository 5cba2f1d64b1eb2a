//! The use cases.

mod acting;
mod assign;
mod batch;
mod complexes;
mod conversation;
mod deliveries;
mod edit;
mod error;
mod events;
mod export;
mod filing;
mod forget;
mod hold;
mod import;
mod import_line;
mod joining;
mod lists;
mod opting_out;
mod problem;
mod receiving;
mod renters;
mod replying;
#[cfg_attr(not(feature = "tokio"), expect(dead_code, reason = "only a dispatcher asks what rests"))]
mod rests;
mod retention;
mod reused;
mod seen;
mod status;
mod subject;
mod submit;
mod tries;
mod wake;
mod workers;

use std::{collections::BTreeSet, fmt, sync::Arc};

use chrono::{DateTime, Utc};

pub use acting::ActingAs;
pub use assign::{Assign, Assigned};
pub use batch::Reassigned;
#[cfg(feature = "tokio")]
pub(crate) use deliveries::apply_deliveries;
pub use edit::Edit;
pub use error::Error;
pub use events::Events;
pub use hold::NewHold;
pub use import::{ImportReport, RefusedLine};
use joining::Joining;
pub use problem::ProblemDetails;
pub use receiving::{ReceiveReport, Receiver};
pub use rests::Pause;
use rests::Rests;
#[cfg(feature = "tokio")]
pub(crate) use rests::Troubled;
pub use reused::{Difference, Reused};
pub use status::Move;
pub use submit::{Submission, Submitted};
use wake::Wake;

use crate::{
    model::RenterNews,
    ports::{Clock, Directory, Organizations, Repository, SystemClock},
    rules::SelectionPolicy,
    values::{ChannelTable, Channels, IdSource, OrganizationId, RandomIds, time},
};

/// The engine: every use case over one store.
///
/// Cheap to clone. A process usually has one.
pub struct Maintenance<R> {
    pub(crate) repository: R,
    pub(crate) shared: Shared,
    /// Where submits join; none inside a host's transaction.
    joining: Option<Arc<Joining>>,
}

/// What every use case and every dispatcher of an engine shares.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) channels: Arc<dyn Channels>,
    pub(crate) news: Arc<dyn RenterNews>,
    pub(crate) wake: Arc<Wake>,
    pub(crate) rests: Arc<Rests>,
    policy: SelectionPolicy,
}

impl Shared {
    pub(crate) fn now(&self) -> DateTime<Utc> {
        time::whole_micros(self.clock.now())
    }
}

impl<R: Repository> Maintenance<R> {
    /// An engine over that store and the host's directory, with the machine's clock, random ids and the
    /// default selection policy.
    pub fn new(repository: R, directory: impl Directory + 'static) -> Self {
        let shared = Shared {
            directory: Arc::new(directory),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            channels: Arc::new(ChannelTable::default()),
            news: Arc::new(BTreeSet::new()),
            wake: Arc::default(),
            rests: Arc::default(),
            policy: SelectionPolicy::default(),
        };
        Self { repository, shared, joining: Some(Arc::default()) }
    }

    /// With another clock, as in tests.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.shared.clock = Arc::new(clock);
        self
    }

    /// With another source of ids, as in tests.
    #[must_use]
    pub fn with_ids(mut self, ids: impl IdSource + 'static) -> Self {
        self.shared.ids = Arc::new(ids);
        self
    }

    /// With several channels: each new message goes out by the one that this names. Without it every message goes out by
    /// [`Channel::DEFAULT`](crate::Channel::DEFAULT). [`Channels`] has an example.
    #[must_use]
    pub fn with_channels(mut self, channels: impl Channels + 'static) -> Self {
        self.shared.channels = Arc::new(channels);
        self
    }

    /// With messages to renters about their own requests: those news of them that this names, through the same outbox as the
    /// messages to workers. A renter isn't told of what they did themselves, and news that is no longer so when its turn
    /// comes isn't sent. Without it no renter is told anything. [`RenterNews`] has an example.
    ///
    /// The renter's number is the one that [`Directory::contacts`](crate::Directory::contacts) says when the message goes
    /// out; without one it fails with the code `no_number`.
    #[must_use]
    pub fn with_renter_news(mut self, news: impl RenterNews + 'static) -> Self {
        self.shared.news = Arc::new(news);
        self
    }

    /// With another selection policy.
    #[must_use]
    pub fn with_policy(mut self, policy: SelectionPolicy) -> Self {
        self.shared.policy = policy;
        self
    }

    /// The same engine for that organisation: everything that it reads and writes is that organisation's, and what
    /// belongs to another is not found, whichever id is given. Cheap, so a host with several customers in shared tables
    /// calls it per request that it serves. A host with one customer never does.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Organizations>, tenant: OrganizationId, id: RequestId) -> Result<(), Error> {
    /// let request = maintenance.of(tenant).request(id).await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn of(&self, organization: OrganizationId) -> Self
    where
        R: Organizations,
    {
        let repository = self.repository.of(organization);
        Self { repository, shared: self.shared.clone(), joining: self.joining.clone() }
    }

    /// The organisation whose engine this is.
    pub fn organization(&self) -> OrganizationId {
        self.repository.organization()
    }

    /// The same engine over another store: over the host's open transaction, so that the host's rows and the
    /// engine's commit together. It is that of the same organisation.
    ///
    /// Two rules hold while the transaction is open, since it holds one of the pool's connections: where each of
    /// several transactions waits for a further one, none gets it.
    ///
    /// 1. Resolve the property's complex before you begin. This engine never asks the [`Directory`], so
    ///    [`submit`](Self::submit) and [`submit_many`](Self::submit_many) need its
    ///    [`complex_id`](crate::NewRequest::complex_id), and refuse the request without it.
    /// 2. Call nothing else that takes a connection from the pool, be it this engine over the pool or a query of your
    ///    own, until the transaction has ended.
    ///
    /// A dispatcher sees nothing before the host commits. Call [`wake`](Self::wake) after the commit to have
    /// the message sent at once rather than at the next poll.
    #[expect(clippy::needless_pass_by_value, reason = "the view takes the place of what is handed over")]
    pub fn within<T: Organizations>(&self, repository: T) -> Maintenance<T> {
        let repository = repository.of(self.organization());
        Maintenance { repository, shared: self.shared.clone(), joining: None }
    }

    /// An engine for another customer, over a store and a directory of that customer's own: for a host with a schema or a
    /// file per customer. Clock, ids, channels and policy are this engine's, and so is what is known of resting channels:
    /// one that stops is probed by one of the engines, and not by each. Submits of one wake its own dispatchers alone.
    ///
    /// A channel's name therefore means one number in all of them. Where each customer has a number of their own, give each
    /// engine its channel. Of a webhook's updates, hand each to the engine of its `channel`:
    ///
    /// ```
    /// # use std::collections::HashMap;
    /// # use maintenance_core::*;
    /// # fn add(first: &Maintenance<impl Repository>, store: impl Repository, directory: impl Directory + 'static) -> Result<(), Rule> {
    /// let own = Channel::new("customer-17")?;
    /// let engine = first.beside(store, directory).with_channels(move |_, _| own.clone());
    /// # Ok(()) }
    ///
    /// /// What one webhook for all customers does; `Numbers::receive` of maintenance-whatsapp names the channels.
    /// async fn apply<R: Repository>(
    ///     engines: &HashMap<Channel, Maintenance<R>>,
    ///     updates: Vec<DeliveryUpdate>,
    /// ) -> Result<(), Error> {
    ///     let mut by_channel = HashMap::<Channel, Vec<DeliveryUpdate>>::new();
    ///     for update in updates {
    ///         by_channel.entry(update.channel.clone()).or_default().push(update);
    ///     }
    ///     for (channel, updates) in by_channel {
    ///         if let Some(engine) = engines.get(&channel) {
    ///             engine.record_deliveries(&updates).await?; // on an error answer 503, and all of it comes again
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// That a channel's pause needs a person is written as an event into the store of whichever engine met it.
    #[must_use]
    pub fn beside<T: Repository>(
        &self,
        repository: T,
        directory: impl Directory + 'static,
    ) -> Maintenance<T> {
        let (directory, wake) = (Arc::new(directory), Arc::default());
        let shared = Shared { directory, wake, ..self.shared.clone() };
        Maintenance { repository, shared, joining: Some(Arc::default()) }
    }

    /// Whether this engine may ask the host's directory: not inside the host's transaction, which holds a connection
    /// that the directory's query could wait for.
    fn asks_directory(&self) -> bool {
        self.joining.is_some()
    }

    /// Tells a running dispatcher of this process that there may be something to send.
    pub fn wake(&self) {
        self.shared.wake.nudge();
    }

    /// The time now by the engine's clock, UTC in whole microseconds.
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.now()
    }

    /// The store.
    pub fn repository(&self) -> &R {
        &self.repository
    }
}

impl<R: Clone> Clone for Maintenance<R> {
    fn clone(&self) -> Self {
        let joining = self.joining.clone();
        Self { repository: self.repository.clone(), shared: self.shared.clone(), joining }
    }
}

impl<R> fmt::Debug for Maintenance<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Maintenance").field("policy", &self.shared.policy).finish_non_exhaustive()
    }
}
