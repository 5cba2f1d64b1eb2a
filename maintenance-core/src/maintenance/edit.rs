//! Editing a request.

use tracing::instrument;

use super::{Maintenance, assign::must_be_open};
use crate::{
    maintenance::{Error, tries::Tries},
    model::{Actor, FieldChange, Priority, Request},
    ports::Repository,
    rules,
    values::{ComplexId, Description, Invalid, Location, PropertyId, RequestId, Specialty, Title},
};

/// What to edit in a request: the fields that are named here; the others stay as they are.
///
/// ```
/// use maintenance_core::{Actor, Edit, Priority, UserId};
///
/// let landlord = Actor::Landlord(UserId::from_uuid(uuid::Uuid::from_u128(7)));
/// let edit = Edit::by(landlord).priority(Priority::High).specialty(Some("plumbing")).seen(3);
/// # let _ = edit;
/// ```
#[derive(Clone)]
pub struct Edit {
    by: Actor,
    seen: Option<u32>,
    title: Option<String>,
    description: Option<String>,
    location: Option<String>,
    priority: Option<Priority>,
    specialty: Option<TradeOrNone<String>>,
    property: Option<(PropertyId, Option<ComplexId>)>,
}

/// A trade, or none that is known.
type TradeOrNone<T> = Option<T>;

impl Edit {
    /// By that actor, of nothing yet.
    pub fn by(by: Actor) -> Self {
        Self {
            by,
            seen: None,
            title: None,
            description: None,
            location: None,
            priority: None,
            specialty: None,
            property: None,
        }
    }

    /// Only if the request still has the [version](Request::version) that the caller saw.
    #[must_use]
    pub fn seen(mut self, version: u32) -> Self {
        self.seen = Some(version);
        self
    }

    /// The title, 1 to 200 characters.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// What is wrong, 1 to 10,000 characters.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Where in the property, 1 to 500 characters.
    #[must_use]
    pub fn location(mut self, location: impl Into<String>) -> Self {
        self.location = Some(location.into());
        self
    }

    /// How urgent it is.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// The trade needed, or `None` if that isn't known.
    #[must_use]
    pub fn specialty(mut self, specialty: Option<&str>) -> Self {
        self.specialty = Some(specialty.map(ToOwned::to_owned));
        self
    }

    /// The property, of whose complex the [`Directory`](crate::Directory) is asked.
    #[must_use]
    pub fn property(mut self, property: PropertyId) -> Self {
        self.property = Some((property, None));
        self
    }

    /// The property with its complex, so that the directory needn't be asked. Inside the host's transaction
    /// ([`Maintenance::within`]) it never is.
    #[must_use]
    pub fn property_in(mut self, property: PropertyId, complex: ComplexId) -> Self {
        self.property = Some((property, Some(complex)));
        self
    }

    /// The same by another actor.
    pub(super) fn acted_by(self, by: Actor) -> Self {
        Self { by, ..self }
    }
}

/// The validated fields of an [`Edit`].
struct Wanted {
    title: Option<Title>,
    description: Option<Description>,
    location: Option<Location>,
    priority: Option<Priority>,
    specialty: Option<TradeOrNone<Specialty>>,
    property: Option<(PropertyId, ComplexId)>,
}

impl<R: Repository> Maintenance<R> {
    /// Edits a request, as the table [`EDITABLE`](crate::EDITABLE) allows. The history of edits gets a row for each field
    /// whose value really changes; an edit that changes nothing writes nothing.
    ///
    /// The worker of the request is told, if they were told of it as it was before and didn't make the edit themselves.
    /// Messages that wait in the outbox say the request as it is then, and go out by its new priority. A request in
    /// another complex, or that needs another trade, stays with its worker until it is assigned again.
    ///
    /// Of two who edit at once, neither undoes what the other changed in another field; in the same field the later one
    /// counts, unless they say which version they [saw](Edit::seen).
    ///
    /// # Errors
    ///
    /// - [`Error::Invalid`] with every wrong field: a text that is empty or too long, an unknown property, a missing
    ///   complex inside the host's transaction.
    /// - [`Error::VersionConflict`] when somebody changed the request since the caller saw it.
    /// - [`Error::Refused`] for a field that the actor may not edit, [`Error::NotAllowed`] for somebody who has nothing to
    ///   do with the request, [`Error::NotOpen`] for work that is over.
    /// - [`Error::NotFound`] for an unknown request, [`Error::Directory`] when the host's directory fails,
    ///   [`Error::Repository`] when the store does.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, id: RequestId, landlord: Actor) -> Result<(), Error> {
    /// let shown = maintenance.request(id).await?;
    /// let edit = Edit::by(landlord).title("The tap leaks").specialty(Some("plumbing")).seen(shown.version);
    /// match maintenance.edit(id, edit).await {
    ///     Ok(request) if request.assigned_worker_id.is_none() => {
    ///         maintenance.assign_by_selection(id, Assign::by(landlord)).await?;
    ///     }
    ///     Ok(_) => {}
    ///     Err(Error::VersionConflict { .. }) => println!("somebody changed it meanwhile: show it again"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, fields(%id), err(level = "debug"))]
    pub async fn edit(&self, id: RequestId, edit: Edit) -> Result<Request, Error> {
        let complex = match edit.property {
            Some((property, None)) => self.complex_of(property).await?,
            Some((_, given)) => given,
            None => None,
        };
        let wanted = self.validate(&edit, complex)?;
        self.edit_fields(id, edit.by, edit.seen, "edited", |request| wanted.changes(request)).await
    }

