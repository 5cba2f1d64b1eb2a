//! Values as SQLite keeps them.

use chrono::{DateTime, NaiveDateTime, Utc};
use maintenance_core::{BoxError, OrganizationId, SearchText, Specialty};
use serde_json::Value;
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{lists::Dialect, row::Raw};

use crate::encode::rows;
pub(super) use crate::encode::time;

/// An id as hyphenated lower-case text.
pub(super) fn id(id: impl Into<Uuid>) -> String {
    id.into().hyphenated().to_string()
}

/// Ids, times, lists and flags are read from the texts and numbers as which SQLite stores them.
macro_rules! raw_by_text_and_number {
    () => {
        fn uuid(&self, at: usize) -> Result<Option<Uuid>, BoxError> {
            self.text(at)?.as_deref().map(read_id).transpose()
        }

        fn time(&self, at: usize) -> Result<Option<DateTime<Utc>>, BoxError> {
            self.text(at)?.as_deref().map(read_time).transpose()
        }

        fn texts(&self, at: usize) -> Result<Option<Vec<String>>, BoxError> {
            self.text(at)?.as_deref().map(read_texts).transpose()
        }

        fn flag(&self, at: usize) -> Result<Option<bool>, BoxError> {
            self.number(at)?.map(read_flag).transpose()
        }
    };
}

impl Raw for SqliteRow {
    raw_by_text_and_number!();

    fn text(&self, at: usize) -> Result<Option<String>, BoxError> {
        Ok(self.try_get(at)?)
    }

    fn number(&self, at: usize) -> Result<Option<i64>, BoxError> {
        Ok(self.try_get(at)?)
    }
}

/// A row as a JSON array. Many rows in one text cross from the connection's thread at once.
pub(crate) type JsonRow = Vec<Value>;

impl Raw for JsonRow {
    raw_by_text_and_number!();

    fn text(&self, at: usize) -> Result<Option<String>, BoxError> {
        match self.get(at) {
            Some(Value::String(text)) => Ok(Some(text.clone())),
            None | Some(Value::Null) => Ok(None),
            Some(_) => Err("must be a text".into()),
        }
    }

    fn number(&self, at: usize) -> Result<Option<i64>, BoxError> {
        match self.get(at) {
            Some(Value::Number(number)) => {
                number.as_i64().map(Some).ok_or_else(|| "must be a whole number".into())
            }
            None | Some(Value::Null) => Ok(None),
            Some(_) => Err("must be a number".into()),
        }
    }
}

fn read_id(text: &str) -> Result<Uuid, BoxError> {
    let uuid = Uuid::try_parse(text)?;
    if id(uuid) == text { Ok(uuid) } else { Err("must be a hyphenated lower-case UUID".into()) }
}

fn read_time(text: &str) -> Result<DateTime<Utc>, BoxError> {
    const WIDTH: usize = "2026-01-02T03:04:05.000006Z".len();
    if text.len() != WIDTH {
        return Err("must be a UTC time with six decimals".into());
    }
    Ok(NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.6fZ")?.and_utc())
}

fn read_texts(text: &str) -> Result<Vec<String>, BoxError> {
    // The parser's own error may quote the text.
    serde_json::from_str(text).map_err(|_| "must be a JSON array of strings".into())
}

fn read_flag(number: i64) -> Result<bool, BoxError> {
    match number {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err("must be 0 or 1".into()),
    }
}

impl Dialect for Sqlite {
    const SKIP_INDEX: &'static str = "+";
    const REPEAT_PARTIAL_CONDITION: bool = true;
    const HIDE_FROM_INDEXES: (&'static str, &'static str) = ("+", "");
    const DESC_NULLS: &'static str = " desc";
    const ASC_NULLS: &'static str = "";
    const HIDE_FROM_PLANNER: (&'static str, &'static str) = ("", "");
    const IN_SUBQUERY: (&'static str, &'static str) = ("in (", ")");
    const FORCE_INDEX: bool = true;
    // SQLite lets only the argument of a table function refer to the rows before it.
    const LIST_OF_EACH: (&'static str, &'static str) = (
        ", json_each((select json_group_array(id) from (",
        "))) k join maintenance_requests r on r.id = k.value",
    );
    const ARM_PARENTHESES: Option<(&'static str, &'static str)> = None;

    fn id(query: &mut QueryBuilder<Self>, uuid: Uuid) {
        query.push_bind(id(uuid));
    }

    fn time(query: &mut QueryBuilder<Self>, at: DateTime<Utc>) {
        query.push_bind(time(at));
    }

    fn text(query: &mut QueryBuilder<Self>, text: &str) {
        query.push_bind(text.to_owned());
    }

    fn number(query: &mut QueryBuilder<Self>, number: u32) {
        query.push_bind(number);
    }

    fn one_of(query: &mut QueryBuilder<Self>, ids: &[Uuid]) {
        query.push(" in (");
        Self::values(query, ids);
        query.push(")");
    }

    fn values(query: &mut QueryBuilder<Self>, ids: &[Uuid]) {
        let ids: Vec<String> = ids.iter().copied().map(id).collect();
        query.push("select value from json_each(").push_bind(rows(ids)).push(")");
    }

    fn has_words(
        query: &mut QueryBuilder<Self>,
        organization: OrganizationId,
        text: &SearchText,
        leads: bool,
    ) {
        let words: Vec<String> = text.words().map(|word| format!("\"{word}\"")).collect();
        let organization = organization.uuid().simple();
        let sought = format!("organization : \"{organization}\" AND words : ({} *)", words.join(" AND "));
        if leads {
            query.push(
                "r.id in (select t.request_id from maintenance_texts t where t.id in (select rowid from ",
            );
            query.push("maintenance_words where maintenance_words match ").push_bind(sought).push("))");
        } else {
            query.push("exists (select 1 from maintenance_texts t where t.request_id = r.id and exists (select 1 from ");
            query.push("maintenance_words w where w.rowid = t.id and w.maintenance_words match ");
            query.push_bind(sought).push("))");
        }
    }

    fn has_trade(query: &mut QueryBuilder<Self>, trade: &Specialty) {
        // A worker whose JSON can't be read stays in the list, which then reports that row instead of
        // failing.
        query.push("case when json_valid(w.specialties) then exists (");
        query.push("select 1 from json_each(w.specialties) where value = ");
        query.push_bind(trade.as_str().to_owned()).push(") else 1 end");
    }
}
