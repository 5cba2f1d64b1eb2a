//! Every filter and order of the list of requests, against the store in memory as the model.

use chrono::{DateTime, TimeDelta, Utc};
use maintenance_core::{
    Clock as _, Comment, CommentText, Description, Edit, Filing, Location, NewComment, NewWorker,
    OrganizationId, PageRequest, Priority, Repository, Request, RequestFilter, RequestId, RequestNumber,
    RequestOrder, RequestRepository as _, RequestStatus, SearchText, Slice, Specialty, Title, UserType,
    WhatsAppStatus, WorkerRepository as _, WorkerStatus,
};
use uuid::Uuid;

use super::{World, file_one};
use crate::{ManualClock, MemoryRepository};

/// Numbers that look random and are the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

fn id(kind: u128, n: usize) -> Uuid {
    Uuid::from_u128((kind << 64) | (0x4000_8000 << 32) | n as u128)
}

const WORDS: [&str; 6] = ["sink", "Boiler", "ÜBERLAUF", "drips", "dripping", "3rd"];

fn sentence(chance: &mut Chance) -> String {
    let words: Vec<&str> = (0..3).map(|_| chance.one_of(&WORDS)).collect();
    format!("{}, {}-{}.", words[0], words[1], words[2])
}

/// A store and the model with the same requests, comments and workers.
struct Twins<'w> {
    world: &'w World,
    model: MemoryRepository<'static>,
    chance: Chance,
    requests: Vec<Request>,
    start: DateTime<Utc>,
}

impl<'w> Twins<'w> {
    async fn of(world: &'w World) -> Self {
        let mut twins = Self {
            world,
            model: MemoryRepository::new(),
            chance: Chance(0x2545_F491_4F6C_DD1D),
            requests: Vec::new(),
            start: ManualClock::new().now(),
        };
        for (n, status) in WorkerStatus::ALL.iter().enumerate() {
            let new = NewWorker { id: Some(id(1, n).into()), ..world.new_worker(&["plumbing"]) };
            let added = world.maintenance.add_worker(new).await.unwrap();
            let worker = world.maintenance.set_worker_status(added.id, *status).await.unwrap();
            twins.model.add_worker(&worker).await.unwrap();
        }
        for n in 0..70 {
            twins.file(n).await;
        }
        twins
    }

    fn at(&self, minutes: usize) -> DateTime<Utc> {
        self.start + TimeDelta::minutes(i64::try_from(minutes).unwrap())
    }

    fn store(&self) -> &dyn Repository {
        self.world.maintenance.repository().as_ref()
    }

    async fn file(&mut self, n: usize) {
        let chance = &mut self.chance;
        let status = chance.one_of(RequestStatus::ALL);
        let (filed, changed) = (n / 2, n / 2 + chance.below(20));
        let worker = [None, Some(0), Some(1), Some(2)][chance.below(4)];
        let request = Request {
            // Later ids aren't greater ones.
            id: id(2, (n * 31) % 97).into(),
            organization_id: OrganizationId::NONE,
            renter_id: id(3, chance.below(4)).into(),
            title: Title::new(&sentence(chance)).unwrap(),
            description: Description::new(&sentence(chance)).unwrap(),
            status,
            priority: chance.one_of(Priority::ALL),
            created_at: self.start + TimeDelta::minutes(i64::try_from(filed).unwrap()),
            updated_at: self.start + TimeDelta::minutes(i64::try_from(changed).unwrap()),
            completed_at: (status == RequestStatus::Completed)
                .then(|| self.start + TimeDelta::minutes(i64::try_from(changed).unwrap())),
            property_id: id(4, chance.below(5)).into(),
            location: Location::new(chance.one_of(&WORDS)).unwrap(),
            assigned_worker_id: worker.map(|n| id(1, n).into()),
            whatsapp_message_id: None,
            whatsapp_status: chance.one_of(WhatsAppStatus::ALL),
            complex_id: id(5, chance.below(5)).into(),
            specialty: chance.one_of(&[None, Some(Specialty::PLUMBING), Some(Specialty::HVAC)]),
            version: 1,
            fingerprint: None,
            hold: None,
            number: RequestNumber::NONE,
        };
        let filing = Filing { request, assignment: None, notification: None, news: None };
        file_one(self.store(), &filing).await.unwrap();
        file_one(&self.model, &filing).await.unwrap();
        if self.chance.below(3) == 0 {
            let comment = Comment {
                id: id(6, n).into(),
                request_id: filing.request.id,
                user_id: id(3, 0).into(),
                user_type: UserType::Renter,
                comment: CommentText::new(&sentence(&mut self.chance)).unwrap(),
                created_at: filing.request.created_at,
            };
            self.store().add_comment(&comment).await.unwrap();
            self.model.add_comment(&comment).await.unwrap();
        }
        self.requests.push(filing.request);
    }

