//! What changes in the head of a message on its way through (RFC 9110, section 7.6; RFC 9112,
//! section 6; RFC 7239). Maps are edited in place; everything that is not named here passes unchanged.

use std::fmt::Write as _;
use std::net::IpAddr;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const PROTO: &str = "http";
/// Beyond this a client's request id is not worth keeping in logs.
const MAX_REQUEST_ID: usize = 128;

/// What the head of a request says about the way it wants to be handled.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// There was an `Upgrade` header, whatever it said.
    pub(crate) names_upgrade: bool,
    /// The protocol that the client wants to switch to, if it may.
    pub(crate) upgrade: Option<HeaderValue>,
    /// Errors are to be JSON rather than a page.
    pub(crate) json: bool,
    /// Trailers are welcome.
    trailers: bool,
}

/// Takes out of a request what concerns only this hop, and what only we may say.
pub(crate) fn strip_request(headers: &mut HeaderMap) -> Wishes {
    let mut wishes = Wishes::default();
    let mut doomed: Vec<HeaderName> = Vec::new();
    for (name, value) in &*headers {
        match *name {
            header::ACCEPT => wishes.json |= mentions_json(value),
            header::TE => {
                wishes.trailers |= has_token(value, "trailers");
                doomed.push(name.clone());
            }
            header::CONNECTION | header::TRANSFER_ENCODING | header::UPGRADE | header::EXPECT => {
                doomed.push(name.clone());
            }
            _ if is_hop_by_hop(name) || is_ours(name.as_str()) => doomed.push(name.clone()),
            _ => {}
        }
    }
    if doomed.is_empty() {
        return wishes;
    }
    wishes.names_upgrade = headers.contains_key(header::UPGRADE);
    if wishes.names_upgrade && connection_has(headers, "upgrade") {
        wishes.upgrade = headers.get(header::UPGRADE).filter(|to| may_switch_to(to)).cloned();
    }
    remove_named_by_connection(headers);
    for name in doomed {
        headers.remove(name);
    }
    if wishes.trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    wishes
}

/// Passes a wish to switch protocols on to the instance.
pub(crate) fn ask_to_switch(headers: &mut HeaderMap, protocol: &HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, protocol.clone());
}

/// Takes out of an answer what concerns only the hop to the instance. Of an answer that switches
/// protocols, `Connection` and `Upgrade` are part of the handshake and stay.
pub(crate) fn strip_response(headers: &mut HeaderMap, switches: bool) {
    let mut doomed: Vec<HeaderName> = Vec::new();
    for name in headers.keys() {
        match *name {
            header::CONNECTION | header::UPGRADE if switches => {}
            header::CONNECTION | header::UPGRADE | header::TRANSFER_ENCODING => {
                doomed.push(name.clone());
            }
            _ if is_hop_by_hop(name) => doomed.push(name.clone()),
            _ => {}
        }
    }
    if doomed.is_empty() {
        return;
    }
    if !switches {
        remove_named_by_connection(headers);
    }
    if headers.remove(header::TRANSFER_ENCODING).is_some() {
        // It overrides a length, which must not be passed on (RFC 9112, section 6.3).
        headers.remove(header::CONTENT_LENGTH);
    }
    for name in doomed {
        headers.remove(name);
    }
}

fn is_hop_by_hop(name: &HeaderName) -> bool {
    // `Proxy` is no header of anybody's, but CGI programs take it for the variable HTTP_PROXY.
    matches!(name.as_str(), "keep-alive" | "proxy-connection" | "proxy")
}

/// Headers that programs behind a proxy believe, also in the spelling that WSGI and CGI cannot tell from
/// it.
fn is_ours(name: &str) -> bool {
    const PREFIX: &[u8] = b"x-forwarded-";
    let dashed = name.bytes().map(|byte| if byte == b'_' { b'-' } else { byte });
    match name.as_bytes() {
        [b'f', ..] => name == "forwarded",
        [b'x', b'-' | b'_', ..] => {
            dashed.clone().take(PREFIX.len()).eq(PREFIX.iter().copied())
                || dashed.eq(*b"x-real-ip")
                || name == "x_request_id"
        }
        _ => false,
    }
}

/// HTTP/2 by upgrade is not spoken here, and an instance that spoke it would be out of our sight.
fn may_switch_to(protocol: &HeaderValue) -> bool {
    protocol.to_str().is_ok_and(|protocol| !protocol.to_ascii_lowercase().contains("h2c"))
}

