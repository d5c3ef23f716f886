//! One request: how it is sent, when it is sent again, and what becomes of its answer.

use std::io;
use std::time::Duration;

use http::{Method, Response, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::{Agent, Body, SendBody};

use super::{Client, Error, Patience, ServerUrl};
use crate::{IDEMPOTENCY_KEY_HEADER, Problem, paths};

const CONNECT: Duration = Duration::from_secs(5);
const RECEIVE_RESPONSE: Duration = Duration::from_secs(30);
const RECEIVE_BODY: Duration = Duration::from_secs(60);
/// A feed is never silent for longer than [`crate::server_events::KEEP_ALIVE`].
const SILENCE: Duration = Duration::from_secs(45);
/// How long a connection that is refused is tried: as long as a server needs to start again.
const PATIENCE: Duration = Duration::from_millis(1_500);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);
/// The most that is read of an answer that is kept in memory.
pub(super) const MAX_ANSWER_BYTES: u64 = 32 << 20;
/// The most that is read of an error answer.
const MAX_PROBLEM_BYTES: u64 = 64 << 10;
/// The most that is shown of an error answer that is not ours.
const MAX_SHOWN_CHARACTERS: usize = 200;

const JSON: &str = "application/json";

pub(super) fn agent(server: &ServerUrl) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("solum/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_send_request(Some(CONNECT))
        .timeout_recv_response(Some(RECEIVE_RESPONSE))
        .timeout_per_read(Some(SILENCE))
        .timeout_per_write(Some(SILENCE));
    if server.is_loopback() {
        config = config.proxy(None);
    }
    config.build().into()
}

/// What is asked, apart from its body.
#[derive(Debug)]
pub(super) struct Call<'a> {
    method: Method,
    path: &'a str,
    query: Vec<(&'a str, String)>,
    headers: Vec<(&'a str, String)>,
    /// Whether the answer goes on for as long as the server likes.
    endless: bool,
}

impl<'a> Call<'a> {
    fn new(method: Method, path: &'a str) -> Self {
        Self { method, path, query: Vec::new(), headers: Vec::new(), endless: false }
    }

    pub(super) fn get(path: &'a str) -> Self {
        Self::new(Method::GET, path)
    }

    /// With a new idempotency key.
    pub(super) fn post(path: &'a str) -> Self {
        let key = format!("{:032x}", rand::random::<u128>());
        Self::new(Method::POST, path).header(IDEMPOTENCY_KEY_HEADER, key)
    }

    /// A POST that changes nothing: it needs no key.
    pub(super) fn question(path: &'a str) -> Self {
        Self::new(Method::POST, path)
    }

    pub(super) fn put(path: &'a str) -> Self {
        Self::new(Method::PUT, path)
    }

    pub(super) fn patch(path: &'a str) -> Self {
        Self::new(Method::PATCH, path)
    }

    pub(super) fn delete(path: &'a str) -> Self {
        Self::new(Method::DELETE, path)
    }

    pub(super) fn query(mut self, name: &'a str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    pub(super) fn header(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn endless(mut self) -> Self {
        self.endless = true;
        self
    }

    /// Whether the work is done once however often the request arrives.
    fn is_repeatable(&self) -> bool {
        self.method != Method::PATCH
    }
}

impl Client {
    /// Sends without a body; reads JSON.
    pub(super) fn fetch<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, Error> {
        self.read_json(self.send(call, None)?)
    }

    /// Sends JSON; reads JSON.
    pub(super) fn submit<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let body = serde_json::to_vec(body).map_err(|source| self.unreadable(source))?;
        self.read_json(self.send(call, Some(&body))?)
    }

    /// Sends, and lets the caller read a good answer's body.
    pub(super) fn send(
        &self,
        call: &Call<'_>,
        json: Option<&[u8]>,
    ) -> Result<Response<Body>, Error> {
        self.send_patiently(call, || match json {
            Some(json) => self.attempt(call, Some(JSON), json),
            None if call.method == Method::POST => self.attempt(call, None, &[] as &[u8]),
            None => self.attempt(call, None, SendBody::none()),
        })
    }

    /// Sends, and sends again as long as that is safe and of use.
    pub(super) fn send_patiently(
        &self,
        call: &Call<'_>,
        mut attempt: impl FnMut() -> Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>, Error> {
        let mut patience = Patience::new(PATIENCE, LONGEST_PAUSE);
        loop {
            let error = match attempt() {
                Ok(answer) => return self.check(answer),
                Err(error) => error,
            };
            let again = match kind(&error) {
                Some(io::ErrorKind::ConnectionRefused) => true,
                Some(
                    io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof,
                ) => call.is_repeatable(),
                _ => false,
            };
            if !again || !patience.pause() {
                return Err(self.failed(error));
            }
        }
    }

    pub(super) fn attempt(
        &self,
        call: &Call<'_>,
        content_type: Option<&str>,
        body: impl ureq::AsSendBody,
    ) -> Result<Response<Body>, ureq::Error> {
        let mut builder = http::Request::builder().method(&call.method).uri(self.uri(call));
        if self.server.connect_authority() != self.server.authority() {
            builder = builder.header(header::HOST, self.server.authority());
        }
        if let Some(token) = &self.token {
            let mut value = header::HeaderValue::try_from(format!("Bearer {}", token.expose()))
                .map_err(|error| ureq::Error::Http(error.into()))?;
            value.set_sensitive(true);
            builder = builder.header(header::AUTHORIZATION, value);
        }
        if let Some(content_type) = content_type {
            builder = builder.header(header::CONTENT_TYPE, content_type);
        }
        if !call.headers.iter().any(|(name, _)| *name == header::ACCEPT.as_str()) {
            builder = builder.header(header::ACCEPT, JSON);
        }
        for (name, value) in &call.headers {
            builder = builder.header(*name, value);
        }
        let request = builder.body(body).map_err(ureq::Error::Http)?;
        let request = self
            .agent
            .configure_request(request)
            .timeout_recv_body((!call.endless).then_some(RECEIVE_BODY))
            .build();
        self.agent.run(request)
    }

    fn uri(&self, call: &Call<'_>) -> String {
        let mut uri = format!("http://{}{}", self.server.connect_authority(), call.path);
        for (index, (name, value)) in call.query.iter().enumerate() {
            uri.push(if index == 0 { '?' } else { '&' });
            uri.push_str(name);
            uri.push('=');
            uri.push_str(&paths::segment(value));
        }
        uri
    }

    fn check(&self, answer: Response<Body>) -> Result<Response<Body>, Error> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = answer
            .into_body()
            .into_with_config()
            .limit(MAX_PROBLEM_BYTES)
            .lossy_utf8(true)
            .read_to_string()
            .unwrap_or_default();
        Err(match serde_json::from_str::<Problem>(&text) {
            Ok(problem) => Error::Problem(Box::new(problem)),
            Err(_) => Error::NotSolum {
                server: self.server.to_string(),
                status: status.as_u16(),
                body: first_words(&text),
            },
        })
    }

    fn read_json<T: DeserializeOwned>(&self, answer: Response<Body>) -> Result<T, Error> {
        let text = self.read_text(answer)?;
        serde_json::from_str(&text).map_err(|source| self.unreadable(source))
    }

    pub(super) fn read_text(&self, answer: Response<Body>) -> Result<String, Error> {
        answer
            .into_body()
            .into_with_config()
            .limit(MAX_ANSWER_BYTES)
            .lossy_utf8(true)
            .read_to_string()
            .map_err(|error| self.lost(error.into_io()))
    }

    pub(super) fn unreadable(
        &self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        Error::Unreadable { server: self.server.to_string(), source: source.into() }
    }

    pub(super) fn lost(&self, source: io::Error) -> Error {
        Error::Lost { server: self.server.to_string(), source }
    }

    fn failed(&self, error: ureq::Error) -> Error {
        let server = self.server.to_string();
        match error {
            ureq::Error::Io(source)
                if !matches!(
                    source.kind(),
                    io::ErrorKind::ConnectionReset
                        | io::ErrorKind::BrokenPipe
                        | io::ErrorKind::UnexpectedEof
                ) =>
            {
                Error::Unreachable { server, source }
            }
            ureq::Error::HostNotFound => Error::Unreachable {
                server,
                source: io::Error::new(io::ErrorKind::NotFound, "there is no such host"),
            },
            ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => {
                Error::Unreachable { server, source: io::ErrorKind::TimedOut.into() }
            }
            ureq::Error::Io(source) => Error::Lost { server, source },
            ureq::Error::Timeout(_) => {
                let source = io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
                Error::Lost { server, source }
            }
            other => Error::Unreadable { server, source: Box::new(other) },
        }
    }
}

