//! Where a server is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The address of a server: `http://HOST[:PORT]`, without a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerUrl {
    /// In lower case; an IPv6 address stands in its brackets.
    host: String,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidServerUrl {
    #[error("`{0}` is not the address of a server: write it as in http://127.0.0.1:7070")]
    Malformed(String),
    #[error(
        "`{0}` asks for TLS, which this program does not speak: give the http:// address of the server, \
         through an SSH tunnel if it is another machine's"
    )]
    Tls(String),
    #[error("the address of a server carries no user name, password or token")]
    Credential,
}

impl ServerUrl {
    /// Without the port, as a URL has it.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `HOST` or `HOST:PORT`, as the `Host` header has it.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == 80 { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// Whether it can only be this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost"
            || bare.ends_with(".localhost")
            || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The address to connect to: names below `localhost` are this machine (RFC 6761, section 6.3), whatever the
    /// machine's resolver makes of them.
    pub(super) fn connect_authority(&self) -> String {
        let host = if self.host.ends_with(".localhost") { "localhost" } else { &self.host };
        format!("{host}:{}", self.port)
    }

    /// The server and the path of `url`, if it is an address that a server could have.
    pub fn split(url: &str) -> Result<(Self, String), InvalidServerUrl> {
        let malformed = || InvalidServerUrl::Malformed(url.chars().take(200).collect());
        let (scheme, rest) = url.split_once("://").ok_or_else(malformed)?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(InvalidServerUrl::Credential);
        }
        match scheme.to_ascii_lowercase().as_str() {
            "http" => {}
            "https" => return Err(InvalidServerUrl::Tls(url.chars().take(200).collect())),
            _ => return Err(malformed()),
        }
        let parsed: http::uri::Authority = authority.parse().map_err(|_| malformed())?;
        let has_port = authority.rfind(':') > authority.rfind(']');
        let port = parsed.port_u16().or((!has_port).then_some(80)).filter(|port| *port != 0);
        let host = parsed.host().to_ascii_lowercase();
        if host.is_empty() {
            return Err(malformed());
        }
        Ok((Self { host, port: port.ok_or_else(malformed)? }, path.to_owned()))
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority())
    }
}

impl FromStr for ServerUrl {
    type Err = InvalidServerUrl;

    fn from_str(text: &str) -> Result<Self, InvalidServerUrl> {
        let (server, path) = Self::split(text.trim())?;
        if matches!(path.as_str(), "" | "/") {
            Ok(server)
        } else {
            Err(InvalidServerUrl::Malformed(text.chars().take(200).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_has_one_spelling() {
        for (given, shown) in [
            ("http://127.0.0.1:7070", "http://127.0.0.1:7070"),
            ("http://127.0.0.1:7070/", "http://127.0.0.1:7070"),
            ("HTTP://Solum.LocalHost:7070", "http://solum.localhost:7070"),
            ("http://example.org:80", "http://example.org"),
            ("http://[::1]:7070", "http://[::1]:7070"),
        ] {
            assert_eq!(given.parse::<ServerUrl>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_cannot_be_a_server_is_refused() {
        for bad in [
            "",
            "127.0.0.1:7070",
            "http://",
            "http://:7070",
            "http://a b",
            "http://a:",
            "http://a:0",
            "http://a:99999",
            "http://a/b",
            "ftp://a",
        ] {
            assert!(
                matches!(bad.parse::<ServerUrl>(), Err(InvalidServerUrl::Malformed(_))),
                "{bad}"
            );
        }
        assert!(matches!("https://a".parse::<ServerUrl>(), Err(InvalidServerUrl::Tls(_))));
    }

    #[test]
    fn a_credential_in_an_address_is_refused_and_not_repeated() {
        let error = "http://solum:hunter2@a".parse::<ServerUrl>().unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }

    #[test]
    fn names_below_localhost_are_this_machine() {
        let server: ServerUrl = "http://solum.localhost:7070".parse().unwrap();
        assert!(server.is_loopback());
        assert_eq!(server.connect_authority(), "localhost:7070");
        assert!(!"http://localhost.example.org".parse::<ServerUrl>().unwrap().is_loopback());
    }

    #[test]
    fn a_path_is_split_off() {
        let (server, path) = ServerUrl::split("http://127.0.0.1:7070/shop.git").unwrap();
        assert_eq!(
            (server.to_string().as_str(), path.as_str()),
            ("http://127.0.0.1:7070", "/shop.git")
        );
    }
}
