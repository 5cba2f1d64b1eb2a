//! What follows from a renter's reply to the news that their request is done.

use chrono::{DateTime, Utc};
use std::time::Duration;

use super::reply::{Deed, Reply};
use crate::{
    model::{Answer, InboundOutcome, Request, RequestStatus},
    values::time::later,
};

/// A reply that was sent at that time opens the request again, unless it was done longer ago than the window.
pub(crate) fn reopening(request: &Request, at: DateTime<Utc>, window: Duration) -> Reply {
    let refused =
        |answer| Reply { deed: Deed::Nothing, outcome: InboundOutcome::NotPossible, answer: Some(answer) };
    match request.status {
        RequestStatus::Completed if request.completed_at.is_some_and(|done| at <= later(done, window)) => {
            Reply {
                deed: Deed::Move(RequestStatus::InProgress),
                outcome: InboundOutcome::Reopened,
                answer: Some(Answer::Reopened),
            }
        }
        RequestStatus::Completed => refused(Answer::TooLate),
        RequestStatus::Pending | RequestStatus::InProgress => refused(Answer::AlreadyOpen),
        RequestStatus::Cancelled => refused(Answer::Cancelled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Role, rules::TRANSITIONS};

    #[test]
    fn a_request_is_reopened_within_the_window_after_it_was_done() {
        let (done, window) = (DateTime::UNIX_EPOCH, Duration::from_secs(100));
        for status in RequestStatus::ALL.iter().copied() {
            let completed_at = (status == RequestStatus::Completed).then_some(done);
            let request = Request { status, completed_at, ..Request::sample(1) };
            for after in [0, 100, 101] {
                let reply = reopening(&request, later(done, Duration::from_secs(after)), window);
                let opens = status == RequestStatus::Completed && after <= 100;
                assert_eq!(reply.deed == Deed::Nothing, !opens, "{status} after {after}");
                assert_eq!(reply.outcome.is_applied(), opens, "{status} after {after}");
            }
        }
    }

    #[test]
    fn the_table_of_transitions_lets_the_renter_reopen() {
        let row = TRANSITIONS.iter().find(|row| row.from == RequestStatus::Completed).unwrap();
        assert_eq!(row.to, RequestStatus::InProgress);
        assert!(row.allowed.contains(&Role::Renter) && row.note_required);
    }
}
