//! A message inside an open conversation: a text, with buttons or with a list to choose from. Pure.

use maintenance_core::{Action, Answer, NotificationId, Outgoing, RequestChoice, RequestNumber, Tap};
use serde::Serialize;

use crate::{
    Wording,
    body::length,
    fit::{clean, cut},
};

/// The most characters of an answer's text, so that the line that names the job fits above it.
pub(crate) const MAX_ANSWER: usize = 512;
/// The most characters of a button's title, also of the button that opens a list.
pub(crate) const MAX_BUTTON: usize = 20;
/// The most characters of the title over a list's rows.
pub(crate) const MAX_SECTION: usize = 24;

/// The most characters of the text over buttons. A text over a list or by itself may have 4,096, and needs no more
/// than these either.
const MAX_TEXT: usize = 1024;
const MAX_BUTTONS: usize = 3;
const MAX_ROWS: usize = 10;
const MAX_ROW_TITLE: usize = 24;
const MAX_ROW_DESCRIPTION: usize = 72;

/// What goes out. Every part of it stays within the API's limits if the wording does.
pub(crate) enum Session<'a> {
    Text(Text),
    Interactive(Interactive<'a>),
}

#[derive(Serialize)]
pub(crate) struct Text {
    preview_url: bool,
    body: String,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Interactive<'a> {
    Button { body: Body, action: Buttons<'a> },
    List { body: Body, action: List<'a> },
}

#[derive(Serialize)]
pub(crate) struct Body {
    text: String,
}

#[derive(Serialize)]
pub(crate) struct Buttons<'a> {
    buttons: Vec<Button<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Button<'a> {
    Reply { reply: Reply<'a> },
}

#[derive(Serialize)]
pub(crate) struct Reply<'a> {
    id: String,
    title: &'a str,
}

#[derive(Serialize)]
pub(crate) struct List<'a> {
    button: &'a str,
    sections: [Section<'a>; 1],
}

#[derive(Serialize)]
pub(crate) struct Section<'a> {
    title: &'a str,
    rows: Vec<Row>,
}

#[derive(Serialize)]
pub(crate) struct Row {
    id: String,
    title: String,
    description: String,
}

impl<'a> Session<'a> {
    /// The answer to a worker's message: with a list if there is something to choose from, otherwise with a button for
    /// each offer.
    pub(crate) fn new(message: &Outgoing, answer: Answer, wording: &'a Wording) -> Self {
        let on = message.notification_id;
        let choices: Vec<Row> = message.choices.iter().take(MAX_ROWS).map(|choice| row(choice, on)).collect();
        let text = wording.answer(answer, !choices.is_empty());
        let text = under_the_job(message, answer, text);
        if !choices.is_empty() {
            let section = Section { title: &wording.list_title, rows: choices };
            let action = List { button: wording.button(Action::Choose), sections: [section] };
            return Self::Interactive(Interactive::List { body: Body { text }, action });
        }
        let button = |&action: &Action| {
            let id = Tap { action, on, request: None }.to_string();
            Button::Reply { reply: Reply { id, title: wording.button(action) } }
        };
        let buttons: Vec<Button<'a>> = message.offers.iter().take(MAX_BUTTONS).map(button).collect();
        if buttons.is_empty() {
            return Self::Text(Text { preview_url: false, body: text });
        }
        Self::Interactive(Interactive::Button { body: Body { text }, action: Buttons { buttons } })
    }
}

/// The answer's text below a line that names the job. An answer that is about no job in particular has no such line:
/// the request that it is filed with is only one of the recipient's.
fn under_the_job(message: &Outgoing, answer: Answer, text: &str) -> String {
    if matches!(answer, Answer::WhichOne | Answer::NothingOpen | Answer::OptedOut | Answer::NotRead) {
        return text.to_owned();
    }
    let content = &message.content;
    let title = clean(content.title.as_str(), "");
    let number =
        if content.number == RequestNumber::NONE { String::new() } else { content.number.to_string() };
    let job = format!("{number} {title}");
    let room = MAX_TEXT.saturating_sub(length(text) + 1);
    match cut(job.trim(), room) {
        job if job.is_empty() => text.to_owned(),
        job => format!("{job}\n{text}"),
    }
}

/// A row of the list: the request's number over its title, or the title alone.
fn row(choice: &RequestChoice, on: NotificationId) -> Row {
    let RequestChoice { id, number, title } = choice;
    let title = clean(title.as_str(), "…");
    let number = if *number == RequestNumber::NONE { title.to_string() } else { number.to_string() };
    Row {
        id: Tap { action: Action::Choose, on, request: Some(*id) }.to_string(),
        description: cut(&title, MAX_ROW_DESCRIPTION),
        title: cut(&number, MAX_ROW_TITLE),
    }
}

#[cfg(test)]
mod tests {
    use maintenance_core::{
        Content, Description, Location, NotificationKind, PhoneNumber, Priority, Recipient, RequestId, Title,
    };
    use proptest::prelude::*;
    use serde_json::Value;
    use unicode_segmentation::UnicodeSegmentation as _;

    use super::*;
    use crate::payload::Payload;

    /// Texts in several scripts, with marks, joined emoji and characters that turn the direction of writing.
    const TEXT: &str = "[ -~\u{300}-\u{36F}\u{5D0}-\u{5EA}\u{61C}-\u{64A}\u{900}-\u{97F}\u{4E00}-\u{4EFF}\u{200B}-\u{200F}\u{202A}-\u{202E}\u{1F1E6}-\u{1F1FF}\u{1F468}-\u{1F527}\n]{1,200}";

