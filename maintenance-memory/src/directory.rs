//! The host's own tables, as a test fills them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use maintenance_core::{
    ComplexId, Directory, DirectoryError, Name, OrganizationId, PhoneNumber, Place, PropertyId,
    RenterContact, RenterId,
};
use uuid::Uuid;

use crate::{ids::numbered, lock};

/// A directory of properties and renters. Clones share their tables, and so do the views of several organisations.
#[derive(Debug, Clone, Default)]
pub struct TableDirectory {
    tables: Arc<Mutex<Tables>>,
    organization: OrganizationId,
}

#[derive(Debug, Default)]
struct Tables {
    complexes: HashMap<(OrganizationId, PropertyId), ComplexId>,
    places: HashMap<(OrganizationId, PropertyId), Place>,
    contacts: HashMap<(OrganizationId, RenterId), RenterContact>,
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

    /// The same directory, to add rows of that organisation; without it they are of none.
    #[must_use]
    pub fn of(&self, organization: OrganizationId) -> Self {
        Self { tables: Arc::clone(&self.tables), organization }
    }

    /// The id of complex number `n`.
    pub fn complex(&self, n: u32) -> ComplexId {
        numbered(0xC0_0000_0000 + u64::from(n)).into()
    }

    /// Adds a property of complex number `n`, under an id of the directory's.
    pub fn property(&self, n: u32) -> PropertyId {
        let property = lock(&self.tables).next_id(0xF0_0000_0000).into();
        self.set_complex(property, self.complex(n));
        property
    }

    /// Adds a renter under an id of the directory's, with a contact as by [`set_contact`](Self::set_contact).
    pub fn renter(&self, name: &str, phone_number: &str) -> RenterId {
        let renter = lock(&self.tables).next_id(0xE0_0000_0000).into();
        self.set_contact(renter, name, phone_number);
        renter
    }

    /// Says to which complex a property belongs, under ids of the host's own.
    pub fn set_complex(&self, property: PropertyId, complex: ComplexId) {
        lock(&self.tables).complexes.insert((self.organization, property), complex);
    }

    /// Says where a property is.
    pub fn set_place(&self, property: PropertyId, place: Place) {
        lock(&self.tables).places.insert((self.organization, property), place);
    }

    /// Says how to reach a renter, under an id of the host's own. A name that breaks its rule leaves them without
    /// a contact, as if the directory didn't know them; a number that breaks its rule leaves the contact without
    /// a number.
    pub fn set_contact(&self, renter: RenterId, name: &str, phone_number: &str) {
        let phone_number = PhoneNumber::parse(phone_number, None).ok();
        let contact = Name::new(name).ok().map(|name| RenterContact { name, phone_number, language: None });
        let mut tables = lock(&self.tables);
        tables.contacts.remove(&(self.organization, renter));
        tables.contacts.extend(contact.map(|contact| ((self.organization, renter), contact)));
    }

    /// Makes every answer an error, or lets them succeed again.
    pub fn set_failing(&self, failing: bool) {
        lock(&self.tables).failing = failing;
    }

    fn tables<T>(&self, read: impl FnOnce(&Tables) -> T) -> Result<T, DirectoryError> {
        let tables = lock(&self.tables);
        if tables.failing { Err(DirectoryError::new("set to fail")) } else { Ok(read(&tables)) }
    }
}

#[async_trait]
impl Directory for TableDirectory {
    async fn complex_of(
        &self,
        organization: OrganizationId,
        property: PropertyId,
    ) -> Result<Option<ComplexId>, DirectoryError> {
        self.tables(|tables| tables.complexes.get(&(organization, property)).copied())
    }

    async fn places(
        &self,
        organization: OrganizationId,
        properties: &[PropertyId],
    ) -> Result<HashMap<PropertyId, Place>, DirectoryError> {
        self.tables(|tables| {
            properties
                .iter()
                .filter_map(|id| Some((*id, tables.places.get(&(organization, *id))?.clone())))
                .collect()
        })
    }

    async fn contacts(
        &self,
        organization: OrganizationId,
        renters: &[RenterId],
    ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError> {
        self.tables(|tables| {
            renters
                .iter()
                .filter_map(|id| Some((*id, tables.contacts.get(&(organization, *id))?.clone())))
                .collect()
        })
    }
}
