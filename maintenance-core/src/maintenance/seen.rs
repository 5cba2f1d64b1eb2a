//! A store as an actor sees it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    model::{
        Actor, Attachment, Claim, Claimed, CleanedUp, Comment, ComplexAssignment, Deferral, DeliveryEffect,
        DeliveryUpdate, Event, EventPosition, Filing, Forgotten, InboundClaim, InboundSettlement,
        KeptInbound, KnownRenter, NewEvent, Notification, OptOut, PersonalData, Recorded, Request,
        RequestRecord, RequestStatus, SendRecord, Sender, Step, Worker,
    },
    ports::{
        ArchiveRepository, AssignmentsOf, CommentFilter, EventRepository, Filed, InboundRepository, Inserted,
        Listing, NotificationRepository, Repository, RepositoryError, RepositoryErrorKind, RequestFilter,
        RequestRepository, Slice, WorkerFilter, WorkerRepository,
    },
    rules::{Candidate, CandidatesOf, Viewer},
    values::{
        Channel, ComplexId, ConsumerName, NotificationId, OrganizationId, PhoneNumber, RenterId, RequestId,
        UserId, WorkerId,
    },
};

/// A store in which requests that the viewer may not see are not found. Every decision reads its request here first, so
/// that what isn't seen can't be changed either. Workers and the outbox are seen whole: the use cases need them.
#[derive(Clone)]
pub(super) struct Seen<R> {
    pub(super) store: R,
    pub(super) viewer: Viewer,
}

impl<R: Repository> Seen<R> {
    async fn check(&self, request: RequestId) -> Result<(), RepositoryError> {
        let seen = self.request(request).await?;
        seen.map(drop).ok_or_else(|| RepositoryErrorKind::NotFound.into())
    }

    /// A row that was there under the same id, unless it belongs to a request that isn't seen: then it is as if another
    /// organisation had it.
    async fn unless_unseen<T: Sync + Send>(
        &self,
        inserted: Inserted<T>,
        request: impl Fn(&T) -> RequestId + Send,
    ) -> Result<Inserted<T>, RepositoryError> {
        if let Inserted::Existing(stored) = &inserted {
            self.check(request(stored)).await?;
        }
        Ok(inserted)
    }

    /// The filter that lets through what the viewer sees of what it asks for; `None` when that is nothing.
    fn narrow(&self, filter: &RequestFilter) -> Option<RequestFilter> {
        let mut filter = filter.clone();
        match self.viewer.actor() {
            Actor::Renter(id) if *filter.renter_id.get_or_insert(id) != id => return None,
            Actor::Worker(id) if *filter.assigned_worker_id.get_or_insert(id) != id => return None,
            _ => {}
        }
        if let Some(seen) = self.viewer.complexes() {
            if filter.complexes.is_empty() {
                filter.complexes = seen.to_vec();
            }
            filter.complexes.retain(|complex| seen.contains(complex));
            if filter.complexes.is_empty() {
                return None;
            }
        }
        Some(filter)
    }
}

#[async_trait]
impl<R: Repository> RequestRepository for Seen<R> {
    fn organization(&self) -> OrganizationId {
        self.store.organization()
    }

    async fn file(&self, filings: &[Filing]) -> Result<Vec<Result<Filed, RepositoryError>>, RepositoryError> {
        self.store.file(filings).await
    }

    async fn request(&self, id: RequestId) -> Result<Option<Request>, RepositoryError> {
        Ok(self.store.request(id).await?.filter(|request| self.viewer.sees(request)))
    }

    async fn record(&self, id: RequestId) -> Result<Option<RequestRecord>, RepositoryError> {
        let record = self.store.record(id).await?.filter(|record| self.viewer.sees(&record.request));
        Ok(record.map(|record| self.viewer.shown(record)))
    }

