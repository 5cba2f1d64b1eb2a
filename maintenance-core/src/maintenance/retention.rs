//! Letting go of old messages.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tracing::instrument;

use super::Maintenance;
use crate::{maintenance::Error, model::CleanedUp, ports::Repository, values::Invalid};

/// How many rows of a table one clean-up may delete.
const MAX_CLEAN_UP: u32 = 10_000;

impl<R: Repository> Maintenance<R> {
    /// Deletes messages that were filed longer than `keep` ago, with the provider's ids that they were given, and webhook
    /// updates of unknown messages that are as old: at most `limit` rows of each per call, 1 to 10,000, the oldest first.
    /// Call it again until nothing is left, as once a day. It is of all organisations, as the outbox is, and a dispatcher
    /// never does it by itself.
    ///
    /// A message stays while it is pending, and while its request is open or has a message that is pending. The request
    /// keeps what it shows of its newest message in `whatsapp_message_id` and `whatsapp_status`. A webhook that tells of a
    /// deleted message finds it unknown, so keep messages for longer than webhooks can come: `WhatsApp` gives up after 30
    /// days.
    ///
    /// It holds up no writer and waits for none: it passes over rows that are locked. A call that the host trusts.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a limit out of its bounds, [`Error::Repository`] when the store fails.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>) -> Result<(), Error> {
    /// use std::time::Duration;
    ///
    /// const KEEP: Duration = Duration::from_hours(180 * 24);
    /// while !maintenance.clean_up(KEEP, 1_000).await?.is_empty() {}
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn clean_up(&self, keep: Duration, limit: u32) -> Result<CleanedUp, Error> {
        if !(1..=MAX_CLEAN_UP).contains(&limit) {
            let rule = format!("is {limit}; it must be 1 to {MAX_CLEAN_UP}");
            return Err(Invalid::field("limit", rule).into());
        }
        Ok(self.repository.clean_up(earlier(self.shared.now(), keep), limit).await?)
    }
}

/// That much before `now`, or the earliest time there is.
fn earlier(now: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let by = TimeDelta::from_std(by).ok();
    by.and_then(|by| now.checked_sub_signed(by)).unwrap_or(DateTime::<Utc>::MIN_UTC)
}
