//! What a worker needs to find the place and reach the renter: the host's data, asked of its
//! [`Directory`](crate::Directory) when a message goes out, never stored by the engine.

use crate::values::{Language, Name, PhoneNumber, PlaceText};

/// How a worker reaches the renter, and the language of messages to the renter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenterContact {
    /// The renter's name.
    pub name: Name,
    /// The renter's number, if the host has one.
    pub phone_number: Option<PhoneNumber>,
    /// The language in which messages to the renter are written, if the host knows it.
    pub language: Option<Language>,
}

/// Where a property is. What the host doesn't know stays `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The name of the complex or building.
    pub complex: Option<PlaceText>,
    /// The street address.
    pub address: Option<PlaceText>,
    /// The unit within it: a flat's number, a floor.
    pub unit: Option<PlaceText>,
}
