//! What rests after an error that is about us and not about one message: the channel, or a template.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};

use crate::{
    model::DeliveryError,
    ports::Clock,
    values::{Backoff, time},
};

/// A rest of the channel or of one template.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pause {
    /// The template whose messages wait; `None` when the whole channel rests.
    pub template: Option<String>,
    /// Until when, UTC. One message tries then, before all others follow.
    pub until: DateTime<Utc>,
    /// Whether a person must act, as after a bad token; otherwise it passes by itself.
    pub needs_person: bool,
    /// What the channel said.
    pub error: DeliveryError,
}

/// So many passing errors in a row, of whatever messages, are about the channel: it rests.
const RUN: u32 = 5;
/// How long the answer of a probe is waited for, lest a probe that was dropped hold up the channel for good.
const PROBE_LIMIT: Duration = Duration::from_mins(1);
/// The rests of a channel that has trouble again and again.
const GROWING: Backoff = Backoff { first: Duration::from_secs(5), ceiling: Duration::from_mins(1) };

/// The rests of one channel, shared by an engine's dispatchers and its webhooks. Measured by the monotonic clock: a
/// wall clock that jumps neither prolongs a rest nor ends it.
#[derive(Debug, Default)]
pub(crate) struct Rests(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// By template; the channel's own under `None`.
    resting: HashMap<Option<String>, Rest>,
    /// How many passing errors came since the last other answer.
    passing: u32,
}

#[derive(Debug)]
struct Rest {
    until: Duration,
    needs_person: bool,
    error: DeliveryError,
    /// How many rests came one after the other, without a message accepted in between.
    times: u32,
    /// Until when a message that is on its way to find out if the trouble is over is waited for.
    probe_until: Duration,
}

impl Rests {
    /// Begins a send by that template: `Err` with the wait when it must not go out now. After a rest one message
    /// is let through, and the others wait for its answer.
    pub(crate) fn begin(&self, template: Option<&String>, now: Duration) -> Result<(), Duration> {
        let mut state = self.state();
        let scopes = [None, template.cloned()];
        let scopes = if template.is_some() { &scopes[..] } else { &scopes[..1] };
        for scope in scopes {
            if let Some(rest) = state.resting.get(scope) {
                if let Some(wait) = rest.until.checked_sub(now).filter(|wait| !wait.is_zero()) {
                    return Err(wait);
                }
                if rest.probe_until > now {
                    return Err(GROWING.first);
                }
            }
        }
        for scope in scopes {
            if let Some(rest) = state.resting.get_mut(scope) {
                rest.probe_until = now.saturating_add(PROBE_LIMIT);
            }
        }
        Ok(())
    }

    /// The channel took a message by that template: all is well with both.
    pub(crate) fn accepted(&self, template: Option<&String>) {
        let mut state = self.state();
        state.passing = 0;
        state.resting.remove(&None);
        if template.is_some() {
            state.resting.remove(&template.cloned());
        }
    }

    /// The channel judged one message by itself: the channel works, and of the template it says nothing.
    pub(crate) fn judged(&self, template: Option<&String>) {
        self.untried(template);
        let mut state = self.state();
        state.passing = 0;
        state.resting.remove(&None);
    }

    /// No attempt was made after all: the next message tries.
    pub(crate) fn untried(&self, template: Option<&String>) {
        let mut state = self.state();
        for scope in [None, template.cloned()] {
            if let Some(rest) = state.resting.get_mut(&scope) {
                rest.probe_until = Duration::ZERO;
            }
        }
    }

    /// A passing error. Several in a row rest the channel: then it isn't about these messages.
    pub(crate) fn passing(&self, template: Option<&String>, error: &DeliveryError, now: Duration) {
        let mut state = self.state();
        state.passing += 1;
        let again = state.resting.get(&None).is_some_and(|rest| rest.probe_until > now);
        if state.passing >= RUN || again {
            state.rest(None, Duration::ZERO, false, error, now);
        }
        if let Some(rest) = template.and_then(|_| state.resting.get_mut(&template.cloned())) {
            rest.probe_until = Duration::ZERO;
        }
    }

    /// Rests a template, or the channel for `None`, for that long or longer.
    pub(crate) fn rest(
        &self,
        scope: Option<String>,
        after: Duration,
        needs_person: bool,
        error: &DeliveryError,
        now: Duration,
    ) {
        self.state().rest(scope, after, needs_person, error, now);
    }

