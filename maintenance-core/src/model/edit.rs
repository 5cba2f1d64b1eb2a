//! The history of what was edited in a request (table `maintenance_edits`).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    hold::Hold,
    request::{Priority, Request},
};
use crate::values::{
    ComplexId, Description, EditId, Location, PropertyId, RequestId, Specialty, Title, UserId,
    text_enum::text_enum, time,
};

text_enum! {
    /// A field of a request that can be edited. Who may edit it: [`EDITABLE`](crate::EDITABLE).
    #[non_exhaustive]
    pub enum RequestField {
        /// The title.
        Title = "title",
        /// What is wrong.
        Description = "description",
        /// Where in the property.
        Location = "location",
        /// How urgent it is.
        Priority = "priority",
        /// The trade needed.
        Specialty = "specialty",
        /// The property.
        Property = "property_id",
        /// The complex, which follows from the property.
        Complex = "complex_id",
        /// That the work waits for something.
        Hold = "hold",
    }
}

/// One field of a request that was edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditedField {
    /// Its id.
    pub id: EditId,
    /// The request it belongs to.
    pub request_id: RequestId,
    /// Who edited it; [`UserId::SYSTEM`] for the engine itself.
    pub edited_by: UserId,
    /// When, UTC; later than every change of the request before it.
    #[serde(deserialize_with = "time::de")]
    pub edited_at: DateTime<Utc>,
    /// Which field, with its value before and after.
    #[serde(flatten)]
    pub change: FieldChange,
}

/// A field with its value before and after an edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "field", rename_all = "snake_case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant has a value before and a value after")]
pub enum FieldChange {
    /// The title.
    Title { before: Title, after: Title },
    /// What is wrong.
    Description { before: Description, after: Description },
    /// Where in the property.
    Location { before: Location, after: Location },
    /// How urgent it is.
    Priority { before: Priority, after: Priority },
    /// The trade needed, if known.
    Specialty { before: Option<Specialty>, after: Option<Specialty> },
    /// The property.
    #[serde(rename = "property_id")]
    Property { before: PropertyId, after: PropertyId },
    /// The complex.
    #[serde(rename = "complex_id")]
    Complex { before: ComplexId, after: ComplexId },
    /// What the work waits for, if it waits.
    Hold { before: Option<Hold>, after: Option<Hold> },
}

impl FieldChange {
    /// Which field changes.
    pub const fn field(&self) -> RequestField {
        match self {
            Self::Title { .. } => RequestField::Title,
            Self::Description { .. } => RequestField::Description,
            Self::Location { .. } => RequestField::Location,
            Self::Priority { .. } => RequestField::Priority,
            Self::Specialty { .. } => RequestField::Specialty,
            Self::Property { .. } => RequestField::Property,
            Self::Complex { .. } => RequestField::Complex,
            Self::Hold { .. } => RequestField::Hold,
        }
    }

    /// Gives the request's field its value after.
    pub(crate) fn apply(&self, request: &mut Request) {
        match self {
            Self::Title { after, .. } => request.title.clone_from(after),
            Self::Description { after, .. } => request.description.clone_from(after),
            Self::Location { after, .. } => request.location.clone_from(after),
            Self::Priority { after, .. } => request.priority = *after,
            Self::Specialty { after, .. } => request.specialty.clone_from(after),
            Self::Property { after, .. } => request.property_id = *after,
            Self::Complex { after, .. } => request.complex_id = *after,
            Self::Hold { after, .. } => request.hold.clone_from(after),
        }
    }
}
