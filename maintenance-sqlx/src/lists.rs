//! The lists with optional filters: only the given conditions are in the statement, so that an index serves it.

use chrono::{DateTime, Utc};
use maintenance_core::{
    CommentFilter, RequestFilter, RequestStatus, Slice, Specialty, WhatsAppStatus, WorkerFilter,
};
use sqlx::{Database, QueryBuilder};
use uuid::Uuid;

use crate::columns::{comment_columns, request_columns, worker_columns};

/// How each database is told a value, and what else differs in the lists.
pub(crate) trait Dialect: Database + Sized {
    /// Put before a column whose index must not be chosen. PostgreSQL chooses by its statistics and needs none.
    const ASIDE: &'static str;
    fn id(query: &mut QueryBuilder<Self>, id: Uuid);
    fn time(query: &mut QueryBuilder<Self>, at: DateTime<Utc>);
    fn number(query: &mut QueryBuilder<Self>, number: u32);
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

    /// `column = id`; only the first such condition may choose the index.
    fn id(&mut self, column: &str, id: Option<Uuid>, narrow: &mut bool) {
        if let Some(id) = id {
            let aside = if *narrow { D::ASIDE } else { "" };
            *narrow = true;
            D::id(self.and(aside).push(column).push(" = "), id);
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
            D::time(query, after.at);
            D::id(query.push(", "), after.id);
            query.push(")");
        }
    }
}

/// Requests, newest first.
pub(crate) fn requests<D: Dialect>(filter: &RequestFilter, slice: Slice) -> QueryBuilder<D> {
    let mut statuses = filter.statuses.clone();
    statuses.sort_unstable();
    statuses.dedup();
    if statuses.len() == RequestStatus::ALL.len() {
        statuses.clear();
    }
    let narrow = filter.renter_id.is_some()
        || filter.property_id.is_some()
        || filter.assigned_worker_id.is_some()
        || filter.complex_id.is_some();
    let mut query = QueryBuilder::new("");
    if narrow || statuses.len() < 2 {
        select_requests(&mut query, filter, &statuses, slice);
        return query;
    }
    // Each status has its own order in the index: a page of each, merged.
    query.push(concat!("select ", request_columns!(), " from ("));
    for (n, status) in statuses.into_iter().enumerate() {
        query.push(if n == 0 { "" } else { " union all " });
        query.push(concat!("select ", request_columns!(), " from ("));
        select_requests(&mut query, filter, &[status], slice);
        query.push(") r");
    }
    query.push(") r order by r.created_at desc, r.id desc limit ");
    D::number(&mut query, slice.limit);
    query
}

fn select_requests<D: Dialect>(
    query: &mut QueryBuilder<D>,
    filter: &RequestFilter,
    statuses: &[RequestStatus],
    slice: Slice,
) {
    query.push(concat!("select ", request_columns!(), " from maintenance_requests r"));
    request_conditions(query, filter, statuses).beyond('r', '<', slice);
    query.push(" order by r.created_at desc, r.id desc limit ");
    D::number(query, slice.limit);
}

fn request_conditions<'q, D: Dialect>(
    query: &'q mut QueryBuilder<D>,
    filter: &RequestFilter,
    statuses: &[RequestStatus],
) -> Conditions<'q, D> {
    let mut conditions = Conditions::of(query);
    let mut narrow = false;
    conditions.id("r.renter_id", filter.renter_id.map(Uuid::from), &mut narrow);
    conditions.id("r.property_id", filter.property_id.map(Uuid::from), &mut narrow);
    conditions.id("r.assigned_worker_id", filter.assigned_worker_id.map(Uuid::from), &mut narrow);
    conditions.id("r.complex_id", filter.complex_id.map(Uuid::from), &mut narrow);
    // The texts of enums stand in the statement itself, so that the planner sees how common each is.
    if !statuses.is_empty() {
        let list: Vec<String> = statuses.iter().map(|status| format!("'{status}'")).collect();
        let aside = if narrow { D::ASIDE } else { "" };
        conditions.and(aside).push("r.status in (").push(list.join(", ")).push(")");
        narrow = true;
    }
    if let Some(status) = filter.whatsapp_status {
        // Most messages end delivered or read: those are found soonest by going through the newest requests.
        let common = matches!(status, WhatsAppStatus::Delivered | WhatsAppStatus::Read);
        let aside = if narrow || common { D::ASIDE } else { "" };
        conditions.and(aside).push("r.whatsapp_status = '").push(status).push("'");
    }
    if let Some(priority) = filter.priority {
        conditions.and("r.priority = '").push(priority).push("'");
    }
    conditions.time("r.created_at >= ", filter.created_from);
    conditions.time("r.created_at < ", filter.created_before);
    conditions
}

/// How many requests there are of each status.
pub(crate) fn count_by_status<D: Dialect>(filter: &RequestFilter) -> QueryBuilder<D> {
    let mut query = QueryBuilder::new("select r.status, count(*) from maintenance_requests r");
    request_conditions(&mut query, filter, &filter.statuses);
    query.push(" group by r.status");
    query
}

/// Workers, newest first.
pub(crate) fn workers<D: Dialect>(filter: &WorkerFilter, slice: Slice) -> QueryBuilder<D> {
    let mut query = QueryBuilder::new(concat!("select ", worker_columns!(), " from maintenance_workers w"));
    let mut conditions = Conditions::of(&mut query);
    if let Some(complex) = filter.complex_id {
        let query = conditions
            .and("w.id in (select a.worker_id from complex_maintenance_assignments a where a.complex_id = ");
        D::id(query, complex.uuid());
        query.push(")");
    }
    if let Some(status) = filter.status {
        conditions.and(D::ASIDE).push("w.status = '").push(status).push("'");
    }
    if let Some(trade) = &filter.specialty {
        D::has_trade(conditions.and(""), trade);
    }
    conditions.beyond('w', '<', slice);
    query.push(" order by w.created_at desc, w.id desc limit ");
    D::number(&mut query, slice.limit);
    query
}

/// Comments, oldest first.
pub(crate) fn comments<D: Dialect>(filter: &CommentFilter, slice: Slice) -> QueryBuilder<D> {
    let mut query = QueryBuilder::new(concat!("select ", comment_columns!(), " from maintenance_comments c"));
    let mut conditions = Conditions::of(&mut query);
    let mut narrow = false;
    conditions.id("c.request_id", filter.request_id.map(Uuid::from), &mut narrow);
    conditions.id("c.user_id", filter.user_id.map(Uuid::from), &mut narrow);
    conditions.beyond('c', '>', slice);
    query.push(" order by c.created_at, c.id limit ");
    D::number(&mut query, slice.limit);
    query
}
