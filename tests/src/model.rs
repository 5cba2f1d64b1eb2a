//! Random lives of a world: what one store makes of them, every other must make too.

use maintenance_core::{
    Actor, Assign, DeliveryEvent, Error, Move, NextStep, Priority, Request, RequestId, RequestStatus, Scope,
    SendEffect, WorkerId, WorkerStatus,
};
use maintenance_memory::conformance::{World, refused};
use proptest::{prelude::*, sample::select};
use uuid::Uuid;

/// One thing that happens. Numbers pick among what there is by then.
#[derive(Debug, Clone)]
pub enum Happening {
    /// A worker with these trades joins the complex.
    Joins(Vec<&'static str>),
    /// A worker's status is set.
    Becomes(usize, WorkerStatus),
    /// A worker is made the primary, or an ordinary one.
    Serves(usize, bool),
    /// A worker leaves the complex.
    Leaves(usize),
    /// A request is filed, perhaps under an id used before.
    Files(Option<u8>, Priority, Option<&'static str>),
    /// A request is moved by somebody.
    Moves(usize, RequestStatus, usize, bool),
    /// A request is given to a worker by hand.
    Gives(usize, usize),
    /// A worker is selected again.
    Selects(usize),
    /// Its worker is told again.
    Tells(usize),
    /// A dispatcher makes a step; these come next.
    Dispatches(Vec<Option<(NextStep, SendEffect)>>),
    /// A webhook brings news of requests' newest messages.
    Hears(Vec<(usize, DeliveryEvent, bool)>),
    /// Time passes, in seconds.
    Waits(u32),
}

/// Any life of up to 40 happenings.
pub fn any_life() -> impl Strategy<Value = Vec<Happening>> {
    use Happening::{
        Becomes, Dispatches, Files, Gives, Hears, Joins, Leaves, Moves, Selects, Serves, Tells, Waits,
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
    let happening = prop_oneof![
        2 => proptest::collection::vec(trades(), 0..3).prop_map(Joins),
        1 => (any::<usize>(), select(WorkerStatus::ALL)).prop_map(|(n, status)| Becomes(n, status)),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(n, primary)| Serves(n, primary)),
        1 => any::<usize>().prop_map(Leaves),
        6 => (proptest::option::of(0..4_u8), select(Priority::ALL), proptest::option::of(trades()))
            .prop_map(|(id, priority, trade)| Files(id, priority, trade)),
        6 => (any::<usize>(), select(RequestStatus::ALL), any::<usize>(), any::<bool>())
            .prop_map(|(n, to, by, note)| Moves(n, to, by, note)),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(n, worker)| Gives(n, worker)),
        2 => any::<usize>().prop_map(Selects),
        2 => any::<usize>().prop_map(Tells),
        4 => proptest::collection::vec(answer(), 0..4).prop_map(Dispatches),
        6 => proptest::collection::vec((any::<usize>(), event(), any::<bool>()), 0..6).prop_map(Hears),
        3 => (0..400_u32).prop_map(Waits),
    ];
    proptest::collection::vec(happening, 0..40)
}

/// Lives it, and tells what came of each happening and of every request at the end.
pub async fn live(world: &World, life: &[Happening]) -> Vec<String> {
    let (mut workers, mut requests) = (Vec::<WorkerId>::new(), Vec::<RequestId>::new());
    let mut told = Vec::new();
    for happening in life {
        told.push(format!("{happening:?}: {}", happen(world, happening, &mut workers, &mut requests).await));
    }
    for id in requests {
        told.push(serde_json::to_string(&world.record(id).await).unwrap());
    }
    for worker in workers {
        told.push(serde_json::to_string(&world.maintenance.worker(worker).await.unwrap()).unwrap());
    }
    told
}

fn pick<T: Copy>(from: &[T], n: usize) -> Option<T> {
    from.get(n.checked_rem(from.len())?).copied()
}

fn show(answer: Result<Request, Error>) -> String {
    answer.map_or_else(|error| error.to_string(), |request| serde_json::to_string(&request).unwrap())
}

async fn happen(
    world: &World,
    happening: &Happening,
    workers: &mut Vec<WorkerId>,
    requests: &mut Vec<RequestId>,
) -> String {
    let maintenance = &world.maintenance;
    let worker = |n: usize| pick(workers, n).unwrap_or_else(|| world.nobody());
    let request = |n: usize| pick(requests, n).unwrap_or_else(|| Uuid::from_u128(1).into());
    match happening {
        Happening::Joins(trades) => {
            let worker = world.worker(trades).await;
            workers.push(worker.id);
            worker.id.to_string()
        }
        Happening::Becomes(n, status) => {
            let answer = maintenance.set_worker_status(worker(*n), *status).await;
            format!("{:?}", answer.map(|worker| worker.updated_at).map_err(|error| error.to_string()))
        }
        Happening::Serves(n, primary) => {
            let answer = maintenance.assign_complex(worker(*n), world.complex, *primary).await;
            format!("{:?}", answer.map_err(|error| error.to_string()))
        }
        Happening::Leaves(n) => {
            format!("{:?}", maintenance.unassign_complex(worker(*n), world.complex).await.unwrap())
        }
        Happening::Files(id, priority, trade) => {
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
        Happening::Moves(n, to, by, note) => {
            let by = match by % 3 {
                0 => world.landlord(),
                1 => Actor::Renter(world.renter),
                _ => Actor::Worker(worker(by / 3)),
            };
            let wanted = Move::to(*to, by);
            let wanted = if *note { wanted.note("why") } else { wanted };
            show(maintenance.change_status(request(*n), wanted).await)
        }
        Happening::Gives(n, to) => {
            show(maintenance.assign(request(*n), worker(*to), Assign::by(world.landlord()).note("why")).await)
        }
        Happening::Selects(n) => {
            let answer =
                maintenance.assign_by_selection(request(*n), Assign::by(Actor::System).note("why")).await;
            format!("{:?}", answer.map(|assigned| assigned.selection).map_err(|error| error.to_string()))
        }
        Happening::Tells(n) => show(maintenance.notify_again(request(*n), world.landlord()).await),
        Happening::Dispatches(answers) => {
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
        Happening::Hears(news) => {
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
        Happening::Waits(seconds) => {
            world.wait(u64::from(*seconds));
            String::new()
        }
    }
}
