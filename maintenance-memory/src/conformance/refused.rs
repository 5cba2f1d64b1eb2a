//! Lines that an import refuses.

use maintenance_core::{Error, FieldError};
use serde_json::{Value, json};

use super::{
    World,
    import::{counts, id, import, line, old_record},
};

/// A change of a line, and the fields that are wrong then.
type Spoilt = (fn(&mut Value), &'static [&'static str]);

const SPOILT: &[Spoilt] = &[
    (|line| line["request"]["title"] = json!(""), &["request.title"]),
    (|line| line["request"]["title"] = json!(7), &["request.title"]),
    (|line| line["request"]["title"] = json!("x".repeat(100_000)), &["request.title"]),
    (|line| line["request"]["description"] = json!("a\u{0}b"), &["request.description"]),
    (|line| line["request"]["location"] = Value::Null, &["request.location"]),
    (|line| line["request"]["id"] = json!("7"), &["request.id"]),
    (|line| line["request"]["version"] = json!(0), &["request.version"]),
    (|line| line["request"]["version"] = json!(-1), &["request.version"]),
    (|line| line["request"]["version"] = json!(3_000_000_000_u32), &["request.version"]),
    (|line| line["request"]["status"] = json!("done"), &["request.status"]),
    (|line| line["request"]["priority"] = json!(["high"]), &["request.priority"]),
    (|line| line["request"]["whatsapp_status"] = json!("gone"), &["request.whatsapp_status"]),
    (|line| line["request"]["whatsapp_message_id"] = json!("\u{0}"), &["request.whatsapp_message_id"]),
    (|line| line["request"]["created_at"] = json!("yesterday"), &["request.created_at"]),
    (|line| line["request"]["created_at"] = json!(1_700_000_000), &["request.created_at"]),
    (|line| line["request"]["created_at"] = json!("1820-01-01T00:00:00Z"), &["request.created_at"]),
    (|line| line["request"]["updated_at"] = json!("9999-12-31T00:00:00Z"), &["request.updated_at"]),
    (|line| line["request"]["completed_at"] = Value::Null, &["request.completed_at"]),
    (|line| line["request"]["completed_at"] = json!("2000-01-01T00:00:00Z"), &["request.completed_at"]),
    (|line| line["request"]["organization_id"] = json!(id(9)), &["request.organization_id"]),
    (|line| line["request"] = json!([]), &["request"]),
    (|line| *line = json!("a text"), &["line"]),
    (|line| line["history"] = json!("none"), &["history"]),
    (|line| line["history"][1] = json!(7), &["history[1]"]),
    (|line| line["history"] = json!([]), &["request.status"]),
    (|line| drop(line["history"].as_array_mut().unwrap().remove(0)), &["history[0].previous_status"]),
    (
        |line| line["history"].as_array_mut().unwrap().reverse(),
        &[
            "history[1].changed_at",
            "history[0].previous_status",
            "history[1].previous_status",
            "request.status",
        ],
    ),
    (|line| line["history"][1]["new_status"] = json!("cancelled"), &["request.status"]),
    (
        |line| line["history"][0]["new_status"] = json!("completed"),
        &["history[0].new_status", "history[1].previous_status"],
    ),
    (|line| line["history"][0]["request_id"] = json!(id(8)), &["history[0].request_id"]),
    (|line| line["history"][1]["id"] = line["history"][0]["id"].clone(), &["history[1].id"]),
    (|line| line["request"]["hold"] = json!("no parts"), &["request.hold"]),
    (|line| line["request"]["hold"] = json!({"reason": " "}), &["request.hold"]),
    (|line| line["edits"] = json!([{"field": "colour"}]), &["edits[0].field"]),
    (
        |line| {
            line["edits"] = json!([{
                "id": id(54), "request_id": id(8), "edited_by": id(53), "edited_at": "2000-01-01T00:00:00Z",
                "field": "title", "before": "The gutter", "after": "The gutter is full",
            }]);
        },
        &["edits[0].request_id", "edits[0].edited_at"],
    ),
    (|line| line["comments"][0]["request_id"] = json!(id(8)), &["comments[0].request_id"]),
    (|line| line["comments"][0]["comment"] = json!(" "), &["comments[0].comment"]),
    (|line| line["comments"][0]["user_type"] = json!("robot"), &["comments[0].user_type"]),
    (|line| line["comments"][0]["created_at"] = json!("9999-01-01T00:00:00Z"), &["comments[0].created_at"]),
    (
        |line| {
            line["attachments"] = json!([{
                "id": id(50), "request_id": line["request"]["id"], "file_url": "javascript:alert(1)",
                "file_type": "picture", "created_at": line["request"]["created_at"],
            }]);
        },
        &["attachments[0].file_url", "attachments[0].file_type"],
    ),
    (
        |line| {
            line["assignments"] = json!([{
                "id": id(51), "request_id": line["request"]["id"], "new_worker_id": id(52),
                "changed_by": id(53), "changed_at": line["request"]["created_at"], "cause": "filed",
            }]);
        },
        &["request.assigned_worker_id"],
    ),
    (
        |line| {
            line["request"]["title"] = json!("");
            line["request"]["renter_id"] = json!(null);
            line["history"][0]["changed_by"] = json!("me");
            line["comments"][0]["comment"] = json!("");
        },
        &["request.renter_id", "request.title", "history[0].changed_by", "comments[0].comment"],
    ),
];

/// Each refused line is named by its place and id with all that is wrong, and holds up no other.
pub async fn a_refused_line_is_named_with_all_that_is_wrong(world: World) {
    let (mut lines, mut expected) = (Vec::new(), Vec::new());
    for (n, (spoil, fields)) in SPOILT.iter().enumerate() {
        let good = old_record(&world, 2 * n as u128 + 1, None);
        let mut bad = serde_json::to_value(old_record(&world, 2 * n as u128 + 2, None)).unwrap();
        spoil(&mut bad);
        lines.extend([line(&good).into_bytes(), bad.to_string().into_bytes()]);
        expected.push((2 * n as u64 + 2, fields.to_vec()));
    }
    for broken in [&b"{"[..], b"\xff\xfe", b"null", b"[[[[", b"{\"request\":{}}trailing"] {
        lines.push(broken.to_vec());
        expected.push((lines.len() as u64, vec!["line"]));
    }
    lines.push("[".repeat(100_000).into_bytes());
    expected.push((lines.len() as u64, vec!["line"]));
    let mut huge = serde_json::to_vec(&old_record(&world, 9_999, None)).unwrap();
    huge.resize(17 * 1024 * 1024, b' ');
    huge.push(b'7');
    lines.push(huge);
    expected.push((lines.len() as u64, vec!["line"]));
    let (report, refused) = import(&world, &lines).await;
    for (refused, (place, fields)) in refused.iter().zip(&expected) {
        let Error::Invalid(invalid) = &refused.why else { panic!("{refused}") };
        let wrong: Vec<&str> = invalid.fields.iter().map(|FieldError { field, .. }| field.as_ref()).collect();
        assert_eq!((refused.line, &wrong), (*place, fields), "{refused}");
        assert!(!refused.to_string().contains("gutter"), "{refused}");
    }
    assert_eq!(counts(report), (SPOILT.len() as u64, 0, expected.len() as u64));
    assert_eq!(world.requests().await.len(), SPOILT.len());
}
