//! What landlords do with workers: add them, assign them to complexes, set their status.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post, put},
};
use maintenance_core::{
    AssignmentsOf, ComplexAssignment, ComplexId, Cursor, Invalid, NewWorker, Specialty, Worker, WorkerFilter,
    WorkerId, WorkerStatus,
};
use serde::Deserialize;

use super::{
    App,
    caller::Landlord,
    input::{self, Body, Id, Params},
    problem::Problem,
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
    _: Landlord,
    State(app): State<App>,
    Body(new): Body<NewWorker>,
) -> Result<(StatusCode, Json<Worker>), Problem> {
    Ok((StatusCode::CREATED, Json(app.engine.add_worker(new).await?)))
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

async fn list(
    _: Landlord,
    State(app): State<App>,
    Params(params): Params<WorkerParams>,
) -> Answer<Items<Worker>> {
    let specialty = params.specialty.as_deref().map(Specialty::new).transpose();
    let specialty = specialty.map_err(|rule| Invalid::field("specialty", rule.to_string()))?;
    let filter = WorkerFilter { status: params.status, specialty, complex_id: params.complex_id };
    let page = input::page(params.size, params.after);
    Ok(Json(app.engine.workers(&filter, &page).await?.into()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Status {
    status: WorkerStatus,
}

async fn set_status(
    _: Landlord,
    State(app): State<App>,
    Id(id): Id<WorkerId>,
    Body(Status { status }): Body<Status>,
) -> Answer<Worker> {
    Ok(Json(app.engine.set_worker_status(id, status).await?))
}

async fn staff(
    _: Landlord,
    State(app): State<App>,
    Id(complex): Id<ComplexId>,
) -> Answer<Vec<ComplexAssignment>> {
    known(&app, complex).await?;
    let staff = app.engine.assignments(AssignmentsOf::Complex(complex)).await?;
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
    _: Landlord,
    State(app): State<App>,
    Id((complex, worker)): Id<(ComplexId, WorkerId)>,
    Body(Place { is_primary }): Body<Place>,
) -> Answer<ComplexAssignment> {
    known(&app, complex).await?;
    Ok(Json(app.engine.assign_complex(worker, complex, is_primary).await?))
}

async fn unassign(
    _: Landlord,
    State(app): State<App>,
    Id((complex, worker)): Id<(ComplexId, WorkerId)>,
) -> Result<StatusCode, Problem> {
    if app.engine.unassign_complex(worker, complex).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("the worker isn't assigned to that complex"))
    }
}

/// The engine accepts any UUID as a complex; only the host knows which exist.
async fn known(app: &App, complex: ComplexId) -> Result<(), Problem> {
    if app.tables.has_complex(complex).await? {
        Ok(())
    } else {
        Err(Problem::not_found(format!("there is no complex {complex}")))
    }
}
