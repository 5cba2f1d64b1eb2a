//! Import, a person's data, forgetting, and clean-up.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    ArchiveRepository, CleanedUp, EditedField, Forgotten, InboundContent, Inserted, KeptInbound, Listing,
    Note, NotificationId, OrganizationId, PersonalData, RenterId, RepositoryError, RepositoryErrorKind,
    Request, RequestField, RequestId, RequestRecord, UserId, WhatsAppStatus, WorkerId,
};
use uuid::Uuid;

use crate::{MemoryRepository, store::Rows};

#[async_trait]
impl ArchiveRepository for MemoryRepository<'_> {
    async fn import(
        &self,
        records: &[RequestRecord],
    ) -> Result<Vec<Result<Inserted<Request>, RepositoryError>>, RepositoryError> {
        let mut rows = self.rows();
        Ok(records.iter().map(|record| import(&mut rows, self.organization, record)).collect())
    }

    async fn traces(&self, person: UserId) -> Result<Listing<PersonalData>, RepositoryError> {
        let rows = self.rows();
        let worker = WorkerId::from(Uuid::from(person));
        let ours = |request: RequestId| {
            rows.requests.get(&request).is_some_and(|request| request.organization_id == self.organization)
        };
        let changes = rows.history.iter().filter(|change| change.changed_by == person);
        let changes = changes.filter(|change| ours(change.request_id)).cloned();
        let assignments = rows.assignment_history.iter().filter(|change| {
            change.changed_by == person
                || change.previous_worker_id == Some(worker)
                || change.new_worker_id == Some(worker)
        });
        let assignments = assignments.filter(|change| ours(change.request_id)).cloned();
        let edits = rows.edits.iter().filter(|edit| edit.edited_by == person);
        let edits = edits.filter(|edit| ours(edit.request_id)).cloned();
        let messages = rows.notifications.values().filter(|message| message.to == worker.into());
        let messages = messages.filter(|message| ours(message.request_id)).cloned();
        let all = changes.map(PersonalData::StatusChange);
        let all = all.chain(assignments.map(PersonalData::AssignmentChange));
        let all = all.chain(edits.map(PersonalData::Edit));
        Ok(all.chain(messages.map(PersonalData::Notification)).map(Ok).collect())
    }

    async fn forget_renter(&self, renter: RenterId, at: DateTime<Utc>) -> Result<Forgotten, RepositoryError> {
        let mut rows = self.rows();
        let theirs = rows
            .requests
            .values()
            .filter(|request| request.renter_id == renter && request.organization_id == self.organization);
        if theirs.clone().any(|request| request.status.is_open()) {
            return Err(RepositoryErrorKind::Conflict.into());
        }
        let theirs: BTreeSet<RequestId> = theirs.map(|request| request.id).collect();
        Ok(forget(&mut rows, self.organization, renter, &theirs, at))
    }

    async fn clean_up(&self, before: DateTime<Utc>, limit: u32) -> Result<CleanedUp, RepositoryError> {
        let mut rows = self.rows();
        let waits = |status| status == WhatsAppStatus::Pending;
        let waiting: BTreeSet<RequestId> =
            rows.notifications.values().filter(|n| waits(n.status)).map(|n| n.request_id).collect();
        let over = |request: RequestId| {
            !waiting.contains(&request)
                && rows.requests.get(&request).is_some_and(|request| !request.status.is_open())
        };
        let old = rows.notifications.values().filter(|n| n.created_at < before && over(n.request_id));
        let mut old: Vec<(DateTime<Utc>, NotificationId)> = old.map(|n| (n.created_at, n.id)).collect();
        old.sort_unstable();
        old.truncate(limit as usize);
        let old: BTreeSet<NotificationId> = old.into_iter().map(|(_, id)| id).collect();
        rows.notifications.retain(|id, _| !old.contains(id));
        rows.sends.retain(|_, id| !old.contains(id));
        rows.early.sort_by_key(|(received, _)| *received);
        let early = rows.early.iter().take_while(|(received, _)| *received < before);
        let early = early.take(limit as usize).count();
        rows.early.drain(..early);
        let applied = |kept: &KeptInbound| kept.applied.is_some() && kept.received_at < before;
        let done = rows.inbound.iter().filter(|(_, kept)| applied(kept));
        let mut done: Vec<_> = done.map(|(key, kept)| (kept.received_at, kept.id, key.clone())).collect();
        done.sort();
        done.truncate(limit as usize);
        for (_, _, key) in &done {
            rows.inbound.remove(key);
        }
        let inbound = done.len() as u64;
        Ok(CleanedUp { messages: old.len() as u64, early_deliveries: early as u64, inbound })
    }

    /// Texts are searched as they are.
    async fn index_texts(&self, _: u32) -> Result<u32, RepositoryError> {
        Ok(0)
    }
}

