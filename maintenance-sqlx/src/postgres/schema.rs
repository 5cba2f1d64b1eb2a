//! The name of a schema, and the setting that chooses it.

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;
use sqlx::PgConnection;

/// The name of a PostgreSQL schema, as it stands in the catalogue: case counts, and it is always quoted for the server.
///
/// ```
/// use maintenance_sqlx::postgres::SchemaName;
///
/// let schema = SchemaName::new("customer-17")?;
/// assert_eq!((schema.as_str(), schema.search_path().as_str()), ("customer-17", r#""customer-17""#));
/// assert!(SchemaName::new("pg_temp").is_err());
/// # Ok::<(), maintenance_sqlx::postgres::InvalidSchemaName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaName(Arc<str>);

/// A text that can't be a schema's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} can't be a schema's name; it must be 1 to 63 bytes without control characters, and neither `$user`, \
     `information_schema` nor a name that begins with `pg_`"
)]
pub struct InvalidSchemaName(String);

impl SchemaName {
    /// The schema of that name.
    ///
    /// # Errors
    ///
    /// When it isn't 1 to 63 bytes, which is how much of a name PostgreSQL compares; when it has control characters; and
    /// when it is a name that means something else to the server: `$user`, `information_schema`, or one that begins with
    /// `pg_`.
    pub fn new(name: &str) -> Result<Self, InvalidSchemaName> {
        let fits = (1..=63).contains(&name.len()) && !name.contains(char::is_control);
        let reserved = name.starts_with("pg_") || matches!(name, "$user" | "information_schema");
        if fits && !reserved { Ok(Self(name.into())) } else { Err(InvalidSchemaName(name.to_owned())) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of `search_path` that chooses this schema alone. In your own transaction, choose it by
    /// `select set_config('search_path', $1, true)` before you lend the transaction to the engine.
    pub fn search_path(&self) -> String {
        format!("\"{}\"", self.0.replace('"', "\"\""))
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Sets the session's `search_path`, and returns the one before.
pub(super) fn set_search_path(
    connection: &mut PgConnection,
    path: String,
) -> BoxFuture<'_, Result<String, sqlx::Error>> {
    // The row of the CTE is there before the setting changes.
    const SET: &str = "
        with earlier as materialized (select current_setting('search_path') as path)
        select path, set_config('search_path', $1, false) from earlier";
    let set = sqlx::query_as::<_, (String, String)>(SET).bind(path).fetch_one(connection);
    Box::pin(async move { set.await.map(|(earlier, _)| earlier) })
}

/// Sets the `search_path` until the transaction ends.
pub(super) async fn set_local_search_path(
    connection: &mut PgConnection,
    schema: &SchemaName,
) -> Result<(), sqlx::Error> {
    let set = sqlx::query("select set_config('search_path', $1, true)").bind(schema.search_path());
    set.execute(connection).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_the_server_would_read_otherwise_is_refused() {
        let long = "é".repeat(32);
        for bad in ["", "pg_catalog", "pg_temp", "$user", "information_schema", "a\0b", "a\nb", long.as_str()]
        {
            assert!(SchemaName::new(bad).is_err(), "{bad:?}");
        }
        for good in ["public", "Customer 17", "a,b", "\"; drop schema public; --", &"a".repeat(63)] {
            assert_eq!(SchemaName::new(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn a_name_is_quoted() {
        assert_eq!(SchemaName::new("a\"b, c").unwrap().search_path(), "\"a\"\"b, c\"");
    }
}
