//! Makes any text acceptable as a template parameter: no line break, no tab, no run of spaces, never empty,
//! and short enough for the whole body.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::body::length;

/// The fewest characters that a value is cut to; a template's own text must leave room for as many.
pub(crate) const SHORTEST: usize = 20;

/// A value to fit into a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value<'a> {
    pub(crate) text: Cow<'a, str>,
    /// How often the body uses it.
    pub(crate) times: usize,
    /// Its position in the order in which values are cut; `None` for a value that is never cut.
    pub(crate) cut: Option<u8>,
}

/// The text on one line: runs of white space and control characters become single spaces, and characters that change
/// the direction of writing go, since they would turn the text around them. A text without a visible character becomes
/// the fallback.
pub(crate) fn clean<'a>(text: &'a str, fallback: &'a str) -> Cow<'a, str> {
    if text.chars().all(|c| separates(c) || is_invisible(c)) {
        return Cow::Borrowed(fallback);
    }
    let spaced = text.starts_with(' ') || text.ends_with(' ') || text.contains("  ");
    if !spaced && !text.contains(|c| (c != ' ' && separates(c)) || turns(c)) {
        return Cow::Borrowed(text);
    }
    let turned = text.replace(turns, "");
    let words = turned.split(separates).filter(|word| !word.is_empty());
    Cow::Owned(words.collect::<Vec<_>>().join(" "))
}

/// Whether a character ends a word.
fn separates(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// Whether a character only changes the direction of writing.
fn turns(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Cuts values in their order until all fit into `room`, none below [`SHORTEST`].
pub(crate) fn fit(values: &mut [Value<'_>], room: usize) {
    let mut total: usize = values.iter().map(|value| value.times * length(&value.text)).sum();
    if total <= room {
        return;
    }
    let mut order: Vec<&mut Value<'_>> =
        values.iter_mut().filter(|value| value.cut.is_some() && value.times > 0).collect();
    order.sort_by_key(|value| value.cut);
    for value in order {
        if total <= room {
            return;
        }
        let before = length(&value.text);
        let wanted = before.saturating_sub((total - room).div_ceil(value.times)).max(SHORTEST);
        value.text = cut(&value.text, wanted).into();
        total -= value.times * before.saturating_sub(length(&value.text));
    }
}

/// The text in at most `most` characters; an ellipsis stands for what was cut off. What a reader takes for one character
/// (a letter with its marks, an emoji of several parts) stays whole or goes.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if length(text) <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(1);
    let kept = text.graphemes(true).take_while(|grapheme| {
        let fits = length(grapheme) <= left;
        left = left.saturating_sub(length(grapheme));
        fits
    });
    let mut kept: String = kept.collect();
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// Whether a character shows nothing, so that a text of such alone counts as empty.
fn is_invisible(c: char) -> bool {
    turns(c)
        || matches!(c, '\u{AD}' | '\u{200B}'..='\u{200D}' | '\u{2060}'..='\u{2064}' | '\u{FE0F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(text: &str, cut: Option<u8>) -> Value<'_> {
        Value { text: text.into(), times: 1, cut }
    }

    #[test]
    fn a_text_of_several_lines_becomes_one() {
        assert_eq!(
            clean(" The sink\r\n\tleaks      badly\u{0}\u{2028}now ", "-"),
            "The sink leaks badly now"
        );
    }

    #[test]
    fn a_text_with_nothing_to_see_in_it_becomes_the_fallback() {
        for text in ["", " \n\t", "\u{200B}", " \u{FEFF} \u{2060}"] {
            assert_eq!(clean(text, "not on file"), "not on file");
        }
    }

    #[test]
    fn what_fits_is_not_cut() {
        let mut values = [value("12345", Some(0)), value("67890", None)];
        fit(&mut values, 10);
        assert_eq!((&*values[0].text, &*values[1].text), ("12345", "67890"));
    }

    #[test]
    fn the_first_in_the_order_is_cut_before_the_second() {
        let (long, other) = ("a".repeat(100), "b".repeat(50));
        let mut values = [value(&other, Some(1)), value(&long, Some(0))];
        fit(&mut values, 90);
        assert_eq!(values[0].text, other);
        assert_eq!(values[1].text, "a".repeat(39) + "…");
        let mut values = [value(&other, Some(1)), value(&long, Some(0))];
        fit(&mut values, 60);
        assert_eq!(values[0].text, "b".repeat(39) + "…");
        assert_eq!(values[1].text, "a".repeat(19) + "…");
    }

    #[test]
    fn a_cut_leaves_no_half_of_a_character_and_no_space_before_the_ellipsis() {
        assert_eq!(cut("ab cdef", 4), "ab…");
        assert_eq!(cut("😀😀😀", 4), "😀…");
    }

    #[test]
    fn a_cut_leaves_no_half_of_what_a_reader_takes_for_one_character() {
        for (text, most, kept) in [
            ("e\u{301}e\u{301}e\u{301}", 5, "e\u{301}e\u{301}…"),
            ("e\u{301}e\u{301}e\u{301}", 4, "e\u{301}…"),
            ("👩\u{200D}🔧👩\u{200D}🔧", 9, "👩\u{200D}🔧…"),
            ("👩\u{200D}🔧👩\u{200D}🔧", 5, "…"),
            ("🇧🇷🇧🇷", 7, "🇧🇷…"),
            ("क्षि क्षि", 7, "क्षि…"),
            ("מַיִם", 4, "מַ…"),
        ] {
            assert_eq!(cut(text, most), kept, "{text} in {most}");
        }
    }

    #[test]
    fn characters_that_turn_the_text_around_them_go_and_those_that_join_letters_stay() {
        assert_eq!(clean("a\u{202E}b\u{2066} \u{200F} c\u{2069}\u{61C}\u{200E}", "-"), "ab c");
        assert_eq!(clean("\u{202A}\u{202C} \u{2067}", "not on file"), "not on file");
        assert_eq!(clean("می\u{200C}خواهم 👩\u{200D}🔧", "-"), "می\u{200C}خواهم 👩\u{200D}🔧");
    }

    proptest! {
        #[test]
        fn a_cleaned_text_is_one_line_without_runs_of_spaces_and_never_empty(text in any::<String>()) {
            let line = clean(&text, "not given");
            prop_assert!(!line.trim().is_empty());
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert!(!line.contains("  "));
            prop_assert!(!line.contains(turns));
            prop_assert_eq!(clean(&line, "not given"), &*line);
        }

        #[test]
        fn values_always_fit_when_there_is_room_for_the_shortest(
            texts in proptest::collection::vec((".{1,300}", 1..3_usize, 0..5_u8), 1..6),
            spare in 0..500_usize,
        ) {
            let mut values: Vec<_> = texts
                .into_iter()
                .map(|(text, times, rank)| Value { text: text.into(), times, cut: Some(rank) })
                .collect();
            let room = values.iter().map(|value| value.times * SHORTEST).sum::<usize>() + spare;
            fit(&mut values, room);
            let total: usize = values.iter().map(|value| value.times * length(&value.text)).sum();
            prop_assert!(total <= room);
            prop_assert!(values.iter().all(|value| !value.text.is_empty()));
        }
    }
}
