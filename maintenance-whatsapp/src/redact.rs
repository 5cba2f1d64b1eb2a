//! What others say of an error, made fit to be stored and logged: without numbers that could be someone's,
//! on one line, short.

use maintenance_core::DeliveryError;

/// The most characters of an error's text.
const MAX_TEXT: usize = 500;

/// An error of that code, its text told by someone else.
pub(crate) fn delivery_error(code: &str, texts: &[&str]) -> DeliveryError {
    let texts: Vec<&str> = texts.iter().copied().filter(|text| !text.trim().is_empty()).collect();
    let text = masked(&texts.join(": "), code);
    DeliveryError::new(code, if text.is_empty() { "no reason given".to_owned() } else { text })
}

/// The text on one line, cut short, with every run of digits that could be a phone number masked, however it
/// is separated; the error's own code stays.
fn masked(text: &str, code: &str) -> String {
    let text: String =
        text.split(|c: char| c.is_whitespace() || c.is_control()).collect::<Vec<_>>().join(" ");
    let mut shown = String::new();
    let mut rest = text.trim();
    while let Some(start) = rest.find(|c: char| c.is_numeric()) {
        let (before, from) = rest.split_at(start);
        shown.push_str(before);
        let (number, after) = from.split_at(number_length(from));
        if number == code || !could_be_private(number) {
            shown.push_str(number);
        } else {
            shown.push_str("***");
        }
        rest = after;
    }
    shown.push_str(rest);
    match shown.char_indices().nth(MAX_TEXT) {
        None => shown,
        Some(_) => shown.chars().take(MAX_TEXT - 1).chain(['…']).collect(),
    }
}

/// How long the number is that the text begins with: digits, and single separators between digits.
fn number_length(text: &str) -> usize {
    let mut length = 0;
    let mut separators = 0;
    for (at, c) in text.char_indices() {
        if c.is_numeric() {
            separators = 0;
            length = at + c.len_utf8();
        } else if matches!(c, ' ' | '-' | '.' | '(' | ')' | '/') && separators < 2 {
            separators += 1;
        } else {
            break;
        }
    }
    length
}

fn could_be_private(number: &str) -> bool {
    let digits = number.chars().filter(|c| c.is_numeric()).count();
    digits >= 7 || number.split(|c: char| !c.is_numeric()).any(|run| run.chars().count() >= 5)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_masked_however_they_are_written() {
        for number in ["12025550123", "+1 202 555 0123", "(202) 555-0123", "202.555.0123", "55501", "٢٠٢٥٥٥٠"]
        {
            let shown = delivery_error("131030", &[&format!("recipient {number} isn't allowed")]).text;
            let digits = shown.chars().filter(|c| c.is_numeric()).count();
            assert!(shown.contains("***") && digits <= 1, "{shown}");
        }
    }

    #[test]
    fn the_errors_own_code_and_small_numbers_stay() {
        let error = delivery_error("131030", &["(#131030) Not in list", "try 3 of 100"]);
        assert_eq!(error.text, "(#131030) Not in list: try 3 of 100");
    }

    #[test]
    fn an_error_without_text_says_so() {
        assert_eq!(delivery_error("1", &["", " "]).text, "no reason given");
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = delivery_error("1", &[&"é\n\u{0}".repeat(10_000)]).text;
        assert_eq!(text.chars().count(), MAX_TEXT);
        assert!(text.ends_with('…') && !text.contains(char::is_control));
    }

    proptest! {
        #[test]
        fn no_run_of_seven_digits_is_ever_left(text in any::<String>(), n in 1_000_000_u64..) {
            let shown = delivery_error("100", &[&text, &n.to_string(), &text]).text;
            prop_assert!(shown.split(|c: char| !c.is_numeric()).all(|run| run.chars().count() < 5));
        }
    }
}
