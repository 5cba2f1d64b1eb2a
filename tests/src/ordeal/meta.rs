//! The provider's webhooks: each message's statuses, late, doubled and in any order, posted until they are answered
//! with 200.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use maintenance_whatsapp::fake::{FakeCloudApi, FakeStatus};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{
    chance::Chance,
    ledger::{Ledger, now},
    scene::HOLD,
};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(20);

/// A status to post.
struct Post {
    due: Instant,
    pause: Duration,
    status: FakeStatus,
}

/// Posts for ever. `left` says how much is still to be answered with 200; it is 0 only when every message of the fake
/// was told of.
pub(super) async fn deliver(
    fake: Arc<FakeCloudApi>,
    ledger: Arc<Ledger>,
    mut chance: Chance,
    left: Arc<AtomicUsize>,
) {
    let (mut posts, mut told) = (Vec::<Post>::new(), 0);
    let mut posting = JoinSet::<(Vec<Post>, bool)>::new();
    let mut under_way = 0;
    loop {
        for message in fake.messages().iter().skip(told) {
            told += 1;
            // Three in ten are told of only when the hold is over.
            let late = if chance.percent(30) { HOLD } else { Duration::ZERO };
            let mut statuses =
                vec![message.status("sent"), message.status("delivered"), message.status("read")];
            if chance.percent(20) {
                statuses.truncate(2);
            }
            if chance.percent(4) {
                statuses = vec![message.failed(131_026, "Message undeliverable")];
            }
            // Of some nothing is told at all.
            if chance.percent(10) {
                statuses.clear();
            }
            if chance.percent(20) {
                statuses.extend(statuses.clone());
            }
            if chance.percent(30) {
                chance.shuffle(&mut statuses);
            }
            let mut due = Instant::now() + late;
            for status in statuses {
                due += chance.millis(0..120);
                posts.push(Post { due, pause: Duration::from_millis(50), status });
            }
        }
        let (mut due, later): (Vec<_>, Vec<_>) =
            posts.into_iter().partition(|post| post.due <= Instant::now());
        posts = later;
        while !due.is_empty() {
            let size = usize::try_from(chance.below(12)).unwrap_or_default() + 1;
            let rest = due.split_off(size.min(due.len()));
            let (together, fake) = (std::mem::replace(&mut due, rest), Arc::clone(&fake));
            under_way += together.len();
            posting.spawn(async move {
                let statuses: Vec<_> = together.iter().map(|post| post.status.clone()).collect();
                let answer = timeout(PATIENCE, fake.post(&statuses)).await;
                (together, matches!(answer, Ok(Ok(200))))
            });
        }
        while let Some(Ok((together, stored))) = posting.try_join_next() {
            under_way -= together.len();
            if stored {
                take_down(&ledger, &together);
                continue;
            }
            posts.extend(together.into_iter().map(|post| Post {
                due: Instant::now() + post.pause,
                pause: (post.pause * 2).min(Duration::from_millis(400)),
                ..post
            }));
        }
        let untold = fake.messages().len() - told;
        left.store(posts.len() + under_way + untold, Relaxed);
        tokio::time::sleep(TICK).await;
    }
}

fn take_down(ledger: &Ledger, together: &[Post]) {
    let mut entries = ledger.entries();
    for Post { status, .. } in together {
        // A failure comes without our id: while the channel's own isn't known either, it says nothing of a message.
        if status.callback_data.is_some() {
            let heard = entries.heard.entry(status.wamid.clone()).or_insert_with(|| (now(), Vec::new()));
            heard.1.push(status.status.clone());
        }
    }
}
