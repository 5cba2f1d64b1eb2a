//! Who the caller is.
//!
//! **A real host authenticates here**, by a session or a signed token. This example believes the header
//! `x-user: renter:<uuid>` (or `worker:`, `landlord:`), so anybody can claim to be anybody. The engine never
//! authenticates: the host says who the caller is, and the engine decides what they may do.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use maintenance_core::{Actor, RenterId, UserId, WorkerId};
use uuid::Uuid;

use super::problem::Problem;

/// A renter who calls.
pub(super) struct Renter(pub(super) RenterId);
/// A worker who calls.
pub(super) struct Worker(pub(super) WorkerId);
/// A landlord who calls.
pub(super) struct Landlord(pub(super) UserId);

fn caller(parts: &Parts) -> Result<Actor, Problem> {
    let header = parts.headers.get("x-user").and_then(|value| value.to_str().ok());
    let (role, id) = header.and_then(|user| user.split_once(':')).unwrap_or_default();
    match (role, id.parse::<Uuid>()) {
        ("renter", Ok(id)) => Ok(Actor::Renter(id.into())),
        ("worker", Ok(id)) => Ok(Actor::Worker(id.into())),
        ("landlord", Ok(id)) => Ok(Actor::Landlord(id.into())),
        _ => Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "who-are-you",
            "say who you are: x-user: renter:<uuid>, worker:<uuid> or landlord:<uuid>",
        )),
    }
}

fn only(who: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "not-allowed", format!("only {who} may do this"))
}

impl<S: Sync> FromRequestParts<S> for Renter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match caller(parts)? {
            Actor::Renter(id) => Ok(Self(id)),
            _ => Err(only("a renter")),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Worker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match caller(parts)? {
            Actor::Worker(id) => Ok(Self(id)),
            _ => Err(only("a worker")),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Landlord {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match caller(parts)? {
            Actor::Landlord(id) => Ok(Self(id)),
            _ => Err(only("a landlord")),
        }
    }
}