    async fn requests(
        &self,
        filter: &RequestFilter,
        slice: Slice,
    ) -> Result<Listing<Request>, RepositoryError> {
        match self.narrow(filter) {
            Some(filter) => self.store.requests(&filter, slice).await,
            None => Ok(Listing::default()),
        }
    }

    async fn count_by_status(
        &self,
        filter: &RequestFilter,
    ) -> Result<BTreeMap<RequestStatus, u64>, RepositoryError> {
        match self.narrow(filter) {
            Some(filter) => self.store.count_by_status(&filter).await,
            None => Ok(BTreeMap::new()),
        }
    }

    async fn apply(&self, step: &Step) -> Result<(), RepositoryError> {
        self.store.apply(step).await
    }

    async fn add_comment(&self, comment: &Comment) -> Result<Inserted<Comment>, RepositoryError> {
        self.check(comment.request_id).await?;
        let inserted = self.store.add_comment(comment).await?;
        self.unless_unseen(inserted, |stored| stored.request_id).await
    }

    async fn add_attachment(&self, attachment: &Attachment) -> Result<Inserted<Attachment>, RepositoryError> {
        self.check(attachment.request_id).await?;
        let inserted = self.store.add_attachment(attachment).await?;
        self.unless_unseen(inserted, |stored| stored.request_id).await
    }

    async fn comments(
        &self,
        filter: &CommentFilter,
        slice: Slice,
    ) -> Result<Listing<Comment>, RepositoryError> {
        self.store.comments(filter, slice).await
    }
}

/// Hands calls to the store as they are.
macro_rules! hand_on {
    ($port:ident { $($method:ident($($argument:ident: $of:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl<R: Repository> $port for Seen<R> {
            $(async fn $method(&self, $($argument: $of),*) -> Result<$answer, RepositoryError> {
                self.store.$method($($argument),*).await
            })*
        }
    };
}

hand_on!(WorkerRepository {
    add_worker(worker: &Worker) -> Inserted<Worker>;
    worker(id: WorkerId) -> Option<Worker>;
    save_worker(worker: &Worker, seen: DateTime<Utc>) -> ();
    workers(filter: &WorkerFilter, slice: Slice) -> Listing<Worker>;
    assign_complex(assignment: &ComplexAssignment) -> ComplexAssignment;
    unassign_complex(worker: WorkerId, complex: ComplexId) -> bool;
    assignments(of: AssignmentsOf) -> Listing<ComplexAssignment>;
    candidates(of: &[CandidatesOf]) -> Listing<(ComplexId, Candidate)>;
});

hand_on!(NotificationRepository {
    claim(claim: &Claim) -> Listing<Claimed>;
    defer(deferral: Deferral) -> u64;
    record_outcomes(records: &[SendRecord]) -> Recorded;
    record_deliveries(updates: &[DeliveryUpdate], now: DateTime<Utc>) -> Vec<DeliveryEffect>;
    notification(id: NotificationId) -> Option<Notification>;
    file_again(failed: NotificationId, again: &Notification) -> bool;
    catch_up(forget_before: DateTime<Utc>) -> Vec<DeliveryUpdate>;
    time() -> Option<DateTime<Utc>>;
});

hand_on!(InboundRepository {
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

hand_on!(EventRepository {
    subscribe(consumer: &ConsumerName) -> EventPosition;
    unsubscribe(consumer: &ConsumerName) -> bool;
    events(after: EventPosition, limit: u32) -> Listing<Event>;
    acknowledge(consumer: &ConsumerName, position: EventPosition) -> ();
    add_event(event: &NewEvent) -> ();
});

hand_on!(ArchiveRepository {
    import(records: &[RequestRecord]) -> Vec<Result<Inserted<Request>, RepositoryError>>;
    traces(person: UserId) -> Listing<PersonalData>;
    forget_renter(renter: RenterId, at: DateTime<Utc>) -> Forgotten;
    clean_up(before: DateTime<Utc>, limit: u32) -> CleanedUp;
    index_texts(limit: u32) -> u32;
});
