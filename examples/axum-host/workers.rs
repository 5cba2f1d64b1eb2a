//! What workers do, with the requests that are assigned to them.

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use maintenance_core::{
    Actor, Comment, Error, Move, NewComment, Request, RequestId, RequestStatus, WorkerId,
};

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

async fn list(
    Worker(me): Worker,
    State(app): State<App>,
    Params(params): Params<RequestParams>,
) -> Answer<Items<Request>> {
    let (mut filter, page) = params.read()?;
    filter.assigned_worker_id = Some(me);
    Ok(Json(app.engine.requests(&filter, &page).await?.into()))
}

async fn record(Worker(me): Worker, State(app): State<App>, Id(id): Id<RequestId>) -> Answer<Record> {
    let record = app.engine.record(id).await?;
    mine(me, &record.request)?;
    Ok(Json(Record { record, intake: app.tables.intake(id).await? }))
}

async fn comment(
    Worker(me): Worker,
    State(app): State<App>,
    Id(id): Id<RequestId>,
    Body(new): Body<NewComment>,
) -> Answer<Comment> {
    mine(me, &app.engine.request(id).await?)?;
    Ok(Json(app.engine.comment(id, Actor::Worker(me), new).await?))
}

async fn edit(
    Worker(me): Worker,
    State(app): State<App>,
    Id(id): Id<RequestId>,
    Body(changes): Body<Changes>,
) -> Answer<Request> {
    mine(me, &app.engine.request(id).await?)?;
    Ok(Json(app.engine.edit(id, changes.by(Actor::Worker(me))).await?))
}

/// Says that the work waits for something.
async fn hold(
    Worker(me): Worker,
    State(app): State<App>,
    Id(id): Id<RequestId>,
    Body(wait): Body<Wait>,
) -> Answer<Request> {
    mine(me, &app.engine.request(id).await?)?;
    Ok(Json(app.engine.hold(id, wait.by(Actor::Worker(me))).await?))
}

async fn resume(Worker(me): Worker, State(app): State<App>, Id(id): Id<RequestId>) -> Answer<Request> {
    mine(me, &app.engine.request(id).await?)?;
    Ok(Json(app.engine.resume(id, Actor::Worker(me)).await?))
}

async fn start(worker: Worker, app: State<App>, id: Id<RequestId>, note: Body<Note>) -> Answer<Request> {
    move_to(RequestStatus::InProgress, worker, app, id, note).await
}

async fn complete(worker: Worker, app: State<App>, id: Id<RequestId>, note: Body<Note>) -> Answer<Request> {
    move_to(RequestStatus::Completed, worker, app, id, note).await
}

/// Declines a request, or hands back one that they have begun, which needs a note.
async fn hand_back(
    Worker(me): Worker,
    State(app): State<App>,
    Id(id): Id<RequestId>,
    Body(Note { note }): Body<Note>,
) -> Answer<Request> {
    mine(me, &app.engine.request(id).await?)?;
    Ok(Json(app.engine.unassign(id, assign_by(Actor::Worker(me), note)).await?))
}

async fn move_to(
    to: RequestStatus,
    Worker(me): Worker,
    State(app): State<App>,
    Id(id): Id<RequestId>,
    Body(Note { note }): Body<Note>,
) -> Answer<Request> {
    mine(me, &app.engine.request(id).await?)?;
    let mut change = Move::to(to, Actor::Worker(me));
    if let Some(note) = note {
        change = change.note(note);
    }
    Ok(Json(app.engine.change_status(id, change).await?))
}

/// Answers another worker's request as if it didn't exist.
fn mine(me: WorkerId, request: &Request) -> Result<(), Error> {
    if request.assigned_worker_id == Some(me) {
        Ok(())
    } else {
        Err(Error::NotFound { what: "request", id: request.id.uuid() })
    }
}
