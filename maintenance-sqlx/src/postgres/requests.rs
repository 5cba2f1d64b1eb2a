//! Requests and what belongs to them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use maintenance_core::{
    Attachment, Comment, CommentFilter, Filed, Filing, Inserted, Listing, OrganizationId, RepositoryError,
    RepositoryErrorKind, Request, RequestFilter, RequestId, RequestRecord, RequestRepository, RequestStatus,
    Slice, Step,
};
use tracing::instrument;
use uuid::Uuid;

use super::{
    PgRepository,
    convert::integer,
    events::follower_sql,
    filing,
    inbound::settle_sql,
    texts::{request_words_sql, unindexed_sql, words_sql},
};
use crate::{
    columns::{
        assignment_history_columns, attachment_columns, comment_columns, edit_columns, editable_columns,
        events_end_sql, history_columns, insert_events_sql, notification_columns, record_sql,
        request_columns,
    },
    decode, encode,
    error::conflict_or_not_found,
    lists,
    writes::Writes,
};

const REQUEST: &str = concat!(
    "select ",
    request_columns!(of "r"),
    " from maintenance_requests r where r.id = $1 and r.organization_id = $2"
);

const RECORD: &str = record_sql!();

/// Sets a column to its value in the object `$12`, if it has one.
macro_rules! edited_sql {
    ($column:ident $type:ident) => {
        concat!(
            stringify!($column),
            " = case when $12::text::jsonb ? '",
            stringify!($column),
            "' then ($12::text::jsonb ->> '",
            stringify!($column),
            "')::",
            stringify!($type),
            " else ",
            stringify!($column),
            " end"
        )
    };
}

