//! Requests and what belongs to them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use maintenance_core::{
    Attachment, Comment, CommentFilter, Inserted, Listing, Notification, Opening, RepositoryError,
    RepositoryErrorKind, Request, RequestFilter, RequestId, RequestRecord, RequestRepository, RequestStatus,
    RequestStep, Slice, StatusChange,
};
use sqlx::{Postgres, postgres::PgArguments};
use tracing::instrument;
use uuid::Uuid;

use super::{PgRepository, batch, convert::integer, source::Connection};
use crate::{
    columns::{
        attachment_columns, comment_columns, history_columns, notification_columns, record_sql,
        request_columns,
    },
    decode, lists,
};

/// The worker's row stays locked (`for share`) until the transaction ends, here and in `APPLY`: whoever takes the worker
/// off work waits for it, and then finds the request among theirs.
const OPEN: &str = "
    with filed as (
        insert into maintenance_requests
               (id, renter_id, title, description, status, priority, created_at, updated_at, completed_at,
                property_id, location, assigned_worker_id, whatsapp_message_id, whatsapp_status, complex_id,
                specialty, version, notification_id)
        select $1::uuid, $2::uuid, $3, $4, $5, $6, $7::timestamptz, $8::timestamptz, $9::timestamptz,
               $10::uuid, $11, $12::uuid, $13, $14, $15::uuid, $16, $17::integer, $18::uuid
         where $18 is null
            or exists (select from maintenance_workers where id = $19 and status = 'active' for share)
        on conflict (id) do nothing
        returning id
    ), told as (
        insert into maintenance_notifications
               (id, request_id, worker_id, kind, status, provider_message_id, attempts, due_at, lease,
                error_code, error_text, created_at, sent_at, delivered_at, read_at, failed_at, priority, since)
        select $18, filed.id, $19, $20, $21, $22, $23::integer, $24::timestamptz, $25::uuid, $26, $27,
               $28::timestamptz, $29::timestamptz, $30::timestamptz, $31::timestamptz, $32::timestamptz, $6,
               $28::timestamptz
          from filed
         where $18 is not null
    )
    select exists (select from filed)";

const REQUEST: &str = concat!("select ", request_columns!(), " from maintenance_requests r where r.id = $1");

const RECORD: &str = record_sql!();

const APPLY: &str = "
    with moved as (
        update maintenance_requests
           set status = $3, updated_at = $4, completed_at = $5, assigned_worker_id = $6, version = $2,
               whatsapp_message_id = case when $15::uuid is null then whatsapp_message_id else $7 end,
               whatsapp_status     = case when $15::uuid is null then whatsapp_status else $8 end,
               notification_id     = coalesce($15::uuid, notification_id)
         where id = $1 and version = $2 - 1
           and ($15::uuid is null
                or exists (select from maintenance_workers where id = $16 and status = 'active' for share))
        returning id, priority
    ), changed as (
        insert into maintenance_status_history
               (id, request_id, previous_status, new_status, changed_by, changed_at, notes)
        select $9::uuid, moved.id, $10, $11, $12::uuid, $13::timestamptz, $14
          from moved
         where $9::uuid is not null
    ), told as (
        insert into maintenance_notifications
               (id, request_id, worker_id, kind, status, provider_message_id, attempts, due_at, lease,
                error_code, error_text, created_at, sent_at, delivered_at, read_at, failed_at, priority, since)
        select $15::uuid, moved.id, $16, $17, $18, $19, $20::integer, $21::timestamptz, $22::uuid, $23, $24,
               $25::timestamptz, $26::timestamptz, $27::timestamptz, $28::timestamptz, $29::timestamptz,
               moved.priority, $25::timestamptz
          from moved
         where $15::uuid is not null
    )
    select exists (select from moved)";

const REQUEST_EXISTS: &str = "select exists (select from maintenance_requests where id = $1)";

const ADD_COMMENT: &str = "
    insert into maintenance_comments (id, request_id, user_id, user_type, comment, created_at)
    select $1::uuid, $2, $3::uuid, $4, $5, $6::timestamptz
     where exists (select from maintenance_requests where id = $2)
    on conflict (id) do nothing";

const COMMENT: &str = concat!("select ", comment_columns!(), " from maintenance_comments c where c.id = $1");

const ADD_ATTACHMENT: &str = "
    insert into maintenance_attachments (id, request_id, file_url, file_type, created_at)
    select $1::uuid, $2, $3, $4, $5::timestamptz
     where exists (select from maintenance_requests where id = $2)
    on conflict (id) do nothing";

