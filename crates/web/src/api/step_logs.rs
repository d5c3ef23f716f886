//! What a step of a run has written, as text or as a feed.
//!
//! The id of an event is the place in the log behind it; who comes back with it goes on there.

use api::paths;
use api::server_events::{END, LAST_EVENT_ID_HEADER, LOG, MEDIA_TYPE};
use api::step_logs::{Annotation, Entry, Level, StepLog, What};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::Response;
use control::actions::commands;
use control::actions::step_logs as kept;
use control::{Control, LogPlace, StepLogQuery};
use futures_util::stream;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use types::RunId;
use utoipa::IntoParams;

use super::runs::missing;
use super::{Events, event, feed, plain, send};
use crate::extract::{Path, Query};
use crate::refusal::Answer;

/// The longest text that an entry has on the wire.
const MAX_TEXT_BYTES: usize = 64 << 10;
/// Text that one event carries, as soon as it has so much.
const EVENT_BYTES: usize = 64 << 10;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Of this attempt of the step; the latest if not said.
    #[param(minimum = 1)]
    attempt: Option<u32>,
    /// Whether to go on with what comes, until the step has ended.
    #[serde(default)]
    follow: bool,
}

/// Read the log of a step
///
/// As text; or, for `Accept: text/event-stream`, as a feed of `log` events, with `end` as the last one. Text has GitHub's
/// `##[group]`, `##[endgroup]`, `##[notice]`, `##[warning]`, `##[error]` and `##[debug]` before what is no plain line.
#[utoipa::path(get, path = paths::STEP_LOG, operation_id = "read_step_log", tag = "runs", params(Which),
    responses((status = 200, description = "The log.", content(
        (String = "text/plain"), (StepLog = "text/event-stream")))))]
pub(crate) async fn read(
    State(control): State<Control>,
    Path((run, job, step)): Path<(RunId, String, String)>,
    Query(which): Query<Which>,
    headers: HeaderMap,
) -> Answer<Response> {
    let query = StepLogQuery {
        run,
        job,
        step,
        attempt: which.attempt,
        after: last_seen(&headers),
        follow: which.follow,
    };
    let log = control.step_log(query).await.map_err(missing())?;
    let wants_feed = headers.get(ACCEPT).is_some_and(|value| {
        value.to_str().is_ok_and(|value| value.trim_start().starts_with(MEDIA_TYPE))
    });
    Ok(match wants_feed {
        true => feed(&control, |events| tell(log, events)),
        false => text(log, control.stopping()),
    })
}

fn last_seen(headers: &HeaderMap) -> Option<LogPlace> {
    headers.get(LAST_EVENT_ID_HEADER)?.to_str().ok()?.parse().ok()
}

async fn tell(mut log: control::StepLog, events: Events) -> Answer<()> {
    while let Some(entries) = log.next().await? {
        let mut bytes = 0;
        let mut batch = Vec::new();
        let mut entries = entries.into_iter().peekable();
        while let Some((place, entry)) = entries.next() {
            let entry = wire(entry);
            bytes += weight(&entry);
            batch.push(entry);
            if bytes >= EVENT_BYTES || entries.peek().is_none() {
                let entries = std::mem::take(&mut batch);
                let data = StepLog { attempt: place.attempt, entries };
                send(&events, event(LOG, &data).id(place.to_string())).await?;
                bytes = 0;
            }
        }
    }
    send(&events, event(END, &serde_json::json!({}))).await
}

/// Piece by piece, as it is read: a log may be larger than what is kept in memory.
fn text(log: control::StepLog, stopping: CancellationToken) -> Response {
    let pieces = stream::unfold((log, stopping), |(mut log, stopping)| async move {
        let next = tokio::select! {
            next = log.next() => next.map_err(std::io::Error::other),
            () = stopping.cancelled() => Err(std::io::ErrorKind::ConnectionAborted.into()),
        };
        match next {
            Ok(Some(entries)) => {
                let text: String =
                    entries.into_iter().map(|(_, entry)| line(&entry.what)).collect();
                Some((Ok(Bytes::from(text)), (log, stopping)))
            }
            Ok(None) => None,
            // The answer breaks off, which its client notices.
            Err(error) => Some((Err(error), (log, stopping))),
        }
    });
    plain("text/plain; charset=utf-8", Body::from_stream(pieces))
}

fn line(what: &kept::What) -> String {
    match what {
        kept::What::Line { text } | kept::What::Note { text } => format!("{text}\n"),
        kept::What::Debug { text } => format!("##[debug]{text}\n"),
        kept::What::Group { title } => format!("##[group]{title}\n"),
        kept::What::EndGroup => "##[endgroup]\n".to_owned(),
        kept::What::Annotation(annotation) => {
            format!("##[{}]{}\n", annotation.level.as_str(), annotation.message)
        }
    }
}

fn wire(entry: kept::Entry) -> Entry {
    let what = match entry.what {
        kept::What::Line { text } => What::Line { text: cut(text) },
        kept::What::Debug { text } => What::Debug { text: cut(text) },
        kept::What::Group { title } => What::Group { title: cut(title) },
        kept::What::EndGroup => What::EndGroup,
        kept::What::Annotation(annotation) => What::Annotation(Annotation {
            level: match annotation.level {
                commands::Level::Notice => Level::Notice,
                commands::Level::Warning => Level::Warning,
                commands::Level::Error => Level::Error,
            },
            message: cut(annotation.message),
            title: annotation.title.map(cut),
            file: annotation.file.map(cut),
            line: annotation.line,
        }),
        kept::What::Note { text } => What::Note { text: cut(text) },
    };
    Entry { at: entry.at, what }
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_TEXT_BYTES {
        let length = text.len();
        let mut end = MAX_TEXT_BYTES;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(&format!(" … (cut: {length} bytes)"));
    }
    text
}

fn weight(entry: &Entry) -> usize {
    match &entry.what {
        What::Line { text } | What::Debug { text } | What::Note { text } => text.len(),
        What::Group { title } => title.len(),
        What::EndGroup => 0,
        What::Annotation(annotation) => {
            let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
            annotation.message.len() + optional(&annotation.title) + optional(&annotation.file)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let text = "ü".repeat(MAX_TEXT_BYTES);
        let cut = cut(text);
        assert!(cut.len() < MAX_TEXT_BYTES + 40 && cut.ends_with("(cut: 131072 bytes)"));
    }
}
