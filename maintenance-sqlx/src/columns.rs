//! The one list of each table's columns. [`encode`](crate::encode) writes rows under these names,
//! [`decode`](crate::decode) reads rows in this order, and statements name the columns in one of these forms:
//!
//! - `comment_columns!(named)` is `id, request_id, …`;
//! - `comment_columns!(of "c")` is `c.id, c.request_id, …`;
//! - `comment_columns!(json "value")` reads them from a JSON object: `value ->> 'id', value ->> 'request_id',
//!   …`;
//! - `comment_columns!(list)` is the list in Rust, with the types of the columns on PostgreSQL (`texts` for `text[]`):
//!   `&[("id", "uuid"), …]`; `filed_columns!(list with notification_id: uuid)` has one more column at its end;
//! - `editable_columns!(each set_sql)` is `set_sql!(title text), set_sql!(description text), …`.

macro_rules! columns {
    (named; $first:ident: $t:ident $(, $more:ident: $u:ident)*) => {
        concat!(stringify!($first) $(, ", ", stringify!($more))*)
    };
    (of $row:literal; $first:ident: $t:ident $(, $more:ident: $u:ident)*) => {
        concat!($row, ".", stringify!($first) $(, ", ", $row, ".", stringify!($more))*)
    };
    (json $row:literal; $first:ident: $t:ident $(, $more:ident: $u:ident)*) => {
        concat!($row, " ->> '", stringify!($first), "'" $(, ", ", $row, " ->> '", stringify!($more), "'")*)
    };
    (each $sql:ident; $first:ident: $t:ident $(, $more:ident: $u:ident)*) => {
        concat!($sql!($first $t) $(, ", ", $sql!($more $u))*)
    };
    (list $(with $other:ident: $of:ident)?; $($column:ident: $type:ident),*) => {
        &[$((stringify!($column), stringify!($type)),)* $((stringify!($other), stringify!($of)))?]
    };
}

macro_rules! worker_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*;
            id: uuid, organization_id: uuid, first_name: text, last_name: text, phone_number: text, email: text, specialties: texts,
            status: text, created_at: timestamptz, updated_at: timestamptz)
    };
}

macro_rules! assignment_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*;
            id: uuid, worker_id: uuid, complex_id: uuid, is_primary: boolean, assigned_at: timestamptz,
            updated_at: timestamptz)
    };
}

/// The columns of a request but the number, which the filing statement gives.
macro_rules! filed_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*;
            id: uuid, organization_id: uuid, renter_id: uuid, title: text, description: text, status: text, priority: text,
            created_at: timestamptz, updated_at: timestamptz, completed_at: timestamptz, property_id: uuid,
            location: text, assigned_worker_id: uuid, whatsapp_message_id: text, whatsapp_status: text,
            complex_id: uuid, specialty: text, version: integer, fingerprint: uuid,
            hold_reason: text, hold_until: timestamptz)
    };
}

macro_rules! request_columns {
    (of $row:literal) => {
        concat!($crate::columns::filed_columns!(of $row), ", ", $row, ".number")
    };
    (list) => {
        $crate::columns::filed_columns!(list with number: integer)
    };
}

macro_rules! history_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*;
            id: uuid, request_id: uuid, previous_status: text, new_status: text, changed_by: uuid,
            changed_at: timestamptz, notes: text)
    };
}

macro_rules! assignment_history_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*;
            id: uuid, request_id: uuid, previous_worker_id: uuid, new_worker_id: uuid, changed_by: uuid,
            changed_at: timestamptz, cause: text, notes: text, ranking: text)
    };
}

macro_rules! edit_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*;
            id: uuid, request_id: uuid, edited_by: uuid, edited_at: timestamptz, field: text, before: text,
            after: text)
    };
}

/// The columns of a request that an edit can change.
macro_rules! editable_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*;
            title: text, description: text, location: text, priority: text, specialty: text, property_id: uuid,
            complex_id: uuid, hold_reason: text, hold_until: timestamptz)
    };
}

macro_rules! comment_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*;
            id: uuid, request_id: uuid, user_id: uuid, user_type: text, comment: text,
            created_at: timestamptz)
    };
}

macro_rules! attachment_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*;
            id: uuid, request_id: uuid, file_url: text, file_type: text, created_at: timestamptz)
    };
}

