//! The public lists: the first page of each and one far in.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use maintenance_core::{
    Clock as _, CommentFilter, Cursor, Maintenance, PageRequest, Priority, RequestFilter, RequestNumber,
    RequestOrder::{LongestWaiting, OldestFirst, RecentlyCompleted, UrgentFirst},
    RequestStatus, SearchText, Specialty, SystemClock, WhatsAppStatus, WorkerFilter, WorkerStatus,
};

use crate::{
    Result,
    dataset::{Dataset, Kind, numbered},
    engine::Store,
    work::Work,
};

/// How many rows a page of requests or comments has, and one of workers, of whom there are fewer.
const ROWS: u32 = 50;
const WORKERS: u32 = 10;
/// How many pages in the deep page is, where the list is that long.
const DEEP: usize = 200;

/// A list with its filter.
#[derive(Clone)]
pub(crate) enum List {
    Requests(RequestFilter),
    Workers(WorkerFilter),
    Comments(CommentFilter),
}

/// Every list, each with a filter that a backend's screens use.
pub(crate) fn lists(dataset: Dataset) -> Vec<(&'static str, List)> {
    let requests = |filter: RequestFilter| List::Requests(filter);
    let any = RequestFilter::default;
    let home = dataset.property(dataset.rows / 2);
    let complex = dataset.complex_of(home);
    let worker = dataset.worker(home % dataset.complexes * dataset.workers_per_complex);
    let statuses = vec![RequestStatus::Pending, RequestStatus::InProgress];
    let open = || RequestFilter { statuses: statuses.clone(), ..RequestFilter::default() };
    let forty: Vec<_> = (0..dataset.complexes.min(40)).map(|n| dataset.complex_of(n)).collect();
    let text = |text: &str| SearchText::new(text).ok();
    let year = SystemClock.now() - TimeDelta::days(350);
    let workers = |filter: WorkerFilter| List::Workers(filter);
    let comments = |filter: CommentFilter| List::Comments(filter);
    vec![
        ("requests", requests(any())),
        ("requests of a renter", requests(RequestFilter { renter_id: Some(dataset.renter(home)), ..any() })),
        (
            "requests of a property",
            requests(RequestFilter { property_id: Some(dataset.property_id(home)), ..any() }),
        ),
        ("requests of a complex", requests(RequestFilter { complexes: vec![complex], ..any() })),
        ("open requests of a complex", requests(RequestFilter { complexes: vec![complex], ..open() })),
        ("requests of a worker", requests(RequestFilter { assigned_worker_id: Some(worker), ..any() })),
        ("open requests of a worker", requests(RequestFilter { assigned_worker_id: Some(worker), ..open() })),
        ("pending requests", requests(RequestFilter { statuses: vec![RequestStatus::Pending], ..any() })),
        ("completed requests", requests(RequestFilter { statuses: vec![RequestStatus::Completed], ..any() })),
        ("open requests", requests(open())),
        ("emergencies", requests(RequestFilter { priorities: vec![Priority::Emergency], ..any() })),
        (
            "requests whose message failed",
            requests(RequestFilter { whatsapp_status: Some(WhatsAppStatus::Failed), ..any() }),
        ),
        (
            "requests whose message was read",
            requests(RequestFilter { whatsapp_status: Some(WhatsAppStatus::Read), ..any() }),
        ),
        ("requests before last year", requests(RequestFilter { created_before: Some(year), ..any() })),
        ("requests, oldest first", requests(RequestFilter { order: OldestFirst, ..any() })),
        ("open requests, urgent first", requests(RequestFilter { order: UrgentFirst, ..open() })),
        ("open requests, longest waiting", requests(RequestFilter { order: LongestWaiting, ..any() })),
        (
            "requests completed in a year",
            requests(RequestFilter { completed_before: Some(year), order: RecentlyCompleted, ..any() }),
        ),
        (
            "requests changed since",
            requests(RequestFilter {
                updated_since: Some(SystemClock.now() + TimeDelta::hours(23)),
                ..any()
            }),
        ),
        ("requests of forty complexes", requests(RequestFilter { complexes: forty.clone(), ..any() })),
        ("open requests of forty complexes", requests(RequestFilter { complexes: forty.clone(), ..open() })),
        (
            "open requests of forty complexes, urgent first",
            requests(RequestFilter { complexes: forty, order: UrgentFirst, ..open() }),
        ),
        ("requests of a trade", requests(RequestFilter { specialty: Some(Specialty::HVAC), ..any() })),
        ("open requests of absent workers", requests(RequestFilter { absent_worker: Some(true), ..open() })),
        (
            "open requests, not of absent workers",
            requests(RequestFilter { absent_worker: Some(false), ..open() }),
        ),
        (
            "request of a number",
            requests(RequestFilter { number: Some(RequestNumber::new(dataset.rows / 2)), ..any() }),
        ),
        ("requests with a rare word", requests(RequestFilter { text: text("boiler"), ..any() })),
        ("open requests with a rare word", requests(RequestFilter { text: text("boiler"), ..open() })),
        (
            "requests with a word of every request",
            requests(RequestFilter { text: text("sink drips"), ..any() }),
        ),
        ("requests with no such word", requests(RequestFilter { text: text("giraffe"), ..any() })),
        ("workers", workers(WorkerFilter::default())),
        (
            "active workers",
            workers(WorkerFilter { status: Some(WorkerStatus::Active), ..WorkerFilter::default() }),
        ),
        (
            "workers with a trade",
            workers(WorkerFilter { specialty: Some(Specialty::HVAC), ..WorkerFilter::default() }),
        ),
        (
            "workers of a complex",
            workers(WorkerFilter { complex_id: Some(complex), ..WorkerFilter::default() }),
        ),
        ("comments", comments(CommentFilter::default())),
        (
            "comments of a user",
            comments(CommentFilter {
                user_id: Some(numbered(Kind::Landlord, home % dataset.complexes).into()),
                request_id: None,
            }),
        ),
    ]
}

