//! The host's own tables, as a test fills them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use maintenance_core::{
    ComplexId, Directory, DirectoryError, Name, PhoneNumber, Place, PropertyId, RenterContact, RenterId,
};

use crate::{ids::numbered, lock};

/// A directory of properties and renters. Clones share their tables.
#[derive(Debug, Clone, Default)]
pub struct TableDirectory(Arc<Mutex<Tables>>);

#[derive(Debug, Default)]
struct Tables {
    complexes: HashMap<PropertyId, ComplexId>,
    places: HashMap<PropertyId, Place>,
    renters: HashMap<RenterId, RenterContact>,
    failing: bool,
}

impl TableDirectory {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// The id of complex number `n`.
    pub fn complex(&self, n: u32) -> ComplexId {
        numbered(0xC0_0000_0000 + u64::from(n)).into()
    }

    /// Adds a property to complex number `n`.
    pub fn property(&self, n: u32) -> PropertyId {
        let complex = self.complex(n);
        let mut tables = lock(&self.0);
        let property = numbered(0xF0_0000_0000 + tables.complexes.len() as u64).into();
        tables.complexes.insert(property, complex);
        property
    }

    /// Says where a property is.
    pub fn set_place(&self, property: PropertyId, place: Place) {
        lock(&self.0).places.insert(property, place);
    }

    /// Adds a renter. A name that breaks its rule leaves a renter without contact, as if the directory didn't know
    /// them, and such a number a contact without one.
    pub fn renter(&self, name: &str, phone_number: &str) -> RenterId {
        let mut tables = lock(&self.0);
        let id = numbered(0xE0_0000_0000 + tables.renters.len() as u64).into();
        if let Ok(name) = Name::new(name) {
            let phone_number = PhoneNumber::parse(phone_number, None).ok();
            tables.renters.insert(id, RenterContact { name, phone_number });
        }
        id
    }

    /// Makes every answer an error, or no longer.
    pub fn set_failing(&self, failing: bool) {
        lock(&self.0).failing = failing;
    }

    fn tables<T>(&self, read: impl FnOnce(&Tables) -> T) -> Result<T, DirectoryError> {
        let tables = lock(&self.0);
        if tables.failing { Err(DirectoryError::new("set to fail")) } else { Ok(read(&tables)) }
    }
}

#[async_trait]
impl Directory for TableDirectory {
    async fn complex_of(&self, property: PropertyId) -> Result<Option<ComplexId>, DirectoryError> {
        self.tables(|tables| tables.complexes.get(&property).copied())
    }

    async fn places(&self, properties: &[PropertyId]) -> Result<HashMap<PropertyId, Place>, DirectoryError> {
        self.tables(|tables| {
            properties.iter().filter_map(|id| Some((*id, tables.places.get(id)?.clone()))).collect()
        })
    }

    async fn contacts(
        &self,
        renters: &[RenterId],
    ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError> {
        self.tables(|tables| {
            renters.iter().filter_map(|id| Some((*id, tables.renters.get(id)?.clone()))).collect()
        })
    }
}
