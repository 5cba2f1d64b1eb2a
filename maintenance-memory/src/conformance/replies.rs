//! What follows from each message of a worker.

use maintenance_core::{
    Action, Answer, Assign, Inbound, InboundOutcome, Move, Notification, OrganizationId, Request,
    RequestStatus, Worker, WorkerStatus, WorkerUpdate,
};
use uuid::Uuid;

use super::{
    World,
    phones::{advance, answers, digits, message, numbered, outcomes, photo, received, tap, text, told},
};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Asks {
    Tap(Action),
    Say,
    Photo,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    Assigned,
    Former,
    Inactive,
    Colleague,
    OtherOrganization,
    Renter,
    Stranger,
}

/// How the message comes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Comes {
    Once,
    /// The webhook is delivered three times.
    Again,
    /// The tap is on a message from before the request was the worker's this time.
    Late,
    /// It is done, and then the same is asked for by another message.
    Repeated,
}

type Expected = (RequestStatus, usize, usize, InboundOutcome, Option<Answer>);

/// The request's status after it, how many comments and files it has, what became of the message, and the answer.
fn expected(asks: Asks, before: RequestStatus, by: By, comes: Comes) -> Expected {
    use Action::{Accept, Decline, Done, Start};
    use InboundOutcome as Outcome;
    use RequestStatus::{Cancelled, Completed, InProgress, Pending};
    let nothing = |outcome, answer| (before, 0, 0, outcome, answer);
    match by {
        By::Stranger | By::Renter => return nothing(Outcome::Stranger, None),
        By::OtherOrganization => return nothing(Outcome::OtherOrganization, None),
        By::Inactive => return nothing(Outcome::Inactive, None),
        By::Colleague => return nothing(Outcome::NotTheirs, None),
        By::Former => return nothing(Outcome::NotTheirs, Some(Answer::NotTheirs)),
        By::Assigned => {}
    }
    let again = comes == Comes::Repeated;
    let already = |status, answer| (status, 0, 0, Outcome::AlreadySo, Some(answer));
    match (asks, before) {
        (Asks::Say, _) => (before, 1 + usize::from(again), 0, Outcome::Commented, Some(Answer::Commented)),
        (Asks::Photo, _) => (before, 0, 1 + usize::from(again), Outcome::Attached, Some(Answer::Attached)),
        _ if comes == Comes::Late => nothing(Outcome::Old, Some(Answer::Old)),
        (Asks::Tap(Accept), Pending) if again => already(Pending, Answer::Accepted),
        (Asks::Tap(Accept), Pending) => nothing(Outcome::Accepted, Some(Answer::Accepted)),
        (Asks::Tap(Decline), Pending | InProgress) if again => already(Pending, Answer::Declined),
        (Asks::Tap(Decline), Pending | InProgress) => {
            (Pending, 0, 0, Outcome::Declined, Some(Answer::Declined))
        }
        (Asks::Tap(Start), Pending) if again => already(InProgress, Answer::Started),
        (Asks::Tap(Start), Pending) => (InProgress, 0, 0, Outcome::Started, Some(Answer::Started)),
        (Asks::Tap(Accept | Start), InProgress) => already(InProgress, Answer::Started),
        (Asks::Tap(Done), Pending) => nothing(Outcome::NotPossible, Some(Answer::NotStarted)),
        (Asks::Tap(Done), InProgress) if again => already(Completed, Answer::Completed),
        (Asks::Tap(Done), InProgress) => (Completed, 0, 0, Outcome::Completed, Some(Answer::Completed)),
        (Asks::Tap(Done), Completed) => already(Completed, Answer::Completed),
        (Asks::Tap(_), Completed) => nothing(Outcome::NotPossible, Some(Answer::AlreadyCompleted)),
        (Asks::Tap(_), Cancelled) => nothing(Outcome::NotPossible, Some(Answer::Cancelled)),
        (Asks::Tap(action), _) => unreachable!("{action} is no answer to an assignment"),
    }
}

/// The people of the table.
pub(super) struct People {
    pub(super) assigned: Worker,
    pub(super) former: Worker,
    inactive: Worker,
    colleague: Worker,
    elsewhere: Worker,
}

impl People {
    pub(super) async fn of(world: &World) -> Self {
        let elsewhere = world.of(OrganizationId::from_uuid(Uuid::from_u128(0xE15E)));
        Self {
            assigned: numbered(world, "+12025550110").await,
            former: numbered(world, "+12025550111").await,
            inactive: numbered(world, "+12025550112").await,
            colleague: numbered(world, "+12025550113").await,
            elsewhere: numbered(&elsewhere, "+12025550114").await,
        }
    }

    /// The digits of whoever asks.
    fn number(&self, by: By) -> String {
        match by {
            By::Assigned => digits(&self.assigned),
            By::Former => digits(&self.former),
            By::Inactive => digits(&self.inactive),
            By::Colleague => digits(&self.colleague),
            By::OtherOrganization => digits(&self.elsewhere),
            By::Renter => "12025550100".into(),
            By::Stranger => "12025550199".into(),
        }
    }
}

