//! What landlords do with what is known of a renter: hand it out, and forget it.

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use maintenance_core::{Error, FileUrl, Name, PersonalData, PhoneNumber, RenterId};
use serde::Serialize;

use super::{
    App,
    caller::{Caller, Owner},
    input::Id,
    problem::Problem,
    to_the_end::to_the_end,
    view::{self, Answer},
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/renters/{id}/data", get(data)).route("/renters/{id}/forget", post(forget))
}

/// Everything about a renter: the host's part, and the engine's.
#[derive(Serialize)]
struct Known {
    name: Option<Name>,
    phone_number: Option<PhoneNumber>,
    data: Vec<PersonalData>,
}

async fn data(Owner(me): Owner, State(app): State<App>, Id(renter): Id<RenterId>) -> Answer<Known> {
    known(&app, &me, renter).await?;
    let mut contacts = app.tables.contacts(me.engine.organization(), &[renter]).await.map_err(Error::from)?;
    let contact = contacts.remove(&renter);
    let data = me.engine.export_person(renter).await?;
    view::report(&data.corrupt);
    Ok(Json(Known {
        name: contact.as_ref().map(|contact| contact.name.clone()),
        phone_number: contact.and_then(|contact| contact.phone_number),
        data: data.items,
    }))
}

/// What was forgotten. A host that takes attachments deletes these files; it keeps their addresses in a table of its own
/// in the same transaction, since they are named once.
#[derive(Serialize)]
struct Gone {
    requests: u64,
    files: Vec<FileUrl>,
}

/// Refused while the renter has open requests.
async fn forget(Owner(me): Owner, State(app): State<App>, Id(renter): Id<RenterId>) -> Answer<Gone> {
    known(&app, &me, renter).await?;
    let forgotten = to_the_end(async move { app.tables.forget(&me.engine, renter).await }).await?;
    Ok(Json(Gone { requests: forgotten.requests, files: forgotten.files }))
}

/// The engine knows no renters; only the host knows which the organisation has.
async fn known(app: &App, me: &Caller, renter: RenterId) -> Result<(), Problem> {
    let home = app.tables.home(me.engine.organization(), renter).await?;
    home.map(drop).ok_or_else(|| Problem::not_found(format!("there is no renter {renter}")))
}
