//! A renter files a request: the engine's rows and the host's in one transaction.

use axum::http::HeaderMap;
use maintenance_core::{
    Clock as _, FieldError, Invalid, NewRequest, Priority, RenterId, RequestForm, RequestId, Rule, Submitted,
    SystemClock,
};
use serde::Deserialize;

use super::{
    App, Engine,
    problem::Problem,
    tables::{Home, Intake},
    to_the_end::to_the_end,
};

/// What a renter fills in; who they are and where they live the host knows. A missing field is read as empty,
/// so that the answer names every wrong field at once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    id: Option<RequestId>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: String,
    priority: Option<String>,
    #[serde(default)]
    location: String,
    specialty: Option<String>,
    reference: Option<String>,
}

/// Files a request. The same id, in the body or as `Idempotency-Key`, files one request however often it is
/// sent.
pub(super) async fn file(
    app: App,
    engine: Engine,
    renter: RenterId,
    headers: &HeaderMap,
    form: Form,
) -> Result<Submitted, Problem> {
    // Looked up before the transaction begins: while it is open, nothing else may wait for a connection of
    // the pool.
    let home = app.tables.home(engine.organization(), renter).await?;
    let home = home.ok_or_else(|| Problem::not_found("unknown renter"))?;
    let (new, intake) = read(renter, &home, headers, form);
    to_the_end(async move {
        let filed = app.tables.file(&engine, new, intake).await?;
        // After the commit the dispatcher can see the message, and need not wait for its next poll.
        engine.wake();
        Ok(filed)
    })
    .await
}

/// The engine's part of the form, and the host's part or its wrong fields.
fn read(
    renter: RenterId,
    home: &Home,
    headers: &HeaderMap,
    form: Form,
) -> (NewRequest, Result<Intake, Invalid>) {
    let mut invalid = Invalid::default();
    let mut wrong = |field: &'static str, rule: &str| {
        invalid.fields.push(FieldError { field: field.into(), rule: rule.to_owned() });
    };
    let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap_or_default().parse());
    let key = key.transpose().unwrap_or_else(|_| {
        wrong("Idempotency-Key", "must be a UUID");
        None
    });
    let priority = form.priority.as_deref().map_or(Ok(Priority::Medium), str::parse);
    let priority = priority.unwrap_or_else(|rule: Rule| {
        wrong("priority", &rule.to_string());
        Priority::Medium
    });
    if form.reference.as_ref().is_some_and(|text| !(1..=40).contains(&text.trim().chars().count())) {
        wrong("reference", "must have 1 to 40 characters");
    }
    let reference = form.reference.map(|text| text.trim().to_owned());
    let intake = Intake { reference, received_at: SystemClock.now() };
    let mut request = RequestForm::new(form.title, form.description, form.location).priority(priority);
    request.specialty = form.specialty;
    let mut new = NewRequest::new(renter, home.property, request).complex(home.complex);
    new.id = form.id.or(key);
    (new, if invalid.fields.is_empty() { Ok(intake) } else { Err(invalid) })
}
