//! What a caller sends: bodies, ids in paths, queries. If it can't be read, the answer is a [`Problem`].

use std::{fmt::Display, str::FromStr};

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{StatusCode, request::Parts},
};
use chrono::{DateTime, Utc};
use maintenance_core::{
    Actor, Assign, Cursor, Invalid, PageRequest, PropertyId, RenterId, RequestFilter, RequestOrder,
    SearchText, Specialty, WhatsAppStatus, WorkerId,
};
use serde::{Deserialize, de::DeserializeOwned};

use super::problem::Problem;

/// A JSON body; an empty body is read as `{}`.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| Problem::new(rejection.status(), "unreadable", rejection.body_text()))?;
        let bytes = if bytes.is_empty() { b"{}" } else { &bytes[..] };
        let body = serde_json::from_slice(bytes)
            .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "unreadable", error.to_string()))?;
        Ok(Self(body))
    }
}

/// The id, or the ids, in the path.
pub(super) struct Id<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id))
            .map_err(|_| Problem::not_found("the path names no resource: its ids must be UUIDs"))
    }
}

/// The query of a list.
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::from_request_parts(parts, state).await;
        let query = query.map_err(|rejection| {
            Problem::new(StatusCode::BAD_REQUEST, "unreadable", rejection.body_text())
        })?;
        Ok(Self(query.0))
    }
}

/// A body that holds a note, or nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Note {
    pub(super) note: Option<String>,
}

/// The query of a list of requests: the filters, the order, and which page. Several values of one filter are separated by
/// commas.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestParams {
    status: Option<String>,
    priority: Option<String>,
    complex_id: Option<String>,
    specialty: Option<String>,
    whatsapp_status: Option<WhatsAppStatus>,
    renter_id: Option<RenterId>,
    worker_id: Option<WorkerId>,
    #[serde(default)]
    unassigned: bool,
    absent_worker: Option<bool>,
    property_id: Option<PropertyId>,
    from: Option<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
    completed_from: Option<DateTime<Utc>>,
    completed_before: Option<DateTime<Utc>>,
    updated_since: Option<DateTime<Utc>>,
    /// Words to search for.
    text: Option<String>,
    /// As people write it: `1042` or `#1042`.
    number: Option<String>,
    #[serde(default)]
    order: RequestOrder,
    size: Option<u32>,
    after: Option<Cursor>,
}

impl RequestParams {
    pub(super) fn read(self) -> Result<(RequestFilter, PageRequest), Invalid> {
        let filter = RequestFilter {
            renter_id: self.renter_id,
            assigned_worker_id: self.worker_id,
            unassigned: self.unassigned,
            absent_worker: self.absent_worker,
            complexes: all("complex_id", self.complex_id.as_deref())?,
            property_id: self.property_id,
            statuses: all("status", self.status.as_deref())?,
            priorities: all("priority", self.priority.as_deref())?,
            specialty: one("specialty", self.specialty.as_deref(), Specialty::new)?,
            whatsapp_status: self.whatsapp_status,
            created_from: self.from,
            created_before: self.before,
            completed_from: self.completed_from,
            completed_before: self.completed_before,
            updated_since: self.updated_since,
            text: one("text", self.text.as_deref(), SearchText::new)?,
            number: one("number", self.number.as_deref(), str::parse)?,
            order: self.order,
        };
        Ok((filter, page(self.size, self.after)))
    }
}

/// The values of a filter, or the rule that one of them breaks.
pub(super) fn all<T: FromStr<Err: Display>>(
    field: &'static str,
    values: Option<&str>,
) -> Result<Vec<T>, Invalid> {
    let values = values.into_iter().flat_map(|all| all.split(',')).map(str::parse);
    values.collect::<Result<_, T::Err>>().map_err(|rule| Invalid::field(field, rule.to_string()))
}

/// The value of a filter, or the rule that it breaks.
fn one<T, E: Display>(
    field: &'static str,
    value: Option<&str>,
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Invalid> {
    value.map(read).transpose().map_err(|rule| Invalid::field(field, rule.to_string()))
}

/// The page that the query asks for.
pub(super) fn page(size: Option<u32>, after: Option<Cursor>) -> PageRequest {
    let default = PageRequest::default();
    PageRequest { size: size.unwrap_or(default.size), after }
}

/// An assignment by that actor, with the note if there is one.
pub(super) fn assign_by(by: Actor, note: Option<String>) -> Assign {
    note.into_iter().fold(Assign::by(by), Assign::note)
}
