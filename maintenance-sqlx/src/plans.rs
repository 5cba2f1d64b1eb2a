//! What each database's tests of plans share: the lists, and 100,000 requests.

use chrono::{DateTime, TimeDelta, Utc};
use maintenance_core::{
    ComplexId, OrganizationId, Position, Priority, RequestFilter, RequestNumber, RequestOrder, RequestStatus,
    SearchText, Slice, Specialty, WhatsAppStatus,
};
use uuid::Uuid;

const REQUESTS: u32 = 100_000;
const RENTER: u128 = 1;
const PROPERTY: u128 = 2;
const WORKER: u128 = 3;
const COMPLEX: u128 = 4;
const ASSIGNMENT: u128 = 5;
const COMMENT: u128 = 6;
const REQUEST: u128 = 9;
const ORGANIZATION: u128 = 10;

/// An id that [`Fill`] gives.
fn id(kind: u128, n: u128) -> Uuid {
    Uuid::from_u128((kind << 96) | (0x4000_8000 << 48) | n)
}

/// The complex with a third of all requests.
#[cfg(feature = "postgres")]
pub(crate) fn large_complex() -> Uuid {
    id(COMPLEX, 0)
}

/// A user with a seventh of all comments.
#[cfg(feature = "postgres")]
pub(crate) fn user() -> Uuid {
    id(RENTER, 3)
}

/// A request with comments.
#[cfg(feature = "postgres")]
pub(crate) fn request() -> Uuid {
    id(REQUEST, 3)
}

