//! Requests and what belongs to them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use maintenance_core::{
    Attachment, Comment, CommentFilter, EditedField, EventKind, FieldChange, Filed, Filing, Inserted,
    Listing, OrganizationId, Position, RepositoryError, RepositoryErrorKind, Request, RequestFilter,
    RequestId, RequestRecord, RequestRepository, RequestStatus, SearchText, Slice, Step, WorkerStatus, Write,
};

use crate::{
    MemoryRepository,
    store::{Rows, insert, slice},
};

#[async_trait]
impl RequestRepository for MemoryRepository<'_> {
    fn organization(&self) -> OrganizationId {
        self.organization
    }

    async fn file(&self, filings: &[Filing]) -> Result<Vec<Result<Filed, RepositoryError>>, RepositoryError> {
        let mut rows = self.rows();
        Ok(filings.iter().map(|filing| self.file_one(&mut rows, filing)).collect())
    }

    async fn request(&self, id: RequestId) -> Result<Option<Request>, RepositoryError> {
        Ok(self.rows().requests.get(&id).filter(|request| self.sees(request.organization_id)).cloned())
    }

    async fn record(&self, id: RequestId) -> Result<Option<RequestRecord>, RepositoryError> {
        let rows = self.rows();
        let request = rows.requests.get(&id).filter(|request| self.sees(request.organization_id));
        let Some(request) = request.cloned() else { return Ok(None) };
        let mut comments: Vec<Comment> =
            rows.comments.values().filter(|comment| comment.request_id == id).cloned().collect();
        comments.sort_by_key(|comment| (comment.created_at, comment.id));
        let mut attachments: Vec<Attachment> =
            rows.attachments.values().filter(|attachment| attachment.request_id == id).cloned().collect();
        attachments.sort_by_key(|attachment| (attachment.created_at, attachment.id));
        let mut edits: Vec<EditedField> =
            rows.edits.iter().filter(|edit| edit.request_id == id).cloned().collect();
        edits.sort_by_key(|edit| (edit.edited_at, edit.id));
        Ok(Some(RequestRecord {
            request,
            history: rows.history.iter().filter(|change| change.request_id == id).cloned().collect(),
            assignments: {
                let changes = rows.assignment_history.iter();
                changes.filter(|change| change.request_id == id).cloned().collect()
            },
            edits,
            comments,
            attachments,
            notifications: rows.notifications_of(id).into_iter().cloned().collect(),
        }))
    }

    async fn requests(
        &self,
        filter: &RequestFilter,
        page: Slice,
    ) -> Result<Listing<Request>, RepositoryError> {
        let rows = self.rows();
        let kept = rows.requests.values().filter(|request| self.sees(request.organization_id));
        let kept = kept.filter(|request| matches(&rows, filter, request));
        let position = |request: &Request| filter.order.position(request);
        Ok(slice(kept.cloned(), position, |one, other| filter.order.compare(one, other), page))
    }

    async fn count_by_status(
        &self,
        filter: &RequestFilter,
    ) -> Result<BTreeMap<RequestStatus, u64>, RepositoryError> {
        let mut counts = BTreeMap::new();
        let rows = self.rows();
        let ours = rows.requests.values().filter(|request| self.sees(request.organization_id));
        for request in ours.filter(|request| matches(&rows, filter, request)) {
            *counts.entry(request.status).or_default() += 1;
        }
        Ok(counts)
    }

    async fn apply(&self, step: &Step) -> Result<(), RepositoryError> {
        let mut rows = self.rows();
        let before = rows.requests.get(&step.request_id).filter(|before| self.sees(before.organization_id));
        let before = before.ok_or(RepositoryErrorKind::NotFound)?;
        if before.version != step.seen {
            return Err(RepositoryErrorKind::Conflict.into());
        }
        let after = step.after(before.clone());
        rows.check_recipient(step.assignment_message())?;
        let (mut statuses, mut assignments, mut edits, mut messages) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut acknowledged, mut settled) = (Vec::new(), None);
        for write in &step.writes {
            match write {
                Write::Status(change) => statuses.push(change.clone()),
                Write::Assignment(change) => assignments.push(change.clone()),
                Write::Edit(edit) => edits.push(edit.clone()),
                Write::Notify(message) => messages.push(message),
                Write::Acknowledge(id) => acknowledged.push(*id),
                Write::Settle(settlement) if rows.can_settle(settlement) => settled = Some(settlement),
                Write::Settle(_) => return Err(RepositoryErrorKind::Conflict.into()),
                _ => return Err(RepositoryErrorKind::Unsupported.into()),
            }
        }
        if edits.iter().any(|edit| matches!(edit.change, FieldChange::Priority { .. })) {
            rows.prioritize(after.id, after.priority);
        }
        let changes = statuses.iter().map(|row| (EventKind::Status, row.id.uuid(), row.changed_at));
        let changes = changes
            .chain(assignments.iter().map(|row| (EventKind::Assigned, row.id.uuid(), row.changed_at)))
            .chain(edits.iter().map(|row| (EventKind::Edited, row.id.uuid(), row.edited_at)));
        for (kind, about, at) in changes {
            rows.journal.happened(kind, self.organization, after.id, about, at);
        }
        rows.requests.insert(after.id, after);
        rows.history.extend(statuses);
        rows.assignment_history.extend(assignments);
        rows.edits.extend(edits);
        for message in messages {
            rows.add_notification(Some(message));
        }
        for id in acknowledged {
            if let Some(message) = rows.notifications.get_mut(&id) {
                message.acknowledged_at.get_or_insert(step.at);
            }
        }
        if let Some(settlement) = settled {
            rows.settle(settlement);
        }
        Ok(())
    }

    async fn add_comment(&self, comment: &Comment) -> Result<Inserted<Comment>, RepositoryError> {
        let mut rows = self.rows();
        let theirs =
            rows.comments.get(&comment.id).is_some_and(|stored| !self.has_request(&rows, stored.request_id));
        if theirs || !self.has_request(&rows, comment.request_id) {
            return Err(RepositoryErrorKind::NotFound.into());
        }
        let inserted = insert(&mut rows.comments, comment.id, comment);
        if inserted == Inserted::New {
            let (request, at) = (comment.request_id, comment.created_at);
            rows.journal.happened(EventKind::Commented, self.organization, request, comment.id, at);
        }
        Ok(inserted)
    }

    async fn add_attachment(&self, attachment: &Attachment) -> Result<Inserted<Attachment>, RepositoryError> {
        let mut rows = self.rows();
        let theirs = rows
            .attachments
            .get(&attachment.id)
            .is_some_and(|stored| !self.has_request(&rows, stored.request_id));
        if theirs || !self.has_request(&rows, attachment.request_id) {
            return Err(RepositoryErrorKind::NotFound.into());
        }
        let inserted = insert(&mut rows.attachments, attachment.id, attachment);
        if inserted == Inserted::New {
            let (request, at) = (attachment.request_id, attachment.created_at);
            rows.journal.happened(EventKind::Attached, self.organization, request, attachment.id, at);
        }
        Ok(inserted)
    }

    async fn comments(
        &self,
        filter: &CommentFilter,
        page: Slice,
    ) -> Result<Listing<Comment>, RepositoryError> {
        let rows = self.rows();
        let kept = rows.comments.values().filter(|comment| self.has_request(&rows, comment.request_id));
        let kept = kept.filter(|comment| {
            filter.request_id.is_none_or(|request| comment.request_id == request)
                && filter.user_id.is_none_or(|user| comment.user_id == user)
        });
        let position = |comment: &Comment| Position::new(comment.created_at, comment.id.uuid());
        Ok(slice(kept.cloned(), position, Ord::cmp, page))
    }
}

