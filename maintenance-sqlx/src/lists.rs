//! The lists with optional filters: only the given conditions are in the statement, so that an index serves it.

use chrono::{DateTime, Utc};
use maintenance_core::{
    CommentFilter, Priority, RequestFilter, RequestStatus, Slice, Specialty, WhatsAppStatus, WorkerFilter,
};
use sqlx::{Database, QueryBuilder};
use uuid::Uuid;

use crate::columns::{comment_columns, request_columns, worker_columns};

/// How each database is told a value, and what else differs in the lists.
pub(crate) trait Dialect: Database + Sized {
    /// Put before a column whose index must not be chosen. PostgreSQL chooses by its statistics and needs none.
    const ASIDE: &'static str;
    /// Whether the condition of a partial index must stand in the statement as it stands there.
    const LITERAL: bool;
    /// Put behind each column of the order of the indexes made for a list of the newest first, so that no other
    /// index gives that order: PostgreSQL would go through the times alone where it takes what is asked for to
    /// be common, past any number of rows if it isn't common there. The columns hold no nulls.
    const LAST: &'static str;
    /// The same for a list of the oldest first.
    const FIRST: &'static str;
    /// Put around the values of a position, so that the planner doesn't see them: PostgreSQL would plan each
    /// deep page anew, since it takes a plan for those values to be cheaper than one for any, and it is the same.
    const UNSEEN: (&'static str, &'static str);
    /// Put around what selects the ids of which one is asked for, read first and once.
    const AMONG: (&'static str, &'static str);
    /// Put behind the table where only times choose: `SQLite`, once it has statistics, would go through the index
    /// of each worker in turn if there are few of them, and sort all.
    const BY_TIME: &'static str;
    /// Put around each of several lists that are merged. `SQLite` hands the order down by itself, and takes
    /// none there.
    const MERGED: Option<(&'static str, &'static str)>;
    fn id(query: &mut QueryBuilder<Self>, id: Uuid);
    fn time(query: &mut QueryBuilder<Self>, at: DateTime<Utc>);
    /// The condition that a worker has that trade.
    fn has_trade(query: &mut QueryBuilder<Self>, trade: &Specialty);
}

/// A statement whose conditions are joined by `and`.
struct Conditions<'q, D: Dialect> {
    query: &'q mut QueryBuilder<D>,
    any: bool,
}

impl<'q, D: Dialect> Conditions<'q, D> {
    fn of(query: &'q mut QueryBuilder<D>) -> Self {
        Self { query, any: false }
    }

    fn and(&mut self, condition: &str) -> &mut QueryBuilder<D> {
        self.query.push(if self.any { " and " } else { " where " });
        self.any = true;
        self.query.push(condition)
    }

    /// `column = id`, for the choice of an index or put aside from it.
    fn id(&mut self, column: &str, id: Option<Uuid>, leads: bool) {
        if let Some(id) = id {
            D::id(self.and(aside::<D>(leads)).push(column).push(" = "), id);
        }
    }

    fn time(&mut self, condition: &str, at: Option<DateTime<Utc>>) {
        if let Some(at) = at {
            D::time(self.and(condition), at);
        }
    }

    /// The rows beyond the slice's position, `<` for the newest first and `>` for the oldest first.
    fn beyond(&mut self, table: char, order: char, slice: Slice) {
        if let Some(after) = slice.after {
            let query = self.and("(");
            query.push(table).push(".created_at, ").push(table).push(".id) ").push(order).push(" (");
            let (begin, end) = D::UNSEEN;
            D::time(query.push(begin), after.at);
            D::id(query.push(end).push(", ").push(begin), after.id);
            query.push(end).push(")");
        }
    }
}

fn aside<D: Dialect>(leads: bool) -> &'static str {
    if leads { "" } else { D::ASIDE }
}

/// What chooses the index by which requests are found. Every such index ends with the list's order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lead {
    Renter,
    Property,
    Worker,
    /// By the worker too: those of nobody.
    Nobody,
    /// With the status.
    Complex,
    /// With the priority.
    Status,
    Message,
    Time,
}

