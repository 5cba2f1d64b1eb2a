//! The host's tables in an SQLite file.

use std::{collections::HashMap, str::FromStr as _, sync::Arc};

use async_trait::async_trait;
use maintenance_core::{
    ComplexId, Directory, DirectoryError, FORGOTTEN, Forgotten, Invalid, NewRequest, NewWorker,
    OrganizationId, PropertyId, RenterContact, RenterId, RequestId, Submission, Submitted, Worker, WorkerId,
};
use maintenance_sqlx::sqlite::{SqliteRepository, migrate, open_with};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use uuid::{Uuid, fmt::Hyphenated};

use super::{
    Home, Intake, Role, Tables, User, added, both, contacts, migrator, not_migrated, not_noted,
    statements::{
        ADD_COMPLEX, ADD_INTAKE, ADD_PROPERTY, ADD_RENTER, ADD_USER, ADD_USER_COMPLEX, COMPLEX_OF,
        FORGET_CONTACT, FORGET_REFERENCES, HAS_COMPLEX, HAS_RENTERS, HOME, INTAKE, USER, USER_COMPLEXES,
    },
};
use crate::axum_host::{Engine, StartError, Store, demo::Household, problem::Problem};

const CONTACTS: &str = "
    select r.id, r.name, r.phone_number
      from renters r
      join users u on u.id = r.id
     where u.organization_id = $1 and r.id in (select value from json_each($2))";

pub(super) struct SqliteTables {
    pool: SqlitePool,
    repository: SqliteRepository<'static>,
}

impl SqliteTables {
    pub(super) async fn open(url: &str) -> Result<Self, StartError> {
        let options = SqliteConnectOptions::from_str(url).map_err(|error| {
            let remedy = "it must name a file, for example sqlite:axum-host.sqlite";
            StartError::caused("DATABASE_URL can't be read", &error, remedy)
        })?;
        let file = options.get_filename().display().to_string();
        let pool = open_with(options.create_if_missing(true)).await.map_err(|error| {
            let what = format!("the database file {file} can't be opened");
            StartError::caused(&what, &error, "name a file in a folder that exists and may be written")
        })?;
        migrate(&pool).await.map_err(|error| not_migrated("the engine's", &error))?;
        let migrator = migrator(include_str!("../migrations/sqlite.sql"));
        migrator.run(&pool).await.map_err(|error| not_migrated("the host's", &error))?;
        Ok(Self { repository: SqliteRepository::new(pool.clone()), pool })
    }
}

fn text(id: impl Into<Uuid>) -> Hyphenated {
    id.into().hyphenated()
}

#[async_trait]
impl Directory for SqliteTables {
    async fn complex_of(
        &self,
        organization: OrganizationId,
        property: PropertyId,
    ) -> Result<Option<ComplexId>, DirectoryError> {
        let query = sqlx::query_scalar(COMPLEX_OF).bind(text(organization)).bind(text(property));
        let complex: Option<Hyphenated> =
            query.fetch_optional(&self.pool).await.map_err(DirectoryError::new)?;
        Ok(complex.map(|complex| complex.into_uuid().into()))
    }

    async fn contacts(
        &self,
        organization: OrganizationId,
        renters: &[RenterId],
    ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError> {
        let ids = serde_json::to_string(renters).map_err(DirectoryError::new)?;
        let query = sqlx::query_as(CONTACTS).bind(text(organization)).bind(ids);
        let rows: Vec<(Hyphenated, String, String)> =
            query.fetch_all(&self.pool).await.map_err(DirectoryError::new)?;
        Ok(contacts(rows.into_iter().map(|(id, name, number)| (id.into_uuid(), name, number))))
    }
}

#[async_trait]
impl Tables for SqliteTables {
    fn repository(&self) -> Store {
        Arc::new(self.repository.clone())
    }

    async fn user(&self, id: Uuid) -> Result<Option<User>, sqlx::Error> {
        let row = sqlx::query_as(USER).bind(text(id)).fetch_optional(&self.pool).await?;
        let Some((organization, role)): Option<(Hyphenated, String)> = row else { return Ok(None) };
        let complexes = sqlx::query_scalar(USER_COMPLEXES).bind(text(id)).fetch_all(&self.pool).await?;
        let complexes = complexes.into_iter().map(|id: Hyphenated| id.into_uuid().into()).collect();
        let (organization, role) = (organization.into_uuid().into(), Role::read(&role)?);
        Ok(Some(User { id, organization, role, complexes }))
    }

