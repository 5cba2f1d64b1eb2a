//! The list of requests.

use std::fmt::Display;

use maintenance_core::{
    OrganizationId, Position, Priority, RequestFilter, RequestOrder, RequestStatus, SearchText, Slice,
    WorkerStatus,
};
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::{
    Conditions, Dialect,
    index::{LeadingIndex, are_open},
    limit, unless_leading,
};
use crate::{columns::request_columns, order::urgency};

/// How many requests of a list are searched for words before the index of words is asked.
const BEGINNING: u32 = 1_000;

/// An organisation's requests in the filter's order.
pub(crate) fn requests<D: Dialect>(
    organization: OrganizationId,
    filter: &RequestFilter,
    slice: Slice,
) -> QueryBuilder<D> {
    let list = List::of(organization, filter);
    let mut query = QueryBuilder::new("");
    match (&filter.text, list.index) {
        (Some(text), LeadingIndex::Text) => list.of_text(&mut query, text, slice),
        _ => list.of_all(&mut query, slice),
    }
    query
}

/// The number of an organisation's requests of each status.
pub(crate) fn count_by_status<D: Dialect>(
    organization: OrganizationId,
    filter: &RequestFilter,
) -> QueryBuilder<D> {
    let list = List::of(organization, filter);
    let mut query = QueryBuilder::new("select r.status, count(*) from maintenance_requests r");
    list.conditions(&mut query, Key::Given, &list.statuses, &list.priorities);
    query.push(" group by r.status");
    query
}

/// Where the value of the leading column comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    /// From the filter.
    Given,
    /// From the row of keys whose list this is.
    Row,
}

/// What a list's statement is made of.
struct List<'f> {
    organization: OrganizationId,
    filter: &'f RequestFilter,
    /// The statuses that are listed.
    statuses: Vec<RequestStatus>,
    /// The filter's priorities and complexes, each once, since each may become a list of its own.
    priorities: Vec<Priority>,
    complexes: Vec<Uuid>,
    index: LeadingIndex,
}

impl<'f> List<'f> {
    fn of(organization: OrganizationId, filter: &'f RequestFilter) -> Self {
        let statuses = filter.listed_statuses();
        let index = LeadingIndex::of(filter, &statuses);
        let priorities = each_once(filter.priorities.clone());
        let complexes = each_once(filter.complexes.iter().map(|complex| complex.uuid()).collect());
        Self { organization, filter, statuses, priorities, complexes, index }
    }

    /// The list by whatever index leads.
    fn of_all<D: Dialect>(&self, query: &mut QueryBuilder<D>, slice: Slice) {
        match self.index {
            LeadingIndex::Complex if self.complexes.len() > 1 => {
                self.of_each(query, |query| D::values(query, &self.complexes), slice);
            }
            LeadingIndex::AbsentWorkers => {
                self.of_each(query, |query| absent_workers::<D>(query, self.organization), slice);
            }
            _ => self.of_one(query, Key::Given, slice),
        }
    }

    /// The list of what has these words. The index of words knows no order: all that it finds must be read and sorted. So
    /// the beginning of the list without the words is searched first, which frequent words fill a page from; only if they
    /// don't, and there is more to read, the index of words is asked.
    fn of_text<D: Dialect>(&self, query: &mut QueryBuilder<D>, text: &SearchText, slice: Slice) {
        let order = order_of_rows::<D>(self.filter.order);
        let without = RequestFilter { text: None, ..self.filter.clone() };
        let without = List::of(self.organization, &without);
        let beginning = Slice { limit: BEGINNING, ..slice };
        query.push(concat!("with near as materialized (select ", request_columns!(of "r"), " from ("));
        without.of_all(query, beginning);
        query.push(") r where ");
        D::has_words(query, self.organization, text, false);
        query.push(" order by ").push(&order);
        limit(query, slice);
        query.push("), lookup (needed) as (select (select count(*) from near) < ").push(slice.limit);
        query.push(" and (select count(*) from (");
        without.of_all(query, beginning);
        query.push(") r) = ").push(BEGINNING);
        query.push(concat!(") select ", request_columns!(of "r"), " from ("));
        query.push("select * from near where not (select needed from lookup) union all select * from (");
        self.of_one(query, Key::Given, slice);
        query.push(") p where (select needed from lookup)) r order by ").push(order);
        limit(query, slice);
    }