impl Lead {
    fn of(filter: &RequestFilter, statuses: &[RequestStatus]) -> Self {
        // Few messages are on their way or failed at any time, and few requests are open.
        let few_messages = filter
            .whatsapp_status
            .is_some_and(|status| !matches!(status, WhatsAppStatus::Delivered | WhatsAppStatus::Read));
        if filter.renter_id.is_some() {
            Self::Renter
        } else if filter.property_id.is_some() {
            Self::Property
        } else if filter.assigned_worker_id.is_some() {
            Self::Worker
        } else if filter.complex_id.is_some() {
            Self::Complex
        } else if filter.unassigned {
            Self::Nobody
        } else if few_messages && !are_open(statuses) {
            Self::Message
        } else if !statuses.is_empty() || filter.priority.is_some() {
            Self::Status
        } else if filter.whatsapp_status.is_some() {
            Self::Message
        } else {
            Self::Time
        }
    }
}

fn are_open(statuses: &[RequestStatus]) -> bool {
    !statuses.is_empty() && statuses.iter().all(|status| status.is_open())
}

/// The filter's statuses, each once; none for all of them.
fn statuses(filter: &RequestFilter) -> Vec<RequestStatus> {
    let mut statuses = filter.statuses.clone();
    statuses.sort_unstable();
    statuses.dedup();
    if statuses.len() == RequestStatus::ALL.len() { Vec::new() } else { statuses }
}

fn each<T: Copy>(given: &[T], all: &[T]) -> Vec<T> {
    if given.is_empty() { all.to_vec() } else { given.to_vec() }
}

/// Requests, newest first.
pub(crate) fn requests<D: Dialect>(filter: &RequestFilter, slice: Slice) -> QueryBuilder<D> {
    let statuses = statuses(filter);
    let lead = Lead::of(filter, &statuses);
    let mut query = QueryBuilder::new("");
    // Where the index has a status or a priority before the order, each has an order of its own: they are
    // merged, and each is read only as far as the page goes.
    let arms: Vec<(Vec<RequestStatus>, Option<Priority>)> = match lead {
        Lead::Complex => each(&statuses, RequestStatus::ALL)
            .into_iter()
            .map(|status| (vec![status], filter.priority))
            .collect(),
        Lead::Status => each(&statuses, RequestStatus::ALL)
            .into_iter()
            .flat_map(|status| {
                let priorities = each(filter.priority.as_slice(), Priority::ALL);
                priorities.into_iter().map(move |priority| (vec![status], Some(priority)))
            })
            .collect(),
        _ => vec![(statuses, filter.priority)],
    };
    let last = if matches!(lead, Lead::Renter | Lead::Time) { "" } else { D::LAST };
    let merged = D::MERGED.filter(|_| arms.len() > 1);
    for (n, (statuses, priority)) in arms.iter().enumerate() {
        query.push(if n == 0 { "" } else { " union all " });
        query.push(merged.map_or("", |(begin, _)| begin));
        query.push(concat!("select ", request_columns!(of "r"), " from maintenance_requests r"));
        query.push(if lead == Lead::Time { D::BY_TIME } else { "" });
        conditions(&mut query, filter, lead, statuses, *priority).beyond('r', '<', slice);
        if let Some((_, end)) = merged {
            newest_first(&mut query, last, slice);
            query.push(end);
        }
    }
    // PostgreSQL takes an index for ordered behind `is null` only if the order names that column too.
    let nobody = if lead == Lead::Nobody { "assigned_worker_id, " } else { "" };
    ordered(&mut query, nobody, last, slice);
    query
}

/// The number stands in the statement itself: of a parameter PostgreSQL assumes a tenth of all rows, and so
/// plans anew at each execution.
fn limit<D: Dialect>(query: &mut QueryBuilder<D>, slice: Slice) {
    query.push(" limit ").push(slice.limit);
}

fn newest_first<D: Dialect>(query: &mut QueryBuilder<D>, last: &str, slice: Slice) {
    ordered(query, "", last, slice);
}

fn ordered<D: Dialect>(query: &mut QueryBuilder<D>, before: &str, last: &str, slice: Slice) {
    query.push(" order by ").push(before).push("created_at desc").push(last).push(", id desc").push(last);
    limit(query, slice);
}

