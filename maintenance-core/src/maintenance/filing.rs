//! Selecting and filing one request, or many in one go.

use std::collections::{BTreeMap, HashMap, btree_map::Entry};

use chrono::{DateTime, Utc};

use super::{Maintenance, Shared, joining::Answer};
use crate::{
    maintenance::{Error, tries::Tries},
    model::{Filing, Request, Selection},
    ports::{Filed, Repository, RepositoryError, RepositoryErrorKind},
    rules::{self, Candidate, CandidatesOf, select},
    values::{ComplexId, WorkerId},
};

impl<R: Repository> Maintenance<R> {
    /// Files the drafts, no two with one id; answers in order, and one that is refused stops none of the others.
    pub(super) async fn file(&self, mut drafts: Vec<Request>) -> Vec<Answer> {
        let answers = match (drafts.len(), drafts.pop()) {
            (1, Some(draft)) => vec![self.file_alone(draft).await],
            (_, last) => {
                drafts.extend(last);
                self.file_together(drafts).await
            }
        };
        self.wake();
        answers
    }

    /// Files one: a change met in between is decided again.
    pub(super) async fn file_alone(&self, mut draft: Request) -> Answer {
        let mut tries = Tries::default();
        loop {
            let selection = self.select_for(&draft, BTreeMap::new()).await?;
            let filing = self.filing(draft, &selection);
            match self.file_one(&filing).await {
                Ok(filed) => {
                    self.wake();
                    return Self::submitted(filing.request, filed, selection);
                }
                Err(error) if tries.again(&error) => draft = filing.request,
                Err(error) => return Err(refused(error)),
            }
        }
    }

    fn filing(&self, draft: Request, selection: &Selection) -> Filing {
        let Shared { ids, channels, news, .. } = &self.shared;
        rules::file(draft, selection, &**ids, &**channels, &**news)
    }

    async fn file_one(&self, filing: &Filing) -> Result<Filed, Error> {
        let filed = self.repository.file(std::slice::from_ref(filing)).await?.pop();
        // A store must answer each filing. One that does not is an error, not a panic.
        Ok(filed.unwrap_or_else(|| Err(RepositoryErrorKind::Other.into()))?)
    }

    /// Files several in one step: the candidates of all their complexes are read once, and each selection counts what
    /// those before it gave.
    async fn file_together(&self, drafts: Vec<Request>) -> Vec<Answer> {
        let mut answers: Vec<Option<Answer>> = drafts.iter().map(|_| None).collect();
        let mut tries = Tries::default();
        loop {
            let left: Vec<usize> =
                (0..drafts.len()).filter(|n| matches!(answers.get(*n), Some(None))).collect();
            let group = left.iter().filter_map(|n| drafts.get(*n).cloned()).collect();
            let (error, whole) = match self.try_together(group).await {
                Ok(filed) => {
                    let mut conflict = None;
                    for (n, answer) in left.into_iter().zip(filed) {
                        match (answer, answers.get_mut(n)) {
                            (Err(error), _) if is_conflict(&error) => conflict = Some(error),
                            (answer, Some(slot)) => *slot = Some(answer),
                            (_, None) => {}
                        }
                    }
                    let Some(conflict) = conflict else { break };
                    (conflict, false)
                }
                Err(error) => (error, true),
            };
            if tries.again(&error) {
                continue;
            }
            let alone = whole && is_about_one(&error);
            for (slot, draft) in answers.iter_mut().zip(&drafts).filter(|(slot, _)| slot.is_none()) {
                *slot = Some(if alone { self.file_alone(draft.clone()).await } else { Err(error.clone()) });
            }
            break;
        }
        answers.into_iter().flatten().collect()
    }

    async fn try_together(&self, drafts: Vec<Request>) -> Result<Vec<Answer>, Error> {
        let mut candidates = Candidates::read(self, &drafts).await?;
        let (mut selections, mut filings) = (Vec::new(), Vec::new());
        for draft in drafts {
            let of = candidates.of(draft.complex_id);
            let selection = select(&Self::need(&draft, BTreeMap::new()), of, self.shared.policy);
            candidates.give(selection.chosen, draft.created_at);
            filings.push(self.filing(draft, &selection));
            selections.push(selection);
        }
        let filed = self.repository.file(&filings).await?;
        let answer = |((selection, filing), filed): ((Selection, Filing), Result<Filed, _>)| {
            Self::submitted(filing.request, filed.map_err(Error::from)?, selection)
        };
        Ok(selections.into_iter().zip(filings).zip(filed).map(answer).collect())
    }
}

/// The error of an insert: nothing of ours can be missing there, so what isn't found is a row that a constraint of the
/// host's own asks for.
fn refused(error: Error) -> Error {
    match error {
        Error::Repository(error) if error.kind == RepositoryErrorKind::NotFound => {
            Error::Repository(RepositoryError { kind: RepositoryErrorKind::Other, ..error })
        }
        error => error,
    }
}

fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::Repository(error) if error.kind == RepositoryErrorKind::Conflict)
}

/// Whether an error of a whole step may be about one of its rows, as when one breaks a constraint of the host's own:
/// then each is filed alone, and that one alone is refused, with its cause.
fn is_about_one(error: &Error) -> bool {
    let Error::Repository(error) = error else { return false };
    !error.kind.is_about_the_store()
}

/// The candidates of a group's complexes, with what the group has given them so far.
struct Candidates {
    of: HashMap<ComplexId, Vec<Candidate>>,
    /// Where each worker stands, who may serve several complexes.
    places: HashMap<WorkerId, Vec<(ComplexId, usize)>>,
}

impl Candidates {
    async fn read<R: Repository>(maintenance: &Maintenance<R>, drafts: &[Request]) -> Result<Self, Error> {
        let mut asked = BTreeMap::<_, CandidatesOf>::new();
        for draft in drafts {
            let need = Maintenance::<R>::need(draft, BTreeMap::new());
            let wanted = need.candidates_of(draft.complex_id, maintenance.shared.policy);
            match asked.entry(draft.complex_id) {
                Entry::Vacant(none) => drop(none.insert(wanted)),
                Entry::Occupied(mut asked) => asked.get_mut().and(wanted),
            }
        }
        let asked: Vec<_> = asked.into_values().collect();
        let (mut of, mut places) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for (complex, candidate) in maintenance.candidates(&asked).await? {
            let theirs = of.entry(complex).or_default();
            places.entry(candidate.worker_id).or_default().push((complex, theirs.len()));
            theirs.push(candidate);
        }
        Ok(Self { of, places })
    }

    fn of(&self, complex: ComplexId) -> &[Candidate] {
        self.of.get(&complex).map_or(&[], Vec::as_slice)
    }

    /// Counts one more request for the chosen worker, in every complex they serve.
    fn give(&mut self, chosen: Option<WorkerId>, at: DateTime<Utc>) {
        let places = chosen.and_then(|worker| self.places.get(&worker)).into_iter().flatten();
        for (complex, place) in places {
            if let Some(candidate) = self.of.get_mut(complex).and_then(|of| of.get_mut(*place)) {
                candidate.open_requests = candidate.open_requests.saturating_add(1);
                candidate.last_assigned_at = candidate.last_assigned_at.max(Some(at));
            }
        }
    }
}
