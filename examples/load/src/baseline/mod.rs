//! The same effects written by hand: the limit, and what one writes without thinking of speed.

pub(crate) mod postgres;
pub(crate) mod postgres_naive;
pub(crate) mod rusqlite;
pub(crate) mod sqlite_naive;
