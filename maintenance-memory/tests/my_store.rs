//! A store that hands every call to another.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use maintenance_core::*;
use maintenance_memory::{MemoryRepository, conformance};

#[derive(Clone)]
struct MyStore(MemoryRepository<'static>);

macro_rules! delegate {
    ($port:ident $([$view:ident: $seen:ty])? { $($method:ident($($argument:ident: $of:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl $port for MyStore {
            $(fn $view(&self) -> $seen {
                self.0.$view()
            })?
            $(async fn $method(&self, $($argument: $of),*) -> Result<$answer, RepositoryError> {
                self.0.$method($($argument),*).await
            })*
        }
    };
}

delegate!(WorkerRepository {
    add_worker(worker: &Worker) -> Inserted<Worker>;
    worker(id: WorkerId) -> Option<Worker>;
    save_worker(worker: &Worker, seen: DateTime<Utc>) -> ();
    workers(filter: &WorkerFilter, slice: Slice) -> Listing<Worker>;
    assign_complex(assignment: &ComplexAssignment) -> ComplexAssignment;
    unassign_complex(worker: WorkerId, complex: ComplexId) -> bool;
    assignments(of: AssignmentsOf) -> Listing<ComplexAssignment>;
    candidates(of: &[CandidatesOf]) -> Listing<(ComplexId, Candidate)>;
});

delegate!(RequestRepository [organization: OrganizationId] {
    file(filings: &[Filing]) -> Vec<Result<Filed, RepositoryError>>;
    request(id: RequestId) -> Option<Request>;
    record(id: RequestId) -> Option<RequestRecord>;
    requests(filter: &RequestFilter, slice: Slice) -> Listing<Request>;
    count_by_status(filter: &RequestFilter) -> BTreeMap<RequestStatus, u64>;
    apply(step: &Step) -> ();
    add_comment(comment: &Comment) -> Inserted<Comment>;
    add_attachment(attachment: &Attachment) -> Inserted<Attachment>;
    comments(filter: &CommentFilter, slice: Slice) -> Listing<Comment>;
});

delegate!(NotificationRepository {
    claim(claim: &Claim) -> Listing<Claimed>;
    defer(deferral: Deferral) -> u64;
    record_outcomes(records: &[SendRecord]) -> Recorded;
    record_deliveries(updates: &[DeliveryUpdate], now: DateTime<Utc>) -> Vec<DeliveryEffect>;
    notification(id: NotificationId) -> Option<Notification>;
    file_again(failed: NotificationId, again: &Notification) -> bool;
    catch_up(forget_before: DateTime<Utc>) -> Vec<DeliveryUpdate>;
    time() -> Option<DateTime<Utc>>;
});

delegate!(InboundRepository {
    keep_inbound(messages: &[KeptInbound]) -> u64;
    claim_inbound(claim: &InboundClaim) -> Listing<KeptInbound>;
    settle_inbound(settlement: &InboundSettlement) -> bool;
    release_inbound(channel: &Channel, from: &Sender, about: (OrganizationId, RequestId), now: DateTime<Utc>) -> u64;
    sent_message(channel: &Channel, provider_message_id: &str) -> Option<Notification>;
    workers_of_sender(channel: &Channel, from: &Sender, numbers: &[PhoneNumber]) -> Listing<Worker>;
    heard(worker: WorkerId, channel: &Channel, from: &Sender, at: DateTime<Utc>) -> ();
    reached(reached: &[(NotificationId, Sender)]) -> ();
    renters_of_sender(channel: &Channel, from: &Sender, numbers: &[PhoneNumber]) -> Listing<KnownRenter>;
    renter_heard(renter: &KnownRenter, channel: &Channel, from: &Sender, at: DateTime<Utc>) -> ();
    opt_out(opt_out: &OptOut) -> DateTime<Utc>;
    opt_in(organization: OrganizationId, renter: RenterId) -> bool;
});

delegate!(EventRepository {
    subscribe(consumer: &ConsumerName) -> EventPosition;
    unsubscribe(consumer: &ConsumerName) -> bool;
    events(after: EventPosition, limit: u32) -> Listing<Event>;
    acknowledge(consumer: &ConsumerName, position: EventPosition) -> ();
    add_event(event: &NewEvent) -> ();
});

delegate!(ArchiveRepository {
    import(records: &[RequestRecord]) -> Vec<Result<Inserted<Request>, RepositoryError>>;
    traces(person: UserId) -> Listing<PersonalData>;
    forget_renter(renter: RenterId, at: DateTime<Utc>) -> Forgotten;
    clean_up(before: DateTime<Utc>, limit: u32) -> CleanedUp;
    index_texts(limit: u32) -> u32;
});

impl Organizations for MyStore {
    fn of(&self, organization: OrganizationId) -> Self {
        Self(self.0.of(organization))
    }
}

async fn my_store() -> (MyStore, ()) {
    (MyStore(MemoryRepository::new()), ())
}

conformance!(my_store);
