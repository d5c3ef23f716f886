//! Where the server listens, the same at every start.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::data_directory::DataDirectory;

const REMEMBERED: &str = "addresses.json";
const ENDPOINTS: &str = "endpoints.json";
/// Where they listen unless told otherwise.
const API: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7070);
const ROUTER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

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
    /// What is given wins and is remembered; what is not is as it was at the last start. Port 0 means the port of the
    /// last start, and a free one at the first.
    pub(crate) fn choose(
        directory: &DataDirectory,
        api: Option<SocketAddr>,
        router: Option<SocketAddr>,
    ) -> Result<(Self, TcpListener)> {
        let remembered = Self::remembered(directory.path());
        let api = settle(api, remembered.map(|remembered| remembered.api), API);
        let listener = listen(api)?;
        let api = listener.local_addr()?;
        let router = match settle(router, remembered.map(|remembered| remembered.router), ROUTER) {
            unsettled if unsettled.port() == 0 => listen(unsettled)?.local_addr()?,
            settled => settled,
        };
        let chosen = Self { api, router };
        if remembered != Some(chosen) {
            directory.write(REMEMBERED, &serde_json::to_string(&chosen)?)?;
        }
        Ok((chosen, listener))
    }

    fn remembered(directory: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(directory.join(REMEMBERED)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Says that the server serves, and where.
    pub(crate) fn publish(&self, directory: &DataDirectory) -> Result<()> {
        let endpoints = Endpoints { api: self.api_url(), router: url(self.router) };
        directory.write(ENDPOINTS, &(serde_json::to_string(&endpoints)? + "\n"))
    }

    /// Says that it does not serve yet, or no more.
    pub(crate) fn withdraw(directory: &DataDirectory) -> Result<()> {
        directory.withdraw(ENDPOINTS)
    }

    pub(crate) fn api_url(&self) -> String {
        url(self.api)
    }
}

/// Where the server of a data directory had its router listen last.
pub(crate) fn router_of(data_directory: &Path) -> SocketAddr {
    Addresses::remembered(data_directory).map_or(ROUTER, |remembered| remembered.router)
}

fn settle(
    asked: Option<SocketAddr>,
    remembered: Option<SocketAddr>,
    default: SocketAddr,
) -> SocketAddr {
    match (asked, remembered) {
        (None, remembered) => remembered.unwrap_or(default),
        (Some(asked), Some(remembered)) if asked.port() == 0 && remembered.ip() == asked.ip() => {
            remembered
        }
        (Some(asked), _) => asked,
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
        let (first, listener) = Addresses::choose(&directory, Some(any), Some(any)).unwrap();
        assert_ne!(first.api.port(), 0);
        assert_ne!(first.router.port(), 0);
        drop(listener);
        for asked in [Some(any), None] {
            let (again, _listener) = Addresses::choose(&directory, asked, asked).unwrap();
            assert_eq!(again, first, "{asked:?}");
        }
        assert_eq!(router_of(directory.path()), first.router);
    }

    #[test]
    fn what_is_given_wins_over_what_is_remembered_and_that_over_the_default() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (given, remembered) = (at("127.0.0.1:1"), at("127.0.0.1:2"));
        assert_eq!(settle(Some(given), Some(remembered), API), given);
        assert_eq!(settle(None, Some(remembered), API), remembered);
        assert_eq!(settle(None, None, API), API);
        assert_eq!(settle(Some(at("0.0.0.0:0")), Some(remembered), API), at("0.0.0.0:0"));
    }
}
