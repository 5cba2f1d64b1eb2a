//! Values as PostgreSQL keeps them.

use chrono::{DateTime, Utc};
use maintenance_core::{BoxError, Specialty};
use sqlx::{
    Decode, Postgres, QueryBuilder, Row, Type,
    postgres::{PgRow, PgTypeInfo, PgValueRef},
};
use uuid::Uuid;

use crate::{decode::Raw, lists::Dialect, time::storable};

/// A count as an `integer`.
pub(super) fn integer(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A stored time. The driver's own reading panics at `infinity`.
struct Stored(DateTime<Utc>);

impl Type<Postgres> for Stored {
    fn type_info() -> PgTypeInfo {
        <DateTime<Utc> as Type<Postgres>>::type_info()
    }
}

impl<'r> Decode<'r, Postgres> for Stored {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxError> {
        const SINCE_1970: i64 = 946_684_800_000_000;
        let micros = <i64 as Decode<Postgres>>::decode(value)?.checked_add(SINCE_1970);
        let at = micros.and_then(DateTime::from_timestamp_micros);
        at.map(Self).ok_or_else(|| "is no time of the calendar".into())
    }
}

impl Raw for PgRow {
    fn uuid(&self, at: usize) -> Result<Option<Uuid>, BoxError> {
        Ok(self.try_get(at)?)
    }

    fn time(&self, at: usize) -> Result<Option<DateTime<Utc>>, BoxError> {
        Ok(self.try_get::<Option<Stored>, _>(at)?.map(|Stored(at)| at))
    }

    fn text(&self, at: usize) -> Result<Option<String>, BoxError> {
        Ok(self.try_get(at)?)
    }

    fn texts(&self, at: usize) -> Result<Option<Vec<String>>, BoxError> {
        Ok(self.try_get(at)?)
    }

    fn flag(&self, at: usize) -> Result<Option<bool>, BoxError> {
        Ok(self.try_get(at)?)
    }

    fn number(&self, at: usize) -> Result<Option<i64>, BoxError> {
        // A column is an `integer`, a count a `bigint`.
        match self.try_get::<Option<i32>, _>(at) {
            Err(sqlx::Error::ColumnDecode { .. }) => Ok(self.try_get(at)?),
            number => Ok(number?.map(i64::from)),
        }
    }
}

impl Dialect for Postgres {
    const ASIDE: &'static str = "";
    const LITERAL: bool = false;
    const LAST: &'static str = " nulls last";
    const FIRST: &'static str = " nulls first";
    const UNSEEN: (&'static str, &'static str) = ("(select ", ")");
    const AMONG: (&'static str, &'static str) = ("= any (array(", "))");
    const BY_TIME: &'static str = "";
    const MERGED: Option<(&'static str, &'static str)> = Some(("(", ")"));

    fn id(query: &mut QueryBuilder<Self>, id: Uuid) {
        query.push_bind(id);
    }

    fn time(query: &mut QueryBuilder<Self>, at: DateTime<Utc>) {
        query.push_bind(storable(at));
    }

    fn has_trade(query: &mut QueryBuilder<Self>, trade: &Specialty) {
        // Taken to be true of most workers, who are then read in the list's order and not sorted.
        query
            .push("array_position(w.specialties, ")
            .push_bind(trade.as_str().to_owned())
            .push(") is not null");
    }
}
