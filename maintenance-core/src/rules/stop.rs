//! Whether a text asks for no more messages.

/// What people write to get no more messages, in the languages that messages go out in, without accents.
const STOP: &[&str] = &["stop", "baja", "arret", "parar", "توقف", "रोकें"];

/// Whether that is all that the text says. Case, accents and what stands around the word don't count.
pub(crate) fn asks_to_stop(text: &str) -> bool {
    let word: String = text.chars().flat_map(char::to_lowercase).filter_map(without_accent).collect();
    STOP.contains(&word.trim_matches(|c: char| !c.is_alphanumeric()))
}

/// The Latin letter without its accent; nothing in place of an accent that stands alone.
fn without_accent(letter: char) -> Option<char> {
    Some(match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        '\u{300}'..='\u{36F}' => return None,
        letter => letter,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_asks_to_stop_is_understood_however_it_is_written() {
        let texts =
            ["STOP", " stop! ", "Baja", "ARRÊT", "arret.", "Arre\u{302}t", "PARAR", "«توقف»", "रोकें", "रोकें।"];
        for text in texts {
            assert!(asks_to_stop(text), "{text}");
        }
    }

    #[test]
    fn a_text_that_says_more_does_not_ask_to_stop() {
        for text in ["", "!", "Please stop the water", "stopp", "bus stop", "baja la presión", "रोक"] {
            assert!(!asks_to_stop(text), "{text}");
        }
    }
}