    /// The lists of several keys, as of forty complexes: a page of each is read, and of all of them the page. The statement
    /// is the same for any number of keys.
    fn of_each<D: Dialect>(
        &self,
        query: &mut QueryBuilder<D>,
        keys: impl FnOnce(&mut QueryBuilder<D>),
        slice: Slice,
    ) {
        let (between, end) = D::LIST_OF_EACH;
        query.push(concat!("select ", request_columns!(of "r"), " from ("));
        keys(query);
        query.push(") key").push(between);
        self.of_one(query, Key::Row, slice);
        query.push(end).push(" order by ").push(order_of_rows::<D>(self.filter.order));
        limit(query, slice);
    }

    /// The list of one key. In a list by priority, the lists of each priority are joined, of which none comes before the
    /// page.
    fn of_one<D: Dialect>(&self, query: &mut QueryBuilder<D>, key: Key, slice: Slice) {
        let filter = self.filter;
        if filter.order != RequestOrder::UrgentFirst {
            return self.ordered(query, key, &self.priorities, filter.order, slice);
        }
        let (reached, place) = (slice.after.and_then(|after| after.priority), slice.after);
        let of_priority = |priority: &Priority| {
            let after = place.filter(|_| reached == Some(*priority));
            (*priority, after.map(|after| Position::new(after.at, after.id)))
        };
        let listed = |priority: &&Priority| {
            (self.priorities.is_empty() || self.priorities.contains(*priority))
                && reached.is_none_or(|reached| **priority <= reached)
        };
        let priorities: Vec<_> = Priority::ALL.iter().filter(listed).map(of_priority).collect();
        if priorities.is_empty() {
            // A position that no request of this list has.
            return self.ordered(query, key, &[], RequestOrder::OldestFirst, Slice { limit: 0, ..slice });
        }
        query.push(concat!("select ", request_columns!(of "r"), " from ("));
        for (n, (priority, after)) in priorities.iter().enumerate() {
            query.push(if n == 0 { "select * from (" } else { " union all select * from (" });
            let slice = Slice { after: *after, ..slice };
            self.ordered(query, key, &[*priority], RequestOrder::OldestFirst, slice);
            query.push(") p");
        }
        query.push(") r order by ").push(order_of_rows::<D>(filter.order));
        limit(query, slice);
    }

    /// The list of one key in an order by time.
    fn ordered<D: Dialect>(
        &self,
        query: &mut QueryBuilder<D>,
        key: Key,
        priorities: &[Priority],
        order: RequestOrder,
        slice: Slice,
    ) {
        let (time, latest_first) = time_of(order);
        let arms = self.index.arms(order, &self.statuses, priorities);
        let parentheses = D::ARM_PARENTHESES.filter(|_| arms.len() > 1);
        let in_order = |query: &mut QueryBuilder<D>| {
            let (begin, end) = if self.index.gives(order) { ("", "") } else { D::HIDE_FROM_INDEXES };
            let direction = direction::<D>(order);
            query.push(" order by ").push(begin).push(time).push(end).push(direction);
            query.push(", id").push(direction);
            limit(query, slice);
        };
        for (n, (statuses, priorities)) in arms.iter().enumerate() {
            query.push(if n == 0 { "" } else { " union all " });
            query.push(parentheses.map_or("", |(begin, _)| begin));
            query.push(concat!("select ", request_columns!(of "r"), " from maintenance_requests r"));
            query.push(self.index.forced::<D>());
            let comparison = if latest_first { '<' } else { '>' };
            let mut conditions = self.conditions(query, key, statuses, priorities);
            if order == RequestOrder::RecentlyCompleted {
                conditions.and("r.completed_at is not null");
            }
            conditions.beyond('r', time, comparison, slice.after);
            if let Some((_, end)) = parentheses {
                in_order(query);
                query.push(end);
            }
        }
        in_order(query);
    }

