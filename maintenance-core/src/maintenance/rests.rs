//! What rests after an error that is about us and not about one message: a channel, or one of its templates.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};

use crate::{
    model::DeliveryError,
    ports::Clock,
    values::{Backoff, Channel, time},
};

/// A rest of a channel or of one of its templates.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pause {
    /// The channel; all others go on.
    pub channel: Channel,
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

/// The rests of every channel, shared by an engine's dispatchers and its webhooks. Measured by the monotonic clock: a
/// wall clock that jumps neither prolongs a rest nor ends it. A channel that has no trouble takes no memory.
#[derive(Debug, Default)]
pub(crate) struct Rests(Mutex<BTreeMap<Channel, State>>);

/// The channels that a claim must mind.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Troubled {
    /// Nothing goes out by them.
    pub(crate) resting: Vec<Channel>,
    /// They rested and accepted nothing since: one message is to try each.
    pub(crate) trying: Vec<Channel>,
}

/// The rests of one channel.
#[derive(Debug, Default)]
struct State {
    /// By template; the channel's own under `None`.
    resting: BTreeMap<Option<String>, Rest>,
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
    /// Whether somebody was told that a person must act.
    told: bool,
}

impl Rests {
    /// Begins a send by that channel and template: `Err` with the wait when it must not go out now. After a rest one
    /// message is let through, and the others wait for its answer.
    pub(crate) fn begin(
        &self,
        channel: &Channel,
        template: Option<&String>,
        now: Duration,
    ) -> Result<(), Duration> {
        let mut all = self.all();
        let Some(state) = all.get_mut(channel) else { return Ok(()) };
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
    pub(crate) fn accepted(&self, channel: &Channel, template: Option<&String>) {
        self.change(channel, |state| {
            if template.is_some() {
                state.resting.remove(&template.cloned());
            }
            state.works();
        });
    }

    /// The channel judged one message by itself: the channel works, and of the template it says nothing.
    pub(crate) fn judged(&self, channel: &Channel, template: Option<&String>) {
        self.change(channel, |state| {
            state.untried(template);
            state.works();
        });
    }

    /// No attempt was made after all: the next message tries.
    pub(crate) fn untried(&self, channel: &Channel, template: Option<&String>) {
        self.change(channel, |state| state.untried(template));
    }

    /// A passing error. Several in a row rest the channel: then it isn't about these messages.
    pub(crate) fn passing(
        &self,
        channel: &Channel,
        template: Option<&String>,
        error: &DeliveryError,
        now: Duration,
    ) {
        self.change(channel, |state| {
            state.passing += 1;
            let again = state.resting.get(&None).is_some_and(|rest| rest.probe_until > now);
            if state.passing >= RUN || again {
                state.rest(None, Duration::ZERO, false, error, now);
            }
            if let Some(rest) = template.and_then(|_| state.resting.get_mut(&template.cloned())) {
                rest.probe_until = Duration::ZERO;
            }
        });
    }

    /// Rests a template of the channel, or the whole channel for `None`, for that long or longer.
    pub(crate) fn rest(
        &self,
        channel: &Channel,
        template: Option<String>,
        after: Duration,
        needs_person: bool,
        error: &DeliveryError,
        now: Duration,
    ) {
        self.change(channel, |state| state.rest(template, after, needs_person, error, now));
    }

    /// The channels that rest as a whole now, and those that are to be tried.
    pub(crate) fn troubled(&self, now: Duration) -> Troubled {
        let mut troubled = Troubled::default();
        for (channel, state) in &*self.all() {
            match state.resting.get(&None) {
                Some(rest) if rest.until > now => troubled.resting.push(channel.clone()),
                Some(_) => troubled.trying.push(channel.clone()),
                None => {}
            }
        }
        troubled
    }

    /// What rests now, by channel, the whole channel before its templates.
    pub(crate) fn pauses(&self, clock: &dyn Clock) -> Vec<Pause> {
        let (now, passed) = (time::whole_micros(clock.now()), clock.monotonic());
        let mut pauses = Vec::new();
        for (channel, state) in &*self.all() {
            let resting = state.resting.iter().filter(|(_, rest)| rest.until > passed);
            pauses.extend(resting.map(|(template, rest)| Pause {
                channel: channel.clone(),
                template: template.clone(),
                until: time::later(now, rest.until.saturating_sub(passed)),
                needs_person: rest.needs_person,
                error: rest.error.clone(),
            }));
        }
        pauses
    }

    /// The pauses that need a person and were not told of yet.
    pub(crate) fn untold(&self, clock: &dyn Clock) -> Vec<Pause> {
        let mut untold = self.pauses(clock);
        let mut all = self.all();
        untold.retain(|pause| {
            let state = all.get_mut(&pause.channel);
            let rest = state.and_then(|state| state.resting.get_mut(&pause.template));
            pause.needs_person && rest.is_some_and(|rest| !std::mem::replace(&mut rest.told, true))
        });
        untold
    }

    /// Changes what is known of a channel, and forgets it when all is well.
    fn change(&self, channel: &Channel, change: impl FnOnce(&mut State)) {
        let mut all = self.all();
        let state = all.entry(channel.clone()).or_default();
        change(state);
        if state.resting.is_empty() && state.passing == 0 {
            all.remove(channel);
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Channel, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The whole channel works.
    fn works(&mut self) {
        self.passing = 0;
        self.resting.remove(&None);
    }

    fn untried(&mut self, template: Option<&String>) {
        for scope in [None, template.cloned()] {
            if let Some(rest) = self.resting.get_mut(&scope) {
                rest.probe_until = Duration::ZERO;
            }
        }
    }

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
            let told = before.is_some_and(|rest| rest.told);
            let error = error.clone();
            let probe_until = Duration::ZERO;
            self.resting.insert(scope, Rest { until, needs_person, error, times, probe_until, told });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Channel = Channel::DEFAULT;

    /// Whether the whole channel rests.
    fn is_resting(rests: &Rests, now: Duration) -> bool {
        rests.troubled(now).resting == [ONE]
    }

    fn error() -> DeliveryError {
        DeliveryError::new("131000", "a passing error")
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn after_a_rest_one_message_tries_and_the_others_follow_when_it_is_accepted() {
        let rests = Rests::default();
        rests.rest(&ONE, None, seconds(60), true, &error(), seconds(0));
        assert_eq!(rests.begin(&ONE, None, seconds(59)), Err(seconds(1)));
        assert_eq!(rests.begin(&ONE, None, seconds(60)), Ok(()));
        assert!(rests.begin(&ONE, None, seconds(60)).is_err(), "one is on its way");
        rests.accepted(&ONE, None);
        assert_eq!(rests.begin(&ONE, None, seconds(60)), Ok(()));
        assert_eq!(rests.begin(&ONE, None, seconds(60)), Ok(()));
    }

    #[test]
    fn a_template_rests_alone() {
        let rests = Rests::default();
        let (a, b) = ("a/en".to_owned(), "b/en".to_owned());
        rests.rest(&ONE, Some(a.clone()), seconds(60), true, &error(), seconds(0));
        assert!(rests.begin(&ONE, Some(&a), seconds(1)).is_err());
        assert_eq!(rests.begin(&ONE, Some(&b), seconds(1)), Ok(()));
        rests.accepted(&ONE, Some(&b));
        assert!(rests.begin(&ONE, Some(&a), seconds(1)).is_err(), "another template says nothing of it");
        assert!(!is_resting(&rests, seconds(1)));
    }

    #[test]
    fn passing_errors_in_a_row_rest_the_channel_for_longer_each_time() {
        let rests = Rests::default();
        for _ in 1..RUN {
            rests.passing(&ONE, None, &error(), seconds(0));
            assert!(!is_resting(&rests, seconds(0)));
        }
        rests.judged(&ONE, None);
        for _ in 0..RUN {
            assert!(!is_resting(&rests, seconds(0)), "an answer in between ends the row");
            rests.passing(&ONE, None, &error(), seconds(0));
        }
        let mut now = seconds(0);
        for wait in [5, 10, 20, 40, 60, 60] {
            assert!(is_resting(&rests, now + Duration::from_millis(wait * 1_000 - 1)), "{wait}");
            now += seconds(wait);
            assert!(!is_resting(&rests, now), "{wait}");
            assert_eq!(rests.begin(&ONE, None, now), Ok(()));
            rests.passing(&ONE, None, &error(), now);
        }
    }

    #[test]
    fn the_answers_of_one_batch_count_as_one_trouble() {
        let rests = Rests::default();
        for _ in 0..32 {
            rests.rest(&ONE, None, seconds(1), false, &error(), seconds(0));
        }
        assert!(is_resting(&rests, seconds(4)) && !is_resting(&rests, seconds(5)));
    }

    #[test]
    fn a_channel_rests_alone_and_is_forgotten_when_all_is_well() {
        let rests = Rests::default();
        let other = Channel::new("other").unwrap();
        rests.rest(&ONE, None, seconds(60), true, &error(), seconds(0));
        for _ in 1..RUN {
            rests.passing(&ONE, None, &error(), seconds(0));
            rests.passing(&other, None, &error(), seconds(0));
        }
        assert_eq!(rests.begin(&other, None, seconds(1)), Ok(()));
        rests.accepted(&other, None);
        assert_eq!(rests.troubled(seconds(1)), Troubled { resting: vec![ONE], trying: vec![] });
        assert_eq!(rests.troubled(seconds(60)), Troubled { resting: vec![], trying: vec![ONE] });
        rests.accepted(&ONE, None);
        assert!(rests.all().is_empty());
    }
}