const ATTACHMENT: &str =
    concat!("select ", attachment_columns!(), " from maintenance_attachments f where f.id = $1");

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[OPEN, REQUEST, RECORD, APPLY, REQUEST_EXISTS, ADD_COMMENT, COMMENT, ADD_ATTACHMENT, ATTACHMENT];

type Query = sqlx::query::Query<'static, Postgres, PgArguments>;

fn bind_request(query: Query, request: &Request) -> Query {
    query
        .bind(request.id.uuid())
        .bind(request.renter_id.uuid())
        .bind(String::from(request.title.clone()))
        .bind(String::from(request.description.clone()))
        .bind(request.status.as_str())
        .bind(request.priority.as_str())
        .bind(request.created_at)
        .bind(request.updated_at)
        .bind(request.completed_at)
        .bind(request.property_id.uuid())
        .bind(String::from(request.location.clone()))
        .bind(request.assigned_worker_id.map(Uuid::from))
        .bind(request.whatsapp_message_id.clone())
        .bind(request.whatsapp_status.as_str())
        .bind(request.complex_id.uuid())
        .bind(request.specialty.clone().map(String::from))
        .bind(integer(request.version))
}

fn bind_change(query: Query, change: Option<&StatusChange>) -> Query {
    query
        .bind(change.map(|change| change.id.uuid()))
        .bind(change.map(|change| change.previous_status.as_str()))
        .bind(change.map(|change| change.new_status.as_str()))
        .bind(change.map(|change| change.changed_by.uuid()))
        .bind(change.map(|change| change.changed_at))
        .bind(change.and_then(|change| change.notes.clone()).map(String::from))
}

/// All of a notification but its request's id.
fn bind_message(query: Query, message: Option<&Notification>) -> Query {
    let error = message.and_then(|message| message.error.as_ref());
    query
        .bind(message.map(|message| message.id.uuid()))
        .bind(message.map(|message| message.worker_id.uuid()))
        .bind(message.map(|message| message.kind.as_str()))
        .bind(message.map(|message| message.status.as_str()))
        .bind(message.and_then(|message| message.provider_message_id.clone()))
        .bind(message.map(|message| integer(message.attempts)))
        .bind(message.map(|message| message.due_at))
        .bind(message.and_then(|message| message.lease).map(Uuid::from))
        .bind(error.map(|error| error.code.clone()))
        .bind(error.map(|error| error.text.clone()))
        .bind(message.map(|message| message.created_at))
        .bind(message.and_then(|message| message.sent_at))
        .bind(message.and_then(|message| message.delivered_at))
        .bind(message.and_then(|message| message.read_at))
        .bind(message.and_then(|message| message.failed_at))
}

async fn read_request(
    connection: &mut Connection<'_, '_>,
    request: RequestId,
) -> Result<Option<Request>, RepositoryError> {
    let row = connection.fetch_optional(sqlx::query(REQUEST).bind(request.uuid())).await?;
    row.as_ref().map(decode::request).transpose()
}

