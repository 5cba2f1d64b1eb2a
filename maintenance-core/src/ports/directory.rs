//! The port to the host's own tables.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;

use super::repository_error::BoxError;
use crate::{
    model::{Place, RenterContact},
    values::{ComplexId, PropertyId, RenterId},
};

/// The host's data that the engine needs and doesn't keep. The host implements it over its own tables.
///
/// It is never asked inside the host's open transaction ([`Maintenance::within`](crate::Maintenance::within)), so it
/// may take a connection from the same pool.
#[async_trait]
#[auto_impl::auto_impl(&, Box, Arc)]
pub trait Directory: Send + Sync {
    /// The complex of a property; `None` when there is no such property. Asked once per submit that doesn't bring the
    /// complex itself.
    async fn complex_of(&self, property: PropertyId) -> Result<Option<ComplexId>, DirectoryError>;

    /// The complexes of these properties; one that doesn't exist is left out. Asked once per batch of requests.
    /// Unless a host has something faster, each is asked for alone.
    async fn complexes_of(
        &self,
        properties: &[PropertyId],
    ) -> Result<HashMap<PropertyId, ComplexId>, DirectoryError> {
        let mut complexes = HashMap::new();
        for property in properties {
            if let Some(complex) = self.complex_of(*property).await? {
                complexes.insert(*property, complex);
            }
        }
        Ok(complexes)
    }

    /// Where these properties are; one that isn't known is left out. Asked once per batch of messages. Unless a host
    /// implements it, a message names no building.
    async fn places(&self, properties: &[PropertyId]) -> Result<HashMap<PropertyId, Place>, DirectoryError> {
        let _ = properties;
        Ok(HashMap::new())
    }

    /// How to reach these renters; one who is unknown is left out. Asked once per batch of messages, so that
    /// names and numbers are as fresh as they can be.
    async fn contacts(
        &self,
        renters: &[RenterId],
    ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError>;
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
