//! The numbers that a post names, before its signature is verified.

use std::collections::HashSet;

use serde_json::value::RawValue;

use super::parse::{object, phone_number_id};

/// The ids of the numbers that a post names: they say which secret must have signed it. Nothing else of it is read.
pub(crate) fn named_numbers(body: &[u8]) -> HashSet<String> {
    let body = String::from_utf8_lossy(body);
    let mut named = HashSet::new();
    for entry in list(&body, "entry") {
        for change in list(entry.get(), "changes") {
            let value = object(change.get()).and_then(|parts| object(parts.get("value")?.get()));
            let id =
                value.and_then(|parts| phone_number_id(parts.get("metadata").copied()).map(String::from));
            named.extend(id);
        }
    }
    named
}

/// The list of that name in an object, or an empty one.
fn list<'a>(json: &'a str, name: &str) -> Vec<&'a RawValue> {
    let list = object(json).and_then(|parts| serde_json::from_str(parts.get(name)?.get()).ok());
    list.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(body: &str) -> Vec<String> {
        let mut named: Vec<_> = named_numbers(body.as_bytes()).into_iter().collect();
        named.sort();
        named
    }

    #[test]
    fn every_number_is_found_whatever_stands_beside_it() {
        let change =
            |id: &str| format!(r#"{{"field":"messages","value":{{"metadata":{{"phone_number_id":{id}}}}}}}"#);
        let (one, two) = (change(r#""1065""#), change(r#""\u0032""#));
        assert_eq!(
            named(&format!(r#"{{"entry":[{{"changes":[{one}]}},{{"changes":[{two}]}}]}}"#)),
            ["1065", "2"]
        );
        let odd = format!(
            r#"{{"entry":[7,null,{{"changes":7}},{{"changes":[[],{{"value":7}},{{"value":{{"metadata":7}}}},{},{one}]}}]}}"#,
            change("7")
        );
        assert_eq!(named(&odd), ["1065"]);
        for nothing in ["", "{", "null", "[]", r#"{"entry":{}}"#, r#"{"entry":[]}"#] {
            assert_eq!(named(nothing), [""; 0], "{nothing}");
        }
    }
}
