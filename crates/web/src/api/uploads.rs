use std::io;
use std::pin::pin;
use std::time::Duration;

use api::uploads::{UPLOAD_MEDIA_TYPE, Upload, UploadStatus};
use api::{ErrorCode, paths};
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use control::{Control, UploadState};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::timeout;
use tokio_util::io::StreamReader;
use tokio_util::sync::CancellationToken;
use types::{AppName, UploadId};

use super::accepted;
use crate::authentication::Caller;
use crate::extract::{Json, Path, media_type};
use crate::refusal::{Answer, Refusal};

/// How long a client may be silent in the middle of its upload.
const SILENCE: Duration = Duration::from_secs(60);
/// How long an upload that was refused may go on.
const AFTER_REFUSAL: Duration = Duration::from_secs(60);

/// Hand in what somebody else built
///
/// A `.tar.gz` of the tree that is to run, with a `Procfile` or `solum.yaml` at its root. It can be deployed once it is `ready`.
#[utoipa::path(post, path = paths::UPLOADS, operation_id = "create_upload", tag = "uploads",
    request_body(content = Vec<u8>, content_type = "application/gzip"),
    responses((status = 202, description = "It has arrived and is being read.", body = Upload,
        headers(("location" = String, description = "Where to look for it.")))))]
pub(crate) async fn create(
    State(control): State<Control>,
    caller: Caller,
    Path(app): Path<AppName>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Response> {
    check(&headers, control.max_upload_bytes())?;
    let mut body = StreamReader::new(Box::pin(chunks(body)));
    match control.upload(&app, &mut body, &caller.actor).await {
        Ok(upload) => Ok(accepted(paths::upload(&app, upload.id), wire(&app, upload))),
        Err(error) => {
            let most = control.max_upload_bytes();
            control.tracker().spawn(let_arrive(body, most, control.stopping()));
            Err(error.into())
        }
    }
}

/// Reads on and throws away. A connection that is closed on a client which still sends loses it the answer; this one gets
/// to read it. Most stop sending then.
async fn let_arrive(body: impl AsyncRead, most: u64, stopping: CancellationToken) {
    let mut rest = pin!(body.take(most));
    let mut nowhere = tokio::io::sink();
    tokio::select! {
        // However it ends, nobody is told.
        _ = timeout(AFTER_REFUSAL, tokio::io::copy(&mut rest, &mut nowhere)) => {}
        () = stopping.cancelled() => {}
    }
}

/// Show what became of an upload
#[utoipa::path(get, path = paths::UPLOAD, operation_id = "show_upload", tag = "uploads",
    responses((status = 200, description = "The upload.", body = Upload)))]
pub(crate) async fn show(
    State(control): State<Control>,
    Path((app, upload)): Path<(AppName, UploadId)>,
) -> Answer<Json<Upload>> {
    let found = control.find_upload(&app, upload).await;
    let upload = found.map_err(Refusal::looking_for(ErrorCode::UploadNotFound))?;
    Ok(Json(wire(&app, upload)))
}

/// Refuses before anything is sent what cannot be taken: a client that waits for `100 Continue` sends nothing.
fn check(headers: &HeaderMap, most: u64) -> Answer<()> {
    if !matches!(media_type(headers).as_deref(), Some(UPLOAD_MEDIA_TYPE | "application/x-gzip")) {
        let detail = "what is handed in has to be a .tar.gz, and has to be said to be";
        return Err(Refusal::new(ErrorCode::UnsupportedMediaType, detail)
            .hint(format!("send `Content-Type: {UPLOAD_MEDIA_TYPE}`")));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    match length.and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if length > most => {
            let detail = format!("what is handed in has {length} bytes; {most} are the most");
            Err(Refusal::new(ErrorCode::PayloadTooLarge, detail))
        }
        _ => Ok(()),
    }
}

fn chunks(body: Body) -> impl Stream<Item = io::Result<axum::body::Bytes>> {
    stream::unfold(body.into_data_stream(), |mut body| async move {
        let chunk = match timeout(SILENCE, body.next()).await {
            Ok(chunk) => chunk?.map_err(io::Error::other),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        Some((chunk, body))
    })
}

fn wire(app: &AppName, upload: control::Upload) -> Upload {
    Upload {
        id: upload.id,
        app: app.clone(),
        status: match upload.state {
            UploadState::Importing => UploadStatus::Importing,
            UploadState::Ready => UploadStatus::Ready,
            UploadState::Failed => UploadStatus::Failed,
        },
        artifact: upload.artifact,
        reason: upload.error,
        created_at: upload.created_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(pairs: &[(&str, &str)]) -> Option<String> {
        let headers = pairs.iter().map(|(name, value)| {
            (name.parse::<axum::http::HeaderName>().unwrap(), value.parse().unwrap())
        });
        check(&headers.collect(), 10).err().map(|refusal| refusal.into_problem().code)
    }

    #[test]
    fn what_cannot_be_taken_is_refused_before_it_is_sent() {
        let gzip = ("content-type", "application/gzip");
        assert_eq!(refused(&[gzip, ("content-length", "10")]), None);
        assert_eq!(refused(&[gzip]), None);
        let too_large = refused(&[gzip, ("content-length", "11")]);
        assert_eq!(too_large.as_deref(), Some("payload_too_large"));
        assert_eq!(refused(&[]).as_deref(), Some("unsupported_media_type"));
    }
}