/// Whose lists are read: one organisation has nearly all requests, the other those of one complex of fifty.
pub(crate) fn organizations() -> [(&'static str, OrganizationId); 2] {
    [("most", OrganizationId::NONE), ("few", id(ORGANIZATION, 1).into())]
}

/// Every kind of list of requests by its name, for keys with many and with few requests.
pub(crate) fn filters() -> Vec<(String, RequestFilter)> {
    use RequestStatus::{Cancelled, Completed, InProgress, Pending};
    let any = RequestFilter::default;
    let open = || vec![Pending, InProgress];
    let keys = [
        ("", any()),
        ("a renter's", RequestFilter { renter_id: Some(id(RENTER, 7).into()), ..any() }),
        ("a property's", RequestFilter { property_id: Some(id(PROPERTY, 7).into()), ..any() }),
        ("a large property's", RequestFilter { property_id: Some(id(PROPERTY, 0).into()), ..any() }),
        ("a worker's", RequestFilter { assigned_worker_id: Some(id(WORKER, 25).into()), ..any() }),
        ("an idle worker's", RequestFilter { assigned_worker_id: Some(id(WORKER, 45).into()), ..any() }),
        ("nobody's", RequestFilter { unassigned: true, ..any() }),
        ("a large complex's", RequestFilter { complexes: complexes(0..1), ..any() }),
        ("a quiet complex's", RequestFilter { complexes: complexes(2..3), ..any() }),
        ("an unknown complex's", RequestFilter { complexes: complexes(999..1_000), ..any() }),
    ];
    let mut filters = Vec::new();
    for (key, filter) in keys {
        for (word, statuses) in
            [("", vec![]), ("open", open()), ("completed", vec![Completed]), ("cancelled", vec![Cancelled])]
        {
            filters.push((format!("{key} {word}"), RequestFilter { statuses, ..filter.clone() }));
        }
    }
    for priority in Priority::ALL {
        let filter = RequestFilter { priorities: vec![*priority], ..any() };
        filters.push((format!("open {priority}"), RequestFilter { statuses: open(), ..filter.clone() }));
        filters.push((priority.to_string(), filter));
    }
    for status in WhatsAppStatus::ALL {
        let filter = RequestFilter { whatsapp_status: Some(*status), ..any() };
        filters
            .push((format!("message {status}, open"), RequestFilter { statuses: open(), ..filter.clone() }));
        filters.push((format!("message {status}"), filter));
    }
    let times =
        RequestFilter { created_from: Some(minute(40_000)), created_before: Some(minute(60_000)), ..any() };
    filters.push(("of a time open".into(), RequestFilter { statuses: open(), ..times.clone() }));
    filters.push((
        "of a time and a complex".into(),
        RequestFilter { complexes: complexes(0..1), ..times.clone() },
    ));
    filters.push(("of a time".into(), times));
    filters.extend(screens().into_iter().map(|(name, filter)| (name.to_owned(), filter)));
    filters
}

/// What the screens of a front end ask for.
fn screens() -> Vec<(&'static str, RequestFilter)> {
    use RequestOrder::{LongestWaiting, OldestFirst, RecentlyCompleted, UrgentFirst};
    let any = RequestFilter::default;
    let open = || RequestFilter {
        statuses: vec![RequestStatus::Pending, RequestStatus::InProgress],
        ..RequestFilter::default()
    };
    let in_order = |order, filter| RequestFilter { order, ..filter };
    let forty = |filter| RequestFilter { complexes: complexes(0..40), ..filter };
    let text = |text: &str| SearchText::new(text).ok();
    let trade = |name: &str| Specialty::new(name).ok();
    let absent = |filter| RequestFilter { absent_worker: Some(true), ..filter };
    let long_ago = |filter| RequestFilter {
        completed_from: Some(minute(30_000)),
        completed_before: Some(minute(50_000)),
        ..filter
    };
    vec![
        ("oldest first", in_order(OldestFirst, any())),
        ("oldest open first", in_order(OldestFirst, open())),
        ("urgent first", in_order(UrgentFirst, any())),
        ("urgent open first", in_order(UrgentFirst, open())),
        ("longest waiting", in_order(LongestWaiting, any())),
        ("recently completed", in_order(RecentlyCompleted, any())),
        ("completed in a period", in_order(RecentlyCompleted, long_ago(any()))),
        (
            "completed in an hour",
            RequestFilter {
                completed_from: Some(minute(49_940)),
                completed_before: Some(minute(50_000)),
                ..any()
            },
        ),
        ("forty complexes'", forty(any())),
        ("forty complexes' open", forty(open())),
        ("forty complexes', oldest first", in_order(OldestFirst, forty(open()))),
        (
            "a property's, oldest first",
            RequestFilter { property_id: Some(id(PROPERTY, 0).into()), order: OldestFirst, ..any() },
        ),
        (
            "a complex's open, longest waiting",
            RequestFilter { complexes: complexes(1..2), ..in_order(LongestWaiting, any()) },
        ),
        (
            "a complex's open, urgent first",
            RequestFilter { complexes: complexes(1..2), ..in_order(UrgentFirst, open()) },
        ),
        ("nobody's, longest waiting", RequestFilter { unassigned: true, ..in_order(LongestWaiting, any()) }),
        ("absent workers'", absent(any())),
        ("absent workers' open", absent(open())),
        ("not absent workers'", RequestFilter { absent_worker: Some(false), ..open() }),
        ("of a trade", RequestFilter { specialty: trade("plumbing"), ..any() }),
        ("of a rare trade", RequestFilter { specialty: trade("locksmith"), ..any() }),
        ("of an unknown trade", RequestFilter { specialty: trade("falconry"), ..open() }),
        ("changed in the last hour", RequestFilter { updated_since: Some(minute(REQUESTS - 60)), ..any() }),
        ("of a number", RequestFilter { number: Some(RequestNumber::new(4_711)), ..any() }),
        ("with a rare word", RequestFilter { text: text("boiler rat"), ..any() }),
        ("open with a rare word", RequestFilter { text: text("boiler"), ..open() }),
        ("with no such word", RequestFilter { text: text("giraffe"), ..any() }),
        ("with a frequent word", RequestFilter { text: text("sink"), ..any() }),
        (
            "a renter's with a frequent word",
            RequestFilter { text: text("sink"), renter_id: Some(id(RENTER, 7).into()), ..any() },
        ),
    ]
}

fn complexes(numbers: std::ops::Range<u128>) -> Vec<ComplexId> {
    numbers.map(|n| id(COMPLEX, n).into()).collect()
}

fn minute(n: u32) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(n.into())
}

