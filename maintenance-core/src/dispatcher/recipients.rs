//! Recipients whose rate limit is reached: what else is for them is put back without asking the channel.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::model::{Addressee, Claimed, Priority};

/// The recipients who must wait, by this process's own counting.
#[derive(Default)]
pub(super) struct Recipients(Mutex<HashMap<Addressee, Waiting>>);

struct Waiting {
    /// Until when nothing goes to them, by the monotonic clock.
    until: Duration,
    /// One message per this time from then on.
    every: Duration,
    /// How many messages were given places from then on.
    places: u32,
    /// Whether what waits for them in the store is still to be spread out.
    to_defer: bool,
}

/// What is to be put back for one recipient.
pub(super) struct Spread {
    pub(super) to: Addressee,
    /// After what time the first is to come due.
    pub(super) after: Duration,
    pub(super) every: Duration,
}

impl Recipients {
    /// How long this message is put back; `None` when its recipient needn't wait.
    pub(super) fn place(&self, claimed: &Claimed, now: Duration) -> Option<Duration> {
        let mut waiting = self.waiting();
        let to = claimed.notification.to;
        let theirs = waiting.get_mut(&to)?;
        if theirs.until > now {
            return Some(theirs.next(claimed.notification.priority, now));
        }
        waiting.remove(&to);
        None
    }

    /// The recipient's limit is reached: rests them, and tells how long this message is put back.
    pub(super) fn rest(
        &self,
        claimed: &Claimed,
        after: Duration,
        every: Duration,
        now: Duration,
    ) -> Duration {
        let mut waiting = self.waiting();
        let theirs = waiting.entry(claimed.notification.to).or_insert(Waiting {
            until: Duration::ZERO,
            every,
            places: 0,
            to_defer: true,
        });
        if theirs.until <= now {
            *theirs = Waiting { until: now.saturating_add(after), every, places: 0, to_defer: true };
        }
        theirs.next(claimed.notification.priority, now)
    }

    /// The recipients who began to wait since this was last asked.
    pub(super) fn to_spread(&self, now: Duration) -> Vec<Spread> {
        let mut waiting = self.waiting();
        waiting.retain(|_, theirs| theirs.until > now);
        let spread = waiting.iter_mut().filter_map(|(to, theirs)| {
            std::mem::take(&mut theirs.to_defer).then(|| Spread {
                to: *to,
                after: theirs.until.saturating_sub(now) + theirs.every.saturating_mul(theirs.places),
                every: theirs.every,
            })
        });
        spread.collect()
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Addressee, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// How long until the next free place; an emergency takes the first.
    fn next(&mut self, priority: Priority, now: Duration) -> Duration {
        let wait = self.until.saturating_sub(now);
        if priority == Priority::Emergency {
            return wait;
        }
        let place = self.places;
        self.places += 1;
        wait + self.every.saturating_mul(place)
    }
}
