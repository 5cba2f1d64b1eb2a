//! The statements of the lists with optional filters. Only the given conditions are in a statement, so that
//! an index serves it.

mod index;
mod requests;

use chrono::{DateTime, Utc};
use maintenance_core::{CommentFilter, OrganizationId, Position, SearchText, Slice, Specialty, WorkerFilter};
use sqlx::{Database, QueryBuilder};
use uuid::Uuid;

pub(crate) use requests::{count_by_status, requests};

use crate::columns::{comment_columns, worker_columns};

/// What differs between the databases in the lists' statements.
pub(crate) trait Dialect: Database + Sized {
    /// Prefix that stops SQLite from using this column's index. PostgreSQL chooses by its statistics and
    /// needs none.
    const SKIP_INDEX: &'static str;
    /// Whether a statement must repeat the condition of a partial index word for word to use that index.
    const REPEAT_PARTIAL_CONDITION: bool;
    /// Brackets around the time in an order that no index gives, so that no index on that time is read in vain.
    const HIDE_FROM_INDEXES: (&'static str, &'static str);
    /// The direction of each column in the order of a newest-first list. On PostgreSQL only the indexes made for
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
    /// Whether to name the index to read of an organisation's list. Once SQLite has statistics and there are few workers, it
    /// would read each worker's index in turn and sort all rows; without statistics it takes a period to have few rows.
    const FORCE_INDEX: bool;
    /// What stands between the rows of keys and the list for one of them, which takes its key from `key.value`, and what
    /// stands behind it: together they join each key's list, as `r`.
    const LIST_OF_EACH: (&'static str, &'static str);
    /// Parentheses around each arm of a `union all`, for an order and a limit of its own. SQLite needs none,
    /// since it hands the order down to the arms itself, and its grammar allows none.
    const ARM_PARENTHESES: Option<(&'static str, &'static str)>;
    /// Binds an id.
    fn id(query: &mut QueryBuilder<Self>, id: Uuid);
    /// Binds a time.
    fn time(query: &mut QueryBuilder<Self>, at: DateTime<Utc>);
    /// Binds a text.
    fn text(query: &mut QueryBuilder<Self>, text: &str);
    /// Binds a number.
    fn number(query: &mut QueryBuilder<Self>, number: u32);
    /// Adds the condition that what stands before it is one of these ids.
    fn one_of(query: &mut QueryBuilder<Self>, ids: &[Uuid]);
    /// Adds a subquery of these ids under the name `value`.
    fn values(query: &mut QueryBuilder<Self>, ids: &[Uuid]);
    /// Adds the condition that a request `r` of the organisation has these words. It leads if no other condition finds few
    /// requests.
    fn has_words(
        query: &mut QueryBuilder<Self>,
        organization: OrganizationId,
        text: &SearchText,
        leads: bool,
    );
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

    fn time(&mut self, condition: &str, at: Option<DateTime<Utc>>, leading: bool) {
        if let Some(at) = at {
            D::time(self.and(unless_leading::<D>(leading)).push(condition), at);
        }
    }

    /// The rows beyond the position: `<` in a list with the latest time first, `>` in one with the earliest first.
    fn beyond(&mut self, table: char, time: &str, order: char, after: Option<Position>) {
        if let Some(after) = after {
            let query = self.and("(");
            query
                .push(table)
                .push(".")
                .push(time)
                .push(", ")
                .push(table)
                .push(".id) ")
                .push(order)
                .push(" (");
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

/// The limit is part of the statement's text. If it were a parameter, PostgreSQL would assume a tenth of all
/// rows and plan the statement anew at each execution.
fn limit<D: Dialect>(query: &mut QueryBuilder<D>, slice: Slice) {
    query.push(" limit ").push(slice.limit);
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
    conditions.beyond('w', "created_at", '<', slice.after);
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
    let direction = if all { "" } else { D::ASC_NULLS };
    conditions.beyond('c', "created_at", '>', slice.after);
    query.push(" order by c.created_at").push(direction).push(", c.id").push(direction);
    limit(&mut query, slice);
    query
}
