//! A run as it goes on: what it says and how it stands, until it has ended.
//!
//! The id of a `log` event is the place in the transcript behind it; who comes back with it goes on there.

use api::paths;
use api::runs::{Job, RunLog};
use api::server_events::{END, JOBS, LAST_EVENT_ID_HEADER, LOG, STATE};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use control::{Control, Follower};
use serde::Deserialize;
use types::{RunId, RunStatus, Transition as _};
use utoipa::IntoParams;

use super::runs::{detail, missing, unreadable, wire};
use super::{Events, event, feed, send};
use crate::extract::{Path, Query};
use crate::refusal::Answer;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Whether to tell of every change of its jobs and steps.
    #[serde(default)]
    jobs: bool,
}

/// Watch a run
///
/// A feed of `log` events (the next lines of its transcript), `state` events (the run, when it changed), `jobs` events (the run
/// with its jobs, when they changed, if they are asked for) and at last `end` (the run with its jobs).
#[utoipa::path(get, path = paths::RUN_WATCH, operation_id = "watch_run", tag = "runs", params(Which),
    responses((status = 200, description = "Server-sent events.", body = RunLog,
        content_type = "text/event-stream")))]
pub(crate) async fn watch(
    State(control): State<Control>,
    Path(id): Path<RunId>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Answer<Response> {
    control.run_status(id).await.map_err(missing())?;
    let watching =
        Watching { control: control.clone(), id, told: None, jobs: which.jobs.then(Vec::new) };
    let from = last_seen(&headers).unwrap_or(0);
    Ok(feed(&control, |events| watching.tell(from, events)))
}

fn last_seen(headers: &HeaderMap) -> Option<u64> {
    headers.get(LAST_EVENT_ID_HEADER)?.to_str().ok()?.parse().ok()
}

struct Watching {
    control: Control,
    id: RunId,
    /// What the client knows.
    told: Option<RunStatus>,
    /// What it knows of the jobs, if it wants to.
    jobs: Option<Vec<Job>>,
}

impl Watching {
    async fn tell(mut self, from: u64, events: Events) -> Answer<()> {
        let mut wake = self.control.run_changes();
        let mut follower = self.control.follow_run(self.id, from);
        loop {
            // The status is read first: what an ended run said is all there then.
            let run = self.control.run(self.id).await.map_err(missing())?;
            let status = run.status;
            self.pass_on(&mut follower, &events).await?;
            if status.is_terminal() {
                let view = self.control.run_view(self.id).await.map_err(missing())?;
                return send(&events, event(END, &detail(view))).await;
            }
            if self.told.replace(status) != Some(status) {
                send(&events, event(STATE, &wire(run))).await?;
            }
            self.tell_jobs(&events).await?;
            tokio::select! {
                () = follower.changed() => {}
                () = wake.changed() => {}
            }
        }
    }

    async fn tell_jobs(&mut self, events: &Events) -> Answer<()> {
        let Some(told) = &mut self.jobs else { return Ok(()) };
        let detail = detail(self.control.run_view(self.id).await.map_err(missing())?);
        if *told == detail.jobs {
            return Ok(());
        }
        told.clone_from(&detail.jobs);
        send(events, event(JOBS, &detail)).await
    }

    async fn pass_on(&self, follower: &mut Follower, events: &Events) -> Answer<()> {
        loop {
            let lines = follower.read().map_err(|error| unreadable(&error))?;
            if lines.is_empty() {
                return Ok(());
            }
            let log = event(LOG, &RunLog { text: lines.join("\n") });
            send(events, log.id(follower.position().to_string())).await?;
        }
    }
}
