//! Whether a claimed message still says what is so.

use crate::{Claimed, DeliveryError, NotificationKind, Told, WorkerStatus};

/// What to do with a claimed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// Send it.
    Send,
    /// Put it back: whether it should go out isn't known yet.
    Wait,
    /// Fail it for that reason: what it says isn't so (any more).
    Withdraw(DeliveryError),
}

impl Claimed {
    /// Whether the message still says what is so: the rule by kind.
    pub(super) fn turn(&self) -> Turn {
        let theirs = self.request.assigned_worker_id == Some(self.notification.worker_id);
        let withdraw = |why| Turn::Withdraw(DeliveryError::new(DeliveryError::WITHDRAWN, why));
        match self.notification.kind {
            NotificationKind::Assignment if !self.request.status.is_open() || !theirs => {
                withdraw("the request was over or someone else's before the message went out")
            }
            NotificationKind::Assignment if !self.is_newest => {
                withdraw("a newer message about the request was filed before this one went out")
            }
            NotificationKind::Assignment if self.worker_status != WorkerStatus::Active => {
                withdraw("the worker was no longer active when the message was to go out")
            }
            NotificationKind::Assignment => Turn::Send,
            NotificationKind::Withdrawn if self.request.status.is_open() && theirs => {
                withdraw("the request was the worker's again before the message went out")
            }
            NotificationKind::Withdrawn => match self.told {
                Told::Yes => Turn::Send,
                Told::Pending => Turn::Wait,
                Told::No => withdraw("the worker was never told of the request"),
            },
        }
    }
}
