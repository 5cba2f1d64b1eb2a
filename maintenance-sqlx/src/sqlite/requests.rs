//! Requests and what belongs to them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use maintenance_core::{
    Attachment, Comment, CommentFilter, Inserted, Listing, Notification, Opening, RepositoryError,
    RepositoryErrorKind, Request, RequestFilter, RequestId, RequestRecord, RequestRepository, RequestStatus,
    RequestStep, Slice, StatusChange,
};
use sqlx::{Sqlite, SqliteConnection};
use tracing::instrument;

use super::{
    SqliteRepository, batch,
    convert::{id, time},
    source::failed,
    step::{Query, Step, step},
};
use crate::{
    columns::{
        attachment_columns, comment_columns, history_columns, notification_columns, record_sql,
        request_columns,
    },
    decode, lists,
};

/// `$1` to `$15` are the message, `$16` to `$32` the request. Goes behind the statement that writes the request,
/// and writes only if that wrote one.
macro_rules! tell_sql {
    () => {
        "
    insert into maintenance_notifications
           (id, request_id, worker_id, kind, status, provider_message_id, attempts, due_at, lease,
            error_code, error_text, created_at, sent_at, delivered_at, read_at, failed_at, priority, since)
    select $1, $16, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, r.priority, $11
      from maintenance_requests r
     where r.id = $16 and $1 is not null and changes() > 0"
    };
}

const OPEN: Step = step!(
    "
    insert into maintenance_requests
           (id, renter_id, title, description, status, priority, created_at, updated_at, completed_at,
            property_id, location, assigned_worker_id, whatsapp_message_id, whatsapp_status, complex_id,
            specialty, version, notification_id)
    select $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $1
     where $1 is null or exists (select 1 from maintenance_workers where id = $2 and status = 'active')
    on conflict (id) do nothing
    returning id;
    ",
    tell_sql!()
);

const REQUEST: &str = concat!("select ", request_columns!(), " from maintenance_requests r where r.id = $1");

const RECORD: &str = record_sql!();

macro_rules! move_sql {
    () => {
        "
    update maintenance_requests
       set status = $18, updated_at = $19, completed_at = $20, assigned_worker_id = $21, version = $17,
           whatsapp_message_id = iif($1 is null, whatsapp_message_id, $22),
           whatsapp_status     = iif($1 is null, whatsapp_status, $23),
           notification_id     = coalesce($1, notification_id)
     where id = $16 and version = $17 - 1
       and ($1 is null or exists (select 1 from maintenance_workers where id = $2 and status = 'active'))
    returning id;
    "
    };
}

const APPLY: Step = step!(move_sql!(), tell_sql!());

const APPLY_CHANGE: Step = step!(
    move_sql!(),
    "
    insert into maintenance_status_history
           (id, request_id, previous_status, new_status, changed_by, changed_at, notes)
    select $24, $16, $25, $26, $27, $28, $29
     where changes() > 0;
    ",
    tell_sql!()
);

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
    OPEN.alone,
    OPEN.within,
    REQUEST,
    RECORD,
    APPLY.alone,
    APPLY.within,
    APPLY_CHANGE.alone,
    APPLY_CHANGE.within,
    REQUEST_EXISTS,
    ADD_COMMENT,
    COMMENT,
    ADD_ATTACHMENT,
    ATTACHMENT,
];

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

/// All of a notification but its request's id.
fn bind_message(query: Query, message: Option<&Notification>) -> Query {
    let error = message.and_then(|message| message.error.as_ref());
    query
        .bind(message.map(|message| id(message.id)))
        .bind(message.map(|message| id(message.worker_id)))
        .bind(message.map(|message| message.kind.as_str()))
        .bind(message.map(|message| message.status.as_str()))
        .bind(message.and_then(|message| message.provider_message_id.clone()))
        .bind(message.map(|message| message.attempts))
        .bind(message.map(|message| time(message.due_at)))
        .bind(message.and_then(|message| message.lease).map(id))
        .bind(error.map(|error| error.code.clone()))
        .bind(error.map(|error| error.text.clone()))
        .bind(message.map(|message| time(message.created_at)))
        .bind(message.and_then(|message| message.sent_at).map(time))
        .bind(message.and_then(|message| message.delivered_at).map(time))
        .bind(message.and_then(|message| message.read_at).map(time))
        .bind(message.and_then(|message| message.failed_at).map(time))
}

