//! Errors as HTTP answers them.

#![expect(clippy::indexing_slicing, reason = "tests fail by panicking")]

use std::time::Duration;

use maintenance_core::{
    Difference, DirectoryError, Error, Invalid, ProblemDetails, Refusal, RepositoryError,
    RepositoryErrorKind, RequestField, RequestId, RequestStatus, Reused, Role, TRANSITIONS,
};
use serde_json::json;
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(7);

fn request() -> RequestId {
    RequestId::from_uuid(ID)
}

fn refused(refusal: Refusal) -> Error {
    Error::Refused { request: request(), refusal }
}

fn store(kind: RepositoryErrorKind) -> Error {
    RepositoryError::with_source(kind, "Renter One, +12025550123").into()
}

fn aborted(code: &str) -> Error {
    store(RepositoryErrorKind::Aborted { code: code.to_owned() })
}

fn reused(field: &'static str) -> Error {
    let difference =
        Difference { field, stored: "the stored value".to_owned(), given: "the given value".to_owned() };
    Reused { what: "request", id: ID, differences: vec![difference] }.into()
}

/// Every kind of error with its status and the word of its type.
fn table() -> Vec<(Error, u16, &'static str)> {
    use RepositoryErrorKind as Kind;
    use RequestStatus::{Cancelled, Completed, Pending};
    let row = TRANSITIONS[0];
    let not_editable =
        Refusal::NotEditable { field: RequestField::Priority, status: Pending, allowed: &[Role::Landlord] };
    let corrupt = RepositoryError::corrupt("renters", "name", ID, "Renter One");
    let now = chrono::DateTime::UNIX_EPOCH;
    vec![
        (Invalid::field("title", "must have 1 to 200 characters").into(), 422, "invalid"),
        (refused(Refusal::NoteRequired(row)), 422, "invalid"),
        (refused(Refusal::NotAllowed(row)), 403, "not-allowed"),
        (refused(not_editable), 403, "not-allowed"),
        (Error::NotAllowed { allowed: "a landlord", action: "assign" }, 403, "not-allowed"),
        (Error::NotFound { what: "request", id: ID }, 404, "not-found"),
        (store(Kind::NotFound), 404, "not-found"),
        (reused("title"), 409, "reused"),
        (
            Error::StatusConflict { request: request(), wanted: Completed, current: Pending },
            409,
            "status-conflict",
        ),
        (
            Error::AssignmentConflict { request: request(), seen: None, current: None },
            409,
            "assignment-conflict",
        ),
        (Error::VersionConflict { request: request(), seen: 1, current: 2 }, 409, "version-conflict"),
        (refused(Refusal::NoSuchTransition { from: Cancelled, to: Pending }), 409, "no-such-transition"),
        (Error::NotOpen { request: request(), status: Cancelled, wanted: "assigned" }, 409, "not-open"),
        (Error::HasOpenRequests { renter: ID.into(), requests: vec![request()] }, 409, "has-open-requests"),
        (store(Kind::Conflict), 409, "conflict"),
        (store(Kind::Busy), 503, "unavailable"),
        (store(Kind::NotWritable), 503, "unavailable"),
        (store(Kind::Unavailable), 503, "unavailable"),
        (aborted("40001"), 503, "unavailable"),
        (aborted("40P01"), 503, "unavailable"),
        (aborted("57P01"), 503, "unavailable"),
        (aborted("5"), 503, "unavailable"),
        (aborted("517"), 503, "unavailable"),
        (aborted("23503"), 500, "internal"),
        (aborted("787"), 500, "internal"),
        (Error::Directory(DirectoryError::new("Renter One, +12025550123")), 503, "unavailable"),
        (corrupt.into(), 500, "internal"),
        (store(Kind::Unsupported), 500, "internal"),
        (store(Kind::Other), 500, "internal"),
        (Error::ClockDiffers { ours: now, store: now, bound: Duration::from_secs(5) }, 500, "internal"),
    ]
}

#[test]
fn every_error_has_its_status_and_its_type() {
    for (error, status, word) in table() {
        let problem = error.problem();
        assert_eq!((error.status(), problem.status), (status, status), "{error}");
        assert_eq!(problem.r#type, format!("urn:maintenance:{word}"), "{error}");
        assert!(!problem.title.is_empty());
        assert_eq!(ProblemDetails::from(error), problem);
    }
}

#[test]
fn no_problem_shows_private_data_or_the_inside_of_the_store() {
    for (error, ..) in table() {
        let shown = serde_json::to_string(&error.problem()).unwrap();
        for private in ["Renter One", "555", "stored value", "given value", "renters", "40001"] {
            assert!(!shown.contains(private), "{shown}");
        }
    }
}

#[test]
fn invalid_input_names_every_wrong_field() {
    let mut invalid = Invalid::field("title", "must have 1 to 200 characters");
    invalid.fields.extend(Invalid::field("priority", "must be low or high").fields);
    assert_eq!(
        serde_json::to_value(Error::from(invalid).problem()).unwrap(),
        json!({
            "type": "urn:maintenance:invalid",
            "title": "Invalid input",
            "status": 422,
            "detail": "invalid input: title must have 1 to 200 characters; priority must be low or high",
            "fields": [
                {"field": "title", "rule": "must have 1 to 200 characters"},
                {"field": "priority", "rule": "must be low or high"},
            ],
        })
    );
    let note = refused(Refusal::NoteRequired(TRANSITIONS[0])).problem();
    assert_eq!(note.fields[0].field, "note");
}

#[test]
fn a_conflict_says_what_the_request_s_status_is() {
    let error = Error::NotOpen { request: request(), status: RequestStatus::Completed, wanted: "assigned" };
    let problem = serde_json::to_value(error.problem()).unwrap();
    assert_eq!(problem["request_status"], "completed");
    assert_eq!(problem["detail"], error.to_string());
    assert!(problem.get("fields").is_none());
}

#[test]
fn a_reused_id_names_the_fields_that_differ_unless_it_is_somebody_else_s() {
    let own = reused("location").problem();
    assert_eq!(own.fields[0].field, "location");
    assert_eq!(own.detail.unwrap(), format!("request {ID} exists with different content; use a new id"));
    for owner in ["renter_id", "user_id", "request_id"] {
        assert_eq!(reused(owner).problem().fields, []);
    }
}

#[cfg(feature = "axum")]
#[test]
fn a_problem_is_a_response_with_its_status_and_media_type() {
    use axum_core::response::IntoResponse as _;
    for (error, status, _) in table() {
        let response = error.into_response();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers().contains_key("retry-after"), status == 503);
    }
    let odd = ProblemDetails::new(7, "about:blank", "No HTTP status").into_response();
    assert_eq!(odd.status(), 500);
}
