//! Whether a record can be taken over: what must hold between its rows.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    model::{RequestRecord, RequestStatus},
    values::{Invalid, OrganizationId, RequestId},
};

use super::transition::{Refusal, TRANSITIONS};

/// Checks that the record could have come about by the engine's own rules: its histories are paths that end where the
/// request is, its times are in order and not in the future, and its rows are its own. A note that the table asks for may
/// be missing, since other systems ask for none.
///
/// # Errors
///
/// Everything that is wrong, by field.
pub(crate) fn check_import(
    record: &RequestRecord,
    organization: OrganizationId,
    now: DateTime<Utc>,
) -> Result<(), Invalid> {
    let request = &record.request;
    let mut check = Check { invalid: Invalid::default(), request: request.id };
    if request.organization_id != organization {
        check.wrong("request.organization_id", "is not the organisation that imports; leave it out");
    }
    if request.version == 0 || i32::try_from(request.version).is_err() {
        check.wrong("request.version", format!("is {}; it must be 1 to {}", request.version, i32::MAX));
    }
    if let Err(rule) = request.check() {
        check.wrong("request.completed_at", rule.to_string());
    }
    check.time("request.created_at", request.created_at, DateTime::UNIX_EPOCH, now);
    check.time("request.updated_at", request.updated_at, request.created_at, now);
    if let Some(at) = request.completed_at {
        check.time("request.completed_at", at, request.created_at, request.updated_at);
    }
    check.history(record);
    check.assignments(record);
    let edits = record.edits.iter().map(|row| (row.id.uuid(), row.request_id, row.edited_at));
    check.rows("edits", "edited_at", edits, request.created_at, request.updated_at, Equal::Allowed);
    let comments = record.comments.iter().map(|row| (row.id.uuid(), row.request_id, row.created_at));
    check.rows("comments", "created_at", comments, DateTime::UNIX_EPOCH, now, Equal::Allowed);
    let files = record.attachments.iter().map(|row| (row.id.uuid(), row.request_id, row.created_at));
    check.rows("attachments", "created_at", files, DateTime::UNIX_EPOCH, now, Equal::Allowed);
    check.invalid.finish(Some(()))
}

/// Whether two rows in a row may have one time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Equal {
    Allowed,
    Refused,
}

struct Check {
    invalid: Invalid,
    request: RequestId,
}

impl Check {
    fn wrong(&mut self, field: impl Into<String>, rule: impl Into<String>) {
        self.invalid.push(field.into(), rule);
    }

    fn time(&mut self, field: &str, at: DateTime<Utc>, from: DateTime<Utc>, to: DateTime<Utc>) {
        if at < from || at > to {
            self.wrong(field, format!("is {at}; it must be from {from} to {to}"));
        }
    }

    /// The rows of one table: each names the request and has an id of its own, and their times follow one another.
    fn rows(
        &mut self,
        table: &str,
        time: &str,
        rows: impl Iterator<Item = (Uuid, RequestId, DateTime<Utc>)>,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        equal: Equal,
    ) {
        let (mut ids, mut before) = (HashSet::new(), None);
        for (n, (id, request, at)) in rows.enumerate() {
            if request != self.request {
                let rule = format!("is {request}; it must be the request's own id, {}", self.request);
                self.wrong(format!("{table}[{n}].request_id"), rule);
            }
            if !ids.insert(id) {
                self.wrong(format!("{table}[{n}].id"), "is that of a row before it; each needs its own");
            }
            self.time(&format!("{table}[{n}].{time}"), at, from, to);
            if before.is_some_and(|before| at < before || at == before && equal == Equal::Refused) {
                self.wrong(format!("{table}[{n}].{time}"), "must be later than that of the row before it");
            }
            before = Some(at);
        }
    }

    fn history(&mut self, record: &RequestRecord) {
        let request = &record.request;
        let rows = record.history.iter().map(|row| (row.id.uuid(), row.request_id, row.changed_at));
        self.rows("history", "changed_at", rows, request.created_at, request.updated_at, Equal::Refused);
        let mut status = RequestStatus::Pending;
        for (n, change) in record.history.iter().enumerate() {
            let (from, to) = (change.previous_status, change.new_status);
            if from != status {
                let rule = format!("is {from}; the request was {status} by then");
                self.wrong(format!("history[{n}].previous_status"), rule);
            }
            if !TRANSITIONS.iter().any(|row| row.from == from && row.to == to) {
                let refusal = Refusal::NoSuchTransition { from, to };
                self.wrong(format!("history[{n}].new_status"), format!("is {to}; {refusal}"));
            }
            status = to;
        }
        if request.status != status {
            let rule = format!("is {}; the history leads to {status}", request.status);
            self.wrong("request.status", rule);
        }
    }

    fn assignments(&mut self, record: &RequestRecord) {
        let request = &record.request;
        let rows = record.assignments.iter().map(|row| (row.id.uuid(), row.request_id, row.changed_at));
        self.rows("assignments", "changed_at", rows, request.created_at, request.updated_at, Equal::Refused);
        for (n, pair) in record.assignments.windows(2).enumerate() {
            if let [before, after] = pair
                && before.new_worker_id != after.previous_worker_id
            {
                let rule = "must be the new worker of the row before it";
                self.wrong(format!("assignments[{}].previous_worker_id", n + 1), rule);
            }
        }
        let last = record.assignments.last();
        if last.is_some_and(|last| last.new_worker_id != request.assigned_worker_id) {
            self.wrong("request.assigned_worker_id", "must be the worker to whom the assignments lead");
        }
    }
}