    /// Sets one of the conditions.
    fn set(&mut self, condition: usize, filter: &mut RequestFilter) {
        let minutes = [self.chance.below(40), self.chance.below(40), self.chance.below(60)];
        let [early, late, any] = minutes.map(|minutes| self.at(minutes));
        let chance = &mut self.chance;
        match condition {
            0 => filter.renter_id = Some(id(3, chance.below(4)).into()),
            1 => filter.assigned_worker_id = Some(id(1, chance.below(3)).into()),
            2 => filter.unassigned = true,
            3 => filter.absent_worker = Some(true),
            4 => filter.absent_worker = Some(false),
            5 => filter.complexes = vec![id(5, chance.below(5)).into()],
            6 => filter.complexes = [0, 2, 2, 9].map(|n| id(5, n).into()).to_vec(),
            7 => filter.property_id = Some(id(4, chance.below(5)).into()),
            8 => filter.statuses = vec![RequestStatus::InProgress, RequestStatus::Pending],
            9 => filter.statuses = vec![chance.one_of(RequestStatus::ALL)],
            10 => filter.priorities = vec![chance.one_of(Priority::ALL)],
            11 => filter.priorities = vec![Priority::Emergency, Priority::Low, Priority::Low],
            12 => filter.specialty = Some(Specialty::HVAC),
            13 => filter.whatsapp_status = Some(chance.one_of(WhatsAppStatus::ALL)),
            14 => filter.created_from = Some(early),
            15 => filter.created_before = Some(late),
            16 => filter.completed_from = Some(early),
            17 => filter.completed_before = Some(any),
            18 => filter.updated_since = Some(any),
            19 => {
                let text = chance.one_of(&["SINK", "über", "boiler drip", "drips 3"]);
                filter.text = SearchText::new(text).ok();
            }
            _ => filter.order = chance.one_of(RequestOrder::ALL),
        }
    }

    async fn check(&mut self, filter: &RequestFilter) {
        let all = Slice { after: None, limit: 1_000 };
        let expected = self.model.requests(filter, all).await.unwrap().items;
        let expected: Vec<RequestId> = expected.iter().map(|request| request.id).collect();
        let size = u32::try_from(1 + self.chance.below(30)).unwrap();
        let (mut found, mut page) = (Vec::new(), PageRequest::first(size));
        loop {
            let read = self.world.maintenance.requests(filter, &page).await.unwrap();
            assert!(read.corrupt.is_empty());
            found.extend(read.items.iter().map(|request| request.id));
            let Some(next) = read.next else { break };
            page.after = Some(next);
        }
        assert_eq!(found, expected, "pages of {size}, {filter:?}");
        let counts = self.world.maintenance.count_by_status(filter).await.unwrap();
        assert_eq!(counts.values().sum::<u64>(), expected.len() as u64, "{filter:?}");
    }
}

const CONDITIONS: usize = 21;

/// Each alone and each with each, in pages, also beside another organisation's requests of the same people and places.
pub async fn filters_and_orders_agree_with_the_model(world: World) {
    let mut twins = Twins::of(&world).await;
    let other = world.of(Uuid::from_u128(0x0B).into());
    for n in 0..6 {
        let mut request = twins.requests[n].clone();
        request.id = id(7, n).into();
        request.organization_id = Uuid::from_u128(0x0B).into();
        request.assigned_worker_id = None;
        let filing = Filing { request, assignment: None, notification: None, news: None };
        file_one(other.maintenance.repository().as_ref(), &filing).await.unwrap();
    }
    world.index_texts().await;
    for order in RequestOrder::ALL {
        twins.check(&RequestFilter { order: *order, ..RequestFilter::default() }).await;
    }
    for one in 0..CONDITIONS {
        for two in 0..=one {
            let mut filter = RequestFilter::default();
            twins.set(one, &mut filter);
            twins.set(two, &mut filter);
            if twins.chance.below(2) == 0 {
                twins.set(CONDITIONS, &mut filter);
            }
            twins.check(&filter).await;
        }
    }
    let all = RequestFilter {
        created_from: Some(DateTime::<Utc>::MIN_UTC),
        created_before: Some(DateTime::<Utc>::MAX_UTC),
        updated_since: Some(DateTime::<Utc>::MIN_UTC),
        ..RequestFilter::default()
    };
    twins.check(&all).await;
}

