//! Lists in pages: keyset positions behind an opaque cursor.

use std::{fmt, hash::Hasher};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use fnv::FnvHasher;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::repository_error::RepositoryError;
use crate::{model::Priority, values::Invalid};

/// The largest page.
pub const MAX_PAGE_SIZE: u32 = 200;

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PageRequest {
    /// How many items at most, 1 to [`MAX_PAGE_SIZE`].
    pub size: u32,
    /// Where the page before ended; `None` for the first page.
    #[serde(default)]
    pub after: Option<Cursor>,
}

impl PageRequest {
    /// The first page, with that many items at most.
    pub fn first(size: u32) -> Self {
        Self { size, after: None }
    }

    /// The page after that cursor, with that many items at most.
    pub fn after(cursor: Cursor, size: u32) -> Self {
        Self { size, after: Some(cursor) }
    }
}

impl Default for PageRequest {
    /// The first page of 50.
    fn default() -> Self {
        Self::first(50)
    }
}

/// Where a page ended. Opaque, safe in a URL, valid for the same list with the same filter only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// The cursor as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Cursor {
    /// Takes what a client sent back; it is checked when it is used.
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A page of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Cursor>,
    /// Rows that could not be read: each error names table, column and row. The rest of the page is whole.
    pub corrupt: Vec<RepositoryError>,
}

/// What a repository reads of a list: the rows after a position, up to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// The last row already read.
    pub after: Option<Position>,
    /// How many rows at most.
    pub limit: u32,
}

/// A row's place in a list: every list is ordered by time, then id; requests may be ordered by priority before that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The request's priority, in a list that is ordered by it.
    pub priority: Option<Priority>,
    /// The row's time.
    pub at: DateTime<Utc>,
    /// The row's id.
    pub id: Uuid,
}

impl Position {
    /// The place of a row with that time and id in a list that no priority orders.
    pub fn new(at: DateTime<Utc>, id: Uuid) -> Self {
        Self { priority: None, at, id }
    }
}

/// Rows that a repository read: those that are sound, and an error for each that is not.
#[derive(Debug)]
pub struct Listing<T> {
    /// The sound rows, in order.
    pub items: Vec<T>,
    /// The others.
    pub corrupt: Vec<RepositoryError>,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self { items: Vec::new(), corrupt: Vec::new() }
    }
}

impl<T> FromIterator<Result<T, RepositoryError>> for Listing<T> {
    fn from_iter<I: IntoIterator<Item = Result<T, RepositoryError>>>(rows: I) -> Self {
        let mut listing = Self::default();
        for row in rows {
            match row {
                Ok(item) => listing.items.push(item),
                Err(error) => listing.corrupt.push(error),
            }
        }
        listing
    }
}

impl<T> Listing<T> {
    /// The same rows, each as `item` makes it.
    pub(crate) fn map<U>(self, item: impl FnMut(T) -> U) -> Listing<U> {
        Listing { items: self.items.into_iter().map(item).collect(), corrupt: self.corrupt }
    }

    /// Adds the other's rows behind these.
    pub(crate) fn append(&mut self, other: Self) {
        self.items.extend(other.items);
        self.corrupt.extend(other.corrupt);
    }

    /// How many rows were read.
    pub(crate) fn rows(&self) -> usize {
        self.items.len() + self.corrupt.len()
    }

    /// The page of `size` that begins with these rows; `size + 1` of them were asked for at least.
    pub(crate) fn into_page(mut self, size: u32, query: Query, position: impl Fn(&T) -> Position) -> Page<T> {
        let size = size as usize;
        let more = self.rows() > size;
        self.items.truncate(size);
        let next = self.items.last().filter(|_| more).map(|item| query.cursor(position(item)));
        Page { items: self.items, next, corrupt: self.corrupt }
    }
}

/// The fingerprint of a list and its filter, which ties a cursor to them.
///
/// A cursor is the fingerprint, the time and the id of a row, 32 bytes in all, and one byte more for the priority in a list
/// that is ordered by it. The fingerprint tells what a cursor is of, and its length the version of its form: a later form
/// must have another length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Query {
    fingerprint: u64,
    by_priority: bool,
}

impl Query {
    pub(crate) fn new(list: &str, filter: &impl Serialize) -> Self {
        let mut hasher = FnvHasher::default();
        hasher.write(list.as_bytes());
        // A filter holds plain values only, whose JSON can't fail; were it to, the list's name alone would
        // tie the cursor.
        hasher.write(&serde_json::to_vec(filter).unwrap_or_default());
        Self { fingerprint: hasher.finish(), by_priority: false }
    }

    /// The same for a list that is ordered by priority first, or not.
    pub(crate) fn by_priority(self, by_priority: bool) -> Self {
        Self { by_priority, ..self }
    }