fn kind(error: &ureq::Error) -> Option<io::ErrorKind> {
    match error {
        ureq::Error::Io(error) => Some(error.kind()),
        _ => None,
    }
}

/// What can be shown of an answer in one line.
fn first_words(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().filter(|char| !char.is_control()).take(MAX_SHOWN_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a connection that breaks so, then one that answers; tells how often it was tried.
    fn attempts(call: &Call<'_>, first: io::ErrorKind) -> (usize, Result<(), Error>) {
        let client = Client::new("http://127.0.0.1:1".parse().unwrap(), None);
        let mut attempts = 0;
        let result = client.send_patiently(call, || {
            attempts += 1;
            match attempts {
                1 => Err(ureq::Error::Io(first.into())),
                _ => Ok(Response::new(Body::builder().data("{}"))),
            }
        });
        (attempts, result.map(drop))
    }

    #[test]
    fn a_connection_that_was_refused_is_tried_again_whatever_is_asked() {
        for call in [Call::get("/"), Call::post("/"), Call::patch("/")] {
            let (attempts, result) = attempts(&call, io::ErrorKind::ConnectionRefused);
            assert!(attempts == 2 && result.is_ok(), "{call:?}");
        }
    }

    #[test]
    fn a_connection_that_broke_is_tried_again_where_that_does_no_work_twice() {
        for call in [Call::get("/"), Call::post("/"), Call::put("/"), Call::delete("/")] {
            let (attempts, result) = attempts(&call, io::ErrorKind::ConnectionReset);
            assert!(attempts == 2 && result.is_ok(), "{call:?}");
        }
        let (attempts, result) = attempts(&Call::patch("/"), io::ErrorKind::ConnectionReset);
        assert!(attempts == 1 && matches!(result, Err(Error::Lost { .. })));
    }

    #[test]
    fn what_no_further_attempt_mends_is_not_tried_again() {
        let (attempts, result) = attempts(&Call::get("/"), io::ErrorKind::PermissionDenied);
        assert!(attempts == 1 && matches!(result, Err(Error::Unreachable { .. })));
    }
}
