//! What landlords of the whole organisation do with workers: add them, assign them to complexes, set their status.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post, put},
};
use maintenance_core::{
    AssignmentsOf, ComplexAssignment, ComplexId, Cursor, Invalid, NewWorker, RandomIds, Specialty, Worker,
    WorkerFilter, WorkerId, WorkerStatus,
};
use serde::Deserialize;

use super::{
    App,
    caller::{Caller, Owner},
    input::{self, Body, Id, Params},
    problem::Problem,
    to_the_end::to_the_end,
    view::{self, Answer, Items},
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/workers", get(list).post(add))
        .route("/workers/{id}/status", post(set_status))
        .route("/complexes/{complex}/workers", get(staff))
        .route("/complexes/{complex}/workers/{worker}", put(assign).delete(unassign))
}

/// With an id in the body, a call that is repeated adds one worker.
async fn add(
    Owner(me): Owner,
    State(app): State<App>,
    Body(new): Body<NewWorker>,
) -> Result<(StatusCode, Json<Worker>), Problem> {
    let id = new.id.unwrap_or_else(|| WorkerId::mint(&RandomIds));
    let worker = to_the_end(async move { app.tables.add_worker(&me.engine, id, new).await }).await?;
    Ok((StatusCode::CREATED, Json(worker)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkerParams {
    status: Option<WorkerStatus>,
    specialty: Option<String>,
    complex_id: Option<ComplexId>,
    size: Option<u32>,
    after: Option<Cursor>,
}

async fn list(Owner(me): Owner, Params(params): Params<WorkerParams>) -> Answer<Items<Worker>> {
    let specialty = params.specialty.as_deref().map(Specialty::new).transpose();
    let specialty = specialty.map_err(|rule| Invalid::field("specialty", rule.to_string()))?;
    let filter = WorkerFilter { status: params.status, specialty, complex_id: params.complex_id };
    let page = input::page(params.size, params.after);
    Ok(Json(me.engine.workers(&filter, &page).await?.into()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Status {
    status: WorkerStatus,
}

async fn set_status(
    Owner(me): Owner,
    Id(id): Id<WorkerId>,
    Body(Status { status }): Body<Status>,
) -> Answer<Worker> {
    Ok(Json(me.engine.set_worker_status(id, status).await?))
}

async fn staff(
    Owner(me): Owner,
    State(app): State<App>,
    Id(complex): Id<ComplexId>,
) -> Answer<Vec<ComplexAssignment>> {
    known(&app, &me, complex).await?;
    let staff = me.engine.assignments(AssignmentsOf::Complex(complex)).await?;
    view::report(&staff.corrupt);
    Ok(Json(staff.items))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    #[serde(default)]
    is_primary: bool,
}

async fn assign(
    Owner(me): Owner,
    State(app): State<App>,
    Id((complex, worker)): Id<(ComplexId, WorkerId)>,
    Body(Place { is_primary }): Body<Place>,
) -> Answer<ComplexAssignment> {
    known(&app, &me, complex).await?;
    Ok(Json(me.engine.assign_complex(worker, complex, is_primary).await?))
}

async fn unassign(
    Owner(me): Owner,
    Id((complex, worker)): Id<(ComplexId, WorkerId)>,
) -> Result<StatusCode, Problem> {
    if me.engine.unassign_complex(worker, complex).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("the worker isn't assigned to that complex"))
    }
}

/// The engine accepts any UUID as a complex; only the host knows which exist.
async fn known(app: &App, me: &Caller, complex: ComplexId) -> Result<(), Problem> {
    if app.tables.has_complex(me.engine.organization(), complex).await? {
        Ok(())
    } else {
        Err(Problem::not_found(format!("there is no complex {complex}")))
    }
}
