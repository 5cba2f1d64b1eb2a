//! Random sequences of events: every store must give the same answers and end in the same state.

use maintenance_core::{
    Actor, Assign, DeliveryEvent, Edit, Error, Move, NewHold, NextStep, Priority, Request, RequestId,
    RequestNumber, RequestStatus, Scope, SendEffect, WorkerId, WorkerStatus,
};
use maintenance_memory::conformance::{World, refused};
use proptest::{prelude::*, sample::select};
use uuid::Uuid;

/// One event. Numbers choose among the workers or requests that exist by then.
#[derive(Debug, Clone)]
pub enum Event {
    /// A worker with these trades joins the complex.
    AddWorker(Vec<&'static str>),
    /// A worker's status is set.
    SetWorkerStatus(usize, WorkerStatus),
    /// A worker is made the primary, or an ordinary one.
    AssignComplex(usize, bool),
    /// A worker leaves the complex.
    UnassignComplex(usize),
    /// A request is filed, perhaps under an id used before.
    Submit(Option<u8>, Priority, Option<&'static str>),
    /// Somebody changes a request's status.
    ChangeStatus(usize, RequestStatus, usize, bool),
    /// A request is given to a worker by hand.
    AssignByHand(usize, usize),
    /// A worker is selected again.
    AssignBySelection(usize),
    /// Somebody edits a request's title, its priority and its trade.
    Edit(usize, usize, Option<u8>, Option<Priority>, Option<&'static str>),
    /// Somebody puts a request on hold, or resumes it.
    Hold(usize, usize, bool),
    /// Its message is sent again.
    NotifyAgain(usize),
    /// A dispatcher sends what is due; the channel gives these answers.
    Dispatch(Vec<Option<(NextStep, SendEffect)>>),
    /// A webhook brings updates of requests' newest messages.
    Deliver(Vec<(usize, DeliveryEvent, bool)>),
    /// Time passes, in seconds.
    Wait(u32),
}

/// Any sequence of up to 40 events.
pub fn any_events() -> impl Strategy<Value = Vec<Event>> {
    use Event::{
        AddWorker, AssignByHand, AssignBySelection, AssignComplex, ChangeStatus, Deliver, Dispatch, Edit,
        Hold, NotifyAgain, SetWorkerStatus, Submit, UnassignComplex, Wait,
    };
    let trades = || select(vec!["plumbing", "general", "roofing"]);
    let event = || {
        select(vec![
            DeliveryEvent::Sent,
            DeliveryEvent::Delivered,
            DeliveryEvent::Read,
            DeliveryEvent::Failed,
        ])
    };
    let next = || {
        select(vec![
            NextStep::Retry { after: None },
            NextStep::WaitForRecipient {
                after: std::time::Duration::from_secs(6),
                every: std::time::Duration::from_secs(6),
            },
            NextStep::Stop { scope: Scope::Channel },
            NextStep::GiveUp,
        ])
    };
    let effect = || select(vec![SendEffect::NotSent, SendEffect::Unknown]);
    let answer = move || proptest::option::of((next(), effect()));
    let event = prop_oneof![
        2 => proptest::collection::vec(trades(), 0..3).prop_map(AddWorker),
        1 => (any::<usize>(), select(WorkerStatus::ALL)).prop_map(|(n, status)| SetWorkerStatus(n, status)),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(n, primary)| AssignComplex(n, primary)),
        1 => any::<usize>().prop_map(UnassignComplex),
        6 => (proptest::option::of(0..4_u8), select(Priority::ALL), proptest::option::of(trades()))
            .prop_map(|(id, priority, trade)| Submit(id, priority, trade)),
        6 => (any::<usize>(), select(RequestStatus::ALL), any::<usize>(), any::<bool>())
            .prop_map(|(n, to, by, note)| ChangeStatus(n, to, by, note)),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(n, worker)| AssignByHand(n, worker)),
        2 => any::<usize>().prop_map(AssignBySelection),
        4 => (
            any::<usize>(),
            any::<usize>(),
            proptest::option::of(0..3_u8),
            proptest::option::of(select(Priority::ALL)),
            proptest::option::of(trades()),
        )
            .prop_map(|(n, by, title, priority, trade)| Edit(n, by, title, priority, trade)),
        2 => (any::<usize>(), any::<usize>(), any::<bool>()).prop_map(|(n, by, on)| Hold(n, by, on)),
        2 => any::<usize>().prop_map(NotifyAgain),
        4 => proptest::collection::vec(answer(), 0..4).prop_map(Dispatch),
        6 => proptest::collection::vec((any::<usize>(), event(), any::<bool>()), 0..6).prop_map(Deliver),
        3 => (0..400_u32).prop_map(Wait),
    ];
    proptest::collection::vec(event, 0..40)
}

/// Runs the events; returns the answer to each, and every request and worker at the end.
pub async fn answers(world: &World, events: &[Event]) -> Vec<String> {
    let (mut workers, mut requests) = (Vec::<WorkerId>::new(), Vec::<RequestId>::new());
    let mut log = Vec::new();
    for event in events {
        log.push(format!("{event:?}: {}", apply(world, event, &mut workers, &mut requests).await));
    }
    for id in requests {
        let mut record = world.record(id).await;
        // A store may leave numbers out.
        record.request.number = RequestNumber::NONE;
        log.push(serde_json::to_string(&record).unwrap());
    }
    for worker in workers {
        log.push(serde_json::to_string(&world.maintenance.worker(worker).await.unwrap()).unwrap());
    }
    log
}

fn pick<T: Copy>(from: &[T], n: usize) -> Option<T> {
    from.get(n.checked_rem(from.len())?).copied()
}

fn show(answer: Result<Request, Error>) -> String {
    let shown = |request: Request| {
        let request = Request { number: RequestNumber::NONE, ..request };
        serde_json::to_string(&request).unwrap()
    };
    answer.map_or_else(|error| error.to_string(), shown)
}

async fn apply(
    world: &World,
    event: &Event,
    workers: &mut Vec<WorkerId>,
    requests: &mut Vec<RequestId>,
) -> String {
    let maintenance = &world.maintenance;
    let worker = |n: usize| pick(workers, n).unwrap_or_else(|| world.nobody());
    let actor = |n: usize| match n % 3 {
        0 => world.landlord(),
        1 => Actor::Renter(world.renter),
        _ => Actor::Worker(worker(n / 3)),
    };
    let request = |n: usize| pick(requests, n).unwrap_or_else(|| Uuid::from_u128(1).into());
    match event {
        Event::AddWorker(trades) => {
            let worker = world.worker(trades).await;
            workers.push(worker.id);
            worker.id.to_string()
        }
        Event::SetWorkerStatus(n, status) => {
            let answer = maintenance.set_worker_status(worker(*n), *status).await;
            format!("{:?}", answer.map(|worker| worker.updated_at).map_err(|error| error.to_string()))
        }
        Event::AssignComplex(n, primary) => {
            let answer = maintenance.assign_complex(worker(*n), world.complex, *primary).await;
            format!("{:?}", answer.map_err(|error| error.to_string()))
        }
        Event::UnassignComplex(n) => {
            format!("{:?}", maintenance.unassign_complex(worker(*n), world.complex).await.unwrap())
        }
        Event::Submit(id, priority, trade) => {
            let mut new = world.new_request();
            new.id = id.map(|id| Uuid::from_u128(0xF00 + u128::from(id)).into());
            new.form.priority = *priority;
            new.form.specialty = trade.map(ToOwned::to_owned);
            match maintenance.submit(new).await {
                Ok(submitted) => {
                    if !requests.contains(&submitted.request.id) {
                        requests.push(submitted.request.id);
                    }
                    format!("{:?}", submitted.submission)
                }
                Err(error) => error.to_string(),
            }
        }
        Event::ChangeStatus(n, to, by, note) => {
            let wanted = Move::to(*to, actor(*by));
            let wanted = if *note { wanted.note("why") } else { wanted };
            show(maintenance.change_status(request(*n), wanted).await)
        }
        Event::AssignByHand(n, to) => {
            show(maintenance.assign(request(*n), worker(*to), Assign::by(world.landlord()).note("why")).await)
        }
        Event::AssignBySelection(n) => {
            let answer =
                maintenance.assign_by_selection(request(*n), Assign::by(Actor::System).note("why")).await;
            format!("{:?}", answer.map(|assigned| assigned.selection).map_err(|error| error.to_string()))
        }
        Event::Edit(n, by, title, priority, trade) => {
            let mut edit = title.iter().fold(Edit::by(actor(*by)), |edit, n| edit.title(format!("Leak {n}")));
            edit = priority.iter().copied().fold(edit, Edit::priority);
            edit = trade.iter().fold(edit, |edit, trade| edit.specialty(Some(trade)));
            show(maintenance.edit(request(*n), edit).await)
        }
        Event::Hold(n, by, on) => {
            let answer = match on {
                true => maintenance.hold(request(*n), NewHold::by(actor(*by), "no parts")).await,
                false => maintenance.resume(request(*n), actor(*by)).await,
            };
            show(answer)
        }
        Event::NotifyAgain(n) => show(maintenance.notify_again(request(*n), world.landlord()).await),
        Event::Dispatch(answers) => {
            for answer in answers {
                match answer {
                    Some((next, effect)) => world.notifier.refuse_next(refused(*next, *effect)),
                    None => world.notifier.accept_next(),
                }
            }
            // One at a time, so that the answers fall to the same messages on every store.
            let policy = maintenance_core::DispatchPolicy { concurrency: 1, ..Default::default() };
            let dispatcher = maintenance.dispatcher(world.notifier.clone(), policy);
            format!("{:?}", dispatcher.dispatch_due().await.unwrap())
        }
        Event::Deliver(news) => {
            let mut updates = Vec::new();
            for (n, event, by_our_id) in news {
                let Some(id) = pick(requests, *n) else { continue };
                let Some(message) = world.record(id).await.notifications.pop() else { continue };
                let mut update = world.news(&message, *event);
                update.provider_message_id =
                    message.provider_message_id.unwrap_or_else(|| format!("wamid.{id}"));
                update.notification_id = update.notification_id.filter(|_| *by_our_id);
                updates.push(update);
            }
            format!("{:?}", maintenance.record_deliveries(&updates).await.unwrap())
        }
        Event::Wait(seconds) => {
            world.wait(u64::from(*seconds));
            String::new()
        }
    }
}
