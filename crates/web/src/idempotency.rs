//! Carries a POST with an `Idempotency-Key` out once.
//!
//! The same request with the same key of the same token is answered the same again. It goes on when its client hangs up, so
//! that the answer is there when the client asks again. A request that failed changed nothing and gives its key back.
//! Answers that hold a secret, and streams, are not kept: the second request learns that the first one was
//! carried out.

use api::{ErrorCode, IDEMPOTENCY_KEY_HEADER, MAX_IDEMPOTENCY_KEY_BYTES, paths};
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use control::{Control, Remembered, StoredAnswer};
use http_body_util::BodyExt as _;
use sha2::{Digest as _, Sha256};
use tracing::Instrument as _;
use types::TokenId;

use crate::authentication::Caller;
use crate::extract;
use crate::refusal::{Answer, Refusal};

/// Tells that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    Answer,
    /// Only that there was one.
    Fact,
}

pub(crate) async fn once(
    State(control): State<Control>,
    path: MatchedPath,
    caller: Caller,
    request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let key = match key(request.headers()) {
        Ok(Some(key)) => key,
        Ok(None) => return next.run(request).await,
        Err(refusal) => return refusal.into_response(),
    };
    let claim = Claim { control, token: caller.token, key, keep: keep(path.as_str()) };
    let answered = claim.carry_out(path.as_str(), request, next).await;
    answered.unwrap_or_else(|refusal| refusal.into_response())
}

fn keep(path: &str) -> Keep {
    match path {
        paths::TOKENS | paths::EXEC => Keep::Fact,
        _ => Keep::Answer,
    }
}

fn key(headers: &HeaderMap) -> Answer<Option<String>> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY_HEADER) else { return Ok(None) };
    let is_valid = |key: &&str| {
        (1..=MAX_IDEMPOTENCY_KEY_BYTES).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match value.to_str().ok().filter(is_valid) {
        Some(key) => Ok(Some(key.to_owned())),
        None => Err(Refusal::new(
            ErrorCode::BadRequest,
            format!(
                "Idempotency-Key has 1 to {MAX_IDEMPOTENCY_KEY_BYTES} printable characters without blanks"
            ),
        )),
    }
}

struct Claim {
    control: Control,
    token: TokenId,
    key: String,
    keep: Keep,
}

impl Claim {
    async fn carry_out(self, path: &str, request: Request, next: Next) -> Answer<Response> {
        let (fingerprint, request) = fingerprint(path, request).await?;
        let claimed =
            self.control.claim_idempotency_key(self.token, self.key.clone(), fingerprint).await?;
        match claimed {
            Remembered::New => {
                let tracker = self.control.tracker().clone();
                let work = async move {
                    let response = next.run(request).await;
                    self.settle(response).await
                };
                tracker.spawn(work.in_current_span()).await.map_err(|_| Refusal::internal())
            }
            Remembered::UnderWay => Err(Refusal::new(
                ErrorCode::IdempotencyInProgress,
                "a request with this key is still being carried out",
            )
            .hint("ask again in a moment to get its answer")),
            Remembered::Mismatch => Err(Refusal::new(
                ErrorCode::IdempotencyConflict,
                "this key was given with another request",
            )
            .hint("use a new key for each new request")),
            Remembered::Answered(answer) => self.replay(answer),
        }
    }

    /// Keeps what there is to keep, before anybody sees it.
    async fn settle(self, response: Response) -> Response {
        if !response.status().is_success() {
            self.remember(None).await;
            return response;
        }
        if self.keep == Keep::Fact {
            let status = response.status().as_u16();
            let (headers, body) = (String::from("[]"), String::new());
            self.remember(Some(StoredAnswer { status, headers, body })).await;
            return response;
        }
        let (parts, body) = response.into_parts();
        // Our own answer out of memory: reading it cannot fail.
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let text = String::from_utf8_lossy(&body).into_owned();
        let headers = headers_to_keep(&parts.headers);
        let status = parts.status.as_u16();
        self.remember(Some(StoredAnswer { status, headers, body: text })).await;
        Response::from_parts(parts, Body::from(body))
    }

    async fn remember(&self, answer: Option<StoredAnswer>) {
        let settled =
            self.control.settle_idempotency_key(self.token, self.key.clone(), answer).await;
        if let Err(error) = settled {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "what became of an idempotency key could not be recorded");
        }
    }

    fn replay(&self, answer: StoredAnswer) -> Answer<Response> {
        if self.keep == Keep::Fact {
            return Err(Refusal::new(
                ErrorCode::IdempotencyNotKept,
                "the first request with this key was carried out, and its answer is not kept",
            )
            .hint("look at what it did; use a new key to do it again"));
        }
        let mut response = Response::new(Body::from(answer.body));
        *response.status_mut() =
            StatusCode::from_u16(answer.status).map_err(|_| Refusal::internal())?;
        let headers: Vec<(String, String)> =
            serde_json::from_str(&answer.headers).map_err(|_| Refusal::internal())?;
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
                response.headers_mut().insert(name, value);
            }
        }
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        Ok(response)
    }
}

fn headers_to_keep(headers: &HeaderMap) -> String {
    let kept = [CONTENT_TYPE, LOCATION].into_iter().filter_map(|name| {
        let value = headers.get(&name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    serde_json::to_string(&kept.collect::<Vec<_>>()).unwrap_or_default()
}

/// Tells requests apart. A bundle is not read for it; its length stands for it.
async fn fingerprint(path: &str, request: Request) -> Answer<(String, Request)> {
    let (parts, body) = request.into_parts();
    let mut hash = Sha256::new();
    let mut take = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    take(parts.uri.path().as_bytes());
    take(parts.uri.query().unwrap_or_default().as_bytes());
    let body = if path == paths::UPLOADS {
        let length = parts.headers.get(axum::http::header::CONTENT_LENGTH);
        take(length.map_or(b"chunked", |length| length.as_bytes()));
        body
    } else {
        let body = extract::read(body).await?;
        take(&body);
        Body::from(body)
    };
    let text = types::Digest::from_sha256(hash.finalize().into()).to_string();
    Ok((text, Request::from_parts(parts, body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn of(uri: &str, body: &'static str) -> String {
        let request = Request::builder().uri(uri).body(Body::from(body)).unwrap();
        fingerprint("/api/v1/apps", request).await.unwrap().0
    }

    #[tokio::test]
    async fn a_fingerprint_tells_requests_apart() {
        assert_eq!(of("/a?b", "c").await, of("/a?b", "c").await);
        assert_ne!(of("/a?b", "c").await, of("/a?b", "d").await);
        assert_ne!(of("/a?b", "c").await, of("/a", "bc").await);
        assert_ne!(of("/ab", "").await, of("/a", "b").await);
    }

    #[test]
    fn a_key_is_printable_and_bounded() {
        let given = |value: &str| {
            key(&[(HeaderName::from_static(IDEMPOTENCY_KEY_HEADER), value.parse().unwrap())]
                .into_iter()
                .collect())
        };
        assert_eq!(given("abc").unwrap().as_deref(), Some("abc"));
        for bad in ["", "a b", &"a".repeat(201)] {
            assert_eq!(given(bad).unwrap_err().into_problem().code, "bad_request", "{bad}");
        }
        assert_eq!(key(&HeaderMap::new()).unwrap(), None);
    }
}