fn bind_change(query: Query, change: &StatusChange) -> Query {
    query
        .bind(id(change.id))
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
    #[instrument(level = "debug", skip_all, fields(request = %opening.request.id))]
    async fn open(&self, opening: &Opening) -> Result<Inserted<Request>, RepositoryError> {
        let Opening { request, notification } = opening;
        let file = |query| bind_request(bind_message(query, notification.as_ref()), request);
        if !self.source.write(&OPEN, file).await?.is_empty() {
            return Ok(Inserted::New);
        }
        // Either the request is there, or its worker isn't active.
        let stored = read_request(&mut *self.source.reader().await?, request.id).await?;
        Ok(Inserted::Existing(stored.ok_or(RepositoryErrorKind::Conflict)?))
    }

    #[instrument(level = "debug", skip_all, fields(requests = openings.len()))]
    async fn open_many(
        &self,
        openings: &[Opening],
    ) -> Result<Vec<Result<Inserted<Request>, RepositoryError>>, RepositoryError> {
        let told = batch::openings(openings);
        let rows = self.source.write(&batch::OPEN_MANY, |query| query.bind(told)).await?;
        batch::answers(openings, &rows)
    }

    #[instrument(level = "debug", skip_all, fields(request = %id))]
    async fn request(&self, id: RequestId) -> Result<Option<Request>, RepositoryError> {
        read_request(&mut *self.source.reader().await?, id).await
    }

    #[instrument(level = "debug", skip_all, fields(%request))]
    async fn record(&self, request: RequestId) -> Result<Option<RequestRecord>, RepositoryError> {
        let mut connection = self.source.reader().await?;
        let query = sqlx::query(RECORD).bind(id(request));
        let rows = query.fetch_all(&mut *connection).await.map_err(failed)?;
        decode::record(&rows)
    }

    #[instrument(level = "debug", skip_all)]
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

    #[instrument(level = "debug", skip_all)]
    async fn count_by_status(
        &self,
        filter: &RequestFilter,
    ) -> Result<BTreeMap<RequestStatus, u64>, RepositoryError> {
        let mut query = lists::count_by_status::<Sqlite>(filter);
        let mut connection = self.source.reader().await?;
        let rows = query.build().fetch_all(&mut *connection).await.map_err(failed)?;
        rows.iter().map(decode::status_count).collect()
    }

    #[instrument(level = "debug", skip_all, fields(request = %step.request.id, version = step.request.version))]
    async fn apply(&self, step: &RequestStep) -> Result<(), RepositoryError> {
        let RequestStep { request, change, notification } = step;
        let apply = |query| {
            let query = bind_message(query, notification.as_ref())
                .bind(id(request.id))
                .bind(request.version)
                .bind(request.status.as_str())
                .bind(time(request.updated_at))
                .bind(request.completed_at.map(time))
                .bind(request.assigned_worker_id.map(id))
                .bind(request.whatsapp_message_id.clone())
                .bind(request.whatsapp_status.as_str());
            change.iter().fold(query, bind_change)
        };
        let statements = if change.is_some() { &APPLY_CHANGE } else { &APPLY };
        if !self.source.write(statements, apply).await?.is_empty() {
            return Ok(());
        }
        let exists = sqlx::query_scalar(REQUEST_EXISTS).bind(id(request.id));
        let exists: bool = exists.fetch_one(&mut *self.source.reader().await?).await.map_err(failed)?;
        Err(if exists { RepositoryErrorKind::Conflict } else { RepositoryErrorKind::NotFound }.into())
    }

    #[instrument(level = "debug", skip_all, fields(comment = %comment.id, request = %comment.request_id))]
    async fn add_comment(&self, comment: &Comment) -> Result<Inserted<Comment>, RepositoryError> {
        let add = sqlx::query(ADD_COMMENT)
            .bind(id(comment.id))
            .bind(id(comment.request_id))
            .bind(id(comment.user_id))
            .bind(comment.user_type.as_str())
            .bind(String::from(comment.comment.clone()))
            .bind(time(comment.created_at));
        if self.source.execute(add).await? > 0 {
            return Ok(Inserted::New);
        }
        // Either the comment is there, or its request isn't.
        let mut connection = self.source.reader().await?;
        let stored = sqlx::query(COMMENT).bind(id(comment.id)).fetch_optional(&mut *connection).await;
        let stored = stored.map_err(failed)?.ok_or(RepositoryErrorKind::NotFound)?;
        decode::comment(&stored).map(Inserted::Existing)
    }

    #[instrument(level = "debug", skip_all, fields(attachment = %attachment.id, request = %attachment.request_id))]
    async fn add_attachment(&self, attachment: &Attachment) -> Result<Inserted<Attachment>, RepositoryError> {
        let add = sqlx::query(ADD_ATTACHMENT)
            .bind(id(attachment.id))
            .bind(id(attachment.request_id))
            .bind(String::from(attachment.file_url.clone()))
            .bind(String::from(attachment.file_type.clone()))
            .bind(time(attachment.created_at));
        if self.source.execute(add).await? > 0 {
            return Ok(Inserted::New);
        }
        // Either the attachment is there, or its request isn't.
        let mut connection = self.source.reader().await?;
        let stored = sqlx::query(ATTACHMENT).bind(id(attachment.id)).fetch_optional(&mut *connection).await;
        let stored = stored.map_err(failed)?.ok_or(RepositoryErrorKind::NotFound)?;
        decode::attachment(&stored).map(Inserted::Existing)
    }

    #[instrument(level = "debug", skip_all)]
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