macro_rules! notification_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*;
            id: uuid, organization_id: uuid, channel: text, request_id: uuid, worker_id: uuid, renter_id: uuid,
            kind: text, answer: text, news: text, priority: text, status: text,
            provider_message_id: text, attempts: integer, claims: integer, due_at: timestamptz, lease: uuid,
            error_code: text, error_text: text, since: timestamptz, created_at: timestamptz,
            sent_at: timestamptz, delivered_at: timestamptz, read_at: timestamptz, failed_at: timestamptz,
            acknowledged_at: timestamptz)
    };
}

macro_rules! inbound_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*;
            id: uuid, channel: text, provider_message_id: text, sender: text, wa_id: text, user_id: text,
            kind: text, payload: text, replies_to: text, sent_at: timestamptz, received_at: timestamptz,
            due_at: timestamptz, lease: uuid, claims: integer, organization_id: uuid, request_id: uuid,
            asked_at: timestamptz, applied_at: timestamptz, outcome: text)
    };
}

macro_rules! event_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*;
            about: uuid, kind: text, organization_id: uuid, request_id: uuid, at: timestamptz, detail: text)
    };
}

/// The beginning of a statement that keeps events, up to the relation of the events.
macro_rules! insert_events_sql {
    () => {
        "insert into maintenance_events (about, kind, organization_id, request_id, at)
        select e.about, e.kind, e.organization_id, e.request_id, e.at
          from "
    };
}

/// Its end: events are kept while there are such consumers, and once for each row that they are about.
macro_rules! events_end_sql {
    ($consumers:literal $(, $guard:expr)*) => {
        concat!(
            " e
         where exists (select 1 from ",
            $consumers,
            ") ",
            $($guard,)*
            "
        on conflict (about, kind) do nothing"
        )
    };
}

/// The columns of a kept webhook update.
macro_rules! early_columns {
    () => {
        "e.provider_message_id, e.channel, e.event, e.at, e.error_code, e.error_text, e.next"
    };
}

/// The rows of a table that belong to the request `$1` of the organisation `$2`, joined to those of no other table.
macro_rules! rows_of_request_sql {
    ($table:literal, $columns:ident of $row:literal) => {
        concat!(
            "
               full join (select ",
            $columns!(of $row),
            " from ",
            $table,
            " ",
            $row,
            " where ",
            $row,
            ".request_id = (select id from maintenance_requests where id = $1 and organization_id = $2)) ",
            $row,
            " on false"
        )
    };
}

/// Reads the request `$1` of the organisation `$2` with its histories, comments, attachments and notifications in one
/// statement, and so in one snapshot. Each row of the full joins holds the columns of one entity, and nulls for the others.
macro_rules! record_sql {
    () => {
        concat!(
            "select ",
            request_columns!(of "r"),
            ", ",
            history_columns!(of "h"),
            ", ",
            assignment_history_columns!(of "a"),
            ", ",
            edit_columns!(of "e"),
            ", ",
            comment_columns!(of "c"),
            ", ",
            attachment_columns!(of "f"),
            ", ",
            notification_columns!(of "n"),
            " from (select ",
            request_columns!(of "r"),
            " from maintenance_requests r where r.id = $1 and r.organization_id = $2) r",
            $crate::columns::rows_of_request_sql!("maintenance_status_history", history_columns of "h"),
            $crate::columns::rows_of_request_sql!(
                "maintenance_assignment_history",
                assignment_history_columns of "a"
            ),
            $crate::columns::rows_of_request_sql!("maintenance_edits", edit_columns of "e"),
            $crate::columns::rows_of_request_sql!("maintenance_comments", comment_columns of "c"),
            $crate::columns::rows_of_request_sql!("maintenance_attachments", attachment_columns of "f"),
            $crate::columns::rows_of_request_sql!("maintenance_notifications", notification_columns of "n"),
            "
              order by h.changed_at, h.id, a.changed_at, a.id, e.edited_at, e.id, c.created_at, c.id, f.created_at,
                       f.id, n.created_at, n.id"
        )
    };
}

pub(crate) use {
    assignment_columns, assignment_history_columns, attachment_columns, columns, comment_columns,
    early_columns, edit_columns, editable_columns, event_columns, events_end_sql, filed_columns,
    history_columns, inbound_columns, insert_events_sql, notification_columns, record_sql, request_columns,
    rows_of_request_sql, worker_columns,
};