fn mentions_json(accept: &HeaderValue) -> bool {
    accept.to_str().is_ok_and(|accept| {
        let kinds = accept.split(',').map(|kind| kind.split(';').next().unwrap_or("").trim());
        kinds
            .take_while(|kind| *kind != "text/html")
            .any(|kind| kind == "application/json" || kind.ends_with("+json"))
    })
}

fn connection_has(headers: &HeaderMap, token: &str) -> bool {
    headers.get_all(header::CONNECTION).iter().any(|value| has_token(value, token))
}

fn has_token(value: &HeaderValue, token: &str) -> bool {
    tokens(value).any(|one| one.eq_ignore_ascii_case(token))
}

fn tokens(value: &HeaderValue) -> impl Iterator<Item = &str> {
    let value = value.to_str().unwrap_or("");
    value.split(',').map(|token| token.split(';').next().unwrap_or("").trim())
}

/// Removes the headers that `Connection` says are for this hop (RFC 9110, section 7.6.1), but for those
/// that a message cannot do without.
fn remove_named_by_connection(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(tokens)
        .filter(|token| !matches!(token.to_ascii_lowercase().as_str(), "close" | "keep-alive"))
        .filter_map(|token| token.parse().ok())
        .filter(|name| {
            !matches!(
                *name,
                header::HOST
                    | header::CONTENT_LENGTH
                    | header::TRANSFER_ENCODING
                    | header::UPGRADE
                    | header::CONNECTION
                    | header::COOKIE
                    | header::AUTHORIZATION
            )
        })
        .collect();
    for name in named {
        headers.remove(name);
    }
}

/// What we say about where requests of one connection come from.
#[derive(Debug)]
pub(crate) struct Forwarded {
    address: IpAddr,
    address_value: HeaderValue,
    port: HeaderValue,
    /// The last host and what `Forwarded` said for it: a connection rarely speaks of two.
    last: Option<(HeaderValue, HeaderValue)>,
}

impl Forwarded {
    pub(crate) fn new(client: IpAddr, port: u16) -> Self {
        let client = client.to_canonical();
        Self {
            address: client,
            address_value: value(&client.to_string()),
            port: HeaderValue::from(port),
            last: None,
        }
    }

    /// Sets our headers on a stripped request for `host`.
    pub(crate) fn set(&mut self, headers: &mut HeaderMap, host: &HeaderValue) {
        let forwarded = match &self.last {
            Some((last, forwarded)) if last == host => forwarded.clone(),
            _ => {
                let forwarded = forwarded(self.address, host);
                self.last = Some((host.clone(), forwarded.clone()));
                forwarded
            }
        };
        headers.insert(header::FORWARDED, forwarded);
        headers.insert(X_FORWARDED_FOR, self.address_value.clone());
        headers.insert(X_FORWARDED_HOST, host.clone());
        headers.insert(X_FORWARDED_PORT, self.port.clone());
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(PROTO));
    }
}

/// RFC 7239, sections 4 and 6: what is not a token is quoted, and an IPv6 address stands in brackets.
fn forwarded(client: IpAddr, host: &HeaderValue) -> HeaderValue {
    let host = host.to_str().unwrap_or("");
    let mut text = match client {
        IpAddr::V4(address) => format!("for={address};host="),
        IpAddr::V6(address) => format!("for=\"[{address}]\";host="),
    };
    let is_token = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let quote = if is_token && !host.is_empty() { "" } else { "\"" };
    // Writing to a string does not fail.
    let _ = write!(text, "{quote}{host}{quote};proto={PROTO}");
    value(&text)
}

/// The client's request id when it is sane; else a new one, which is set.
pub(crate) fn request_id(headers: &mut HeaderMap) -> HeaderValue {
    if let Some(id) = headers.get(X_REQUEST_ID).filter(|id| is_sane(id)) {
        return id.clone();
    }
    let id = value(&hex(rand::random()));
    headers.insert(X_REQUEST_ID, id.clone());
    id
}

fn is_sane(id: &HeaderValue) -> bool {
    let id = id.as_bytes();
    (1..=MAX_REQUEST_ID).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte))
}

fn hex(bytes: [u8; 16]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// A value made of characters that are known to be allowed.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests;
