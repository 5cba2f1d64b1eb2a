//! The host's own tables, on either database, and its queries on them.
//!
//! The implementations differ in how they keep an id; the SQL that both share is in `statements.rs`.

mod postgres;
mod sqlite;
mod statements;

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    ComplexId, Directory, Error, Forgotten, Invalid, Name, NewRequest, NewWorker, OrganizationId,
    PhoneNumber, PropertyId, RenterContact, RenterId, RequestId, Submitted, Worker, WorkerId,
};
use serde::Serialize;
use sqlx::{
    SqlStr,
    migrate::{Migration, MigrationType, Migrator},
};
use uuid::Uuid;

use super::{Engine, StartError, Store, demo::Household, problem::Problem};

/// The host's queries. The engine uses the same tables as its [`Directory`]. Where an organisation is given, what belongs
/// to another is unknown.
#[async_trait]
pub(super) trait Tables: Directory {
    /// The engine's store in the same database.
    fn repository(&self) -> Store;

    /// The user of that id.
    async fn user(&self, id: Uuid) -> Result<Option<User>, sqlx::Error>;

    /// Where a renter lives; `None` when the organisation has no such renter.
    async fn home(&self, of: OrganizationId, renter: RenterId) -> Result<Option<Home>, sqlx::Error>;

    /// Whether the organisation has such a complex.
    async fn has_complex(&self, of: OrganizationId, complex: ComplexId) -> Result<bool, sqlx::Error>;

    /// Files a request and the host's row about it in one transaction: both, or neither. The request must
    /// carry its complex, since nothing may take another connection of the pool while the transaction is
    /// open.
    async fn file(
        &self,
        engine: &Engine,
        new: NewRequest,
        intake: Result<Intake, Invalid>,
    ) -> Result<Submitted, Problem>;

    /// The host's row about a request that the engine has found for the caller.
    async fn intake(&self, request: RequestId) -> Result<Option<Intake>, sqlx::Error>;

    /// Adds a worker and their user, both of that id, in one transaction.
    async fn add_worker(&self, engine: &Engine, id: WorkerId, new: NewWorker) -> Result<Worker, Problem>;

    /// Has the engine forget a renter, and forgets their name, number and references, in one transaction.
    async fn forget(&self, engine: &Engine, renter: RenterId) -> Result<Forgotten, Problem>;

    /// Whether there is any renter.
    async fn has_renters(&self) -> Result<bool, sqlx::Error>;

    /// Adds what is missing of these complexes, properties and renters, and then of these users.
    async fn seed(&self, households: &[Household], users: &[User]) -> Result<(), sqlx::Error>;

    /// Closes the pool, once nothing uses it any more.
    async fn close(&self);
}

/// Somebody who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) id: Uuid,
    pub(super) organization: OrganizationId,
    pub(super) role: Role,
    /// The complexes of an assistant; nobody else has any.
    pub(super) complexes: Vec<ComplexId>,
}

/// What a user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Renter,
    Worker,
    /// Of the whole organisation.
    Landlord,
    /// A landlord of some complexes alone.
    Assistant,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Renter => "renter",
            Self::Worker => "worker",
            Self::Landlord => "landlord",
            Self::Assistant => "assistant",
        }
    }

    fn read(text: &str) -> Result<Self, sqlx::Error> {
        let all = [Self::Renter, Self::Worker, Self::Landlord, Self::Assistant];
        let role = all.into_iter().find(|role| role.as_str() == text);
        role.ok_or_else(|| sqlx::Error::Decode("users.role must be a role".into()))
    }
}

/// Where a renter lives.
pub(super) struct Home {
    pub(super) property: PropertyId,
    pub(super) complex: ComplexId,
}

/// What the host notes of a request when it takes it in.
#[derive(Clone, Serialize)]
pub(super) struct Intake {
    /// The number in the renter's own papers; an organisation has each once.
    pub(super) reference: Option<String>,
    pub(super) received_at: DateTime<Utc>,
}

/// Connects to that database and brings both sets of tables up to date: the engine's first, since the host's
/// refer to them.
pub(super) async fn open(url: &str) -> Result<Arc<dyn Tables>, StartError> {
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("postgres" | "postgresql") => Ok(Arc::new(postgres::PgTables::open(url).await?)),
        Some("sqlite") if !url.contains(":memory:") => Ok(Arc::new(sqlite::SqliteTables::open(url).await?)),
        // Not quoted, since it may hold a password.
        _ => Err(StartError::new(
            "DATABASE_URL must begin with postgres:// or name a file, for example sqlite:axum-host.sqlite",
        )),
    }
}

/// Tables that could not be brought up to date.
fn not_migrated(whose: &str, error: &dyn std::error::Error) -> StartError {
    let what = format!("{whose} tables can't be brought up to date");
    StartError::caused(&what, error, "use a database and a role in which they may be created")
}

/// The host's migrations, in sqlx's usual table. The engine keeps its own in another, so both can have a
/// version 1.
fn migrator(first: &'static str) -> Migrator {
    let sql = SqlStr::from_static(first);
    Migrator::with_migrations(vec![Migration::new(1, "host".into(), MigrationType::Simple, sql, false)])
}

/// What the engine filed and the host's row about it; or everything that either found wrong.
fn both(
    filed: Result<Submitted, Error>,
    intake: Result<Intake, Invalid>,
) -> Result<(Submitted, Intake), Problem> {
    match (filed, intake) {
        (Ok(filed), Ok(intake)) => Ok((filed, intake)),
        (Err(Error::Invalid(mut engine)), Err(host)) => {
            engine.fields.extend(host.fields);
            Err(Error::Invalid(engine).into())
        }
        (Err(error), _) => Err(error.into()),
        (Ok(_), Err(host)) => Err(Error::Invalid(host).into()),
    }
}

/// The problem when the host's row could not be written.
fn not_noted(error: sqlx::Error) -> Problem {
    if error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation) {
        Problem::conflict("reference-taken", "another request has this reference; use another")
    } else {
        error.into()
    }
}

/// The problem when no row was written for a new user: the id is somebody else's.
fn added(rows: u64) -> Result<(), Problem> {
    if rows > 0 {
        Ok(())
    } else {
        Err(Problem::conflict("id-taken", "another user has this id; use another"))
    }
}

/// The engine's form of these renters. A renter whose name is invalid is left out, and so is an invalid
/// number: the worker gets the message all the same.
fn contacts(rows: impl IntoIterator<Item = (Uuid, String, String)>) -> HashMap<RenterId, RenterContact> {
    let mut contacts = HashMap::new();
    for (renter, name, phone_number) in rows {
        let Ok(name) = Name::new(&name) else {
            tracing::warn!(%renter, "left out of a message: the renter's name is invalid");
            continue;
        };
        let phone_number = PhoneNumber::parse(&phone_number, None).ok();
        contacts.insert(renter.into(), RenterContact { name, phone_number, language: None });
    }
    contacts
}
