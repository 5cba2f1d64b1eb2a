//! Events: who follows them, and reading them.

use async_trait::async_trait;
use maintenance_core::{
    ConsumerName, Event, EventPosition, EventRepository, Listing, NewEvent, RepositoryError,
    RepositoryErrorKind,
};
use tracing::instrument;

use super::PgRepository;
use crate::{columns::event_columns, decode, encode};

/// The CTE `follower`: a row if somebody follows the events. It is read before the events are inserted: of an insert that
/// reads a table itself, a server that shards by schema makes an invalid statement.
macro_rules! follower_sql {
    () => {
        "follower as materialized (
        select 1 from maintenance_event_consumers limit 1
    )"
    };
}

pub(super) use follower_sql;

/// Subscribes the consumer `$1`, unless they are subscribed, and returns where they stand.
const SUBSCRIBE: &str = "
    with newest as materialized (
        select last from maintenance_event_position
    ), new as (
        insert into maintenance_event_consumers (name, position)
        select $1, last from newest
        on conflict (name) do nothing
        returning position
    )
    select position from new
     union all
    select position from maintenance_event_consumers where name = $1
     limit 1";

const UNSUBSCRIBE: &str = "delete from maintenance_event_consumers where name = $1";

/// Gives positions to events that have none, in the order in which they happened; a message's news of one moment come as
/// messages move. Readers wait for each other at the one row of `clock`, so positions are seen in their order.
const GIVE_POSITIONS: &str = "
    with clock as (
        select last from maintenance_event_position where one = 1 for update
    ), fresh as (
        select f.about, f.kind,
               row_number() over (order by f.at, array_position(array['filed', 'assigned', 'told', 'delivered', 'read',
                                                                      'failed'], f.kind), f.about) as place
          from (select about, kind, at from maintenance_events
                 where position is null
                 order by at
                 limit 1000) f
    ), moved as (
        update maintenance_events e
           set position = clock.last + f.place
          from clock, fresh f
         where e.about = f.about and e.kind = f.kind and e.position is null
        returning e.position
    ), moved_clock as (
        update maintenance_event_position
           set last = (select last from clock) + (select count(*) from fresh)
         where one = 1 and exists (select from fresh)
    )
    select count(*) from moved";

/// `$1` is the position, `$2` the limit.
const EVENTS: &str = concat!(
    "select ",
    event_columns!(of "e"),
    ", e.position from maintenance_events e where e.position > $1 order by e.position limit $2"
);

/// Moves the consumer `$1` to the position `$2`, and removes the events that all are done with.
const ACKNOWLEDGE: &str = "
    with moved as (
        update maintenance_event_consumers
           set position = greatest(position, $2)
         where name = $1
        returning position
    ), done as (
        select least((select min(position) from maintenance_event_consumers where name <> $1), position) as position
          from moved
    ), removed as (
        delete from maintenance_events where position <= (select position from done)
    )
    select exists (select from moved)";

/// `$1` is the event as a JSON row.
const ADD_EVENT: &str = concat!(
    "
    with ",
    follower_sql!(),
    ", added as (
        insert into maintenance_events (",
    event_columns!(named),
    ")
        select ",
    event_columns!(of "i"),
    "
          from json_populate_record(null::maintenance_events, $1::text::json) i
         where exists (select from follower)
        on conflict (about, kind) do nothing
    )
    select"
);

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[SUBSCRIBE, UNSUBSCRIBE, GIVE_POSITIONS, EVENTS, ACKNOWLEDGE, ADD_EVENT];

#[async_trait]
impl EventRepository for PgRepository<'_> {
    #[instrument(level = "debug", skip_all, fields(%consumer))]
    async fn subscribe(&self, consumer: &ConsumerName) -> Result<EventPosition, RepositoryError> {
        let query = sqlx::query(SUBSCRIBE).bind(consumer.as_str().to_owned());
        let position: i64 = self.source.connection().await?.fetch_value(query).await?;
        Ok(EventPosition(u64::try_from(position).unwrap_or_default()))
    }

    #[instrument(level = "debug", skip_all, fields(%consumer))]
    async fn unsubscribe(&self, consumer: &ConsumerName) -> Result<bool, RepositoryError> {
        let query = sqlx::query(UNSUBSCRIBE).bind(consumer.as_str().to_owned());
        Ok(self.source.connection().await?.execute(query).await? > 0)
    }

    #[instrument(level = "debug", skip_all, fields(after = after.0, limit))]
    async fn events(&self, after: EventPosition, limit: u32) -> Result<Listing<Event>, RepositoryError> {
        let mut connection = self.source.connection().await?;
        let _given: i64 = connection.fetch_value(sqlx::query(GIVE_POSITIONS)).await?;
        let after = i64::try_from(after.0).unwrap_or(i64::MAX);
        let rows = connection.fetch_all(sqlx::query(EVENTS).bind(after).bind(i64::from(limit))).await?;
        Ok(rows.iter().map(decode::event).collect())
    }

    #[instrument(level = "debug", skip_all, fields(%consumer, position = position.0))]
    async fn acknowledge(
        &self,
        consumer: &ConsumerName,
        position: EventPosition,
    ) -> Result<(), RepositoryError> {
        let position = i64::try_from(position.0).unwrap_or(i64::MAX);
        let query = sqlx::query(ACKNOWLEDGE).bind(consumer.as_str().to_owned()).bind(position);
        let known: bool = self.source.connection().await?.fetch_value(query).await?;
        if known { Ok(()) } else { Err(RepositoryErrorKind::NotFound.into()) }
    }

    #[instrument(level = "debug", skip_all, fields(kind = %event.kind))]
    async fn add_event(&self, event: &NewEvent) -> Result<(), RepositoryError> {
        let query = sqlx::query(ADD_EVENT).bind(encode::row(&encode::event(event)));
        self.source.connection().await?.execute(query).await.map(drop)
    }
}
