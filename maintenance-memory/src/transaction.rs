//! A transaction on the store in memory, to be lent to the engine as a host lends its database's.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex},
};

use maintenance_core::{RepositoryError, RepositoryErrorKind, WorkerId};

use crate::{MemoryRepository, lock, store::Rows};

/// An open transaction on a [`MemoryRepository`], so that a host's handler that lends its transaction to the
/// engine can be tested without a database.
///
/// [`MemoryRepository::in_transaction`] reads the rows as they were when the transaction began, and its own
/// writes. Nobody else sees these before [`commit`](Self::commit); dropping the transaction discards them.
///
/// ```
/// # use maintenance_core::{Maintenance, NewRequest, RequestForm};
/// # use maintenance_memory::{MemoryRepository, TableDirectory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), maintenance_core::Error> {
/// # let (store, directory) = (MemoryRepository::new(), TableDirectory::new());
/// # let (renter, property) = (directory.renter("Renter One", "+12025550100"), directory.property(1));
/// # let form = RequestForm::new("The sink leaks", "Water under it.", "Kitchen");
/// # let request = NewRequest::new(renter, property, form).complex(directory.complex(1));
/// # let maintenance = Maintenance::new(store.clone(), directory);
/// let mut tx = store.begin();
/// let filed = maintenance.within(MemoryRepository::in_transaction(&mut tx)).submit(request).await?;
/// assert!(maintenance.request(filed.request.id).await.is_err(), "nobody else sees it yet");
/// tx.commit()?;
/// assert!(maintenance.request(filed.request.id).await.is_ok());
/// # Ok(())
/// # }
/// ```
///
/// It is simpler than a database's transaction:
///
/// - It takes no locks. Where the second writer of a row would wait in PostgreSQL, here both write, and the
///   second to commit gets the conflict then.
/// - It doesn't see what others commit after it began.
/// - It holds the engine's rows alone. Your own rows need a transaction of their own, or none in a test.
/// - It is a copy of all rows, so beginning one takes as long as the store is large.
pub struct MemoryTransaction {
    base: MemoryRepository<'static>,
    /// The rows as they were when it began.
    before: Rows,
    pub(crate) own: Arc<Mutex<Rows>>,
}

impl MemoryTransaction {
    pub(crate) fn begin(base: MemoryRepository<'static>) -> Self {
        let before = base.rows().clone();
        let own = Arc::new(Mutex::new(before.clone()));
        Self { base, before, own }
    }

    /// Applies every write, or none.
    ///
    /// # Errors
    ///
    /// `Conflict` when, since the transaction began, somebody else wrote a row that it wrote, set the status of a
    /// worker to whom it filed a message, or named another primary worker of a complex than it did.
    pub fn commit(self) -> Result<(), RepositoryError> {
        let own = lock(&self.own);
        let mut base = self.base.rows();
        let merged = merge_rows(&base, &self.before, &own);
        *base = merged.ok_or(RepositoryErrorKind::Conflict)?;
        Ok(())
    }
}

impl fmt::Debug for MemoryTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTransaction").finish_non_exhaustive()
    }
}

/// Everyone's rows with what the transaction wrote; `None` on a conflict.
fn merge_rows(base: &Rows, before: &Rows, own: &Rows) -> Option<Rows> {
    let mut merged = Rows {
        workers: merge(&base.workers, &before.workers, &own.workers, PartialEq::eq)?,
        assignments: merge(&base.assignments, &before.assignments, &own.assignments, PartialEq::eq)?,
        requests: merge(&base.requests, &before.requests, &own.requests, |one, other| {
            one.version == other.version
        })?,
        attachments: merge(&base.attachments, &before.attachments, &own.attachments, PartialEq::eq)?,
        comments: merge(&base.comments, &before.comments, &own.comments, PartialEq::eq)?,
        history: merge_list(&base.history, &before.history, &own.history),
        assignment_history: merge_list(
            &base.assignment_history,
            &before.assignment_history,
            &own.assignment_history,
        ),
        edits: merge_list(&base.edits, &before.edits, &own.edits),
        notifications: merge(&base.notifications, &before.notifications, &own.notifications, PartialEq::eq)?,
        newest: merge(&base.newest, &before.newest, &own.newest, PartialEq::eq)?,
        content_at: merge(&base.content_at, &before.content_at, &own.content_at, PartialEq::eq)?,
        sends: merge(&base.sends, &before.sends, &own.sends, PartialEq::eq)?,
        inbound: merge(&base.inbound, &before.inbound, &own.inbound, PartialEq::eq)?,
        known: merge(&base.known, &before.known, &own.known, PartialEq::eq)?,
        known_renters: merge(&base.known_renters, &before.known_renters, &own.known_renters, PartialEq::eq)?,
        opt_outs: merge(&base.opt_outs, &before.opt_outs, &own.opt_outs, PartialEq::eq)?,
        early: merge_list(&base.early, &before.early, &own.early),
        journal: base.journal.clone(),
        last_number: Arc::clone(&base.last_number),
        outcomes_fail: base.outcomes_fail,
        clock: base.clock.clone(),
    };
    merged.journal.merge(&before.journal, &own.journal);
    // How far a request's message has come moves no version: it follows the messages of both sides.
    for request in own.requests.values().filter(|request| before.requests.get(&request.id) != Some(*request))
    {
        merged.mirror(request.id);
    }
    let status = |rows: &Rows, worker: WorkerId| rows.workers.get(&worker).map(|worker| worker.status);
    let mut filed =
        own.notifications.values().filter(|message| !before.notifications.contains_key(&message.id));
    let recipients_stay = filed.all(|message| {
        message.to.worker().is_none_or(|worker| status(base, worker) == status(before, worker))
    });
    (recipients_stay && has_one_primary_per_complex(&merged)).then_some(merged)
}

fn has_one_primary_per_complex(rows: &Rows) -> bool {
    let primaries = rows.assignments.values().filter(|assignment| assignment.is_primary);
    let mut seen = BTreeSet::new();
    // Each organisation has its own.
    let mut complexes = primaries
        .map(|of| (rows.workers.get(&of.worker_id).map(|worker| worker.organization_id), of.complex_id));
    complexes.all(|complex| seen.insert(complex))
}

/// A table with the transaction's writes; `None` if somebody else wrote one of the same rows. A row was written
/// if it is not the `same`.
fn merge<K: Ord + Clone, V: Clone>(
    base: &BTreeMap<K, V>,
    before: &BTreeMap<K, V>,
    own: &BTreeMap<K, V>,
    same: impl Fn(&V, &V) -> bool,
) -> Option<BTreeMap<K, V>> {
    let is_written = |key, rows: &BTreeMap<K, V>| match (rows.get(key), before.get(key)) {
        (Some(now), Some(then)) => !same(now, then),
        (now, then) => now.is_some() || then.is_some(),
    };
    let mut merged = base.clone();
    for key in before.keys().chain(own.keys()).filter(|key| is_written(key, own)) {
        if is_written(key, base) {
            return None;
        }
        match own.get(key) {
            Some(row) => merged.insert(key.clone(), row.clone()),
            None => merged.remove(key),
        };
    }
    Some(merged)
}

/// A list without what the transaction took out of it, and with what it added.
fn merge_list<T: Clone + PartialEq>(base: &[T], before: &[T], own: &[T]) -> Vec<T> {
    let kept = base.iter().filter(|row| own.contains(row) || !before.contains(row));
    let added = own.iter().filter(|row| !before.contains(row));
    kept.chain(added).cloned().collect()
}
