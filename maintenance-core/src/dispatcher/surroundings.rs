//! The renters and places of a batch, asked of the host's directory without letting one row hold up the others.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::Hash,
    panic::AssertUnwindSafe,
    time::Duration,
};

use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, join_all},
    stream::FuturesUnordered,
};
use tokio::time::{Instant, timeout_at};

use crate::{
    model::{Claimed, NotificationKind, Place, RenterContact},
    ports::{Directory, DirectoryError},
    values::{Language, OrganizationId, PropertyId, RenterId, WorkerId},
};

/// What the directory knows of a batch, and what failed.
#[derive(Default)]
pub(super) struct Surroundings {
    renters: Known<RenterId, RenterContact>,
    places: Known<PropertyId, Place>,
    languages: Known<WorkerId, Language>,
    /// Whether the directory failed to say who some of the renters are.
    renters_failed: bool,
    pub(super) errors: Vec<DirectoryError>,
}

/// What is known of each organisation's ids.
type Known<K, V> = HashMap<(OrganizationId, K), V>;
type Answer<K, V> = Result<HashMap<K, V>, DirectoryError>;
/// A question to the directory.
type Ask<K, V> = for<'d> fn(&'d dyn Directory, OrganizationId, &'d [K]) -> BoxFuture<'d, Answer<K, V>>;

impl Surroundings {
    /// Asks for all that these messages say of renters and places. Whoever can't be had within twice the limit is
    /// left out.
    pub(super) async fn of(claimed: &[Claimed], directory: &dyn Directory, limit: Duration) -> Self {
        let renters = claimed.iter().filter(|claimed| asks_for_renter(claimed));
        let renters = renters.map(|claimed| (claimed.request.organization_id, claimed.request.renter_id));
        let properties =
            claimed.iter().map(|claimed| (claimed.request.organization_id, claimed.request.property_id));
        let workers = claimed
            .iter()
            .filter_map(|claimed| Some((claimed.request.organization_id, claimed.notification.to.worker()?)));
        let ((renters, mut errors), (places, of_places), (languages, of_languages)) = tokio::join!(
            found(directory, renters, limit, |directory, organization, renters| {
                directory.contacts(organization, renters)
            }),
            found(directory, properties, limit, |directory, organization, properties| {
                directory.places(organization, properties)
            }),
            found(directory, workers, limit, |directory, organization, workers| {
                directory.languages(organization, workers)
            }),
        );
        let renters_failed = !errors.is_empty();
        errors.extend(of_places);
        errors.extend(of_languages);
        Self { renters, places, languages, renters_failed, errors }
    }

    /// What the directory said for this message.
    pub(super) fn for_message(&self, claimed: &Claimed) -> Around {
        let request = &claimed.request;
        let renter = self.renters.get(&(request.organization_id, request.renter_id));
        let place = self.places.get(&(request.organization_id, request.property_id));
        let worker = claimed.notification.to.worker();
        let language = match worker {
            Some(worker) => self.languages.get(&(request.organization_id, worker)),
            None => renter.and_then(|renter| renter.language.as_ref()),
        };
        Around {
            place: place.cloned(),
            renter: renter.filter(|_| asks_for_renter(claimed)).cloned(),
            renter_may_be_known: self.renters_failed,
            language: language.cloned(),
        }
    }
}

/// What the directory said for one message.
pub(super) struct Around {
    pub(super) place: Option<Place>,
    pub(super) renter: Option<RenterContact>,
    /// Whether a renter who isn't here may be known to the directory all the same, since it failed.
    pub(super) renter_may_be_known: bool,
    pub(super) language: Option<Language>,
}

/// Whether the message is for the renter, or says how to reach them.
fn asks_for_renter(claimed: &Claimed) -> bool {
    claimed.notification.to.renter().is_some() || names_renter(claimed)
}

/// Whether the message says how to reach the renter: it doesn't to a worker who has no more to do with them, and an answer
/// has no use for it.
pub(super) fn names_renter(claimed: &Claimed) -> bool {
    matches!(claimed.notification.kind, NotificationKind::Assignment | NotificationKind::Changed)
}

/// What the directory has under these keys, each organisation being asked for its own.
async fn found<K: Copy + Ord + Hash, V>(
    directory: &dyn Directory,
    keys: impl Iterator<Item = (OrganizationId, K)>,
    limit: Duration,
    ask: Ask<K, V>,
) -> (Known<K, V>, Vec<DirectoryError>) {
    let mut of = BTreeMap::<_, BTreeSet<_>>::new();
    for (organization, key) in keys {
        of.entry(organization).or_default().insert(key);
    }
    let asked = of.into_iter().map(|(organization, keys)| async move {
        let keys: Vec<K> = keys.into_iter().collect();
        (organization, found_of(directory, organization, &keys, limit, ask).await)
    });
    let (mut known, mut errors) = (HashMap::new(), Vec::new());
    for (organization, (found, failed)) in join_all(asked).await {
        known.extend(found.into_iter().map(|(key, value)| ((organization, key), value)));
        errors.extend(failed);
    }
    (known, errors)
}

/// What one organisation has under these keys. All are asked for together; when that fails, hangs or panics each is asked
/// for alone.
async fn found_of<K: Eq + Hash, V>(
    directory: &dyn Directory,
    organization: OrganizationId,
    keys: &[K],
    limit: Duration,
    ask: Ask<K, V>,
) -> (HashMap<K, V>, Vec<DirectoryError>) {
    let first = match in_time(ask(directory, organization, keys), Instant::now() + limit).await {
        Ok(found) => return (found, Vec::new()),
        Err(error) => error,
    };
    if keys.len() == 1 {
        return (HashMap::new(), vec![first]);
    }
    let deadline = Instant::now() + limit;
    let (mut all, mut errors) = (HashMap::new(), Vec::new());
    let alone = keys.iter().map(|key| ask(directory, organization, std::slice::from_ref(key)));
    let mut asked: FuturesUnordered<_> = alone.map(|answer| in_time(answer, deadline)).collect();
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