/// Writes a step, if the request has the version that the step saw and the worker of its message is active.
///
/// Parameters: `$1` the request, `$2` the version that the step saw, `$3` the step's time; `$4` the new
/// status or null; `$5` whether the worker changes, `$6` the new worker; `$7` the assignment message or null,
/// `$8` the worker who must be active or null; `$9` to `$11` the rows of the two histories and of the outbox,
/// each as a JSON array; `$12` the edited columns as a JSON object, `$13` the rows of the history of edits; `$14`
/// the organisation; `$15` the settlement of the message from a phone that asked for the step, as a JSON object, or null;
/// `$16` the message that becomes acknowledged, or null. The worker stays locked until the transaction ends, as when a request is filed.
///
/// A new priority goes to the waiting messages too. Those under a lease keep theirs: their outcomes must not wait for
/// a lock that the host's transaction holds. Like all who lock several messages it does so in the order of their ids, and
/// in a subquery for the reason that `free` gives. Each insert returns something, as when a request is filed.
const APPLY: &str = concat!(
    "
    with moved as (
        update maintenance_requests
           set status = coalesce($4, status),
               completed_at = case when $4 is null        then completed_at
                                   when $4 = 'completed' then $3::timestamptz end,
               assigned_worker_id  = case when $5 then $6::uuid else assigned_worker_id end,
               whatsapp_message_id = case when $7::uuid is null then whatsapp_message_id end,
               whatsapp_status     = case when $7::uuid is null then whatsapp_status else 'pending' end,
               notification_id     = coalesce($7::uuid, notification_id),
               ",
    editable_columns!(each edited_sql),
    ",
               updated_at = $3, version = version + 1
         where id = $1 and version = $2 and organization_id = $14
           and ($8::uuid is null
                or exists (select from maintenance_workers
                            where id = $8 and status = 'active' and organization_id = $14
                              for share))
           and ($15::text is null
                or exists (select from maintenance_inbound
                            where id = ($15::text::json ->> 'id')::uuid
                              and lease = ($15::text::json ->> 'lease')::uuid and applied_at is null
                              for update))
        returning id, organization_id,
                  case when $12::text::jsonb ?| array['title', 'description', 'location'] then ",
    request_words_sql!("maintenance_requests"),
    " end as words
    ), reworded as (
        insert into maintenance_texts (request_id, is_comment, id, words)
        select id, false, id, words from moved where words is not null
        on conflict (request_id, is_comment, id) do update set words = excluded.words
    ), changed as (
        insert into maintenance_status_history
               (",
    history_columns!(named),
    ")
        select ",
    history_columns!(of "h"),
    "
          from moved, json_populate_recordset(null::maintenance_status_history, $9::text::json) h
        returning id, changed_at
    ), assigned as (
        insert into maintenance_assignment_history
               (",
    assignment_history_columns!(named),
    ")
        select ",
    assignment_history_columns!(of "a"),
    "
          from moved, json_populate_recordset(null::maintenance_assignment_history, $10::text::json) a
        returning id, changed_at
    ), edited as (
        insert into maintenance_edits
               (",
    edit_columns!(named),
    ")
        select ",
    edit_columns!(of "e"),
    "
          from moved, json_populate_recordset(null::maintenance_edits, $13::text::json) e
        returning id, edited_at
    ), waiting_messages as (
        select l.id
          from (select n.id
                  from moved
                  join maintenance_notifications n on n.request_id = moved.id
                 where $12::text::jsonb ? 'priority' and n.status = 'pending' and n.lease is null
                 order by n.id
                   for no key update of n) l
    ), prioritized as (
        update maintenance_notifications n
           set priority = $12::text::jsonb ->> 'priority'
          from waiting_messages w
         where n.id = w.id
    ), acknowledged as (
        update maintenance_notifications n
           set acknowledged_at = $3
          from moved
         where n.id = $16 and n.request_id = moved.id and n.acknowledged_at is null
    ), settled as (
        ",
    settle_sql!("$15"),
    " and exists (select from moved)
    ), filed_messages as (
        insert into maintenance_notifications
               (",
    notification_columns!(named),
    ")
        select ",
    notification_columns!(of "n"),
    "
          from moved, json_populate_recordset(null::maintenance_notifications, $11::text::json) n
        returning 1
    ), ",
    follower_sql!(),
    ", happened as (
        ",
    insert_events_sql!(),
    "(select c.about, c.kind, m.organization_id, m.id as request_id, c.at
                  from moved m,
                       (select id as about, 'status' as kind, changed_at as at from changed
                         union all
                        select id, 'assigned', changed_at from assigned
                         union all
                        select id, 'edited', edited_at from edited) c)",
    events_end_sql!("follower"),
    "
    )
    select exists (select from moved)"
);

const REQUEST_EXISTS: &str =
    "select exists (select from maintenance_requests where id = $1 and organization_id = $2)";

/// Adds what belongs to a request of the organisation `$2`, if the request exists and its own id is new, with the event.
/// `$1` is the JSON row. A comment's row has the organisation too. The insert reads no table but a CTE's rows, for the
/// reason that `follower` gives.
macro_rules! add_to_request_sql {
    ($table:literal, $columns:ident, $event:literal $(, $organization:literal, then $then:expr)?) => {
        concat!(
            "
    with input as materialized (
        select ",
            $columns!(of "i"),
            "
          from json_populate_record(null::",
            $table,
            ", $1::text::json) i
         where exists (select from maintenance_requests where id = i.request_id and organization_id = $2)
    ), added as (
        insert into ",
            $table,
            " (",
            $columns!(named),
            $(", ", $organization,)?
            ")
        select ",
            $columns!(of "i"),
            $(", $2 as ", $organization,)?
            "
          from input i
        on conflict (id) do nothing
        returning id, request_id, created_at",
            $("
    ), ", $then,)?
            "
    ), ",
            follower_sql!(),
            ", happened as (
        ",
            insert_events_sql!(),
            "(select id as about, '",
            $event,
            "' as kind, $2::uuid as organization_id, request_id, created_at as at from added)",
            events_end_sql!("follower"),
            "
    )
    select id from added"
        )
    };
}

/// Adds a comment, whose words are still to be indexed.
const ADD_COMMENT: &str = add_to_request_sql!(
    "maintenance_comments",
    comment_columns,
    "commented",
    "organization_id",
    then concat!("texts as (
        ", unindexed_sql!("select request_id, true, id from added"))
);

const COMMENT: &str = concat!(
    "select ",
    comment_columns!(of "c"),
    " from maintenance_comments c where c.id = $1 and c.organization_id = $2"
);

const ADD_ATTACHMENT: &str = add_to_request_sql!("maintenance_attachments", attachment_columns, "attached");

const ATTACHMENT: &str = concat!(
    "select ",
    attachment_columns!(of "f"),
    "
      from maintenance_attachments f
      join maintenance_requests r on r.id = f.request_id
     where f.id = $1 and r.organization_id = $2"
);

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[REQUEST, RECORD, APPLY, REQUEST_EXISTS, ADD_COMMENT, COMMENT, ADD_ATTACHMENT, ATTACHMENT];

#[async_trait]
impl RequestRepository for PgRepository<'_> {
    fn organization(&self) -> OrganizationId {
        self.organization
    }

    #[instrument(level = "debug", skip_all, fields(requests = filings.len()))]
    async fn file(&self, filings: &[Filing]) -> Result<Vec<Result<Filed, RepositoryError>>, RepositoryError> {
        filing::file(&self.source, self.organization, filings).await
    }

    #[instrument(level = "debug", skip_all, fields(request = %id))]
    async fn request(&self, id: RequestId) -> Result<Option<Request>, RepositoryError> {
        let query = sqlx::query(REQUEST).bind(id.uuid()).bind(self.organization.uuid());
        self.source.connection().await?.read(query, decode::request).await
    }

    #[instrument(level = "debug", skip_all, fields(%request))]
    async fn record(&self, request: RequestId) -> Result<Option<RequestRecord>, RepositoryError> {
        let query = sqlx::query(RECORD).bind(request.uuid()).bind(self.organization.uuid());
        decode::record(&self.source.connection().await?.fetch_all(query).await?)
    }

    #[instrument(level = "debug", skip_all)]
    async fn requests(
        &self,
        filter: &RequestFilter,
        slice: Slice,
    ) -> Result<Listing<Request>, RepositoryError> {
        self.source.list(lists::requests(self.organization, filter, slice).build(), decode::request).await
    }

    #[instrument(level = "debug", skip_all)]
    async fn count_by_status(
        &self,
        filter: &RequestFilter,
    ) -> Result<BTreeMap<RequestStatus, u64>, RepositoryError> {
        let mut query = lists::count_by_status(self.organization, filter);
        let rows = self.source.connection().await?.fetch_all(query.build()).await?;
        rows.iter().map(decode::status_count).collect()
    }

    #[instrument(level = "debug", skip_all, fields(request = %step.request_id, seen = step.seen))]
    async fn apply(&self, step: &Step) -> Result<(), RepositoryError> {
        let writes = Writes::try_from(step)?;
        let query = sqlx::query(APPLY)
            .bind(step.request_id.uuid())
            .bind(integer(step.seen))
            .bind(step.at)
            .bind(writes.status.map(RequestStatus::as_str))
            .bind(writes.assigns)
            .bind(writes.worker.map(Uuid::from))
            .bind(step.assignment_message().map(|message| message.id.uuid()))
            .bind(step.must_be_active().map(Uuid::from))
            .bind(writes.history)
            .bind(writes.assignments)
            .bind(writes.messages)
            .bind(writes.edited)
            .bind(writes.edits)
            .bind(self.organization.uuid())
            .bind(writes.settlement)
            .bind(writes.acknowledged.map(Uuid::from));
        let mut connection = self.source.connection().await?;
        if connection.fetch_value(query).await? {
            return Ok(());
        }
        let exists = sqlx::query(REQUEST_EXISTS).bind(step.request_id.uuid()).bind(self.organization.uuid());
        Err(conflict_or_not_found(connection.fetch_value(exists).await?))
    }

    #[instrument(level = "debug", skip_all, fields(comment = %comment.id, request = %comment.request_id))]
    async fn add_comment(&self, comment: &Comment) -> Result<Inserted<Comment>, RepositoryError> {
        let insert = sqlx::query(ADD_COMMENT)
            .bind(encode::row(&encode::comment(comment)))
            .bind(self.organization.uuid());
        let stored = sqlx::query(COMMENT).bind(comment.id.uuid()).bind(self.organization.uuid());
        // If the comment isn't stored either, its request doesn't exist.
        let missing = RepositoryErrorKind::NotFound;
        self.source.connection().await?.insert_or_read(insert, stored, decode::comment, missing).await
    }

    #[instrument(level = "debug", skip_all, fields(attachment = %attachment.id, request = %attachment.request_id))]
    async fn add_attachment(&self, attachment: &Attachment) -> Result<Inserted<Attachment>, RepositoryError> {
        let row = encode::row(&encode::attachment(attachment));
        let insert = sqlx::query(ADD_ATTACHMENT).bind(row).bind(self.organization.uuid());
        let stored = sqlx::query(ATTACHMENT).bind(attachment.id.uuid()).bind(self.organization.uuid());
        // If the attachment isn't stored either, its request doesn't exist.
        let missing = RepositoryErrorKind::NotFound;
        self.source.connection().await?.insert_or_read(insert, stored, decode::attachment, missing).await
    }

    #[instrument(level = "debug", skip_all)]
    async fn comments(
        &self,
        filter: &CommentFilter,
        slice: Slice,
    ) -> Result<Listing<Comment>, RepositoryError> {
        self.source.list(lists::comments(self.organization, filter, slice).build(), decode::comment).await
    }
}
