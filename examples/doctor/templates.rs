//! The templates: what Meta has, compared with ours.

use std::collections::BTreeSet;

use maintenance_whatsapp::{Registration, Wording};
use serde_json::{Value, json};

use super::{
    Finding, Settings,
    graph::{Graph, GraphError},
};

/// How many templates a page has.
const PAGE: &str = "100";

/// After so many pages the list is taken for endless; an account may have 6,000 templates.
const MAX_PAGES: usize = 100;

const REGISTER: &str = "run this program with --register, or create it in WhatsApp Manager with this text";

const EDIT: &str = "edit it in WhatsApp Manager so that it reads as ours, or give the host's Wording the template as it is \
                    registered";

/// Compares each of our templates with what is registered.
pub(super) async fn templates(graph: &Graph, settings: &Settings) -> Vec<Finding> {
    match list(graph, settings).await {
        Ok(all) => ours(settings).iter().map(|ours| compare(ours, &all)).collect(),
        Err(error) => vec![account_error("template", &error)],
    }
}

/// Registers our templates that are missing.
pub(super) async fn register(graph: &Graph, settings: &Settings) -> Vec<Finding> {
    let all = match list(graph, settings).await {
        Ok(all) => all,
        Err(error) => return vec![account_error("register", &error)],
    };
    let mut seen = BTreeSet::new();
    let mut findings = vec![];
    for ours in ours(settings) {
        // Two kinds may share a template.
        let is_new = seen.insert((ours.name.clone(), ours.language.clone()));
        if is_new && !all.iter().any(|theirs| is_same(&ours, theirs)) {
            findings.push(create(graph, settings, &ours).await);
        }
    }
    if findings.is_empty() {
        findings.push(Finding::good("register", "every template is registered already"));
    }
    findings
}

fn ours(settings: &Settings) -> Vec<Registration> {
    settings.config.wordings.iter().flat_map(Wording::registrations).collect()
}

/// All templates of the account.
async fn list(graph: &Graph, settings: &Settings) -> Result<Vec<Value>, GraphError> {
    let path = format!("{}/message_templates", settings.business_account_id);
    let fields = ("fields", "name,language,status,category,components");
    let mut all = vec![];
    let mut after: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let mut query = vec![fields, ("limit", PAGE)];
        query.extend(after.as_deref().map(|after| ("after", after)));
        let mut page = graph.get(&path, &query).await?;
        let cursor = page.pointer("/paging/cursors/after").and_then(Value::as_str);
        // The last page has a cursor too, but no next page.
        after = cursor.filter(|_| page.pointer("/paging/next").is_some()).map(str::to_owned);
        if let Some(Value::Array(data)) = page.get_mut("data").map(Value::take) {
            all.extend(data);
        }
        if after.is_none() {
            break;
        }
    }
    Ok(all)
}

async fn create(graph: &Graph, settings: &Settings, ours: &Registration) -> Finding {
    let path = format!("{}/message_templates", settings.business_account_id);
    let finding = match graph.post(&path, json!(ours).to_string()).await {
        Ok(answer) => match text(&answer, "status") {
            "APPROVED" => Finding::good("register", "registered and approved"),
            status @ "REJECTED" => {
                Finding::wrong("register", format!("registered: {status}"), status_to_do(status))
            }
            status => Finding::warning("register", format!("registered: {status}"), status_to_do(status)),
        },
        Err(error) => Finding::wrong("register", error.to_string(), error.to_do()),
    };
    finding.about(label(ours))
}

/// Compares our template with the one that is registered in its place, if any.
fn compare(ours: &Registration, all: &[Value]) -> Finding {
    let Some(theirs) = all.iter().find(|theirs| is_same(ours, theirs)) else {
        return missing(ours, all);
    };
    let (status, category) = (text(theirs, "status"), text(theirs, "category"));
    let differing = differing(ours, theirs);
    let mut found = vec![];
    let mut to_do = vec![];
    if status != "APPROVED" {
        found.push(format!("its status is {status}, so no message goes out by it"));
        to_do.push(status_to_do(status));
    }
    if !differing.is_empty() {
        found.push(format!("it differs from ours in {}", differing.join(" and ")));
        to_do.push(EDIT);
    }
    let finding = if !found.is_empty() {
        Finding::wrong("template", found.join("; "), to_do.join("; "))
    } else if category == "UTILITY" {
        Finding::good("template", "approved, and the same as ours")
    } else {
        Finding::warning(
            "template",
            format!(
                "approved, but Meta counts it as {category}, which costs more and isn't sent to everyone"
            ),
            "ask for a review of the category in WhatsApp Manager",
        )
    };
    let ours_shown = (!differing.is_empty()).then(|| shown(ours));
    Finding { ours: ours_shown, ..finding }.about(label(ours))
}

/// The parts in which two templates differ.
fn differing(ours: &Registration, theirs: &Value) -> Vec<&'static str> {
    let theirs = theirs.get("components").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let ours = ours.components.as_slice();
    let parts = [
        ("the body text", body(ours) != body(theirs)),
        ("the buttons", buttons(ours) != buttons(theirs)),
        ("a header, which ours doesn't have", of_type(theirs, "HEADER").is_some()),
    ];
    parts.into_iter().filter_map(|(part, differs)| differs.then_some(part)).collect()
}

