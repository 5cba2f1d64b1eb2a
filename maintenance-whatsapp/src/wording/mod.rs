//! What is said to a worker and to a renter, per language.

mod ar;
mod check;
mod en;
mod es;
mod fr;
mod hi;
mod pt_br;
mod set;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use maintenance_core::{Action, Answer, Hold, News, NotificationKind, Priority, Specialty};

pub use set::Wordings;

use crate::{Parameter, Parameters, Template, render_body};

/// Everything that is said to workers and renters in one language. A host can replace any of it:
///
/// ```
/// use maintenance_core::{Action, NotificationKind};
/// use maintenance_whatsapp::{Wording, Wordings};
///
/// let mut english = Wording::english();
/// english.buttons.insert(Action::Decline, "Not me".to_owned());
/// let wordings = Wordings::default().with(english);
///
/// // What to submit to Meta.
/// for wording in wordings.iter() {
///     let template = &wording.templates[&NotificationKind::Assignment];
///     let buttons = template.buttons.iter().map(|action| wording.buttons[action].as_str());
///     println!("{} in {}: {}", template.name, wording.language, template.body);
///     println!("buttons: {}", buttons.collect::<Vec<_>>().join(", "));
/// }
/// ```
///
/// For a language that this crate doesn't have, begin with another one and replace all of it. Lengths count UTF-16
/// units, the largest count that Meta could mean.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wording {
    /// Its code, as in `en` or `pt_BR`: the language under which the templates are registered.
    pub language: String,
    /// The template of each kind of message but news.
    pub templates: BTreeMap<NotificationKind, Template>,
    /// The template of each news for renters.
    pub news: BTreeMap<News, Template>,
    /// Each priority, 1 to 20 characters.
    pub priorities: BTreeMap<Priority, String>,
    /// The trades that have a name in this language. Another is called as the host calls it.
    pub trades: BTreeMap<Specialty, String>,
    /// Stands for what nobody stated, such as the building; 1 to 20 characters.
    pub not_stated: String,
    /// Stands for the contact of a renter whom the directory doesn't know; 1 to 20 characters.
    pub not_on_file: String,
    /// Says that the work doesn't wait; 1 to 20 characters.
    pub no_hold: String,
    /// Until when the work waits, and what for: a text with the placeholders `{{time}}` and `{{reason}}`.
    pub hold_until: String,
    /// Each answer, 1 to 512 characters. That of [`Answer::WhichOne`] comes with a list to choose from.
    pub answers: BTreeMap<Answer, String>,
    /// [`Answer::WhichOne`] where no list can come with it: asks the worker to write again; 1 to 512 characters.
    pub which_one_without_list: String,
    /// The title of each button, 1 to 20 characters. That of [`Action::Choose`] opens the list of jobs.
    pub buttons: BTreeMap<Action, String>,
    /// The title over the list of jobs, 1 to 24 characters.
    pub list_title: String,
}

impl Wording {
    /// English, `en`.
    pub fn english() -> Self {
        en::wording()
    }

    /// Spanish, `es`.
    pub fn spanish() -> Self {
        es::wording()
    }

    /// Arabic, `ar`.
    pub fn arabic() -> Self {
        ar::wording()
    }

    /// French, `fr`.
    pub fn french() -> Self {
        fr::wording()
    }

    /// Portuguese of Brazil, `pt_BR`.
    pub fn portuguese() -> Self {
        pt_br::wording()
    }

    /// Hindi, `hi`.
    pub fn hindi() -> Self {
        hi::wording()
    }

    /// Every language of this crate, English first.
    pub fn all() -> [Self; 6] {
        [Self::english(), Self::spanish(), Self::arabic(), Self::french(), Self::portuguese(), Self::hindi()]
    }

    /// The same with that template for messages of this kind.
    #[must_use]
    pub fn template(mut self, kind: NotificationKind, template: Template) -> Self {
        self.templates.insert(kind, template);
        self
    }

    /// The same with that template for this news.
    #[must_use]
    pub fn news_template(mut self, news: News, template: Template) -> Self {
        self.news.insert(news, template);
        self
    }

