use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::http::{self, Request};

const PROBE: Duration = Duration::from_secs(5);

/// What `endpoints.json` says.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    pub(super) api: String,
    pub(super) router: String,
}

impl Endpoints {
    pub(super) fn read(path: &Path) -> Option<Self> {
        let value: Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        let text = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
        Some(Self { api: text("api")?, router: text("router")? })
    }

    pub(super) fn is_ready(&self) -> bool {
        let Ok(address) = socket_address(&self.api) else { return false };
        let host = address.to_string();
        let answer = http::send(address, &Request::get(&host, "/readyz"), PROBE);
        answer.is_ok_and(|response| response.status == 200)
    }
}

pub(super) fn socket_address(url: &str) -> Result<SocketAddr> {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let authority = rest.split('/').next().unwrap_or_default();
    authority.parse().with_context(|| format!("{url:?} does not name an address and a port"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_a_url() {
        let expected: SocketAddr = "127.0.0.1:8080".parse().unwrap();
        assert_eq!(socket_address("http://127.0.0.1:8080").unwrap(), expected);
        assert_eq!(socket_address("http://127.0.0.1:8080/").unwrap(), expected);
        assert!(socket_address("http://solum.example").is_err());
    }

    #[test]
    fn a_file_that_is_not_there_or_half_written_is_no_endpoint() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("endpoints.json");
        assert!(Endpoints::read(&path).is_none());
        std::fs::write(&path, r#"{"api": "http://127.0.0.1:1","#).unwrap();
        assert!(Endpoints::read(&path).is_none());
        std::fs::write(&path, r#"{"api": "http://127.0.0.1:1", "router": "http://127.0.0.1:2"}"#)
            .unwrap();
        let read = Endpoints::read(&path).unwrap();
        assert_eq!(
            (read.api.as_str(), read.router.as_str()),
            ("http://127.0.0.1:1", "http://127.0.0.1:2")
        );
    }
}
