//! Two complexes, a few workers with different trades, leave and load, and the requests that show each case.

use std::collections::HashMap;

use maintenance_core::{
    ComplexId, Directory, DirectoryError, Error, Maintenance, Name, NewRequest, NewWorker, PhoneNumber,
    Priority, PropertyId, RenterContact, RenterId, Repository, SelectionPolicy, WorkerId, WorkerStatus,
};
use uuid::Uuid;

/// A small capacity, so that a handful of requests fills it.
pub(crate) const POLICY: SelectionPolicy = SelectionPolicy { capacity: 2, generalists_stand_in: true };

/// The host's own tables, as a real host would have them in its database.
#[derive(Default)]
pub(crate) struct Scene;

const RIVERSIDE: u128 = 0x0a;
const HILLTOP: u128 = 0x0b;

/// A request, and what it shows.
pub(crate) struct Case {
    pub(crate) title: &'static str,
    pub(crate) request: NewRequest,
}

/// A worker's label on the screen.
pub(crate) type Staff = HashMap<WorkerId, String>;

/// What a worker of the scene is like: label, trades, complex, primary, status, and open requests to begin with.
type Role = (&'static str, &'static [&'static str], u128, bool, WorkerStatus, usize);

const ROLES: [Role; 6] = [
    ("Riverside Caretaker", &["general"], RIVERSIDE, true, WorkerStatus::Active, 2),
    ("Riverside Plumber", &["plumbing", "hvac"], RIVERSIDE, false, WorkerStatus::Active, 0),
    ("Riverside Handyman", &["general", "carpentry"], RIVERSIDE, false, WorkerStatus::Active, 0),
    ("Hilltop Heating-Lead", &["hvac", "plumbing"], HILLTOP, true, WorkerStatus::OnLeave, 0),
    ("Hilltop Heating-Second", &["hvac"], HILLTOP, false, WorkerStatus::Active, 1),
    ("Hilltop Painter", &["painting"], HILLTOP, false, WorkerStatus::Active, 0),
];

impl Scene {
    pub(crate) fn directory(&self) -> impl Directory + 'static {
        Tables
    }

    /// Adds the workers and their load. With a number given, all of them have that one.
    pub(crate) async fn hire<R: Repository>(
        &self,
        maintenance: &Maintenance<R>,
        number: Option<&str>,
    ) -> Result<Staff, Error> {
        let mut staff = Staff::new();
        for (n, (label, trades, complex, primary, status, load)) in ROLES.into_iter().enumerate() {
            let (first_name, last_name) = label.split_once(' ').unwrap_or((label, label));
            let worker = maintenance
                .add_worker(NewWorker {
                    first_name: first_name.into(),
                    last_name: last_name.into(),
                    phone_number: number
                        .map_or_else(|| format!("+120255501{:02}", n + 20), ToOwned::to_owned),
                    email: format!("worker{n}@example.com"),
                    specialties: trades.iter().map(ToString::to_string).collect(),
                    ..NewWorker::default()
                })
                .await?;
            let complex = ComplexId::from_uuid(Uuid::from_u128(complex));
            // Filed by hand, to a worker who is alone in a complex of their own until they have their load.
            let elsewhere = ComplexId::from_uuid(worker.id.uuid());
            maintenance.assign_complex(worker.id, elsewhere, false).await?;
            for _ in 0..load {
                let earlier = NewRequest {
                    complex_id: Some(elsewhere),
                    ..request(complex.uuid().as_u128(), "Earlier work")
                };
                maintenance.submit(earlier).await?;
            }
            maintenance.unassign_complex(worker.id, elsewhere).await?;
            maintenance.assign_complex(worker.id, complex, primary).await?;
            maintenance.set_worker_status(worker.id, status).await?;
            staff.insert(worker.id, label.to_owned());
        }
        Ok(staff)
    }

    /// The requests, in the order in which they are filed.
    pub(crate) fn cases(&self) -> [Case; 4] {
        [
            Case {
                title: "The specialist goes before the primary generalist",
                request: NewRequest {
                    description: "Water drips from the trap under the kitchen sink.\nThe cupboard is wet."
                        .into(),
                    location: "Flat 12, kitchen".into(),
                    specialty: Some("plumbing".into()),
                    ..request(RIVERSIDE, "The sink leaks")
                },
            },
            Case {
                title: "A worker on leave is passed over",
                request: NewRequest {
                    description: "All radiators are cold since this morning.".into(),
                    location: "House 3, all rooms".into(),
                    priority: Priority::High,
                    specialty: Some("HVAC".into()),
                    ..request(HILLTOP, "No heating")
                },
            },
            Case {
                title: "An emergency ignores that the primary worker is at capacity",
                request: NewRequest {
                    description: "Water runs down the stairs from the second floor. I can't find the tap."
                        .into(),
                    location: "Staircase".into(),
                    priority: Priority::Emergency,
                    ..request(RIVERSIDE, "Flood on the stairs")
                },
            },
            Case {
                title: "Nobody suitable: filed all the same, and the landlord is told why",
                request: NewRequest {
                    description: "A tile came down in last night's wind.".into(),
                    location: "House 3, north side".into(),
                    specialty: Some("roofing".into()),
                    ..request(HILLTOP, "Loose roof tile")
                },
            },
        ]
    }
}

/// A request of the complex's one renter.
fn request(complex: u128, title: &str) -> NewRequest {
    NewRequest {
        id: None,
        renter_id: RenterId::from_uuid(Uuid::from_u128(complex << 64)),
        property_id: PropertyId::from_uuid(Uuid::from_u128(complex)),
        complex_id: None,
        title: title.into(),
        description: title.into(),
        priority: Priority::Medium,
        location: "As before".into(),
        specialty: None,
    }
}

struct Tables;

#[async_trait::async_trait]
impl Directory for Tables {
    async fn complex_of(&self, property: PropertyId) -> Result<Option<ComplexId>, DirectoryError> {
        let known = [RIVERSIDE, HILLTOP].contains(&property.uuid().as_u128());
        Ok(known.then(|| property.uuid().into()))
    }

    async fn contacts(
        &self,
        renters: &[RenterId],
    ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError> {
        let contact = |n: usize| -> Result<RenterContact, DirectoryError> {
            Ok(RenterContact {
                name: Name::new(&format!("Renter {}", n + 1)).map_err(DirectoryError::new)?,
                phone_number: PhoneNumber::parse(&format!("+120255501{n:02}"), None)
                    .map_err(DirectoryError::new)?,
            })
        };
        renters.iter().enumerate().map(|(n, id)| Ok((*id, contact(n)?))).collect()
    }
}
