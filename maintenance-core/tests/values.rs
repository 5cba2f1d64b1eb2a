//! Values: what serde writes it reads back, and nothing else gets in.
#![expect(clippy::expect_used, reason = "test code: a failed expectation is its result")]

use chrono::{DateTime, TimeDelta, Utc};
use maintenance_core::{
    Action, Actor, ComplexAssignment, DeliveryEvent, Email, FieldChange, FileKind, FileUrl, Hold, HoldReason,
    Name, News, Notification, NotificationKind, PhoneNumber, Priority, Request, RequestField, RequestRecord,
    RequestStatus, Specialty, Title, UserId, UserType, WhatsAppStatus, Worker, WorkerStatus,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn id(n: u128) -> String {
    Uuid::from_u128(n).hyphenated().to_string()
}

fn request() -> Value {
    json!({
        "id": id(1), "renter_id": id(2), "title": "The sink leaks", "description": "Under the sink",
        "status": "completed", "priority": "emergency", "created_at": "2026-01-02T03:04:05.000006Z",
        "updated_at": "2026-01-02T03:04:06Z", "completed_at": "2026-01-02T03:04:06Z", "property_id": id(3),
        "location": "Kitchen", "assigned_worker_id": id(4), "whatsapp_message_id": null,
        "whatsapp_status": "read", "complex_id": id(5), "specialty": "plumbing", "version": 7, "fingerprint": id(6),
        "hold": null, "number": 1042
    })
}

#[test]
fn a_request_reads_back_as_it_was_written_with_hyphenated_ids_and_snake_case() {
    let read: Request = serde_json::from_value(request()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), request());
    assert_eq!(read.id.to_string(), "00000000-0000-0000-0000-000000000001");
}

#[test]
fn a_whole_record_and_an_assignment_read_back_as_they_were_written() {
    let at = "2026-01-02T03:04:05.000006Z";
    let record = json!({
        "request": request(),
        "history": [{
            "id": id(6), "request_id": id(1), "previous_status": "pending", "new_status": "in_progress",
            "changed_by": id(4), "changed_at": at, "notes": null
        }],
        "assignments": [{
            "id": id(11), "request_id": id(1), "previous_worker_id": null, "new_worker_id": id(4), "changed_by": id(4),
            "changed_at": at, "cause": "filed", "notes": null,
            "ranking": [
                {"worker_id": id(4), "verdict": {"eligible": {"trade": "suits", "at_capacity": false,
                    "is_primary": true, "open_requests": 2, "last_assigned_at": at}}},
                {"worker_id": id(12), "verdict": {"not_active": "on_leave"}},
                {"worker_id": id(13), "verdict": {"excluded": "declined"}},
                {"worker_id": id(14), "verdict": {"lacks_trade": "plumbing"}}
            ]
        }],
        "edits": [
            {"id": id(15), "request_id": id(1), "edited_by": id(4), "edited_at": at, "field": "title",
                "before": "The sink", "after": "The sink leaks"},
            {"id": id(16), "request_id": id(1), "edited_by": id(4), "edited_at": at, "field": "specialty",
                "before": null, "after": "plumbing"},
            {"id": id(17), "request_id": id(1), "edited_by": id(4), "edited_at": at, "field": "property_id",
                "before": id(20), "after": id(3)},
            {"id": id(18), "request_id": id(1), "edited_by": id(4), "edited_at": at, "field": "hold",
                "before": null, "after": {"reason": "Waiting for parts", "until": at}}
        ],
        "comments": [{
            "id": id(7), "request_id": id(1), "user_id": id(4), "user_type": "maintenance_staff",
            "comment": "On my way", "created_at": at
        }],
        "attachments": [{
            "id": id(8), "request_id": id(1), "file_url": "https://files.example.com/sink.jpg",
            "file_type": "image/jpeg", "created_at": at
        }],
        "notifications": [{
            "id": id(9), "request_id": id(1), "worker_id": id(4), "kind": "assignment", "priority": "high",
            "status": "failed", "provider_message_id": "wamid.1", "attempts": 8, "claims": 1, "due_at": at, "lease": id(10),
            "error": {"code": "131026", "text": "Message undeliverable"}, "since": at, "created_at": at, "sent_at": at,
            "delivered_at": null, "read_at": null, "failed_at": at, "acknowledged_at": at
        }, {
            "id": id(21), "request_id": id(1), "renter_id": id(2), "kind": "news", "news": "done", "priority": "high",
            "status": "pending", "provider_message_id": null, "attempts": 0, "claims": 0, "due_at": at, "lease": null,
            "error": null, "since": at, "created_at": at, "sent_at": null, "delivered_at": null, "read_at": null,
            "failed_at": null, "acknowledged_at": null
        }]
    });
    let read: RequestRecord = serde_json::from_value(record.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), record);
    let assignment = json!({
        "id": id(1), "worker_id": id(2), "complex_id": id(3), "is_primary": true, "assigned_at": at, "updated_at": at
    });
    let read: ComplexAssignment = serde_json::from_value(assignment.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), assignment);
    for (part, field, bad) in [
        ("history", "new_status", "done"),
        ("assignments", "cause", "whim"),
        ("edits", "field", "whatsapp_status"),
        ("edits", "after", ""),
        ("comments", "user_type", "tenant"),
        ("comments", "comment", ""),
        ("attachments", "file_url", "file:///etc/passwd"),
        ("attachments", "file_type", "picture"),
        ("notifications", "kind", "invoice"),
    ] {
        let mut written = record.clone();
        written[part][0][field] = json!(bad);
        assert!(serde_json::from_value::<RequestRecord>(written).is_err(), "{part}.{field}");
    }
}

