//! Submits that come at once are filed together.
//!
//! A selection is stale when a thousand submits read the candidates before the first of them writes. So submits of one
//! engine queue here: whoever leads takes what waits, and selects and files it all in one go, each selection counting
//! those before it; the others get their own answers. A submit that finds no other waiting leads at once.

use std::{
    collections::{HashSet, VecDeque},
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use super::Submitted;
use crate::{maintenance::Error, model::Request, ports::RepositoryError, values::OrganizationId};

/// What a submit answers.
pub(super) type Answer = Result<Submitted, Error>;

/// How many are filed together at most. More gain little, since ranking costs the same for each; and a statement with
/// the usual texts of so many still fits one TLS record of 16 kB. A longer one is sent in parts, and where the driver
/// leaves Nagle's algorithm on (sqlx 0.9.0 does), the later parts can wait 40 ms for the first one's acknowledgement:
/// with 24 together, 32 clients filed 1,370 requests per second over TLS, and with 8 they file 5,880.
const GROUP: usize = 8;
/// How many groups are under way at a time: while one is written, the next can be read.
const GROUPS: usize = 3;

/// The submits of an engine that wait to be filed.
#[derive(Default)]
pub(crate) struct Joining(Mutex<State>);

#[derive(Default)]
struct State {
    waiting: VecDeque<Arc<Slot>>,
    leading: usize,
}

/// One submit's place.
struct Slot {
    draft: Request,
    place: Mutex<Place>,
}

#[derive(Default)]
struct Place {
    answer: Option<Answer>,
    /// Whether this submit is to lead a group.
    leads: bool,
    /// Whether its caller went away.
    gone: bool,
    waker: Option<Waker>,
}

enum Turn {
    Lead,
    Answered(Box<Answer>),
}

impl Joining {
    /// Files the draft together with whatever else waits; `file` files a group and answers in order.
    ///
    /// A caller who goes away takes nobody along: the others of its group are filed again under their ids, which
    /// is safe since an id is filed once. One who is filed twice that way is told `AlreadyFiled`.
    pub(super) async fn submit<F: Future<Output = Vec<Answer>>>(
        &self,
        draft: Request,
        file: impl Fn(Vec<Request>) -> F,
    ) -> Answer {
        let organization = draft.organization_id;
        let ticket = self.enter(draft);
        loop {
            match ticket.turn().await {
                Turn::Answered(answer) => return *answer,
                Turn::Lead => {
                    let mut group = Group::take(self, organization);
                    if !group.slots.is_empty() {
                        let drafts = group.slots.iter().map(|slot| slot.draft.clone()).collect();
                        let answers = file(drafts).await;
                        if let Some(error) = store_failed(&answers) {
                            self.fail_waiting(&error);
                        }
                        group.answer(answers);
                    }
                }
            }
        }
    }

    fn enter(&self, draft: Request) -> Ticket<'_> {
        let mut state = self.state();
        let leads = state.leading < GROUPS;
        state.leading += usize::from(leads);
        let slot = Arc::new(Slot { draft, place: Mutex::new(Place { leads, ..Place::default() }) });
        state.waiting.push_back(Arc::clone(&slot));
        Ticket { joining: self, slot }
    }

    /// The store did not answer one group, so it would keep each of those behind it waiting as long, one after the
    /// other: they fail at once.
    fn fail_waiting(&self, error: &RepositoryError) {
        let waiting = std::mem::take(&mut self.state().waiting);
        for slot in waiting {
            slot.set(|place| place.answer = Some(Err(error.clone().into())));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of a group that failed whole because the store is busy or away.
fn store_failed(answers: &[Answer]) -> Option<RepositoryError> {
    let about_the_store = |answer: &Answer| match answer {
        Err(Error::Repository(error)) if error.kind.is_about_the_store() => Some(error.clone()),
        _ => None,
    };
    let mut errors = answers.iter().map(about_the_store);
    let first = errors.next().flatten();
    first.filter(|_| errors.all(|error| error.is_some()))
}

impl State {
    /// A leader is done: the longest waiting leads next, of those who have not been told to lead already.
    fn pass_on(&mut self) {
        match self.waiting.iter().find(|slot| !slot.place().leads) {
            Some(next) => next.set(|place| place.leads = true),
            None => self.leading = self.leading.saturating_sub(1),
        }
    }
}

impl Slot {
    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the place and wakes its caller.
    fn set(&self, change: impl FnOnce(&mut Place)) {
        let waker = {
            let mut place = self.place();
            change(&mut place);
            place.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A caller's hold on its place.
struct Ticket<'j> {
    joining: &'j Joining,
    slot: Arc<Slot>,
}

impl Ticket<'_> {
    async fn turn(&self) -> Turn {
        poll_fn(|cx| {
            let mut place = self.slot.place();
            if std::mem::take(&mut place.leads) {
                return Poll::Ready(Turn::Lead);
            }
            if let Some(answer) = place.answer.take() {
                return Poll::Ready(Turn::Answered(Box::new(answer)));
            }
            place.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut state = self.joining.state();
        state.waiting.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
        let led = {
            let mut place = self.slot.place();
            place.gone = true;
            std::mem::take(&mut place.leads)
        };
        if led {
            state.pass_on();
        }
    }
}

/// What a leader has taken to file. When it is dropped before all have answers, the others go back into the queue.
struct Group<'j> {
    joining: &'j Joining,
    slots: Vec<Arc<Slot>>,
}

impl<'j> Group<'j> {
    /// Takes what waits of one organisation, since the leader sees no other's workers; of several with one id the first,
    /// the others wait for the next group.
    fn take(joining: &'j Joining, organization: OrganizationId) -> Self {
        let mut state = joining.state();
        let (mut ids, mut slots, mut left) = (HashSet::new(), Vec::new(), VecDeque::new());
        while let Some(slot) = state.waiting.pop_front() {
            let fits = slot.draft.organization_id == organization && slots.len() < GROUP;
            if fits && ids.insert(slot.draft.id) {
                slots.push(slot);
            } else {
                left.push_back(slot);
            }
            if slots.len() == GROUP {
                break;
            }
        }
        left.append(&mut state.waiting);
        state.waiting = left;
        drop(state);
        Self { joining, slots }
    }

    fn answer(&mut self, answers: Vec<Answer>) {
        for (slot, answer) in self.slots.drain(..).zip(answers) {
            slot.set(|place| place.answer = Some(answer));
        }
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        let mut state = self.joining.state();
        for slot in self.slots.drain(..).rev() {
            if !slot.place().gone {
                state.waiting.push_front(slot);
            }
        }
        state.pass_on();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        pin::pin,
        task::{Context, Waker},
    };

    use tokio::sync::Semaphore;

    use super::*;
    use crate::maintenance::Submission;

    #[test]
    fn as_many_groups_are_filed_at_a_time_after_all_have_ended_at_once() {
        let (joining, gate, started) = (Joining::default(), Semaphore::new(0), Cell::new(0));
        let submit = |n| {
            joining.submit(Request::sample(n), |drafts| {
                started.set(started.get() + 1);
                async {
                    gate.acquire().await.unwrap().forget();
                    let filed = |request| Ok(Submitted { request, submission: Submission::AlreadyFiled });
                    drafts.into_iter().map(filed).collect()
                }
            })
        };
        let mut cx = Context::from_waker(Waker::noop());
        let mut first: Vec<_> = (0..GROUPS).map(|n| Box::pin(submit(n as u128))).collect();
        assert!(first.iter_mut().all(|submit| submit.as_mut().poll(&mut cx).is_pending()));
        let (mut next, mut last) = (pin!(submit(100)), pin!(submit(101)));
        assert!(next.as_mut().poll(&mut cx).is_pending());
        assert_eq!(started.get(), GROUPS, "the next waits for one of the first");
        gate.add_permits(GROUPS);
        assert!(first.iter_mut().all(|submit| submit.as_mut().poll(&mut cx).is_ready()));
        assert!(next.as_mut().poll(&mut cx).is_pending());
        assert_eq!(started.get(), GROUPS + 1);
        assert!(last.as_mut().poll(&mut cx).is_pending());
        assert_eq!(started.get(), GROUPS + 2, "the last is filed while the one before it is");
    }
}