    fn conditions<'q, D: Dialect>(
        &self,
        query: &'q mut QueryBuilder<D>,
        key: Key,
        statuses: &[RequestStatus],
        priorities: &[Priority],
    ) -> Conditions<'q, D> {
        let Self { organization, filter, index, .. } = self;
        let leads = |candidate| *index == candidate;
        let mut conditions = Conditions::of(query);
        conditions.id("r.organization_id", Some(organization.uuid()), index.is_of_organization());
        if let Some(number) = filter.number {
            D::number(conditions.and("r.number = "), number.get());
        }
        conditions.id("r.renter_id", filter.renter_id.map(Uuid::from), leads(LeadingIndex::Renter));
        conditions.id("r.property_id", filter.property_id.map(Uuid::from), leads(LeadingIndex::Property));
        conditions.id(
            "r.assigned_worker_id",
            filter.assigned_worker_id.map(Uuid::from),
            leads(LeadingIndex::Worker),
        );
        if let Some(text) = &filter.text {
            D::has_words(conditions.and(""), *organization, text, leads(LeadingIndex::Text));
        }
        self.complexes(&mut conditions, key);
        self.absent_worker(&mut conditions, key);
        if filter.unassigned {
            conditions
                .and(unless_leading::<D>(leads(LeadingIndex::Unassigned)))
                .push("r.assigned_worker_id is null");
        }
        if let Some(trade) = &filter.specialty {
            let prefix = unless_leading::<D>(leads(LeadingIndex::Trade));
            D::text(conditions.and(prefix).push("r.specialty = "), trade.as_str());
        }
        self.statuses(&mut conditions, statuses);
        if !priorities.is_empty() {
            let prefix = unless_leading::<D>(leads(LeadingIndex::Status));
            conditions.and(prefix).push("r.priority").push(is_one_of(priorities));
        }
        if let Some(status) = filter.whatsapp_status {
            let prefix = unless_leading::<D>(leads(LeadingIndex::Message));
            conditions.and(prefix).push("r.whatsapp_status = '").push(status).push("'");
        }
        let by_filing = index.gives(RequestOrder::NewestFirst);
        conditions.time("r.created_at >= ", filter.created_from, by_filing);
        conditions.time("r.created_at < ", filter.created_before, by_filing);
        conditions.time("r.completed_at >= ", filter.completed_from, leads(LeadingIndex::Completed));
        conditions.time("r.completed_at < ", filter.completed_before, leads(LeadingIndex::Completed));
        conditions.time("r.updated_at >= ", filter.updated_since, leads(LeadingIndex::Updated));
        conditions
    }

    fn complexes<D: Dialect>(&self, conditions: &mut Conditions<'_, D>, key: Key) {
        let leads = self.index == LeadingIndex::Complex;
        match (self.complexes.as_slice(), key) {
            ([], _) => {}
            (_, Key::Row) if leads => {
                conditions.and("r.complex_id = key.value");
            }
            ([one], _) => conditions.id("r.complex_id", Some(*one), leads),
            (several, _) => {
                D::one_of(conditions.and(unless_leading::<D>(leads)).push("r.complex_id"), several);
            }
        }
    }

    fn absent_worker<D: Dialect>(&self, conditions: &mut Conditions<'_, D>, key: Key) {
        // As a subquery of one value it stays a check of each row, and is never joined before the order.
        const STATUS: &str = "(select w.status from maintenance_workers w where w.id = r.assigned_worker_id)";
        match (self.filter.absent_worker, self.index == LeadingIndex::AbsentWorkers, key) {
            (None, _, _) => {}
            (Some(true), true, Key::Row) => {
                conditions.and("r.assigned_worker_id = key.value");
            }
            (Some(true), true, Key::Given) => {
                let query = conditions.and("r.assigned_worker_id in (");
                absent_workers::<D>(query, self.organization);
                query.push(")");
            }
            (Some(true), false, _) => {
                conditions.and(STATUS).push(is_one_of(&ABSENT));
            }
            (Some(false), _, _) => {
                // PostgreSQL takes this form to be true of most requests, so that it stops when the page is full.
                let query = conditions.and("coalesce(").push(STATUS).push(", 'active') not");
                query.push(is_one_of(&ABSENT));
            }
        }
    }

    fn statuses<D: Dialect>(&self, conditions: &mut Conditions<'_, D>, statuses: &[RequestStatus]) {
        // The partial index of open work has the condition `status in ('pending', 'in_progress')`.
        let by_worker = matches!(self.index, LeadingIndex::Worker | LeadingIndex::AbsentWorkers);
        let open_work = by_worker && are_open(statuses);
        if open_work && D::REPEAT_PARTIAL_CONDITION && statuses.len() == 1 {
            conditions.and("r.status in ('pending', 'in_progress')");
        }
        let by_status =
            matches!(self.index, LeadingIndex::Complex | LeadingIndex::Status | LeadingIndex::Updated);
        if statuses.is_empty() {
            conditions.and("1 = 0");
        } else if by_status || statuses.len() < RequestStatus::ALL.len() {
            // An enum's value is part of the statement's text, so that the planner sees how frequent it is.
            let leading = by_status || open_work && statuses.len() > 1;
            conditions.and(unless_leading::<D>(leading)).push("r.status").push(is_one_of(statuses));
        }
    }
}

