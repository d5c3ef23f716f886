//! Who asks. The API takes a bearer token (RFC 6750); git, which knows only user names and passwords, gives the token as
//! the password (RFC 7617).

mod stream;

use api::ErrorCode;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use control::{Control, Identity};
use types::{Actor, TokenId};

use crate::refusal::{Answer, Refusal};

/// Whoever asks, known by their token.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) token: TokenId,
    pub(crate) actor: Actor,
}

impl From<Identity> for Caller {
    fn from(identity: Identity) -> Self {
        Self { token: identity.token, actor: identity.actor }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        // `require` has put it there, and every route that asks for it is behind that.
        parts.extensions.get::<Self>().cloned().ok_or_else(Refusal::internal)
    }
}

/// Lets through who has a token.
pub(crate) async fn require(
    State(control): State<Control>,
    mut request: Request,
    next: Next,
) -> Response {
    let identity = match bearer(request.headers()) {
        Some(token) => control.authenticate(&token).await,
        None => Ok(None),
    };
    match identity {
        Ok(Some(identity)) => {
            let token = identity.token;
            request.extensions_mut().insert(Caller::from(identity));
            stream::until_revoked(next.run(request).await, &control, token)
        }
        Ok(None) => {
            let mut response = refused(request.headers()).into_response();
            let challenge = HeaderValue::from_static(r#"Bearer realm="Solum""#);
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            response
        }
        Err(error) => Refusal::from(error).into_response(),
    }
}

fn refused(headers: &HeaderMap) -> Refusal {
    let detail = if headers.contains_key(AUTHORIZATION) {
        "the token is not valid: it was mistyped or revoked"
    } else {
        "a token is needed for this"
    };
    Refusal::new(ErrorCode::Unauthenticated, detail)
        .hint("`solum login` stores a token; `Authorization: Bearer TOKEN` sends one")
}

/// Who the git client acts for, or the answer that makes it ask its credential helper.
pub(crate) async fn of_git(control: &Control, headers: &HeaderMap) -> Result<Actor, Response> {
    let token = basic(headers).or_else(|| bearer(headers));
    let identity = match &token {
        Some(token) => control.authenticate(token).await,
        None => Ok(None),
    };
    match identity {
        Ok(Some(identity)) => Ok(identity.actor),
        Ok(None) => {
            let words = match token {
                Some(_) => {
                    "the token is not valid: it was mistyped or revoked; `solum login` stores another\n"
                }
                None => "a token is needed as the password; any user name will do\n",
            };
            let challenge = [(WWW_AUTHENTICATE, r#"Basic realm="Solum", charset="UTF-8""#)];
            Err((StatusCode::UNAUTHORIZED, challenge, words).into_response())
        }
        Err(error) => Err(Refusal::from(error).into_response()),
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    credentials(headers, "bearer").map(str::to_owned)
}

/// The password; the user name says nothing.
fn basic(headers: &HeaderMap) -> Option<String> {
    let decoded = STANDARD.decode(credentials(headers, "basic")?).ok()?;
    let (_, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(password.to_owned())
}

/// What follows a scheme, which is written in any case (RFC 9110, section 11.1).
fn credentials<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (given, rest) = value.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        [(AUTHORIZATION, HeaderValue::from_str(value).unwrap())].into_iter().collect()
    }

    #[test]
    fn a_bearer_token_is_read_in_any_case_of_its_scheme() {
        assert_eq!(bearer(&headers("Bearer solum_a")).as_deref(), Some("solum_a"));
        assert_eq!(bearer(&headers("bearer  solum_a")).as_deref(), Some("solum_a"));
        assert_eq!(bearer(&headers("Basic c29sdW06c29sdW1fYQ==")), None);
        assert_eq!(bearer(&headers("solum_a")), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }

    #[test]
    fn the_password_of_a_git_client_is_its_token() {
        let given = |pair: &str| basic(&headers(&format!("Basic {}", STANDARD.encode(pair))));
        assert_eq!(given("solum:solum_a").as_deref(), Some("solum_a"));
        assert_eq!(given(":a:b").as_deref(), Some("a:b"));
        assert_eq!(given("solum"), None);
        assert_eq!(basic(&headers("Basic !")), None);
    }
}