#[test]
fn no_invalid_request_can_be_read() {
    for (field, bad) in [
        ("id", json!("1")),
        ("title", json!("")),
        ("title", json!("x".repeat(201))),
        ("status", json!("Completed")),
        ("status", json!("pending")), // and yet completed_at is set
        ("completed_at", json!(null)),
        ("priority", json!("urgent")),
        ("created_at", json!("yesterday")),
        ("specialty", json!("--")),
        ("version", json!(-1)),
    ] {
        let mut written = request();
        written[field] = bad.clone();
        assert!(serde_json::from_value::<Request>(written).is_err(), "{field}: {bad}");
    }
}

#[test]
fn a_worker_reads_back_as_it_was_written() {
    let written = json!({
        "id": id(1), "first_name": "Given", "last_name": "Family", "phone_number": "+12025550123",
        "email": "worker@example.com", "specialties": ["plumbing", "roofing"], "status": "on_leave",
        "created_at": "2026-01-02T03:04:05.000006Z", "updated_at": "2026-01-02T03:04:05.000007Z"
    });
    let read: Worker = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), written);
    for (field, bad) in [("phone_number", "2025550123"), ("email", "nobody"), ("status", "onleave")] {
        let mut written = written.clone();
        written[field] = json!(bad);
        assert!(serde_json::from_value::<Worker>(written).is_err(), "{field}");
    }
}

#[test]
fn times_are_cut_to_whole_microseconds() {
    let mut written = request();
    written["created_at"] = json!("2026-01-02T03:04:05.123456789+01:00");
    let read: Request = serde_json::from_value(written).unwrap();
    assert_eq!(read.created_at.to_rfc3339(), "2026-01-02T02:04:05.123456+00:00");
}

#[test]
fn every_enum_keeps_the_specification_s_text() {
    fn check<
        T: serde::Serialize + std::fmt::Display + std::str::FromStr + PartialEq + std::fmt::Debug + Copy,
    >(
        all: &[T],
        texts: &[&str],
    ) where
        T::Err: std::fmt::Debug,
    {
        assert_eq!(all.iter().map(ToString::to_string).collect::<Vec<_>>(), texts);
        for value in all {
            assert_eq!(serde_json::to_value(value).unwrap(), json!(value.to_string()));
            assert_eq!(&value.to_string().parse::<T>().unwrap(), value);
        }
    }
    check(WorkerStatus::ALL, &["active", "inactive", "on_leave"]);
    check(RequestStatus::ALL, &["pending", "in_progress", "completed", "cancelled"]);
    check(Priority::ALL, &["low", "medium", "high", "emergency"]);
    check(WhatsAppStatus::ALL, &["pending", "sent", "delivered", "read", "failed"]);
    check(UserType::ALL, &["renter", "landlord", "maintenance_staff"]);
    check(NotificationKind::ALL, &["assignment", "withdrawn", "changed", "answer", "news"]);
    check(News::ALL, &["filed", "assigned", "started", "done", "cancelled"]);
    check(Action::ALL, &["accept", "decline", "start", "done", "choose"]);
    check(FileKind::ALL, &["image", "document", "audio", "video"]);
    let fields =
        ["title", "description", "location", "priority", "specialty", "property_id", "complex_id", "hold"];
    check(RequestField::ALL, &fields);
    let unknown = "urgent".parse::<Priority>().unwrap_err();
    assert_eq!(unknown.to_string(), "must be one of: low medium high emergency");
}