fn import(
    rows: &mut Rows,
    organization: OrganizationId,
    record: &RequestRecord,
) -> Result<Inserted<Request>, RepositoryError> {
    let RequestRecord { request, history, assignments, edits, comments, attachments, .. } = record;
    let stored = rows.requests.get(&request.id);
    if let Some(stored) = stored.filter(|stored| stored.organization_id == organization) {
        return Ok(Inserted::Existing(stored.clone()));
    }
    let known = request.assigned_worker_id.is_none_or(|worker| {
        rows.workers.get(&worker).is_some_and(|worker| worker.organization_id == organization)
    });
    if !known {
        return Err(RepositoryErrorKind::NotFound.into());
    }
    // The id may be that of another organisation's request.
    let taken = stored.is_some()
        || rows.history.iter().any(|row| history.iter().any(|new| new.id == row.id))
        || rows.assignment_history.iter().any(|row| assignments.iter().any(|new| new.id == row.id))
        || rows.edits.iter().any(|row| edits.iter().any(|new| new.id == row.id))
        || comments.iter().any(|new| rows.comments.contains_key(&new.id))
        || attachments.iter().any(|new| rows.attachments.contains_key(&new.id));
    if taken {
        return Err(RepositoryErrorKind::Conflict.into());
    }
    let number = rows.next_number();
    rows.requests.insert(request.id, Request { number, ..request.clone() });
    rows.history.extend(history.iter().cloned());
    rows.edits.extend(edits.iter().cloned());
    rows.assignment_history.extend(assignments.iter().cloned());
    rows.comments.extend(comments.iter().map(|comment| (comment.id, comment.clone())));
    rows.attachments.extend(attachments.iter().map(|file| (file.id, file.clone())));
    Ok(Inserted::New)
}

/// Forgets a renter whose requests are `theirs`, none of them open.
fn forget(
    rows: &mut Rows,
    organization: OrganizationId,
    renter: RenterId,
    theirs: &BTreeSet<RequestId>,
    at: DateTime<Utc>,
) -> Forgotten {
    let mut forgotten = Forgotten::default();
    for id in theirs {
        let request = rows.requests.get_mut(id);
        forgotten.requests += u64::from(request.is_some_and(|request| request.forget(at)));
    }
    let statuses = rows.history.iter_mut().filter(|change| theirs.contains(&change.request_id));
    let assignments = rows.assignment_history.iter_mut().filter(|change| theirs.contains(&change.request_id));
    let notes = statuses.map(|change| &mut change.notes).chain(assignments.map(|change| &mut change.notes));
    forgotten.notes = notes.flatten().map(Note::forget).map(u64::from).sum();
    let holds_text = |edit: &EditedField| {
        use RequestField::{Description, Hold, Location, Title};
        matches!(edit.change.field(), Title | Description | Location | Hold)
    };
    rows.edits.retain(|edit| !(theirs.contains(&edit.request_id) && holds_text(edit)));
    let requests = &rows.requests;
    let ours = |request: &RequestId| {
        requests.get(request).is_some_and(|request| request.organization_id == organization)
    };
    let comments = rows.comments.values_mut().filter(|comment| {
        theirs.contains(&comment.request_id) || comment.user_id == renter.into() && ours(&comment.request_id)
    });
    forgotten.comments = comments.map(|comment| u64::from(comment.comment.forget())).sum();
    let messages = rows.notifications.values_mut().filter(|message| theirs.contains(&message.request_id));
    for error in messages.filter_map(|message| message.error.as_mut()) {
        forgotten.messages += u64::from(error.forget());
    }
    let about = |kept: &KeptInbound| kept.about.is_some_and(|(_, request)| theirs.contains(&request));
    for kept in rows.inbound.values_mut().filter(|kept| about(kept)) {
        let had_content = kept.message.content != InboundContent::Gone;
        kept.message.content = InboundContent::Gone;
        forgotten.inbound += u64::from(had_content);
    }
    rows.known_renters.retain(|((of, who), _), _| (*of, *who) != (organization, renter));
    rows.attachments.retain(|_, file| {
        let kept = !theirs.contains(&file.request_id);
        if !kept {
            forgotten.files.push(file.file_url.clone());
        }
        kept
    });
    forgotten
}