#[async_trait]
impl RequestRepository for PgRepository<'_> {
    #[instrument(level = "debug", skip_all, fields(request = %opening.request.id))]
    async fn open(&self, opening: &Opening) -> Result<Inserted<Request>, RepositoryError> {
        let Opening { request, notification } = opening;
        let query = bind_message(bind_request(sqlx::query(OPEN), request), notification.as_ref());
        let mut connection = self.source.connection().await?;
        if connection.fetch_value(query).await? {
            return Ok(Inserted::New);
        }
        // Either the request is there, or its worker isn't active.
        let stored = read_request(&mut connection, request.id).await?;
        Ok(Inserted::Existing(stored.ok_or(RepositoryErrorKind::Conflict)?))
    }

    #[instrument(level = "debug", skip_all, fields(requests = openings.len()))]
    async fn open_many(
        &self,
        openings: &[Opening],
    ) -> Result<Vec<Result<Inserted<Request>, RepositoryError>>, RepositoryError> {
        batch::open_many(&mut self.source.connection().await?, openings).await
    }

    #[instrument(level = "debug", skip_all, fields(request = %id))]
    async fn request(&self, id: RequestId) -> Result<Option<Request>, RepositoryError> {
        read_request(&mut self.source.connection().await?, id).await
    }

    #[instrument(level = "debug", skip_all, fields(%request))]
    async fn record(&self, request: RequestId) -> Result<Option<RequestRecord>, RepositoryError> {
        let mut connection = self.source.connection().await?;
        let query = sqlx::query(RECORD).bind(request.uuid());
        let rows = connection.fetch_all(query).await?;
        decode::record(&rows)
    }

    #[instrument(level = "debug", skip_all)]
    async fn requests(
        &self,
        filter: &RequestFilter,
        slice: Slice,
    ) -> Result<Listing<Request>, RepositoryError> {
        let mut query = lists::requests::<Postgres>(filter, slice);
        let mut connection = self.source.connection().await?;
        let rows = connection.fetch_all(query.build()).await?;
        Ok(rows.iter().map(decode::request).collect())
    }

    #[instrument(level = "debug", skip_all)]
    async fn count_by_status(
        &self,
        filter: &RequestFilter,
    ) -> Result<BTreeMap<RequestStatus, u64>, RepositoryError> {
        let mut query = lists::count_by_status::<Postgres>(filter);
        let mut connection = self.source.connection().await?;
        let rows = connection.fetch_all(query.build()).await?;
        rows.iter().map(decode::status_count).collect()
    }

    #[instrument(level = "debug", skip_all, fields(request = %step.request.id, version = step.request.version))]
    async fn apply(&self, step: &RequestStep) -> Result<(), RepositoryError> {
        let RequestStep { request, change, notification } = step;
        let query = sqlx::query(APPLY)
            .bind(request.id.uuid())
            .bind(integer(request.version))
            .bind(request.status.as_str())
            .bind(request.updated_at)
            .bind(request.completed_at)
            .bind(request.assigned_worker_id.map(Uuid::from))
            .bind(request.whatsapp_message_id.clone())
            .bind(request.whatsapp_status.as_str());
        let query = bind_message(bind_change(query, change.as_ref()), notification.as_ref());
        let mut connection = self.source.connection().await?;
        if connection.fetch_value(query).await? {
            return Ok(());
        }
        let exists: bool =
            connection.fetch_value(sqlx::query(REQUEST_EXISTS).bind(request.id.uuid())).await?;
        Err(if exists { RepositoryErrorKind::Conflict } else { RepositoryErrorKind::NotFound }.into())
    }

    #[instrument(level = "debug", skip_all, fields(comment = %comment.id, request = %comment.request_id))]
    async fn add_comment(&self, comment: &Comment) -> Result<Inserted<Comment>, RepositoryError> {
        let mut connection = self.source.connection().await?;
        let add = sqlx::query(ADD_COMMENT)
            .bind(comment.id.uuid())
            .bind(comment.request_id.uuid())
            .bind(comment.user_id.uuid())
            .bind(comment.user_type.as_str())
            .bind(String::from(comment.comment.clone()))
            .bind(comment.created_at);
        if connection.execute(add).await? > 0 {
            return Ok(Inserted::New);
        }
        // Either the comment is there, or its request isn't.
        let stored = connection.fetch_optional(sqlx::query(COMMENT).bind(comment.id.uuid())).await?;
        let stored = stored.ok_or(RepositoryErrorKind::NotFound)?;
        decode::comment(&stored).map(Inserted::Existing)
    }

    #[instrument(level = "debug", skip_all, fields(attachment = %attachment.id, request = %attachment.request_id))]
    async fn add_attachment(&self, attachment: &Attachment) -> Result<Inserted<Attachment>, RepositoryError> {
        let mut connection = self.source.connection().await?;
        let add = sqlx::query(ADD_ATTACHMENT)
            .bind(attachment.id.uuid())
            .bind(attachment.request_id.uuid())
            .bind(String::from(attachment.file_url.clone()))
            .bind(String::from(attachment.file_type.clone()))
            .bind(attachment.created_at);
        if connection.execute(add).await? > 0 {
            return Ok(Inserted::New);
        }
        // Either the attachment is there, or its request isn't.
        let stored = connection.fetch_optional(sqlx::query(ATTACHMENT).bind(attachment.id.uuid())).await?;
        let stored = stored.ok_or(RepositoryErrorKind::NotFound)?;
        decode::attachment(&stored).map(Inserted::Existing)
    }

    #[instrument(level = "debug", skip_all)]
    async fn comments(
        &self,
        filter: &CommentFilter,
        slice: Slice,
    ) -> Result<Listing<Comment>, RepositoryError> {
        let mut query = lists::comments::<Postgres>(filter, slice);
        let mut connection = self.source.connection().await?;
        let rows = connection.fetch_all(query.build()).await?;
        Ok(rows.iter().map(decode::comment).collect())
    }
}
