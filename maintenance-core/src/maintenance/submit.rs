//! Filing a request.

use std::collections::BTreeMap;

use tracing::instrument;

use super::Maintenance;
use crate::{
    maintenance::{Error, reused::Differences},
    model::{Exclusion, NewRequest, Request, RequestStatus, Selection, WhatsAppStatus},
    ports::{DirectoryError, Filed, Repository},
    rules::{Candidate, CandidatesOf, Need, select},
    values::{ComplexId, Invalid, PropertyId, RequestId, RequestNumber, WorkerId},
};

/// A request that was filed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Submitted {
    /// The request as it stands.
    pub request: Request,
    /// Whether this call filed it, and how its worker was selected.
    pub submission: Submission,
}

/// Whether a submit filed the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission {
    /// It did. Without a chosen worker the request is filed unassigned; the ranking says why.
    Filed(Selection),
    /// It was filed before, by a submit with the same id and content.
    AlreadyFiled,
}

impl<R: Repository> Maintenance<R> {
    /// Files a request, selects its worker and leaves the message to them in the outbox, in one atomic step. With nobody
    /// suitable it is filed unassigned, and the answer says why for each candidate.
    ///
    /// The host says who the renter is; the engine does not check that they live there.
    ///
    /// Two calls with one id file one request, so a submit whose answer was lost can be repeated. Submits that wait at the
    /// same time are selected for one after the other and filed together, so that a burst spreads over the workers; each
    /// gets its own answer.
    ///
    /// Inside the host's transaction ([`within`](Self::within)) the request must bring its
    /// [`complex_id`](NewRequest::complex_id).
    ///
    /// # Errors
    ///
    /// - [`Error::Invalid`] with every wrong field: a text that is empty or too long, an unknown property, a missing
    ///   `complex_id` inside the host's transaction.
    /// - [`Error::Reused`] when the id was used for other content.
    /// - [`Error::Directory`] when the host's directory fails, [`Error::Repository`] when the store does. Nothing was filed
    ///   then, unless the kind is [`Unavailable`](crate::RepositoryErrorKind::Unavailable): repeat it with the same id.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, renter: RenterId, property: PropertyId, key: RequestId) -> Result<(), Error> {
    /// let form = RequestForm::new("The sink leaks", "Water under the sink.", "Kitchen").specialty("plumbing");
    /// let submitted = maintenance.submit(NewRequest::new(renter, property, form).id(key)).await?;
    /// match submitted.submission {
    ///     Submission::Filed(selection) if selection.chosen.is_none() => println!("nobody suits: tell the landlord"),
    ///     Submission::Filed(_) | Submission::AlreadyFiled => {}
    /// }
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, fields(request), err(level = "debug"))]
    pub async fn submit(&self, new: NewRequest) -> Result<Submitted, Error> {
        let complex = match new.complex_id {
            None => self.complex_of(new.property_id).await?,
            given => given,
        };
        let draft = self.draft(&new, complex)?;
        tracing::Span::current().record("request", tracing::field::display(draft.id));
        match &self.joining {
            Some(joining) => joining.submit(draft, |drafts| self.file(drafts)).await,
            None => self.file_alone(draft).await,
        }
    }

    /// The complex of a property, where the directory may be asked for it and knows it.
    pub(super) async fn complex_of(&self, property: PropertyId) -> Result<Option<ComplexId>, DirectoryError> {
        if !self.asks_directory() {
            return Ok(None);
        }
        self.shared.directory.complex_of(self.organization(), property).await
    }

    /// The property's complex, or what is wrong noted.
    pub(super) fn check_complex(
        &self,
        property: PropertyId,
        complex: Option<ComplexId>,
        invalid: &mut Invalid,
    ) -> Option<ComplexId> {
        match complex {
            Some(_) => {}
            None if self.asks_directory() => {
                invalid.push("property_id", format!("{property} is an unknown property"));
            }
            None => invalid.push(
                "complex_id",
                "must be given inside your transaction, where the directory isn't asked: resolve the property's \
                 complex before you begin",
            ),
        }
        complex
    }

    /// The request as it would be filed, nobody's yet, or every field that is wrong.
    pub(super) fn draft(&self, new: &NewRequest, complex: Option<ComplexId>) -> Result<Request, Invalid> {
        let mut invalid = Invalid::default();
        let texts = new.form.validate(&mut invalid);
        let complex = self.check_complex(new.property_id, complex, &mut invalid);
        let (texts, complex_id) = invalid.finish(texts.zip(complex))?;
        let now = self.shared.now();
        let mut draft = Request {
            id: new.id.unwrap_or_else(|| RequestId::mint(&self.shared.ids)),
            organization_id: self.organization(),
            renter_id: new.renter_id,
            title: texts.title,
            description: texts.description,
            status: RequestStatus::Pending,
            priority: new.form.priority,
            created_at: now,
            updated_at: now,
            completed_at: None,
            property_id: new.property_id,
            location: texts.location,
            assigned_worker_id: None,
            whatsapp_message_id: None,
            whatsapp_status: WhatsAppStatus::Pending,
            complex_id,
            specialty: texts.specialty,
            version: 1,
            fingerprint: None,
            hold: None,
            number: RequestNumber::NONE,
        };
        draft.fingerprint = Some(draft.content());
        Ok(draft)
    }

    /// The answer to a submit whose request the store has.
    pub(super) fn submitted(given: Request, filed: Filed, selection: Selection) -> Result<Submitted, Error> {
        match filed {
            Filed::New(number) => {
                let request = Request { number, ..given };
                Ok(Submitted { request, submission: Submission::Filed(selection) })
            }
            Filed::Existing(stored) => {
                same_content(&stored, &given)?;
                Ok(Submitted { request: stored, submission: Submission::AlreadyFiled })
            }
        }
    }

    /// Ranks the complex's workers for a request.
    pub(super) async fn select_for(
        &self,
        request: &Request,
        excluded: BTreeMap<WorkerId, Exclusion>,
    ) -> Result<Selection, Error> {
        let (need, policy) = (Self::need(request, excluded), self.shared.policy);
        let candidates = self.candidates(&[need.candidates_of(request.complex_id, policy)]).await?;
        let candidates: Vec<_> = candidates.into_iter().map(|(_, candidate)| candidate).collect();
        Ok(select(&need, &candidates, policy))
    }

    /// The candidates of these complexes. A worker whose row can't be read is left out, with a warning: the
    /// renter's request goes on without them.
    pub(super) async fn candidates(&self, of: &[CandidatesOf]) -> Result<Vec<(ComplexId, Candidate)>, Error> {
        let candidates = self.repository.candidates(of).await?;
        for error in &candidates.corrupt {
            tracing::warn!(%error, "a candidate was left out");
        }
        Ok(candidates.items)
    }

    pub(super) fn need(request: &Request, excluded: BTreeMap<WorkerId, Exclusion>) -> Need {
        Need { specialty: request.specialty.clone(), priority: request.priority, excluded }
    }
}

