//! What renters do, with their own requests only. Another renter's request is answered as if it didn't exist.

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use maintenance_core::{Actor, Comment, Move, NewComment, Request, RequestId, RequestStatus, Submission};

use super::{
    App,
    caller::Renter,
    edits::Changes,
    filing::{self, Form},
    input::{Body, Id, Note, Params, RequestParams},
    problem::Problem,
    view::{Answer, Items, Record, RentersRecord},
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/requests", get(list).post(file))
        .route("/requests/{id}", get(record).patch(edit))
        .route("/requests/{id}/comments", post(comment))
        .route("/requests/{id}/cancel", post(cancel))
        .route("/requests/{id}/reopen", post(reopen))
}

/// 201 if this call filed the request, 200 if an earlier one did.
async fn file(
    Renter(me): Renter,
    State(app): State<App>,
    headers: HeaderMap,
    Body(form): Body<Form>,
) -> Result<(StatusCode, Json<Request>), Problem> {
    let filed = filing::file(&app, me, &headers, form).await?;
    let status = match filed.submission {
        Submission::Filed(_) => StatusCode::CREATED,
        Submission::AlreadyFiled => StatusCode::OK,
    };
    Ok((status, Json(filed.request)))
}

async fn list(
    Renter(me): Renter,
    State(app): State<App>,
    Params(params): Params<RequestParams>,
) -> Answer<Items<Request>> {
    let (filter, page) = params.read()?;
    Ok(Json(app.engine.acting_as(Actor::Renter(me)).requests(&filter, &page).await?.into()))
}

async fn record(
    Renter(me): Renter,
    State(app): State<App>,
    Id(id): Id<RequestId>,
) -> Answer<Record<RentersRecord>> {
    let record = app.engine.acting_as(Actor::Renter(me)).record(id).await?;
    Ok(Json(Record { record: record.into(), intake: app.tables.intake(id).await? }))
}

async fn comment(
    Renter(me): Renter,
    State(app): State<App>,
    Id(id): Id<RequestId>,
    Body(new): Body<NewComment>,
) -> Answer<Comment> {
    Ok(Json(app.engine.acting_as(Actor::Renter(me)).comment(id, new).await?))
}

async fn edit(
    Renter(me): Renter,
    State(app): State<App>,
    Id(id): Id<RequestId>,
    Body(changes): Body<Changes>,
) -> Answer<Request> {
    let me = Actor::Renter(me);
    Ok(Json(app.engine.acting_as(me).edit(id, changes.by(me)).await?))
}

async fn cancel(renter: Renter, app: State<App>, id: Id<RequestId>, note: Body<Note>) -> Answer<Request> {
    move_to(RequestStatus::Cancelled, renter, app, id, note).await
}

async fn reopen(renter: Renter, app: State<App>, id: Id<RequestId>, note: Body<Note>) -> Answer<Request> {
    move_to(RequestStatus::InProgress, renter, app, id, note).await
}

async fn move_to(
    to: RequestStatus,
    Renter(me): Renter,
    State(app): State<App>,
    Id(id): Id<RequestId>,
    Body(Note { note }): Body<Note>,
) -> Answer<Request> {
    let me = Actor::Renter(me);
    let mut change = Move::to(to, me);
    if let Some(note) = note {
        change = change.note(note);
    }
    Ok(Json(app.engine.acting_as(me).change_status(id, change).await?))
}