/// Whoever turns the pages meets each request that was there once, in every order of open requests.
pub async fn pages_in_every_order_stay_right_while_requests_are_filed(world: World) {
    for order in RequestOrder::ALL {
        if *order == RequestOrder::RecentlyCompleted {
            continue;
        }
        world.wait(60);
        let filter = RequestFilter {
            created_from: Some(world.clock.now()),
            statuses: vec![RequestStatus::Pending],
            order: *order,
            ..RequestFilter::default()
        };
        let mut filed = Vec::new();
        for n in 0..9 {
            let mut new = world.new_request();
            new.form.priority = Priority::ALL[n % 4];
            filed.push(world.maintenance.submit(new).await.unwrap().request);
            world.wait(n as u64 % 2);
        }
        filed.sort_by(|one, other| order.compare(&order.position(one), &order.position(other)));
        let (mut met, mut page) = (Vec::new(), PageRequest::first(2));
        // It would go on for ever in an order that lists what is filed meanwhile last.
        while met.len() < 20 {
            let read = world.maintenance.requests(&filter, &page).await.unwrap();
            met.extend(read.items.into_iter().map(|request| request.id));
            let Some(next) = read.next else { break };
            page.after = Some(next);
            world.wait(1);
            world.filed().await;
        }
        met.retain(|id| filed.iter().any(|request| request.id == *id));
        let filed: Vec<_> = filed.iter().map(|request| request.id).collect();
        assert_eq!(met, filed, "{order}");
    }
}

/// All words, the last one as a beginning, in the request's own texts together or in one comment.
pub async fn texts_are_found_by_their_words(world: World) {
    let mut new = world.new_request();
    new.form.title = "Boiler: no hot water".into();
    new.form.location = "2nd floor/bath".into();
    let boiler = world.maintenance.submit(new).await.unwrap().request;
    let sink = world.filed().await;
    let note = NewComment { id: None, comment: "The caretaker's key opens <b>it</b>".into() };
    world.maintenance.comment(sink.id, world.landlord(), note).await.unwrap();
    world.index_texts().await;
    for (text, expected) in [
        ("boiler", vec![&boiler]),
        ("BOIL", vec![&boiler]),
        ("boil water", vec![]),
        ("water boiler", vec![&boiler]),
        ("hot, bath!", vec![&boiler]),
        ("water", vec![&sink, &boiler]),
        ("caretaker key", vec![&sink]),
        ("it", vec![&sink, &boiler]),
        ("opens b", vec![&sink]),
        ("caretaker sink", vec![]),
        ("' or 1=1 -- & | ! * \" ( :", vec![]),
        ("NOT boiler", vec![]),
        ("0000", vec![]),
    ] {
        let mut expected: Vec<_> = expected.iter().map(|one| one.id).collect();
        expected.sort_unstable();
        assert_eq!(found(&world, text).await, expected, "{text}");
    }
}

/// The requests that a search finds, in the order of their ids.
pub(super) async fn found(world: &World, text: &str) -> Vec<RequestId> {
    let filter = RequestFilter { text: SearchText::new(text).ok(), ..RequestFilter::default() };
    let found = world.maintenance.requests(&filter, &PageRequest::default()).await.unwrap().items;
    let mut found: Vec<_> = found.iter().map(|request| request.id).collect();
    found.sort_unstable();
    found
}

/// Whether the texts were indexed before they were edited, or not. A dispatcher without messages to send does it.
pub async fn a_search_finds_the_newest_texts(world: World) {
    let requests = [world.filed().await.id, world.filed().await.id];
    assert_eq!(found(&world, "zanzibar").await, []);
    for (request, title) in requests.into_iter().zip(["Zanzibar", "Pemba"]) {
        world.maintenance.edit(request, Edit::by(world.landlord()).title(title)).await.unwrap();
        while world.dispatch().await.claimed > 0 {}
    }
    assert_eq!(found(&world, "zanzibar").await, [requests[0]]);
    assert_eq!(found(&world, "pemba").await, [requests[1]]);
    world.maintenance.edit(requests[0], Edit::by(world.landlord()).title("Pemba")).await.unwrap();
    world.index_texts().await;
    assert_eq!(found(&world, "zanzibar").await, []);
    assert_eq!(found(&world, "pemba").await.len(), 2);
}

/// The error says how many there may be.
pub async fn too_many_complexes_are_refused(world: World) {
    let filter = RequestFilter { complexes: vec![world.complex; 201], ..RequestFilter::default() };
    let error = world.maintenance.requests(&filter, &PageRequest::first(0)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid input: filter.complexes has 201 complexes; it may have 200; page.size is 0; it must be 1 to 200"
    );
    assert!(world.maintenance.count_by_status(&filter).await.is_err());
    let filter = RequestFilter { complexes: vec![world.complex; 200], ..RequestFilter::default() };
    let filed = world.filed().await.id;
    let listed = world.maintenance.requests(&filter, &PageRequest::first(9)).await.unwrap().items;
    assert!(listed.iter().all(|request| request.id == filed));
}
