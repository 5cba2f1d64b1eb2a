//! What follows from what a renter sends about their request: one table.

use chrono::{DateTime, Utc};
use std::time::Duration;

use super::reply::{Deed, Reply};
use crate::{
    model::{Answer, InboundOutcome, News, Request, RequestStatus},
    values::time::later,
};

/// The table. While the request is open, it is told more of it. A reply to the news that it is done opens it again, unless it
/// was done longer ago than the window when the reply was sent at `at`. Otherwise nobody reads it.
pub(crate) fn reply_to_renter(
    request: &Request,
    answered: Option<News>,
    at: DateTime<Utc>,
    window: Duration,
) -> Reply {
    let (deed, outcome, answer) = match (request.status, answered) {
        (RequestStatus::Pending | RequestStatus::InProgress, _) => {
            (Deed::Comment, InboundOutcome::Commented, Answer::Commented)
        }
        (RequestStatus::Completed, Some(News::Done)) => {
            if request.completed_at.is_some_and(|done| at <= later(done, window)) {
                (Deed::Move(RequestStatus::InProgress), InboundOutcome::Reopened, Answer::Reopened)
            } else {
                (Deed::Nothing, InboundOutcome::NotPossible, Answer::TooLate)
            }
        }
        (RequestStatus::Completed | RequestStatus::Cancelled, _) => {
            (Deed::Nothing, InboundOutcome::NothingOpen, Answer::NotRead)
        }
    };
    Reply { deed, outcome, answer: Some(answer) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Role, rules::TRANSITIONS};

    #[test]
    fn only_a_reply_to_the_news_that_it_is_done_reopens_a_request_and_only_within_the_window() {
        let (done, window) = (DateTime::UNIX_EPOCH, Duration::from_secs(100));
        let answers = News::ALL.iter().copied().map(Some).chain([None]);
        for (answered, status) in
            answers.flat_map(|news| RequestStatus::ALL.iter().map(move |&to| (news, to)))
        {
            let completed_at = (status == RequestStatus::Completed).then_some(done);
            let request = Request { status, completed_at, ..Request::sample(1) };
            for after in [0, 100, 101] {
                let at = later(done, Duration::from_secs(after));
                let reply = reply_to_renter(&request, answered, at, window);
                let opens =
                    status == RequestStatus::Completed && answered == Some(News::Done) && after <= 100;
                assert_eq!(
                    matches!(reply.deed, Deed::Move(_)),
                    opens,
                    "{answered:?} of {status} after {after}"
                );
                assert_eq!(reply.deed == Deed::Comment, status.is_open(), "{answered:?} of {status}");
                assert_eq!(reply.outcome.is_applied(), reply.deed != Deed::Nothing);
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
