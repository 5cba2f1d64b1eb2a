//! Many at once: an import, a storm night, a worker who falls ill.

use std::collections::{BTreeSet, HashMap};

use tracing::instrument;

use super::{
    Maintenance, Submitted,
    assign::{Assign, Assigned, IfNobody, landlord_only, note_of},
};
use crate::{
    maintenance::Error,
    model::{NewRequest, Request, RequestStatus},
    ports::{PageRequest, Repository, RequestFilter},
    values::{Invalid, RequestId, WorkerId},
};

/// What became of one request of a worker whose work goes to others.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reassigned {
    /// The request.
    pub request_id: RequestId,
    /// Who has it now, or nobody; or why it stays.
    pub outcome: Result<Assigned, Error>,
}

/// How many requests are filed in one step.
const CHUNK: usize = 500;

impl<R: Repository> Maintenance<R> {
    /// Files many requests, as after an import or an outage; the answers are in order, each what [`submit`](Self::submit)
    /// would have answered, and a bad one stops none of the others.
    ///
    /// Every request is filed whole, with its message. Up to 500 are one atomic step. Selection counts what the batch itself
    /// has given to each worker, so a batch spreads as single submits would.
    ///
    /// # Errors
    ///
    /// Each answer has its own, as [`submit`](Self::submit) says. When the store can't be reached, all of one step have its
    /// error and none of them is filed, while those of other steps are. One that the store refuses, as by a constraint of
    /// the host's own, is refused alone, with its cause.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, requests: Vec<NewRequest>) -> Result<(), Error> {
    /// for (request, answer) in requests.iter().zip(maintenance.submit_many(&requests).await) {
    ///     if let Err(error) = answer {
    ///         eprintln!("{}: {error}", request.property_id);
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, fields(requests = requests.len()))]
    pub async fn submit_many(&self, requests: &[NewRequest]) -> Vec<Result<Submitted, Error>> {
        let mut answers = Vec::with_capacity(requests.len());
        for chunk in requests.chunks(CHUNK) {
            answers.extend(self.submit_chunk(chunk).await);
        }
        answers
    }

    /// Gives all open requests of a worker to others by selection, as when they fall ill. A landlord or the engine may. Work
    /// in progress needs a note. The answers are by request, newest first.
    ///
    /// Each request is a step of its own. One for which nobody is suitable becomes nobody's, so that the list of
    /// [unassigned](RequestFilter::unassigned) requests finds it.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`] for a renter or a worker, [`Error::Invalid`] for a note that is empty or too long, and
    /// [`Error::Repository`] when the list can't be read. Each outcome has its own besides, as
    /// [`assign_by_selection`](Self::assign_by_selection) says: one that somebody else moved meanwhile stays as they decided
    /// and is [`Error::AssignmentConflict`].
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, ill: WorkerId, landlord: Actor) -> Result<(), Error> {
    /// let assign = Assign::by(landlord).note("is ill this week");
    /// for Reassigned { request_id, outcome, .. } in maintenance.reassign_all(ill, assign).await? {
    ///     match outcome {
    ///         Ok(assigned) => println!("{request_id}: {:?}", assigned.selection.chosen),
    ///         Err(error) => println!("{request_id} stays: {error}"),
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, fields(%worker), err(level = "debug"))]
    pub async fn reassign_all(&self, worker: WorkerId, assign: Assign) -> Result<Vec<Reassigned>, Error> {
        let statuses = RequestStatus::ALL.iter().copied().filter(|status| status.is_open()).collect();
        let filter = RequestFilter { assigned_worker_id: Some(worker), statuses, ..RequestFilter::default() };
        landlord_only(assign.by, "reassign a worker's requests")?;
        note_of(assign.note.as_deref())?;
        let assign = assign.from(Some(worker));
        let (mut answers, mut page) = (Vec::new(), PageRequest::default());
        loop {
            let listed = self.requests(&filter, &page).await?;
            for error in &listed.corrupt {
                tracing::warn!(%error, "a request can't be read and stays with its worker");
            }
            for request in listed.items {
                let outcome = self.select_again(request.id, assign.clone(), IfNobody::Unassigned).await;
                answers.push(Reassigned { request_id: request.id, outcome });
            }
            page.after = listed.next;
            if page.after.is_none() {
                return Ok(answers);
            }
        }
    }

    async fn submit_chunk(&self, requests: &[NewRequest]) -> Vec<Result<Submitted, Error>> {
        let asked = requests.iter().filter(|new| new.complex_id.is_none() && self.asks_directory());
        let mut properties: Vec<_> = asked.map(|new| new.property_id).collect();
        properties.sort_unstable();
        properties.dedup();
        let complexes = match properties.as_slice() {
            [] => Ok(HashMap::new()),
            unknown => self.shared.directory.complexes_of(self.organization(), unknown).await,
        };
        let complexes = match complexes {
            Ok(complexes) => complexes,
            Err(error) => return requests.iter().map(|_| Err(error.clone().into())).collect(),
        };
        let (mut drafts, mut ids, mut places) = (Vec::new(), BTreeSet::new(), Vec::new());
        for new in requests {
            let complex = new.complex_id.or_else(|| complexes.get(&new.property_id).copied());
            places.push(match self.draft(new, complex) {
                Ok(draft) if ids.insert(draft.id) => {
                    drafts.push(draft);
                    Place::Drafted
                }
                Ok(draft) => Place::Repeated(Box::new(draft)),
                Err(error) => Place::Invalid(error),
            });
        }
        let mut filed = self.file(drafts).await.into_iter();
        let mut answers = Vec::with_capacity(requests.len());
        for place in places {
            answers.extend(match place {
                Place::Drafted => filed.next(),
                // Its id was filed with the others.
                Place::Repeated(draft) => self.file(vec![*draft]).await.pop(),
                Place::Invalid(error) => Some(Err(error.into())),
            });
        }
        answers
    }
}

/// What becomes of one request of a chunk.
enum Place {
    /// It is filed with the others.
    Drafted,
    /// Another with its id comes before it.
    Repeated(Box<Request>),
    /// It breaks a rule.
    Invalid(Invalid),
}
