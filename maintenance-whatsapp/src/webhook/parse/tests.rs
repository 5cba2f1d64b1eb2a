use chrono::DateTime;
use maintenance_core::DeliveryEvent;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const OURS: &str = "6f1b0f0e-5d0c-4a3e-9c39-0a4a6f6f2f10";

fn status(n: usize) -> Value {
    json!({
        "id": format!("wamid.{n}"), "status": "delivered", "timestamp": "1750030073",
        "recipient_id": "12025550123", "biz_opaque_callback_data": OURS,
        "conversation": {"id": "c", "origin": {"type": "utility"}}, "pricing": {"billable": true},
    })
}

pub(super) fn post(value: &Value) -> Value {
    json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
    })
}

pub(super) fn parsed(body: &Value) -> Webhook {
    parse(body.to_string().as_bytes(), received())
}

pub(super) fn problems(webhook: &Webhook) -> Vec<String> {
    webhook.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn every_status_becomes_an_update() {
    for (name, event) in [
        ("sent", DeliveryEvent::Sent),
        ("delivered", DeliveryEvent::Delivered),
        ("read", DeliveryEvent::Read),
        ("played", DeliveryEvent::Read),
        ("failed", DeliveryEvent::Failed),
    ] {
        let mut status = status(1);
        status["status"] = name.into();
        let update = DeliveryUpdate {
            channel: Channel::DEFAULT,
            notification_id: Some(OURS.parse().unwrap()),
            provider_message_id: "wamid.1".to_owned(),
            event,
            at: DateTime::from_timestamp(1_750_030_073, 0).unwrap(),
            error: None,
            next: None,
        };
        let webhook = parsed(&post(&json!({"statuses": [status]})));
        assert_eq!(webhook, Webhook { updates: vec![update], ..Webhook::default() });
    }
}

#[test]
fn optional_parts_may_be_missing_and_the_timestamp_may_be_a_number() {
    let webhook =
        parsed(&post(&json!({"statuses": [{"id": "a", "status": "sent", "timestamp": 1_750_030_073}]})));
    assert_eq!(webhook.updates.len(), 1);
    assert_eq!(webhook.updates[0].notification_id, None);
}

#[test]
fn callback_data_that_is_not_ours_is_no_problem() {
    for data in [json!("order-7"), json!(7), json!(null), json!({"a": 1}), json!("")] {
        let mut status = status(1);
        status["biz_opaque_callback_data"] = data;
        let webhook = parsed(&post(&json!({"statuses": [status]})));
        assert_eq!(webhook.updates[0].notification_id, None);
        assert_eq!(webhook.problems, []);
    }
}

#[test]
fn a_failure_keeps_its_code_and_what_it_means_and_nothing_that_was_said() {
    let mut status = status(1);
    status["status"] = "failed".into();
    status["errors"] = json!([{
        "code": 131_026, "title": "Message undeliverable", "message": "Message undeliverable",
        "error_data": {"details": "12025550123 is not on WhatsApp"}, "href": "https://example.com",
    }]);
    let webhook = parsed(&post(&json!({"statuses": [status]})));
    let error = webhook.updates[0].error.clone().unwrap();
    assert_eq!(error.to_string(), "131026: the recipient can't be reached by WhatsApp");
}

#[test]
fn a_failure_whose_errors_have_a_wrong_type_is_still_a_failure() {
    for errors in [json!([]), json!({}), json!("x"), json!(null), json!([7]), json!([[]])] {
        let mut status = status(1);
        status["status"] = "failed".into();
        status["errors"] = errors;
        let webhook = parsed(&post(&json!({"statuses": [status]})));
        assert_eq!(webhook.updates[0].event, DeliveryEvent::Failed);
        assert_eq!(webhook.updates[0].error, None);
    }
}

#[test]
fn unknown_statuses_are_kept_readable_and_are_no_problem() {
    let statuses: Vec<_> = ["deleted", "warning", "teleported"]
        .into_iter()
        .map(|name| json!({"id": "wamid.1", "status": name, "timestamp": "1750030073"}))
        .collect();
    let webhook = parsed(&post(&json!({"statuses": statuses})));
    assert_eq!((webhook.updates.len(), webhook.problems.len()), (0, 0));
    assert_eq!(webhook.ignored[2].path, "entry[0].changes[0].value.statuses[2]");
    assert_eq!(webhook.ignored[2].what, "status teleported");
}

#[test]
fn one_broken_status_among_a_thousand_does_not_hurt_the_others() {
    for broken in [json!(7), json!(null), json!([]), json!("x"), json!({}), json!({"id": 7})] {
        let mut statuses: Vec<_> = (0..1_000).map(status).collect();
        statuses[17] = broken;
        let webhook = parsed(&post(&json!({"statuses": statuses})));
        assert_eq!(webhook.updates.len(), 999);
        assert_eq!(webhook.problems.len(), 1);
        assert_eq!(webhook.problems[0].path, "entry[0].changes[0].value.statuses[17]");
    }
}

#[test]
fn every_required_part_of_a_status_is_told_by_its_name() {
    for (part, wrong, what) in [
        ("id", json!(7), "has no id of 1 to 512 visible ASCII characters"),
        ("id", json!(""), "has no id of 1 to 512 visible ASCII characters"),
        ("id", json!("a\u{0}b"), "has no id of 1 to 512 visible ASCII characters"),
        ("id", json!("x".repeat(513)), "has no id of 1 to 512 visible ASCII characters"),
        ("status", json!(null), "has no status that is a text"),
        ("status", json!({}), "has no status that is a text"),
    ] {
        let mut broken = status(0);
        broken[part] = wrong;
        let webhook = parsed(&post(&json!({"statuses": [broken, status(1)]})));
        assert_eq!(webhook.updates.len(), 1);
        assert_eq!(problems(&webhook), [format!("entry[0].changes[0].value.statuses[0] {what}")]);
    }
}

#[test]
fn a_wrong_type_at_any_level_hurts_nothing_beside_it() {
    let good = post(&json!({"statuses": [status(1)]}))["entry"][0].clone();
    let change = good["changes"][0].clone();
    for (entry, problem) in [
        (json!(7), "entry[0] isn't an object"),
        (json!({}), "entry[0].changes is missing"),
        (json!({"changes": {}}), "entry[0].changes isn't a list"),
        (json!({"changes": [null]}), "entry[0].changes[0] isn't an object"),
        (json!({"changes": [{"value": {}}]}), "entry[0].changes[0] has no field that is a text"),
        (json!({"changes": [{"field": 7}]}), "entry[0].changes[0] has no field that is a text"),
        (json!({"changes": [{"field": "messages"}]}), "entry[0].changes[0] has no value"),
        (
            json!({"changes": [{"field": "messages", "value": []}]}),
            "entry[0].changes[0].value isn't an object",
        ),
        (
            json!({"changes": [{"field": "messages", "value": {"statuses": 7}}]}),
            "entry[0].changes[0].value.statuses isn't a list",
        ),
        (
            json!({"changes": [{"field": "messages", "value": {"messages": "x"}}]}),
            "entry[0].changes[0].value.messages isn't a list",
        ),
        (
            json!({"changes": [{"field": "messages", "value": {"errors": {}}}]}),
            "entry[0].changes[0].value.errors isn't a list",
        ),
    ] {
        let webhook = parsed(&json!({"entry": [entry, good, {"changes": [7, change]}]}));
        assert_eq!(webhook.updates.len(), 2, "{problem}");
        assert_eq!(problems(&webhook), [problem, "entry[2].changes[0] isn't an object"]);
    }
    let webhook = parsed(&post(&json!({"statuses": [status(1)], "messages": 7, "errors": 7})));
    assert_eq!((webhook.updates.len(), webhook.problems.len()), (1, 2));
}

#[test]
fn a_body_that_is_no_webhook_is_one_problem() {
    for (body, problem) in [
        ("", "body isn't JSON"),
        ("{\"entry\":[", "body isn't JSON"),
        ("{}x", "body isn't JSON"),
        ("[]", "body isn't an object"),
        ("null", "body isn't an object"),
        ("{}", "body.entry is missing"),
        ("{\"entry\":7}", "body.entry isn't a list"),
    ] {
        assert_eq!(problems(&parse(body.as_bytes(), received())), [problem], "{body}");
    }
    assert_eq!(
        parse(br#"{"object":"whatsapp_business_account","entry":[]}"#, received()),
        Webhook::default()
    );
}

#[test]
fn bytes_that_are_not_utf8_spoil_only_the_text_they_are_in() {
    let body = post(&json!({"statuses": [status(1), status(2)]})).to_string();
    let at = body.find("wamid.1").unwrap();
    let mut bytes = body.into_bytes();
    bytes[at] = 0xFF;
    let webhook = parse(&bytes, received());
    assert_eq!(webhook.updates.len(), 1);
    assert_eq!(webhook.updates[0].provider_message_id, "wamid.2");
    assert_eq!(webhook.problems.len(), 1);
}

#[test]
fn a_name_that_comes_twice_hurts_only_its_own_level() {
    let twice = r#"{"id":"wamid.0","id":"wamid.1","status":"sent","timestamp":"1750030073"}"#;
    let body = post(&json!({"statuses": ["twice", status(2)]})).to_string().replace("\"twice\"", twice);
    let ids: Vec<_> =
        parse(body.as_bytes(), received()).updates.into_iter().map(|u| u.provider_message_id).collect();
    assert_eq!(ids, ["wamid.1", "wamid.2"]);
}

#[test]
fn escaped_text_is_read_as_what_it_means() {
    let body = post(&json!({"statuses": [status(1)]})).to_string();
    let body = body.replace("wamid.1", "wamid.\\u0041\\/B").replace(OURS, &OURS.replace('-', "\\u002d"));
    let webhook = parse(body.as_bytes(), received());
    assert_eq!(webhook.updates[0].provider_message_id, "wamid.A/B");
    assert_eq!(webhook.updates[0].notification_id, Some(OURS.parse().unwrap()));
}

#[test]
fn other_fields_are_left_to_the_host_and_shown_without_their_value() {
    let paused = json!({"event": "PAUSED", "message_template_name": "maintenance_request"});
    let mut body = post(&json!({"statuses": [status(1)]}));
    let change = json!({"field": "message_template_status_update", "value": paused});
    body["entry"].as_array_mut().unwrap().push(json!({"changes": [change, {"field": "Sheena", "value": 7}]}));
    let webhook = parsed(&body);
    assert_eq!((webhook.updates.len(), webhook.unused.len()), (1, 2));
    assert_eq!(webhook.unused[0].path, "entry[1].changes[0]");
    assert_eq!(webhook.unused[0].field, "message_template_status_update");
    assert_eq!(webhook.unused[0].value, paused);
    assert_eq!((&webhook.problems[..], &webhook.ignored[..]), (&[][..], &[][..]));
    let shown = format!("{webhook:?}");
    assert!(shown.contains("message_template_status_update"), "{shown}");
    assert!(!shown.contains("PAUSED") && !shown.contains("Sheena"), "{shown}");
}

#[test]
fn errors_of_the_account_are_ignored_and_named() {
    let webhook = parsed(&post(&json!({"errors": [{"code": 131_031, "title": "Locked"}]})));
    assert_eq!(webhook.ignored[0].path, "entry[0].changes[0].value.errors[0]");
    assert_eq!(
        webhook.ignored[0].what,
        "131031: the account or number is restricted, not registered or not paid for; see WhatsApp Manager for which"
    );
}

#[test]
fn deep_nesting_is_survived() {
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    let body = post(&json!({"statuses": [status(1)], "messages": ["deep"]})).to_string();
    let webhook = parse(body.replace("\"deep\"", &deep).as_bytes(), received());
    assert_eq!((webhook.updates.len(), webhook.problems.len()), (1, 1));
    let body = post(&json!("deep")).to_string().replace("\"messages\"", "\"account_update\"");
    let webhook = parse(body.replace("\"deep\"", &deep).as_bytes(), received());
    assert_eq!((webhook.unused.len(), webhook.problems.len()), (0, 1));
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = [
        "entry",
        "changes",
        "field",
        "value",
        "statuses",
        "messages",
        "contacts",
        "errors",
        "id",
        "status",
        "timestamp",
    ];
    let texts = ["messages", "sent", "failed", "1750030073", OURS, "é\n"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        proptest::sample::select(texts.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 64, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(proptest::sample::select(names.to_vec()), inner, 0..6)
                .prop_map(|map| map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_break_the_parser(bytes in any::<Vec<u8>>()) {
        parse(&bytes, received());
    }

    #[test]
    fn no_json_breaks_the_parser(body in any_json()) {
        parsed(&body);
    }

    #[test]
    fn nothing_beside_a_good_status_keeps_it_from_being_read(beside in any_json(), entry in any_json()) {
        let mut body = post(&json!({"statuses": [beside, status(1)], "messages": entry.clone()}));
        body["entry"].as_array_mut().unwrap().insert(0, entry);
        let webhook = parsed(&body);
        prop_assert!(webhook.updates.iter().any(|update| update.provider_message_id == "wamid.1"));
    }

    #[test]
    fn cutting_or_changing_a_byte_breaks_nothing(at in 0..300_usize, byte in any::<u8>()) {
        let mut bytes = post(&json!({"statuses": [status(1)]})).to_string().into_bytes();
        bytes[at] = byte;
        parse(&bytes, received());
        parse(&bytes[..at], received());
    }
}

/// When the posts of these tests are received.
pub(super) fn received() -> DateTime<chrono::Utc> {
    DateTime::from_timestamp(1_760_000_000, 0).unwrap()
}

#[test]
fn a_status_with_an_odd_timestamp_counts_with_the_time_of_receipt() {
    let odd = [
        json!("soon"),
        json!(1_750_030_073_000_u64),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(null),
        json!({}),
        json!("4102444799"),
    ];
    for timestamp in odd {
        let mut status = status(1);
        status["timestamp"] = timestamp.clone();
        let webhook = parsed(&post(&json!({"statuses": [status]})));
        assert_eq!(webhook.updates[0].at, received(), "{timestamp}");
        assert_eq!(webhook.problems, []);
    }
}

#[test]
fn a_failure_says_what_to_do_about_it_by_the_same_table_as_an_answer() {
    use maintenance_core::{NextStep, Scope};
    let rest = Some(NextStep::Stop { scope: Scope::Channel });
    let again = Some(NextStep::Retry { after: None });
    let over = Some(NextStep::GiveUp);
    let codes =
        [(131_042, rest), (131_031, rest), (131_000, again), (131_049, over), (131_026, over), (7, None)];
    for (code, next) in codes {
        let mut status = status(1);
        status["status"] = "failed".into();
        status["errors"] = json!([{"code": code, "title": "Renter One"}]);
        let webhook = parsed(&post(&json!({"statuses": [status]})));
        assert_eq!(webhook.updates[0].next, next, "{code}");
        assert!(!webhook.updates[0].error.as_ref().unwrap().text.contains("Renter"));
    }
}