    fn cursor(self, Position { priority, at, id }: Position) -> Cursor {
        let (fingerprint, at) = (self.fingerprint.to_be_bytes(), at.timestamp_micros().to_be_bytes());
        let priority: Vec<u8> = priority.map(|priority| priority as u8).into_iter().collect();
        Cursor(BASE64_URL_SAFE_NO_PAD.encode([&fingerprint[..], &at, id.as_bytes(), &priority].concat()))
    }

    /// What to read for this page, or what is wrong with the request for it and, as noted already, with the filter.
    pub(crate) fn slice(self, page: &PageRequest, mut invalid: Invalid) -> Result<Slice, Invalid> {
        if !(1..=MAX_PAGE_SIZE).contains(&page.size) {
            invalid.push("page.size", format!("is {}; it must be 1 to {MAX_PAGE_SIZE}", page.size));
        }
        let after = page.after.as_ref().map(|cursor| self.position(cursor)).transpose();
        let after = invalid.keep("page.after", after);
        invalid.finish(after.map(|after| Slice { after, limit: page.size.saturating_add(1) }))
    }

    fn position(self, cursor: &Cursor) -> Result<Position, &'static str> {
        const MALFORMED: &str = "is not a valid cursor; pass `next` from the previous page";
        const OTHER: &str = "is a cursor of another list or filter; start that list at its first page";
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&cursor.0).map_err(|_| MALFORMED)?;
        let (fingerprint, rest) = bytes.split_first_chunk().ok_or(MALFORMED)?;
        let (at, rest) = rest.split_first_chunk().ok_or(MALFORMED)?;
        let (id, rest) = rest.split_first_chunk().ok_or(MALFORMED)?;
        let priority = match rest {
            [] => None,
            [place] => Some(*Priority::ALL.get(usize::from(*place)).ok_or(MALFORMED)?),
            _ => return Err(MALFORMED),
        };
        if u64::from_be_bytes(*fingerprint) != self.fingerprint {
            return Err(OTHER);
        }
        if priority.is_some() != self.by_priority {
            return Err(MALFORMED);
        }
        let at = DateTime::from_timestamp_micros(i64::from_be_bytes(*at)).ok_or(MALFORMED)?;
        Ok(Position { priority, at, id: Uuid::from_bytes(*id) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::RequestStatus,
        ports::{RequestFilter, RequestOrder},
    };

    /// A cursor as the crate wrote it before lists had orders, of the open, highly urgent requests of one complex.
    const OLD: &str = "ZFLdEk87afkABkcTv1FwAAAAAAAAAEAAgAAAAAAAAAc";

    fn query(filter: &RequestFilter) -> Query {
        Query::new("requests", &filter.key()).by_priority(filter.order.is_by_priority())
    }

    fn read(filter: &RequestFilter, cursor: &str) -> Result<Option<Position>, Invalid> {
        let page = PageRequest::after(Cursor::from(cursor.to_owned()), 10);
        query(filter).slice(&page, Invalid::default()).map(|slice| slice.after)
    }

    #[test]
    fn a_cursor_of_an_older_version_goes_on() {
        let (complex, id) = ("00000000-0000-4000-8000-00000000c001", "00000000-0000-4000-8000-000000000007");
        let filter = RequestFilter {
            complexes: vec![complex.parse().unwrap()],
            statuses: vec![RequestStatus::Pending, RequestStatus::InProgress],
            priorities: vec![Priority::High],
            ..RequestFilter::default()
        };
        let at = DateTime::from_timestamp_micros(1_767_000_000_000_000).unwrap();
        let position = Position::new(at, id.parse().unwrap());
        assert_eq!(read(&filter, OLD), Ok(Some(position)));
        assert_eq!(query(&filter).cursor(position).as_str(), OLD);
        for order in [RequestOrder::OldestFirst, RequestOrder::UrgentFirst] {
            let error = read(&RequestFilter { order, ..filter.clone() }, OLD).unwrap_err();
            assert!(error.to_string().contains("is a cursor of another list or filter"), "{error}");
        }
    }

    #[test]
    fn the_cursor_of_a_list_by_priority_has_the_priority() {
        let filter = RequestFilter { order: RequestOrder::UrgentFirst, ..RequestFilter::default() };
        for priority in Priority::ALL {
            let position =
                Position { priority: Some(*priority), ..Position::new(DateTime::UNIX_EPOCH, Uuid::nil()) };
            assert_eq!(read(&filter, query(&filter).cursor(position).as_str()), Ok(Some(position)));
        }
        // Whoever changes a cursor by hand gets an error.
        let without = Position::new(DateTime::UNIX_EPOCH, Uuid::nil());
        let error = read(&filter, query(&filter).cursor(without).as_str()).unwrap_err();
        assert!(error.to_string().contains("is not a valid cursor"), "{error}");
    }
}