impl List {
    fn size(&self) -> u32 {
        if matches!(self, Self::Workers(_)) { WORKERS } else { ROWS }
    }

    async fn read(&self, maintenance: &Maintenance<Store>, page: &PageRequest) -> Result<Option<Cursor>> {
        Ok(match self {
            Self::Requests(filter) => maintenance.requests(filter, page).await?.next,
            Self::Workers(filter) => maintenance.workers(filter, page).await?.next,
            Self::Comments(filter) => maintenance.comments(filter, page).await?.next,
        })
    }
}

/// One page, read again and again.
pub(crate) struct Reading {
    maintenance: Arc<Maintenance<Store>>,
    list: List,
    page: PageRequest,
}

/// The first page, and a deep one if the list has another full page.
pub(crate) async fn readings(
    store: Store,
    dataset: Dataset,
    list: List,
) -> Result<(Reading, Option<Reading>)> {
    let maintenance = Arc::new(Maintenance::new(store, dataset));
    let first = PageRequest::first(list.size());
    let mut cursors = vec![];
    let mut page = first.clone();
    while cursors.len() <= DEEP
        && let Some(next) = list.read(&maintenance, &page).await?
    {
        page = PageRequest::after(next.clone(), list.size());
        cursors.push(next);
    }
    // The page after the last cursor may have few rows; the one before it is full.
    let deep = cursors.len().checked_sub(2).and_then(|at| cursors.get(at).cloned());
    let deep = deep.map(|cursor| Reading {
        maintenance: Arc::clone(&maintenance),
        list: list.clone(),
        page: PageRequest::after(cursor, list.size()),
    });
    Ok((Reading { maintenance, list, page: first }, deep))
}

#[async_trait]
impl Work for Reading {
    async fn once(&self) -> Result<u64> {
        self.list.read(&self.maintenance, &self.page).await?;
        Ok(1)
    }
}
