//! The host's tables in PostgreSQL.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use maintenance_core::{
    ComplexId, Directory, DirectoryError, FORGOTTEN, Forgotten, Invalid, NewRequest, NewWorker,
    OrganizationId, PropertyId, RenterContact, RenterId, RequestId, Submission, Submitted, Worker, WorkerId,
};
use maintenance_sqlx::postgres::{PgRepository, migrate};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

use super::{
    Home, Intake, Role, Tables, User, added, both, contacts, migrator, not_migrated, not_noted,
    statements::{
        ADD_COMPLEX, ADD_INTAKE, ADD_PROPERTY, ADD_RENTER, ADD_USER, ADD_USER_COMPLEX, COMPLEX_OF,
        FORGET_CONTACT, FORGET_REFERENCES, HAS_COMPLEX, HAS_RENTERS, HOME, INTAKE, USER, USER_COMPLEXES,
    },
};
use crate::axum_host::{Engine, StartError, Store, demo::Household, problem::Problem};

/// How long a caller waits for a connection before they get a 503.
const PATIENCE: Duration = Duration::from_secs(5);

const CONTACTS: &str = "
    select r.id, r.name, r.phone_number
      from renters r
      join users u on u.id = r.id
     where u.organization_id = $1 and r.id = any ($2)";

pub(super) struct PgTables {
    pool: PgPool,
    repository: PgRepository<'static>,
}

impl PgTables {
    pub(super) async fn open(url: &str) -> Result<Self, StartError> {
        // No ping at every acquire: a connection that the server closed is found out by its next statement.
        let options = PgPoolOptions::new().test_before_acquire(false).acquire_timeout(PATIENCE);
        // After a minute the server ends the session of a host that has died, and releases its locks.
        let keepalives =
            [("tcp_keepalives_idle", "30"), ("tcp_keepalives_interval", "10"), ("tcp_keepalives_count", "3")];
        let server: PgConnectOptions = url.parse().map_err(|error: sqlx::Error| {
            let remedy = "it must look like postgres://user:password@host:5432/database";
            StartError::caused("DATABASE_URL can't be read", &error, remedy)
        })?;
        let place = format!("{}:{}", server.get_host(), server.get_port());
        let pool = options.connect_with(server.options(keepalives)).await.map_err(|error| {
            let remedy = "check that it runs, and the host, user, password and database in DATABASE_URL";
            match error {
                sqlx::Error::PoolTimedOut => StartError::new(format!(
                    "the PostgreSQL server at {place} took no connection within {PATIENCE:?}; {remedy}"
                )),
                error => {
                    let what = format!("the PostgreSQL server at {place} refused the connection");
                    StartError::caused(&what, &error, remedy)
                }
            }
        })?;
        migrate(&pool).await.map_err(|error| not_migrated("the engine's", &error))?;
        let migrator = migrator(include_str!("../migrations/postgres.sql"));
        migrator.run(&pool).await.map_err(|error| not_migrated("the host's", &error))?;
        Ok(Self { repository: PgRepository::new(pool.clone()), pool })
    }
}

#[async_trait]
impl Directory for PgTables {
    async fn complex_of(
        &self,
        organization: OrganizationId,
        property: PropertyId,
    ) -> Result<Option<ComplexId>, DirectoryError> {
        let query = sqlx::query_scalar(COMPLEX_OF).bind(organization.uuid()).bind(property.uuid());
        let complex: Option<Uuid> = query.fetch_optional(&self.pool).await.map_err(DirectoryError::new)?;
        Ok(complex.map(Into::into))
    }

    async fn contacts(
        &self,
        organization: OrganizationId,
        renters: &[RenterId],
    ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError> {
        let ids: Vec<Uuid> = renters.iter().map(|renter| renter.uuid()).collect();
        let query = sqlx::query_as(CONTACTS).bind(organization.uuid()).bind(ids);
        let rows: Vec<(Uuid, String, String)> =
            query.fetch_all(&self.pool).await.map_err(DirectoryError::new)?;
        Ok(contacts(rows))
    }
}

#[async_trait]
impl Tables for PgTables {
    fn repository(&self) -> Store {
        Arc::new(self.repository.clone())
    }

    async fn user(&self, id: Uuid) -> Result<Option<User>, sqlx::Error> {
        let row = sqlx::query_as(USER).bind(id).fetch_optional(&self.pool).await?;
        let Some((organization, role)): Option<(Uuid, String)> = row else { return Ok(None) };
        let complexes = sqlx::query_scalar(USER_COMPLEXES).bind(id).fetch_all(&self.pool).await?;
        let complexes = complexes.into_iter().map(|id: Uuid| id.into()).collect();
        Ok(Some(User { id, organization: organization.into(), role: Role::read(&role)?, complexes }))
    }

