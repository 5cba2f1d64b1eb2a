//! The ports to a store. Each method is one decided step, written whole or not at all.
//!
//! What an implementor owes:
//! - a write that returns an error has written nothing, unless the kind is `Unavailable`; it leaves a transaction
//!   that it runs in usable, unless the kind is `Aborted` or `Unavailable`;
//! - it answers in bounded time: `Busy` is returned once the store has waited as long as it is set to wait;
//! - every guard named at a method is checked in the same atomic step as the write;
//! - times keep their microseconds, enums their text, texts every character;
//! - no log, `Debug` or error holds a name, a number or a text;
//! - workers, requests and all that belongs to them are seen as one organisation sees them: what belongs to another is
//!   not found, whichever id is given, and can't be told from what doesn't exist. The outbox is that of all.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    model::{
        Attachment, Claim, Claimed, Comment, ComplexAssignment, Deferral, DeliveryEffect, DeliveryUpdate,
        Filing, Notification, Recorded, Request, RequestRecord, RequestStatus, SendRecord, Step, Worker,
    },
    rules::{Candidate, CandidatesOf},
    values::{ComplexId, NotificationId, OrganizationId, RequestId, RequestNumber, WorkerId},
};

use super::{
    filter::{AssignmentsOf, CommentFilter, RequestFilter, WorkerFilter},
    page::{Listing, Slice},
    repository_error::RepositoryError,
};

/// What an insert under a caller's id did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inserted<T> {
    /// The row is new.
    New,
    /// A row with that id was there and stays as it is: this one.
    Existing(T),
}

/// What filing a request did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it is moved from the store to the use case once")]
pub enum Filed {
    /// The request is new. The store gave it this number, which its row now has.
    New(RequestNumber),
    /// A request with that id was there and stays as it is: this one.
    Existing(Request),
}

/// Workers and the complexes they serve.
#[async_trait]
#[auto_impl::auto_impl(&, Box, Arc)]
pub trait WorkerRepository: Send + Sync {
    /// Adds a worker unless one with that id is there.
    async fn add_worker(&self, worker: &Worker) -> Result<Inserted<Worker>, RepositoryError>;

    /// A worker.
    async fn worker(&self, id: WorkerId) -> Result<Option<Worker>, RepositoryError>;

    /// Saves a worker whose `updated_at` in the store is still `seen`. `Conflict` when it is not, `NotFound`
    /// when there is no such worker.
    async fn save_worker(&self, worker: &Worker, seen: DateTime<Utc>) -> Result<(), RepositoryError>;

    /// Workers, newest first by `created_at` and id.
    async fn workers(&self, filter: &WorkerFilter, slice: Slice) -> Result<Listing<Worker>, RepositoryError>;

    /// Assigns a worker to a complex; returns the assignment as it now is. A pair that is assigned keeps its
    /// id and `assigned_at`. A primary assignment ends the complex's earlier primary in the same step.
    /// `NotFound` when there is no such worker.
    async fn assign_complex(
        &self,
        assignment: &ComplexAssignment,
    ) -> Result<ComplexAssignment, RepositoryError>;

    /// Ends an assignment; whether there was one. Requests already assigned stay with the worker.
    async fn unassign_complex(&self, worker: WorkerId, complex: ComplexId) -> Result<bool, RepositoryError>;

    /// Assignments, oldest first by `assigned_at` and id.
    async fn assignments(&self, of: AssignmentsOf) -> Result<Listing<ComplexAssignment>, RepositoryError>;

    /// The workers of these complexes with what ranking needs, in any order: one who serves several of them is
    /// a candidate of each. No two of `of` are about one complex. Whoever isn't active or has none of the trades asked
    /// for is a candidate too, but their load need not be counted.
    async fn candidates(
        &self,
        of: &[CandidatesOf],
    ) -> Result<Listing<(ComplexId, Candidate)>, RepositoryError>;
}

/// Requests and what belongs to them.
#[async_trait]
#[auto_impl::auto_impl(&, Box, Arc)]
pub trait RequestRepository: Send + Sync {
    /// The organisation that this view of the store is of. A store that knows one organisation needs no method of its
    /// own.
    fn organization(&self) -> OrganizationId {
        OrganizationId::NONE
    }

    /// Files requests, each with the row of its assignment history and the message to its worker, all in one step.
    /// One is not filed when a request with its id is there, or, as `Conflict`, when its message's worker isn't active
    /// (any more): what is refused stops none of the others. Answers in order; an error of the whole has filed none. No
    /// two have one id.
    ///
    /// Each new request gets a number that no other of its organisation has or will have, greater than most numbers given
    /// before; that of the filing isn't looked at. Two open transactions that file in one organisation don't wait for each
    /// other.
    ///
    /// Who makes a worker inactive meanwhile waits for the step, and then finds the request among theirs.
    async fn file(&self, filings: &[Filing]) -> Result<Vec<Result<Filed, RepositoryError>>, RepositoryError>;

