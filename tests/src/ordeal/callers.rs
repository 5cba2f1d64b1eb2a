//! The callers in the process: they submit, change, assign and comment, each call at the mercy of the ordeal.

use std::{
    collections::VecDeque,
    future::Future,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use maintenance_core::{
    Actor, Assign, Error, Maintenance, Move, NewComment, PageRequest, RepositoryErrorKind, RequestFilter,
    RequestId, RequestStatus, WorkerFilter, WorkerId,
};
use tokio::sync::watch;

use super::{
    chance::Chance,
    host::say,
    lines::Told,
    scene::{Scene, landlord, request_id},
    whims::Whims,
};
use crate::databases::Store;

/// How long a caller waits for an answer.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// What the callers share.
pub(super) struct Callers {
    maintenance: Maintenance<Store>,
    scene: Scene,
    whims: Whims,
    /// The seed, and how many processes there were before.
    life: (u64, u32),
    count: AtomicU32,
    known: Mutex<Vec<RequestId>>,
    workers: Mutex<Vec<WorkerId>>,
    again: Mutex<VecDeque<RequestId>>,
    stopping: watch::Sender<bool>,
    stopped: watch::Sender<u32>,
}

impl Callers {
    /// Callers of that engine.
    pub(super) fn new(maintenance: Maintenance<Store>, scene: Scene, whims: Whims, life: (u64, u32)) -> Self {
        Self {
            maintenance,
            scene,
            whims,
            life,
            count: AtomicU32::new(0),
            known: Mutex::default(),
            workers: Mutex::default(),
            again: Mutex::default(),
            stopping: watch::Sender::default(),
            stopped: watch::Sender::default(),
        }
    }

    /// Has a request submitted once more.
    pub(super) fn again(&self, id: RequestId) {
        self.again.lock().unwrap().push_back(id);
    }

    /// Waits until `n` callers have ended.
    pub(super) async fn quiet(&self, n: u32) {
        self.stopping.send_replace(true);
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped == n).await;
    }

    /// One caller, until it is told to stop.
    pub(super) async fn go(&self, mut chance: Chance) {
        self.look_around().await;
        loop {
            let again = self.again.lock().unwrap().pop_front();
            let stopping = *self.stopping.borrow();
            match again {
                Some(id) => self.submit(id, &mut chance).await,
                None if stopping => break,
                None if chance.percent(45) => {
                    let (seed, epoch) = self.life;
                    let id = request_id(seed, epoch, self.count.fetch_add(1, Relaxed));
                    self.submit(id, &mut chance).await;
                }
                None => self.do_something(&mut chance).await,
            }
            tokio::time::sleep(chance.millis(0..60)).await;
        }
        self.stopped.send_modify(|stopped| *stopped += 1);
    }

    /// Finds what processes before this one left.
    async fn look_around(&self) {
        let page = PageRequest::first(50);
        let (maintenance, filter) = (self.maintenance.clone(), RequestFilter::default());
        let there = page.clone();
        if let Some(Ok(page)) = self.call(async move { maintenance.requests(&filter, &there).await }).await {
            self.known.lock().unwrap().extend(page.items.iter().map(|request| request.id));
        }
        let maintenance = self.maintenance.clone();
        let workers = async move { maintenance.workers(&WorkerFilter::default(), &page).await };
        if let Some(Ok(page)) = self.call(workers).await {
            *self.workers.lock().unwrap() = page.items.iter().map(|worker| worker.id).collect();
        }
    }

    /// Submits until it is acknowledged.
    async fn submit(&self, id: RequestId, chance: &mut Chance) {
        say(&Told::Trying(id));
        loop {
            let (maintenance, new) = (self.maintenance.clone(), self.scene.request(id));
            match self.call(async move { maintenance.submit(new).await }).await {
                Some(Ok(_)) => {
                    say(&Told::Filed(id));
                    return self.known.lock().unwrap().push(id);
                }
                Some(Err(Error::Repository(error))) if passes(&error.kind) => {}
                Some(Err(Error::Directory(_))) | None => {}
                Some(Err(error)) => return say(&Told::Broken(format!("submit of {id}: {error}"))),
            }
            tokio::time::sleep(chance.millis(10..80)).await;
        }
    }

    async fn do_something(&self, chance: &mut Chance) {
        let id = chance.pick(&self.known.lock().unwrap()).copied();
        let worker = chance.pick(&self.workers.lock().unwrap()).copied();
        let (Some(id), Some(worker)) = (id, worker) else { return };
        say(&Told::Touching(id));
        let (maintenance, landlord) = (self.maintenance.clone(), landlord());
        let done = match chance.below(10) {
            0..5 => {
                let to = *chance.pick(RequestStatus::ALL).unwrap();
                let renter = Actor::Renter(self.scene.renter);
                let by = *chance.pick(&[landlord, landlord, Actor::Worker(worker), renter]).unwrap();
                let wanted = Move::to(to, by);
                let wanted = if chance.percent(80) { wanted.note("why") } else { wanted };
                let moved = self.call(async move { maintenance.change_status(id, wanted).await }).await;
                if matches!(moved, Some(Ok(_))) {
                    say(&Told::Moved(id, to));
                }
                moved.map(|moved| moved.map(|_| ()))
            }
            5..7 => {
                let assigning =
                    async move { maintenance.assign(id, worker, Assign::by(landlord).note("why")).await };
                self.call(assigning).await.map(|done| done.map(|_| ()))
            }
            7 => {
                let assigning = async move {
                    maintenance.assign_by_selection(id, Assign::by(landlord).note("why")).await
                };
                self.call(assigning).await.map(|done| done.map(|_| ()))
            }
            8 => {
                let telling = async move { maintenance.notify_again(id, landlord).await };
                self.call(telling).await.map(|done| done.map(|_| ()))
            }
            _ => {
                let comment = NewComment { id: None, comment: "It drips".into() };
                let saying = async move { maintenance.comment(id, landlord, comment).await };
                self.call(saying).await.map(|done| done.map(|_| ()))
            }
        };
        if let Some(Err(Error::Repository(error))) = done
            && !passes(&error.kind)
        {
            say(&Told::Broken(format!("a change of {id}: {error}")));
        }
    }

    /// A call as a host makes it: in a task of its own, for so long, and perhaps given up half-way.
    async fn call<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Option<Result<T, Error>> {
        let whims = self.whims.clone();
        let task = tokio::spawn(async move { tokio::time::timeout(PATIENCE, whims.perhaps_cut(call)).await });
        let answer = task.await.ok().and_then(Result::ok).flatten();
        if matches!(&answer, None | Some(Err(Error::Repository(_) | Error::Directory(_)))) {
            say(&Told::Failed);
        }
        answer
    }
}

/// Whether an ordeal may end in this error: the store was away, full, locked or read-only, or others were faster.
fn passes(kind: &RepositoryErrorKind) -> bool {
    use RepositoryErrorKind::{Busy, Conflict, NotWritable, Other, Unavailable};
    matches!(kind, Unavailable | Busy | Conflict | NotWritable | Other)
}
