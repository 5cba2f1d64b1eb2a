//! What the test and the process under it agree on: the host's tables, the content of a request, and the times.

use std::time::Duration;

use maintenance_core::{
    Actor, Backoff, ComplexId, DispatchPolicy, NewRequest, NewWorker, Priority, PropertyId, RenterId,
    RequestForm, RequestId, UserId,
};
use maintenance_memory::TableDirectory;
use maintenance_whatsapp::{CloudApiConfig, Pacing, Wordings};
use uuid::Uuid;

/// How long what may have gone out is held.
pub(super) const HOLD: Duration = Duration::from_secs(4);
/// How long a send may take.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_millis(800);
/// How long a wire stays frozen at most.
pub(super) const LONGEST_FREEZE: Duration = Duration::from_millis(600);
/// The most that passes between the claim of a message and the begin of its send, which may be as late as half the
/// hold.
pub(super) const LEAD: Duration = Duration::from_millis(2_000 + 100);

/// The host's tables: one renter in one complex.
pub(super) struct Scene {
    /// The tables.
    pub(super) directory: TableDirectory,
    /// The renter.
    pub(super) renter: RenterId,
    /// Their property.
    pub(super) property: PropertyId,
    /// Its complex.
    pub(super) complex: ComplexId,
}

impl Scene {
    /// The same in every process.
    pub(super) fn new() -> Self {
        let directory = TableDirectory::new();
        let (property, complex) = (directory.property(1), directory.complex(1));
        let renter = directory.renter("Renter One", "+12025550100");
        Self { directory, renter, property, complex }
    }

    /// The request of that id: its content follows from the id, so that any process may submit it again. Half of
    /// them bring their complex, the others ask the directory.
    pub(super) fn request(&self, id: RequestId) -> NewRequest {
        let n = id.uuid().as_u128();
        let priority = Priority::ALL[usize::try_from(n % 4).unwrap_or_default()];
        let mut form =
            RequestForm::new("The sink leaks", "Water under the kitchen sink", "Kitchen").priority(priority);
        form.specialty = n.is_multiple_of(3).then(|| "plumbing".to_owned());
        let mut request = NewRequest::new(self.renter, self.property, form).id(id);
        request.complex_id = (n % 8 < 4).then_some(self.complex);
        request
    }
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

/// The workers of the complex.
pub(super) fn workers() -> Vec<NewWorker> {
    let worker = |n: u32| NewWorker {
        first_name: format!("Worker {n}"),
        last_name: "Test".into(),
        phone_number: format!("+1202555012{n}"),
        email: format!("worker{n}@example.com"),
        specialties: vec!["plumbing".into(), "general".into()],
        ..NewWorker::default()
    };
    (0..4).map(worker).collect()
}

/// A landlord.
pub(super) fn landlord() -> Actor {
    Actor::Landlord(UserId::from_uuid(Uuid::from_u128(0xA11)))
}

/// The id of a process's request number `n`.
pub(super) fn request_id(seed: u64, epoch: u32, n: u32) -> RequestId {
    RequestId::from_uuid(Uuid::from_u128(
        (u128::from(seed) << 64) + (u128::from(epoch) << 32) + u128::from(n),
    ))
}

/// The channel, with limits that are never reached.
pub(super) fn cloud_api(base_url: Option<String>) -> CloudApiConfig {
    let config = CloudApiConfig::new("106540352242922", "test-token", Wordings::default());
    CloudApiConfig {
        base_url: base_url.unwrap_or(config.base_url.clone()),
        connect_timeout: REQUEST_TIMEOUT / 2,
        request_timeout: REQUEST_TIMEOUT,
        pacing: Pacing {
            number_per_second: 10_000,
            recipient_interval: Duration::from_millis(1),
            recipient_burst: 10_000,
        },
        ..config
    }
}

/// The default policy in small: what takes minutes takes seconds.
pub(super) fn policy() -> DispatchPolicy {
    DispatchPolicy {
        batch: 10,
        concurrency: 8,
        hold: HOLD,
        send_limit: REQUEST_TIMEOUT + Duration::from_millis(200),
        directory_limit: Duration::from_millis(150),
        backoff: Backoff { first: Duration::from_millis(100), ceiling: Duration::from_secs(1) },
        probe: Duration::from_millis(500),
        poll: Duration::from_millis(100),
        ..DispatchPolicy::default()
    }
}
