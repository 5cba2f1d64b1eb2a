//! The host's own tables, on either database, and its queries on them.
//!
//! The SQL that both databases share is here; the implementations differ in how they keep an id.

mod postgres;
mod sqlite;

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::{
    ComplexId, Directory, Error, Invalid, Name, NewRequest, PhoneNumber, PropertyId, RenterContact, RenterId,
    Repository, RequestId, Submitted,
};
use serde::Serialize;
use sqlx::{
    SqlStr,
    migrate::{Migration, MigrationType, Migrator},
};
use uuid::Uuid;

use super::{Engine, StartError, demo::Household, problem::Problem};

/// The host's queries. The engine uses the same tables as its [`Directory`].
#[async_trait]
pub(super) trait Tables: Directory {
    /// The engine's store in the same database.
    fn repository(&self) -> Arc<dyn Repository>;

    /// Where a renter lives; `None` when there is no such renter.
    async fn home(&self, renter: RenterId) -> Result<Option<Home>, sqlx::Error>;

    /// Whether there is such a complex.
    async fn has_complex(&self, complex: ComplexId) -> Result<bool, sqlx::Error>;

    /// Files a request and the host's row about it in one transaction: both, or neither. The request must
    /// carry its complex, since nothing may take another connection of the pool while the transaction is
    /// open.
    async fn file(
        &self,
        engine: &Engine,
        new: NewRequest,
        intake: Result<Intake, Invalid>,
    ) -> Result<Submitted, Problem>;

    /// The host's row about a request.
    async fn intake(&self, request: RequestId) -> Result<Option<Intake>, sqlx::Error>;

    /// Whether there is any renter.
    async fn has_renters(&self) -> Result<bool, sqlx::Error>;

    /// Adds those of these complexes, properties and renters that are missing.
    async fn seed(&self, households: &[Household]) -> Result<(), sqlx::Error>;

    /// Closes the pool, once nothing uses it any more.
    async fn close(&self);
}

/// Where a renter lives.
pub(super) struct Home {
    pub(super) property: PropertyId,
    pub(super) complex: ComplexId,
}

/// What the host notes of a request when it takes it in.
#[derive(Clone, Serialize)]
pub(super) struct Intake {
    /// The number in the renter's own papers; each is used once.
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

const HAS_COMPLEX: &str = "select count(*) > 0 from complexes where id = $1";
const COMPLEX_OF: &str = "select complex_id from properties where id = $1";
const HOME: &str = "
    select r.property_id, p.complex_id
      from renters r
      join properties p on p.id = r.property_id
     where r.id = $1";
const INTAKE: &str = "select reference, received_at from intake where request_id = $1";
const ADD_INTAKE: &str = "insert into intake (request_id, reference, received_at) values ($1, $2, $3)";
const HAS_RENTERS: &str = "select count(*) > 0 from renters";
const ADD_COMPLEX: &str = "insert into complexes (id, name) values ($1, $2) on conflict do nothing";
const ADD_PROPERTY: &str =
    "insert into properties (id, complex_id, label) values ($1, $2, $3) on conflict do nothing";
const ADD_RENTER: &str = "insert into renters (id, property_id, name, phone_number) values ($1, $2, $3, $4) on conflict do nothing";

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
        contacts.insert(renter.into(), RenterContact { name, phone_number });
    }
    contacts
}
