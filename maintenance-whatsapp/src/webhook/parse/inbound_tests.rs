//! Messages from phones, as Meta writes them.

use maintenance_core::{FileKind, InboundContent, InboundFile};
use proptest::prelude::*;
use serde_json::json;

use super::{
    tests::{parsed, post, problems, received},
    *,
};

/// A post with that message, from bytes.
fn bytes(message: &str) -> Vec<u8> {
    let head = r#"{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},"contacts":[{"profile":{"name":"Sheena Nelson"},"wa_id":"16505551234"}],"messages":["#;
    format!("{head}{message}]}},\"field\":\"messages\"}}]}}]}}").into_bytes()
}

/// A message of that type with that content.
fn written(kind: &str, content: &str) -> Vec<u8> {
    bytes(&format!(
        r#"{{"context":{{"from":"15550783881","id":"wamid.OURS"}},"from":"16505551234","id":"wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQzQQA=","timestamp":"1749416383","type":"{kind}","{kind}":{content}}}"#
    ))
}

fn message(n: usize) -> Value {
    json!({
        "from": "16505551234", "id": format!("wamid.{n}"), "timestamp": "1749416383",
        "type": "text", "text": {"body": "On my way"},
    })
}

/// The one message of a post.
fn only(webhook: Webhook) -> Inbound {
    assert_eq!(webhook.problems, []);
    assert_eq!(webhook.inbound.len(), 1);
    webhook.inbound.into_iter().next().unwrap()
}

fn content(kind: &str, content: &str) -> InboundContent {
    only(parse(&written(kind, content), received())).content
}

fn file(kind: FileKind, mime_type: &str, caption: Option<&str>, file_name: Option<&str>) -> InboundContent {
    InboundContent::File(InboundFile {
        kind,
        media_id: "2754859441498128".to_owned(),
        mime_type: Some(mime_type.to_owned()),
        sha256: Some("SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=".to_owned()),
        caption: caption.map(str::to_owned),
        file_name: file_name.map(str::to_owned),
    })
}

fn tap() -> InboundContent {
    InboundContent::Tap { payload: "start:7".to_owned(), title: "I begin".to_owned() }
}

