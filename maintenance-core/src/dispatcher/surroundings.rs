//! The renters and places of a batch, asked of the host's directory without letting one row hold up the others.

use std::{collections::HashMap, hash::Hash, panic::AssertUnwindSafe, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::{Instant, timeout_at};

use crate::{
    model::{Claimed, NotificationKind, Place, RenterContact},
    ports::{Directory, DirectoryError},
    values::{PropertyId, RenterId},
};

/// What the directory knows of a batch, and what failed.
#[derive(Default)]
pub(super) struct Surroundings {
    renters: HashMap<RenterId, RenterContact>,
    places: HashMap<PropertyId, Place>,
    pub(super) errors: Vec<DirectoryError>,
}

type Answer<K, V> = Result<HashMap<K, V>, DirectoryError>;
/// A question to the directory.
type Ask<K, V> = for<'d> fn(&'d dyn Directory, &'d [K]) -> BoxFuture<'d, Answer<K, V>>;

impl Surroundings {
    /// Asks for all that these messages say of renters and places. Whoever can't be had within twice the limit is
    /// left out.
    pub(super) async fn of(claimed: &[Claimed], directory: &dyn Directory, limit: Duration) -> Self {
        let renters = claimed.iter().filter(|claimed| names_renter(claimed)).map(|c| c.request.renter_id);
        let properties = claimed.iter().map(|claimed| claimed.request.property_id);
        let ((renters, mut errors), (places, more)) = tokio::join!(
            found(directory, distinct(renters), limit, |directory, renters| directory.contacts(renters)),
            found(directory, distinct(properties), limit, |directory, properties| directory
                .places(properties)),
        );
        errors.extend(more);
        Self { renters, places, errors }
    }

    /// What the directory said for this message.
    pub(super) fn for_message(&self, claimed: &Claimed) -> (Option<Place>, Option<RenterContact>) {
        let renter = self.renters.get(&claimed.request.renter_id).filter(|_| names_renter(claimed));
        (self.places.get(&claimed.request.property_id).cloned(), renter.cloned())
    }
}

/// Whether the message says how to reach the renter: it doesn't to a worker who has no more to do with them.
fn names_renter(claimed: &Claimed) -> bool {
    claimed.notification.kind == NotificationKind::Assignment
}

fn distinct<K: Ord>(keys: impl Iterator<Item = K>) -> Vec<K> {
    let mut keys: Vec<_> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// What the directory has under these keys. All are asked for together; when that fails, hangs or panics each is asked
/// for alone.
async fn found<K: Eq + Hash, V>(
    directory: &dyn Directory,
    keys: Vec<K>,
    limit: Duration,
    ask: Ask<K, V>,
) -> (HashMap<K, V>, Vec<DirectoryError>) {
    if keys.is_empty() {
        return (HashMap::new(), Vec::new());
    }
    let first = match in_time(ask(directory, &keys), Instant::now() + limit).await {
        Ok(found) => return (found, Vec::new()),
        Err(error) => error,
    };
    if keys.len() == 1 {
        return (HashMap::new(), vec![first]);
    }
    let deadline = Instant::now() + limit;
    let (mut all, mut errors) = (HashMap::new(), Vec::new());
    let mut asked: FuturesUnordered<_> =
        keys.iter().map(|key| in_time(ask(directory, std::slice::from_ref(key)), deadline)).collect();
    while let Some(answer) = asked.next().await {
        match answer {
            Ok(found) => all.extend(found),
            Err(error) => errors.push(error),
        }
    }
    (all, errors)
}

async fn in_time<T>(
    answer: BoxFuture<'_, Result<T, DirectoryError>>,
    deadline: Instant,
) -> Result<T, DirectoryError> {
    let answer = AssertUnwindSafe(answer).catch_unwind();
    match timeout_at(deadline, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(DirectoryError::new("it panicked")),
        Err(_) => Err(DirectoryError::new("it did not answer in time")),
    }
}
