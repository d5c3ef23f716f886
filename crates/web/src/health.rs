//! What a supervisor asks.

use api::ErrorCode;
use axum::extract::State;
use control::Control;

use crate::refusal::{Answer, Refusal};

/// The process answers.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// It can do its work.
pub(crate) async fn ready(State(control): State<Control>) -> Answer<&'static str> {
    if control.stopping().is_cancelled() {
        return Err(Refusal::new(ErrorCode::Unavailable, "the server is stopping"));
    }
    match control.check().await {
        Ok(()) => Ok("ok\n"),
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "the server is not ready");
            Err(Refusal::new(ErrorCode::Unavailable, "the database does not answer"))
        }
    }
}
