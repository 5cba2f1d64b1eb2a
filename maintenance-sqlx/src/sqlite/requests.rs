//! Requests and what belongs to them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use maintenance_core::{
    Attachment, Comment, CommentFilter, Inserted, Listing, Notification, Opening, RepositoryError,
    RepositoryErrorKind, Request, RequestFilter, RequestId, RequestRecord, RequestRepository, RequestStatus,
    RequestStep, Slice, StatusChange,
};
use sqlx::{Sqlite, SqliteConnection, sqlite::SqliteArguments};

use super::{
    SqliteRepository,
    convert::{id, time},
    source::failed,
};
use crate::{
    columns::{
        attachment_columns, comment_columns, history_columns, notification_columns, record_sql,
        request_columns,
    },
    decode, lists,
};

/// Two statements in one call: the second writes only what belongs to the first one's row.
const OPEN: &str = "
    insert into maintenance_requests
           (id, renter_id, title, description, status, priority, created_at, updated_at, completed_at,
            property_id, location, assigned_worker_id, whatsapp_message_id, whatsapp_status, complex_id,
            specialty, version, notification_id)
    select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
     where $18 is null
        or exists (select 1 from maintenance_workers where id = $19 and status = 'active')
    on conflict (id) do nothing
    returning id;

    insert into maintenance_notifications
           (id, request_id, worker_id, kind, status, provider_message_id, attempts, due_at, lease,
            error_code, error_text, created_at, sent_at, delivered_at, read_at, failed_at)
    select $18, $1, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32
     where exists (select 1 from maintenance_requests where id = $1 and notification_id = $18)";

const REQUEST: &str = concat!("select ", request_columns!(), " from maintenance_requests r where r.id = $1");

const RECORD: &str = record_sql!();

const MOVE: &str = "
    update maintenance_requests
       set status = $3, updated_at = $4, completed_at = $5, assigned_worker_id = $6, version = $2,
           whatsapp_message_id = iif($9 is null, whatsapp_message_id, $7),
           whatsapp_status     = iif($9 is null, whatsapp_status, $8),
           notification_id     = coalesce($9, notification_id)
     where id = $1 and version = $2 - 1
       and ($9 is null or exists (select 1 from maintenance_workers where id = $10 and status = 'active'))";

const ADD_CHANGE: &str = "
    insert into maintenance_status_history
           (id, request_id, previous_status, new_status, changed_by, changed_at, notes)
    values ($1, $2, $3, $4, $5, $6, $7)";

const ADD_NOTIFICATION: &str = "
    insert into maintenance_notifications
           (id, request_id, worker_id, kind, status, provider_message_id, attempts, due_at, lease,
            error_code, error_text, created_at, sent_at, delivered_at, read_at, failed_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

const REQUEST_EXISTS: &str = "select exists (select 1 from maintenance_requests where id = $1)";

const ADD_COMMENT: &str = "
    insert into maintenance_comments (id, request_id, user_id, user_type, comment, created_at)
    select $1, $2, $3, $4, $5, $6
     where exists (select 1 from maintenance_requests where id = $2)
    on conflict (id) do nothing";

const COMMENT: &str = concat!("select ", comment_columns!(), " from maintenance_comments c where c.id = $1");

const ADD_ATTACHMENT: &str = "
    insert into maintenance_attachments (id, request_id, file_url, file_type, created_at)
    select $1, $2, $3, $4, $5
     where exists (select 1 from maintenance_requests where id = $2)
    on conflict (id) do nothing";

const ATTACHMENT: &str =
    concat!("select ", attachment_columns!(), " from maintenance_attachments f where f.id = $1");

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    OPEN,
    REQUEST,
    RECORD,
    MOVE,
    ADD_CHANGE,
    ADD_NOTIFICATION,
    REQUEST_EXISTS,
    ADD_COMMENT,
    COMMENT,
    ADD_ATTACHMENT,
    ATTACHMENT,
];

type Query = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

