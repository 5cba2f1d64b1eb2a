//! A person's data, forgetting, and clean-up.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    ArchiveRepository, CleanedUp, FORGOTTEN, Forgotten, Inserted, Listing, PersonalData, RenterId,
    RepositoryError, RepositoryErrorKind, Request, RequestRecord, UserId,
};
use sqlx::Row as _;
use tracing::instrument;

use super::{
    SqliteRepository,
    convert::{id, time},
    import,
    script::{Query, Script, script},
};
use crate::{
    archive::{count, files, trace, traces_sql},
    encode,
};

const TRACES: &str = traces_sql!();

/// The renter's requests, if none of them is open.
macro_rules! theirs_sql {
    () => {
        "request_id in (select id from maintenance_requests
                          where renter_id = $2 and organization_id = $1
                            and not exists (select 1 from maintenance_requests
                                             where renter_id = $2 and organization_id = $1
                                               and status in ('pending', 'in_progress')))"
    };
}

/// The texts whose words are searched: those of the renter's requests, and their comments elsewhere.
macro_rules! words_sql {
    () => {
        concat!(
            "select id from maintenance_texts where ",
            theirs_sql!(),
            "
             union
            select t.id
              from maintenance_comments c
              join maintenance_texts t on t.request_id = c.request_id and t.comment_id = c.id
             where c.user_id = $2 and c.organization_id = $1
               and not exists (select 1 from maintenance_requests
                                where renter_id = $2 and organization_id = $1
                                  and status in ('pending', 'in_progress'))"
        )
    };
}

/// Replaces a text of the renter's requests, and returns how many there were.
macro_rules! replace_sql {
    ($table:literal, $column:literal) => {
        concat!(
            "
    update ",
            $table,
            " set ",
            $column,
            " = $3 where ",
            theirs_sql!(),
            " and ",
            $column,
            " <> $3;
    select changes();"
        )
    };
}

