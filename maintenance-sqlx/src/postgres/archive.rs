//! A person's data, forgetting, and clean-up.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    ArchiveRepository, CleanedUp, FORGOTTEN, Forgotten, Inserted, Listing, PersonalData, RenterId,
    RepositoryError, RepositoryErrorKind, Request, RequestRecord, UserId,
};
use sqlx::Row as _;
use tracing::instrument;

use super::{PgRepository, import, source::repository_error, texts};
use crate::{
    archive::{count, files, trace, traces_sql},
    encode,
    row::Raw as _,
    storable::clamp_to_storable,
};

const TRACES: &str = traces_sql!();

/// Forgets a renter, if none of their requests is open.
///
/// A change made meanwhile may have filed rows that this statement's snapshot doesn't have, so it forgets nothing when the
/// version of a request in the snapshot isn't that of the row which it locked. Ids are given as an array, since the planner
/// uses no index for an `or` with a subquery.
///
/// Words are emptied and not deleted: whoever indexes new texts at the same moment finds them there and leaves them alone.
///
/// Parameters: `$1` the organisation, `$2` the renter, `$3` the text in place of the others, `$4` the time, `$5`
/// the payload in place of what messages from phones said.
const FORGET_RENTER: &str = "
    with seen as (
        select id, version from maintenance_requests where renter_id = $2 and organization_id = $1
    ), locked as materialized (
        select id, version, status
          from maintenance_requests
         where renter_id = $2 and organization_id = $1
         order by id
           for no key update
    ), allowed as materialized (
        select not exists (select from locked l left join seen s on s.id = l.id
                            where l.status in ('pending', 'in_progress') or l.version is distinct from s.version)
               as is_allowed
    ), theirs as materialized (
        select array (select id from locked where (select is_allowed from allowed)) as ids
    ), requests as (
        update maintenance_requests
           set title = $3, description = $3, location = $3, fingerprint = null, version = version + 1,
               updated_at = greatest(updated_at, $4), hold_reason = null, hold_until = null
         where id = any ((select ids from theirs)::uuid[])
           and (title <> $3 or description <> $3 or location <> $3 or fingerprint is not null
            or hold_reason is not null)
        returning id
    ), changes as (
        update maintenance_status_history
           set notes = $3
         where request_id = any ((select ids from theirs)::uuid[]) and notes <> $3
        returning id
    ), assignments as (
        update maintenance_assignment_history
           set notes = $3
         where request_id = any ((select ids from theirs)::uuid[]) and notes <> $3
        returning id
    ), comments as (
        update maintenance_comments
           set comment = $3
         where (request_id = any ((select ids from theirs)::uuid[])
                or user_id = $2 and organization_id = $1 and (select is_allowed from allowed))
           and comment <> $3
        returning id, request_id
    ), edits as (
        delete from maintenance_edits
         where request_id = any ((select ids from theirs)::uuid[])
           and field in ('title', 'description', 'location', 'hold')
    ), words as (
        insert into maintenance_texts (request_id, is_comment, id, words)
        select id, false, id, ''::tsvector from requests
         union all
        select request_id, true, id, ''::tsvector from comments
         order by 1, 2, 3
        on conflict (request_id, is_comment, id) do update set words = excluded.words
    ), messages as (
        update maintenance_notifications
           set error_text = $3
         where request_id = any ((select ids from theirs)::uuid[]) and error_text <> $3
        returning id
    ), inbound as (
        update maintenance_inbound
           set payload = $5
         where request_id = any ((select ids from theirs)::uuid[]) and payload <> $5
        returning id
    ), channels as (
        delete from maintenance_renter_channels
         where renter_id = $2 and organization_id = $1 and (select is_allowed from allowed)
    ), files as (
        delete from maintenance_attachments
         where request_id = any ((select ids from theirs)::uuid[])
        returning id, file_url
    )
    select a.is_allowed, (select count(*) from requests),
           (select count(*) from changes) + (select count(*) from assignments),
           (select count(*) from comments), (select count(*) from messages),
           (select count(*) from inbound), f.id, f.file_url
      from allowed a
      left join files f on true";

