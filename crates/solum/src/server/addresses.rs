//! Where the server listens, the same at every start.

use std::net::{SocketAddr, TcpListener};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::data_directory::DataDirectory;

const REMEMBERED: &str = "addresses.json";
const ENDPOINTS: &str = "endpoints.json";

/// The addresses of one data directory, ports chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Addresses {
    pub(crate) api: SocketAddr,
    pub(crate) router: SocketAddr,
}

/// Where users find what serves.
#[derive(Debug, Serialize)]
struct Endpoints {
    api: String,
    router: String,
}

impl Addresses {
    /// Port 0 means the port of the last start, and a free one at the first.
    pub(crate) fn choose(
        directory: &DataDirectory,
        api: SocketAddr,
        router: SocketAddr,
    ) -> Result<(Self, TcpListener)> {
        let remembered = std::fs::read_to_string(directory.file(REMEMBERED)).ok();
        let remembered: Option<Self> = remembered.and_then(|text| serde_json::from_str(&text).ok());
        let api = settle(api, remembered.map(|remembered| remembered.api));
        let listener = listen(api)?;
        let api = listener.local_addr()?;
        let router = match settle(router, remembered.map(|remembered| remembered.router)) {
            unsettled if unsettled.port() == 0 => listen(unsettled)?.local_addr()?,
            settled => settled,
        };
        let chosen = Self { api, router };
        if remembered != Some(chosen) {
            directory.write(REMEMBERED, &serde_json::to_string(&chosen)?)?;
        }
        Ok((chosen, listener))
    }

    /// Says that the server serves, and where.
    pub(crate) fn publish(&self, directory: &DataDirectory) -> Result<()> {
        let endpoints = Endpoints { api: self.api_url(), router: url(self.router) };
        directory.write(ENDPOINTS, &(serde_json::to_string(&endpoints)? + "\n"))
    }

    /// Says that it does not serve yet, or no more.
    pub(crate) fn withdraw(directory: &DataDirectory) -> Result<()> {
        match std::fs::remove_file(directory.file(ENDPOINTS)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context("cannot remove endpoints.json")
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn api_url(&self) -> String {
        url(self.api)
    }
}

fn settle(asked: SocketAddr, remembered: Option<SocketAddr>) -> SocketAddr {
    match remembered {
        Some(remembered) if asked.port() == 0 && remembered.ip() == asked.ip() => remembered,
        _ => asked,
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).with_context(|| {
        format!("cannot listen on {address}; is another program using it? --listen and --router-listen choose others")
    })
}

/// An address that listens everywhere is reached on this machine's own.
fn url(address: SocketAddr) -> String {
    let mut shown = address;
    if address.ip().is_unspecified() {
        shown.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{shown}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_was_chosen_once_stays() {
        let directory = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(directory.path()).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let (first, listener) = Addresses::choose(&directory, any, any).unwrap();
        assert_ne!(first.api.port(), 0);
        assert_ne!(first.router.port(), 0);
        drop(listener);
        let (second, _listener) = Addresses::choose(&directory, any, any).unwrap();
        assert_eq!(second, first);
    }
}