#[test]
fn a_text_says_who_sent_it_when_and_in_reply_to_what() {
    let message =
        only(parse(&written("text", r#"{"body":"On my way \ud83d\ude9a caf\u00e9 1\/2"}"#), received()));
    assert_eq!(
        message,
        Inbound {
            channel: Channel::DEFAULT,
            provider_message_id: "wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQzQQA=".to_owned(),
            from: Sender::number("16505551234"),
            sent_at: DateTime::from_timestamp(1_749_416_383, 0).unwrap(),
            replies_to: Some("wamid.OURS".to_owned()),
            content: InboundContent::Text { body: "On my way 🚚 café 1/2".to_owned() },
        }
    );
}

#[test]
fn a_tap_is_a_templates_button_a_button_of_a_reply_or_a_row_of_a_list() {
    assert_eq!(content("button", r#"{"payload":"start:7","text":"I begin"}"#), tap());
    let reply = r#"{"type":"button_reply","button_reply":{"id":"start:7","title":"I begin"}}"#;
    assert_eq!(content("interactive", reply), tap());
    let row =
        r#"{"type":"list_reply","list_reply":{"id":"start:7","title":"I begin","description":"Kitchen"}}"#;
    assert_eq!(content("interactive", row), tap());
    let form = r#"{"type":"nfm_reply","nfm_reply":{"name":"flow","response_json":"{}"}}"#;
    assert_eq!(content("interactive", form), InboundContent::Unsupported);
}

#[test]
fn files_come_as_references_with_what_was_written_below_them() {
    let written = |mime: &str, more: &str| {
        format!(
            r#"{{"id":"2754859441498128","mime_type":"{mime}","sha256":"SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=","url":"https:\/\/lookaside.example\/1"{more}}}"#
        )
    };
    let photo = content("image", &written("image\\/jpeg", r#","caption":"The leak""#));
    assert_eq!(photo, file(FileKind::Image, "image/jpeg", Some("The leak"), None));
    let document =
        content("document", &written("application/pdf", r#","filename":"bill.pdf","caption":" ""#));
    assert_eq!(document, file(FileKind::Document, "application/pdf", None, Some("bill.pdf")));
    let voice = content("audio", &written("audio/ogg; codecs=opus", r#","voice":true"#));
    assert_eq!(voice, file(FileKind::Audio, "audio/ogg; codecs=opus", None, None));
    assert_eq!(content("video", &written("video/mp4", "")), file(FileKind::Video, "video/mp4", None, None));
    let sticker = content("sticker", &written("image/webp", r#","animated":false"#));
    assert_eq!(sticker, file(FileKind::Image, "image/webp", None, None));
}

#[test]
fn a_place_has_its_name_and_address_in_one() {
    for (names, name) in [
        (
            r#","name":"Main Street Beach","address":"Main Street 7""#,
            Some("Main Street Beach, Main Street 7"),
        ),
        (r#","address":"Main Street 7""#, Some("Main Street 7")),
        (r#","name":"","address":null"#, None),
        ("", None),
    ] {
        let place = content("location", &format!(r#"{{"latitude":38.9,"longitude":-77{names}}}"#));
        let name = name.map(str::to_owned);
        assert_eq!(place, InboundContent::Location { latitude: 38.9, longitude: -77.0, name });
    }
}

#[test]
fn a_reaction_without_an_emoji_was_taken_away() {
    let reaction = |emoji: Option<&str>| InboundContent::Reaction {
        message_id: "wamid.OURS".to_owned(),
        emoji: emoji.map(str::to_owned),
    };
    let thumb = r#"{"message_id":"wamid.OURS","emoji":"\ud83d\udc4d"}"#;
    assert_eq!(content("reaction", thumb), reaction(Some("👍")));
    assert_eq!(content("reaction", r#"{"message_id":"wamid.OURS","emoji":""}"#), reaction(None));
    assert_eq!(content("reaction", r#"{"message_id":"wamid.OURS"}"#), reaction(None));
}

#[test]
fn a_changed_number_is_told_without_any_contacts() {
    let system = json!({"type": "user_changed_number", "wa_id": "12025550199", "body": "Sheena changed"});
    let mut message = message(1);
    message["type"] = "system".into();
    message["system"] = system;
    let changed = only(parsed(&post(&json!({"messages": [message.clone()]}))));
    assert_eq!(changed.content, InboundContent::NumberChanged { wa_id: "12025550199".to_owned() });
    message["system"]["type"] = "user_changed_user_id".into();
    assert_eq!(only(parsed(&post(&json!({"messages": [message]})))).content, InboundContent::Unsupported);
}

#[test]
fn what_the_channel_cannot_pass_on_is_kept_as_that() {
    let errors = r#"[{"code":131051,"title":"Message type unknown"}]"#;
    for kind in ["unsupported", "order", "contacts", "poll_from_the_future"] {
        assert_eq!(content(kind, errors), InboundContent::Unsupported);
    }
}

#[test]
fn a_sender_is_known_by_their_number_their_id_or_both() {
    let both = || Sender { user_id: Some("US.1349".to_owned()), ..Sender::number("16505551234") };
    let contact = || json!({"profile": {"name": "Sheena"}, "wa_id": "16505551234", "user_id": "US.1349"});
    let id_alone = || Sender { wa_id: None, user_id: Some("US.1349".to_owned()) };
    let none = serde_json::Value::Null;
    for (from, from_user_id, contacts, sender) in [
        (json!("16505551234"), none.clone(), json!([]), Sender::number("16505551234")),
        (json!("16505551234"), none.clone(), json!([contact()]), both()),
        (json!("16505551234"), json!("US.1349"), json!([contact()]), both()),
        (none.clone(), json!("US.1349"), json!([]), id_alone()),
        (none.clone(), json!("US.1349"), json!([{"user_id": "US.1349", "profile": {}}]), id_alone()),
        (none.clone(), json!("US.1349"), json!([7, contact()]), both()),
        (json!("12025550123"), none.clone(), json!([contact()]), Sender::number("12025550123")),
        (json!(7), json!("US.1349"), json!(7), id_alone()),
    ] {
        let mut message = message(1);
        message["from"] = from;
        message["from_user_id"] = from_user_id;
        let webhook = parsed(&post(&json!({"messages": [message], "contacts": contacts})));
        assert_eq!(webhook.inbound[0].from, sender);
        let (shown, known) = (&webhook.inbound[0].from, &sender);
        assert_eq!((&shown.wa_id, &shown.user_id), (&known.wa_id, &known.user_id));
    }
}

#[test]
fn every_part_that_is_missing_or_wrong_is_told_by_its_place() {
    let id = "has no id of 1 to 512 visible ASCII characters";
    let object = "has no object of its type's name";
    for (path, wrong, what) in [
        ("/id", json!(7), id),
        ("/id", json!("a b"), id),
        ("/id", json!("x".repeat(513)), id),
        ("/from", json!(16_505_551_234_u64), "says neither the sender's number nor their id"),
        ("/from", json!("Sheena"), "says neither the sender's number nor their id"),
        ("/from", json!(""), "says neither the sender's number nor their id"),
        ("/type", json!(null), "has no type that is a text"),
        ("/type", json!("image"), object),
        ("/text", json!("On my way"), object),
        ("/text", json!(null), object),
        ("/text/body", json!({}), "has no body that is a text"),
    ] {
        let mut broken = message(0);
        *broken.pointer_mut(path).unwrap() = wrong;
        let webhook = parsed(&post(&json!({"messages": [broken, message(1)]})));
        assert_eq!(webhook.inbound.len(), 1, "{path}");
        assert_eq!(problems(&webhook), [format!("entry[0].changes[0].value.messages[0] {what}")]);
    }
    for (kind, content, what) in [
        ("button", json!({"text": "I begin"}), "has a button without a payload that is a text"),
        ("interactive", json!({"type": 7}), "has no type of reply that is a text"),
        ("interactive", json!({"type": "list_reply"}), object),
        ("image", json!({"mime_type": "image/jpeg"}), "has no file id of 1 to 512 visible ASCII characters"),
        ("location", json!({"latitude": "north", "longitude": 7}), "has no degrees that are numbers"),
        ("reaction", json!({"emoji": "x"}), "has a reaction to no message id"),
        ("system", json!({"type": "user_changed_number", "wa_id": "new"}), "changes to no number in digits"),
    ] {
        let mut broken = message(0);
        broken["type"] = kind.into();
        broken[kind] = content;
        let webhook = parsed(&post(&json!({"messages": [broken]})));
        assert_eq!(problems(&webhook), [format!("entry[0].changes[0].value.messages[0] {what}")]);
    }
}

#[test]
fn ten_messages_with_the_fourth_broken_are_nine() {
    for broken in [json!(7), json!(null), json!([]), json!("x"), json!({}), json!({"id": []})] {
        let mut messages: Vec<_> = (0..10).map(message).collect();
        messages[3] = broken;
        let webhook = parsed(&post(&json!({"messages": messages})));
        assert_eq!(webhook.inbound.len(), 9);
        assert_eq!(webhook.problems.len(), 1);
        assert_eq!(webhook.problems[0].path, "entry[0].changes[0].value.messages[3]");
    }
}

#[test]
fn a_text_fits_a_store_and_whatsapps_limit() {
    for (body, kept) in [
        ("a\0b\0".to_owned(), "ab".to_owned()),
        ("\0".to_owned(), String::new()),
        (String::new(), String::new()),
        ("x".repeat(5_000), "x".repeat(4_096)),
        ("é".repeat(4_096), "é".repeat(4_096)),
        (format!("x{}", "😀".repeat(2_048)), format!("x{}", "😀".repeat(2_047))),
    ] {
        let mut message = message(1);
        message["text"]["body"] = body.into();
        let message = only(parsed(&post(&json!({"messages": [message]}))));
        assert_eq!(message.content, InboundContent::Text { body: kept });
    }
    let caption = r#"{"id":"7","caption":"a\u0000b","filename":"\u0000","mime_type":"\u0000"}"#;
    let InboundContent::File(file) = content("image", caption) else { panic!("a photo is a file") };
    assert_eq!((file.caption.as_deref(), file.file_name, file.mime_type), (Some("ab"), None, None));
    let tap = content("button", r#"{"payload":"a\u0000","text":"\u0000b"}"#);
    assert_eq!(tap, InboundContent::Tap { payload: "a".to_owned(), title: "b".to_owned() });
}

#[test]
fn a_text_that_was_cut_inside_an_emoji_is_read_all_the_same() {
    let InboundContent::Text { body } = content("text", r#"{"body":"cut \ud83d"}"#) else { panic!("a text") };
    assert!(body.starts_with("cut \u{FFFD}"), "{body}");
}

#[test]
fn optional_parts_of_a_wrong_type_spoil_nothing() {
    let mut message = message(1);
    message["context"] = json!(7);
    message["timestamp"] = json!("soon");
    let read = only(parsed(&post(&json!({"messages": [message.clone()]}))));
    assert_eq!((read.replies_to, read.sent_at), (None, received()));
    message["context"] = json!({"forwarded": true});
    assert_eq!(only(parsed(&post(&json!({"messages": [message.clone()]})))).replies_to, None);
    message["context"] = json!({"id": "not an id"});
    assert_eq!(only(parsed(&post(&json!({"messages": [message]})))).replies_to, None);
    let InboundContent::File(file) = content("image", r#"{"id":"7","mime_type":7,"caption":[]}"#) else {
        panic!("a photo is a file")
    };
    assert_eq!((file.mime_type, file.caption), (None, None));
}

#[test]
fn messages_and_statuses_of_one_value_are_all_read() {
    let statuses = json!([
        {"id": "wamid.A", "status": "sent", "recipient_id": "16505551234"},
        {"id": "wamid.B", "status": "warning", "recipient_user_id": "US.1"},
        {"id": "wamid.C", "status": "read", "recipient_user_id": "US.1349"},
        {"id": "wamid.D", "status": "read", "recipient_id": "12025550123", "user_id": "US.7"},
        {"id": "wamid.E", "status": "read", "recipient_id": "12025550124"},
    ]);
    let contacts = json!([{"wa_id": "12025550124", "user_id": "US.8"}]);
    let value = json!({"contacts": contacts, "statuses": statuses, "messages": [message(1), message(2)]});
    let webhook = parsed(&post(&value));
    assert_eq!((webhook.updates.len(), webhook.inbound.len()), (4, 2));
    let reached = |number: Option<&str>, id: &str| Sender {
        wa_id: number.map(str::to_owned),
        user_id: Some(id.to_owned()),
    };
    assert_eq!(
        webhook.reached,
        [
            (1, reached(None, "US.1349")),
            (2, reached(Some("12025550123"), "US.7")),
            (3, reached(Some("12025550124"), "US.8")),
        ]
    );
}

#[test]
fn no_text_name_or_number_is_shown() {
    let mut photo = message(1);
    photo["type"] = "image".into();
    photo["image"] = json!({"id": "7", "caption": "Sheena's kitchen"});
    let value = json!({
        "contacts": [{"profile": {"name": "Sheena"}, "wa_id": "16505551234", "user_id": "US.1349"}],
        "messages": [message(1), photo],
        "statuses": [{"id": "wamid.A", "status": "read", "recipient_id": "16505551234"}],
    });
    let shown = format!("{:?}", parsed(&post(&value)));
    for private in ["16505551234", "Sheena", "On my way", "US.1349"] {
        assert!(!shown.contains(private), "{shown}");
    }
}

#[test]
fn a_name_that_comes_twice_spoils_no_other_message() {
    let twice = r#"{"id":"wamid.0","id":"wamid.1","from":"16505551234","type":"text","text":{"body":"a","body":"b"}}"#;
    let body = post(&json!({"messages": ["twice", message(2)]})).to_string().replace("\"twice\"", twice);
    let webhook = parse(body.as_bytes(), received());
    assert_eq!(webhook.inbound.len(), 2);
    assert_eq!(webhook.inbound[0].content, InboundContent::Text { body: "b".to_owned() });
}

/// Anything in the place of a message or of one of its parts.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        let names = proptest::sample::select(vec!["id", "body", "type", "text", "latitude", "from", "\0"]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(names, inner, 0..4)
                .prop_map(|map| map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

const KINDS: [&str; 11] = [
    "text",
    "button",
    "interactive",
    "image",
    "document",
    "audio",
    "video",
    "sticker",
    "location",
    "reaction",
    "system",
];

proptest! {
    #[test]
    fn a_broken_message_affects_no_other(
        broken in anything(), part in anything(), kind in proptest::sample::select(KINDS.to_vec()), at in 0..3_usize,
    ) {
        let mut odd = message(9);
        odd["type"] = kind.into();
        odd[kind] = part;
        let mut messages = vec![message(1), message(2)];
        messages.insert(at.min(2), broken);
        messages.insert(at.min(3), odd);
        let webhook = parsed(&post(&json!({"messages": messages, "statuses": [{"id": "a", "status": "sent"}]})));
        let read = |id: &str| webhook.inbound.iter().filter(|message| message.provider_message_id == id).count();
        prop_assert_eq!((read("wamid.1"), read("wamid.2"), webhook.updates.len()), (1, 1, 1));
        prop_assert!(webhook.problems.iter().all(|problem| problem.path.contains(".messages[")));
        let no_nul = |message: &Inbound| !serde_json::to_string(&message.content).unwrap().contains("\\u0000");
        prop_assert!(webhook.inbound.iter().all(no_nul));
    }

    #[test]
    fn cutting_or_changing_a_byte_of_a_message_breaks_nothing(at in 0..600_usize, byte in any::<u8>()) {
        let mut bytes = written("interactive", r#"{"type":"list_reply","list_reply":{"id":"a","title":"\u00e9"}}"#);
        let at = at.min(bytes.len() - 1);
        bytes[at] = byte;
        parse(&bytes, received());
        parse(&bytes[..at], received());
    }
}