/// Whether the stored request was submitted with what is given now, whatever was edited since.
fn same_content(stored: &Request, given: &Request) -> Result<(), Error> {
    if stored.fingerprint.is_some() && stored.fingerprint == given.fingerprint {
        return Ok(());
    }
    let trade =
        |request: &Request| request.specialty.as_ref().map_or("none", |trade| trade.as_str()).to_owned();
    let differences = Differences::default()
        .shown("renter_id", &stored.renter_id, &given.renter_id)
        .shown("property_id", &stored.property_id, &given.property_id)
        .private("title", &stored.title, &given.title)
        .private("description", &stored.description, &given.description)
        .shown("priority", &stored.priority, &given.priority)
        .private("location", &stored.location, &given.location)
        .shown("specialty", &trade(stored), &trade(given));
    match stored.fingerprint {
        Some(_) => Err(differences.reused("request", stored.id).into()),
        None => Ok(differences.none("request", stored.id)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Title;

    #[test]
    fn a_repeat_is_recognised_by_what_was_submitted_whatever_was_edited_since() {
        let mut given = Request::sample(7);
        given.fingerprint = Some(given.content());
        let edited = Request { title: Title::new("The tap leaks").unwrap(), ..given.clone() };
        assert!(same_content(&edited, &given).is_ok());
        // Somebody else's content is not made a repeat by an edit to the same words.
        let mut other = edited.clone();
        other.fingerprint = Some(other.content());
        let Err(Error::Reused(reused)) = same_content(&edited, &other) else { panic!("it is other content") };
        assert_eq!(reused.differences, []);
        assert!(reused.to_string().ends_with("use a new id"), "{reused}");
        // A request that came without a submit is compared as it is.
        let imported = Request { fingerprint: None, ..edited };
        assert!(same_content(&imported, &other).is_ok() && same_content(&imported, &given).is_err());
    }
}
