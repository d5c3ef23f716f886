//! Reading the parts of a request, with refusals that say what is wrong where.

use api::ErrorCode;
use axum::body::Body;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt as _, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use crate::refusal::{Answer, Refusal};

/// The most that a JSON body may take. The largest is config, which has a bound of its own below this.
pub(crate) const MAX_JSON_BYTES: usize = 1 << 20;

/// What the segments of the path stand for.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        read.map(|axum::extract::Path(value)| Self(value)).map_err(|rejection| bad_path(&rejection))
    }
}

fn bad_path(rejection: &PathRejection) -> Refusal {
    let detail = match rejection {
        PathRejection::FailedToDeserializePathParams(error) => match error.kind() {
            ErrorKind::DeserializeError { message, .. }
            | ErrorKind::ParseErrorAtIndex { value: message, .. }
            | ErrorKind::Message(message) => message.clone(),
            other => other.to_string(),
        },
        other => other.body_text(),
    };
    Refusal::new(ErrorCode::InvalidRequest, format!("the path cannot be read: {detail}"))
}

/// What follows the `?`.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let read = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        read.map(|axum::extract::Query(value)| Self(value)).map_err(|rejection| {
            let text = rejection.body_text();
            let detail = text.rsplit_once("query string: ").map_or(&*text, |(_, detail)| detail);
            Refusal::new(ErrorCode::InvalidRequest, "the query cannot be read").field("?", detail)
        })
    }
}

/// A body in JSON, in and out.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Answer<Self> {
        if !is_json(request.headers()) {
            let detail = "the body has to be JSON, and has to be said to be";
            return Err(Refusal::new(ErrorCode::UnsupportedMediaType, detail)
                .hint("send `Content-Type: application/json`"));
        }
        parse(&read(request.into_body()).await?)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|media_type| {
        let subtype = media_type.strip_prefix("application/");
        subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
    })
}

/// The media type in lower case, without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split_once(';').map_or(value, |(essence, _)| essence);
    Some(essence.trim().to_ascii_lowercase())
}

/// A body that is small enough to be kept.
pub(crate) async fn read(body: Body) -> Answer<Vec<u8>> {
    match Limited::new(body, MAX_JSON_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Refusal::new(
            ErrorCode::PayloadTooLarge,
            format!("the body is larger than the {MAX_JSON_BYTES} bytes that are allowed"),
        )),
        Err(_) => Err(Refusal::new(ErrorCode::BadRequest, "the body was cut off")),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Answer<Json<T>> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let inner = error.inner();
        let place = format!("line {}, column {}", inner.line(), inner.column());
        let text = inner.to_string();
        let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text);
        if inner.is_data() {
            Refusal::new(ErrorCode::InvalidRequest, "a value in the body is not valid")
                .field(pointer(error.path()), text)
        } else {
            Refusal::new(ErrorCode::InvalidJson, format!("the body is not JSON ({place}): {text}"))
        }
    })?;
    deserializer.end().map_err(|error| {
        Refusal::new(ErrorCode::InvalidJson, format!("the body is not one JSON value: {error}"))
    })?;
    Ok(Json(value))
}

/// RFC 6901.
fn pointer(path: &serde_path_to_error::Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use api::apps::CreateApp;
    use api::configs::ChangeConfig;

    use super::*;

    fn refused<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> api::Problem {
        parse::<T>(body.as_bytes()).unwrap_err().into_problem()
    }

    #[test]
    fn a_value_that_is_not_valid_is_pointed_at() {
        let problem = refused::<CreateApp>(r#"{"name": "My App"}"#);
        assert_eq!((problem.status, problem.code.as_str()), (422, "invalid_request"));
        assert_eq!(problem.errors[0].pointer, "/name");
        assert!(problem.errors[0].detail.starts_with("`My App` is not a valid app name"));
        let problem = refused::<ChangeConfig>(r#"{"set": {"A": 1}}"#);
        assert_eq!(problem.errors[0].pointer, "/set/A");
    }

    #[test]
    fn what_is_not_json_is_said_with_its_place() {
        let problem = refused::<CreateApp>("{\"name\": \n nope}");
        assert_eq!((problem.status, problem.code.as_str()), (400, "invalid_json"));
        assert!(problem.detail.contains("line 2, column 3"), "{problem:?}");
        assert_eq!(refused::<CreateApp>("").code, "invalid_json");
        assert_eq!(refused::<CreateApp>(r#"{"name": "a"} x"#).code, "invalid_json");
    }

    #[test]
    fn the_media_type_is_read_without_its_parameters() {
        let headers = |value: &str| {
            [(CONTENT_TYPE, value.parse().unwrap())].into_iter().collect::<HeaderMap>()
        };
        assert!(is_json(&headers("Application/JSON; charset=utf-8")));
        assert!(is_json(&headers("application/merge-patch+json")));
        assert!(!is_json(&headers("text/json")));
        assert!(!is_json(&HeaderMap::new()));
    }
}