fn missing(ours: &Registration, all: &[Value]) -> Finding {
    let same_name = all.iter().filter(|theirs| text(theirs, "name") == ours.name);
    let others: Vec<&str> = same_name.map(|theirs| text(theirs, "language")).collect();
    let found = if others.is_empty() {
        "it isn't registered".to_owned()
    } else {
        format!("it isn't registered in {}, only in {}", ours.language, others.join(", "))
    };
    let finding = if ours.news.is_some() {
        Finding::warning("template", found, format!("if renters are told this, {REGISTER}"))
    } else {
        Finding::wrong("template", found, REGISTER)
    };
    Finding { ours: Some(shown(ours)), ..finding }.about(label(ours))
}

fn is_same(ours: &Registration, theirs: &Value) -> bool {
    text(theirs, "name") == ours.name && text(theirs, "language") == ours.language
}

fn label(ours: &Registration) -> String {
    let of = ours.news.map_or_else(|| ours.kind.to_string(), |news| format!("{} {news}", ours.kind));
    format!("{} in {} ({of})", ours.name, ours.language)
}

fn status_to_do(status: &str) -> &'static str {
    match status {
        "PENDING" | "IN_APPEAL" => "wait for Meta's review, which takes minutes to a day",
        "REJECTED" => "read the reason in WhatsApp Manager, edit the template and submit it again, or appeal",
        "PAUSED" => {
            "recipients reported it: Meta resumes it after 3 hours, and after 6 the next time; a third time disables it"
        }
        "DISABLED" => {
            "Meta won't take it again: register one of another name, and give the host's Wording that name"
        }
        _ => "see WhatsApp Manager, Message templates",
    }
}

fn account_error(check: &'static str, error: &GraphError) -> Finding {
    if error.is_missing() {
        return Finding::wrong(
            check,
            "there is no WhatsApp business account with this id, or the token may not see it",
            "check WHATSAPP_BUSINESS_ACCOUNT_ID (WhatsApp Manager, Settings), and that the system user of the token has \
             the account among its assets",
        );
    }
    super::unchecked(check, error)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or("unknown")
}

fn of_type<'a>(components: &'a [Value], kind: &str) -> Option<&'a Value> {
    components.iter().find(|component| text(component, "type").eq_ignore_ascii_case(kind))
}

/// The body's text, with the line breaks as ours has them.
fn body(components: &[Value]) -> String {
    of_type(components, "BODY").map(|body| text(body, "text").replace("\r\n", "\n")).unwrap_or_default()
}

/// The titles of the buttons; a button of another type shows it.
fn buttons(components: &[Value]) -> Vec<String> {
    let list = of_type(components, "BUTTONS").and_then(|component| component.get("buttons")?.as_array());
    let title = |button: &Value| match text(button, "type") {
        "QUICK_REPLY" => text(button, "text").to_owned(),
        kind => format!("{kind} {}", text(button, "text")),
    };
    list.into_iter().flatten().map(title).collect()
}

/// Our template as a person would enter it.
fn shown(ours: &Registration) -> String {
    let buttons = buttons(&ours.components);
    let body = body(&ours.components);
    if buttons.is_empty() { body } else { format!("{body}\nbuttons: {}", buttons.join(" | ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Mark;

    /// Our first template and the same as Meta has it, changed.
    fn compared(change: impl FnOnce(&mut Value)) -> Finding {
        let ours = Wording::english().registrations().remove(0);
        let mut theirs = json!(ours);
        theirs["status"] = "APPROVED".into();
        change(&mut theirs);
        compare(&ours, &[theirs])
    }

    #[test]
    fn line_breaks_and_the_order_of_components_make_no_difference() {
        let finding = compared(|theirs| {
            let text = theirs["components"][0]["text"].as_str().unwrap().replace('\n', "\r\n");
            theirs["components"][0]["text"] = text.into();
            theirs["components"].as_array_mut().unwrap().reverse();
        });
        assert_eq!(finding.mark, Mark::Good, "{finding}");
    }

    #[test]
    fn a_header_and_a_button_of_another_type_are_differences() {
        let finding = compared(|theirs| {
            let header = json!({"type": "HEADER", "format": "TEXT", "text": "New job"});
            theirs["components"].as_array_mut().unwrap().push(header);
            theirs["components"][1]["buttons"][0]["type"] = "URL".into();
        });
        assert_eq!(
            finding.found,
            "it differs from ours in the buttons and a header, which ours doesn't have"
        );
        assert_eq!(finding.mark, Mark::Wrong);
    }

    #[test]
    fn another_category_is_worth_a_look() {
        let finding = compared(|theirs| theirs["category"] = "MARKETING".into());
        assert!(finding.found.starts_with("approved, but Meta counts it as MARKETING"), "{finding}");
        assert_eq!(finding.mark, Mark::Warning);
    }
}
