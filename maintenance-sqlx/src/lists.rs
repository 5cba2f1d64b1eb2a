//! The statements of the lists with optional filters. Only the given conditions are in a statement, so that
//! an index serves it.

use chrono::{DateTime, Utc};
use maintenance_core::{
    CommentFilter, OrganizationId, Priority, RequestFilter, RequestStatus, Slice, Specialty, WhatsAppStatus,
    WorkerFilter,
};
use sqlx::{Database, QueryBuilder};
use uuid::Uuid;

use crate::columns::{comment_columns, request_columns, worker_columns};

/// What differs between the databases in the lists' statements.
pub(crate) trait Dialect: Database + Sized {
    /// Prefix that stops SQLite from using this column's index. PostgreSQL chooses by its statistics and
    /// needs none.
    const SKIP_INDEX: &'static str;
    /// Whether a statement must repeat the condition of a partial index word for word to use that index.
    const REPEAT_PARTIAL_CONDITION: bool;
    /// Suffix of each column in the order of a newest-first list. On PostgreSQL only the indexes made for
    /// these lists have this order. Without it, PostgreSQL may scan `created_at` when it assumes that matches
    /// are frequent, past any number of rows. The columns hold no nulls.
    const DESC_NULLS: &'static str;
    /// The same for an oldest-first list.
    const ASC_NULLS: &'static str;
    /// Brackets around the values of a page's position that hide them from the planner. PostgreSQL would plan
    /// each deep page anew, because it assumes that a plan for the given values is cheaper. The plan is
    /// the same.
    const HIDE_FROM_PLANNER: (&'static str, &'static str);
    /// Brackets around a subquery of ids. They make the database read the subquery first, and once.
    const IN_SUBQUERY: (&'static str, &'static str);
    /// Whether to name the index to read of a list that only its organisation and perhaps the missing worker select.
    /// Once SQLite has statistics and there are few workers, it would read each worker's index in turn and sort all rows.
    const FORCE_INDEX: bool;
    /// Parentheses around each arm of a `union all`, for an order and a limit of its own. SQLite needs none,
    /// since it hands the order down to the arms itself, and its grammar allows none.
    const ARM_PARENTHESES: Option<(&'static str, &'static str)>;
    /// Binds an id.
    fn id(query: &mut QueryBuilder<Self>, id: Uuid);
    /// Binds a time.
    fn time(query: &mut QueryBuilder<Self>, at: DateTime<Utc>);
    /// Adds the condition that a worker has this trade.
    fn has_trade(query: &mut QueryBuilder<Self>, trade: &Specialty);
}

/// The conditions of a statement, joined by `and`.
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

    /// `column = id`. The column's index is used only if it is the leading one.
    fn id(&mut self, column: &str, id: Option<Uuid>, leading: bool) {
        if let Some(id) = id {
            D::id(self.and(unless_leading::<D>(leading)).push(column).push(" = "), id);
        }
    }

    fn time(&mut self, condition: &str, at: Option<DateTime<Utc>>) {
        if let Some(at) = at {
            D::time(self.and(condition), at);
        }
    }

    /// The rows beyond the slice's position: `<` in a newest-first list, `>` in an oldest-first list.
    fn beyond(&mut self, table: char, order: char, slice: Slice) {
        if let Some(after) = slice.after {
            let query = self.and("(");
            query.push(table).push(".created_at, ").push(table).push(".id) ").push(order).push(" (");
            let (begin, end) = D::HIDE_FROM_PLANNER;
            D::time(query.push(begin), after.at);
            D::id(query.push(end).push(", ").push(begin), after.id);
            query.push(end).push(")");
        }
    }
}

fn unless_leading<D: Dialect>(leading: bool) -> &'static str {
    if leading { "" } else { D::SKIP_INDEX }
}

/// The index by which requests are found, named by its first column. Every such index ends with the list's
/// order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LeadingIndex {
    Renter,
    Property,
    Worker,
    /// Its second column is the status.
    Complex,
    /// The organisation's, of the requests without a worker.
    Unassigned,
    /// The organisation's by status and priority.
    Status,
    /// The organisation's by the state of the newest message.
    Message,
    /// All of the organisation's.
    Time,
}

impl LeadingIndex {
    /// Whether its first column is the organisation.
    fn is_of_organization(self) -> bool {
        matches!(self, Self::Unassigned | Self::Status | Self::Message | Self::Time)
    }

