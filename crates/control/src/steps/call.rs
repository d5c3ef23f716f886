//! One HTTP request that a verb sends, with bounds on its time and on its answer.
//!
//! No redirect is followed: what is in the headers would go along to wherever it leads. Certificates are checked against
//! those that the machine trusts. Nothing of what is sent is ever printed; what is told of a call goes through
//! [`Step::conceal`].

use std::io::{self, Read as _};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::header::{HOST, LOCATION};
use http::{HeaderMap, HeaderValue, Method, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, SendBody, Timeout};

use super::{Problem, Step};

/// The most that is kept of an answer's body.
pub(super) const MAX_ANSWER_BYTES: usize = 256 << 10;
/// The most that is sent.
pub(super) const MAX_BODY_BYTES: usize = 1 << 20;

#[derive(Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// For all of it, from the look-up of the name to the end of the answer.
    pub(super) timeout: Duration,
}

pub(super) struct Answer {
    pub(super) status: u16,
    /// The first [`MAX_ANSWER_BYTES`] of it.
    pub(super) body: String,
    pub(super) is_cut: bool,
    /// Where a redirect leads.
    pub(super) location: Option<String>,
}

/// Why there is no answer.
pub(super) enum CallError {
    /// Nobody has received the request.
    NotSent(String),
    /// Somebody may have, and may have acted on it.
    NoAnswer(String),
}

impl CallError {
    pub(super) fn message(&self) -> &str {
        let (Self::NotSent(message) | Self::NoAnswer(message)) = self;
        message
    }
}

impl Step {
    /// Sends it, once.
    pub(super) async fn call(&self, call: &Call) -> Result<Result<Answer, CallError>, Problem> {
        let places = Arc::clone(&self.control.inner.calls);
        let place = tokio::select! {
            place = places.acquire_owned() => place.map_err(|_| Problem::Cancelled)?,
            () = self.cancel.cancelled() => return Err(Problem::Cancelled),
        };
        let call = call.clone();
        let calling = tokio::task::spawn_blocking(move || {
            // Kept until the call is over, also where nobody waits for it any more.
            let _place = place;
            send(&call)
        });
        tokio::select! {
            answer = calling => answer.map_err(|error| Problem::internal(error.to_string())),
            () = self.cancel.cancelled() => Err(Problem::Cancelled),
        }
    }

    /// Waits before another try.
    pub(super) async fn pause(&self, time: Duration) -> Result<(), Problem> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.cancel.cancelled() => Err(Problem::Cancelled),
        }
    }

    /// The text without the secrets that the step may read. Each line by itself: a secret of several is known by its lines.
    pub(super) fn conceal(&self, text: &str) -> String {
        let lines = text.split('\n').map(|line| self.masks.hide(line));
        self.masks.hide(&lines.collect::<Vec<_>>().join("\n"))
    }
}

/// For people: without what may be credentials, before the host or behind the path.
pub(super) fn shown(uri: &Uri) -> String {
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    let scheme = uri.scheme_str().unwrap_or_default();
    format!("{scheme}://{}{port}{}", uri.host().unwrap_or_default(), uri.path())
}

fn send(call: &Call) -> Result<Answer, CallError> {
    let (uri, host) = target(&call.uri);
    let mut request = http::Request::builder().method(&call.method).uri(uri.clone());
    if let Some(headers) = request.headers_mut() {
        headers.clone_from(&call.headers);
        if let Some(host) = host {
            headers.insert(HOST, host);
        }
    }
    let agent = agent(&uri, call.timeout);
    let sent = if matches!(call.method, Method::POST | Method::PUT | Method::PATCH) {
        request.body(call.body.as_slice()).map_err(ureq::Error::Http).and_then(|it| agent.run(it))
    } else {
        request.body(SendBody::none()).map_err(ureq::Error::Http).and_then(|it| agent.run(it))
    };
    let (head, body) = sent.map_err(|error| failed(&error))?.into_parts();
    let (body, is_cut) = read(body).map_err(|error| {
        CallError::NoAnswer(format!("its answer ({}) broke off: {error}", head.status.as_u16()))
    })?;
    let location = head.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.map(str::to_owned);
    Ok(Answer { status: head.status.as_u16(), body, is_cut, location })
}

