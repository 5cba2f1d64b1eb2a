//! What landlords do with requests. They see all of their organisation's or of their complexes', with the history of their
//! assignments.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use maintenance_core::{
    Comment, Move, NewComment, Request, RequestFilter, RequestId, RequestStatus, Selection, WorkerId,
};
use serde::{Deserialize, Serialize};

use super::{
    App,
    caller::Landlord,
    edits::{Changes, Wait},
    input::{Body, Id, Note, Params, RequestParams, assign_by},
    view::{Answer, Items, Record},
};

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

async fn list(Landlord(me): Landlord, Params(params): Params<RequestParams>) -> Answer<Items<Request>> {
    let (filter, page) = params.read()?;
    Ok(Json(me.theirs.requests(&filter, &page).await?.into()))
}

#[derive(Serialize)]
struct Column {
    count: u64,
    first: Items<Request>,
}

/// One column per status: how many requests it has, and the first of them. It takes the filters and the order of a list.
/// The list of requests with that status and `next` as `after` gives the rest of a column.
async fn board(
    Landlord(me): Landlord,
    Params(params): Params<RequestParams>,
) -> Answer<BTreeMap<RequestStatus, Column>> {
    let (all, page) = params.read()?;
    let mut columns = BTreeMap::new();
    for (status, count) in me.theirs.count_by_status(&all).await? {
        let filter = RequestFilter { statuses: vec![status], ..all.clone() };
        let first = me.theirs.requests(&filter, &page).await?.into();
        columns.insert(status, Column { count, first });
    }
    Ok(Json(columns))
}

async fn record(Landlord(me): Landlord, State(app): State<App>, Id(id): Id<RequestId>) -> Answer<Record> {
    let record = me.theirs.record(id).await?;
    Ok(Json(Record { record, intake: app.tables.intake(id).await? }))
}

async fn comment(
    Landlord(me): Landlord,
    Id(id): Id<RequestId>,
    Body(new): Body<NewComment>,
) -> Answer<Comment> {
    Ok(Json(me.theirs.comment(id, new).await?))
}

async fn edit(
    Landlord(me): Landlord,
    Id(id): Id<RequestId>,
    Body(changes): Body<Changes>,
) -> Answer<Request> {
    Ok(Json(me.theirs.edit(id, changes.by(me.actor)).await?))
}

/// Says that the work waits for something.
async fn hold(Landlord(me): Landlord, Id(id): Id<RequestId>, Body(wait): Body<Wait>) -> Answer<Request> {
    Ok(Json(me.theirs.hold(id, wait.by(me.actor)).await?))
}

async fn resume(Landlord(me): Landlord, Id(id): Id<RequestId>) -> Answer<Request> {
    Ok(Json(me.theirs.resume(id).await?))
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
    Id(id): Id<RequestId>,
    Body(Change { to, from, note }): Body<Change>,
) -> Answer<Request> {
    let mut change = Move::to(to, me.actor);
    if let Some(seen) = from {
        change = change.from(seen);
    }
    if let Some(note) = note {
        change = change.note(note);
    }
    Ok(Json(me.theirs.change_status(id, change).await?))
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
    Id(id): Id<RequestId>,
    Body(Assign { worker_id, note }): Body<Assign>,
) -> Answer<Request> {
    Ok(Json(me.theirs.assign(id, worker_id, assign_by(me.actor, note)).await?))
}

/// Takes the request from its worker.
async fn unassign(
    Landlord(me): Landlord,
    Id(id): Id<RequestId>,
    Body(Note { note }): Body<Note>,
) -> Answer<Request> {
    Ok(Json(me.theirs.unassign(id, assign_by(me.actor, note)).await?))
}

#[derive(Serialize)]
struct Selected {
    request: Request,
    selection: Selection,
}

/// Has the engine choose another worker. The answer says who was considered and why.
async fn select(
    Landlord(me): Landlord,
    Id(id): Id<RequestId>,
    Body(Note { note }): Body<Note>,
) -> Answer<Selected> {
    let assigned = me.theirs.assign_by_selection(id, assign_by(me.actor, note)).await?;
    Ok(Json(Selected { request: assigned.request, selection: assigned.selection }))
}

/// Sends the worker another message, for example after one failed.
async fn notify(Landlord(me): Landlord, Id(id): Id<RequestId>) -> Answer<Request> {
    Ok(Json(me.theirs.notify_again(id).await?))
}