/// Each action by each sender on a request of each status, delivered once, again, late and repeated: the request, the
/// comments, the files, the answer and the report are as the table says.
pub async fn what_follows_from_each_message_is_in_the_table(world: World) {
    let people = People::of(&world).await;
    let actions = [Action::Accept, Action::Decline, Action::Start, Action::Done].map(Asks::Tap);
    let by = [
        By::Assigned,
        By::Former,
        By::Inactive,
        By::Colleague,
        By::OtherOrganization,
        By::Renter,
        By::Stranger,
    ];
    for status in RequestStatus::ALL.iter().copied() {
        for asks in actions.into_iter().chain([Asks::Say, Asks::Photo]) {
            for by in by {
                for comes in [Comes::Once, Comes::Again, Comes::Late, Comes::Repeated] {
                    if (comes == Comes::Late || comes == Comes::Repeated) && by != By::Assigned {
                        continue;
                    }
                    let case = format!("{asks:?} on {status} by {by:?}, {comes:?}");
                    one_case(&world, &people, asks, status, by, comes)
                        .await
                        .unwrap_or_else(|wrong| panic!("{case}: {wrong}"));
                }
            }
        }
    }
}

/// A request of that status, and the message that is answered: to a worker who had it before, or to its worker, from before
/// it was theirs this time or from now.
async fn situation(
    world: &World,
    people: &People,
    status: RequestStatus,
    by: By,
    comes: Comes,
) -> (Request, Notification) {
    let landlord = || Assign::by(world.landlord()).note("in a test");
    let first = match by {
        By::Former => &people.former,
        By::Inactive => &people.inactive,
        _ => &people.assigned,
    };
    if by != By::Former && comes != Comes::Late {
        return told(world, first, status).await;
    }
    let (request, on) = told(world, first, RequestStatus::Pending).await;
    if comes == Comes::Late {
        world.maintenance.assign(request.id, people.former.id, landlord()).await.unwrap();
        world.wait(1);
    }
    world.maintenance.assign(request.id, people.assigned.id, landlord()).await.unwrap();
    advance(world, request.id, status).await;
    (request, on)
}

async fn one_case(
    world: &World,
    people: &People,
    asks: Asks,
    status: RequestStatus,
    by: By,
    comes: Comes,
) -> Result<(), String> {
    world.wait(1);
    let (request, on) = situation(world, people, status, by, comes).await;
    let inactive = async |status| {
        let update = WorkerUpdate { status: Some(status), ..WorkerUpdate::default() };
        world.maintenance.update_worker(people.inactive.id, update).await.unwrap();
    };
    if by == By::Inactive {
        inactive(WorkerStatus::Inactive).await;
    }
    let from = people.number(by);
    let send = || {
        let content = match asks {
            Asks::Tap(action) => return tap(world, &from, action, &on),
            Asks::Say => text("It was the seal."),
            Asks::Photo => photo("photo"),
        };
        Inbound { replies_to: on.provider_message_id.clone(), ..message(world, &from, content) }
    };
    let before = world.record(request.id).await;
    let first = send();
    let times = if comes == Comes::Again { 2 } else { 1 };
    let mut report = received(world, &vec![first.clone(); times]).await;
    if comes == Comes::Again && !outcomes(&received(world, &[first]).await).is_empty() {
        return Err("it was applied again".into());
    }
    if comes == Comes::Repeated {
        world.wait(1);
        report = received(world, &[send()]).await;
    }
    if by == By::Inactive {
        inactive(WorkerStatus::Active).await;
    }
    let after = world.record(request.id).await;
    let found = (
        after.request.status,
        after.comments.len(),
        after.attachments.len(),
        outcomes(&report),
        answers(&after).last().copied(),
    );
    let (to, comments, files, outcome, answer) = expected(asks, status, by, comes);
    let wanted = (to, comments, files, vec![(outcome, 1)], answer);
    if found != wanted {
        return Err(format!("found {found:?}, expected {wanted:?}"));
    }
    let reported: Vec<_> = report.refused.iter().map(|(_, outcome)| *outcome).collect();
    if reported != if outcome.is_applied() { vec![] } else { vec![outcome] } {
        return Err(format!("reported {reported:?}"));
    }
    if by != By::Assigned && before.request != after.request {
        return Err("the request changed".into());
    }
    if after.comments.iter().any(|comment| comment.user_id != people.assigned.id.into()) {
        return Err("a comment isn't the worker's".into());
    }
    // Whatever is open is in nobody's way afterwards.
    if after.request.status.is_open() {
        let over = Move::to(RequestStatus::Cancelled, world.landlord()).note("in a test");
        world.maintenance.change_status(request.id, over).await.unwrap();
    }
    world.dispatch().await;
    Ok(())
}
