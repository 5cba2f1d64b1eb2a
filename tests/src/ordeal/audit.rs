//! Holds the store against what was told and against what the phones got.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use maintenance_core::{
    Maintenance, Notification, NotificationId, NotificationKind, PageRequest, Request, RequestFilter,
    RequestRecord, RequestStatus, TRANSITIONS, WhatsAppStatus,
};
use maintenance_whatsapp::fake::FakeMessage;

use super::{
    ledger::{Entries, Ledger},
    scene::{HOLD, LEAD},
};
use crate::databases::Store;

/// What an audit found. A list names each case.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// How often the fault struck.
    pub strikes: usize,
    /// How many calls failed or were given up.
    pub failed: usize,
    /// Requests whose submit was acknowledged.
    pub requests: usize,
    /// Messages that phones got.
    pub sent: usize,
    /// What was acknowledged and isn't there.
    pub lost: Vec<String>,
    /// What the rules don't allow.
    pub illegal: Vec<String>,
    /// Copies whose original nobody could know of.
    pub copies_allowed: usize,
    /// Copies that should not have gone out.
    pub copies: Vec<String>,
}

type Phones<'m> = BTreeMap<NotificationId, Vec<&'m FakeMessage>>;

/// Audits a store in which nothing is under way.
pub(super) async fn audit(
    maintenance: &Maintenance<Store>,
    ledger: &Ledger,
    messages: &[Arc<FakeMessage>],
) -> Tally {
    let mut phones = Phones::new();
    let mut tally = Tally { sent: messages.len(), ..Tally::default() };
    for message in messages {
        match message.notification_id() {
            Some(id) => phones.entry(id).or_default().push(message),
            None => tally.illegal.push(format!("{} names no message of ours", message.wamid)),
        }
    }
    let stored = all_requests(maintenance, &mut tally).await;
    let mut records = Vec::new();
    for request in &stored {
        match maintenance.record(request.id).await {
            Ok(record) => records.push(record),
            Err(error) => tally.illegal.push(format!("{} can't be read: {error}", request.id)),
        }
    }
    let entries = ledger.entries();
    tally.failed = entries.failed;
    tally.requests = entries.filed.len();
    tally.illegal.extend(entries.broken.iter().cloned());
    tally.illegal.extend(entries.backwards.iter().cloned());
    submits(&entries, &records, &mut tally);
    let mut known = BTreeSet::new();
    for record in &records {
        history(record, &entries, &mut tally);
        mirror(record, &mut tally);
        reached(record, &phones, &mut tally);
        for message in &record.notifications {
            known.insert(message.id);
            let got = phones.get(&message.id).map_or(&[][..], Vec::as_slice);
            news(message, got, &entries, &mut tally);
            copies(message.id, got, &entries, &mut tally);
        }
    }
    let strangers = phones.keys().filter(|id| !known.contains(id));
    tally.illegal.extend(strangers.map(|id| format!("message {id} went out and isn't in the store")));
    tally
}

async fn all_requests(maintenance: &Maintenance<Store>, tally: &mut Tally) -> Vec<Request> {
    let (mut all, mut page) = (Vec::new(), PageRequest::first(200));
    loop {
        let listed = maintenance.requests(&RequestFilter::default(), &page).await.unwrap();
        all.extend(listed.items);
        tally.illegal.extend(listed.corrupt.iter().map(ToString::to_string));
        match listed.next {
            Some(next) => page.after = Some(next),
            None => return all,
        }
    }
}

/// Every acknowledged submit is in the store once, and nothing else is.
fn submits(entries: &Entries, records: &[RequestRecord], tally: &mut Tally) {
    let mut times = BTreeMap::new();
    for record in records {
        *times.entry(record.request.id).or_insert(0) += 1;
    }
    for id in &entries.filed {
        if !times.contains_key(id) {
            tally.lost.push(format!("request {id} was acknowledged and isn't there"));
        }
    }
    for (id, times) in times {
        if times != 1 || !entries.tried.contains(&id) {
            tally.illegal.push(format!("request {id} is there {times} times"));
        }
    }
    for record in records.iter().filter(|record| !entries.touched.contains(&record.request.id)) {
        let RequestRecord { request, notifications, .. } = record;
        let assigned = usize::from(request.assigned_worker_id.is_some());
        if notifications.len() != assigned || request.version != 1 {
            let n = notifications.len();
            tally.illegal.push(format!("request {} was only submitted and has {n} messages", request.id));
        }
    }
}

/// The history is a path of the table that ends in the request's status and holds what was acknowledged.
fn history(RequestRecord { request, history, .. }: &RequestRecord, entries: &Entries, tally: &mut Tally) {
    let (id, mut at, mut time) = (request.id, RequestStatus::Pending, request.created_at);
    for change in history {
        let (from, to) = (change.previous_status, change.new_status);
        let in_table = TRANSITIONS.iter().any(|row| row.from == from && row.to == to);
        if from != at || !in_table || change.changed_at <= time {
            tally.illegal.push(format!("request {id} went from {from} to {to} when it was {at}"));
        }
        (at, time) = (to, change.changed_at);
    }
    if at != request.status {
        tally.illegal.push(format!("request {id} is {} and its history ends in {at}", request.status));
    }
    if request.completed_at.is_some() != (request.status == RequestStatus::Completed) {
        tally.illegal.push(format!("request {id} is {} and completed_at doesn't say so", request.status));
    }
    for to in RequestStatus::ALL {
        let told = entries.moved.iter().filter(|moved| **moved == (id, *to)).count();
        let there = history.iter().filter(|change| change.new_status == *to).count();
        if told > there {
            tally.lost.push(format!("request {id} became {to} {told} times, and {there} are in its history"));
        }
    }
}

