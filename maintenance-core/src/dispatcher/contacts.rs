//! The renters of a batch, asked of the host's directory without letting one hold up the others.

use std::{collections::HashMap, panic::AssertUnwindSafe, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use tokio::time::{Instant, timeout_at};

use crate::{Directory, DirectoryError, RenterContact, RenterId};

type Contacts = HashMap<RenterId, RenterContact>;

/// The contacts of these renters, and what failed. All are asked for together; when that fails, hangs or panics each
/// is asked for alone, and whoever can't be had within the limit is left out.
pub(super) async fn contacts(
    directory: &dyn Directory,
    renters: &[RenterId],
    limit: Duration,
) -> (Contacts, Vec<DirectoryError>) {
    let first = match ask(directory, renters, Instant::now() + limit).await {
        Ok(contacts) => return (contacts, Vec::new()),
        Err(error) => error,
    };
    if renters.len() == 1 {
        return (Contacts::new(), vec![first]);
    }
    let deadline = Instant::now() + limit;
    let (mut contacts, mut errors) = (Contacts::new(), Vec::new());
    let mut asked: FuturesUnordered<_> = renters
        .iter()
        .map(|renter| async move { ask(directory, std::slice::from_ref(renter), deadline).await })
        .collect();
    while let Some(answer) = asked.next().await {
        match answer {
            Ok(found) => contacts.extend(found),
            Err(error) => errors.push(error),
        }
    }
    (contacts, errors)
}

async fn ask(
    directory: &dyn Directory,
    renters: &[RenterId],
    deadline: Instant,
) -> Result<Contacts, DirectoryError> {
    let answer = AssertUnwindSafe(directory.contacts(renters)).catch_unwind();
    match timeout_at(deadline, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(DirectoryError::new("it panicked")),
        Err(_) => Err(DirectoryError::new("it did not answer in time")),
    }
}