    /// The clause that names this index.
    fn forced<D: Dialect>(self) -> &'static str {
        match self {
            Self::Unassigned if D::FORCE_INDEX => " indexed by maintenance_requests_unassigned_list_idx",
            Self::Time if D::FORCE_INDEX => " indexed by maintenance_requests_list_idx",
            _ => "",
        }
    }

    fn of(filter: &RequestFilter, statuses: &[RequestStatus]) -> Self {
        // At any time few messages are under way or failed, and few requests are open.
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
            Self::Unassigned
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

/// The filter's statuses, each once. An empty list stands for all of them.
fn statuses(filter: &RequestFilter) -> Vec<RequestStatus> {
    let mut statuses = filter.statuses.clone();
    statuses.sort_unstable();
    statuses.dedup();
    if statuses.len() == RequestStatus::ALL.len() { Vec::new() } else { statuses }
}

/// The given values; all values if none is given.
fn each<T: Copy>(given: &[T], all: &[T]) -> Vec<T> {
    if given.is_empty() { all.to_vec() } else { given.to_vec() }
}

/// An organisation's requests, newest first.
pub(crate) fn requests<D: Dialect>(
    organization: OrganizationId,
    filter: &RequestFilter,
    slice: Slice,
) -> QueryBuilder<D> {
    let statuses = statuses(filter);
    let index = LeadingIndex::of(filter, &statuses);
    let mut query = QueryBuilder::new("");
    // Where the index has a status or a priority before the list's order, each of them becomes an arm with an
    // order of its own. The arms are merged, and each is read only as far as the page goes.
    let arms: Vec<(Vec<RequestStatus>, Option<Priority>)> = match index {
        LeadingIndex::Complex => each(&statuses, RequestStatus::ALL)
            .into_iter()
            .map(|status| (vec![status], filter.priority))
            .collect(),
        LeadingIndex::Status => each(&statuses, RequestStatus::ALL)
            .into_iter()
            .flat_map(|status| {
                let priorities = each(filter.priority.as_slice(), Priority::ALL);
                priorities.into_iter().map(move |priority| (vec![status], Some(priority)))
            })
            .collect(),
        _ => vec![(statuses, filter.priority)],
    };
    let nulls = if index == LeadingIndex::Renter { "" } else { D::DESC_NULLS };
    let parentheses = D::ARM_PARENTHESES.filter(|_| arms.len() > 1);
    for (n, (statuses, priority)) in arms.iter().enumerate() {
        query.push(if n == 0 { "" } else { " union all " });
        query.push(parentheses.map_or("", |(begin, _)| begin));
        query.push(concat!("select ", request_columns!(of "r"), " from maintenance_requests r"));
        query.push(index.forced::<D>());
        conditions(&mut query, organization, filter, index, statuses, *priority).beyond('r', '<', slice);
        if let Some((_, end)) = parentheses {
            newest_first(&mut query, nulls, slice);
            query.push(end);
        }
    }
    newest_first(&mut query, nulls, slice);
    query
}

/// The limit is part of the statement's text. If it were a parameter, PostgreSQL would assume a tenth of all
/// rows and plan the statement anew at each execution.
fn limit<D: Dialect>(query: &mut QueryBuilder<D>, slice: Slice) {
    query.push(" limit ").push(slice.limit);
}

/// The order and the limit.
fn newest_first<D: Dialect>(query: &mut QueryBuilder<D>, nulls: &str, slice: Slice) {
    query.push(" order by created_at desc").push(nulls).push(", id desc").push(nulls);
    limit(query, slice);
}

fn conditions<'q, D: Dialect>(
    query: &'q mut QueryBuilder<D>,
    organization: OrganizationId,
    filter: &RequestFilter,
    index: LeadingIndex,
    statuses: &[RequestStatus],
    priority: Option<Priority>,
) -> Conditions<'q, D> {
    let leads = |candidate| index == candidate;
    let mut conditions = Conditions::of(query);
    conditions.id("r.organization_id", Some(organization.uuid()), index.is_of_organization());
    conditions.id("r.renter_id", filter.renter_id.map(Uuid::from), leads(LeadingIndex::Renter));
    conditions.id("r.property_id", filter.property_id.map(Uuid::from), leads(LeadingIndex::Property));
    conditions.id(
        "r.assigned_worker_id",
        filter.assigned_worker_id.map(Uuid::from),
        leads(LeadingIndex::Worker),
    );
    if filter.unassigned {
        conditions
            .and(unless_leading::<D>(leads(LeadingIndex::Unassigned)))
            .push("r.assigned_worker_id is null");
    }
    conditions.id("r.complex_id", filter.complex_id.map(Uuid::from), leads(LeadingIndex::Complex));
    // The partial index of open work has the condition `status in ('pending', 'in_progress')`.
    let open_work = leads(LeadingIndex::Worker) && are_open(statuses);
    if open_work && D::REPEAT_PARTIAL_CONDITION && statuses.len() == 1 {
        conditions.and("r.status in ('pending', 'in_progress')");
    }
    // An enum's value is part of the statement's text, so that the planner sees how frequent it is.
    if !statuses.is_empty() {
        let list: Vec<String> = statuses.iter().map(|status| format!("'{status}'")).collect();
        let leading =
            leads(LeadingIndex::Complex) || leads(LeadingIndex::Status) || open_work && statuses.len() > 1;
        conditions.and(unless_leading::<D>(leading)).push("r.status in (").push(list.join(", ")).push(")");
    }
    if let Some(priority) = priority {
        conditions
            .and(unless_leading::<D>(leads(LeadingIndex::Status)))
            .push("r.priority = '")
            .push(priority)
            .push("'");
    }
    if let Some(status) = filter.whatsapp_status {
        let prefix = unless_leading::<D>(leads(LeadingIndex::Message));
        conditions.and(prefix).push("r.whatsapp_status = '").push(status).push("'");
    }
    conditions.time("r.created_at >= ", filter.created_from);
    conditions.time("r.created_at < ", filter.created_before);
    conditions
}