fn newest(record: &RequestRecord) -> Option<&Notification> {
    let mut messages = record.notifications.iter().rev();
    messages.find(|message| message.kind == NotificationKind::Assignment)
}

/// The request shows the state of its newest message.
fn mirror(record: &RequestRecord, tally: &mut Tally) {
    let request = &record.request;
    let shown = (request.whatsapp_status, request.whatsapp_message_id.as_deref());
    let is = newest(record).map_or((WhatsAppStatus::Pending, None), |message| {
        (message.status, message.provider_message_id.as_deref())
    });
    if shown != is {
        tally.illegal.push(format!("request {} shows {shown:?}, its message is {is:?}", request.id));
    }
}

/// The newest message went out, unless what it says is so no more.
fn reached(record: &RequestRecord, phones: &Phones<'_>, tally: &mut Tally) {
    let request = &record.request;
    let Some(message) = newest(record) else {
        if request.assigned_worker_id.is_some() {
            tally.lost.push(format!("request {} has a worker and no message", request.id));
        }
        return;
    };
    if request.assigned_worker_id.is_some_and(|worker| message.to != worker.into()) {
        tally.lost.push(format!("request {}: its worker has no message", request.id));
    }
    let withdrawn = message.error.as_ref().is_some_and(|error| error.code == "withdrawn");
    let moot = !request.status.is_open() || request.assigned_worker_id.is_none();
    let excused = withdrawn && moot;
    if !phones.contains_key(&message.id) && !excused {
        let (status, error) = (message.status, &message.error);
        tally.lost.push(format!("message {} never went out: it is {status}, {error:?}", message.id));
    }
}

/// The message is at least as far as a webhook said that was answered with 200.
fn news(message: &Notification, got: &[&FakeMessage], entries: &Entries, tally: &mut Tally) {
    let heard = got.iter().filter_map(|copy| entries.heard.get(&copy.wamid)).flat_map(|heard| &heard.1);
    let told = heard.filter_map(|word| word.parse::<WhatsAppStatus>().ok());
    let furthest = told.max_by_key(|status| status.progress());
    if let Some(told) = furthest.filter(|told| told.progress() > message.status.progress()) {
        tally.lost.push(format!("message {} is {}, and a webhook said {told}", message.id, message.status));
    }
}

/// Each second copy is allowed only where nobody alive knew of those before it.
fn copies(id: NotificationId, got: &[&FakeMessage], entries: &Entries, tally: &mut Tally) {
    let mut got = got.to_vec();
    got.sort_by_key(|copy| copy.at);
    for (n, copy) in got.iter().enumerate().skip(1) {
        match got[..n].iter().find_map(|before| why_not(before, copy, entries)) {
            Some(why) => tally.copies.push(format!("message {id}, copy {}: {why}", n + 1)),
            None => tally.copies_allowed += 1,
        }
    }
}

/// Why a copy should not have gone out after that one.
fn why_not(before: &FakeMessage, copy: &FakeMessage, entries: &Entries) -> Option<String> {
    let after = |from: DateTime<Utc>, to: DateTime<Utc>| (to - from).num_milliseconds();
    let (begun, again) = (begun(before, entries), begun(copy, entries));
    let apart = after(begun, again);
    if let Some((run, at)) = entries.answered.get(&before.wamid) {
        // A dispatcher that ends within the hold of an answer may not have been able to record it.
        let ended = entries.ended.get(run).filter(|end| after(*at, **end) <= millis(HOLD));
        if ended.is_none_or(|end| *end > again) {
            return Some(format!("{apart} ms after one whose answer dispatcher {run:?} knew and lived on"));
        }
    }
    // A clock that went forward makes the hold shorter.
    let claimed = begun - LEAD;
    if entries.jumps.iter().any(|jump| claimed <= *jump && *jump <= again) {
        return None;
    }
    let hold = millis(HOLD) - millis(LEAD);
    if apart < hold {
        return Some(format!("only {apart} ms after one whose hold can't have been over"));
    }
    let (heard, _) = entries.heard.get(&before.wamid)?;
    let in_time = after(begun, *heard) <= hold || after(*heard, again) >= millis(LEAD);
    in_time.then(|| {
        let heard = after(begun, *heard);
        format!("{apart} ms after one of which a webhook had told after {heard} ms")
    })
}

/// When the send of a copy was begun: the last before it arrived.
fn begun(copy: &FakeMessage, entries: &Entries) -> DateTime<Utc> {
    let id = copy.notification_id();
    let sends = id.and_then(|id| entries.sending.get(&id)).into_iter().flatten();
    sends.filter(|at| **at <= copy.at).max().copied().unwrap_or(copy.at)
}

fn millis(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
