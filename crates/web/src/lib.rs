//! The HTTP API over `control`: JSON under `/api/v1`, git's smart HTTP under `/APP.git`, health and metrics.
//!
//! What it is not: it decides nothing. A handler reads a request, asks `control`, and writes the answer; which outcome is
//! which status code is said in here and nowhere else (`refusal`).
//!
//! The invariant: every answer carries a request id, under which the log has what happened, and every error of the API is
//! `application/problem+json` with a stable code. Bodies are bounded, waiting is bounded, and nothing that is internal
//! or secret is in an answer.

mod api;
mod authentication;
mod cursor;
mod extract;
mod git;
mod health;
mod idempotency;
mod metrics;
mod openapi;
mod refusal;
mod request;
mod serve;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use control::Control;

use ::api::{ErrorCode, paths};

pub use openapi::openapi;
pub use serve::serve;

use refusal::Refusal;

/// Everything that a server answers.
pub fn router(control: Control) -> Router {
    let (api, _) = api::routes().split_for_parts();
    let api = api
        .route_layer(from_fn_with_state(control.clone(), idempotency::once))
        .route_layer(from_fn(request::in_time))
        .route_layer(from_fn_with_state(control.clone(), authentication::require));
    Router::new()
        .merge(api)
        .route(paths::OPENAPI, get(openapi::show))
        .route(paths::HEALTHZ, get(health::alive))
        .route(paths::READYZ, get(health::ready))
        .route(paths::METRICS, get(metrics::show))
        .fallback(git::serve)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(request::observe))
        .with_state(control)
}

async fn no_such_method(method: Method, uri: Uri) -> Result<Response, Refusal> {
    Err(Refusal::new(ErrorCode::MethodNotAllowed, format!("{} has no {method}", uri.path())))
}
