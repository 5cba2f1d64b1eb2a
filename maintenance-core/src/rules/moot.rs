//! Whether a claimed message still says what is so.

use crate::model::{Claimed, DeliveryError, NotificationKind, Told, WorkerStatus};

/// What to do with a claimed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Send it.
    Send,
    /// Put it back: whether it should go out isn't known yet.
    Wait,
    /// Fail it for that reason: what it says isn't so (any more).
    Withdraw(DeliveryError),
}

impl Turn {
    /// Whether the message still says what is so: the rule by kind.
    pub(crate) fn of(claimed: &Claimed) -> Self {
        let Claimed { notification, request, is_newest, told, worker, opted_out, .. } = claimed;
        let theirs = request.assigned_worker_id.is_some_and(|worker| notification.to == worker.into());
        let is_active = worker.as_ref().is_some_and(|worker| worker.status == WorkerStatus::Active);
        let withdraw = |why| Self::Withdraw(DeliveryError::new(DeliveryError::WITHDRAWN, why));
        match notification.kind {
            NotificationKind::Assignment | NotificationKind::Changed
                if !request.status.is_open() || !theirs =>
            {
                withdraw("the request was over or someone else's before the message went out")
            }
            NotificationKind::Assignment if !is_newest => {
                withdraw("a newer message about the request was filed before this one went out")
            }
            NotificationKind::Assignment | NotificationKind::Changed if !is_active => {
                withdraw("the worker was no longer active when the message was to go out")
            }
            NotificationKind::Assignment | NotificationKind::Answer => Self::Send,
            NotificationKind::Withdrawn if request.status.is_open() && theirs => {
                withdraw("the request was the worker's again before the message went out")
            }
            NotificationKind::News if *opted_out => {
                Self::Withdraw(DeliveryError::new(DeliveryError::OPTED_OUT, "the renter wants no messages"))
            }
            NotificationKind::Withdrawn | NotificationKind::Changed | NotificationKind::News
                if !is_newest =>
            {
                withdraw("a newer message of this kind was filed before this one went out")
            }
            NotificationKind::News => match notification.news.filter(|news| news.is_so(request)) {
                Some(_) => Self::Send,
                None => withdraw("the request had moved on before the news of it went out"),
            },
            NotificationKind::Withdrawn => match told {
                Told::Yes => Self::Send,
                Told::Pending => Self::Wait,
                Told::No => withdraw("the worker was never told of the request"),
            },
            NotificationKind::Changed => match told {
                Told::Yes => Self::Send,
                Told::Pending => Self::Wait,
                Told::No => withdraw("the worker was told of the request as it is, or not at all"),
            },
        }
    }
}
