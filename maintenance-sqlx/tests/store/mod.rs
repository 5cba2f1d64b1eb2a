//! Cases for both databases, compared with the core's rules. They cover what only SQL can get wrong; the
//! suite for every store is in the crate of tests.

pub(crate) mod catalogue;
mod crowd;
mod life;
mod outbox;
mod spoilt;

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::*;
use uuid::Uuid;

pub(crate) use crowd::{at_once, cancelled, crowd, primaries, submitters, waiting_takes_little_memory};
pub(crate) use life::{life, workers};
pub(crate) use outbox::outbox;
pub(crate) use spoilt::{corrupt, halves, unquoted};

pub(crate) struct NoDirectory;

#[async_trait]
impl Directory for NoDirectory {
    async fn complex_of(
        &self,
        _: OrganizationId,
        _: PropertyId,
    ) -> Result<Option<ComplexId>, DirectoryError> {
        Ok(Some(complex(1)))
    }

    async fn contacts(
        &self,
        _: OrganizationId,
        _: &[RenterId],
    ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError> {
        Ok(HashMap::new())
    }
}

/// The store's answer to one filing.
pub(crate) async fn file_one(store: &dyn Repository, filing: &Filing) -> Result<Filed, RepositoryError> {
    store.file(std::slice::from_ref(filing)).await?.remove(0)
}

/// A clock whose time never changes.
struct Still;

impl Clock for Still {
    fn now(&self) -> DateTime<Utc> {
        at(0)
    }

    fn monotonic(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }
}

pub(crate) fn id(n: u128) -> Uuid {
    Uuid::from_u128((n << 64) | 0x4000_8000_0000_0000_0000)
}

pub(crate) fn complex(n: u128) -> ComplexId {
    id(0xc000 + n).into()
}

/// The workers of a complex, whatever their trades.
pub(crate) fn anyone(n: u128) -> CandidatesOf {
    CandidatesOf { complex_id: complex(n), trades: None }
}

pub(crate) fn at(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_767_000_000_000_000 + micros).unwrap()
}

pub(crate) fn worker(n: u128) -> Worker {
    Worker {
        id: id(0xa000 + n).into(),
        organization_id: OrganizationId::NONE,
        first_name: Name::new("Worker 'O\"ne' \\ ü").unwrap(),
        last_name: Name::new("Example").unwrap(),
        phone_number: PhoneNumber::try_from("+12025550123".to_owned()).unwrap(),
        email: Email::new("ann@example.com").unwrap(),
        specialties: [Specialty::PLUMBING, Specialty::new("pool care").unwrap()].into(),
        status: WorkerStatus::Active,
        created_at: at(n as i64),
        updated_at: at(n as i64),
    }
}

pub(crate) fn assignment(
    n: u128,
    worker: &Worker,
    complex: ComplexId,
    is_primary: bool,
) -> ComplexAssignment {
    ComplexAssignment {
        id: id(0xb000 + n).into(),
        worker_id: worker.id,
        complex_id: complex,
        is_primary,
        assigned_at: at(n as i64),
        updated_at: at(n as i64),
    }
}

pub(crate) fn new_request(n: u128) -> NewRequest {
    let form = RequestForm::new("The sink leaks", "Since Monday.\n\tAlways.", "Kitchen");
    let form = form.priority(Priority::High).specialty("plumbing");
    NewRequest::new(id(0xd000).into(), id(0xe000).into(), form).id(id(n).into())
}

fn kind<T>(result: Result<T, RepositoryError>) -> RepositoryErrorKind {
    result.err().expect("an error").kind
}

pub(crate) async fn staff(store: &dyn Repository) -> Vec<Worker> {
    let workers: Vec<_> = (1..=3).map(worker).collect();
    for (n, worker) in workers.iter().enumerate() {
        assert_eq!(store.add_worker(worker).await.unwrap(), Inserted::New);
        let n = n as u128;
        store.assign_complex(&assignment(n, worker, complex(1), n == 0)).await.unwrap();
    }
    workers
}
