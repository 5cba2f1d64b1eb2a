//! What the test knows of an ordeal besides what the store holds: what was told, and when.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard},
};

use chrono::{DateTime, Utc};
use maintenance_core::{Clock as _, NotificationId, RequestId, RequestStatus, SystemClock, WhatsAppStatus};

use super::lines::Told;

/// A dispatcher: the process, counted from 0, and its number there.
pub(super) type Run = (u32, u32);

/// Everything told so far.
#[derive(Default)]
pub(super) struct Ledger(Mutex<Entries>);

/// The entries.
#[derive(Default)]
pub(super) struct Entries {
    /// Requests whose submit was begun.
    pub(super) tried: BTreeSet<RequestId>,
    /// Requests whose submit was acknowledged.
    pub(super) filed: BTreeSet<RequestId>,
    /// Requests with which something else was done, or tried.
    pub(super) touched: BTreeSet<RequestId>,
    /// Acknowledged status changes.
    pub(super) moved: Vec<(RequestId, RequestStatus)>,
    /// When sends of a message were begun.
    pub(super) sending: BTreeMap<NotificationId, Vec<DateTime<Utc>>>,
    /// Answers of the channel that reached a dispatcher, by the channel's id of the message.
    pub(super) answered: BTreeMap<String, (Run, DateTime<Utc>)>,
    /// When dispatchers ended.
    pub(super) ended: BTreeMap<Run, DateTime<Utc>>,
    /// Statuses that named our message and were answered 200, by the channel's id, and when the first was.
    pub(super) heard: BTreeMap<String, (DateTime<Utc>, Vec<String>)>,
    /// When the process's clock went forward.
    pub(super) jumps: Vec<DateTime<Utc>>,
    /// How many lines were told.
    pub(super) lines: u64,
    /// How many calls failed.
    pub(super) failed: usize,
    /// What no fault excuses.
    pub(super) broken: Vec<String>,
    /// How far messages were seen to have come.
    pub(super) seen: BTreeMap<NotificationId, WhatsAppStatus>,
    /// Messages that were seen to go back.
    pub(super) backwards: Vec<String>,
    running: BTreeSet<Run>,
}

/// The time now.
pub(super) fn now() -> DateTime<Utc> {
    SystemClock.now()
}

impl Ledger {
    /// The entries, to read and to write.
    pub(super) fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap()
    }

    /// Takes down a line of a process.
    pub(super) fn hear(&self, epoch: u32, told: Told) {
        let mut entries = self.entries();
        entries.lines += 1;
        match told {
            Told::Trying(id) => _ = entries.tried.insert(id),
            Told::Filed(id) => _ = entries.filed.insert(id),
            Told::Touching(id) => _ = entries.touched.insert(id),
            Told::Moved(id, to) => entries.moved.push((id, to)),
            Told::Running(n) => _ = entries.running.insert((epoch, n)),
            Told::Dropped(n) => {
                entries.running.remove(&(epoch, n));
                entries.ended.insert((epoch, n), now());
            }
            Told::Sending(id, at) => {
                let at = DateTime::from_timestamp_micros(at);
                entries.sending.entry(id).or_default().extend(at);
            }
            Told::Answered(n, id) => _ = entries.answered.insert(id, ((epoch, n), now())),
            Told::Failed => entries.failed += 1,
            Told::Broken(what) => entries.broken.push(what),
            Told::Listening(_) | Told::Quiet => {}
        }
    }

    /// The process was killed at that time.
    pub(super) fn killed(&self, at: DateTime<Utc>) {
        let mut entries = self.entries();
        for run in std::mem::take(&mut entries.running) {
            entries.ended.insert(run, at);
        }
    }

    /// Submits that no process has told the end of.
    pub(super) fn unanswered(&self) -> Vec<RequestId> {
        let entries = self.entries();
        entries.tried.difference(&entries.filed).copied().collect()
    }

    /// A message was seen this far.
    pub(super) fn see(&self, id: NotificationId, status: WhatsAppStatus) {
        let mut entries = self.entries();
        let before = entries.seen.insert(id, status);
        if let Some(before) = before.filter(|before| before.progress() > status.progress()) {
            entries.backwards.push(format!("message {id} went from {before} back to {status}"));
        }
    }
}
