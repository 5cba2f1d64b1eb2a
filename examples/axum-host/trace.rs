//! One span per HTTP request, with an id that the response carries too. Paths are logged as routes; queries,
//! headers and bodies are not logged.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderValue, header::HeaderName},
    middleware::Next,
    response::Response,
};
use maintenance_core::{IdSource as _, RandomIds};
use tracing::{Instrument as _, info_span};

const ID: HeaderName = HeaderName::from_static("x-request-id");

pub(super) async fn trace(request: Request, next: Next) -> Response {
    let id = RandomIds.uuid();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let span = info_span!("http", %id, method = %request.method(), route);
    let begun = Instant::now();
    async move {
        let mut response = next.run(request).await;
        let took = begun.elapsed();
        tracing::info!(status = response.status().as_u16(), ?took, "answered");
        if let Ok(id) = HeaderValue::try_from(id.to_string()) {
            response.headers_mut().insert(ID, id);
        }
        response
    }
    .instrument(span)
    .await
}