impl MemoryRepository<'_> {
    fn file_one(&self, rows: &mut Rows, filing: &Filing) -> Result<Filed, RepositoryError> {
        let Filing { request, assignment, notification, news } = filing;
        match rows.requests.get(&request.id) {
            Some(stored) if self.sees(stored.organization_id) => {
                return Ok(Filed::Existing(stored.clone()));
            }
            None if self.sees(request.organization_id) => {}
            _ => return Err(RepositoryErrorKind::Conflict.into()),
        }
        rows.check_recipient(notification.as_ref())?;
        let (id, at) = (request.id, request.created_at);
        rows.journal.happened(EventKind::Filed, self.organization, id, id, at);
        if let Some(assignment) = assignment {
            let (about, at) = (assignment.id, assignment.changed_at);
            rows.journal.happened(EventKind::Assigned, self.organization, id, about, at);
        }
        let number = rows.next_number();
        rows.requests.insert(request.id, Request { number, ..request.clone() });
        rows.assignment_history.extend(assignment.clone());
        rows.add_notification(notification.as_ref());
        rows.add_notification(news.as_ref());
        Ok(Filed::New(number))
    }
}

/// The model of the filters: what the SQL stores must agree with.
fn matches(rows: &Rows, filter: &RequestFilter, request: &Request) -> bool {
    filter.renter_id.is_none_or(|renter| request.renter_id == renter)
        && filter.assigned_worker_id.is_none_or(|worker| request.assigned_worker_id == Some(worker))
        && (!filter.unassigned || request.assigned_worker_id.is_none())
        && filter.absent_worker.is_none_or(|absent| has_absent_worker(rows, request) == absent)
        && (filter.complexes.is_empty() || filter.complexes.contains(&request.complex_id))
        && filter.property_id.is_none_or(|property| request.property_id == property)
        && filter.listed_statuses().contains(&request.status)
        && (filter.priorities.is_empty() || filter.priorities.contains(&request.priority))
        && filter.specialty.as_ref().is_none_or(|trade| request.specialty.as_ref() == Some(trade))
        && filter.whatsapp_status.is_none_or(|status| request.whatsapp_status == status)
        && filter.created_from.is_none_or(|from| request.created_at >= from)
        && filter.created_before.is_none_or(|before| request.created_at < before)
        && filter.completed_from.is_none_or(|from| request.completed_at.is_some_and(|at| at >= from))
        && filter.completed_before.is_none_or(|before| request.completed_at.is_some_and(|at| at < before))
        && filter.updated_since.is_none_or(|since| request.updated_at >= since)
        && filter.text.as_ref().is_none_or(|text| has_words(rows, text, request))
        && filter.number.is_none_or(|number| request.number == number)
}

fn has_absent_worker(rows: &Rows, request: &Request) -> bool {
    let worker = request.assigned_worker_id.and_then(|worker| rows.workers.get(&worker));
    worker.is_some_and(|worker| worker.status != WorkerStatus::Active)
}

fn has_words(rows: &Rows, text: &SearchText, request: &Request) -> bool {
    let own = [request.title.as_str(), &request.description, &request.location].join("\n");
    let mut comments = rows.comments.values().filter(|comment| comment.request_id == request.id);
    text.is_in(&own) || comments.any(|comment| text.is_in(&comment.comment))
}
