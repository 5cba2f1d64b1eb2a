//! The words that the text search reads. What writes a new text leaves it for [`index`], since the index of words would
//! cost a submit a tenth of its time.

use maintenance_core::RepositoryError;

use super::source::Source;

/// The words of a text of an organisation, both given as SQL, as the column `words` of `maintenance_texts` holds them.
///
/// The parser keeps what stands around these characters together, as in `example.com`, or reads more than letters into
/// them; as spaces they part words.
macro_rules! words_sql {
    ($organization:expr, $text:expr) => {
        concat!(
            "array_to_tsvector(array[':' || ",
            $organization,
            "]) || strip(to_tsvector('simple', translate(",
            $text,
            ", '-+_./\\@:&<>=~%#?', '                ')))"
        )
    };
}

/// The words of a request, whose table has this alias.
macro_rules! request_words_sql {
    ($alias:literal) => {
        words_sql!(
            concat!($alias, ".organization_id"),
            concat!($alias, ".title || ' ' || ", $alias, ".description || ' ' || ", $alias, ".location")
        )
    };
}

/// Leaves the texts of these rows to be indexed: `$select` gives request, whether it is a comment, and its own id.
macro_rules! unindexed_sql {
    ($select:literal) => {
        concat!(
            "insert into maintenance_unindexed_texts (request_id, is_comment, id) ",
            $select,
            " on conflict do nothing"
        )
    };
}

pub(super) use {request_words_sql, unindexed_sql, words_sql};

/// Moves up to `$1` new texts into the index of words, and returns how many it took. Two who do so at once take different
/// ones. Words that an edit or a forgetting has written meanwhile are newer and stay.
///
/// Rows are deleted by their keys: in a statement that inserts too, a server that shards by schema deletes none by `ctid`.
/// The array has their index looked up; for the rows alone the planner may read the whole table.
pub(super) const INDEX: &str = concat!(
    "
    with taken as materialized (
        select request_id, is_comment, id
          from maintenance_unindexed_texts
         limit $1
           for update skip locked
    ), indexable as materialized (
        select t.request_id, t.is_comment, t.id, ",
    request_words_sql!("r"),
    " as words
          from taken t
          join maintenance_requests r on r.id = t.id
         where not t.is_comment
         union all
        select t.request_id, t.is_comment, t.id, ",
    words_sql!("c.organization_id", "c.comment"),
    "
          from taken t
          join maintenance_comments c on c.id = t.id
         where t.is_comment
    ), indexed as (
        insert into maintenance_texts (request_id, is_comment, id, words)
        select request_id, is_comment, id, words
          from indexable
         order by request_id, is_comment, id
        on conflict do nothing
    ), removed as (
        delete from maintenance_unindexed_texts
         where request_id = any (array (select request_id from taken))
           and (request_id, is_comment, id) in (select request_id, is_comment, id from taken)
    )
    select count(*) from taken"
);

pub(super) async fn index(source: &Source<'_>, limit: u32) -> Result<u32, RepositoryError> {
    let taken: i64 =
        source.connection().await?.fetch_value(sqlx::query(INDEX).bind(i64::from(limit))).await?;
    Ok(u32::try_from(taken).unwrap_or(u32::MAX))
}
