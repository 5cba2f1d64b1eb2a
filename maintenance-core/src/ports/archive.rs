//! The port for taking over what was before, for handing out what is there, and for letting it go.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{page::Listing, repository::Inserted, repository_error::RepositoryError};
use crate::{
    model::{CleanedUp, Forgotten, PersonalData, Request, RequestRecord},
    values::{RenterId, UserId},
};

/// Import, a person's data, forgetting, clean-up, and the index of words.
#[async_trait]
#[auto_impl::auto_impl(&, Box, Arc)]
pub trait ArchiveRepository: Send + Sync {
    /// Writes requests as they were, each with its histories, comments and attachments but without its messages, all in
    /// one step: nothing is ever sent for what it writes, and no message is a request's newest.
    ///
    /// Answers in order. What is there stays as it is and is answered as existing. A request is not written, as
    /// `NotFound`, when it has a worker whom this organisation doesn't have; and as `Conflict` when its id or that of
    /// one of its rows is taken by something else. What is refused stops none of the others; an error of the whole has
    /// written none, and a `Conflict` of the whole means that somebody else wrote some of the same ids meanwhile. No two
    /// rows of one table in `records` have one id, and all requests are this organisation's.
    async fn import(
        &self,
        records: &[RequestRecord],
    ) -> Result<Vec<Result<Inserted<Request>, RepositoryError>>, RepositoryError>;

    /// What this organisation has about a person in no list of its own, in any order: the changes of status and of worker
    /// and the edits that they made, the changes that gave them a request or took one from them, and the messages to
    /// them. It may read whole tables.
    async fn traces(&self, person: UserId) -> Result<Listing<PersonalData>, RepositoryError>;

    /// Forgets a renter of this organisation, all in one step: each of their requests as [`Request::forget`] does; the
    /// notes in its histories, its comments, their own comments elsewhere, and the error texts of its messages become
    /// [`FORGOTTEN`](crate::FORGOTTEN), and its attachments are deleted. `Conflict` when one of their requests is open, or
    /// was changed meanwhile.
    async fn forget_renter(&self, renter: RenterId, at: DateTime<Utc>) -> Result<Forgotten, RepositoryError>;

    /// Deletes, of all organisations, at most `limit` messages filed before `before`, with their provider ids, the oldest
    /// first: those that are no longer pending and whose request is over and has no pending message. Deletes at most
    /// `limit` kept webhook updates received before `before`. It waits for no lock of a writer: what is locked is left for
    /// the next call.
    async fn clean_up(&self, before: DateTime<Utc>, limit: u32) -> Result<CleanedUp, RepositoryError>;

    /// Makes up to `limit` new texts of requests and comments, whichever organisation's, findable by their words; returns
    /// how many. A store may leave that until now, so that a submit doesn't wait for its index of words. One that indexes
    /// a text with the write that brings it returns 0.
    async fn index_texts(&self, limit: u32) -> Result<u32, RepositoryError>;
}
