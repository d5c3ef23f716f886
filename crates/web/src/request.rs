//! What every request goes through: an id, a line in the log, bounds, and an answer whatever happens.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use api::{ErrorCode, Problem, REQUEST_ID_HEADER, paths};
use axum::extract::{MatchedPath, Request};
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;
use types::{RequestId, SystemClock};

use crate::refusal::Refusal;

/// How long a request may take until its answer begins. Uploads take as long as they arrive.
const IN_TIME: Duration = Duration::from_secs(60);

/// Outermost: names the request, logs it, and turns a panic and every refusal into an answer.
pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let id = RequestId::generate(&SystemClock).to_string();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = tracing::info_span!("request", id, %method, path);
    let started = Instant::now();
    let answered =
        AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let mut response = answered.unwrap_or_else(|_| {
        span.in_scope(|| tracing::error!("a handler panicked"));
        Refusal::internal().into_response()
    });
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let completed = Refusal::complete(problem, id.clone());
        let (mut parts, body) = completed.into_parts();
        for (name, value) in response.headers() {
            parts.headers.entry(name).or_insert(value.clone());
        }
        response = Response::from_parts(parts, body);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID_HEADER, id);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    span.in_scope(|| log(&method, response.status(), started.elapsed()));
    response
}

/// Reading is the everyday business of whoever polls; it is told only to those who look closely.
fn log(method: &Method, status: StatusCode, lapse: Duration) {
    let (status, lapse_ms) = (status.as_u16(), lapse.as_millis());
    if method.is_safe() && status < 500 {
        tracing::debug!(status, lapse_ms, "answered");
    } else {
        tracing::info!(status, lapse_ms, "answered");
    }
}

/// Gives up on a request that gets no answer.
pub(crate) async fn in_time(path: MatchedPath, request: Request, next: Next) -> Response {
    if path.as_str() == paths::UPLOADS {
        return next.run(request).await;
    }
    timeout(IN_TIME, next.run(request)).await.unwrap_or_else(|_| {
        tracing::warn!("a request took too long");
        Refusal::new(ErrorCode::Timeout, "there was no answer in time")
            .hint("what was asked for may still be done: look before you ask for it again")
            .into_response()
    })
}
