//! Two complexes, a few workers with different trades, leave and load, and the requests that show each case.

use std::collections::HashMap;

use maintenance_core::{
    ComplexId, Directory, DirectoryError, DispatchPolicy, Error, IdSource as _, Maintenance, Name,
    NewRequest, NewWorker, Notifier, NotifyError, OrganizationId, Outgoing, PhoneNumber, Place, PlaceText,
    Priority, PropertyId, RandomIds, Receipt, RenterContact, RenterId, Repository, RequestForm,
    SelectionPolicy, WorkerId, WorkerStatus,
};
use uuid::Uuid;

/// A small capacity, so that a handful of requests fills it.
pub(crate) const POLICY: SelectionPolicy = SelectionPolicy { capacity: 2, generalists_stand_in: true };

/// Two complexes with one property and one renter each. Every run has its own, so that a kept database tells
/// the same story again.
#[derive(Clone, Copy)]
pub(crate) struct Scene {
    riverside: Uuid,
    hilltop: Uuid,
}

/// A request, and what it shows.
pub(crate) struct Case {
    pub(crate) title: &'static str,
    pub(crate) request: NewRequest,
}

/// A worker's label on the screen.
pub(crate) type Staff = HashMap<WorkerId, String>;

/// What a worker of the scene is like: label, trades, complex, primary, status, and open requests to begin with.
type Role = (&'static str, &'static [&'static str], Uuid, bool, WorkerStatus, usize);

impl Scene {
    pub(crate) fn new() -> Self {
        Self { riverside: RandomIds.uuid(), hilltop: RandomIds.uuid() }
    }

    fn roles(&self) -> [Role; 6] {
        [
            ("Riverside Caretaker", &["general"], self.riverside, true, WorkerStatus::Active, 2),
            ("Riverside Plumber", &["plumbing", "hvac"], self.riverside, false, WorkerStatus::Active, 0),
            ("Riverside Handyman", &["general", "carpentry"], self.riverside, false, WorkerStatus::Active, 0),
            ("Hilltop Heating-Lead", &["hvac", "plumbing"], self.hilltop, true, WorkerStatus::OnLeave, 0),
            ("Hilltop Heating-Second", &["hvac"], self.hilltop, false, WorkerStatus::Active, 1),
            ("Hilltop Painter", &["painting"], self.hilltop, false, WorkerStatus::Active, 0),
        ]
    }

    /// Adds the workers and their load. With a number given, all of them have that one.
    pub(crate) async fn hire<R: Repository + Clone>(
        &self,
        maintenance: &Maintenance<R>,
        number: Option<&str>,
    ) -> Result<Staff, Error> {
        let mut staff = Staff::new();
        for (n, (label, trades, complex, primary, status, load)) in self.roles().into_iter().enumerate() {
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
            // Their load: work in a complex where they are alone.
            let elsewhere = ComplexId::from_uuid(worker.id.uuid());
            maintenance.assign_complex(worker.id, elsewhere, false).await?;
            for _ in 0..load {
                let earlier = request(complex, RequestForm::new("Earlier work", "Earlier work", "As before"));
                maintenance.submit(earlier.complex(elsewhere)).await?;
            }
            maintenance.unassign_complex(worker.id, elsewhere).await?;
            maintenance.assign_complex(worker.id, complex.into(), primary).await?;
            maintenance.set_worker_status(worker.id, status).await?;
            staff.insert(worker.id, label.to_owned());
        }
        // They were told of that work long ago.
        maintenance.dispatcher(LongAgo, DispatchPolicy::default()).dispatch_due().await?;
        Ok(staff)
    }

    /// The requests, in the order in which they are filed.
    pub(crate) fn cases(&self) -> [Case; 4] {
        [
            Case {
                title: "The specialist goes before the primary generalist",
                request: request(
                    self.riverside,
                    RequestForm::new(
                        "The sink leaks",
                        "Water drips from the trap under the kitchen sink.\nThe cupboard is wet.",
                        "Flat 12, kitchen",
                    )
                    .specialty("plumbing"),
                ),
            },
            Case {
                title: "A worker on leave is passed over",
                request: request(
                    self.hilltop,
                    RequestForm::new(
                        "No heating",
                        "All radiators are cold since this morning.",
                        "House 3, all rooms",
                    )
                    .priority(Priority::High)
                    .specialty("HVAC"),
                ),
            },
            Case {
                title: "An emergency ignores that the primary worker is at capacity",
                request: request(
                    self.riverside,
                    RequestForm::new(
                        "Flood on the stairs",
                        "Water runs down the stairs from the second floor. I can't find the tap.",
                        "Staircase",
                    )
                    .priority(Priority::Emergency),
                ),
            },
            Case {
                title: "Nobody suitable: filed all the same, and the landlord is told why",
                request: request(
                    self.hilltop,
                    RequestForm::new(
                        "Loose roof tile",
                        "A tile came down in last night's wind.",
                        "House 3, north side",
                    )
                    .specialty("roofing"),
                ),
            },
        ]
    }
}

/// A request of the complex's one renter.
fn request(complex: Uuid, form: RequestForm) -> NewRequest {
    NewRequest::new(complex.into(), complex.into(), form)
}

/// What a host answers from its own tables; here property, complex and renter share an id.
#[async_trait::async_trait]
impl Directory for Scene {
    async fn complex_of(
        &self,
        _: OrganizationId,
        property: PropertyId,
    ) -> Result<Option<ComplexId>, DirectoryError> {
        let id = property.uuid();
        Ok([self.riverside, self.hilltop].contains(&id).then_some(id.into()))
    }

    async fn places(
        &self,
        _: OrganizationId,
        properties: &[PropertyId],
    ) -> Result<HashMap<PropertyId, Place>, DirectoryError> {
        let mut places = HashMap::new();
        for (complex, name, address) in
            [(self.riverside, "Riverside", "12 Quay Street"), (self.hilltop, "Hilltop", "3 Mill Lane")]
        {
            let text = |text| PlaceText::new(text).map(Some).map_err(DirectoryError::new);
            let place = Place { complex: text(name)?, address: text(address)?, unit: None };
            places.insert(complex.into(), place);
        }
        places.retain(|property, _| properties.contains(property));
        Ok(places)
    }

    async fn contacts(
        &self,
        _: OrganizationId,
        renters: &[RenterId],
    ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError> {
        let mut contacts = HashMap::new();
        for (complex, name, number) in [
            (self.riverside, "Riverside renter", "+12025550100"),
            (self.hilltop, "Hilltop renter", "+12025550101"),
        ] {
            let name = Name::new(name).map_err(DirectoryError::new)?;
            let phone_number = Some(PhoneNumber::parse(number, None).map_err(DirectoryError::new)?);
            contacts.insert(complex.into(), RenterContact { name, phone_number, language: None });
        }
        contacts.retain(|renter, _| renters.contains(renter));
        Ok(contacts)
    }
}

/// A channel on which everything was sent long ago.
struct LongAgo;

#[async_trait::async_trait]
impl Notifier for LongAgo {
    async fn notify(&self, message: &Outgoing) -> Result<Receipt, NotifyError> {
        Ok(Receipt { provider_message_id: format!("earlier.{}", message.notification_id) })
    }
}
