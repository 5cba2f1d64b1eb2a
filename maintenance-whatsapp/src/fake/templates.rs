//! The templates that are registered with the fake, each with its status.

use std::collections::HashSet;

use maintenance_core::Language;
use serde_json::{Map, Value, json};

use super::check::{ApiError, require, text};
use crate::{
    Registration, Wording,
    body::{Layout, MAX_BODY, length},
};

/// The id of the first template.
const FIRST_ID: usize = 1_259_544_702_043_867;

/// The longest title that Meta takes for a template's quick-reply button.
const MAX_TITLE: usize = 25;

/// How many templates a page has at most, and how many it has if the request doesn't say.
const MAX_PAGE: usize = 1000;
const USUAL_PAGE: usize = 25;

/// A registered template.
#[derive(Debug, Clone)]
pub(super) struct Registered {
    /// Which one it is of all that were ever registered.
    number: usize,
    pub(super) name: String,
    language: String,
    category: String,
    status: String,
    /// Whether its placeholders have names.
    pub(super) named: bool,
    pub(super) body: String,
    /// The titles of its quick-reply buttons.
    pub(super) buttons: Vec<String>,
    components: Vec<Value>,
}

/// All templates of the account.
#[derive(Debug, Clone)]
pub(super) struct Templates {
    list: Vec<Registered>,
    /// How many were ever registered.
    registered: usize,
    /// The status of the next one that is registered over HTTP.
    pub(super) new_status: String,
}

impl Default for Templates {
    fn default() -> Self {
        Self { list: Vec::new(), registered: 0, new_status: "APPROVED".to_owned() }
    }
}

impl Registered {
    fn of(registration: Registration) -> Self {
        let Registration { name, language, category, parameter_format, components, .. } = registration;
        Self {
            number: 0,
            name,
            language,
            category: category.to_owned(),
            status: "APPROVED".to_owned(),
            named: parameter_format == "NAMED",
            body: body(&components).to_owned(),
            buttons: titles(&components),
            components,
        }
    }

    fn id(&self) -> String {
        format!("{}", FIRST_ID + self.number)
    }

    /// The fields that a request asks for, and the id.
    fn json(&self, fields: &[&str]) -> Value {
        let all = json!({
            "name": self.name,
            "language": self.language,
            "status": self.status,
            "category": self.category,
            "parameter_format": if self.named { "NAMED" } else { "POSITIONAL" },
            "components": self.components,
        });
        let mut shown = Map::from_iter([("id".to_owned(), self.id().into())]);
        for &field in fields {
            if let Some(value) = all.get(field) {
                shown.insert(field.to_owned(), value.clone());
            }
        }
        shown.into()
    }
}

impl Templates {
    /// Adds an approved template, or replaces the one of its name and language.
    fn add(&mut self, registration: Registration) {
        let new = Registered::of(registration);
        match self.find_mut(&new.name, &new.language) {
            Some(known) => *known = Registered { number: known.number, ..new },
            None => self.push(new),
        }
    }

    fn push(&mut self, new: Registered) {
        self.list.push(Registered { number: self.registered, ..new });
        self.registered += 1;
    }

    /// Adds all templates of a wording.
    pub(super) fn add_all(&mut self, wording: &Wording) {
        wording.registrations().into_iter().for_each(|registration| self.add(registration));
    }

    pub(super) fn set_status(&mut self, name: &str, language: &str, status: &str) {
        if let Some(template) = self.find_mut(name, language) {
            status.clone_into(&mut template.status);
        }
    }

    pub(super) fn remove(&mut self, name: &str, language: &str) {
        self.list.retain(|known| (known.name.as_str(), known.language.as_str()) != (name, language));
    }

