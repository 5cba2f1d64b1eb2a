//! The rules that a wording must keep so that no message fails over it.

use std::{collections::BTreeMap, fmt::Display};

use maintenance_core::{Action, Answer, Language, News, NotificationKind, Priority};

use super::Wording;
use crate::{
    body::{Layout, length},
    fit::{SHORTEST, clean},
    invalid::Fields,
    session::{MAX_ANSWER, MAX_BUTTON, MAX_SECTION},
};

impl Wording {
    /// Adds the wrong fields of the wording.
    pub(crate) fn check(&self, fields: &mut Fields) {
        let field = |field: &str| format!("wordings.{}.{field}", self.language);
        if let Err(rule) = Language::new(&self.language) {
            fields.rule(false, field("language"), rule.to_string());
        }
        for kind in NotificationKind::ALL.iter().filter(|kind| **kind != NotificationKind::News) {
            match self.templates.get(kind) {
                Some(template) => template.check(&field(&format!("templates.{kind}")), fields),
                None => fields.rule(false, field(&format!("templates.{kind}")), "is missing"),
            }
        }
        for news in News::ALL {
            match self.news.get(news) {
                Some(template) => template.check(&field(&format!("news.{news}")), fields),
                None => fields.rule(false, field(&format!("news.{news}")), "is missing"),
            }
        }
        let text = |name: &str, text: Option<&String>, most: usize, fields: &mut Fields| {
            let text = text.map_or("", String::as_str);
            let holds = length(text) <= most && !text.is_empty() && clean(text, "") == text;
            fields.rule(holds, field(name), format!("must have 1 to {most} characters on one line"));
        };
        let mut table = |name: &str, texts: Vec<(String, Option<&String>)>, most: usize| {
            for (key, value) in texts {
                text(&format!("{name}.{key}"), value, most, fields);
            }
        };
        table("priorities", rows(Priority::ALL, &self.priorities), SHORTEST);
        table("answers", rows(Answer::ALL, &self.answers), MAX_ANSWER);
        table("buttons", rows(Action::ALL, &self.buttons), MAX_BUTTON);
        text("not_stated", Some(&self.not_stated), SHORTEST, fields);
        text("not_on_file", Some(&self.not_on_file), SHORTEST, fields);
        text("no_hold", Some(&self.no_hold), SHORTEST, fields);
        text("which_one_without_list", Some(&self.which_one_without_list), MAX_ANSWER, fields);
        text("list_title", Some(&self.list_title), MAX_SECTION, fields);
        let hold = Layout::of(&self.hold_until);
        fields.rule(
            hold.times("time") > 0 && hold.times("reason") > 0,
            field("hold_until"),
            "must have the placeholders {{time}} and {{reason}}",
        );
    }
}

/// The text that each of the keys has, with the key's name.
fn rows<'a, K: Ord + Display>(
    keys: &[K],
    texts: &'a BTreeMap<K, String>,
) -> Vec<(String, Option<&'a String>)> {
    keys.iter().map(|key| (key.to_string(), texts.get(key))).collect()
}
