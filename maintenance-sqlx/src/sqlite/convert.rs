//! Values as SQLite keeps them.

use chrono::{DateTime, NaiveDateTime, Utc};
use maintenance_core::{BoxError, Specialty};
use serde_json::Value;
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{decode::Raw, lists::Dialect};

pub(super) use crate::encode::{id, time};

impl Raw for SqliteRow {
    fn uuid(&self, at: usize) -> Result<Option<Uuid>, BoxError> {
        self.text(at)?.as_deref().map(read_id).transpose()
    }

    fn time(&self, at: usize) -> Result<Option<DateTime<Utc>>, BoxError> {
        self.text(at)?.as_deref().map(read_time).transpose()
    }

    fn text(&self, at: usize) -> Result<Option<String>, BoxError> {
        Ok(self.try_get(at)?)
    }

    fn texts(&self, at: usize) -> Result<Option<Vec<String>>, BoxError> {
        self.text(at)?.as_deref().map(read_texts).transpose()
    }

    fn flag(&self, at: usize) -> Result<Option<bool>, BoxError> {
        self.number(at)?.map(read_flag).transpose()
    }

    fn number(&self, at: usize) -> Result<Option<i64>, BoxError> {
        Ok(self.try_get(at)?)
    }
}

/// A row as a JSON array: many in one text cross from the connection's thread at once.
pub(super) type JsonRow = Vec<Value>;

impl Raw for JsonRow {
    fn uuid(&self, at: usize) -> Result<Option<Uuid>, BoxError> {
        self.text(at)?.as_deref().map(read_id).transpose()
    }

    fn time(&self, at: usize) -> Result<Option<DateTime<Utc>>, BoxError> {
        self.text(at)?.as_deref().map(read_time).transpose()
    }

    fn text(&self, at: usize) -> Result<Option<String>, BoxError> {
        match self.get(at) {
            Some(Value::String(text)) => Ok(Some(text.clone())),
            None | Some(Value::Null) => Ok(None),
            Some(_) => Err("is no text".into()),
        }
    }

    fn texts(&self, at: usize) -> Result<Option<Vec<String>>, BoxError> {
        self.text(at)?.as_deref().map(read_texts).transpose()
    }

    fn flag(&self, at: usize) -> Result<Option<bool>, BoxError> {
        self.number(at)?.map(read_flag).transpose()
    }

    fn number(&self, at: usize) -> Result<Option<i64>, BoxError> {
        match self.get(at) {
            Some(Value::Number(number)) => number.as_i64().map(Some).ok_or("is no whole number".into()),
            None | Some(Value::Null) => Ok(None),
            Some(_) => Err("is no number".into()),
        }
    }
}

fn read_id(text: &str) -> Result<Uuid, BoxError> {
    let uuid = Uuid::try_parse(text)?;
    if id(uuid) == text { Ok(uuid) } else { Err("is no hyphenated lower-case UUID".into()) }
}

fn read_time(text: &str) -> Result<DateTime<Utc>, BoxError> {
    const WIDTH: usize = "2026-01-02T03:04:05.000006Z".len();
    if text.len() != WIDTH {
        return Err("is no UTC time with six decimals".into());
    }
    Ok(NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.6fZ")?.and_utc())
}

fn read_texts(text: &str) -> Result<Vec<String>, BoxError> {
    // The parser's own error may quote the text.
    serde_json::from_str(text).map_err(|_| "is no JSON array of strings".into())
}

fn read_flag(number: i64) -> Result<bool, BoxError> {
    match number {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err("must be 0 or 1".into()),
    }
}

impl Dialect for Sqlite {
    const ASIDE: &'static str = "+";
    const LITERAL: bool = true;
    const LAST: &'static str = "";
    const FIRST: &'static str = "";
    const UNSEEN: (&'static str, &'static str) = ("", "");
    const AMONG: (&'static str, &'static str) = ("in (", ")");
    const BY_TIME: &'static str = " indexed by maintenance_requests_created_at_idx";
    const MERGED: Option<(&'static str, &'static str)> = None;

    fn id(query: &mut QueryBuilder<Self>, uuid: Uuid) {
        query.push_bind(id(uuid));
    }

    fn time(query: &mut QueryBuilder<Self>, at: DateTime<Utc>) {
        query.push_bind(time(at));
    }

    fn has_trade(query: &mut QueryBuilder<Self>, trade: &Specialty) {
        // A row whose JSON can't be read is kept, so that it is reported and doesn't fail the list.
        query.push("case when json_valid(w.specialties) then exists (");
        query.push("select 1 from json_each(w.specialties) where value = ");
        query.push_bind(trade.as_str().to_owned()).push(") else 1 end");
    }
}