    /// The template of that name and language, if messages may go out by it.
    pub(super) fn usable(&self, name: Option<&str>, language: Option<&str>) -> Result<&Registered, ApiError> {
        let mut all = self.list.iter();
        let template = all.find(|it| (Some(&*it.name), Some(&*it.language)) == (name, language));
        match template.map(|template| (template, template.status.as_str())) {
            Some((template, "APPROVED")) => Ok(template),
            Some((_, "PAUSED")) => Err(ApiError::new(132_015, "Template is paused")),
            Some((_, "DISABLED")) => Err(ApiError::new(132_016, "Template is disabled")),
            _ => Err(ApiError::new(132_001, "Template name does not exist in the translation")),
        }
    }

    fn find_mut(&mut self, name: &str, language: &str) -> Option<&mut Registered> {
        self.list.iter_mut().find(|it| (it.name.as_str(), it.language.as_str()) == (name, language))
    }

    /// A page of the list: `limit` templates that stand after the cursor `after`.
    pub(super) fn page(
        &self,
        fields: &[&str],
        limit: Option<&str>,
        after: Option<&str>,
    ) -> Result<Value, ApiError> {
        let number = |value: Option<&str>, usual: usize| match value {
            None => Ok(usual),
            Some(text) => {
                text.parse().map_err(|_| ApiError::new(100, "limit and after must be of this list"))
            }
        };
        let (limit, after) = (number(limit, USUAL_PAGE)?, number(after, 0)?);
        require((1..=MAX_PAGE).contains(&limit), 100, "limit must be 1 to 1000")?;
        let shown = self.list.iter().skip(after).take(limit);
        let data: Vec<Value> = shown.map(|template| template.json(fields)).collect();
        if data.is_empty() {
            return Ok(json!({"data": []}));
        }
        let end = after + data.len();
        let mut paging = json!({"cursors": {"before": after.to_string(), "after": end.to_string()}});
        if let Some(paging) = paging.as_object_mut().filter(|_| end < self.list.len()) {
            paging.insert("next".to_owned(), "https://graph.facebook.com/the-next-page".into());
        }
        Ok(json!({"data": data, "paging": paging}))
    }

    /// Registers what was posted; returns the response.
    pub(super) fn register(&mut self, body: &[u8]) -> Result<Value, ApiError> {
        let body: Value =
            serde_json::from_slice(body).map_err(|_| ApiError::new(100, "The body isn't JSON"))?;
        only(&body, &["name", "language", "category", "parameter_format", "components"])?;
        let template = check(&body)?;
        if self.find_mut(&template.name, &template.language).is_some() {
            let twice = ApiError::new(100, "Content in this language already exists");
            return Err(twice.with_subcode(2_388_024));
        }
        let status = self.new_status.clone();
        self.push(Registered { status, ..template });
        let new = self.list.last();
        Ok(new.map(|template| template.json(&["status", "category"])).unwrap_or_default())
    }
}

/// The text of the body.
fn body(components: &[Value]) -> &str {
    let body = components.iter().find(|component| text(component, "type") == Some("BODY"));
    body.and_then(|body| text(body, "text")).unwrap_or_default()
}

/// The titles of the buttons.
fn titles(components: &[Value]) -> Vec<String> {
    let lists = components.iter().filter_map(|component| component.get("buttons")?.as_array());
    lists.flatten().filter_map(|button| text(button, "text")).map(str::to_owned).collect()
}

