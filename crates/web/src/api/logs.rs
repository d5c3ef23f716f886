use api::logs::{DEFAULT_LINES, LogLine, MAX_LINES, Stream};
use api::server_events::{END, LAST_EVENT_ID_HEADER, LOG};
use api::{ErrorCode, paths};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use control::{Control, LogEntry, LogQuery, OutputStream};
use serde::Deserialize;
use types::{AppName, EnvironmentName, ProcessType};
use utoipa::IntoParams;

use super::{event, feed, only_environment, send};
use crate::extract::{Path, Query};
use crate::refusal::{Answer, Refusal};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// May be left out where the app has only one.
    #[param(value_type = Option<String>)]
    environment: Option<EnvironmentName>,
    /// Of this process only.
    #[param(value_type = Option<String>)]
    process: Option<ProcessType>,
    /// How many of the latest lines; 100 if not said.
    #[param(minimum = 0, maximum = 10000)]
    lines: Option<u32>,
    /// Whether to go on with the lines to come.
    #[serde(default)]
    follow: bool,
}

/// How far back a client that was cut off finds what it missed.
const MISSED: u32 = 1_000;

/// Read what an app's instances write
///
/// A feed of `log` events, each a line; `end` is the last one where the lines to come are not followed.
#[utoipa::path(get, path = paths::LOGS, operation_id = "read_logs", tag = "instances", params(Which),
    responses((status = 200, description = "Server-sent events.", body = LogLine,
        content_type = "text/event-stream")))]
pub(crate) async fn read(
    State(control): State<Control>,
    Path(app): Path<AppName>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Answer<Response> {
    let environment = match which.environment {
        Some(environment) => environment,
        None => only_environment(&control, &app).await?,
    };
    let seen = last_seen(&headers);
    let lines = which.lines.unwrap_or(DEFAULT_LINES);
    if lines > MAX_LINES {
        return Err(Refusal::new(ErrorCode::InvalidRequest, "the query cannot be read")
            .field("?lines", format!("it is {lines}; {MAX_LINES} are the most")));
    }
    let lines = if seen.is_some() { lines.max(MISSED) } else { lines };
    let query = LogQuery {
        environment: environment.clone(),
        process: which.process,
        lines: lines as usize,
        follow: which.follow,
    };
    let mut logs = control.logs(&app, query).await?;
    Ok(feed(&control, |events| async move {
        while let Some(entry) = logs.next().await {
            let at = entry.line.at.as_microsecond();
            if seen.is_none_or(|seen| at > seen) {
                let line = wire(&environment, entry);
                send(&events, event(LOG, &line).id(at.to_string())).await?;
            }
        }
        // Who follows reaches the end only because the server stops, and comes back.
        if !which.follow {
            send(&events, event(END, &serde_json::json!({}))).await?;
        }
        Ok(())
    }))
}

/// The time of the last line that the client has, in microseconds.
fn last_seen(headers: &HeaderMap) -> Option<i64> {
    headers.get(LAST_EVENT_ID_HEADER)?.to_str().ok()?.parse().ok()
}

fn wire(environment: &EnvironmentName, entry: LogEntry) -> LogLine {
    LogLine {
        at: entry.line.at,
        environment: environment.clone(),
        instance: entry.instance,
        instance_id: entry.instance_id,
        stream: match entry.line.stream {
            OutputStream::Stdout => Stream::Stdout,
            OutputStream::Stderr => Stream::Stderr,
        },
        text: entry.line.text,
    }
}