fn each_once<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values.dedup();
    values
}

/// The statuses of workers who aren't active.
const ABSENT: [WorkerStatus; 2] = [WorkerStatus::Inactive, WorkerStatus::OnLeave];

/// A subquery of the ids of the organisation's workers who aren't active, under the name `value`.
fn absent_workers<D: Dialect>(query: &mut QueryBuilder<D>, organization: OrganizationId) {
    query.push("select w.id as value from maintenance_workers w where w.status").push(is_one_of(&ABSENT));
    D::id(query.push(" and w.organization_id = "), organization.uuid());
}

/// The condition that what stands before it is one of these values of an enum.
fn is_one_of(values: &[impl Display]) -> String {
    let values: Vec<_> = values.iter().map(|value| format!("'{value}'")).collect();
    if values.len() == 1 { format!(" = {}", values.join("")) } else { format!(" in ({})", values.join(", ")) }
}

/// The time that an order is by, and whether the latest comes first.
fn time_of(order: RequestOrder) -> (&'static str, bool) {
    match order {
        RequestOrder::NewestFirst => ("created_at", true),
        RequestOrder::LongestWaiting => ("updated_at", false),
        RequestOrder::RecentlyCompleted => ("completed_at", true),
        RequestOrder::OldestFirst | RequestOrder::UrgentFirst => ("created_at", false),
    }
}

/// The direction of an order's columns. Every index with the time of filing is ordered as a newest-first list is.
fn direction<D: Dialect>(order: RequestOrder) -> &'static str {
    match order {
        RequestOrder::NewestFirst => D::DESC_NULLS,
        RequestOrder::RecentlyCompleted => " desc",
        RequestOrder::OldestFirst | RequestOrder::UrgentFirst => D::ASC_NULLS,
        RequestOrder::LongestWaiting => "",
    }
}

/// The order of rows `r` that are read already.
fn order_of_rows<D: Dialect>(order: RequestOrder) -> String {
    let (time, _) = time_of(order);
    let direction = direction::<D>(order);
    let first = if order == RequestOrder::UrgentFirst {
        concat!(urgency!(place_of "r.priority"), " desc, ")
    } else {
        ""
    };
    format!("{first}r.{time}{direction}, r.id{direction}")
}
