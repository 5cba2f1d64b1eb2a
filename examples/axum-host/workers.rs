//! What workers do, with the requests that are assigned to them. Another's request is answered as if it didn't exist.

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use maintenance_core::{Comment, Move, NewComment, Request, RequestId, RequestStatus};

use super::{
    App,
    caller::Worker,
    edits::{Changes, Wait},
    input::{Body, Id, Note, Params, RequestParams, assign_by},
    view::{Answer, Items, Record},
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/requests", get(list))
        .route("/requests/{id}", get(record).patch(edit))
        .route("/requests/{id}/comments", post(comment))
        .route("/requests/{id}/start", post(start))
        .route("/requests/{id}/hold", post(hold))
        .route("/requests/{id}/resume", post(resume))
        .route("/requests/{id}/complete", post(complete))
        .route("/requests/{id}/hand-back", post(hand_back))
}

async fn list(Worker(me): Worker, Params(params): Params<RequestParams>) -> Answer<Items<Request>> {
    let (filter, page) = params.read()?;
    Ok(Json(me.theirs.requests(&filter, &page).await?.into()))
}

async fn record(Worker(me): Worker, State(app): State<App>, Id(id): Id<RequestId>) -> Answer<Record> {
    let record = me.theirs.record(id).await?;
    Ok(Json(Record { record, intake: app.tables.intake(id).await? }))
}

async fn comment(Worker(me): Worker, Id(id): Id<RequestId>, Body(new): Body<NewComment>) -> Answer<Comment> {
    Ok(Json(me.theirs.comment(id, new).await?))
}

async fn edit(Worker(me): Worker, Id(id): Id<RequestId>, Body(changes): Body<Changes>) -> Answer<Request> {
    Ok(Json(me.theirs.edit(id, changes.by(me.actor)).await?))
}

/// Says that the work waits for something.
async fn hold(Worker(me): Worker, Id(id): Id<RequestId>, Body(wait): Body<Wait>) -> Answer<Request> {
    Ok(Json(me.theirs.hold(id, wait.by(me.actor)).await?))
}

async fn resume(Worker(me): Worker, Id(id): Id<RequestId>) -> Answer<Request> {
    Ok(Json(me.theirs.resume(id).await?))
}

async fn start(worker: Worker, id: Id<RequestId>, note: Body<Note>) -> Answer<Request> {
    move_to(RequestStatus::InProgress, worker, id, note).await
}

async fn complete(worker: Worker, id: Id<RequestId>, note: Body<Note>) -> Answer<Request> {
    move_to(RequestStatus::Completed, worker, id, note).await
}

/// Declines a request, or hands back one that they have begun, which needs a note.
async fn hand_back(
    Worker(me): Worker,
    Id(id): Id<RequestId>,
    Body(Note { note }): Body<Note>,
) -> Answer<Request> {
    Ok(Json(me.theirs.unassign(id, assign_by(me.actor, note)).await?))
}

async fn move_to(
    to: RequestStatus,
    Worker(me): Worker,
    Id(id): Id<RequestId>,
    Body(Note { note }): Body<Note>,
) -> Answer<Request> {
    let mut change = Move::to(to, me.actor);
    if let Some(note) = note {
        change = change.note(note);
    }
    Ok(Json(me.theirs.change_status(id, change).await?))
}
