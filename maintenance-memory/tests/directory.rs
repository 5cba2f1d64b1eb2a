//! The directory knows the host's own ids and those that it gives out.

use maintenance_core::{ComplexId, Directory as _, OrganizationId, PropertyId, RenterId};
use maintenance_memory::TableDirectory;
use uuid::Uuid;

#[tokio::test]
async fn a_property_and_a_renter_are_known_by_the_hosts_own_ids() {
    let directory = TableDirectory::new();
    let property = PropertyId::from_uuid(Uuid::from_u128(1));
    let complex = ComplexId::from_uuid(Uuid::from_u128(2));
    let renter = RenterId::from_uuid(Uuid::from_u128(3));
    directory.set_complex(property, complex);
    directory.set_contact(renter, "Renter One", "+12025550100");
    assert_eq!(directory.complex_of(OrganizationId::NONE, property).await.unwrap(), Some(complex));
    let contacts = directory.contacts(OrganizationId::NONE, &[renter]).await.unwrap();
    assert_eq!(contacts[&renter].name.as_str(), "Renter One");

    directory.set_contact(renter, "Renter Two", "no number");
    let contacts = directory.contacts(OrganizationId::NONE, &[renter]).await.unwrap();
    assert_eq!((contacts[&renter].name.as_str(), &contacts[&renter].phone_number), ("Renter Two", &None));
}

#[tokio::test]
async fn no_two_renters_get_one_id_even_if_the_first_has_no_contact() {
    let directory = TableDirectory::new();
    let (unknown, known) = (directory.renter("", ""), directory.renter("Renter One", "+12025550100"));
    assert_ne!(unknown, known);
    assert_eq!(directory.contacts(OrganizationId::NONE, &[unknown, known]).await.unwrap().len(), 1);
}