/// Forgets a renter, if none of their requests is open. The index of words keeps those of deleted texts until it is
/// merged, so it is merged at once; the larger the index, the longer that takes. Returns whether a request is open, the
/// files, and then how many rows each statement replaced.
///
/// Parameters: `$1` the organisation, `$2` the renter, `$3` the text in place of the others, `$4` the time, `$5`
/// the payload in place of what messages from phones said.
const FORGET_RENTER: Script = script!(
    "
    select exists (select 1 from maintenance_requests
                    where renter_id = $2 and organization_id = $1 and status in ('pending', 'in_progress'));

    delete from maintenance_attachments where ",
    theirs_sql!(),
    " returning id, file_url;
    ",
    "
    delete from maintenance_edits
     where field in ('title', 'description', 'location', 'hold') and ",
    theirs_sql!(),
    ";
    delete from maintenance_renter_channels
     where renter_id = $2 and organization_id = $1
       and not exists (select 1 from maintenance_requests
                        where renter_id = $2 and organization_id = $1 and status in ('pending', 'in_progress'));
    delete from maintenance_words where rowid in (",
    words_sql!(),
    ");
    delete from maintenance_texts where id in (",
    words_sql!(),
    ");
    insert into maintenance_words (maintenance_words) values ('optimize');",
    replace_sql!("maintenance_status_history", "notes"),
    replace_sql!("maintenance_assignment_history", "notes"),
    replace_sql!("maintenance_comments", "comment"),
    "
    update maintenance_comments
       set comment = $3
     where user_id = $2 and organization_id = $1 and comment <> $3
       and not exists (select 1 from maintenance_requests
                        where renter_id = $2 and organization_id = $1 and status in ('pending', 'in_progress'));
    select changes();",
    replace_sql!("maintenance_notifications", "error_text"),
    "
    update maintenance_inbound set payload = $5 where ",
    theirs_sql!(),
    " and payload <> $5;
    select changes();

    update maintenance_requests
       set title = $3, description = $3, location = $3, fingerprint = null, version = version + 1,
           updated_at = max(updated_at, $4), hold_reason = null, hold_until = null
     where renter_id = $2 and organization_id = $1
       and (title <> $3 or description <> $3 or location <> $3 or fingerprint is not null
            or hold_reason is not null)
       and not exists (select 1 from maintenance_requests
                        where renter_id = $2 and organization_id = $1 and status in ('pending', 'in_progress'));
    select changes()"
);

/// The old messages of requests that are over.
macro_rules! old_sql {
    () => {
        "select n.id
           from maintenance_notifications n
          where n.status <> 'pending' and n.created_at < $1
            and exists (select 1 from maintenance_requests r
                         where r.id = n.request_id and r.status not in ('pending', 'in_progress'))
            and not exists (select 1 from maintenance_notifications w
                             where w.request_id = n.request_id and w.status = 'pending')
          order by n.created_at
          limit $2"
    };
}

/// Deletes old messages of requests that are over, old updates of unknown messages, and old messages from phones that were
/// applied; returns how many of each. `$1` is
/// the time before which they are old, `$2` the limit.
const CLEAN_UP: Script = script!(
    "
    delete from maintenance_notification_sends where notification_id in (",
    old_sql!(),
    ");

    delete from maintenance_notifications where id in (",
    old_sql!(),
    ");
    select changes();

    delete from maintenance_early_deliveries
     where rowid in (select rowid from maintenance_early_deliveries where received_at < $1
                      order by received_at limit $2);
    select changes();

    delete from maintenance_inbound
     where rowid in (select rowid from maintenance_inbound where applied_at is not null and received_at < $1
                      order by received_at limit $2);
    select changes()"
);

const UNINDEXED: &str = "select id from maintenance_texts where is_indexed = 0 limit 1";

/// Indexes up to `$1` new texts, and returns them. Words that an edit has written meanwhile are written again as they are.
const INDEX: Script = script!(
    "
    insert or replace into maintenance_words (rowid, organization, words)
    select t.id, replace(r.organization_id, '-', ''),
           coalesce(c.comment, r.title || ' ' || r.description || ' ' || r.location)
      from (select id, request_id, comment_id
              from maintenance_texts
             where is_indexed = 0
             order by id
             limit $1) t
      join maintenance_requests r on r.id = t.request_id
      left join maintenance_comments c on c.id = t.comment_id;

    update maintenance_texts set is_indexed = 1
     where id in (select id from maintenance_texts where is_indexed = 0 order by id limit $1)
    returning id"
);

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    TRACES,
    FORGET_RENTER.transaction,
    FORGET_RENTER.savepoint,
    CLEAN_UP.transaction,
    CLEAN_UP.savepoint,
    UNINDEXED,
    INDEX.transaction,
    INDEX.savepoint,
];

#[async_trait]
impl ArchiveRepository for SqliteRepository<'_> {
    #[instrument(level = "debug", skip_all, fields(records = records.len()))]
    async fn import(
        &self,
        records: &[RequestRecord],
    ) -> Result<Vec<Result<Inserted<Request>, RepositoryError>>, RepositoryError> {
        import::import(&self.source, self.organization, records).await
    }

    #[instrument(level = "debug", skip_all, fields(%person))]
    async fn traces(&self, person: UserId) -> Result<Listing<PersonalData>, RepositoryError> {
        self.source.list(sqlx::query(TRACES).bind(id(self.organization)).bind(id(person)), trace).await
    }

    #[instrument(level = "debug", skip_all, fields(%renter))]
    async fn forget_renter(&self, renter: RenterId, at: DateTime<Utc>) -> Result<Forgotten, RepositoryError> {
        let organization = id(self.organization);
        let bind = |query: Query| {
            query.bind(organization).bind(id(renter)).bind(FORGOTTEN).bind(time(at)).bind(encode::gone())
        };
        let rows = self.source.write(&FORGET_RENTER, bind).await?;
        let mut counts = rows.iter().filter(|row| row.len() == 1).map(|row| count(row, 0));
        let mut next = || counts.next().unwrap_or_default();
        if next() != 0 {
            return Err(RepositoryErrorKind::Conflict.into());
        }
        // In the order of the statements.
        Ok(Forgotten {
            notes: next() + next(),
            comments: next() + next(),
            messages: next(),
            inbound: next(),
            requests: next(),
            files: files(rows.iter().filter(|row| row.len() > 1), 0),
        })
    }

    #[instrument(level = "debug", skip_all)]
    async fn clean_up(&self, before: DateTime<Utc>, limit: u32) -> Result<CleanedUp, RepositoryError> {
        let bind = |query: Query| query.bind(time(before)).bind(limit);
        let rows = self.source.write(&CLEAN_UP, bind).await?;
        let mut counts = rows.iter().map(|row| count(row, 0));
        let mut next = || counts.next().unwrap_or_default();
        Ok(CleanedUp { messages: next(), early_deliveries: next(), inbound: next() })
    }

    #[instrument(level = "debug", skip_all, fields(limit))]
    async fn index_texts(&self, limit: u32) -> Result<u32, RepositoryError> {
        // Most polls find nothing, and need not wait for their turn to write.
        if self.source.rows(sqlx::query(UNINDEXED)).await?.is_empty() {
            return Ok(0);
        }
        let rows = self.source.write(&INDEX, |query: Query| query.bind(limit)).await?;
        Ok(u32::try_from(rows.len()).unwrap_or(u32::MAX))
    }
}
