//! What renters do, with their own requests only. Another renter's request is answered as if it didn't exist.

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use maintenance_core::{Comment, Move, NewComment, Request, RequestId, RequestStatus, Submission};

use super::{
    App,
    caller::Renter,
    edits::Changes,
    filing::{self, Form},
    input::{Body, Id, Note, Params, RequestParams},
    problem::Problem,
    view::{Answer, Items, Record},
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
    let filed = filing::file(app, me.engine, me.id.into(), &headers, form).await?;
    let status = match filed.submission {
        Submission::Filed(_) => StatusCode::CREATED,
        Submission::AlreadyFiled => StatusCode::OK,
    };
    Ok((status, Json(filed.request)))
}

async fn list(Renter(me): Renter, Params(params): Params<RequestParams>) -> Answer<Items<Request>> {
    let (filter, page) = params.read()?;
    Ok(Json(me.theirs.requests(&filter, &page).await?.into()))
}

async fn record(Renter(me): Renter, State(app): State<App>, Id(id): Id<RequestId>) -> Answer<Record> {
    let record = me.theirs.record(id).await?;
    Ok(Json(Record { record, intake: app.tables.intake(id).await? }))
}

async fn comment(Renter(me): Renter, Id(id): Id<RequestId>, Body(new): Body<NewComment>) -> Answer<Comment> {
    Ok(Json(me.theirs.comment(id, new).await?))
}

async fn edit(Renter(me): Renter, Id(id): Id<RequestId>, Body(changes): Body<Changes>) -> Answer<Request> {
    Ok(Json(me.theirs.edit(id, changes.by(me.actor)).await?))
}

async fn cancel(renter: Renter, id: Id<RequestId>, note: Body<Note>) -> Answer<Request> {
    move_to(RequestStatus::Cancelled, renter, id, note).await
}

async fn reopen(renter: Renter, id: Id<RequestId>, note: Body<Note>) -> Answer<Request> {
    move_to(RequestStatus::InProgress, renter, id, note).await
}

async fn move_to(
    to: RequestStatus,
    Renter(me): Renter,
    Id(id): Id<RequestId>,
    Body(Note { note }): Body<Note>,
) -> Answer<Request> {
    let mut change = Move::to(to, me.actor);
    if let Some(note) = note {
        change = change.note(note);
    }
    Ok(Json(me.theirs.change_status(id, change).await?))
}