fn bind_request(query: Query, request: &Request) -> Query {
    query
        .bind(id(request.id))
        .bind(id(request.renter_id))
        .bind(String::from(request.title.clone()))
        .bind(String::from(request.description.clone()))
        .bind(request.status.as_str())
        .bind(request.priority.as_str())
        .bind(time(request.created_at))
        .bind(time(request.updated_at))
        .bind(request.completed_at.map(time))
        .bind(id(request.property_id))
        .bind(String::from(request.location.clone()))
        .bind(request.assigned_worker_id.map(id))
        .bind(request.whatsapp_message_id.clone())
        .bind(request.whatsapp_status.as_str())
        .bind(id(request.complex_id))
        .bind(request.specialty.clone().map(String::from))
        .bind(request.version)
}

/// All of a notification but its id and its request's, which come before.
fn bind_message(query: Query, message: &Notification) -> Query {
    let error = message.error.as_ref();
    query
        .bind(id(message.worker_id))
        .bind(message.kind.as_str())
        .bind(message.status.as_str())
        .bind(message.provider_message_id.clone())
        .bind(message.attempts)
        .bind(time(message.due_at))
        .bind(message.lease.map(id))
        .bind(error.map(|error| error.code.clone()))
        .bind(error.map(|error| error.text.clone()))
        .bind(time(message.created_at))
        .bind(message.sent_at.map(time))
        .bind(message.delivered_at.map(time))
        .bind(message.read_at.map(time))
        .bind(message.failed_at.map(time))
}

fn add_change(change: &StatusChange) -> Query {
    sqlx::query(ADD_CHANGE)
        .bind(id(change.id))
        .bind(id(change.request_id))
        .bind(change.previous_status.as_str())
        .bind(change.new_status.as_str())
        .bind(id(change.changed_by))
        .bind(time(change.changed_at))
        .bind(change.notes.clone().map(String::from))
}

async fn read_request(
    connection: &mut SqliteConnection,
    request: RequestId,
) -> Result<Option<Request>, RepositoryError> {
    let row = sqlx::query(REQUEST).bind(id(request)).fetch_optional(connection).await.map_err(failed)?;
    row.as_ref().map(decode::request).transpose()
}