fn read(body: Body) -> io::Result<(String, bool)> {
    let mut bytes = Vec::new();
    let reader = body.into_with_config().limit(u64::MAX).reader();
    reader.take(MAX_ANSWER_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    let is_cut = bytes.len() > MAX_ANSWER_BYTES;
    bytes.truncate(MAX_ANSWER_BYTES);
    Ok((String::from_utf8_lossy(&bytes).into_owned(), is_cut))
}

fn agent(uri: &Uri, timeout: Duration) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("solum/", env!("CARGO_PKG_VERSION")))
        .timeout_global(Some(timeout));
    if uri.scheme_str() == Some("https") {
        config = config.tls_config(tls());
    }
    if uri.host().is_some_and(is_loopback) {
        config = config.proxy(None);
    }
    config.build().into()
}

fn tls() -> TlsConfig {
    static TRUSTED: OnceLock<Arc<Vec<Certificate<'static>>>> = OnceLock::new();
    let trusted = TRUSTED.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs().certs;
        Arc::new(found.iter().map(|found| Certificate::from_der(found).to_owned()).collect())
    });
    TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::clone(trusted)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build()
}

/// Where to connect to, and the host that is meant if that is another one. Names below `localhost` are this machine
/// (RFC 6761, section 6.3), which not every resolver knows.
fn target(uri: &Uri) -> (Uri, Option<HeaderValue>) {
    let as_is = || (uri.clone(), None);
    let Some(authority) = uri.authority() else { return as_is() };
    if !authority.host().ends_with(".localhost") || uri.scheme_str() != Some("http") {
        return as_is();
    }
    let port = authority.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.authority = format!("127.0.0.1{port}").parse().ok();
    let host = HeaderValue::try_from(format!("{}{port}", authority.host()));
    match (Uri::from_parts(parts), host) {
        (Ok(uri), Ok(host)) => (uri, Some(host)),
        _ => as_is(),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn failed(error: &ureq::Error) -> CallError {
    match error {
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            CallError::NotSent("nothing listens there".to_owned())
        }
        ureq::Error::HostNotFound => CallError::NotSent("there is no such host".to_owned()),
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            CallError::NotSent("it could not be reached in time".to_owned())
        }
        ureq::Error::Timeout(_) => CallError::NoAnswer("it gave no answer in time".to_owned()),
        ureq::Error::Rustls(error) => untrusted(error),
        ureq::Error::ConnectionFailed | ureq::Error::Tls(_) | ureq::Error::InvalidProxyUrl => {
            CallError::NotSent("no connection could be made".to_owned())
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            CallError::NotSent("the request cannot be sent as it is".to_owned())
        }
        ureq::Error::Io(error) => {
            match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
                Some(error) => untrusted(error),
                None => CallError::NoAnswer(format!("the connection broke: {error}")),
            }
        }
        other => CallError::NoAnswer(format!("its answer is not HTTP: {other}")),
    }
}

/// What is known before anything is sent, because the request waits for the handshake, is that the other side will not do.
fn untrusted(error: &rustls::Error) -> CallError {
    let message = format!("it does not speak TLS as it should: {error}");
    match error {
        rustls::Error::InvalidCertificate(_)
        | rustls::Error::NoCertificatesPresented
        | rustls::Error::PeerIncompatible(_) => CallError::NotSent(message),
        _ => CallError::NoAnswer(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_below_localhost_is_this_machine() {
        let target = |text: &str| {
            let (uri, host) = target(&text.parse().unwrap());
            (uri.to_string(), host.map(|host| host.to_str().unwrap().to_owned()))
        };
        assert_eq!(
            target("http://shop-dev.localhost:8080/a?b"),
            ("http://127.0.0.1:8080/a?b".into(), Some("shop-dev.localhost:8080".into()))
        );
        assert_eq!(target("http://example.org/"), ("http://example.org/".into(), None));
    }

    #[test]
    fn what_may_be_a_credential_is_not_shown() {
        let uri: Uri = "https://user:word@example.org:81/hooks/1?token=x".parse().unwrap();
        assert_eq!(shown(&uri), "https://example.org:81/hooks/1");
    }

    #[test]
    fn certificates_are_checked_against_those_of_the_machine() {
        let RootCerts::Specific(_) = tls().root_certs() else { panic!("{:?}", tls()) };
        assert!(!tls().disable_verification());
    }
}
