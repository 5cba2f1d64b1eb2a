//! Maintenance workers (table `maintenance_workers`).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::values::{
    Email, Invalid, Name, OrganizationId, PhoneNumber, Specialty, WorkerId, phone::Region,
    text_enum::text_enum, time,
};

text_enum! {
    /// Whether a worker can be given work.
    pub enum WorkerStatus {
        /// At work: the only status in which a worker is selected.
        Active = "active",
        /// No longer working here.
        Inactive = "inactive",
        /// Away for a while.
        OnLeave = "on_leave",
    }
}

/// How many trades one worker may have.
const MAX_SPECIALTIES: usize = 50;

/// A maintenance worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Their id.
    pub id: WorkerId,
    /// The organisation for which they work.
    #[serde(default, skip_serializing_if = "OrganizationId::is_none")]
    pub organization_id: OrganizationId,
    /// First name.
    pub first_name: Name,
    /// Last name.
    pub last_name: Name,
    /// The number on which they have WhatsApp.
    pub phone_number: PhoneNumber,
    /// E-mail address.
    pub email: Email,
    /// Their trades, each once.
    pub specialties: BTreeSet<Specialty>,
    /// Whether they can be given work.
    pub status: WorkerStatus,
    /// When they were added, UTC.
    #[serde(deserialize_with = "time::de")]
    pub created_at: DateTime<Utc>,
    /// When they were last changed, UTC: every change moves it forward, so it is also the row's version.
    #[serde(deserialize_with = "time::de")]
    pub updated_at: DateTime<Utc>,
}

/// A worker to add, as a form or an API hands it over; the use case validates it.
#[derive(Clone, Default, Deserialize)]
pub struct NewWorker {
    /// The caller's idempotency key: the same id twice adds one worker.
    #[serde(default)]
    pub id: Option<WorkerId>,
    /// First name, 1 to 100 characters.
    pub first_name: String,
    /// Last name, 1 to 100 characters.
    pub last_name: String,
    /// WhatsApp number, with its country code unless `region` is set.
    pub phone_number: String,
    /// The country whose numbers may be written without a country code.
    #[serde(skip)]
    pub region: Option<Region>,
    /// E-mail address.
    pub email: String,
    /// Trades, at most 50.
    #[serde(default)]
    pub specialties: Vec<String>,
    /// Initial status; `active` unless given.
    #[serde(default)]
    pub status: Option<WorkerStatus>,
}

/// What to change of a worker; `None` leaves a field as it is.
#[derive(Clone, Default, Deserialize)]
pub struct WorkerUpdate {
    /// First name, 1 to 100 characters.
    #[serde(default)]
    pub first_name: Option<String>,
    /// Last name, 1 to 100 characters.
    #[serde(default)]
    pub last_name: Option<String>,
    /// WhatsApp number, with its country code unless `region` is set.
    #[serde(default)]
    pub phone_number: Option<String>,
    /// The country whose numbers may be written without a country code.
    #[serde(skip)]
    pub region: Option<Region>,
    /// E-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// All trades from now on, at most 50.
    #[serde(default)]
    pub specialties: Option<Vec<String>>,
    /// Status.
    #[serde(default)]
    pub status: Option<WorkerStatus>,
}

impl NewWorker {
    /// The worker, or every field that is wrong.
    pub(crate) fn validate(
        &self,
        id: WorkerId,
        organization_id: OrganizationId,
        now: DateTime<Utc>,
    ) -> Result<Worker, Invalid> {
        let mut invalid = Invalid::default();
        let first_name = invalid.keep("first_name", Name::new(&self.first_name));
        let last_name = invalid.keep("last_name", Name::new(&self.last_name));
        let phone_number = invalid.keep("phone_number", PhoneNumber::parse(&self.phone_number, self.region));
        let email = invalid.keep("email", Email::new(&self.email));
        let specialties = specialties(&mut invalid, &self.specialties);
        let worker = first_name.zip(last_name).zip(phone_number).zip(email).map(
            |(((first_name, last_name), phone_number), email)| Worker {
                id,
                organization_id,
                first_name,
                last_name,
                phone_number,
                email,
                specialties,
                status: self.status.unwrap_or(WorkerStatus::Active),
                created_at: now,
                updated_at: now,
            },
        );
        invalid.finish(worker)
    }
}

impl WorkerUpdate {
    /// The worker with the changes made, or every field that is wrong.
    pub(crate) fn apply(&self, mut worker: Worker) -> Result<Worker, Invalid> {
        fn set<T>(slot: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *slot = value;
            }
        }
        let mut invalid = Invalid::default();
        let mut name = |field, text: &Option<String>| {
            text.as_deref().and_then(|text| invalid.keep(field, Name::new(text)))
        };
        set(&mut worker.first_name, name("first_name", &self.first_name));
        set(&mut worker.last_name, name("last_name", &self.last_name));
        let phone_number = self.phone_number.as_deref().map(|text| PhoneNumber::parse(text, self.region));
        set(&mut worker.phone_number, phone_number.and_then(|number| invalid.keep("phone_number", number)));
        let email = self.email.as_deref().map(Email::new);
        set(&mut worker.email, email.and_then(|email| invalid.keep("email", email)));
        set(&mut worker.specialties, self.specialties.as_ref().map(|all| specialties(&mut invalid, all)));
        set(&mut worker.status, self.status);
        invalid.finish(Some(worker))
    }
}

fn specialties(invalid: &mut Invalid, names: &[String]) -> BTreeSet<Specialty> {
    if names.len() > MAX_SPECIALTIES {
        invalid.push("specialties", format!("has {} trades; it may have {MAX_SPECIALTIES}", names.len()));
        return BTreeSet::new();
    }
    let kept = names.iter().enumerate();
    kept.filter_map(|(n, name)| invalid.keep(format!("specialties[{n}]"), Specialty::new(name))).collect()
}
