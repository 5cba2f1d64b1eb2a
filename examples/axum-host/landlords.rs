//! What landlords do with requests. They see all of them, with the history of their assignments.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use maintenance_core::{
    Actor, Comment, Move, NewComment, PageRequest, Request, RequestFilter, RequestId, RequestStatus,
    Selection, WorkerId,
};
use serde::{Deserialize, Serialize};

use super::{
    App,
    caller::Landlord,
    edits::{Changes, Wait},
    input::{self, Body, Id, Note, Params, RequestParams, assign_by},
    view::{Answer, Items, Record},
};

/// How many requests a column of the board shows.
const COLUMN: u32 = 20;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/requests", get(list))
        .route("/board", get(board))
        .route("/requests/{id}", get(record).patch(edit))
        .route("/requests/{id}/comments", post(comment))
        .route("/requests/{id}/status", post(change_status))
        .route("/requests/{id}/hold", post(hold))
        .route("/requests/{id}/resume", post(resume))
        .route("/requests/{id}/assign", post(assign))
        .route("/requests/{id}/unassign", post(unassign))
        .route("/requests/{id}/select", post(select))
        .route("/requests/{id}/notify", post(notify))
}

async fn list(
    _: Landlord,
    State(app): State<App>,
    Params(params): Params<RequestParams>,
) -> Answer<Items<Request>> {
    let (filter, page) = params.read()?;
    Ok(Json(app.engine.requests(&filter, &page).await?.into()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Board {
    /// One or several, separated by commas.
    complex_id: Option<String>,
}

#[derive(Serialize)]
struct Column {
    count: u64,
    newest: Items<Request>,
}

/// One column per status: how many requests it has, and the newest. The list of requests with that status,
/// those complexes and `next` as `after` gives the rest of a column.
async fn board(
    _: Landlord,
    State(app): State<App>,
    Params(Board { complex_id }): Params<Board>,
) -> Answer<BTreeMap<RequestStatus, Column>> {
    let complexes = input::all("complex_id", complex_id.as_deref())?;
    let all = RequestFilter { complexes, ..RequestFilter::default() };
    let mut columns = BTreeMap::new();
    for (status, count) in app.engine.count_by_status(&all).await? {
        let filter = RequestFilter { statuses: vec![status], ..all.clone() };
        let page = app.engine.requests(&filter, &PageRequest::first(COLUMN)).await?;
        columns.insert(status, Column { count, newest: page.into() });
    }
    Ok(Json(columns))
}

async fn record(_: Landlord, State(app): State<App>, Id(id): Id<RequestId>) -> Answer<Record> {
    let record = app.engine.record(id).await?;
    Ok(Json(Record { record, intake: app.tables.intake(id).await? }))
}

async fn comment(
    Landlord(me): Landlord,
    State(app): State<App>,
    Id(id): Id<RequestId>,
    Body(new): Body<NewComment>,
) -> Answer<Comment> {
    Ok(Json(app.engine.comment(id, Actor::Landlord(me), new).await?))
}

async fn edit(
    Landlord(me): Landlord,
    State(app): State<App>,
    Id(id): Id<RequestId>,
    Body(changes): Body<Changes>,
) -> Answer<Request> {
    Ok(Json(app.engine.edit(id, changes.by(Actor::Landlord(me))).await?))
}

/// Says that the work waits for something.
async fn hold(
    Landlord(me): Landlord,
    State(app): State<App>,
    Id(id): Id<RequestId>,
    Body(wait): Body<Wait>,
) -> Answer<Request> {
    Ok(Json(app.engine.hold(id, wait.by(Actor::Landlord(me))).await?))
}

async fn resume(Landlord(me): Landlord, State(app): State<App>, Id(id): Id<RequestId>) -> Answer<Request> {
    Ok(Json(app.engine.resume(id, Actor::Landlord(me)).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    to: RequestStatus,
    /// The status that the landlord saw; if it is another by now, nothing is changed.
    from: Option<RequestStatus>,
    note: Option<String>,
}

async fn change_status(
    Landlord(me): Landlord,
    State(app): State<App>,
    Id(id): Id<RequestId>,
    Body(Change { to, from, note }): Body<Change>,
) -> Answer<Request> {
    let mut change = Move::to(to, Actor::Landlord(me));
    if let Some(seen) = from {
        change = change.from(seen);
    }
    if let Some(note) = note {
        change = change.note(note);
    }
    Ok(Json(app.engine.change_status(id, change).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Assign {
    worker_id: WorkerId,
    note: Option<String>,
}

/// Assigns the request to a worker of the landlord's choice.
async fn assign(
    Landlord(me): Landlord,
    State(app): State<App>,
    Id(id): Id<RequestId>,
    Body(Assign { worker_id, note }): Body<Assign>,
) -> Answer<Request> {
    Ok(Json(app.engine.assign(id, worker_id, assign_by(Actor::Landlord(me), note)).await?))
}

/// Takes the request from its worker.
async fn unassign(
    Landlord(me): Landlord,
    State(app): State<App>,
    Id(id): Id<RequestId>,
    Body(Note { note }): Body<Note>,
) -> Answer<Request> {
    Ok(Json(app.engine.unassign(id, assign_by(Actor::Landlord(me), note)).await?))
}

#[derive(Serialize)]
struct Selected {
    request: Request,
    selection: Selection,
}

/// Has the engine choose another worker. The answer says who was considered and why.
async fn select(
    Landlord(me): Landlord,
    State(app): State<App>,
    Id(id): Id<RequestId>,
    Body(Note { note }): Body<Note>,
) -> Answer<Selected> {
    let assigned = app.engine.assign_by_selection(id, assign_by(Actor::Landlord(me), note)).await?;
    Ok(Json(Selected { request: assigned.request, selection: assigned.selection }))
}

/// Sends the worker another message, for example after one failed.
async fn notify(Landlord(me): Landlord, State(app): State<App>, Id(id): Id<RequestId>) -> Answer<Request> {
    Ok(Json(app.engine.notify_again(id, Actor::Landlord(me)).await?))
}