#[async_trait]
impl RequestRepository for SqliteRepository<'_> {
    async fn open(&self, opening: &Opening) -> Result<Inserted<Request>, RepositoryError> {
        let Opening { request, notification } = opening;
        let mut query = bind_request(sqlx::query(OPEN), request);
        // Parameters that are not bound are null.
        if let Some(notification) = notification {
            query = bind_message(query.bind(id(notification.id)), notification);
        }
        let mut step = self.source.writer().await?;
        let filed = query.fetch_all(&mut *step).await.map_err(failed)?;
        if !filed.is_empty() {
            step.commit().await?;
            return Ok(Inserted::New);
        }
        // Either the request is there, or its worker isn't active.
        let stored = read_request(&mut step, request.id).await?;
        Ok(Inserted::Existing(stored.ok_or(RepositoryErrorKind::Conflict)?))
    }

    async fn open_many(
        &self,
        openings: &[Opening],
    ) -> Result<Vec<Result<Inserted<Request>, RepositoryError>>, RepositoryError> {
        let mut answers = Vec::with_capacity(openings.len());
        for opening in openings {
            answers.push(self.open(opening).await);
        }
        Ok(answers)
    }

    async fn request(&self, id: RequestId) -> Result<Option<Request>, RepositoryError> {
        read_request(&mut *self.source.reader().await?, id).await
    }

    async fn record(&self, request: RequestId) -> Result<Option<RequestRecord>, RepositoryError> {
        let mut connection = self.source.reader().await?;
        let query = sqlx::query(RECORD).bind(id(request));
        let rows = query.fetch_all(&mut *connection).await.map_err(failed)?;
        decode::record(&rows)
    }

    async fn requests(
        &self,
        filter: &RequestFilter,
        slice: Slice,
    ) -> Result<Listing<Request>, RepositoryError> {
        let mut query = lists::requests::<Sqlite>(filter, slice);
        let mut connection = self.source.reader().await?;
        let rows = query.build().fetch_all(&mut *connection).await.map_err(failed)?;
        Ok(rows.iter().map(decode::request).collect())
    }

    async fn count_by_status(
        &self,
        filter: &RequestFilter,
    ) -> Result<BTreeMap<RequestStatus, u64>, RepositoryError> {
        let mut query = lists::count_by_status::<Sqlite>(filter);
        let mut connection = self.source.reader().await?;
        let rows = query.build().fetch_all(&mut *connection).await.map_err(failed)?;
        rows.iter().map(decode::status_count).collect()
    }

    async fn apply(&self, step: &RequestStep) -> Result<(), RepositoryError> {
        let RequestStep { request, change, notification } = step;
        let mut step = self.source.writer().await?;
        let moved = sqlx::query(MOVE)
            .bind(id(request.id))
            .bind(request.version)
            .bind(request.status.as_str())
            .bind(time(request.updated_at))
            .bind(request.completed_at.map(time))
            .bind(request.assigned_worker_id.map(id))
            .bind(request.whatsapp_message_id.clone())
            .bind(request.whatsapp_status.as_str())
            .bind(notification.as_ref().map(|notification| id(notification.id)))
            .bind(notification.as_ref().map(|notification| id(notification.worker_id)))
            .execute(&mut *step)
            .await
            .map_err(failed)?;
        if moved.rows_affected() == 0 {
            let exists = sqlx::query_scalar(REQUEST_EXISTS).bind(id(request.id));
            let exists: bool = exists.fetch_one(&mut *step).await.map_err(failed)?;
            let kind = if exists { RepositoryErrorKind::Conflict } else { RepositoryErrorKind::NotFound };
            return Err(kind.into());
        }
        if let Some(change) = change {
            add_change(change).execute(&mut *step).await.map_err(failed)?;
        }
        if let Some(notification) = notification {
            let query = sqlx::query(ADD_NOTIFICATION).bind(id(notification.id)).bind(id(request.id));
            bind_message(query, notification).execute(&mut *step).await.map_err(failed)?;
        }
        step.commit().await
    }

    async fn add_comment(&self, comment: &Comment) -> Result<Inserted<Comment>, RepositoryError> {
        let mut step = self.source.writer().await?;
        let added = sqlx::query(ADD_COMMENT)
            .bind(id(comment.id))
            .bind(id(comment.request_id))
            .bind(id(comment.user_id))
            .bind(comment.user_type.as_str())
            .bind(String::from(comment.comment.clone()))
            .bind(time(comment.created_at))
            .execute(&mut *step)
            .await
            .map_err(failed)?;
        if added.rows_affected() > 0 {
            step.commit().await?;
            return Ok(Inserted::New);
        }
        // Either the comment is there, or its request isn't.
        let stored = sqlx::query(COMMENT).bind(id(comment.id)).fetch_optional(&mut *step).await;
        let stored = stored.map_err(failed)?.ok_or(RepositoryErrorKind::NotFound)?;
        decode::comment(&stored).map(Inserted::Existing)
    }

    async fn add_attachment(&self, attachment: &Attachment) -> Result<Inserted<Attachment>, RepositoryError> {
        let mut step = self.source.writer().await?;
        let added = sqlx::query(ADD_ATTACHMENT)
            .bind(id(attachment.id))
            .bind(id(attachment.request_id))
            .bind(String::from(attachment.file_url.clone()))
            .bind(String::from(attachment.file_type.clone()))
            .bind(time(attachment.created_at))
            .execute(&mut *step)
            .await
            .map_err(failed)?;
        if added.rows_affected() > 0 {
            step.commit().await?;
            return Ok(Inserted::New);
        }
        // Either the attachment is there, or its request isn't.
        let stored = sqlx::query(ATTACHMENT).bind(id(attachment.id)).fetch_optional(&mut *step).await;
        let stored = stored.map_err(failed)?.ok_or(RepositoryErrorKind::NotFound)?;
        decode::attachment(&stored).map(Inserted::Existing)
    }

    async fn comments(
        &self,
        filter: &CommentFilter,
        slice: Slice,
    ) -> Result<Listing<Comment>, RepositoryError> {
        let mut query = lists::comments::<Sqlite>(filter, slice);
        let mut connection = self.source.reader().await?;
        let rows = query.build().fetch_all(&mut *connection).await.map_err(failed)?;
        Ok(rows.iter().map(decode::comment).collect())
    }
}