    /// A request.
    async fn request(&self, id: RequestId) -> Result<Option<Request>, RepositoryError>;

    /// A request with all that happened to it. A row that can't be read fails the whole: a record with gaps
    /// is no record.
    async fn record(&self, id: RequestId) -> Result<Option<RequestRecord>, RepositoryError>;

    /// Requests in the filter's order.
    async fn requests(
        &self,
        filter: &RequestFilter,
        slice: Slice,
    ) -> Result<Listing<Request>, RepositoryError>;

    /// How many requests there are of each status among those that the filter lets through; a status without
    /// any may be left out.
    async fn count_by_status(
        &self,
        filter: &RequestFilter,
    ) -> Result<BTreeMap<RequestStatus, u64>, RepositoryError>;

    /// Writes a step: all of its writes, and the request as [`Step::after`] makes it. `NotFound` when there is no such
    /// request. `Conflict` when its version isn't the one that the step saw, or when the worker who
    /// [must be active](Step::must_be_active) isn't. `Unsupported` when the store doesn't know one of the writes.
    async fn apply(&self, step: &Step) -> Result<(), RepositoryError>;

    /// Adds a comment unless one with that id is there. `NotFound` when there is no such request.
    async fn add_comment(&self, comment: &Comment) -> Result<Inserted<Comment>, RepositoryError>;

    /// Adds an attachment unless one with that id is there. `NotFound` when there is no such request.
    async fn add_attachment(&self, attachment: &Attachment) -> Result<Inserted<Attachment>, RepositoryError>;

    /// Comments, oldest first by `created_at` and id.
    async fn comments(
        &self,
        filter: &CommentFilter,
        slice: Slice,
    ) -> Result<Listing<Comment>, RepositoryError>;
}

/// The outbox. Each method that moves a notification also moves its request's `whatsapp_message_id` and
/// `whatsapp_status`, in the same step, if it is the request's newest.
#[async_trait]
#[auto_impl::auto_impl(&, Box, Arc)]
pub trait NotificationRepository: Send + Sync {
    /// Takes what [`Claim::choose`] says of all organisations' messages, in that order: puts the lease on them, counts the
    /// claim and moves `due_at` to `until`. The messages of a channel that rests aren't read. No two claims take one
    /// notification before it comes due again. A row that can't be read is taken too, and reported, so that it can't hold
    /// up the others.
    ///
    /// The store keeps for each message the `updated_at` of the request with which it was last taken: as of then is what it
    /// says, and by it [`Told`](crate::Told) is decided for a change.
    async fn claim(&self, claim: &Claim) -> Result<Listing<Claimed>, RepositoryError>;

    /// Puts back what is due to one recipient, spread out; returns how many it put back.
    async fn defer(&self, deferral: Deferral) -> Result<u64, RepositoryError>;

    /// Records outcomes, each as [`Notification::apply_outcome`] does. A provider's id is kept with its message
    /// for ever, so that a message that went out more than once is found by the id of each copy.
    ///
    /// A lock that someone else holds on a request must not hold up the outcomes: where the store has such locks,
    /// the request's `whatsapp_*` columns follow at a later [`catch_up`](Self::catch_up).
    async fn record_outcomes(&self, records: &[SendRecord]) -> Result<Recorded, RepositoryError>;

    /// Applies webhook updates, each as [`Notification::apply_delivery`] does to the notification of the update's channel
    /// that has our id or else the provider's, in one step for all; returns what each did, in order. An update whose
    /// message isn't known is kept, as received at `now`, until its message is known and it is applied, or it is forgotten.
    /// Locks are treated as by [`record_outcomes`](Self::record_outcomes).
    async fn record_deliveries(
        &self,
        updates: &[DeliveryUpdate],
        now: DateTime<Utc>,
    ) -> Result<Vec<DeliveryEffect>, RepositoryError>;

    /// A message, whichever organisation's it is, with the priority that its request has now.
    async fn notification(&self, id: NotificationId) -> Result<Option<Notification>, RepositoryError>;

    /// Files a message that repeats a failed one, which then is the request's newest. Returns whether it did: it does
    /// not when the failed message isn't the newest assignment message of an open request any more, isn't failed, or
    /// when its worker isn't the request's or isn't active. Moves neither the request's version nor its `updated_at`.
    /// An answer is filed again whatever became of its request, and news while no newer news of the request is there; a
    /// message with the new one's id that is there already means that it was done before.
    async fn file_again(&self, failed: NotificationId, again: &Notification)
    -> Result<bool, RepositoryError>;

    /// Does what had to wait: moves the requests that were locked, and forgets kept updates received before
    /// `forget_before`. Returns kept updates whose message is known by now: they are to be applied, and the store
    /// keeps them until they are.
    async fn catch_up(&self, forget_before: DateTime<Utc>) -> Result<Vec<DeliveryUpdate>, RepositoryError>;

    /// The time by the store's own clock, UTC, if it has one that can differ from this process's.
    async fn time(&self) -> Result<Option<DateTime<Utc>>, RepositoryError>;
}