    /// Whether the whole channel rests now.
    pub(crate) fn channel_rests(&self, now: Duration) -> bool {
        self.state().resting.get(&None).is_some_and(|rest| rest.until > now)
    }

    /// Whether the channel rested and nothing was accepted since: one message is to try it.
    pub(crate) fn channel_is_tried(&self) -> bool {
        self.state().resting.contains_key(&None)
    }

    /// What rests now, the channel first.
    pub(crate) fn pauses(&self, clock: &dyn Clock) -> Vec<Pause> {
        let (now, passed) = (time::whole_micros(clock.now()), clock.monotonic());
        let state = self.state();
        let resting = state.resting.iter().filter(|(_, rest)| rest.until > passed);
        let mut pauses: Vec<Pause> = resting
            .map(|(template, rest)| Pause {
                template: template.clone(),
                until: time::later(now, rest.until.saturating_sub(passed)),
                needs_person: rest.needs_person,
                error: rest.error.clone(),
            })
            .collect();
        pauses.sort_by(|a, b| a.template.cmp(&b.template));
        pauses
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn rest(
        &mut self,
        scope: Option<String>,
        after: Duration,
        needs_person: bool,
        error: &DeliveryError,
        now: Duration,
    ) {
        let before = self.resting.get(&scope);
        // The answers of a batch under way are about the same trouble: only one that comes after a rest counts.
        let times = before.map_or(1, |rest| if rest.until > now { rest.times } else { rest.times + 1 });
        let until = now.saturating_add(after.max(GROWING.after(times)));
        if before.is_none_or(|rest| rest.until < until) {
            let error = error.clone();
            self.resting
                .insert(scope, Rest { until, needs_person, error, times, probe_until: Duration::ZERO });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> DeliveryError {
        DeliveryError::new("131000", "a passing error")
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn after_a_rest_one_message_tries_and_the_others_follow_when_it_is_accepted() {
        let rests = Rests::default();
        rests.rest(None, seconds(60), true, &error(), seconds(0));
        assert_eq!(rests.begin(None, seconds(59)), Err(seconds(1)));
        assert_eq!(rests.begin(None, seconds(60)), Ok(()));
        assert!(rests.begin(None, seconds(60)).is_err(), "one is on its way");
        rests.accepted(None);
        assert_eq!(rests.begin(None, seconds(60)), Ok(()));
        assert_eq!(rests.begin(None, seconds(60)), Ok(()));
    }

    #[test]
    fn a_template_rests_alone() {
        let rests = Rests::default();
        let (a, b) = ("a/en".to_owned(), "b/en".to_owned());
        rests.rest(Some(a.clone()), seconds(60), true, &error(), seconds(0));
        assert!(rests.begin(Some(&a), seconds(1)).is_err());
        assert_eq!(rests.begin(Some(&b), seconds(1)), Ok(()));
        rests.accepted(Some(&b));
        assert!(rests.begin(Some(&a), seconds(1)).is_err(), "another template says nothing of it");
        assert!(!rests.channel_rests(seconds(1)));
    }

    #[test]
    fn passing_errors_in_a_row_rest_the_channel_for_longer_each_time() {
        let rests = Rests::default();
        for _ in 1..RUN {
            rests.passing(None, &error(), seconds(0));
            assert!(!rests.channel_rests(seconds(0)));
        }
        rests.judged(None);
        for _ in 0..RUN {
            assert!(!rests.channel_rests(seconds(0)), "an answer in between ends the row");
            rests.passing(None, &error(), seconds(0));
        }
        let mut now = seconds(0);
        for wait in [5, 10, 20, 40, 60, 60] {
            assert!(
                rests.channel_rests(now + seconds(wait).saturating_sub(Duration::from_millis(1))),
                "{wait}"
            );
            now += seconds(wait);
            assert!(!rests.channel_rests(now), "{wait}");
            assert_eq!(rests.begin(None, now), Ok(()));
            rests.passing(None, &error(), now);
        }
    }

    #[test]
    fn the_answers_of_one_batch_count_as_one_trouble() {
        let rests = Rests::default();
        for _ in 0..32 {
            rests.rest(None, seconds(1), false, &error(), seconds(0));
        }
        assert!(rests.channel_rests(seconds(4)) && !rests.channel_rests(seconds(5)));
    }
}
