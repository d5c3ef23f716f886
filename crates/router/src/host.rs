//! Which host a request is for, and the form in which instances get requests (RFC 9112, section 3.2).

use http::header::{self, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use http::{Method, Request};
use http_body::Body;

use crate::page::Problem;

/// A request's host, as it was given and as routes know it.
#[derive(Debug)]
pub(crate) struct Host {
    value: HeaderValue,
    /// The name in lower case, when it was not.
    lowered: Option<String>,
}

impl Host {
    fn new(value: HeaderValue) -> Option<Self> {
        let text = value.to_str().ok()?;
        let is_upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
        let lowered = is_upper.then(|| name_in(text).to_ascii_lowercase());
        Some(Self { value, lowered })
    }

    /// With the port, as the client spelled it.
    pub(crate) fn value(&self) -> &HeaderValue {
        &self.value
    }

    /// Without the port, in lower case.
    pub(crate) fn name(&self) -> &str {
        match &self.lowered {
            Some(name) => name,
            None => name_in(self.value.to_str().unwrap_or("")),
        }
    }
}

/// The name in `host[:port]`, without the dot that may end it.
fn name_in(host: &str) -> &str {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name)
}

/// The host that `request` is for.
pub(crate) fn of<B>(request: &Request<B>) -> Result<Host, Problem> {
    if request.method() == Method::CONNECT {
        return Err(Problem::not_a_forward_proxy());
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Err(Problem::bad_request("many_hosts", "It names more than one host."));
    }
    let value = match (request.uri().authority(), first) {
        // An absolute target wins over the header (RFC 9112, section 3.2.2).
        (Some(authority), _) => {
            let text = authority.as_str();
            let without_user = text.rsplit_once('@').map_or(text, |(_, host)| host);
            HeaderValue::from_str(without_user).ok()
        }
        (None, first) => first.cloned(),
    };
    value
        .filter(|value| !value.is_empty())
        .and_then(Host::new)
        .ok_or_else(|| Problem::bad_request("no_host", "It does not say which host it is for."))
}

/// An absolute target becomes a path, and its host the header's.
pub(crate) fn make_origin_form<B>(request: &mut Request<B>, host: &Host) {
    if request.uri().authority().is_none() {
        return;
    }
    let path = request.uri().path_and_query().cloned();
    let is_whole_server = request.method() == Method::OPTIONS
        && path.as_ref().is_none_or(|path| path.as_str() == "*" || path.as_str().is_empty());
    let path = if is_whole_server { Some(PathAndQuery::from_static("*")) } else { path };
    *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    request.headers_mut().insert(header::HOST, host.value().clone());
}

/// A body whose length is not known goes out in chunks, whatever the method: hyper takes a GET for one
/// without a body unless it is told.
pub(crate) fn keep_unknown_length<B: Body>(request: &mut Request<B>) {
    let body = request.body();
    if !body.is_end_stream() && body.size_hint().exact().is_none() {
        request
            .headers_mut()
            .insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, hosts: &[&str]) -> Request<String> {
        let mut request = Request::builder().uri(target);
        for host in hosts {
            request = request.header("host", *host);
        }
        request.body(String::new()).unwrap()
    }

    #[test]
    fn a_host_is_known_without_its_port_case_and_dot() {
        for host in
            ["shop.localhost", "SHOP.localhost:8080", "shop.localhost.:80", "Shop.LocalHost."]
        {
            let found = of(&request("/", &[host])).unwrap();
            assert_eq!((found.name(), found.value().to_str().unwrap()), ("shop.localhost", host));
        }
        assert_eq!(of(&request("/", &["[::1]:80"])).unwrap().name(), "[::1]");
    }

    #[test]
    fn no_host_and_two_hosts_are_refused() {
        assert!(of(&request("/", &[])).is_err());
        assert!(of(&request("/", &[""])).is_err());
        assert!(of(&request("/", &["a.localhost", "a.localhost"])).is_err());
    }

    #[test]
    fn an_absolute_target_wins_and_becomes_a_path() {
        let mut request = request("http://user@a.localhost:81/x?y=1", &["b.localhost"]);
        let host = of(&request).unwrap();
        assert_eq!(host.name(), "a.localhost");
        make_origin_form(&mut request, &host);
        assert_eq!(request.uri(), "/x?y=1");
        assert_eq!(request.headers()["host"], "a.localhost:81");
    }

    #[test]
    fn the_whole_server_stays_the_whole_server() {
        let mut request = request("*", &["a.localhost"]);
        *request.method_mut() = Method::OPTIONS;
        let host = of(&request).unwrap();
        make_origin_form(&mut request, &host);
        assert_eq!(request.uri(), "*");
    }
}
