//! The port to the host's own tables.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;

use super::repository_error::BoxError;
use crate::{
    model::{Place, RenterContact},
    values::{ComplexId, Language, OrganizationId, PropertyId, RenterId, WorkerId},
};

/// The host's data that the engine needs and doesn't keep. The host implements it over its own tables.
///
/// Each question is one organisation's. A host with several must answer from that organisation's rows alone: an id of
/// another's is unknown. A host with one organisation is always asked for [`OrganizationId::NONE`], and can ignore it.
///
/// It is never asked inside the host's open transaction ([`Maintenance::within`](crate::Maintenance::within)), so it
/// may take a connection from the same pool.
#[async_trait]
#[auto_impl::auto_impl(&, Box, Arc)]
pub trait Directory: Send + Sync {
    /// The complex of a property; `None` when the organisation has no such property. Asked once per submit that doesn't
    /// bring the complex itself.
    async fn complex_of(
        &self,
        organization: OrganizationId,
        property: PropertyId,
    ) -> Result<Option<ComplexId>, DirectoryError>;

    /// The complexes of these properties; one that the organisation doesn't have is left out. Asked once per batch of requests.
    /// Unless a host has something faster, each is asked for alone.
    async fn complexes_of(
        &self,
        organization: OrganizationId,
        properties: &[PropertyId],
    ) -> Result<HashMap<PropertyId, ComplexId>, DirectoryError> {
        let mut complexes = HashMap::new();
        for property in properties {
            if let Some(complex) = self.complex_of(organization, *property).await? {
                complexes.insert(*property, complex);
            }
        }
        Ok(complexes)
    }

    /// Where these properties are; one that the organisation doesn't have is left out. Asked once per batch of messages
    /// and organisation. Unless a host implements it, a message names no building.
    async fn places(
        &self,
        organization: OrganizationId,
        properties: &[PropertyId],
    ) -> Result<HashMap<PropertyId, Place>, DirectoryError> {
        let _ = (organization, properties);
        Ok(HashMap::new())
    }

    /// How to reach these renters, and in which language. One whom the organisation doesn't have is left out. Asked once per
    /// batch of messages and organisation, so that names and numbers are as fresh as they can be.
    async fn contacts(
        &self,
        organization: OrganizationId,
        renters: &[RenterId],
    ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError>;

    /// The languages of these workers; one of whom nothing is known is left out. Asked once per batch of messages and
    /// organisation. Unless a host implements it, all are written to in the channel's own language.
    async fn languages(
        &self,
        organization: OrganizationId,
        workers: &[WorkerId],
    ) -> Result<HashMap<WorkerId, Language>, DirectoryError> {
        let _ = (organization, workers);
        Ok(HashMap::new())
    }
}

/// The host's directory could not answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the host's directory could not answer")]
pub struct DirectoryError(#[source] pub Arc<dyn std::error::Error + Send + Sync>);

impl DirectoryError {
    /// Wraps the host's own error.
    pub fn new(source: impl Into<BoxError>) -> Self {
        let source: BoxError = source.into();
        Self(source.into())
    }
}
