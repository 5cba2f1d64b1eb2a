//! Who the caller is, and what the engine is to them.
//!
//! **A real host authenticates here**, by a session or a signed token. This example believes the header
//! `x-user: <uuid>`, so anybody can claim to be anybody. The host's table of users says what they are, and for which
//! organisation; no organisation is ever taken from what a client sends. The engine never authenticates: the host says
//! who the caller is, and the engine decides what they may do.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use maintenance_core::{ActingAs, Actor, Viewer};
use uuid::Uuid;

use super::{
    App, Engine, Store,
    problem::Problem,
    tables::{Role, User},
};

/// A user who calls. A handler has no other engine than theirs, so it can't reach another organisation's data.
pub(super) struct Caller {
    pub(super) id: Uuid,
    pub(super) actor: Actor,
    /// What they may see and do: a handler can pass on whatever they send.
    pub(super) theirs: ActingAs<Store>,
    /// All of their organisation, for what the host itself has checked.
    pub(super) engine: Engine,
}

/// A renter who calls.
pub(super) struct Renter(pub(super) Caller);
/// A worker who calls.
pub(super) struct Worker(pub(super) Caller);
/// A landlord who calls, be it of some complexes.
pub(super) struct Landlord(pub(super) Caller);
/// A landlord of the whole organisation who calls.
pub(super) struct Owner(pub(super) Caller);

impl Caller {
    /// The user who calls, if they have one of these roles.
    async fn with(parts: &Parts, app: &App, roles: &[Role], who: &str) -> Result<Self, Problem> {
        let header = parts.headers.get("x-user").and_then(|value| value.to_str().ok());
        let id: Option<Uuid> = header.and_then(|id| id.parse().ok());
        let user = match id {
            Some(id) => app.tables.user(id).await?,
            None => None,
        };
        let User { id, organization, role, complexes } = user.ok_or_else(unknown)?;
        if !roles.contains(&role) {
            let told = format!("only {who} may do this");
            return Err(Problem::new(StatusCode::FORBIDDEN, "not-allowed", told));
        }
        let viewer = match role {
            Role::Renter => Actor::Renter(id.into()).into(),
            Role::Worker => Actor::Worker(id.into()).into(),
            Role::Landlord => Actor::Landlord(id.into()).into(),
            Role::Assistant => Viewer::landlord_of(id.into(), complexes),
        };
        let engine = app.engine.of(organization);
        Ok(Self { id, actor: viewer.actor(), theirs: engine.acting_as(viewer), engine })
    }
}

fn unknown() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "who-are-you", "say who you are: x-user: <the uuid of a user>")
}

impl FromRequestParts<App> for Renter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Caller::with(parts, app, &[Role::Renter], "a renter").await.map(Self)
    }
}

impl FromRequestParts<App> for Worker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Caller::with(parts, app, &[Role::Worker], "a worker").await.map(Self)
    }
}

impl FromRequestParts<App> for Landlord {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Caller::with(parts, app, &[Role::Landlord, Role::Assistant], "a landlord").await.map(Self)
    }
}

impl FromRequestParts<App> for Owner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Caller::with(parts, app, &[Role::Landlord], "a landlord of all complexes").await.map(Self)
    }
}
