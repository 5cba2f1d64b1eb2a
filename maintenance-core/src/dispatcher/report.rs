//! What a dispatcher did.

use crate::{
    maintenance::{Error, Pause},
    ports::{NotifyError, RepositoryError},
    values::NotificationId,
};

/// What a dispatcher did: in one [`dispatch_due`](super::Dispatcher::dispatch_due), or in
/// [`run`](super::Dispatcher::run) since the report before.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct DispatchReport {
    /// Notifications taken.
    pub claimed: usize,
    /// Accepted by the channel.
    pub sent: usize,
    /// Certainly not sent; they come due again.
    pub retried: usize,
    /// Their outcome is unknown; held for a webhook to settle them.
    pub held: usize,
    /// Put back without an attempt: our rate limit for the recipient, a resting channel or template, or no time left
    /// under the lease.
    pub put_back: usize,
    /// Failed for good.
    pub failed: usize,
    /// Not sent, since what they say isn't so any more, or since their renter opted out.
    pub withdrawn: usize,
    /// Outcomes that came too late: the notification was taken by another dispatcher in the meantime.
    pub fenced: usize,
    /// Why messages were not accepted.
    pub problems: Vec<Problem>,
    /// Notifications that could not be read; they are looked at again after the hold.
    pub corrupt: Vec<RepositoryError>,
    /// What failed besides: the host's directory, and in `run` the store.
    pub errors: Vec<Error>,
    /// What rests now, by channel, the whole channel before its templates.
    pub pauses: Vec<Pause>,
}

impl DispatchReport {
    /// Whether there is anything to tell.
    pub(super) fn is_worth_telling(&self) -> bool {
        self.claimed > 0
            || self.fenced > 0
            || self.sent + self.retried + self.held + self.put_back + self.failed + self.withdrawn > 0
            || !(self.problems.is_empty() && self.corrupt.is_empty() && self.errors.is_empty())
    }

    /// The first rest of a whole channel, if one rests: that of the channel, for a host that has one.
    pub fn channel_pause(&self) -> Option<&Pause> {
        self.pauses.iter().find(|pause| pause.template.is_none())
    }
}

/// A message that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The notification.
    pub notification_id: NotificationId,
    /// What the channel said of it.
    pub error: NotifyError,
}