fn check(given: &Value) -> Result<Registered, ApiError> {
    let field = |name: &str| text(given, name).ok_or_else(|| missing(name));
    let (name, language, category) = (field("name")?, field("language")?, field("category")?);
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    require(
        (1..=512).contains(&name.len()) && name.bytes().all(word),
        100,
        "name must have 1 to 512 of a-z, 0-9, _",
    )?;
    require(Language::new(language).is_ok(), 100, "language must be a code of Meta's")?;
    let categories = ["UTILITY", "MARKETING", "AUTHENTICATION"];
    require(categories.contains(&category), 100, "category must be UTILITY, MARKETING or AUTHENTICATION")?;
    let named = match text(given, "parameter_format").unwrap_or("POSITIONAL") {
        "POSITIONAL" => false,
        "NAMED" => true,
        _ => return Err(ApiError::new(100, "parameter_format must be POSITIONAL or NAMED")),
    };
    let components =
        given.get("components").and_then(Value::as_array).ok_or_else(|| missing("components"))?;
    let mut bodies = 0;
    for component in components {
        match text(component, "type") {
            Some("BODY") => {
                bodies += 1;
                check_body(component, named)?;
            }
            Some("BUTTONS") => check_buttons(component)?,
            _ => {
                return Err(ApiError::new(
                    100,
                    "a component must be BODY or BUTTONS: the fake takes no other",
                ));
            }
        }
    }
    require(bodies == 1, 100, "there must be one BODY")?;
    Ok(Registered {
        number: 0,
        name: name.to_owned(),
        language: language.to_owned(),
        category: category.to_owned(),
        status: String::new(),
        named,
        body: body(components).to_owned(),
        buttons: titles(components),
        components: components.clone(),
    })
}

fn check_body(component: &Value, named: bool) -> Result<(), ApiError> {
    only(component, &["type", "text", "example"])?;
    let body = text(component, "text").ok_or_else(|| missing("text"))?;
    require((1..=MAX_BODY).contains(&length(body)), 100, "the body must have 1 to 1024 characters")?;
    require(
        !body.trim().starts_with("{{") && !body.trim().ends_with("}}"),
        100,
        "Variables can't be at the start or end of the template",
    )?;
    let slots: Vec<String> = Layout::of(body).placeholders.into_iter().map(|(name, _)| name).collect();
    let numbers: Vec<String> = (1..=slots.len()).map(|n| n.to_string()).collect();
    let in_order = numbers.iter().all(|number| slots.contains(number));
    require(named || in_order, 100, "placeholders must be numbered from 1 without gaps")?;
    let examples = component.get("example").map(|example| examples(example, named)).unwrap_or_default();
    let fit = !named || slots.iter().all(|name| examples.contains(name));
    require(fit && examples.len() == slots.len(), 100, "there must be an example value for each placeholder")
}

/// The names that named examples are for, or the positional examples.
fn examples(example: &Value, named: bool) -> Vec<String> {
    let list = if named { "/body_text_named_params" } else { "/body_text/0" };
    let list = example.pointer(list).and_then(Value::as_array);
    let values = list.into_iter().flatten().filter_map(|value| {
        if named {
            text(value, "example").filter(|example| !example.is_empty()).and(text(value, "param_name"))
        } else {
            value.as_str().filter(|example| !example.is_empty())
        }
    });
    values.map(str::to_owned).collect()
}

fn check_buttons(component: &Value) -> Result<(), ApiError> {
    only(component, &["type", "buttons"])?;
    let buttons = component.get("buttons").and_then(Value::as_array).ok_or_else(|| missing("buttons"))?;
    require((1..=10).contains(&buttons.len()), 100, "there must be 1 to 10 buttons")?;
    let mut seen = HashSet::new();
    for button in buttons {
        only(button, &["type", "text"])?;
        require(text(button, "type") == Some("QUICK_REPLY"), 100, "a button must be a QUICK_REPLY")?;
        let title = text(button, "text").ok_or_else(|| missing("text"))?;
        require((1..=MAX_TITLE).contains(&length(title)), 100, "a title must have 1 to 25 characters")?;
        require(seen.insert(title), 100, "the buttons' titles must differ")?;
    }
    Ok(())
}

/// Refuses keys that aren't known.
fn only(object: &Value, known: &[&str]) -> Result<(), ApiError> {
    let mut keys = object.as_object().into_iter().flat_map(Map::keys);
    match keys.find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(ApiError::new(100, format!("Unexpected key {key}"))),
        None => Ok(()),
    }
}

fn missing(field: &str) -> ApiError {
    ApiError::new(100, format!("The parameter {field} is required"))
}
