//! Many at once: an import, a storm night, a worker who falls ill.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tracing::instrument;

use super::{Maintenance, Submitted, assign::Assigned};
use crate::{
    Actor, Candidate, ComplexId, Error, NewRequest, Opening, PageRequest, Repository, RepositoryError,
    RequestFilter, RequestId, RequestStatus, Selection, WorkerId, select,
};

/// What became of one request of a worker whose work goes to others.
#[derive(Debug)]
pub struct Reassigned {
    /// The request.
    pub request_id: RequestId,
    /// Who has it now, or why it stays.
    pub outcome: Result<Assigned, Error>,
}

/// How many requests are filed in one step.
const CHUNK: usize = 500;

impl<R: Repository> Maintenance<R> {
    /// Files many requests; the answers are in order, each what [`submit`](Self::submit) would have answered,
    /// and a bad one stops none of the others.
    ///
    /// Every request is filed whole, with its message. Up to 500 are one atomic step: when the store fails, all
    /// of that step have its error and none of it is filed, while those of other steps are. Selection counts
    /// what the batch itself has given to each worker, so a batch spreads as single submits would.
    #[instrument(skip_all, fields(requests = requests.len()))]
    pub async fn submit_many(&self, requests: &[NewRequest]) -> Vec<Result<Submitted, Error>> {
        let mut answers = Vec::with_capacity(requests.len());
        for chunk in requests.chunks(CHUNK) {
            answers.extend(self.submit_chunk(chunk).await);
        }
        answers
    }

    /// Gives all open requests of a worker to others by selection, as when they fall ill; the answers are by
    /// request, newest first. A landlord or the engine may. Each request is a step of its own, and one for
    /// whom nobody is suitable stays with the worker; work in progress needs a note.
    #[instrument(skip_all, fields(%worker), err(level = "debug"))]
    pub async fn reassign_all(
        &self,
        worker: WorkerId,
        by: Actor,
        note: Option<&str>,
    ) -> Result<Vec<Reassigned>, Error> {
        let statuses = RequestStatus::ALL.iter().copied().filter(|status| status.is_open()).collect();
        let filter = RequestFilter { assigned_worker_id: Some(worker), statuses, ..RequestFilter::default() };
        let (mut answers, mut page) = (Vec::new(), PageRequest::default());
        loop {
            let listed = self.requests(&filter, &page).await?;
            for request in listed.items {
                let outcome = self.assign_by_selection(request.id, by, note).await;
                answers.push(Reassigned { request_id: request.id, outcome });
            }
            page.after = listed.next;
            if page.after.is_none() {
                return Ok(answers);
            }
        }
    }

    async fn submit_chunk(&self, requests: &[NewRequest]) -> Vec<Result<Submitted, Error>> {
        let mut filed = match self.file(requests).await {
            Ok(filed) => filed,
            Err(error) => return requests.iter().map(|_| Err(again(&error))).collect(),
        };
        let mut answers = Vec::with_capacity(requests.len());
        for (n, new) in requests.iter().enumerate() {
            // What is left over is a repeated id, or met a change in between: decided again, alone.
            answers.push(match filed.remove(&n) {
                Some(answer) => answer,
                None => self.submit(new.clone()).await,
            });
        }
        answers
    }

    /// One try at filing all in one step: the answers by place. What has to be tried alone is left out.
    async fn file(&self, requests: &[NewRequest]) -> Result<HashMap<usize, Result<Submitted, Error>>, Error> {
        let mut properties: Vec<_> =
            requests.iter().filter(|new| new.complex_id.is_none()).map(|new| new.property_id).collect();
        properties.sort_unstable();
        properties.dedup();
        let complexes = self.shared.directory.complexes_of(&properties).await?;

        let (mut answers, mut drafts, mut ids) = (HashMap::new(), Vec::new(), BTreeSet::new());
        for (n, new) in requests.iter().enumerate() {
            let complex = new.complex_id.or_else(|| complexes.get(&new.property_id).copied());
            match self.draft(new, complex) {
                Ok(request) if ids.insert(request.id) => drafts.push((n, request)),
                Ok(_) => {}
                Err(error) => {
                    answers.insert(n, Err(error.into()));
                }
            }
        }
        let mut candidates =
            Candidates::read(self, drafts.iter().map(|(_, request)| request.complex_id)).await?;
        let mut places = Vec::with_capacity(drafts.len());
        let openings: Vec<Opening> = drafts
            .into_iter()
            .map(|(n, mut request)| {
                let of = candidates.of(request.complex_id);
                let selection = select(&Self::need(&request, BTreeMap::new()), of, self.shared.policy);
                request.assigned_worker_id = selection.chosen;
                candidates.give(&selection, request.created_at);
                places.push((n, selection));
                self.opening(request)
            })
            .collect();
        let filed = self.repository.open_many(&openings).await?;
        for (((n, selection), opening), answer) in places.into_iter().zip(openings).zip(filed) {
            if let Ok(inserted) = answer {
                answers.insert(n, Self::submitted(opening.request, inserted, selection));
            }
        }
        self.wake();
        Ok(answers)
    }
}

/// The candidates of a batch's complexes, with what the batch has given them so far.
struct Candidates(HashMap<ComplexId, Vec<Candidate>>);

impl Candidates {
    async fn read<R: Repository>(
        maintenance: &Maintenance<R>,
        complexes: impl Iterator<Item = ComplexId>,
    ) -> Result<Self, Error> {
        let complexes: Vec<_> = complexes.collect::<BTreeSet<_>>().into_iter().collect();
        let mut by_complex = HashMap::<_, Vec<_>>::new();
        for (complex, candidate) in maintenance.candidates(&complexes).await? {
            by_complex.entry(complex).or_default().push(candidate);
        }
        Ok(Self(by_complex))
    }

    fn of(&self, complex: ComplexId) -> &[Candidate] {
        self.0.get(&complex).map_or(&[], Vec::as_slice)
    }

    /// Counts one more request for the chosen worker, in every complex they serve.
    fn give(&mut self, selection: &Selection, at: chrono::DateTime<chrono::Utc>) {
        let theirs = |candidate: &&mut Candidate| Some(candidate.worker_id) == selection.chosen;
        for candidate in self.0.values_mut().flatten().filter(theirs) {
            candidate.open_requests = candidate.open_requests.saturating_add(1);
            candidate.last_assigned_at = candidate.last_assigned_at.max(Some(at));
        }
    }
}

/// The error of a whole step, for each of its requests.
fn again(error: &Error) -> Error {
    match error {
        Error::Repository(error) => RepositoryError::new(error.kind.clone()).into(),
        error => crate::DirectoryError::new(error.to_string()).into(),
    }
}