#[test]
fn the_system_s_user_id_is_a_version_4_uuid() {
    assert_eq!(Actor::System.user_id(), UserId::SYSTEM);
    assert_eq!(UserId::SYSTEM.uuid().get_version_num(), 4);
    assert_eq!(UserId::SYSTEM.to_string(), "00000000-0000-4000-8000-000000000000");
}

#[test]
fn debug_shows_nothing_private() {
    let read: Request = serde_json::from_value(request()).unwrap();
    let shown = format!(
        "{read:?} {:?} {:?} {:?} {:?} {:?}",
        Name::new("Given Family").unwrap(),
        PhoneNumber::parse("+12025550123", None).unwrap(),
        Email::new("worker@example.com").unwrap(),
        FieldChange::Title { before: Title::new("The sink").unwrap(), after: read.title.clone() },
        Hold { reason: HoldReason::new("Waiting for parts").unwrap(), until: None },
    );
    for private in ["sink", "Kitchen", "parts", "Given", "2025550", "worker@"] {
        assert!(!shown.contains(private), "{private} in {shown}");
    }
}

#[test]
fn delivery_has_one_order() {
    use WhatsAppStatus::{Delivered, Failed, Pending, Read, Sent};
    let order = [Pending, Sent, Failed, Delivered, Read];
    assert!(order.is_sorted_by_key(|status| status.progress()));
    for (n, one) in order.into_iter().enumerate() {
        for (m, other) in order.into_iter().enumerate() {
            assert_eq!(one.advance(other), order[n.max(m)]);
        }
    }
}

fn message() -> Notification {
    let written = json!({
        "id": id(1), "request_id": id(2), "worker_id": id(3), "kind": "assignment", "priority": "low",
        "status": "pending", "provider_message_id": null, "attempts": 0, "claims": 0, "due_at": "2026-01-02T03:04:05Z", "lease": null,
        "error": null, "since": "2026-01-02T03:04:05Z", "created_at": "2026-01-02T03:04:05Z"
    });
    serde_json::from_value(written).expect("a sound notification")
}

proptest! {
    #[test]
    fn news_in_any_order_and_number_comes_to_the_same(
        news in proptest::collection::vec((0..4_usize, 0..5_i64, 0..3_u8), 0..8),
        seed in any::<u64>(),
    ) {
        let events = [DeliveryEvent::Sent, DeliveryEvent::Delivered, DeliveryEvent::Read, DeliveryEvent::Failed];
        let start: DateTime<Utc> = message().created_at;
        let updates: Vec<_> = news.iter().map(|(event, at, code)| maintenance_core::DeliveryUpdate {
            channel: maintenance_core::Channel::DEFAULT,
            notification_id: None,
            provider_message_id: "wamid.1".into(),
            event: events[*event],
            at: start + TimeDelta::seconds(*at),
            error: (events[*event] == DeliveryEvent::Failed && *code > 0)
                .then(|| maintenance_core::DeliveryError::new(code.to_string(), "why")), next: None }).collect();
        let tell = |order: &[usize]| {
            let mut message = message();
            for n in order {
                let before = message.status;
                message.apply_delivery(&updates[*n]);
                assert!(message.status.progress() >= before.progress(), "never back");
            }
            message
        };
        let order: Vec<usize> = (0..updates.len()).collect();
        let mut other: Vec<usize> = order.iter().chain(&order).copied().collect();
        other.sort_by_key(|n| (*n as u64 + 1).wrapping_mul(seed | 1) % 1_009);
        prop_assert_eq!(tell(&order), tell(&other));
    }

    #[test]
    fn no_input_makes_a_parser_panic(text in "\\PC{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let odd = String::from_utf8_lossy(&bytes).into_owned();
        for text in [text, odd] {
            let _ = PhoneNumber::parse(&text, None);
            let _ = PhoneNumber::parse(&text, Some(maintenance_core::Region::US));
            let _ = PhoneNumber::parse(&format!("+{text}"), None);
            let _ = Email::new(&text);
            let _ = FileUrl::new(&text);
            if let Ok(trade) = Specialty::new(&text) {
                prop_assert_eq!(Specialty::new(trade.as_str()).unwrap(), trade, "normal form is stable");
            }
            if let Ok(title) = Title::new(&text) {
                prop_assert_eq!(Title::new(&title).unwrap(), title);
            }
        }
    }
}