    fn title(text: &str) -> Title {
        Title::new(text).unwrap_or_else(|_| Title::new("none").unwrap())
    }

    fn message(text: &str, number: u32) -> Outgoing {
        let content = Content::new(
            RequestId::from_uuid(uuid::Uuid::from_u128(7)),
            title(text),
            Description::new("wet").unwrap(),
            Priority::High,
            Location::new("kitchen").unwrap(),
            None,
        );
        let phone_number = PhoneNumber::try_from("+12025550123".to_owned()).unwrap();
        let to = Recipient::Worker { id: uuid::Uuid::from_u128(8).into(), phone_number };
        let on = NotificationId::from_uuid(uuid::Uuid::from_u128(9));
        Outgoing::new(on, NotificationKind::Answer, to, content.number(RequestNumber::new(number)))
    }

    fn json(message: &Outgoing, answer: Answer, wording: &Wording) -> Value {
        serde_json::to_value(Payload::session(Session::new(message, answer, wording), message)).unwrap()
    }

    /// Fails unless there is a text of 1 to `most` characters at that place.
    fn within(value: &Value, place: &str, most: usize) {
        let text = value.pointer(place).unwrap().as_str().unwrap();
        let length = text.encode_utf16().count();
        assert!((1..=most).contains(&length) && !text.trim().is_empty(), "{place}: {length} in {value}");
    }

    #[test]
    fn a_job_without_a_number_is_named_by_its_title() {
        let message = message("Sink leaks", 0);
        let text = under_the_job(&message, Answer::Accepted, "Thanks.");
        assert_eq!(text, "Sink leaks\nThanks.");
        let choice = RequestChoice {
            id: message.content.request_id,
            number: RequestNumber::NONE,
            title: title("Sink"),
        };
        assert_eq!(row(&choice, message.notification_id).title, "Sink");
    }

    #[test]
    fn a_long_job_is_cut_above_the_answer_and_a_long_row_to_whole_characters() {
        let message = message(&"👩\u{200D}🔧".repeat(60), 1042);
        let (answer, job) = ("y".repeat(MAX_ANSWER), "👩\u{200D}🔧".repeat(60));
        assert_eq!(under_the_job(&message, Answer::Accepted, &answer), format!("#1042 {job}\n{answer}"));
        let title = message.content.title.clone();
        let choice = RequestChoice { id: message.content.request_id, number: RequestNumber::new(7), title };
        let description = row(&choice, message.notification_id).description;
        assert_eq!(description, "👩\u{200D}🔧".repeat(14) + "…");
    }

    proptest! {
        #[test]
        fn no_session_message_exceeds_a_limit(
            text in TEXT,
            number in any::<u32>(),
            answer in proptest::sample::select(Answer::ALL),
            offers in proptest::collection::vec(proptest::sample::select(Action::ALL), 0..6),
            choices in proptest::collection::vec((TEXT, any::<u32>()), 0..14),
            language in 0..6_usize,
            host in proptest::option::of("[a-zء-ي]{512}"),
        ) {
            let mut wording = Wording::all()[language].clone();
            if let Some(text) = host {
                wording.answers.insert(answer, text);
            }
            let choice = |(n, (text, number)): (usize, &(String, u32))| RequestChoice {
                id: RequestId::from_uuid(uuid::Uuid::from_u128(n as u128)),
                number: RequestNumber::new(*number),
                title: title(text),
            };
            let choices: Vec<_> = choices.iter().enumerate().map(choice).collect();
            let listed = choices.len().min(MAX_ROWS);
            let message = message(&text, number).offers(&offers).answer(Some(answer), choices);
            let value = json(&message, answer, &wording);
            match value["type"].as_str().unwrap() {
                "text" => within(&value, "/text/body", 4096),
                "interactive" if listed > 0 => {
                    within(&value, "/interactive/body/text", 4096);
                    within(&value, "/interactive/action/button", 20);
                    within(&value, "/interactive/action/sections/0/title", 24);
                    let rows = value["interactive"]["action"]["sections"][0]["rows"].as_array().unwrap();
                    assert_eq!(rows.len(), listed);
                    for row in rows {
                        within(row, "/id", 200);
                        within(row, "/title", 24);
                        within(row, "/description", 72);
                        assert!(row["id"].as_str().unwrap().parse::<Tap>().is_ok());
                    }
                }
                _ => {
                    within(&value, "/interactive/body/text", 1024);
                    let buttons = value["interactive"]["action"]["buttons"].as_array().unwrap();
                    assert!((1..=3).contains(&buttons.len()));
                    for button in buttons {
                        within(button, "/reply/id", 256);
                        within(button, "/reply/title", 20);
                    }
                }
            }
        }

        #[test]
        fn a_description_ends_where_a_readers_character_ends(text in TEXT) {
            let whole = clean(&text, "-");
            let kept = cut(&whole, MAX_ROW_DESCRIPTION);
            let kept = kept.strip_suffix('…').filter(|_| kept != *whole).unwrap_or(&kept);
            let ends: Vec<_> = whole.grapheme_indices(true).map(|(at, grapheme)| at + grapheme.len()).collect();
            prop_assert!(kept.is_empty() || ends.contains(&kept.len()));
        }
    }
}
