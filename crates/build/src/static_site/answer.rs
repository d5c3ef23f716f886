//! Requests and their answers (RFC 9110): GET and HEAD, `If-None-Match`, single ranges.

use std::io::{self, Seek as _};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

use super::content_type::content_type;
use super::files::{Content, Files, Found, Found200};
use crate::blocking::blocking;

type Body = BoxBody<Bytes, io::Error>;

pub(super) async fn answer<B>(files: &Arc<Files>, request: &Request<B>) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD\n");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let path = request.uri().path().to_owned();
    let response = match find(files, path.clone()).await {
        Ok(Found::File(file)) => send(file, request.headers()),
        Ok(Found::Directory) => Ok(redirect(&path, request.uri().query())),
        Ok(Found::Nothing) => not_found(files).await,
        Err(error) => Err(error),
    };
    let response =
        response.unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, "Cannot read it\n"));
    if *request.method() == Method::HEAD { without_body(response) } else { response }
}

async fn find(files: &Arc<Files>, path: String) -> io::Result<Found> {
    let files = Arc::clone(files);
    blocking(move || files.find(&path)).await
}

async fn not_found(files: &Arc<Files>) -> io::Result<Response<Body>> {
    let Found::File(page) = find(files, "/404.html".to_owned()).await? else {
        return Ok(plain(StatusCode::NOT_FOUND, "Not found\n"));
    };
    let mut response = send(page, &HeaderMap::new())?;
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}

fn send(file: Found200, asked: &HeaderMap) -> io::Result<Response<Body>> {
    let mut response = Response::new(empty());
    let is = |name: HeaderName, value: &str, response: &mut Response<Body>| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    is(header::ETAG, &file.tag, &mut response);
    // A new release shows at once; what is unchanged costs one short question.
    is(header::CACHE_CONTROL, "no-cache", &mut response);
    is(header::X_CONTENT_TYPE_OPTIONS, "nosniff", &mut response);
    is(header::ACCEPT_RANGES, "bytes", &mut response);
    if matches_tag(asked, &file.tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    is(header::CONTENT_TYPE, content_type(&file.name), &mut response);
    let (start, length) = match range(asked, &file) {
        Range::Whole => (0, file.size),
        Range::Part { start, length } => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let last = start + length - 1;
            let range = format!("bytes {start}-{last}/{}", file.size);
            is(header::CONTENT_RANGE, &range, &mut response);
            (start, length)
        }
        Range::Outside => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            is(header::CONTENT_RANGE, &format!("bytes */{}", file.size), &mut response);
            return Ok(response);
        }
    };
    is(header::CONTENT_LENGTH, &length.to_string(), &mut response);
    *response.body_mut() = body(file.content, start, length)?;
    Ok(response)
}

fn body(content: Content, start: u64, length: u64) -> io::Result<Body> {
    match content {
        Content::Whole(bytes) => {
            let inside = |number: u64| usize::try_from(number).unwrap_or(bytes.len());
            Ok(full(bytes.slice(inside(start)..inside(start + length))))
        }
        Content::Open(mut file) => {
            file.seek(io::SeekFrom::Start(start))?;
            let chunks =
                ReaderStream::with_capacity(tokio::fs::File::from_std(file).take(length), 64 << 10);
            Ok(BodyExt::boxed(StreamBody::new(chunks.map_ok(Frame::data))))
        }
    }
}

enum Range {
    Whole,
    Part { start: u64, length: u64 },
    Outside,
}

/// RFC 9110, section 14: several ranges, and what is not understood, are answered with the whole.
fn range(asked: &HeaderMap, file: &Found200) -> Range {
    let text = |name: HeaderName| asked.get(name).and_then(|value| value.to_str().ok());
    // A weak tag is no proof that the bytes are the same.
    if text(header::IF_RANGE).is_some_and(|tag| tag != file.tag || tag.starts_with("W/")) {
        return Range::Whole;
    }
    let Some(spec) = text(header::RANGE).and_then(|range| range.strip_prefix("bytes=")) else {
        return Range::Whole;
    };
    let Some((first, last)) = spec.split_once('-') else { return Range::Whole };
    let (start, end) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(start), Ok(last)) if last >= start => (start, last.saturating_add(1).min(file.size)),
        (Ok(start), Err(_)) if last.trim().is_empty() => (start, file.size),
        (Err(_), Ok(count)) if first.trim().is_empty() => {
            (file.size.saturating_sub(count), if count == 0 { 0 } else { file.size })
        }
        _ => return Range::Whole,
    };
    if start >= end { Range::Outside } else { Range::Part { start, length: end - start } }
}

fn matches_tag(asked: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let lists = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .any(|one| one.trim() == "*" || opaque(one) == opaque(tag))
}

fn redirect(path: &str, query: Option<&str>) -> Response<Body> {
    // One slash at its start: two would name another host.
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    let location = format!("/{}/{query}", path.trim_start_matches('/'));
    let mut response = plain(StatusCode::PERMANENT_REDIRECT, "See the address with a slash\n");
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(full(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

/// A HEAD's answer has the length that GET's would have.
fn without_body(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let length = hyper::body::Body::size_hint(&body).exact();
    if let Some(length) = length
        && length > 0
    {
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, empty())
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

fn empty() -> Body {
    full(Bytes::new())
}
