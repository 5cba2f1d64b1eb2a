//! The one list of each table's columns. [`encode`](crate::encode) writes rows under these names,
//! [`decode`](crate::decode) reads rows in this order, and statements name the columns in one of these forms:
//!
//! - `request_columns!(named)` is `id, renter_id, …`;
//! - `request_columns!(of "r")` is `r.id, r.renter_id, …`;
//! - `request_columns!(json "value")` reads them from a JSON object: `value ->> 'id', value ->> 'renter_id',
//!   …`;
//! - `request_columns!(list)` is the list in Rust: `&["id", "renter_id", …]`.

macro_rules! columns {
    (named; $first:literal $($more:literal)*) => { concat!($first $(, ", ", $more)*) };
    (of $row:literal; $first:literal $($more:literal)*) => {
        concat!($row, ".", $first $(, ", ", $row, ".", $more)*)
    };
    (json $row:literal; $first:literal $($more:literal)*) => {
        concat!($row, " ->> '", $first, "'" $(, ", ", $row, " ->> '", $more, "'")*)
    };
    (list; $($column:literal)*) => { &[$($column),*] };
}

macro_rules! worker_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*; "id" "first_name" "last_name" "phone_number" "email" "specialties"
            "status" "created_at" "updated_at")
    };
}

macro_rules! assignment_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*; "id" "worker_id" "complex_id" "is_primary" "assigned_at" "updated_at")
    };
}

macro_rules! request_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*; "id" "renter_id" "title" "description" "status" "priority" "created_at"
            "updated_at" "completed_at" "property_id" "location" "assigned_worker_id" "whatsapp_message_id"
            "whatsapp_status" "complex_id" "specialty" "version")
    };
}

macro_rules! history_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*; "id" "request_id" "previous_status" "new_status" "changed_by"
            "changed_at" "notes")
    };
}

macro_rules! assignment_history_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*; "id" "request_id" "previous_worker_id" "new_worker_id" "changed_by"
            "changed_at" "cause" "notes" "ranking")
    };
}

macro_rules! comment_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*; "id" "request_id" "user_id" "user_type" "comment" "created_at")
    };
}

macro_rules! attachment_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*; "id" "request_id" "file_url" "file_type" "created_at")
    };
}

macro_rules! notification_columns {
    ($($form:tt)*) => {
        $crate::columns::columns!($($form)*; "id" "request_id" "worker_id" "kind" "priority" "status"
            "provider_message_id" "attempts" "claims" "due_at" "lease" "error_code" "error_text" "since" "created_at"
            "sent_at" "delivered_at" "read_at" "failed_at")
    };
}

/// The columns of a kept webhook update.
macro_rules! early_columns {
    () => {
        "e.provider_message_id, e.event, e.at, e.error_code, e.error_text, e.next"
    };
}

/// The rows of a table that belong to the request `$1`, joined to those of no other table.
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
            ".request_id = $1) ",
            $row,
            " on false"
        )
    };
}

/// Reads a request with its histories, comments, attachments and notifications in one statement, and so in
/// one snapshot. Each row of the full joins holds the columns of one entity, and nulls for the others.
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
            comment_columns!(of "c"),
            ", ",
            attachment_columns!(of "f"),
            ", ",
            notification_columns!(of "n"),
            " from (select ",
            request_columns!(of "r"),
            " from maintenance_requests r where r.id = $1) r",
            $crate::columns::rows_of_request_sql!("maintenance_status_history", history_columns of "h"),
            $crate::columns::rows_of_request_sql!(
                "maintenance_assignment_history",
                assignment_history_columns of "a"
            ),
            $crate::columns::rows_of_request_sql!("maintenance_comments", comment_columns of "c"),
            $crate::columns::rows_of_request_sql!("maintenance_attachments", attachment_columns of "f"),
            $crate::columns::rows_of_request_sql!("maintenance_notifications", notification_columns of "n"),
            "
              order by h.changed_at, h.id, a.changed_at, a.id, c.created_at, c.id, f.created_at, f.id,
                       n.created_at, n.id"
        )
    };
}

pub(crate) use {
    assignment_columns, assignment_history_columns, attachment_columns, columns, comment_columns,
    early_columns, history_columns, notification_columns, record_sql, request_columns, rows_of_request_sql,
    worker_columns,
};
