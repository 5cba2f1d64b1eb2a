//! Maintenance requests (table `maintenance_requests`).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{delivery::WhatsAppStatus, hold::Hold};
use crate::values::{
    ComplexId, Description, Fingerprint, Invalid, Location, OrganizationId, PropertyId, RenterId, RequestId,
    RequestNumber, Rule, Specialty, Title, WorkerId, text_enum::text_enum, time,
};

text_enum! {
    /// Where a request stands. Who may move it: [`TRANSITIONS`](crate::TRANSITIONS).
    pub enum RequestStatus {
        /// Filed, not begun.
        Pending = "pending",
        /// A worker is on it.
        InProgress = "in_progress",
        /// Done.
        Completed = "completed",
        /// Called off; final.
        Cancelled = "cancelled",
    }
}

impl RequestStatus {
    /// Whether there is work left to do: pending or in progress.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::InProgress)
    }
}

text_enum! {
    /// How urgent a request is, least first.
    pub enum Priority {
        /// Can wait.
        Low = "low",
        /// The usual.
        Medium = "medium",
        /// Soon.
        High = "high",
        /// At once: selection ignores how busy a worker is.
        Emergency = "emergency",
    }
}

/// A maintenance request.
///
/// `whatsapp_message_id` and `whatsapp_status` mirror the newest assignment notification. They move with the
/// message and change neither `version` nor `updated_at`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// The organisation whose it is.
    #[serde(default, skip_serializing_if = "OrganizationId::is_none")]
    pub organization_id: OrganizationId,
    /// The renter who filed it.
    pub renter_id: RenterId,
    /// Title.
    pub title: Title,
    /// What is wrong.
    pub description: Description,
    /// Where it stands.
    pub status: RequestStatus,
    /// How urgent it is.
    pub priority: Priority,
    /// When it was filed, UTC.
    #[serde(deserialize_with = "time::de")]
    pub created_at: DateTime<Utc>,
    /// When it was last changed, UTC; every change moves it forward.
    #[serde(deserialize_with = "time::de")]
    pub updated_at: DateTime<Utc>,
    /// When it was completed, UTC: set exactly while the status is completed.
    #[serde(deserialize_with = "time::de_option", default)]
    pub completed_at: Option<DateTime<Utc>>,
    /// The property.
    pub property_id: PropertyId,
    /// Where in the property.
    pub location: Location,
    /// The worker whose it is, if any.
    pub assigned_worker_id: Option<WorkerId>,
    /// The provider's id of the newest assignment message, once known.
    pub whatsapp_message_id: Option<String>,
    /// How far the newest assignment message has come; `pending` while there is none.
    pub whatsapp_status: WhatsAppStatus,
    /// The complex of the property, as it was when the request was filed or moved to the property.
    pub complex_id: ComplexId,
    /// The trade needed, if known.
    pub specialty: Option<Specialty>,
    /// Counts the steps of the request from 1; a step made on an older version is refused.
    pub version: u32,
    /// What it was submitted with; `None` if it did not come by a submit.
    #[serde(default)]
    pub fingerprint: Option<Fingerprint>,
    /// What the work waits for, if it waits; never once it is over.
    #[serde(default)]
    pub hold: Option<Hold>,
    /// Its short number for people, unique within the organisation: the store gives it when the request is filed, and it
    /// is [`NONE`](RequestNumber::NONE) until then.
    #[serde(default)]
    pub number: RequestNumber,
}

impl Request {
    /// The fingerprint of what a submit brings: all that a renter gives, and for whom and where.
    pub(crate) fn content(&self) -> Fingerprint {
        Fingerprint::of(&[
            self.renter_id.uuid().as_bytes(),
            self.property_id.uuid().as_bytes(),
            self.title.as_str().as_bytes(),
            self.description.as_str().as_bytes(),
            self.priority.as_str().as_bytes(),
            self.location.as_str().as_bytes(),
            self.specialty.as_ref().map_or("", Specialty::as_str).as_bytes(),
        ])
    }

    /// Replaces the texts by [`FORGOTTEN`](crate::FORGOTTEN), as one change made `at`; whether there were others. The
    /// fingerprint is of the texts, so it goes too, and so does a hold. This is the model that a store's own statement
    /// must agree with.
    pub fn forget(&mut self, at: DateTime<Utc>) -> bool {
        let had = [self.fingerprint.take().is_some(), self.hold.take().is_some()];
        let texts = [self.title.forget(), self.description.forget(), self.location.forget()];
        let changed = texts.contains(&true) || had.contains(&true);
        if changed {
            self.version = self.version.saturating_add(1);
            self.updated_at = self.updated_at.max(at);
        }
        changed
    }

    /// Checks what no single field can: that `completed_at` is set exactly while the status is completed.
    pub fn check(&self) -> Result<(), Rule> {
        let completed = self.status == RequestStatus::Completed;
        match self.completed_at {
            Some(_) if !completed => {
                Err(Rule::new(format!("must be empty, as the status is {}", self.status)))
            }
            None if completed => Err(Rule::new("must be set, as the status is completed")),
            _ => Ok(()),
        }
    }
}

impl Serialize for Request {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let request = Self::deserialize(deserializer)?;
        request.check().map_err(|rule| D::Error::custom(format_args!("completed_at {rule}")))?;
        Ok(request)
    }
}

