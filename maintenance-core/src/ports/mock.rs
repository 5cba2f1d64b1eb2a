//! mockall mocks of every port, for a host's own tests (feature `mock`).
//!
//! For most tests the real thing in memory (`maintenance-memory`) says more; a mock is for the answer that is
//! hard to bring about.
//!
//! ```
//! use maintenance_core::{
//!     Error, Maintenance, RepositoryErrorKind, WorkerId, mock::{MockDirectory, MockRepository},
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let mut repository = MockRepository::new();
//! repository.expect_worker().returning(|_| Err(RepositoryErrorKind::Unavailable.into()));
//!
//! let maintenance = Maintenance::new(repository, MockDirectory::new());
//! let answer = maintenance.worker(WorkerId::from_uuid(uuid::Uuid::from_u128(1))).await;
//! assert!(matches!(answer, Err(Error::Repository(error)) if error.kind == RepositoryErrorKind::Unavailable));
//! # }
//! ```

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mockall::mock;
use uuid::Uuid;

use super::{
    archive::ArchiveRepository,
    clock::Clock,
    directory::{Directory, DirectoryError},
    events::EventRepository,
    filter::{AssignmentsOf, CommentFilter, RequestFilter, WorkerFilter},
    inbound::InboundRepository,
    notifier::{Notifier, NotifyError, Receipt},
    page::{Listing, Slice},
    repository::{Filed, Inserted, NotificationRepository, RequestRepository, WorkerRepository},
    repository_error::RepositoryError,
};
use crate::{
    model::{
        Attachment, Claim, Claimed, CleanedUp, Comment, ComplexAssignment, Deferral, DeliveryEffect,
        DeliveryUpdate, Event, EventPosition, Filing, Forgotten, InboundClaim, InboundSettlement,
        KeptInbound, KnownRenter, NewEvent, Notification, OptOut, Outgoing, PersonalData, Place, Recorded,
        RenterContact, Request, RequestRecord, RequestStatus, SendRecord, Sender, Step, Worker,
    },
    rules::{Candidate, CandidatesOf},
    values::{
        Channel, ComplexId, ConsumerName, IdSource, NotificationId, OrganizationId, PhoneNumber, PropertyId,
        RenterId, RequestId, UserId, WorkerId,
    },
};

