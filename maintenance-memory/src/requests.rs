//! Requests and what belongs to them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use maintenance_core::{
    Attachment, Comment, CommentFilter, Inserted, Listing, Opening, Position, RepositoryError,
    RepositoryErrorKind, Request, RequestFilter, RequestId, RequestRecord, RequestRepository, RequestStatus,
    RequestStep, Slice,
};

use crate::{
    MemoryRepository,
    store::{Order, Rows, insert, slice},
};

#[async_trait]
impl RequestRepository for MemoryRepository {
    async fn open(&self, opening: &Opening) -> Result<Inserted<Request>, RepositoryError> {
        open(&mut self.rows(), opening)
    }

    async fn open_many(
        &self,
        openings: &[Opening],
    ) -> Result<Vec<Result<Inserted<Request>, RepositoryError>>, RepositoryError> {
        let mut rows = self.rows();
        Ok(openings.iter().map(|opening| open(&mut rows, opening)).collect())
    }

    async fn request(&self, id: RequestId) -> Result<Option<Request>, RepositoryError> {
        Ok(self.rows().requests.get(&id).cloned())
    }

    async fn record(&self, id: RequestId) -> Result<Option<RequestRecord>, RepositoryError> {
        let rows = self.rows();
        let Some(request) = rows.requests.get(&id).cloned() else { return Ok(None) };
        let mut comments: Vec<Comment> =
            rows.comments.values().filter(|comment| comment.request_id == id).cloned().collect();
        comments.sort_by_key(|comment| (comment.created_at, comment.id));
        let mut attachments: Vec<Attachment> =
            rows.attachments.values().filter(|attachment| attachment.request_id == id).cloned().collect();
        attachments.sort_by_key(|attachment| (attachment.created_at, attachment.id));
        Ok(Some(RequestRecord {
            request,
            history: rows.history.iter().filter(|change| change.request_id == id).cloned().collect(),
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
        let kept = rows.requests.values().filter(|request| matches(filter, request));
        let position = |request: &Request| Position { at: request.created_at, id: request.id.uuid() };
        Ok(slice(kept.cloned(), position, Order::NewestFirst, page))
    }

    async fn count_by_status(
        &self,
        filter: &RequestFilter,
    ) -> Result<BTreeMap<RequestStatus, u64>, RepositoryError> {
        let mut counts = BTreeMap::new();
        for request in self.rows().requests.values().filter(|request| matches(filter, request)) {
            *counts.entry(request.status).or_default() += 1;
        }
        Ok(counts)
    }

    async fn apply(&self, step: &RequestStep) -> Result<(), RepositoryError> {
        let mut rows = self.rows();
        let RequestStep { request: after, change, notification } = step;
        let before = rows.requests.get(&after.id).ok_or(RepositoryErrorKind::NotFound)?;
        if before.version.checked_add(1) != Some(after.version) {
            return Err(RepositoryErrorKind::Conflict.into());
        }
        rows.check_recipient(notification.as_ref())?;
        if let Some(stored) = rows.requests.get_mut(&after.id) {
            stored.status = after.status;
            stored.completed_at = after.completed_at;
            stored.assigned_worker_id = after.assigned_worker_id;
            stored.updated_at = after.updated_at;
            stored.version = after.version;
            if notification.is_some() {
                stored.whatsapp_message_id.clone_from(&after.whatsapp_message_id);
                stored.whatsapp_status = after.whatsapp_status;
            }
        }
        rows.history.extend(change.clone());
        rows.add_notification(notification.as_ref());
        Ok(())
    }

    async fn add_comment(&self, comment: &Comment) -> Result<Inserted<Comment>, RepositoryError> {
        let mut rows = self.rows();
        rows.check_request(comment.request_id)?;
        Ok(insert(&mut rows.comments, comment.id, comment))
    }

    async fn add_attachment(&self, attachment: &Attachment) -> Result<Inserted<Attachment>, RepositoryError> {
        let mut rows = self.rows();
        rows.check_request(attachment.request_id)?;
        Ok(insert(&mut rows.attachments, attachment.id, attachment))
    }

    async fn comments(
        &self,
        filter: &CommentFilter,
        page: Slice,
    ) -> Result<Listing<Comment>, RepositoryError> {
        let rows = self.rows();
        let kept = rows.comments.values().filter(|comment| {
            filter.request_id.is_none_or(|request| comment.request_id == request)
                && filter.user_id.is_none_or(|user| comment.user_id == user)
        });
        let position = |comment: &Comment| Position { at: comment.created_at, id: comment.id.uuid() };
        Ok(slice(kept.cloned(), position, Order::OldestFirst, page))
    }
}

fn open(rows: &mut Rows, opening: &Opening) -> Result<Inserted<Request>, RepositoryError> {
    let Opening { request, notification } = opening;
    if let Some(stored) = rows.requests.get(&request.id) {
        return Ok(Inserted::Existing(stored.clone()));
    }
    rows.check_recipient(notification.as_ref())?;
    rows.requests.insert(request.id, request.clone());
    rows.add_notification(notification.as_ref());
    Ok(Inserted::New)
}

fn matches(filter: &RequestFilter, request: &Request) -> bool {
    filter.renter_id.is_none_or(|renter| request.renter_id == renter)
        && filter.assigned_worker_id.is_none_or(|worker| request.assigned_worker_id == Some(worker))
        && filter.complex_id.is_none_or(|complex| request.complex_id == complex)
        && filter.property_id.is_none_or(|property| request.property_id == property)
        && (filter.statuses.is_empty() || filter.statuses.contains(&request.status))
        && filter.priority.is_none_or(|priority| request.priority == priority)
        && filter.whatsapp_status.is_none_or(|status| request.whatsapp_status == status)
        && filter.created_from.is_none_or(|from| request.created_at >= from)
        && filter.created_before.is_none_or(|before| request.created_at < before)
}
