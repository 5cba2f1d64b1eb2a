//! A template's body text: its placeholders, its length, and the text with the placeholders filled in.

/// The most characters that a rendered template body may have.
pub(crate) const MAX_BODY: usize = 1024;

/// A piece of a body text.
enum Piece<'a> {
    Text(&'a str),
    /// The whole of `{{name}}`, and the name.
    Placeholder(&'a str, &'a str),
}

/// The message as the recipient reads it: the body text with each `{{1}}` or `{{name}}` replaced by the value
/// of that name. A placeholder without a value stays as it is.
///
/// ```
/// use maintenance_whatsapp::render_body;
///
/// assert_eq!(render_body("Where: {{1}}. What: {{2}}.", &[("1", "kitchen"), ("2", "sink leaks")]),
///     "Where: kitchen. What: sink leaks.");
/// ```
pub fn render_body<N: AsRef<str>, V: AsRef<str>>(body: &str, values: &[(N, V)]) -> String {
    pieces(body)
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Placeholder(whole, name) => {
                values.iter().find(|(n, _)| n.as_ref() == name).map_or(whole, |(_, value)| value.as_ref())
            }
        })
        .collect()
}

/// The measures of a body text that are needed to fill it in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Layout {
    /// The length of the body without its placeholders.
    pub(crate) fixed: usize,
    /// The placeholders in the order of their first use, each with how often it is used.
    pub(crate) placeholders: Vec<(String, usize)>,
}

impl Layout {
    pub(crate) fn of(body: &str) -> Self {
        let mut layout = Self::default();
        for piece in pieces(body) {
            match piece {
                Piece::Text(text) => layout.fixed += length(text),
                Piece::Placeholder(_, name) => {
                    match layout.placeholders.iter_mut().find(|(known, _)| known == name) {
                        Some((_, times)) => *times += 1,
                        None => layout.placeholders.push((name.to_owned(), 1)),
                    }
                }
            }
        }
        layout
    }

    /// How often a placeholder is used.
    pub(crate) fn times(&self, name: &str) -> usize {
        self.placeholders.iter().find(|(known, _)| known == name).map_or(0, |(_, times)| *times)
    }
}

/// The length of a text in UTF-16 units. Meta doesn't say how it counts; this count is the largest it could
/// mean.
pub(crate) fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

fn pieces(body: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = body;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((whole, name)) = placeholder(rest) {
            rest = rest.strip_prefix(whole).unwrap_or_default();
            return Some(Piece::Placeholder(whole, name));
        }
        // Text up to the next placeholder; braces that begin no placeholder belong to it.
        let mut starts = rest.match_indices('{').map(|(at, _)| at);
        let end = starts.find(|&at| rest.get(at..).is_some_and(|rest| placeholder(rest).is_some()));
        let (text, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(Piece::Text(text))
    })
}

/// The placeholder that the text begins with: all of it, and its name.
fn placeholder(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix("{{")?;
    let end = inner.find("}}")?;
    let name = inner.get(..end)?.trim_matches(' ');
    let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    named.then_some((text.get(..end + 4)?, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in_by_number_or_by_name_as_often_as_they_are_used() {
        assert_eq!(render_body("{{1}} and {{2}}, {{1}}", &[("1", "a"), ("2", "b")]), "a and b, a");
        assert_eq!(render_body("Hi {{ who }}!", &[("who", "é")]), "Hi é!");
    }

    #[test]
    fn a_value_that_looks_like_a_placeholder_is_not_filled_in_again() {
        assert_eq!(render_body("{{1}} {{2}}", &[("1", "{{2}}"), ("2", "b")]), "{{2}} b");
    }

    #[test]
    fn braces_that_are_no_placeholder_are_text() {
        for text in ["{{", "}}", "{{}}", "{{a b}}", "{ {1} }", "{{{", "{{é}}"] {
            assert_eq!(render_body(text, &[("a", "x")]), text);
        }
        assert_eq!(render_body("{{{a}}}", &[("a", "x")]), "{x}");
    }

    #[test]
    fn the_layout_counts_the_bodys_own_text_and_each_placeholder() {
        let layout = Layout::of("a {{x}} 😀 {{y}} {{x}}");
        assert_eq!(layout.fixed, 2 + 4 + 1);
        assert_eq!(layout.placeholders, [("x".to_owned(), 2), ("y".to_owned(), 1)]);
    }
}
