//! Each table's columns in the order in which [`decode`](crate::decode) reads them, for `concat!`.

macro_rules! worker_columns {
    () => {
        "w.id, w.first_name, w.last_name, w.phone_number, w.email, w.specialties, w.status, \
         w.created_at, w.updated_at"
    };
}

macro_rules! assignment_columns {
    () => {
        "a.id, a.worker_id, a.complex_id, a.is_primary, a.assigned_at, a.updated_at"
    };
}

macro_rules! request_columns {
    () => {
        "r.id, r.renter_id, r.title, r.description, r.status, r.priority, r.created_at, r.updated_at, \
         r.completed_at, r.property_id, r.location, r.assigned_worker_id, r.whatsapp_message_id, \
         r.whatsapp_status, r.complex_id, r.specialty, r.version"
    };
}

macro_rules! history_columns {
    () => {
        "h.id, h.request_id, h.previous_status, h.new_status, h.changed_by, h.changed_at, h.notes"
    };
}

macro_rules! comment_columns {
    () => {
        "c.id, c.request_id, c.user_id, c.user_type, c.comment, c.created_at"
    };
}

macro_rules! attachment_columns {
    () => {
        "f.id, f.request_id, f.file_url, f.file_type, f.created_at"
    };
}

macro_rules! notification_columns {
    () => {
        "n.id, n.request_id, n.worker_id, n.kind, n.priority, n.status, n.provider_message_id, n.attempts, \
         n.claims, n.due_at, n.lease, n.error_code, n.error_text, n.since, n.created_at, n.sent_at, \
         n.delivered_at, n.read_at, n.failed_at"
    };
}

/// A kept webhook update.
macro_rules! early_columns {
    () => {
        "e.provider_message_id, e.event, e.at, e.error_code, e.error_text, e.next"
    };
}

/// A request with all that happened to it in one statement, so in one snapshot: each row of the full joins
/// holds one part's columns and nulls for the others.
macro_rules! record_sql {
    () => {
        concat!(
            "select ",
            request_columns!(),
            ", ",
            history_columns!(),
            ", ",
            comment_columns!(),
            ", ",
            attachment_columns!(),
            ", ",
            notification_columns!(),
            "
               from (select ",
            request_columns!(),
            "
                       from maintenance_requests r where r.id = $1) r
               full join (select ",
            history_columns!(),
            "
                            from maintenance_status_history h where h.request_id = $1) h on false
               full join (select ",
            comment_columns!(),
            "
                            from maintenance_comments c where c.request_id = $1) c on false
               full join (select ",
            attachment_columns!(),
            "
                            from maintenance_attachments f where f.request_id = $1) f on false
               full join (select ",
            notification_columns!(),
            "
                            from maintenance_notifications n where n.request_id = $1) n on false
              order by h.changed_at, h.id, c.created_at, c.id, f.created_at, f.id, n.created_at, n.id"
        )
    };
}

pub(crate) use {
    assignment_columns, attachment_columns, comment_columns, early_columns, history_columns,
    notification_columns, record_sql, request_columns, worker_columns,
};
