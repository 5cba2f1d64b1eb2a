//! The languages in which a number sends.

use maintenance_core::{Language, News, NotificationKind};

use super::Wording;
use crate::invalid::Fields;

/// The languages in which messages go out, and the one that stands in for all others. `Default` has every language of
/// this crate, and English stands in.
///
/// Each language needs its templates registered with Meta, so give the languages that you registered:
///
/// ```
/// use maintenance_core::NotificationKind;
/// use maintenance_whatsapp::{Wording, Wordings};
///
/// let wordings = Wordings::new(Wording::spanish())
///     .with(Wording::english())
///     .named(NotificationKind::Assignment, "acme_new_job"); // in each language
///
/// let language = |code: &str| Some(maintenance_core::Language::new(code).unwrap());
/// assert_eq!(wordings.of(language("en").as_ref()).language, "en");
/// assert_eq!(wordings.of(language("en_GB").as_ref()).language, "en"); // the same base language
/// assert_eq!(wordings.of(language("fr").as_ref()).language, "es");
/// assert_eq!(wordings.of(None).language, "es");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wordings {
    default: Wording,
    others: Vec<Wording>,
}

impl Default for Wordings {
    fn default() -> Self {
        Wording::all().into_iter().fold(Self::new(Wording::english()), Self::with)
    }
}

impl Wordings {
    /// That language alone; it stands in for all others.
    pub fn new(default: Wording) -> Self {
        Self { default, others: Vec::new() }
    }

    /// Adds a language, or replaces the one of the same code.
    #[must_use]
    pub fn with(mut self, wording: Wording) -> Self {
        let mut all = std::iter::once(&mut self.default).chain(&mut self.others);
        match all.find(|known| known.language == wording.language) {
            Some(known) => *known = wording,
            None => self.others.push(wording),
        }
        self
    }

    /// The same with that name for the template of this kind, in every language that is there by now.
    #[must_use]
    pub fn named(mut self, kind: NotificationKind, name: &str) -> Self {
        for wording in std::iter::once(&mut self.default).chain(&mut self.others) {
            if let Some(template) = wording.templates.get_mut(&kind) {
                name.clone_into(&mut template.name);
            }
        }
        self
    }

    /// The same with that name for the template of this news, in every language that is there by now.
    #[must_use]
    pub fn news_named(mut self, news: News, name: &str) -> Self {
        for wording in std::iter::once(&mut self.default).chain(&mut self.others) {
            if let Some(template) = wording.news.get_mut(&news) {
                name.clone_into(&mut template.name);
            }
        }
        self
    }

    /// Every language, the one that stands in for others first.
    pub fn iter(&self) -> impl Iterator<Item = &Wording> {
        std::iter::once(&self.default).chain(&self.others)
    }

    /// The wording for somebody who reads that language: the one of exactly that code, otherwise the first of the same
    /// base language (`pt` and `pt_BR` stand in for each other), otherwise the one that stands in for all.
    pub fn of(&self, language: Option<&Language>) -> &Wording {
        let Some(language) = language else { return &self.default };
        let exact = self.iter().find(|wording| wording.language == language.as_str());
        let related = || self.iter().find(|wording| base(&wording.language) == language.base());
        exact.or_else(related).unwrap_or(&self.default)
    }

    /// Adds the wrong fields of the wordings.
    pub(crate) fn check(&self, fields: &mut Fields) {
        for wording in self.iter() {
            wording.check(fields);
        }
    }
}

/// The code without its region.
fn base(code: &str) -> &str {
    code.split_once('_').map_or(code, |(base, _)| base)
}
