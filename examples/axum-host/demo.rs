//! Demo data: two organisations, which are customers of this host and share its tables. The ids are fixed, so that the
//! README's commands can name them.

use maintenance_core::{ComplexId, NewWorker, OrganizationId, PropertyId, RenterId, UserId, WorkerId};
use uuid::Uuid;

use super::{
    App,
    problem::Problem,
    tables::{Role, User},
};

/// The first organisation: Riverside and Hilltop.
pub const NORTH: OrganizationId = OrganizationId::from_uuid(id(0x0b00_0001));
/// The second: Harbour and Garden.
pub const SOUTH: OrganizationId = OrganizationId::from_uuid(id(0x0b00_0002));

/// A renter and where they live.
pub struct Household {
    /// Whose complex it is.
    pub organization: OrganizationId,
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

/// A renter in each complex: two of North's, then two of South's.
pub const HOUSEHOLDS: &[Household] = &[
    Household {
        organization: NORTH,
        renter: RenterId::from_uuid(id(0x0e00_0001)),
        renter_name: "Riverside renter",
        renter_number: "+12025550100",
        property: PropertyId::from_uuid(id(0x0d00_0001)),
        property_label: "Riverside, flat 12",
        complex: RIVERSIDE,
        complex_name: "Riverside",
    },
    Household {
        organization: NORTH,
        renter: RenterId::from_uuid(id(0x0e00_0002)),
        renter_name: "Hilltop renter",
        renter_number: "+12025550101",
        property: PropertyId::from_uuid(id(0x0d00_0002)),
        property_label: "Hilltop, house 3",
        complex: HILLTOP,
        complex_name: "Hilltop",
    },
    Household {
        organization: SOUTH,
        renter: RenterId::from_uuid(id(0x0e00_0003)),
        renter_name: "Harbour renter",
        renter_number: "+12025550102",
        property: PropertyId::from_uuid(id(0x0d00_0003)),
        property_label: "Harbour, flat 1",
        complex: HARBOUR,
        complex_name: "Harbour",
    },
    Household {
        organization: SOUTH,
        renter: RenterId::from_uuid(id(0x0e00_0004)),
        renter_name: "Garden renter",
        renter_number: "+12025550103",
        property: PropertyId::from_uuid(id(0x0d00_0004)),
        property_label: "Garden, house 8",
        complex: GARDEN,
        complex_name: "Garden",
    },
];

const RIVERSIDE: ComplexId = ComplexId::from_uuid(id(0x0c00_0001));
const HILLTOP: ComplexId = ComplexId::from_uuid(id(0x0c00_0002));
const HARBOUR: ComplexId = ComplexId::from_uuid(id(0x0c00_0003));
const GARDEN: ComplexId = ComplexId::from_uuid(id(0x0c00_0004));

/// North's landlord.
pub const LANDLORD: UserId = UserId::from_uuid(id(0x0a00_0001));
/// A landlord of North's Hilltop alone.
pub const ASSISTANT: UserId = UserId::from_uuid(id(0x0a00_0002));
/// South's landlord.
pub const LANDLORD2: UserId = UserId::from_uuid(id(0x0a00_0003));
/// Riverside's primary worker, a generalist.
pub const CARETAKER: WorkerId = WorkerId::from_uuid(id(0x0f00_0001));
/// Works in both complexes of North.
pub const PLUMBER: WorkerId = WorkerId::from_uuid(id(0x0f00_0002));
/// Works in both complexes of South.
pub const PLUMBER2: WorkerId = WorkerId::from_uuid(id(0x0f00_0003));

/// A channel, and whose messages go out by it.
#[derive(Debug)]
pub struct Sender {
    /// Its name.
    pub channel: &'static str,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The complex that it is for, if not for all.
    pub complex: Option<ComplexId>,
    /// The id of its number in the fake Cloud API.
    pub fake_id: &'static str,
    /// What the names of its environment variables end in.
    pub(super) suffix: &'static str,
}

impl Sender {
    /// Its environment variables: token, number, app secret and verify token.
    pub(super) fn variables(&self) -> [String; 4] {
        ["TOKEN", "PHONE_NUMBER_ID", "APP_SECRET", "VERIFY_TOKEN"]
            .map(|name| format!("WHATSAPP_{name}{}", self.suffix))
    }
}

/// North's messages go out by the default channel, South's by one of its own, and those of its Harbour by a third. A real
/// host keeps this in a table.
pub const SENDERS: &[Sender; 3] = &[
    Sender { channel: "default", organization: NORTH, complex: None, fake_id: "106540352242922", suffix: "" },
    Sender { channel: "south", organization: SOUTH, complex: None, fake_id: "207650463353033", suffix: "_2" },
    Sender {
        channel: "south.harbour",
        organization: SOUTH,
        complex: Some(HARBOUR),
        fake_id: "308760574464144",
        suffix: "_3",
    },
];

/// A version 4 UUID with these first digits.
const fn id(first: u32) -> Uuid {
    Uuid::from_u128(((first as u128) << 96) | 0x4000_8000_0000_0000_0001)
}

/// Adds the workers, the households and the landlords to a database without renters. What the host's tables get comes
/// last, so that a start that was interrupted adds what is missing the next time.
pub(super) async fn seed(app: &App) -> Result<(), Problem> {
    if app.tables.has_renters().await? {
        return Ok(());
    }
    let staff: [(_, _, _, _, _, &[_]); 3] = [
        (NORTH, CARETAKER, "Caretaker", "+12025550110", "general", &[(RIVERSIDE, true)]),
        (NORTH, PLUMBER, "Plumber", "+12025550111", "plumbing", &[(RIVERSIDE, false), (HILLTOP, true)]),
        (SOUTH, PLUMBER2, "Plumber", "+12025550120", "plumbing", &[(HARBOUR, true), (GARDEN, true)]),
    ];
    for (organization, id, last_name, number, trade, complexes) in staff {
        let worker = NewWorker {
            first_name: "Demo".to_owned(),
            last_name: last_name.to_owned(),
            phone_number: number.to_owned(),
            email: format!("{}@example.com", last_name.to_lowercase()),
            specialties: vec![trade.to_owned()],
            ..NewWorker::default()
        };
        let engine = app.engine.of(organization);
        app.tables.add_worker(&engine, id, worker).await?;
        for &(complex, primary) in complexes {
            engine.assign_complex(id, complex, primary).await?;
        }
    }
    let landlords = [
        (LANDLORD, NORTH, Role::Landlord, vec![]),
        (ASSISTANT, NORTH, Role::Assistant, vec![HILLTOP]),
        (LANDLORD2, SOUTH, Role::Landlord, vec![]),
    ]
    .map(|(id, organization, role, complexes)| User { id: id.uuid(), organization, role, complexes });
    Ok(app.tables.seed(HOUSEHOLDS, &landlords).await?)
}
