//! The words that the text search reads.

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

pub(super) use words_sql;
