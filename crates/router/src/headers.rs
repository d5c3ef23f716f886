//! What changes in the head of a message on its way through (RFC 9110, section 7.6; RFC 9112,
//! section 6; RFC 7239). Maps are edited in place; everything that is not named here passes unchanged.

use std::fmt::Write as _;
use std::net::IpAddr;

use bytes::Bytes;
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

/// Headers that end at this hop, whatever `Connection` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hop {
    Connection,
    TransferEncoding,
    Upgrade,
    KeepAlive,
    ProxyConnection,
    Te,
    Expect,
    /// Is no header of anybody's, but CGI programs take it for the variable HTTP_PROXY.
    Proxy,
}

impl Hop {
    const ALL: [Self; 8] = [
        Self::Connection,
        Self::TransferEncoding,
        Self::Upgrade,
        Self::KeepAlive,
        Self::ProxyConnection,
        Self::Te,
        Self::Expect,
        Self::Proxy,
    ];

    fn of(name: &HeaderName) -> Option<Self> {
        match *name {
            header::CONNECTION => Some(Self::Connection),
            header::TRANSFER_ENCODING => Some(Self::TransferEncoding),
            header::UPGRADE => Some(Self::Upgrade),
            header::TE => Some(Self::Te),
            header::EXPECT => Some(Self::Expect),
            _ => match name.as_str() {
                "keep-alive" => Some(Self::KeepAlive),
                "proxy-connection" => Some(Self::ProxyConnection),
                "proxy" => Some(Self::Proxy),
                _ => None,
            },
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::TransferEncoding => "transfer-encoding",
            Self::Upgrade => "upgrade",
            Self::KeepAlive => "keep-alive",
            Self::ProxyConnection => "proxy-connection",
            Self::Te => "te",
            Self::Expect => "expect",
            Self::Proxy => "proxy",
        }
    }
}

/// Which of them a message has.
#[derive(Debug, Default, Clone, Copy)]
struct Hops(u8);

impl Hops {
    fn add(&mut self, hop: Hop) {
        self.0 |= 1 << hop as u8;
    }

    fn has(self, hop: Hop) -> bool {
        self.0 & (1 << hop as u8) != 0
    }

    fn remove(self, headers: &mut HeaderMap) {
        if self.0 != 0 {
            for hop in Hop::ALL.into_iter().filter(|hop| self.has(*hop)) {
                headers.remove(hop.name());
            }
        }
    }
}

/// Takes out of a request what concerns only this hop, and what only we may say.
pub(crate) fn strip_request(headers: &mut HeaderMap) -> Wishes {
    let mut wishes = Wishes::default();
    let mut hops = Hops::default();
    let mut ours: Vec<HeaderName> = Vec::new();
    for (name, value) in &*headers {
        if let Some(hop) = Hop::of(name) {
            hops.add(hop);
            wishes.trailers |= hop == Hop::Te && has_token(value, "trailers");
        } else if name == header::ACCEPT {
            wishes.json |= mentions_json(value);
        } else if is_ours(name.as_str()) {
            ours.push(name.clone());
        }
    }
    for name in ours {
        headers.remove(name);
    }
    if hops.has(Hop::Upgrade) {
        wishes.names_upgrade = true;
        if connection_has(headers, "upgrade") {
            wishes.upgrade = headers.get(header::UPGRADE).filter(|to| may_switch_to(to)).cloned();
        }
    }
    if hops.has(Hop::Connection) {
        remove_named_by_connection(headers);
    }
    hops.remove(headers);
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
    let mut hops = Hops::default();
    for hop in headers.keys().filter_map(Hop::of) {
        match hop {
            Hop::Connection | Hop::Upgrade if switches => {}
            // No business of an answer, but not of this hop either.
            Hop::Te | Hop::Expect | Hop::Proxy => {}
            _ => hops.add(hop),
        }
    }
    if hops.has(Hop::Connection) {
        remove_named_by_connection(headers);
    }
    if hops.has(Hop::TransferEncoding) {
        // It overrides a length, which must not be passed on (RFC 9112, section 6.3).
        headers.remove(header::CONTENT_LENGTH);
    }
    hops.remove(headers);
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
    let mut connections = headers.get_all(header::CONNECTION).iter();
    if connections.all(|value| matches!(value.as_bytes(), b"close" | b"keep-alive")) {
        return;
    }
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
        let mut address = String::with_capacity(40);
        push_address(&mut address, client);
        Self {
            address: client,
            address_value: value(address),
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
        headers.reserve(5);
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
    let mut text = String::with_capacity(64 + host.len());
    text.push_str("for=");
    if client.is_ipv6() {
        text.push_str("\"[");
        push_address(&mut text, client);
        text.push_str("]\"");
    } else {
        push_address(&mut text, client);
    }
    text.push_str(";host=");
    let is_token = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let quote = if is_token && !host.is_empty() { "" } else { "\"" };
    for part in [quote, host, quote, ";proto=", PROTO] {
        text.push_str(part);
    }
    value(text)
}

/// The address as text. Written out for IPv4, because this happens for every connection, and the
/// general formatting takes longer than all else that a request needs here.
fn push_address(text: &mut String, address: IpAddr) {
    let IpAddr::V4(address) = address else {
        // Writing to a string does not fail.
        let _ = write!(text, "{address}");
        return;
    };
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            text.push('.');
        }
        let digits = [octet / 100, octet / 10 % 10, octet % 10];
        let leading = digits.iter().take(2).take_while(|digit| **digit == 0).count();
        text.extend(digits[leading..].iter().map(|digit| char::from(b'0' + digit)));
    }
}

/// What a request is known by. Ours is kept as bytes: a second reference to a value that has only one costs an
/// allocation.
#[derive(Debug, Clone)]
pub(crate) enum RequestId {
    Theirs(HeaderValue),
    Ours([u8; 32]),
}

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Theirs(id) => id.to_str().unwrap_or(""),
            Self::Ours(id) => std::str::from_utf8(id).unwrap_or(""),
        }
    }
}

/// The client's request id when it is sane; else a new one, which is set.
pub(crate) fn request_id(headers: &mut HeaderMap) -> RequestId {
    if let Some(id) = headers.get(X_REQUEST_ID).filter(|id| is_sane(id)) {
        return RequestId::Theirs(id.clone());
    }
    let id = hex(rand::random());
    headers.insert(X_REQUEST_ID, value(Bytes::copy_from_slice(&id)));
    RequestId::Ours(id)
}

fn is_sane(id: &HeaderValue) -> bool {
    let id = id.as_bytes();
    (1..=MAX_REQUEST_ID).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte))
}

fn hex(bytes: [u8; 16]) -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0xf)];
    }
    text
}

/// A value made of characters that are known to be allowed.
fn value(text: impl Into<Bytes>) -> HeaderValue {
    HeaderValue::from_maybe_shared(text.into()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests;