fn conditions<'q, D: Dialect>(
    query: &'q mut QueryBuilder<D>,
    filter: &RequestFilter,
    lead: Lead,
    statuses: &[RequestStatus],
    priority: Option<Priority>,
) -> Conditions<'q, D> {
    let mut conditions = Conditions::of(query);
    conditions.id("r.renter_id", filter.renter_id.map(Uuid::from), lead == Lead::Renter);
    conditions.id("r.property_id", filter.property_id.map(Uuid::from), lead == Lead::Property);
    conditions.id("r.assigned_worker_id", filter.assigned_worker_id.map(Uuid::from), lead == Lead::Worker);
    if filter.unassigned {
        conditions.and(aside::<D>(lead == Lead::Nobody)).push("r.assigned_worker_id is null");
    }
    conditions.id("r.complex_id", filter.complex_id.map(Uuid::from), lead == Lead::Complex);
    let open_work = lead == Lead::Worker && are_open(statuses);
    if open_work && D::LITERAL && statuses.len() == 1 {
        conditions.and("r.status in ('pending', 'in_progress')");
    }
    // The texts of enums stand in the statement itself, so that the planner sees how common each is.
    if !statuses.is_empty() {
        let list: Vec<String> = statuses.iter().map(|status| format!("'{status}'")).collect();
        let leads = matches!(lead, Lead::Complex | Lead::Status) || open_work && statuses.len() > 1;
        conditions.and(aside::<D>(leads)).push("r.status in (").push(list.join(", ")).push(")");
    }
    if let Some(priority) = priority {
        conditions.and(aside::<D>(lead == Lead::Status)).push("r.priority = '").push(priority).push("'");
    }
    if let Some(status) = filter.whatsapp_status {
        let aside = aside::<D>(lead == Lead::Message);
        conditions.and(aside).push("r.whatsapp_status = '").push(status).push("'");
    }
    conditions.time("r.created_at >= ", filter.created_from);
    conditions.time("r.created_at < ", filter.created_before);
    conditions
}

/// How many requests there are of each status.
pub(crate) fn count_by_status<D: Dialect>(filter: &RequestFilter) -> QueryBuilder<D> {
    let statuses = statuses(filter);
    let lead = Lead::of(filter, &statuses);
    let mut query = QueryBuilder::new("select r.status, count(*) from maintenance_requests r");
    // A priority stands behind the statuses in its index.
    let listed = if lead == Lead::Status { each(&statuses, RequestStatus::ALL) } else { statuses };
    conditions(&mut query, filter, lead, &listed, filter.priority);
    query.push(" group by r.status");
    query
}

/// Workers, newest first.
pub(crate) fn workers<D: Dialect>(filter: &WorkerFilter, slice: Slice) -> QueryBuilder<D> {
    let mut query =
        QueryBuilder::new(concat!("select ", worker_columns!(of "w"), " from maintenance_workers w"));
    let mut conditions = Conditions::of(&mut query);
    if let Some(complex) = filter.complex_id {
        let (begin, end) = D::AMONG;
        let query = conditions.and("w.id ").push(begin);
        query.push("select a.worker_id from complex_maintenance_assignments a where a.complex_id = ");
        D::id(query, complex.uuid());
        query.push(end);
    }
    if let Some(status) = filter.status {
        conditions.and(D::ASIDE).push("w.status = '").push(status).push("'");
    }
    if let Some(trade) = &filter.specialty {
        D::has_trade(conditions.and(""), trade);
    }
    conditions.beyond('w', '<', slice);
    query.push(" order by w.created_at desc, w.id desc");
    limit(&mut query, slice);
    query
}

/// Comments, oldest first.
pub(crate) fn comments<D: Dialect>(filter: &CommentFilter, slice: Slice) -> QueryBuilder<D> {
    let mut query =
        QueryBuilder::new(concat!("select ", comment_columns!(of "c"), " from maintenance_comments c"));
    let mut conditions = Conditions::of(&mut query);
    conditions.id("c.request_id", filter.request_id.map(Uuid::from), true);
    conditions.id("c.user_id", filter.user_id.map(Uuid::from), filter.request_id.is_none());
    let first = if conditions.any { D::FIRST } else { "" };
    conditions.beyond('c', '>', slice);
    query.push(" order by c.created_at").push(first).push(", c.id").push(first);
    limit(&mut query, slice);
    query
}