/// What a renter says of a new request: what may come from their form or JSON as it is.
///
/// ```
/// use maintenance_core::{Priority, RequestForm};
///
/// let form = RequestForm::new("No heating", "The radiators are cold.", "All rooms")
///     .priority(Priority::High)
///     .specialty("HVAC");
/// # let json = r#"{"title": "No heating", "description": "Cold.", "location": "All rooms"}"#;
/// # let form: RequestForm = serde_json::from_str(json)?;
/// # assert_eq!(form.priority, Priority::Medium);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Deserialize)]
#[non_exhaustive]
pub struct RequestForm {
    /// Title, 1 to 200 characters.
    pub title: String,
    /// What is wrong, 1 to 10,000 characters.
    pub description: String,
    /// How urgent it is; medium unless given.
    #[serde(default = "medium")]
    pub priority: Priority,
    /// Where in the property, 1 to 500 characters.
    pub location: String,
    /// The trade needed, if known.
    #[serde(default)]
    pub specialty: Option<String>,
}

fn medium() -> Priority {
    Priority::Medium
}

impl RequestForm {
    /// A form of medium priority that names no trade.
    pub fn new(
        title: impl Into<String>,
        description: impl Into<String>,
        location: impl Into<String>,
    ) -> Self {
        let (title, description, location) = (title.into(), description.into(), location.into());
        Self { title, description, priority: medium(), location, specialty: None }
    }

    /// With that priority.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// For that trade.
    #[must_use]
    pub fn specialty(mut self, specialty: impl Into<String>) -> Self {
        self.specialty = Some(specialty.into());
        self
    }
}

/// A request to file: what the host knows of it, and what the renter says. [`submit`](crate::Maintenance::submit)
/// validates it.
///
/// It can't be read from JSON, since who files it and where is the host's to say: a renter who may send a `renter_id`
/// of their own files in somebody else's name.
///
/// ```
/// use maintenance_core::{NewRequest, PropertyId, RenterId, RequestForm, RequestId};
/// use uuid::Uuid;
///
/// // The renter and their property as your authentication knows them; the key as the client sent it.
/// let (renter, property) = (RenterId::from_uuid(Uuid::from_u128(1)), PropertyId::from_uuid(Uuid::from_u128(2)));
/// let key: RequestId = "5e0c1a52-6d3f-4c0e-9b7a-3f2d8c4b1a60".parse()?;
/// let form = RequestForm::new("The sink leaks", "Water under the sink.", "Kitchen");
/// let request = NewRequest::new(renter, property, form).id(key);
/// # let _ = request;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct NewRequest {
    /// The caller's idempotency key: the same id twice files one request, so a submit whose answer was lost
    /// can be repeated. Without it every submit files another.
    pub id: Option<RequestId>,
    /// The renter who files it.
    pub renter_id: RenterId,
    /// The property.
    pub property_id: PropertyId,
    /// The property's complex, when the caller knows it. Required inside the host's transaction
    /// ([`Maintenance::within`](crate::Maintenance::within)), where the [`Directory`](crate::Directory) isn't asked; the
    /// directory is asked otherwise.
    pub complex_id: Option<ComplexId>,
    /// What the renter says.
    pub form: RequestForm,
}

impl NewRequest {
    /// A request of that renter for that property, without a key of the caller's.
    pub fn new(renter_id: RenterId, property_id: PropertyId, form: RequestForm) -> Self {
        Self { id: None, renter_id, property_id, complex_id: None, form }
    }

    /// Under that id, the caller's idempotency key.
    #[must_use]
    pub fn id(mut self, id: RequestId) -> Self {
        self.id = Some(id);
        self
    }

    /// In that complex, so that the directory needn't be asked.
    #[must_use]
    pub fn complex(mut self, complex_id: ComplexId) -> Self {
        self.complex_id = Some(complex_id);
        self
    }
}

/// The validated texts of a [`RequestForm`].
pub(crate) struct RequestTexts {
    pub(crate) title: Title,
    pub(crate) description: Description,
    pub(crate) location: Location,
    pub(crate) specialty: Option<Specialty>,
}

impl RequestForm {
    /// The texts, or none with what is wrong noted.
    pub(crate) fn validate(&self, invalid: &mut Invalid) -> Option<RequestTexts> {
        let title = invalid.keep("title", Title::new(&self.title));
        let description = invalid.keep("description", Description::new(&self.description));
        let location = invalid.keep("location", Location::new(&self.location));
        let specialty = match &self.specialty {
            Some(name) => invalid.keep("specialty", Specialty::new(name)).map(Some),
            None => Some(None),
        };
        let texts = title.zip(description).zip(location).zip(specialty);
        texts.map(|(((title, description), location), specialty)| RequestTexts {
            title,
            description,
            location,
            specialty,
        })
    }
}

#[cfg(test)]
impl Request {
    /// A request with that id as it is when it has just been filed, for nobody.
    pub(crate) fn sample(id: u128) -> Self {
        let (id, at) = (uuid::Uuid::from_u128(id), DateTime::UNIX_EPOCH);
        Self {
            id: id.into(),
            organization_id: OrganizationId::NONE,
            renter_id: id.into(),
            title: Title::new("The sink leaks").unwrap(),
            description: Description::new("Water under the sink.").unwrap(),
            status: RequestStatus::Pending,
            priority: Priority::Medium,
            created_at: at,
            updated_at: at,
            completed_at: None,
            property_id: id.into(),
            location: Location::new("Kitchen").unwrap(),
            assigned_worker_id: None,
            whatsapp_message_id: None,
            whatsapp_status: WhatsAppStatus::Pending,
            complex_id: id.into(),
            specialty: None,
            version: 1,
            fingerprint: None,
            hold: None,
            number: RequestNumber::NONE,
        }
    }
}
