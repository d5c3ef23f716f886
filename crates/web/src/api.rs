//! The API's handlers, one file per noun. A handler reads a request, asks `control`, and writes the answer.

mod approvals;
mod apps;
mod built_in_workflows;
mod config;
mod deployments;
mod environments;
mod events;
mod executions;
mod instances;
mod logs;
mod promotions;
mod releases;
mod run_artifacts;
mod runs;
mod secrets;
mod setting_scopes;
mod step_logs;
mod tokens;
mod uploads;
mod variables;
mod watch;
mod workflow_checks;
mod workflow_plans;
mod workflow_simulations;
mod workflows;

use std::convert::Infallible;

use axum::body::Body;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use control::Control;
use futures_util::stream;
use serde::Serialize;
use tokio::sync::mpsc;
use types::{AppName, EnvironmentName};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use ::api::server_events::{KEEP_ALIVE, PROBLEM};

use crate::extract::Json;
use crate::refusal::{Answer, Refusal};

/// The table of contents.
pub(crate) fn routes() -> OpenApiRouter<Control> {
    OpenApiRouter::new()
        .routes(routes!(tokens::whoami))
        .routes(routes!(apps::create, apps::list))
        .routes(routes!(apps::show, apps::delete))
        .routes(routes!(releases::list))
        .routes(routes!(releases::show))
        .routes(routes!(environments::list))
        .routes(routes!(environments::show))
        .routes(routes!(environments::scale))
        .routes(routes!(config::show, config::change))
        .routes(routes!(deployments::deploy))
        .routes(routes!(deployments::roll_back))
        .routes(routes!(promotions::promote))
        .routes(routes!(executions::exec))
        .routes(routes!(workflows::list))
        .routes(routes!(workflows::dispatch))
        .routes(routes!(workflows::dispatch_from_outside))
        .routes(routes!(instances::list))
        .routes(routes!(logs::read))
        .routes(routes!(uploads::create))
        .routes(routes!(uploads::show))
        .routes(routes!(runs::list))
        .routes(routes!(runs::show))
        .routes(routes!(runs::log))
        .routes(routes!(runs::cancel))
        .routes(routes!(step_logs::read))
        .routes(routes!(runs::retry))
        .routes(routes!(approvals::decide))
        .routes(routes!(run_artifacts::list))
        .routes(routes!(run_artifacts::read))
        .routes(routes!(watch::watch))
        .routes(routes!(tokens::create, tokens::list))
        .routes(routes!(tokens::revoke))
        .routes(routes!(secrets::list))
        .routes(routes!(secrets::set, secrets::unset))
        .routes(routes!(variables::list))
        .routes(routes!(variables::set, variables::unset))
        .routes(routes!(events::list))
        .routes(routes!(workflow_checks::check))
        .routes(routes!(workflow_plans::plan))
        .routes(routes!(workflow_simulations::simulate))
        .routes(routes!(built_in_workflows::show))
}

/// The segments of a path below an environment.
type InEnvironment = (AppName, EnvironmentName);

/// It was taken on; its state is to be found there.
fn accepted(location: String, body: impl Serialize) -> Response {
    (StatusCode::ACCEPTED, [(LOCATION, location)], Json(body)).into_response()
}

/// Events that wait for a client that reads slowly.
const QUEUE: usize = 16;

/// Sends events, as long as somebody takes them.
type Events = mpsc::Sender<Event>;

/// A feed that `work` fills in the background. What it refuses becomes the feed's last event.
fn feed<F, W>(control: &Control, work: W) -> Response
where
    W: FnOnce(Events) -> F,
    F: Future<Output = Answer<()>> + Send + 'static,
{
    let (sender, mut receiver) = mpsc::channel(QUEUE);
    let (filling, stopping) = (work(sender.clone()), control.stopping());
    control.tracker().spawn(async move {
        let refused = tokio::select! {
            filled = filling => filled.err(),
            () = sender.closed() => None,
            () = stopping.cancelled() => None,
        };
        if let Some(refusal) = refused {
            let _ = sender.send(event(PROBLEM, &refusal.into_problem())).await;
        }
    });
    let events = stream::poll_fn(move |context| receiver.poll_recv(context));
    let events = futures_util::StreamExt::map(events, Ok::<_, Infallible>);
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    // Nothing between us and the client may hold lines back.
    let headers = [(HeaderName::from_static("x-accel-buffering"), "no")];
    (headers, Sse::new(events).keep_alive(keep_alive)).into_response()
}

fn event(name: &str, data: &impl Serialize) -> Event {
    // Our own structs have string keys: they can be written.
    let data = serde_json::to_string(data).unwrap_or_default();
    Event::default().event(name).data(data)
}

/// The client has gone: the feed ends without a word.
async fn send(events: &Events, event: Event) -> Answer<()> {
    // `feed` notices by itself that nobody listens.
    let _ = events.send(event).await;
    Ok(())
}

/// The only environment of an app, for a request that names none.
async fn only_environment(control: &Control, app: &AppName) -> Answer<EnvironmentName> {
    let environments = control.environments(app).await?;
    let names: Vec<_> = environments.iter().map(|view| view.environment.name.clone()).collect();
    match names.as_slice() {
        [name] => Ok(name.clone()),
        names => {
            let names: Vec<_> = names.iter().map(EnvironmentName::as_str).collect();
            Err(Refusal::new(::api::ErrorCode::InvalidRequest, "the query cannot be read")
                .field("?environment", format!("which? {app} has: {}", names.join(", "))))
        }
    }
}

/// An answer that has no JSON.
fn plain(content_type: &'static str, body: impl Into<Body>) -> Response {
    ([(axum::http::header::CONTENT_TYPE, content_type)], body.into()).into_response()
}
