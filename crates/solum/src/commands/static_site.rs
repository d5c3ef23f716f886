//! `solum static`: the process of static sites.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use crate::cli::Outcome;
use crate::cli::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct StaticSite {
    /// The directory to serve
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// Of the loopback address
    #[arg(long)]
    port: u16,
}

impl StaticSite {
    pub(crate) fn run(self) -> Outcome {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        build::static_site::run(&self.root, address).map_err(|error| {
            Failure::because(format!("cannot serve {}", self.root.display()), &error)
        })
    }
}
