//! Demo data. Its ids are fixed, so that the README's commands can name them.

use maintenance_core::{ComplexId, NewWorker, PropertyId, RenterId, UserId, WorkerId};
use uuid::Uuid;

use super::{App, problem::Problem};

/// A renter and where they live.
pub struct Household {
    /// The renter's id.
    pub renter: RenterId,
    pub(super) renter_name: &'static str,
    pub(super) renter_number: &'static str,
    /// The property's id.
    pub property: PropertyId,
    pub(super) property_label: &'static str,
    /// The complex's id.
    pub complex: ComplexId,
    pub(super) complex_name: &'static str,
}

/// Two renters in two complexes.
pub const HOUSEHOLDS: &[Household] = &[
    Household {
        renter: RenterId::from_uuid(id(0x0e00_0001)),
        renter_name: "Riverside renter",
        renter_number: "+12025550100",
        property: PropertyId::from_uuid(id(0x0d00_0001)),
        property_label: "Riverside, flat 12",
        complex: ComplexId::from_uuid(id(0x0c00_0001)),
        complex_name: "Riverside",
    },
    Household {
        renter: RenterId::from_uuid(id(0x0e00_0002)),
        renter_name: "Hilltop renter",
        renter_number: "+12025550101",
        property: PropertyId::from_uuid(id(0x0d00_0002)),
        property_label: "Hilltop, house 3",
        complex: ComplexId::from_uuid(id(0x0c00_0002)),
        complex_name: "Hilltop",
    },
];

/// The landlord of both.
pub const LANDLORD: UserId = UserId::from_uuid(id(0x0a00_0001));
/// Riverside's primary worker, a generalist.
pub const CARETAKER: WorkerId = WorkerId::from_uuid(id(0x0f00_0001));
/// Works in both complexes.
pub const PLUMBER: WorkerId = WorkerId::from_uuid(id(0x0f00_0002));

/// A version 4 UUID with these first digits.
const fn id(first: u32) -> Uuid {
    Uuid::from_u128(((first as u128) << 96) | 0x4000_8000_0000_0000_0001)
}

/// Adds the workers and the households to a database without renters. The households come last, so that a
/// start that was interrupted adds what is missing the next time.
pub(super) async fn seed(app: &App) -> Result<(), Problem> {
    let [riverside, hilltop] = HOUSEHOLDS else { return Ok(()) };
    if app.tables.has_renters().await? {
        return Ok(());
    }
    let staff: [(_, _, _, _, &[_]); 2] = [
        (CARETAKER, "Caretaker", "+12025550110", "general", &[(riverside.complex, true)]),
        (
            PLUMBER,
            "Plumber",
            "+12025550111",
            "plumbing",
            &[(riverside.complex, false), (hilltop.complex, true)],
        ),
    ];
    for (id, last_name, number, trade, complexes) in staff {
        let worker = NewWorker {
            id: Some(id),
            first_name: "Demo".to_owned(),
            last_name: last_name.to_owned(),
            phone_number: number.to_owned(),
            email: format!("{}@example.com", last_name.to_lowercase()),
            specialties: vec![trade.to_owned()],
            ..NewWorker::default()
        };
        app.engine.add_worker(worker).await?;
        for &(complex, primary) in complexes {
            app.engine.assign_complex(id, complex, primary).await?;
        }
    }
    Ok(app.tables.seed(HOUSEHOLDS).await?)
}
