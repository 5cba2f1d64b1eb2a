//! The host's own tables, as a test fills them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use maintenance_core::{
    ComplexId, Directory, DirectoryError, Name, PhoneNumber, Place, PropertyId, RenterContact, RenterId,
};
use uuid::Uuid;

use crate::{ids::numbered, lock};

/// A directory of properties and renters. Clones share their tables.
#[derive(Debug, Clone, Default)]
pub struct TableDirectory(Arc<Mutex<Tables>>);

#[derive(Debug, Default)]
struct Tables {
    complexes: HashMap<PropertyId, ComplexId>,
    places: HashMap<PropertyId, Place>,
    contacts: HashMap<RenterId, RenterContact>,
    /// How many ids were given out by number.
    numbered: u64,
    failing: bool,
}

impl Tables {
    fn next_id(&mut self, base: u64) -> Uuid {
        self.numbered += 1;
        numbered(base + self.numbered)
    }
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

    /// Adds a property of complex number `n`, under an id of the directory's.
    pub fn property(&self, n: u32) -> PropertyId {
        let property = lock(&self.0).next_id(0xF0_0000_0000).into();
        self.set_complex(property, self.complex(n));
        property
    }

    /// Adds a renter under an id of the directory's, with a contact as by [`set_contact`](Self::set_contact).
    pub fn renter(&self, name: &str, phone_number: &str) -> RenterId {
        let renter = lock(&self.0).next_id(0xE0_0000_0000).into();
        self.set_contact(renter, name, phone_number);
        renter
    }

    /// Says to which complex a property belongs, under ids of the host's own.
    pub fn set_complex(&self, property: PropertyId, complex: ComplexId) {
        lock(&self.0).complexes.insert(property, complex);
    }

    /// Says where a property is.
    pub fn set_place(&self, property: PropertyId, place: Place) {
        lock(&self.0).places.insert(property, place);
    }

    /// Says how to reach a renter, under an id of the host's own. A name that breaks its rule leaves them without
    /// a contact, as if the directory didn't know them; a number that breaks its rule leaves the contact without
    /// a number.
    pub fn set_contact(&self, renter: RenterId, name: &str, phone_number: &str) {
        let phone_number = PhoneNumber::parse(phone_number, None).ok();
        let contact = Name::new(name).ok().map(|name| RenterContact { name, phone_number });
        let mut tables = lock(&self.0);
        tables.contacts.remove(&renter);
        tables.contacts.extend(contact.map(|contact| (renter, contact)));
    }

    /// Makes every answer an error, or lets them succeed again.
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
            renters.iter().filter_map(|id| Some((*id, tables.contacts.get(id)?.clone()))).collect()
        })
    }
}
