//! Reading a row column by column: an error names the table, the column and the row.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use maintenance_core::{BoxError, RepositoryError};
use uuid::Uuid;

/// A row of either database. Its columns are read by position; null is `None`.
pub(crate) trait Raw {
    fn uuid(&self, at: usize) -> Result<Option<Uuid>, BoxError>;
    fn time(&self, at: usize) -> Result<Option<DateTime<Utc>>, BoxError>;
    fn text(&self, at: usize) -> Result<Option<String>, BoxError>;
    fn texts(&self, at: usize) -> Result<Option<Vec<String>>, BoxError>;
    fn flag(&self, at: usize) -> Result<Option<bool>, BoxError>;
    fn number(&self, at: usize) -> Result<Option<i64>, BoxError>;
}

/// Reads one entity's columns from left to right. The first column is its id.
pub(crate) struct Reader<'r, R> {
    row: &'r R,
    table: &'static str,
    first: usize,
    next: usize,
}

impl<'r, R: Raw> Reader<'r, R> {
    /// A reader of the entity whose id is at the position `first`.
    pub(crate) fn new(row: &'r R, table: &'static str, first: usize) -> Self {
        Self { row, table, first, next: first }
    }

    /// The same reader at another position, for the columns that follow other entities' columns.
    pub(crate) fn skip_to(self, next: usize) -> Self {
        Self { next, ..self }
    }

    /// The next column, read by `raw` and then parsed by `parse`.
    pub(crate) fn optional<X, T, E: Into<BoxError>>(
        &mut self,
        column: &'static str,
        raw: impl Fn(&R, usize) -> Result<Option<X>, BoxError>,
        parse: impl Fn(X) -> Result<T, E>,
    ) -> Result<Option<T>, RepositoryError> {
        let at = self.next;
        self.next += 1;
        match raw(self.row, at) {
            Ok(Some(value)) => parse(value).map(Some).map_err(|error| self.corrupt(column, error)),
            Ok(None) => Ok(None),
            Err(error) => Err(self.corrupt(column, error)),
        }
    }

    pub(crate) fn corrupt(&self, column: &'static str, error: impl Into<BoxError>) -> RepositoryError {
        let id = self.row.uuid(self.first).ok().flatten().map(|id| id.to_string());
        let id = id.or_else(|| self.row.text(self.first).ok().flatten());
        RepositoryError::corrupt(self.table, column, id.as_deref().unwrap_or("(no id)"), error)
    }

    pub(crate) fn required<T>(&self, column: &'static str, value: Option<T>) -> Result<T, RepositoryError> {
        value.ok_or_else(|| self.corrupt(column, "must not be null"))
    }

    pub(crate) fn id<T: From<Uuid>>(&mut self, column: &'static str) -> Result<T, RepositoryError> {
        let id = self.id_or_none(column)?;
        self.required(column, id)
    }

    pub(crate) fn id_or_none<T: From<Uuid>>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>, RepositoryError> {
        self.optional(column, R::uuid, |id| Ok::<T, BoxError>(id.into()))
    }

    pub(crate) fn time(&mut self, column: &'static str) -> Result<DateTime<Utc>, RepositoryError> {
        let at = self.time_or_none(column)?;
        self.required(column, at)
    }

    pub(crate) fn time_or_none(
        &mut self,
        column: &'static str,
    ) -> Result<Option<DateTime<Utc>>, RepositoryError> {
        self.optional(column, R::time, Ok::<_, BoxError>)
    }

    /// A text that must follow the rules of its type.
    pub(crate) fn text<T>(&mut self, column: &'static str) -> Result<T, RepositoryError>
    where
        T: TryFrom<String>,
        T::Error: Into<BoxError>,
    {
        let text = self.text_or_none(column)?;
        self.required(column, text)
    }

    pub(crate) fn text_or_none<T>(&mut self, column: &'static str) -> Result<Option<T>, RepositoryError>
    where
        T: TryFrom<String>,
        T::Error: Into<BoxError>,
    {
        self.optional(column, R::text, T::try_from)
    }

    /// An enum's value.
    pub(crate) fn word<T>(&mut self, column: &'static str) -> Result<T, RepositoryError>
    where
        T: FromStr,
        T::Err: Into<BoxError>,
    {
        let word = self.optional(column, R::text, |text| text.parse())?;
        self.required(column, word)
    }

    /// Texts that must follow the rules of their type.
    pub(crate) fn words<T, C>(&mut self, column: &'static str) -> Result<C, RepositoryError>
    where
        T: TryFrom<String>,
        T::Error: Into<BoxError>,
        C: FromIterator<T>,
    {
        let parse = |texts: Vec<String>| texts.into_iter().map(T::try_from).collect::<Result<C, _>>();
        let words = self.optional(column, R::texts, parse)?;
        self.required(column, words)
    }

    pub(crate) fn flag(&mut self, column: &'static str) -> Result<bool, RepositoryError> {
        let flag = self.optional(column, R::flag, Ok::<_, BoxError>)?;
        self.required(column, flag)
    }

    pub(crate) fn count(&mut self, column: &'static str) -> Result<u32, RepositoryError> {
        let count = self.optional(column, R::number, u32::try_from)?;
        self.required(column, count)
    }
}
