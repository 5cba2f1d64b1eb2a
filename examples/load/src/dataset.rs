//! Who lives and works where: numbered ids that the fill and the measurements share, and the host's
//! directory.

use std::{
    collections::{BTreeSet, HashMap},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use async_trait::async_trait;
use chrono::TimeDelta;
use maintenance_core::{
    CandidatesOf, Clock as _, ComplexId, Directory, DirectoryError, IdSource as _, Name, NewRequest,
    OrganizationId, PhoneNumber, Priority, PropertyId, RandomIds, RenterContact, RenterId, RequestForm,
    RequestId, Specialty, SystemClock, WorkerId,
};
use serde_json::json;
use uuid::Uuid;

/// How large the dataset is, in proportions that every table size keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dataset {
    /// Requests in the tables at first.
    pub(crate) rows: u32,
    pub(crate) complexes: u32,
    pub(crate) workers_per_complex: u32,
    /// As many renters as properties: number `n` lives in property `n`, which is in complex `n % complexes`.
    pub(crate) properties: u32,
}

/// The trades that workers have and requests need.
pub(crate) const TRADES: [&str; 4] = ["plumbing", "electrical", "hvac", "carpentry"];

/// The kinds of numbered ids, as the last word of their prefix.
#[derive(Debug, Clone, Copy)]
#[repr(u16)]
pub(crate) enum Kind {
    Worker = 0x8a00,
    Renter = 0x8b00,
    Complex = 0x8c00,
    Property = 0x8d00,
    Landlord = 0x8e00,
}

/// Number `n` of a kind: `00000000-0000-4000-8a00-00000000000n`, as the SQL of the fills writes it too.
pub(crate) fn numbered(kind: Kind, n: u32) -> Uuid {
    Uuid::from_u64_pair(0x4000, (u64::from(kind as u16) << 48) | u64::from(n))
}

impl Dataset {
    pub(crate) fn new(rows: u32, complexes: u32, workers_per_complex: u32) -> Self {
        let complexes = complexes.max(1);
        // Twenty requests a renter.
        let homes = (rows / 20 / complexes).max(1);
        Self { rows, complexes, workers_per_complex, properties: homes * complexes }
    }

    /// The same dataset with so many requests: fewer complexes, each as busy.
    pub(crate) fn scaled(self, rows: u32) -> Self {
        let complexes = u64::from(self.complexes) * u64::from(rows) / u64::from(self.rows.max(1));
        Self::new(rows, u32::try_from(complexes).unwrap_or(self.complexes), self.workers_per_complex)
    }

    pub(crate) fn workers(self) -> u32 {
        self.complexes * self.workers_per_complex
    }

    pub(crate) fn property(self, n: u32) -> u32 {
        let scattered = u64::from(n) * 7_919 % u64::from(self.properties);
        u32::try_from(scattered).unwrap_or_default()
    }

    pub(crate) fn complex_of(self, property: u32) -> ComplexId {
        numbered(Kind::Complex, property % self.complexes).into()
    }

    pub(crate) fn renter(self, n: u32) -> RenterId {
        numbered(Kind::Renter, n % self.properties).into()
    }

    pub(crate) fn property_id(self, n: u32) -> PropertyId {
        numbered(Kind::Property, n % self.properties).into()
    }

    pub(crate) fn worker(self, n: u32) -> WorkerId {
        numbered(Kind::Worker, n % self.workers()).into()
    }

    /// A renter's request, number `n` of this run.
    pub(crate) fn request(self, n: u32) -> NewRequest {
        let home = self.property(n);
        let trade = usize::try_from(n / 3).unwrap_or_default() % TRADES.len();
        let priority = if n.is_multiple_of(20) { Priority::Emergency } else { Priority::Medium };
        let mut form = RequestForm::new(TITLE, DESCRIPTION, LOCATION).priority(priority);
        form.specialty = TRADES.get(trade).map(ToString::to_string);
        NewRequest::new(numbered(Kind::Renter, home).into(), numbered(Kind::Property, home).into(), form)
            .id(RequestId::mint(&RandomIds))
    }
}

impl Dataset {
    /// A completed request, number `n` of this run, as a line to import.
    pub(crate) fn old_request(self, n: u32) -> String {
        let home = self.property(n);
        let (request, landlord) = (fresh(), numbered(Kind::Landlord, 1));
        // After the fill, so that settling finds it.
        let at = |ago: i64| SystemClock.now() - TimeDelta::milliseconds(ago);
        let change = |from, to, ago| {
            json!({
                "id": fresh(), "request_id": request, "previous_status": from, "new_status": to,
                "changed_by": landlord, "changed_at": at(ago), "notes": null,
            })
        };
        json!({
            "request": {
                "id": request, "renter_id": numbered(Kind::Renter, home), "title": TITLE,
                "description": DESCRIPTION, "status": "completed", "priority": "medium", "created_at": at(400),
                "updated_at": at(0), "completed_at": at(100), "property_id": numbered(Kind::Property, home),
                "location": LOCATION, "assigned_worker_id": self.worker(n), "version": 3,
                "complex_id": self.complex_of(home), "specialty": "plumbing",
            },
            "history": [change("pending", "in_progress", 300), change("in_progress", "completed", 200)],
            "comments": [{
                "id": fresh(), "request_id": request, "user_id": landlord, "user_type": "landlord",
                "comment": "Somebody is at home from nine to twelve.", "created_at": at(250),
            }],
        })
        .to_string()
    }
}

/// The candidates for the complex's plumbing.
pub(crate) fn candidates_of(complex: u32) -> CandidatesOf {
    let trades = BTreeSet::from([Specialty::PLUMBING, Specialty::GENERAL]);
    CandidatesOf { complex_id: numbered(Kind::Complex, complex).into(), trades: Some(trades) }
}

pub(crate) const TITLE: &str = "The kitchen sink leaks";
pub(crate) const LOCATION: &str = "Flat 12, kitchen";
pub(crate) const DESCRIPTION: &str = "Water drips from the trap under the sink since yesterday evening. The \
     cupboard is wet, and the floor before it is beginning to swell. A bucket stands under it for now.";

/// The host's directory: every property is in its complex, and every renter has a number.
#[async_trait]
impl Directory for Dataset {
    async fn complex_of(
        &self,
        _: OrganizationId,
        property: PropertyId,
    ) -> Result<Option<ComplexId>, DirectoryError> {
        let (_, low) = property.uuid().as_u64_pair();
        let number = u32::try_from(low & 0xffff_ffff).map_err(DirectoryError::new)?;
        Ok(Some(Dataset::complex_of(*self, number)))
    }

    async fn contacts(
        &self,
        _: OrganizationId,
        renters: &[RenterId],
    ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError> {
        let name = Name::new("Renter").map_err(DirectoryError::new)?;
        let phone_number = PhoneNumber::try_from("+12025550100".to_owned()).map_err(DirectoryError::new)?;
        let contact = RenterContact { name, phone_number: Some(phone_number), language: None };
        Ok(renters.iter().map(|renter| (*renter, contact.clone())).collect())
    }
}

/// So many numbers of requests that nothing else gives, from the returned one on: the engine gives smaller ones.
pub(crate) fn numbers(count: u32) -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1_000_000_000);
    NEXT.fetch_add(count, Relaxed)
}

/// An id that nothing else has.
pub(crate) fn fresh() -> Uuid {
    RandomIds.uuid()
}
