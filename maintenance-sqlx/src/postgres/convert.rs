//! Values as PostgreSQL keeps them.

use chrono::{DateTime, Utc};
use maintenance_core::{BoxError, OrganizationId, SearchText, Specialty};
use sqlx::{
    Decode, Postgres, QueryBuilder, Row, Type,
    postgres::{PgRow, PgTypeInfo, PgValueRef},
};
use uuid::Uuid;

use crate::{lists::Dialect, row::Raw, storable::clamp_to_storable};

/// A count as an `integer`.
pub(super) fn integer(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// One value of each of many rows, as an array that `unnest` takes.
pub(super) fn column<T, V>(rows: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

/// A stored time. The driver's own decoding panics at `infinity`.
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
        at.map(Self).ok_or_else(|| "must be a finite time".into())
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
        // Our columns are `integer`, `count(*)` is `bigint`.
        match self.try_get::<Option<i32>, _>(at) {
            Err(sqlx::Error::ColumnDecode { .. }) => Ok(self.try_get(at)?),
            number => Ok(number?.map(i64::from)),
        }
    }
}

impl Dialect for Postgres {
    const SKIP_INDEX: &'static str = "";
    const REPEAT_PARTIAL_CONDITION: bool = false;
    const HIDE_FROM_INDEXES: (&'static str, &'static str) = ("(", " at time zone 'utc')");
    const DESC_NULLS: &'static str = " desc nulls last";
    const ASC_NULLS: &'static str = " nulls first";
    const HIDE_FROM_PLANNER: (&'static str, &'static str) = ("(select ", ")");
    const IN_SUBQUERY: (&'static str, &'static str) = ("= any (array(", "))");
    const FORCE_INDEX: bool = false;
    const LIST_OF_EACH: (&'static str, &'static str) = (" cross join lateral (", ") r");
    const ARM_PARENTHESES: Option<(&'static str, &'static str)> = Some(("(", ")"));

    fn id(query: &mut QueryBuilder<Self>, id: Uuid) {
        query.push_bind(id);
    }

    fn time(query: &mut QueryBuilder<Self>, at: DateTime<Utc>) {
        query.push_bind(clamp_to_storable(at));
    }

    fn text(query: &mut QueryBuilder<Self>, text: &str) {
        query.push_bind(text.to_owned());
    }

    fn number(query: &mut QueryBuilder<Self>, number: u32) {
        query.push_bind(integer(number));
    }

    fn one_of(query: &mut QueryBuilder<Self>, ids: &[Uuid]) {
        query.push(" = any (").push_bind(ids.to_vec()).push(")");
    }

    fn values(query: &mut QueryBuilder<Self>, ids: &[Uuid]) {
        query.push("select unnest(").push_bind(ids.to_vec()).push(") as value");
    }

    fn has_words(
        query: &mut QueryBuilder<Self>,
        organization: OrganizationId,
        text: &SearchText,
        leads: bool,
    ) {
        // The words hold letters and digits alone, so nothing of them can be read as an operator.
        let words: Vec<&str> = text.words().collect();
        let (begin, end) = if leads {
            // As an array they are looked up one by one, whatever the planner thinks how many there are.
            ("r.id = any (array(select t.request_id from maintenance_texts t where t.words @@ ", "))")
        } else {
            // As a subquery of one value it is asked of each row and never joined.
            ("(select bool_or(t.words @@ ", ") from maintenance_texts t where t.request_id = r.id)")
        };
        // Hidden from the planner, which takes many texts to have a beginning that few have, and reads them all.
        query.push(begin).push("(select ").push_bind(format!("':{}'", organization.uuid()));
        query.push("::text::tsquery && to_tsquery('simple', ");
        query.push_bind(format!("{}:*", words.join(" & "))).push("))").push(end);
    }

    fn has_trade(query: &mut QueryBuilder<Self>, trade: &Specialty) {
        // The planner assumes that this holds for most workers, so it reads them in the list's order and
        // needn't sort.
        query
            .push("array_position(w.specialties, ")
            .push_bind(trade.as_str().to_owned())
            .push(") is not null");
    }
}
