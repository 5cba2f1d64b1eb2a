//! Events: who follows them, and reading them.

use async_trait::async_trait;
use maintenance_core::{
    ConsumerName, Event, EventPosition, EventRepository, Listing, NewEvent, RepositoryError,
    RepositoryErrorKind,
};
use sqlx::Row as _;
use tracing::instrument;

use super::{
    SqliteRepository,
    script::{Query, Script, script},
    source::repository_error,
};
use crate::{columns::event_columns, decode, encode};

/// Subscribes the consumer `$1`, unless they are subscribed, and returns where they stand.
const SUBSCRIBE: Script = script!(
    "
    insert into maintenance_event_consumers (name, position)
    select $1, coalesce((select seq from sqlite_sequence where name = 'maintenance_events'), 0)
     where true
    on conflict (name) do nothing;

    select position from maintenance_event_consumers where name = $1"
);

const UNSUBSCRIBE: &str = "delete from maintenance_event_consumers where name = $1";

/// `$1` is the position, `$2` the limit.
const EVENTS: &str = concat!(
    "select ",
    event_columns!(of "e"),
    ", e.position from maintenance_events e where e.position > $1 order by e.position limit $2"
);

/// Moves the consumer `$1` to the position `$2`, and removes the events that all are done with.
const ACKNOWLEDGE: Script = script!(
    "
    update maintenance_event_consumers set position = max(position, $2) where name = $1 returning position;

    delete from maintenance_events
     where position <= (select min(position) from maintenance_event_consumers)
       and exists (select 1 from maintenance_event_consumers where name = $1)"
);

/// `$1` is the event as a JSON array of one row.
const ADD_EVENT: &str = concat!(
    "
    insert into maintenance_events (",
    event_columns!(named),
    ")
    select ",
    event_columns!(json "value"),
    "
      from json_each($1)
     where exists (select 1 from maintenance_event_consumers)
    on conflict (about, kind) do nothing"
);

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    SUBSCRIBE.transaction,
    SUBSCRIBE.savepoint,
    UNSUBSCRIBE,
    EVENTS,
    ACKNOWLEDGE.transaction,
    ACKNOWLEDGE.savepoint,
    ADD_EVENT,
];

#[async_trait]
impl EventRepository for SqliteRepository<'_> {
    #[instrument(level = "debug", skip_all, fields(%consumer))]
    async fn subscribe(&self, consumer: &ConsumerName) -> Result<EventPosition, RepositoryError> {
        let name = consumer.as_str().to_owned();
        let rows = self.source.write(&SUBSCRIBE, |query: Query| query.bind(name)).await?;
        let row = rows.first().ok_or_else(|| repository_error(sqlx::Error::RowNotFound))?;
        let position: i64 = row.try_get(0).map_err(repository_error)?;
        Ok(EventPosition(u64::try_from(position).unwrap_or_default()))
    }

    #[instrument(level = "debug", skip_all, fields(%consumer))]
    async fn unsubscribe(&self, consumer: &ConsumerName) -> Result<bool, RepositoryError> {
        let query = sqlx::query(UNSUBSCRIBE).bind(consumer.as_str().to_owned());
        Ok(self.source.execute(query).await? > 0)
    }

    #[instrument(level = "debug", skip_all, fields(after = after.0, limit))]
    async fn events(&self, after: EventPosition, limit: u32) -> Result<Listing<Event>, RepositoryError> {
        let after = i64::try_from(after.0).unwrap_or(i64::MAX);
        self.source.list(sqlx::query(EVENTS).bind(after).bind(limit), decode::event).await
    }

    #[instrument(level = "debug", skip_all, fields(%consumer, position = position.0))]
    async fn acknowledge(
        &self,
        consumer: &ConsumerName,
        position: EventPosition,
    ) -> Result<(), RepositoryError> {
        let name = consumer.as_str().to_owned();
        let position = i64::try_from(position.0).unwrap_or(i64::MAX);
        let rows = self.source.write(&ACKNOWLEDGE, |query: Query| query.bind(name).bind(position)).await?;
        if rows.is_empty() { Err(RepositoryErrorKind::NotFound.into()) } else { Ok(()) }
    }

    #[instrument(level = "debug", skip_all, fields(kind = %event.kind))]
    async fn add_event(&self, event: &NewEvent) -> Result<(), RepositoryError> {
        let query = sqlx::query(ADD_EVENT).bind(encode::rows([encode::event(event)]));
        self.source.execute(query).await.map(drop)
    }
}
