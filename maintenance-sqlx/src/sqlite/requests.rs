//! Requests and what belongs to them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use maintenance_core::{
    Attachment, Comment, CommentFilter, Filed, Filing, Inserted, Listing, OrganizationId, RepositoryError,
    RepositoryErrorKind, Request, RequestFilter, RequestId, RequestRecord, RequestRepository, RequestStatus,
    Slice, Step,
};
use sqlx::sqlite::SqliteRow;
use tracing::instrument;

use super::{
    SqliteRepository,
    convert::{self, id, time},
    filing,
    inbound::settle_sql,
    script::{Query, Script, script},
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

/// Whether the step may be written: the request has the version that the step saw, and the worker of its
/// message is active.
macro_rules! guard_sql {
    () => {
        "exists (select 1 from maintenance_requests where id = $1 and version = $2 and organization_id = $14)
       and ($8 is null or exists (select 1 from maintenance_workers
                                   where id = $8 and status = 'active' and organization_id = $14))
       and ($15 is null or exists (select 1 from maintenance_inbound
                                    where id = $15 ->> 'id' and lease = $15 ->> 'lease' and applied_at is null))"
    };
}

/// Sets a column to its value in the object `$12`, if it has one.
macro_rules! edited_sql {
    ($column:ident $type:ident) => {
        concat!(
            stringify!($column),
            " = iif(json_type($12, '$.",
            stringify!($column),
            "') is null, ",
            stringify!($column),
            ", $12 ->> '",
            stringify!($column),
            "')"
        )
    };
}

/// Writes a step if its guard holds. The request is written last, since the guard reads its version.
///
/// Parameters: `$1` the request, `$2` the version that the step saw, `$3` the step's time; `$4` the new
/// status or null; `$5` whether the worker changes, `$6` the new worker; `$7` the assignment message or null,
/// `$8` the worker who must be active or null; `$9` to `$11` the rows of the two histories and of the outbox,
/// each as a JSON array; `$12` the edited columns as a JSON object, `$13` the rows of the history of edits; `$14`
/// the organisation; `$15` the settlement of the message from a phone that asked for the step, as a JSON object, or null;
/// `$16` the message that becomes acknowledged, or null. A new priority goes to the waiting messages too; those under a lease keep theirs, as on
/// PostgreSQL.
const APPLY: Script = script!(
    "
    insert into maintenance_status_history
           (",
    history_columns!(named),
    ")
    select ",
    history_columns!(json "value"),
    " from json_each($9) where ",
    guard_sql!(),
    ";

    insert into maintenance_assignment_history
           (",
    assignment_history_columns!(named),
    ")
    select ",
    assignment_history_columns!(json "value"),
    " from json_each($10) where ",
    guard_sql!(),
    ";

    insert into maintenance_edits
           (",
    edit_columns!(named),
    ")
    select ",
    edit_columns!(json "value"),
    " from json_each($13) where ",
    guard_sql!(),
    ";

    update maintenance_notifications
       set priority = $12 ->> 'priority'
     where $12 ->> 'priority' is not null and request_id = $1 and status = 'pending' and lease is null
       and ",
    guard_sql!(),
    ";

    insert into maintenance_notifications
           (",
    notification_columns!(named),
    ")
    select ",
    notification_columns!(json "value"),
    " from json_each($11) where ",
    guard_sql!(),
    ";

    ",
    insert_events_sql!(),
    "(select value ->> 'id' as about, 'status' as kind, value ->> 'changed_at' as at, $14 as organization_id,
                 $1 as request_id
            from json_each($9)
           union all
          select value ->> 'id', 'assigned', value ->> 'changed_at', $14, $1 from json_each($10)
           union all
          select value ->> 'id', 'edited', value ->> 'edited_at', $14, $1 from json_each($13))",
    events_end_sql!("maintenance_event_consumers", "and ", guard_sql!()),
    ";

    update maintenance_notifications
       set acknowledged_at = $3
     where id = $16 and request_id = $1 and acknowledged_at is null and ",
    guard_sql!(),
    ";

    update maintenance_requests
       set status = coalesce($4, status),
           completed_at = case when $4 is null then completed_at when $4 = 'completed' then $3 end,
           assigned_worker_id  = iif($5, $6, assigned_worker_id),
           whatsapp_message_id = iif($7 is null, whatsapp_message_id, null),
           whatsapp_status     = iif($7 is null, whatsapp_status, 'pending'),
           notification_id     = coalesce($7, notification_id),
           ",
    editable_columns!(each edited_sql),
    ",
           updated_at = $3, version = version + 1
     where id = $1 and version = $2 and ",
    guard_sql!(),
    "
    returning id;

    ",
    settle_sql!("$15"),
    " and changes() > 0;

    insert or replace into maintenance_words (rowid, organization, words)
    select t.id, replace(r.organization_id, '-', ''), r.title || ' ' || r.description || ' ' || r.location
      from maintenance_requests r
      join maintenance_texts t on t.request_id = r.id and t.comment_id is null
     where r.id = $1 and ($12 ->> 'title' is not null or $12 ->> 'description' is not null
                          or $12 ->> 'location' is not null)"
);

const REQUEST_EXISTS: &str =
    "select exists (select 1 from maintenance_requests where id = $1 and organization_id = $2)";

/// Adds what belongs to a request of the organisation `$2`, if the request exists and its own id is new, with
/// the event. `$1` is a JSON array of one row. A comment's row has the organisation too.
macro_rules! add_to_request_sql {
    ($table:literal, $columns:ident, $event:literal $(, $organization:literal, then $then:expr)?) => {
        script!(
            "
    insert into ",
            $table,
            " (",
            $columns!(named),
            $(", ", $organization,)?
            ")
    select ",
            $columns!(json "value"),
            $(", $2 as ", $organization,)?
            "
      from json_each($1)
     where exists (select 1 from maintenance_requests
                    where id = value ->> 'request_id' and organization_id = $2)
    on conflict (id) do nothing
    returning id;

    ",
            insert_events_sql!(),
            "(select value ->> 'id' as about, '",
            $event,
            "' as kind, $2 as organization_id, value ->> 'request_id' as request_id,
                 value ->> 'created_at' as at
            from json_each($1)
           where changes() > 0)",
            events_end_sql!("maintenance_event_consumers")
            $(, ";

    ", $then)?
        )
    };
}

/// Adds a comment, whose words are still to be indexed.
const ADD_COMMENT: Script = add_to_request_sql!(
    "maintenance_comments",
    comment_columns,
    "commented",
    "organization_id",
    then "insert into maintenance_texts (request_id, comment_id)
    select c.request_id, c.id
      from json_each($1) i
      join maintenance_comments c on c.id = i.value ->> 'id'
     where not exists (select 1 from maintenance_texts t where t.request_id = c.request_id and t.comment_id = c.id)"
);

const COMMENT: &str = concat!(
    "select ",
    comment_columns!(of "c"),
    " from maintenance_comments c where c.id = $1 and c.organization_id = $2"
);

const ADD_ATTACHMENT: Script = add_to_request_sql!("maintenance_attachments", attachment_columns, "attached");

const ATTACHMENT: &str = concat!(
    "select ",
    attachment_columns!(of "f"),
    "
      from maintenance_attachments f
      join maintenance_requests r on r.id = f.request_id
     where f.id = $1 and r.organization_id = $2"
);

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    REQUEST,
    RECORD,
    APPLY.transaction,
    APPLY.savepoint,
    REQUEST_EXISTS,
    ADD_COMMENT.transaction,
    ADD_COMMENT.savepoint,
    COMMENT,
    ADD_ATTACHMENT.transaction,
    ADD_ATTACHMENT.savepoint,
    ATTACHMENT,
];

impl SqliteRepository<'_> {
    /// Adds what belongs to a request; if nothing was added, reads the row that is stored under its id.
    async fn add_to_request<T>(
        &self,
        add: &'static Script,
        row: String,
        stored: Query,
        decode: fn(&SqliteRow) -> Result<T, RepositoryError>,
    ) -> Result<Inserted<T>, RepositoryError> {
        let organization = id(self.organization);
        let bind = |query: Query| query.bind(row).bind(organization.clone());
        if !self.source.write(add, bind).await?.is_empty() {
            return Ok(Inserted::New);
        }
        // If the row isn't stored either, its request doesn't exist.
        let stored = self.source.read(stored.bind(organization), decode).await?;
        stored.map(Inserted::Existing).ok_or_else(|| RepositoryErrorKind::NotFound.into())
    }
}

#[async_trait]
impl RequestRepository for SqliteRepository<'_> {
    fn organization(&self) -> OrganizationId {
        self.organization
    }

    #[instrument(level = "debug", skip_all, fields(requests = filings.len()))]
    async fn file(&self, filings: &[Filing]) -> Result<Vec<Result<Filed, RepositoryError>>, RepositoryError> {
        filing::file(&self.source, self.organization, filings).await
    }

    #[instrument(level = "debug", skip_all, fields(request = %id))]
    async fn request(&self, id: RequestId) -> Result<Option<Request>, RepositoryError> {
        let query = sqlx::query(REQUEST).bind(convert::id(id)).bind(convert::id(self.organization));
        self.source.read(query, decode::request).await
    }

    #[instrument(level = "debug", skip_all, fields(%request))]
    async fn record(&self, request: RequestId) -> Result<Option<RequestRecord>, RepositoryError> {
        let query = sqlx::query(RECORD).bind(id(request)).bind(id(self.organization));
        let rows = self.source.rows(query).await?;
        decode::record(&rows)
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
        let rows = self.source.rows(query.build()).await?;
        rows.iter().map(decode::status_count).collect()
    }

    #[instrument(level = "debug", skip_all, fields(request = %step.request_id, seen = step.seen))]
    async fn apply(&self, step: &Step) -> Result<(), RepositoryError> {
        let writes = Writes::try_from(step)?;
        let bind = |query: Query| {
            query
                .bind(id(step.request_id))
                .bind(step.seen)
                .bind(time(step.at))
                .bind(writes.status.map(RequestStatus::as_str))
                .bind(writes.assigns)
                .bind(writes.worker.map(id))
                .bind(step.assignment_message().map(|message| id(message.id)))
                .bind(step.must_be_active().map(id))
                .bind(writes.history)
                .bind(writes.assignments)
                .bind(writes.messages)
                .bind(writes.edited)
                .bind(writes.edits)
                .bind(id(self.organization))
                .bind(writes.settlement)
                .bind(writes.acknowledged.map(id))
        };
        if !self.source.write(&APPLY, bind).await?.is_empty() {
            return Ok(());
        }
        let exists = sqlx::query(REQUEST_EXISTS).bind(id(step.request_id)).bind(id(self.organization));
        Err(conflict_or_not_found(self.source.read_value(exists).await?))
    }

    #[instrument(level = "debug", skip_all, fields(comment = %comment.id, request = %comment.request_id))]
    async fn add_comment(&self, comment: &Comment) -> Result<Inserted<Comment>, RepositoryError> {
        let row = encode::rows([encode::comment(comment)]);
        let stored = sqlx::query(COMMENT).bind(id(comment.id));
        self.add_to_request(&ADD_COMMENT, row, stored, decode::comment).await
    }

    #[instrument(level = "debug", skip_all, fields(attachment = %attachment.id, request = %attachment.request_id))]
    async fn add_attachment(&self, attachment: &Attachment) -> Result<Inserted<Attachment>, RepositoryError> {
        let row = encode::rows([encode::attachment(attachment)]);
        let stored = sqlx::query(ATTACHMENT).bind(id(attachment.id));
        self.add_to_request(&ADD_ATTACHMENT, row, stored, decode::attachment).await
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
