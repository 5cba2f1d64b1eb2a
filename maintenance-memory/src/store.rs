//! The store itself: plain maps behind one lock.

use std::{
    cmp::Ordering,
    collections::BTreeMap,
    fmt,
    marker::PhantomData,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use chrono::{DateTime, Utc};
use maintenance_core::{
    AssignmentChange, Attachment, AttachmentId, Channel, Clock, Comment, CommentId, ComplexAssignment,
    ComplexId, DeliveryUpdate, EditedField, Inserted, KeptInbound, Listing, Notification, NotificationId,
    NotificationKind, OrganizationId, Organizations, Position, Priority, RepositoryError,
    RepositoryErrorKind, Request, RequestId, RequestNumber, Slice, StatusChange, WhatsAppStatus, Worker,
    WorkerId, WorkerStatus,
};

use crate::{
    MemoryTransaction,
    events::Journal,
    inbound::{Known, RenterOf},
    lock,
};

/// A store in memory, for tests: `MemoryRepository<'static>`, or that of an open transaction. Clones share their
/// rows; each method holds the lock for its whole step.
#[derive(Clone, Default)]
pub struct MemoryRepository<'t> {
    rows: Arc<Mutex<Rows>>,
    pub(crate) organization: OrganizationId,
    transaction: PhantomData<&'t mut MemoryTransaction>,
}

/// Every table.
#[derive(Clone, Default)]
pub(crate) struct Rows {
    pub(crate) workers: BTreeMap<WorkerId, Worker>,
    pub(crate) assignments: BTreeMap<(ComplexId, WorkerId), ComplexAssignment>,
    pub(crate) requests: BTreeMap<RequestId, Request>,
    pub(crate) attachments: BTreeMap<AttachmentId, Attachment>,
    pub(crate) comments: BTreeMap<CommentId, Comment>,
    pub(crate) history: Vec<StatusChange>,
    pub(crate) assignment_history: Vec<AssignmentChange>,
    pub(crate) edits: Vec<EditedField>,
    pub(crate) notifications: BTreeMap<NotificationId, Notification>,
    /// Each request's assignment message that was filed last. Their times don't say: a message that repeats a failed one
    /// moves no time of its request, so while a clock stands still the next step has the same.
    pub(crate) newest: BTreeMap<RequestId, NotificationId>,
    /// The `updated_at` of the request with which each message was last taken from the outbox.
    pub(crate) content_at: BTreeMap<NotificationId, DateTime<Utc>>,
    /// The message of each provider id of a channel.
    pub(crate) sends: BTreeMap<(Channel, String), NotificationId>,
    /// Webhook updates whose message isn't known yet, with the time of receipt.
    pub(crate) early: Vec<(DateTime<Utc>, DeliveryUpdate)>,
    /// Messages from phones by channel and provider's id.
    pub(crate) inbound: BTreeMap<(Channel, String), KeptInbound>,
    /// What is known of each worker on a channel.
    pub(crate) known: BTreeMap<(WorkerId, Channel), Known>,
    /// What is known of each renter on a channel, with the request that they were last written to about.
    pub(crate) known_renters: BTreeMap<(RenterOf, Channel), (RequestId, Known)>,
    /// The renters who want no news, and since when.
    pub(crate) opt_outs: BTreeMap<RenterOf, DateTime<Utc>>,
    /// Events, and who follows them.
    pub(crate) journal: Journal,
    /// The last number that was given to a request. All transactions share it, so that two open ones give different
    /// numbers, and so do all organisations, since numbers may be left out.
    pub(crate) last_number: Arc<AtomicU32>,
    /// Whether outcomes can't be recorded.
    pub(crate) outcomes_fail: bool,
    /// The store's own clock, if it was given one.
    pub(crate) clock: Option<Arc<dyn Clock>>,
}

impl MemoryRepository<'static> {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a transaction.
    pub fn begin(&self) -> MemoryTransaction {
        MemoryTransaction::begin(self.clone())
    }

    /// Makes `record_outcomes` fail, as on a full disk, or lets it succeed again.
    pub fn set_outcomes_failing(&self, fail: bool) {
        self.rows().outcomes_fail = fail;
    }

    /// Gives the store a clock of its own, as a database server has.
    pub fn set_clock(&self, clock: impl Clock + 'static) {
        self.rows().clock = Some(Arc::new(clock));
    }
}

impl<'t> MemoryRepository<'t> {
    /// The store inside an open transaction: it sees what was there when the transaction began and what was
    /// written in it, and what it writes is seen by others once the transaction is committed.
    pub fn in_transaction(transaction: &'t mut MemoryTransaction) -> Self {
        Self { rows: transaction.own.clone(), organization: OrganizationId::NONE, transaction: PhantomData }
    }