    async fn home(&self, of: OrganizationId, renter: RenterId) -> Result<Option<Home>, sqlx::Error> {
        let query = sqlx::query_as(HOME).bind(text(of)).bind(text(renter));
        let home: Option<(Hyphenated, Hyphenated)> = query.fetch_optional(&self.pool).await?;
        Ok(home.map(|(property, complex)| Home {
            property: property.into_uuid().into(),
            complex: complex.into_uuid().into(),
        }))
    }

    async fn has_complex(&self, of: OrganizationId, complex: ComplexId) -> Result<bool, sqlx::Error> {
        let query = sqlx::query_scalar(HAS_COMPLEX).bind(text(of)).bind(text(complex));
        query.fetch_one(&self.pool).await
    }

    async fn file(
        &self,
        engine: &Engine,
        new: NewRequest,
        intake: Result<Intake, Invalid>,
    ) -> Result<Submitted, Problem> {
        // Takes the write lock at once: a transaction that first reads and then writes fails if another one
        // wrote in between.
        let mut tx = self.pool.begin_with("begin immediate").await?;
        let filed = engine.within(SqliteRepository::in_transaction(&mut tx)).submit(new).await;
        let (filed, intake) = both(filed, intake)?;
        if let Submission::Filed(_) = filed.submission {
            let insert =
                sqlx::query(ADD_INTAKE).bind(text(filed.request.id)).bind(text(engine.organization()));
            let insert = insert.bind(intake.reference).bind(intake.received_at);
            insert.execute(&mut *tx).await.map_err(not_noted)?;
        }
        tx.commit().await?;
        Ok(filed)
    }

    async fn intake(&self, request: RequestId) -> Result<Option<Intake>, sqlx::Error> {
        let row = sqlx::query_as(INTAKE).bind(text(request)).fetch_optional(&self.pool).await?;
        Ok(row.map(|(reference, received_at)| Intake { reference, received_at }))
    }

    async fn add_worker(&self, engine: &Engine, id: WorkerId, new: NewWorker) -> Result<Worker, Problem> {
        let mut tx = self.pool.begin_with("begin immediate").await?;
        let user = sqlx::query(ADD_USER).bind(text(id)).bind(text(engine.organization()));
        added(user.bind(Role::Worker.as_str()).execute(&mut *tx).await?.rows_affected())?;
        let new = NewWorker { id: Some(id), ..new };
        let worker = engine.within(SqliteRepository::in_transaction(&mut tx)).add_worker(new).await?;
        tx.commit().await?;
        Ok(worker)
    }

    async fn forget(&self, engine: &Engine, renter: RenterId) -> Result<Forgotten, Problem> {
        let mut tx = self.pool.begin_with("begin immediate").await?;
        let forgotten =
            engine.within(SqliteRepository::in_transaction(&mut tx)).forget_renter(renter).await?;
        sqlx::query(FORGET_CONTACT).bind(text(renter)).bind(FORGOTTEN).execute(&mut *tx).await?;
        sqlx::query(FORGET_REFERENCES).bind(text(renter)).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    async fn has_renters(&self) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar(HAS_RENTERS).fetch_one(&self.pool).await
    }

    async fn seed(&self, households: &[Household], users: &[User]) -> Result<(), sqlx::Error> {
        let mut tx = self.pool.begin_with("begin immediate").await?;
        for home in households {
            let complex = sqlx::query(ADD_COMPLEX).bind(text(home.complex)).bind(text(home.organization));
            complex.bind(home.complex_name).execute(&mut *tx).await?;
            let property = sqlx::query(ADD_PROPERTY).bind(text(home.property)).bind(text(home.complex));
            property.bind(home.property_label).execute(&mut *tx).await?;
            let user = sqlx::query(ADD_USER).bind(text(home.renter)).bind(text(home.organization));
            user.bind(Role::Renter.as_str()).execute(&mut *tx).await?;
            let renter = sqlx::query(ADD_RENTER).bind(text(home.renter)).bind(text(home.property));
            renter.bind(home.renter_name).bind(home.renter_number).execute(&mut *tx).await?;
        }
        for user in users {
            let row = sqlx::query(ADD_USER).bind(text(user.id)).bind(text(user.organization));
            row.bind(user.role.as_str()).execute(&mut *tx).await?;
            for &complex in &user.complexes {
                let row = sqlx::query(ADD_USER_COMPLEX).bind(text(user.id)).bind(text(complex));
                row.execute(&mut *tx).await?;
            }
        }
        tx.commit().await
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
