//! When a dispatcher looks for due messages, and how many may look at a time.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, time::timeout};

/// The polls of one dispatcher.
///
/// A poll that finds nothing doubles the pause before the next. So a message that comes due unheard of waits for at most
/// as long again as nothing was to do before it, and never longer than the idle pause.
#[derive(Debug, Clone)]
pub(super) struct Polls {
    /// The pause while there is something to do.
    busy: Duration,
    /// The longest pause.
    idle: Duration,
    pause: Duration,
}

impl Polls {
    pub(super) fn new(busy: Duration, idle: Duration) -> Self {
        Self { busy, idle: idle.max(busy), pause: busy }
    }

    /// The pause before the next poll; `busy` says whether there was anything to do since the one before.
    pub(super) fn next(&mut self, busy: bool) -> Duration {
        self.pause = if busy { self.busy } else { self.pause.saturating_mul(2).min(self.idle) };
        self.pause
    }
}

/// How many claims of several dispatchers may be under way at a time.
#[derive(Debug, Clone)]
pub(super) struct Gate(Arc<Semaphore>);

impl Gate {
    /// After this time a claim counts no more, though it goes on: its store hangs, and the others don't.
    const PATIENCE: Duration = Duration::from_secs(1);

    pub(super) fn new(at_once: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// Does the claim when it is its turn.
    pub(super) async fn pass<T>(&self, claim: impl Future<Output = T>) -> T {
        let permit = self.0.acquire().await;
        let mut claim = std::pin::pin!(claim);
        if let Ok(done) = timeout(Self::PATIENCE, &mut claim).await {
            return done;
        }
        drop(permit);
        claim.await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_that_find_nothing_come_ever_more_slowly_up_to_the_limit() {
        let mut polls = Polls::new(Duration::from_secs(1), Duration::from_secs(15));
        let pauses: Vec<u64> = (0..6).map(|_| polls.next(false).as_secs()).collect();
        assert_eq!(pauses, [2, 4, 8, 15, 15, 15]);
        assert_eq!(polls.next(true), Duration::from_secs(1));
        assert_eq!(polls.next(false), Duration::from_secs(2));
    }

    #[test]
    fn a_dispatcher_alone_polls_steadily() {
        let mut polls = Polls::new(Duration::from_secs(1), Duration::ZERO);
        assert_eq!((polls.next(false), polls.next(false)), (Duration::from_secs(1), Duration::from_secs(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_that_hangs_gives_up_its_place_and_goes_on() {
        let (gate, begun) = (Gate::new(1), tokio::time::Instant::now());
        let slow = gate.pass(tokio::time::sleep(Duration::from_mins(1)));
        let next = async {
            gate.pass(std::future::ready(())).await;
            begun.elapsed()
        };
        let (slow, next) = tokio::join!(
            async {
                slow.await;
                begun.elapsed()
            },
            next
        );
        assert_eq!((slow, next), (Duration::from_mins(1), Gate::PATIENCE));
    }
}
