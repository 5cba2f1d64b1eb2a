//! What both databases share of a person's data and of forgetting.

use maintenance_core::{FileUrl, PersonalData, RepositoryError};

use crate::{decode, row::Raw};

/// Reads what an organisation (`$1`) has about a person (`$2`) in no list. Each row of the full joins holds the columns of
/// one entity, and nulls for the others. Whole tables are read, since there is no index by person.
macro_rules! traces_sql {
    () => {
        concat!(
            "select ",
            $crate::columns::history_columns!(of "h"),
            ", ",
            $crate::columns::assignment_history_columns!(of "a"),
            ", ",
            $crate::columns::edit_columns!(of "e"),
            ", ",
            $crate::columns::notification_columns!(of "n"),
            "
      from (select ",
            $crate::columns::history_columns!(of "h"),
            "
              from maintenance_status_history h
              join maintenance_requests r on r.id = h.request_id
             where h.changed_by = $2 and r.organization_id = $1) h
      full join (select ",
            $crate::columns::assignment_history_columns!(of "a"),
            "
                   from maintenance_assignment_history a
                   join maintenance_requests r on r.id = a.request_id
                  where $2 in (a.changed_by, a.previous_worker_id, a.new_worker_id)
                    and r.organization_id = $1) a on false
      full join (select ",
            $crate::columns::edit_columns!(of "e"),
            "
                   from maintenance_edits e
                   join maintenance_requests r on r.id = e.request_id
                  where e.edited_by = $2 and r.organization_id = $1) e on false
      full join (select ",
            $crate::columns::notification_columns!(of "n"),
            "
                   from maintenance_notifications n
                  where n.worker_id = $2 and n.organization_id = $1) n on false"
        )
    };
}
pub(crate) use traces_sql;

/// A row of the statement that reads a person's data.
pub(crate) fn trace<R: Raw>(row: &R) -> Result<PersonalData, RepositoryError> {
    const ASSIGNMENT_AT: usize = decode::HISTORY_COLUMNS;
    const EDIT_AT: usize = ASSIGNMENT_AT + decode::ASSIGNMENT_HISTORY_COLUMNS;
    const NOTIFICATION_AT: usize = EDIT_AT + decode::EDIT_COLUMNS;
    // An id that can't be read counts as present: reading its entity then says what is wrong.
    let holds = |first| !matches!(row.uuid(first), Ok(None));
    if holds(0) {
        decode::status_change_at(row, 0).map(PersonalData::StatusChange)
    } else if holds(ASSIGNMENT_AT) {
        decode::assignment_change_at(row, ASSIGNMENT_AT).map(PersonalData::AssignmentChange)
    } else if holds(EDIT_AT) {
        decode::edited_field_at(row, EDIT_AT).map(PersonalData::Edit)
    } else {
        decode::notification_at(row, NOTIFICATION_AT).map(PersonalData::Notification)
    }
}

/// The files of deleted attachments, in rows whose columns from `first` are an attachment's id and address. The attachments
/// are gone, so one whose address can't be read can only be reported to the log.
pub(crate) fn files<'r, R: Raw + 'r>(rows: impl Iterator<Item = &'r R>, first: usize) -> Vec<FileUrl> {
    let read = |row| match decode::file_at(row, first) {
        Ok(file) => Some(file),
        Err(error) => {
            tracing::warn!(%error, "an attachment was deleted whose file can't be named");
            None
        }
    };
    rows.filter_map(read).collect()
}

/// A count that a statement returns.
pub(crate) fn count<R: Raw>(row: &R, at: usize) -> u64 {
    row.number(at).ok().flatten().and_then(|count| u64::try_from(count).ok()).unwrap_or_default()
}