    /// Every template, with the kind of message and the news that it is for.
    pub(crate) fn all_templates(&self) -> impl Iterator<Item = (Use, &Template)> {
        let of_news =
            self.news.iter().map(|(news, template)| ((NotificationKind::News, Some(*news)), template));
        self.templates.iter().map(|(kind, template)| ((*kind, None), template)).chain(of_news)
    }

    pub(crate) fn priority(&self, priority: Priority) -> &str {
        self.priorities.get(&priority).map_or(priority.as_str(), String::as_str)
    }

    pub(crate) fn button(&self, action: Action) -> &str {
        self.buttons.get(&action).map_or(action.as_str(), String::as_str)
    }

    pub(crate) fn answer(&self, answer: Answer, with_list: bool) -> &str {
        if answer == Answer::WhichOne && !with_list {
            return &self.which_one_without_list;
        }
        self.answers.get(&answer).map_or(answer.as_str(), String::as_str)
    }

    pub(crate) fn trade(&self, trade: &Specialty) -> String {
        self.trades.get(trade).cloned().unwrap_or_else(|| trade.as_str().replace('_', " "))
    }

    pub(crate) fn hold(&self, hold: &Hold) -> String {
        let time = |until: DateTime<Utc>| until.format("%Y-%m-%d %H:%M UTC").to_string();
        let reason = hold.reason.as_str();
        hold.until.map_or_else(
            || reason.to_owned(),
            |until| render_body(&self.hold_until, &[("time", time(until).as_str()), ("reason", reason)]),
        )
    }
}

/// What a template is for: a kind of message, and for the kind [`News`](NotificationKind::News) which news.
pub(crate) type Use = (NotificationKind, Option<News>);

/// The body of each kind's template. All languages have the same parameters in the same order.
struct Bodies {
    assignment: &'static str,
    withdrawn: &'static str,
    changed: &'static str,
    answer: &'static str,
}

fn templates(bodies: &Bodies) -> BTreeMap<NotificationKind, Template> {
    use Parameter::{
        Answer, Description, Hold, Location, Number, Place, Priority, RenterName, RenterPhone, Specialty,
        Title,
    };
    let template = |name: &str, body: &str, parameters: &[Parameter], buttons: &[Action]| Template {
        name: name.to_owned(),
        body: body.to_owned(),
        parameters: Parameters::Positional(parameters.to_vec()),
        buttons: buttons.to_vec(),
    };
    let assignment = [Number, Title, Priority, Place, Location, Description, RenterName, RenterPhone];
    let changed = [Number, Title, Priority, Specialty, Place, Location, Description, Hold];
    let buttons = [Action::Accept, Action::Decline];
    BTreeMap::from([
        (
            NotificationKind::Assignment,
            template("maintenance_request", bodies.assignment, &assignment, &buttons),
        ),
        (
            NotificationKind::Withdrawn,
            template("maintenance_withdrawn", bodies.withdrawn, &[Number, Title, Place], &[]),
        ),
        (NotificationKind::Changed, template("maintenance_request_changed", bodies.changed, &changed, &[])),
        (
            NotificationKind::Answer,
            template("maintenance_answer", bodies.answer, &[Number, Title, Answer], &[]),
        ),
    ])
}

/// The templates of news with these bodies. All languages have the same parameters in the same order.
fn news<const N: usize>(bodies: [(News, &'static str); N]) -> BTreeMap<News, Template> {
    let template = |(news, body): (News, &str)| {
        let parameters = Parameters::Positional(vec![Parameter::Number, Parameter::Title, Parameter::Place]);
        let name = format!("maintenance_news_{news}");
        (news, Template { name, body: body.to_owned(), parameters, buttons: Vec::new() })
    };
    bodies.into_iter().map(template).collect()
}

fn texts<K: Ord, const N: usize>(texts: [(K, &'static str); N]) -> BTreeMap<K, String> {
    texts.into_iter().map(|(key, text)| (key, text.to_owned())).collect()
}