    async fn home(&self, of: OrganizationId, renter: RenterId) -> Result<Option<Home>, sqlx::Error> {
        let query = sqlx::query_as(HOME).bind(of.uuid()).bind(renter.uuid());
        let home: Option<(Uuid, Uuid)> = query.fetch_optional(&self.pool).await?;
        Ok(home.map(|(property, complex)| Home { property: property.into(), complex: complex.into() }))
    }

    async fn has_complex(&self, of: OrganizationId, complex: ComplexId) -> Result<bool, sqlx::Error> {
        let query = sqlx::query_scalar(HAS_COMPLEX).bind(of.uuid()).bind(complex.uuid());
        query.fetch_one(&self.pool).await
    }

    async fn file(
        &self,
        engine: &Engine,
        new: NewRequest,
        intake: Result<Intake, Invalid>,
    ) -> Result<Submitted, Problem> {
        let mut tx = self.pool.begin().await?;
        let filed = engine.within(PgRepository::in_transaction(&mut tx)).submit(new).await;
        let (filed, intake) = both(filed, intake)?;
        if let Submission::Filed(_) = filed.submission {
            let insert =
                sqlx::query(ADD_INTAKE).bind(filed.request.id.uuid()).bind(engine.organization().uuid());
            let insert = insert.bind(intake.reference).bind(intake.received_at);
            insert.execute(&mut *tx).await.map_err(not_noted)?;
        }
        tx.commit().await?;
        Ok(filed)
    }

    async fn intake(&self, request: RequestId) -> Result<Option<Intake>, sqlx::Error> {
        let row = sqlx::query_as(INTAKE).bind(request.uuid()).fetch_optional(&self.pool).await?;
        Ok(row.map(|(reference, received_at)| Intake { reference, received_at }))
    }

    async fn add_worker(&self, engine: &Engine, id: WorkerId, new: NewWorker) -> Result<Worker, Problem> {
        let mut tx = self.pool.begin().await?;
        let user = sqlx::query(ADD_USER).bind(id.uuid()).bind(engine.organization().uuid());
        added(user.bind(Role::Worker.as_str()).execute(&mut *tx).await?.rows_affected())?;
        let new = NewWorker { id: Some(id), ..new };
        let worker = engine.within(PgRepository::in_transaction(&mut tx)).add_worker(new).await?;
        tx.commit().await?;
        Ok(worker)
    }

    async fn forget(&self, engine: &Engine, renter: RenterId) -> Result<Forgotten, Problem> {
        let mut tx = self.pool.begin().await?;
        let forgotten = engine.within(PgRepository::in_transaction(&mut tx)).forget_renter(renter).await?;
        sqlx::query(FORGET_CONTACT).bind(renter.uuid()).bind(FORGOTTEN).execute(&mut *tx).await?;
        sqlx::query(FORGET_REFERENCES).bind(renter.uuid()).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    async fn has_renters(&self) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar(HAS_RENTERS).fetch_one(&self.pool).await
    }

    async fn seed(&self, households: &[Household], users: &[User]) -> Result<(), sqlx::Error> {
        let mut tx = self.pool.begin().await?;
        for home in households {
            let complex = sqlx::query(ADD_COMPLEX).bind(home.complex.uuid()).bind(home.organization.uuid());
            complex.bind(home.complex_name).execute(&mut *tx).await?;
            let property = sqlx::query(ADD_PROPERTY).bind(home.property.uuid()).bind(home.complex.uuid());
            property.bind(home.property_label).execute(&mut *tx).await?;
            let user = sqlx::query(ADD_USER).bind(home.renter.uuid()).bind(home.organization.uuid());
            user.bind(Role::Renter.as_str()).execute(&mut *tx).await?;
            let renter = sqlx::query(ADD_RENTER).bind(home.renter.uuid()).bind(home.property.uuid());
            renter.bind(home.renter_name).bind(home.renter_number).execute(&mut *tx).await?;
        }
        for user in users {
            let row = sqlx::query(ADD_USER).bind(user.id).bind(user.organization.uuid());
            row.bind(user.role.as_str()).execute(&mut *tx).await?;
            for &complex in &user.complexes {
                let row = sqlx::query(ADD_USER_COMPLEX).bind(user.id).bind(complex.uuid());
                row.execute(&mut *tx).await?;
            }
        }
        tx.commit().await
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
