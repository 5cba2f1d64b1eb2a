//! The host's tables in an SQLite file.

use std::{collections::HashMap, str::FromStr as _, sync::Arc};

use async_trait::async_trait;
use maintenance_core::{
    ComplexId, Directory, DirectoryError, Invalid, NewRequest, OrganizationId, PropertyId, RenterContact,
    RenterId, Repository, RequestId, Submission, Submitted,
};
use maintenance_sqlx::sqlite::{SqliteRepository, migrate, open_with};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use uuid::{Uuid, fmt::Hyphenated};

use super::{
    ADD_COMPLEX, ADD_INTAKE, ADD_PROPERTY, ADD_RENTER, COMPLEX_OF, HAS_COMPLEX, HAS_RENTERS, HOME, Home,
    INTAKE, Intake, Tables, both, contacts, migrator, not_migrated, not_noted,
};
use crate::axum_host::{Engine, StartError, demo::Household, problem::Problem};

const CONTACTS: &str =
    "select id, name, phone_number from renters where id in (select value from json_each($1))";

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
        _: OrganizationId,
        property: PropertyId,
    ) -> Result<Option<ComplexId>, DirectoryError> {
        let query = sqlx::query_scalar(COMPLEX_OF).bind(text(property));
        let complex: Option<Hyphenated> =
            query.fetch_optional(&self.pool).await.map_err(DirectoryError::new)?;
        Ok(complex.map(|complex| complex.into_uuid().into()))
    }

    async fn contacts(
        &self,
        _: OrganizationId,
        renters: &[RenterId],
    ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError> {
        let ids = serde_json::to_string(renters).map_err(DirectoryError::new)?;
        let query = sqlx::query_as(CONTACTS).bind(ids);
        let rows: Vec<(Hyphenated, String, String)> =
            query.fetch_all(&self.pool).await.map_err(DirectoryError::new)?;
        Ok(contacts(rows.into_iter().map(|(id, name, number)| (id.into_uuid(), name, number))))
    }
}

#[async_trait]
impl Tables for SqliteTables {
    fn repository(&self) -> Arc<dyn Repository> {
        Arc::new(self.repository.clone())
    }

    async fn home(&self, renter: RenterId) -> Result<Option<Home>, sqlx::Error> {
        let query = sqlx::query_as(HOME).bind(text(renter));
        let home: Option<(Hyphenated, Hyphenated)> = query.fetch_optional(&self.pool).await?;
        Ok(home.map(|(property, complex)| Home {
            property: property.into_uuid().into(),
            complex: complex.into_uuid().into(),
        }))
    }

    async fn has_complex(&self, complex: ComplexId) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar(HAS_COMPLEX).bind(text(complex)).fetch_one(&self.pool).await
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
            let insert = sqlx::query(ADD_INTAKE).bind(text(filed.request.id));
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

    async fn has_renters(&self) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar(HAS_RENTERS).fetch_one(&self.pool).await
    }

    async fn seed(&self, households: &[Household]) -> Result<(), sqlx::Error> {
        let mut tx = self.pool.begin_with("begin immediate").await?;
        for home in households {
            let complex = sqlx::query(ADD_COMPLEX).bind(text(home.complex)).bind(home.complex_name);
            complex.execute(&mut *tx).await?;
            let property = sqlx::query(ADD_PROPERTY).bind(text(home.property)).bind(text(home.complex));
            property.bind(home.property_label).execute(&mut *tx).await?;
            let renter = sqlx::query(ADD_RENTER).bind(text(home.renter)).bind(text(home.property));
            renter.bind(home.renter_name).bind(home.renter_number).execute(&mut *tx).await?;
        }
        tx.commit().await
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
