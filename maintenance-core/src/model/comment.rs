//! What renters, landlords and workers say about a request (table `maintenance_comments`).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::actor::UserType;
use crate::values::{CommentId, CommentText, RequestId, UserId, time};

/// A comment on a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// The request it belongs to.
    pub request_id: RequestId,
    /// Who wrote it.
    pub user_id: UserId,
    /// What kind of user they are.
    pub user_type: UserType,
    /// The text.
    pub comment: CommentText,
    /// When it was written, UTC.
    #[serde(deserialize_with = "time::de")]
    pub created_at: DateTime<Utc>,
}

/// A comment to add.
#[derive(Clone, Default, Deserialize)]
pub struct NewComment {
    /// The caller's idempotency key: the same id twice adds one comment.
    #[serde(default)]
    pub id: Option<CommentId>,
    /// The text, 1 to 5,000 characters.
    pub comment: String,
}