mock! {
    /// A mock of a whole store.
    pub Repository {}

    #[async_trait]
    impl WorkerRepository for Repository {
        async fn add_worker(&self, worker: &Worker) -> Result<Inserted<Worker>, RepositoryError>;
        async fn worker(&self, id: WorkerId) -> Result<Option<Worker>, RepositoryError>;
        async fn save_worker(&self, worker: &Worker, seen: DateTime<Utc>) -> Result<(), RepositoryError>;
        async fn workers(&self, filter: &WorkerFilter, slice: Slice) -> Result<Listing<Worker>, RepositoryError>;
        async fn assign_complex(
            &self,
            assignment: &ComplexAssignment,
        ) -> Result<ComplexAssignment, RepositoryError>;
        async fn unassign_complex(&self, worker: WorkerId, complex: ComplexId) -> Result<bool, RepositoryError>;
        async fn assignments(&self, of: AssignmentsOf) -> Result<Listing<ComplexAssignment>, RepositoryError>;
        async fn candidates(
            &self,
            of: &[CandidatesOf],
        ) -> Result<Listing<(ComplexId, Candidate)>, RepositoryError>;
    }

    #[async_trait]
    impl RequestRepository for Repository {
        async fn file(
            &self,
            filings: &[Filing],
        ) -> Result<Vec<Result<Filed, RepositoryError>>, RepositoryError>;
        async fn request(&self, id: RequestId) -> Result<Option<Request>, RepositoryError>;
        async fn record(&self, id: RequestId) -> Result<Option<RequestRecord>, RepositoryError>;
        async fn requests(&self, filter: &RequestFilter, slice: Slice) -> Result<Listing<Request>, RepositoryError>;
        async fn count_by_status(
            &self,
            filter: &RequestFilter,
        ) -> Result<BTreeMap<RequestStatus, u64>, RepositoryError>;
        async fn apply(&self, step: &Step) -> Result<(), RepositoryError>;
        async fn add_comment(&self, comment: &Comment) -> Result<Inserted<Comment>, RepositoryError>;
        async fn add_attachment(&self, attachment: &Attachment) -> Result<Inserted<Attachment>, RepositoryError>;
        async fn comments(&self, filter: &CommentFilter, slice: Slice) -> Result<Listing<Comment>, RepositoryError>;
    }

    #[async_trait]
    impl EventRepository for Repository {
        async fn subscribe(&self, consumer: &ConsumerName) -> Result<EventPosition, RepositoryError>;
        async fn unsubscribe(&self, consumer: &ConsumerName) -> Result<bool, RepositoryError>;
        async fn events(&self, after: EventPosition, limit: u32) -> Result<Listing<Event>, RepositoryError>;
        async fn acknowledge(
            &self,
            consumer: &ConsumerName,
            position: EventPosition,
        ) -> Result<(), RepositoryError>;
        async fn add_event(&self, event: &NewEvent) -> Result<(), RepositoryError>;
    }

    #[async_trait]
    impl InboundRepository for Repository {
        async fn keep_inbound(&self, messages: &[KeptInbound]) -> Result<u64, RepositoryError>;
        async fn claim_inbound(&self, claim: &InboundClaim) -> Result<Listing<KeptInbound>, RepositoryError>;
        async fn settle_inbound(&self, settlement: &InboundSettlement) -> Result<bool, RepositoryError>;
        async fn release_inbound(
            &self,
            channel: &Channel,
            from: &Sender,
            about: (OrganizationId, RequestId),
            now: DateTime<Utc>,
        ) -> Result<u64, RepositoryError>;
        async fn sent_message(
            &self,
            channel: &Channel,
            provider_message_id: &str,
        ) -> Result<Option<Notification>, RepositoryError>;
        async fn workers_of_sender(
            &self,
            channel: &Channel,
            from: &Sender,
            numbers: &[PhoneNumber],
        ) -> Result<Listing<Worker>, RepositoryError>;
        async fn heard(
            &self,
            worker: WorkerId,
            channel: &Channel,
            from: &Sender,
            at: DateTime<Utc>,
        ) -> Result<(), RepositoryError>;
        async fn reached(&self, reached: &[(NotificationId, Sender)]) -> Result<(), RepositoryError>;
        async fn renters_of_sender(
            &self,
            channel: &Channel,
            from: &Sender,
            numbers: &[PhoneNumber],
        ) -> Result<Listing<KnownRenter>, RepositoryError>;
        async fn renter_heard(
            &self,
            renter: &KnownRenter,
            channel: &Channel,
            from: &Sender,
            at: DateTime<Utc>,
        ) -> Result<(), RepositoryError>;
        async fn opt_out(&self, opt_out: &OptOut) -> Result<DateTime<Utc>, RepositoryError>;
        async fn opt_in(&self, organization: OrganizationId, renter: RenterId) -> Result<bool, RepositoryError>;
    }

    #[async_trait]
    impl NotificationRepository for Repository {
        async fn claim(&self, claim: &Claim) -> Result<Listing<Claimed>, RepositoryError>;
        async fn defer(&self, deferral: Deferral) -> Result<u64, RepositoryError>;
        async fn record_outcomes(&self, records: &[SendRecord]) -> Result<Recorded, RepositoryError>;
        async fn record_deliveries(
            &self,
            updates: &[DeliveryUpdate],
            now: DateTime<Utc>,
        ) -> Result<Vec<DeliveryEffect>, RepositoryError>;
        async fn notification(&self, id: NotificationId) -> Result<Option<Notification>, RepositoryError>;
        async fn file_again(
            &self,
            failed: NotificationId,
            again: &Notification,
        ) -> Result<bool, RepositoryError>;
        async fn catch_up(&self, forget_before: DateTime<Utc>) -> Result<Vec<DeliveryUpdate>, RepositoryError>;
        async fn time(&self) -> Result<Option<DateTime<Utc>>, RepositoryError>;
    }

    #[async_trait]
    impl ArchiveRepository for Repository {
        async fn import(
            &self,
            records: &[RequestRecord],
        ) -> Result<Vec<Result<Inserted<Request>, RepositoryError>>, RepositoryError>;
        async fn traces(&self, person: UserId) -> Result<Listing<PersonalData>, RepositoryError>;
        async fn forget_renter(&self, renter: RenterId, at: DateTime<Utc>) -> Result<Forgotten, RepositoryError>;
        async fn clean_up(&self, before: DateTime<Utc>, limit: u32) -> Result<CleanedUp, RepositoryError>;
        async fn index_texts(&self, limit: u32) -> Result<u32, RepositoryError>;
    }
}

mock! {
    /// A mock of a channel.
    pub Notifier {}

    #[async_trait]
    impl Notifier for Notifier {
        async fn notify(&self, message: &Outgoing) -> Result<Receipt, NotifyError>;
    }
}

mock! {
    /// A mock of the host's directory.
    pub Directory {}

    #[async_trait]
    impl Directory for Directory {
        async fn places(
            &self,
            organization: OrganizationId,
            properties: &[PropertyId],
        ) -> Result<HashMap<PropertyId, Place>, DirectoryError>;
        async fn complex_of(&self, organization: OrganizationId, property: PropertyId) -> Result<Option<ComplexId>, DirectoryError>;
        async fn contacts(
            &self,
            organization: OrganizationId,
            renters: &[RenterId],
        ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError>;
    }
}

mock! {
    /// A mock of a clock.
    pub Clock {}

    impl Clock for Clock {
        fn now(&self) -> DateTime<Utc>;
        fn monotonic(&self) -> std::time::Duration;
    }
}

mock! {
    /// A mock of a source of ids.
    pub IdSource {}

    impl IdSource for IdSource {
        fn uuid(&self) -> Uuid;
    }
}