/// The number of an organisation's requests of each status.
pub(crate) fn count_by_status<D: Dialect>(
    organization: OrganizationId,
    filter: &RequestFilter,
) -> QueryBuilder<D> {
    let statuses = statuses(filter);
    let index = LeadingIndex::of(filter, &statuses);
    let mut query = QueryBuilder::new("select r.status, count(*) from maintenance_requests r");
    // In that index the priority follows the status, so a condition on the priority needs one on the status.
    let listed = if index == LeadingIndex::Status { each(&statuses, RequestStatus::ALL) } else { statuses };
    conditions(&mut query, organization, filter, index, &listed, filter.priority);
    query.push(" group by r.status");
    query
}

/// An organisation's workers, newest first.
pub(crate) fn workers<D: Dialect>(
    organization: OrganizationId,
    filter: &WorkerFilter,
    slice: Slice,
) -> QueryBuilder<D> {
    let mut query =
        QueryBuilder::new(concat!("select ", worker_columns!(of "w"), " from maintenance_workers w"));
    let mut conditions = Conditions::of(&mut query);
    conditions.id("w.organization_id", Some(organization.uuid()), filter.complex_id.is_none());
    if let Some(complex) = filter.complex_id {
        let (begin, end) = D::IN_SUBQUERY;
        let query = conditions.and("w.id ").push(begin);
        query.push("select a.worker_id from complex_maintenance_assignments a where a.complex_id = ");
        D::id(query, complex.uuid());
        query.push(end);
    }
    if let Some(status) = filter.status {
        conditions.and(D::SKIP_INDEX).push("w.status = '").push(status).push("'");
    }
    if let Some(trade) = &filter.specialty {
        D::has_trade(conditions.and(""), trade);
    }
    conditions.beyond('w', '<', slice);
    query.push(" order by w.created_at desc, w.id desc");
    limit(&mut query, slice);
    query
}

/// An organisation's comments, oldest first.
pub(crate) fn comments<D: Dialect>(
    organization: OrganizationId,
    filter: &CommentFilter,
    slice: Slice,
) -> QueryBuilder<D> {
    let mut query =
        QueryBuilder::new(concat!("select ", comment_columns!(of "c"), " from maintenance_comments c"));
    let mut conditions = Conditions::of(&mut query);
    let all = filter.request_id.is_none() && filter.user_id.is_none();
    conditions.id("c.organization_id", Some(organization.uuid()), all);
    conditions.id("c.request_id", filter.request_id.map(Uuid::from), true);
    conditions.id("c.user_id", filter.user_id.map(Uuid::from), filter.request_id.is_none());
    let nulls = if all { "" } else { D::ASC_NULLS };
    conditions.beyond('c', '>', slice);
    query.push(" order by c.created_at").push(nulls).push(", c.id").push(nulls);
    limit(&mut query, slice);
    query
}