/// Deletes old messages of requests that are over, old updates of unknown messages, and old messages from phones that were
/// applied. What a writer has locked is
/// passed over, and so is a message whose request is still to mirror it. `offset 0` makes the planner look up the pending
/// messages of each request; without it, or by `waiting`, it may read all messages, or all pending ones for each.
///
/// Parameters: `$1` the time before which it is old, `$2` the limit.
const CLEAN_UP: &str = "
    with old as materialized (
        select n.id
          from maintenance_notifications n
         where not n.waiting and not n.mirror_owed and n.created_at < $1
           and exists (select from maintenance_requests r
                        where r.id = n.request_id and r.status not in ('pending', 'in_progress'))
           and not exists (select from maintenance_notifications w
                            where w.request_id = n.request_id and w.status = 'pending'
                           offset 0)
         order by n.created_at
         limit $2
           for update of n skip locked
    ), sends as (
        delete from maintenance_notification_sends where notification_id = any (array (select id from old))
    ), messages as (
        delete from maintenance_notifications where id = any (array (select id from old)) returning id
    ), early as (
        delete from maintenance_early_deliveries
         where ctid = any (array (
               select ctid
                 from maintenance_early_deliveries
                where received_at < $1
                order by received_at
                limit $2
                  for update skip locked))
        returning at
    ), inbound as (
        delete from maintenance_inbound
         where ctid = any (array (
               select ctid
                 from maintenance_inbound
                where applied_at is not null and received_at < $1
                order by received_at
                limit $2
                  for update skip locked))
        returning id
    )
    select (select count(*) from messages), (select count(*) from early), (select count(*) from inbound)";

/// The statements that must not read a whole table.
#[cfg(test)]
pub(super) const WRITES: &[&str] = &[FORGET_RENTER, CLEAN_UP];

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[TRACES, FORGET_RENTER, CLEAN_UP];

#[async_trait]
impl ArchiveRepository for PgRepository<'_> {
    #[instrument(level = "debug", skip_all, fields(records = records.len()))]
    async fn import(
        &self,
        records: &[RequestRecord],
    ) -> Result<Vec<Result<Inserted<Request>, RepositoryError>>, RepositoryError> {
        import::import(&self.source, self.organization, records).await
    }

    #[instrument(level = "debug", skip_all, fields(%person))]
    async fn traces(&self, person: UserId) -> Result<Listing<PersonalData>, RepositoryError> {
        let read = sqlx::query(TRACES).bind(self.organization.uuid()).bind(person.uuid());
        self.source.list(read, trace).await
    }

    #[instrument(level = "debug", skip_all, fields(%renter))]
    async fn forget_renter(&self, renter: RenterId, at: DateTime<Utc>) -> Result<Forgotten, RepositoryError> {
        let forget = sqlx::query(FORGET_RENTER)
            .bind(self.organization.uuid())
            .bind(renter.uuid())
            .bind(FORGOTTEN)
            .bind(at)
            .bind(encode::gone());
        let rows = self.source.connection().await?.fetch_all(forget).await?;
        let first = rows.first().ok_or_else(|| repository_error(sqlx::Error::RowNotFound))?;
        if !first.try_get::<bool, _>(0).map_err(repository_error)? {
            return Err(RepositoryErrorKind::Conflict.into());
        }
        // Without any attachment there is one row, with nulls in its place.
        let with_file = rows.iter().filter(|row| !matches!(row.uuid(6), Ok(None)));
        Ok(Forgotten {
            requests: count(first, 1),
            notes: count(first, 2),
            comments: count(first, 3),
            messages: count(first, 4),
            inbound: count(first, 5),
            files: files(with_file, 6),
        })
    }

    #[instrument(level = "debug", skip_all)]
    async fn clean_up(&self, before: DateTime<Utc>, limit: u32) -> Result<CleanedUp, RepositoryError> {
        let clean_up = sqlx::query(CLEAN_UP).bind(clamp_to_storable(before)).bind(i64::from(limit));
        let rows = self.source.connection().await?.fetch_all(clean_up).await?;
        let row = rows.first().ok_or_else(|| repository_error(sqlx::Error::RowNotFound))?;
        Ok(CleanedUp { messages: count(row, 0), early_deliveries: count(row, 1), inbound: count(row, 2) })
    }

    #[instrument(level = "debug", skip_all, fields(limit))]
    async fn index_texts(&self, limit: u32) -> Result<u32, RepositoryError> {
        texts::index(&self.source, limit).await
    }
}
