//! Values as SQLite keeps them.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use maintenance_core::{BoxError, Specialty};
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{decode::Raw, lists::Dialect, time::storable};

/// An id as text.
pub(super) fn id(id: impl Into<Uuid>) -> String {
    id.into().hyphenated().to_string()
}

/// A time as text of fixed width: text order is time order.
pub(super) fn time(at: DateTime<Utc>) -> String {
    storable(at).to_rfc3339_opts(SecondsFormat::Micros, true)
}

impl Raw for SqliteRow {
    fn uuid(&self, at: usize) -> Result<Option<Uuid>, BoxError> {
        let Some(text) = self.text(at)? else { return Ok(None) };
        let uuid = Uuid::try_parse(&text)?;
        if id(uuid) == text { Ok(Some(uuid)) } else { Err("is no hyphenated lower-case UUID".into()) }
    }

    fn time(&self, at: usize) -> Result<Option<DateTime<Utc>>, BoxError> {
        const WIDTH: usize = "2026-01-02T03:04:05.000006Z".len();
        let Some(text) = self.text(at)? else { return Ok(None) };
        if text.len() != WIDTH {
            return Err("is no UTC time with six decimals".into());
        }
        Ok(Some(NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.6fZ")?.and_utc()))
    }

    fn text(&self, at: usize) -> Result<Option<String>, BoxError> {
        Ok(self.try_get(at)?)
    }

    fn texts(&self, at: usize) -> Result<Option<Vec<String>>, BoxError> {
        let Some(text) = self.text(at)? else { return Ok(None) };
        // The parser's own error may quote the text.
        serde_json::from_str(&text).map(Some).map_err(|_| "is no JSON array of strings".into())
    }

    fn flag(&self, at: usize) -> Result<Option<bool>, BoxError> {
        match self.number(at)? {
            None => Ok(None),
            Some(0) => Ok(Some(false)),
            Some(1) => Ok(Some(true)),
            Some(_) => Err("must be 0 or 1".into()),
        }
    }

    fn number(&self, at: usize) -> Result<Option<i64>, BoxError> {
        Ok(self.try_get(at)?)
    }
}

impl Dialect for Sqlite {
    const ASIDE: &'static str = "+";
    const LITERAL: bool = true;
    const LAST: &'static str = "";
    const MERGED: Option<(&'static str, &'static str)> = None;

    fn id(query: &mut QueryBuilder<Self>, uuid: Uuid) {
        query.push_bind(id(uuid));
    }

    fn time(query: &mut QueryBuilder<Self>, at: DateTime<Utc>) {
        query.push_bind(time(at));
    }

    fn number(query: &mut QueryBuilder<Self>, number: u32) {
        query.push_bind(i64::from(number));
    }

    fn has_trade(query: &mut QueryBuilder<Self>, trade: &Specialty) {
        // A row whose JSON can't be read is kept, so that it is reported and doesn't fail the list.
        query.push("case when json_valid(w.specialties) then exists (");
        query.push("select 1 from json_each(w.specialties) where value = ");
        query.push_bind(trade.as_str().to_owned()).push(") else 1 end");
    }
}
