//! Maintenance requests (specification, table 3).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::delivery::WhatsAppStatus;
use crate::values::{
    ComplexId, Description, Invalid, Location, PropertyId, RenterId, RequestId, Rule, Specialty, Title,
    WorkerId, text_enum::text_enum, time,
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
    /// The complex of the property, as it was when the request was filed. Ours beyond the specification.
    pub complex_id: ComplexId,
    /// The trade needed, if known. Ours beyond the specification.
    pub specialty: Option<Specialty>,
    /// Counts the steps of the request from 1; a step made on an older version is refused. Ours beyond the
    /// specification.
    pub version: u32,
}

impl Request {
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

/// A request to file, as a form or an API hands it over; [`submit`](crate::Maintenance::submit) validates it.
#[derive(Clone, Deserialize)]
pub struct NewRequest {
    /// The caller's idempotency key: the same id twice files one request, so a submit whose answer was lost
    /// can be repeated. Without it every submit files another.
    #[serde(default)]
    pub id: Option<RequestId>,
    /// The renter who files it.
    pub renter_id: RenterId,
    /// The property.
    pub property_id: PropertyId,
    /// The property's complex, when the caller knows it; otherwise the [`Directory`](crate::Directory) is asked.
    /// Required inside the host's transaction, where the directory is not asked
    /// ([`Maintenance::within`](crate::Maintenance::within)).
    #[serde(default)]
    pub complex_id: Option<ComplexId>,
    /// Title, 1 to 200 characters.
    pub title: String,
    /// What is wrong, 1 to 10,000 characters.
    pub description: String,
    /// How urgent it is.
    pub priority: Priority,
    /// Where in the property, 1 to 500 characters.
    pub location: String,
    /// The trade needed, if known.
    #[serde(default)]
    pub specialty: Option<String>,
}

/// The validated texts of a [`NewRequest`].
pub(crate) struct RequestTexts {
    pub(crate) title: Title,
    pub(crate) description: Description,
    pub(crate) location: Location,
    pub(crate) specialty: Option<Specialty>,
}

impl NewRequest {
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