/// The first page of 50 requests, and a page from the middle of all requests.
pub(crate) fn slices() -> [(&'static str, Slice); 2] {
    let deep = Position::new(minute(REQUESTS / 2), id(REQUEST, 0));
    [("first", Slice { after: None, limit: 51 }), ("deep", Slice { after: Some(deep), limit: 51 })]
}

/// The tables' content, for which each database gives the SQL that differs.
///
/// A third of all requests are in complex 0, complex 49 is another organisation's, no request of complex 2 is open, one
/// property has a twentieth of all requests, 2 in 1,000 are emergencies, none is of low priority, 1 in 10,000 needs a
/// locksmith, and 1 in 5,000 is about a boiler.
pub(crate) struct Fill {
    /// A table `n` of the numbers `n` from 1 to the given one.
    pub(crate) numbers: fn(u32) -> String,
    /// The id of the given kind and number.
    pub(crate) id: fn(u128, &str) -> String,
    /// The time that many minutes after the beginning of 1970.
    pub(crate) minute: fn(&str) -> String,
    /// The nil organisation.
    pub(crate) no_organization: &'static str,
    /// A worker's trades.
    pub(crate) specialties: &'static str,
    /// Adds the words of all requests.
    pub(crate) words: &'static [&'static str],
}

impl Fill {
    pub(crate) fn statements(&self) -> Vec<String> {
        let (id, time) = (self.id, self.minute);
        let workers = (self.numbers)(1_020);
        let requests = (self.numbers)(REQUESTS);
        let comments = (self.numbers)(20_000);
        let none = self.no_organization;
        let mut statements = vec![
            format!(
                "insert into maintenance_workers (id, first_name, last_name, phone_number, email, specialties,
                        status, created_at, updated_at)
                 select {}, 'Worker', 'One', '+12025550123', 'worker@example.com', {},
                        case when n % 50 = 0 then 'on_leave' else 'active' end, {at}, {at}
                   from {workers}",
                id(WORKER, "n"),
                self.specialties,
                at = time("n"),
            ),
            format!(
                "insert into complex_maintenance_assignments
                        (id, worker_id, complex_id, is_primary, assigned_at, updated_at)
                 select {}, {}, {}, n % 20 = 1, {at}, {at} from {workers}",
                id(ASSIGNMENT, "n"),
                id(WORKER, "n"),
                id(COMPLEX, "(n - 1) / 20"),
                at = time("n"),
            ),
            format!(
                "insert into maintenance_requests (id, organization_id, renter_id, title, description, status, priority,
                        created_at, updated_at, completed_at, property_id, location, assigned_worker_id,
                        whatsapp_message_id, whatsapp_status, complex_id, specialty, version, notification_id,
                        number)
                 select {id}, {organization}, {renter},
                        case when n % 5000 = 7 then 'The boiler rattles' else 'The sink leaks' end,
                        'Since Monday.', status,
                        case when n % 500 = 0 then 'emergency' when n % 5 = 0 then 'high' else 'medium' end,
                        {at}, {at}, case when status = 'completed' then {at} end, {property}, 'Kitchen',
                        {worker}, null,
                        case when n > 99900 then 'pending' when n > 99500 then 'sent'
                             when n % 200 = 1 then 'failed' when n % 3 = 0 then 'delivered' else 'read' end,
                        {complex}, case when n % 10000 = 7 then 'locksmith' else 'plumbing' end, 1, null, n
                   from (select n, c,
                                case when c <> 2 and (n % 50 = 0 or n > 99000)
                                          then case when n % 3 = 0 then 'in_progress' else 'pending' end
                                     when n % 40 = 3 then 'cancelled' else 'completed' end as status
                           from (select n, case when n % 3 = 0 then 0 else n % 50 end as c
                                   from {requests}) c) r",
                id = id(REQUEST, "n"),
                organization =
                    format!("case when c = 49 then {} else {none} end", id(ORGANIZATION, "1")),
                renter = id(RENTER, "n % 9973"),
                property = id(PROPERTY, "case when n % 20 = 1 then 0 else n % 9967 end"),
                worker = id(WORKER, "c * 20 + n % 20 + 1"),
                complex = id(COMPLEX, "c"),
                at = time("n"),
            ),
            format!(
                "insert into maintenance_comments (id, request_id, user_id, user_type, comment, created_at)
                 select {}, {}, {}, 'renter', 'It drips.', {} from {comments}",
                id(COMMENT, "n"),
                id(REQUEST, "n % 1000 + 1"),
                id(RENTER, "n % 7"),
                time("n"),
            ),
        ];
        statements.extend(self.words.iter().map(ToString::to_string));
        statements
    }
}