    /// Whether what is that organisation's is seen here.
    pub(crate) fn sees(&self, organization: OrganizationId) -> bool {
        self.organization == organization
    }

    pub(crate) fn has_worker(&self, rows: &Rows, id: WorkerId) -> bool {
        rows.workers.get(&id).is_some_and(|worker| self.sees(worker.organization_id))
    }

    pub(crate) fn has_request(&self, rows: &Rows, id: RequestId) -> bool {
        rows.requests.get(&id).is_some_and(|request| self.sees(request.organization_id))
    }

    pub(crate) fn rows(&self) -> MutexGuard<'_, Rows> {
        lock(&self.rows)
    }
}

impl Organizations for MemoryRepository<'_> {
    fn of(&self, organization: OrganizationId) -> Self {
        Self { organization, ..self.clone() }
    }
}

impl Rows {
    /// A number that no request has.
    pub(crate) fn next_number(&self) -> RequestNumber {
        RequestNumber::new(self.last_number.fetch_add(1, Relaxed).saturating_add(1))
    }

    /// The guard of a step that sends a message: its worker must be active.
    pub(crate) fn check_recipient(&self, notification: Option<&Notification>) -> Result<(), RepositoryError> {
        let active = notification.is_none_or(|notification| {
            let worker = notification.to.worker().and_then(|worker| self.workers.get(&worker));
            let ours = worker.filter(|worker| worker.organization_id == notification.organization_id);
            ours.is_some_and(|worker| worker.status == WorkerStatus::Active)
        });
        if active { Ok(()) } else { Err(RepositoryErrorKind::Conflict.into()) }
    }

    pub(crate) fn add_notification(&mut self, notification: Option<&Notification>) {
        let Some(notification) = notification else { return };
        if notification.kind == NotificationKind::Assignment {
            self.newest.insert(notification.request_id, notification.id);
        }
        self.notifications.insert(notification.id, notification.clone());
    }

    /// Gives a request's waiting messages that priority, save those under a lease.
    pub(crate) fn prioritize(&mut self, request: RequestId, priority: Priority) {
        let waiting = self
            .notifications
            .values_mut()
            .filter(|n| n.request_id == request && n.status == WhatsAppStatus::Pending && n.lease.is_none());
        for notification in waiting {
            notification.priority = priority;
        }
    }

    /// A request's notifications, oldest first.
    pub(crate) fn notifications_of(&self, request: RequestId) -> Vec<&Notification> {
        let mut of: Vec<_> = self.notifications.values().filter(|n| n.request_id == request).collect();
        of.sort_by_key(|notification| (notification.created_at, notification.id));
        of
    }

    /// A request's newest assignment message.
    pub(crate) fn newest(&self, request: RequestId) -> Option<&Notification> {
        self.notifications.get(self.newest.get(&request)?)
    }

    /// Makes the request show how far its newest assignment message has come.
    pub(crate) fn mirror(&mut self, request: RequestId) {
        let newest = self.newest(request);
        let Some((id, status)) = newest.map(|newest| (newest.provider_message_id.clone(), newest.status))
        else {
            return;
        };
        if let Some(request) = self.requests.get_mut(&request) {
            request.whatsapp_message_id = id;
            request.whatsapp_status = status;
        }
    }
}

/// Inserts unless the key is taken.
pub(crate) fn insert<K: Ord, V: Clone>(table: &mut BTreeMap<K, V>, key: K, value: &V) -> Inserted<V> {
    if let Some(stored) = table.get(&key) {
        return Inserted::Existing(stored.clone());
    }
    table.insert(key, value.clone());
    Inserted::New
}

/// A slice of the rows, ordered by comparing their positions.
pub(crate) fn slice<T: Clone>(
    rows: impl Iterator<Item = T>,
    position: impl Fn(&T) -> Position,
    compare: impl Fn(&Position, &Position) -> Ordering,
    slice: Slice,
) -> Listing<T> {
    let mut rows: Vec<T> = rows.collect();
    rows.sort_by(|one, other| compare(&position(one), &position(other)));
    rows.retain(|row| slice.after.is_none_or(|after| compare(&position(row), &after).is_gt()));
    rows.truncate(slice.limit as usize);
    Listing { items: rows, corrupt: Vec::new() }
}

impl fmt::Debug for MemoryRepository<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRepository")
            .field("requests", &self.rows().requests.len())
            .finish_non_exhaustive()
    }
}