    /// Makes those changes to an open request, decided again when somebody else changes it meanwhile.
    pub(super) async fn edit_fields(
        &self,
        id: RequestId,
        by: Actor,
        seen: Option<u32>,
        wanted: &'static str,
        changes: impl Fn(&Request) -> Vec<FieldChange> + Send,
    ) -> Result<Request, Error> {
        let mut tries = Tries::default();
        loop {
            let request = self.request(id).await?;
            if rules::role(by, &request).is_none() {
                let allowed = "its renter, its worker or a landlord";
                return Err(Error::NotAllowed { allowed, action: "edit a request" });
            }
            let before = must_be_open(request, wanted)?;
            let changes = changes(&before);
            if changes.is_empty() {
                return Ok(before);
            }
            let current = before.version;
            if let Some(seen) = seen.filter(|seen| *seen != current) {
                return Err(Error::VersionConflict { request: id, seen, current });
            }
            for change in &changes {
                rules::permit_edit(&before, change.field(), by)
                    .map_err(|refusal| Error::Refused { request: id, refusal })?;
            }
            let step = rules::edit(&before, changes, &self.decision(by, None));
            match self.apply(before, step).await {
                Err(error) if tries.again(&error) => {}
                done => return done,
            }
        }
    }

    fn validate(&self, edit: &Edit, complex: Option<ComplexId>) -> Result<Wanted, Invalid> {
        let mut invalid = Invalid::default();
        let title = edit.title.as_deref().and_then(|title| invalid.keep("title", Title::new(title)));
        let description = edit.description.as_deref();
        let description = description.and_then(|text| invalid.keep("description", Description::new(text)));
        let location = edit.location.as_deref();
        let location = location.and_then(|text| invalid.keep("location", Location::new(text)));
        let specialty = match &edit.specialty {
            Some(Some(name)) => invalid.keep("specialty", Specialty::new(name)).map(Some),
            given => given.as_ref().map(|_| None),
        };
        let property = edit.property.and_then(|(property, _)| {
            self.check_complex(property, complex, &mut invalid).map(|complex| (property, complex))
        });
        invalid.finish(Some(Wanted {
            title,
            description,
            location,
            priority: edit.priority,
            specialty,
            property,
        }))
    }
}

impl Wanted {
    /// The fields of the request whose value changes.
    fn changes(&self, request: &Request) -> Vec<FieldChange> {
        let (property, complex) = self.property.unzip();
        let changes = [
            changed(&request.title, self.title.as_ref(), |before, after| FieldChange::Title {
                before,
                after,
            }),
            changed(&request.description, self.description.as_ref(), |before, after| {
                FieldChange::Description { before, after }
            }),
            changed(&request.location, self.location.as_ref(), |before, after| FieldChange::Location {
                before,
                after,
            }),
            changed(&request.priority, self.priority.as_ref(), |before, after| FieldChange::Priority {
                before,
                after,
            }),
            changed(&request.specialty, self.specialty.as_ref(), |before, after| FieldChange::Specialty {
                before,
                after,
            }),
            changed(&request.property_id, property.as_ref(), |before, after| FieldChange::Property {
                before,
                after,
            }),
            changed(&request.complex_id, complex.as_ref(), |before, after| FieldChange::Complex {
                before,
                after,
            }),
        ];
        changes.into_iter().flatten().collect()
    }
}

/// The change of a field to the wanted value, if it has another.
pub(super) fn changed<T: Clone + PartialEq>(
    before: &T,
    wanted: Option<&T>,
    change: impl FnOnce(T, T) -> FieldChange,
) -> Option<FieldChange> {
    let after = wanted.filter(|after| *after != before)?;
    Some(change(before.clone(), after.clone()))
}
