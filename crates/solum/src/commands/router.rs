//! `solum router`: started by the server, or by systemd as a unit of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use crate::cli::Outcome;
use crate::cli::arguments::listen_address;
use crate::cli::failure::Failure;
use crate::server::addresses;
use crate::server::data_directory::DataDirectory;
use crate::server::router::Options;

#[derive(Debug, Args)]
pub(crate) struct Router {
    /// The server's data directory; /var/lib/solum for root, else ~/.local/share/solum
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where apps are reached; without it where the server had its router listen last, or 127.0.0.1:8080
    #[arg(long, value_name = "HOST:PORT", value_parser = listen_address)]
    listen: Option<SocketAddr>,
    /// Threads that serve, from 1 to 64; half of the machine's processors without this
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    workers: Option<usize>,
    /// Start it in the background and return once it serves
    #[arg(long)]
    detach: bool,
}

impl Router {
    pub(crate) fn run(self) -> Outcome {
        let data_directory = self.data_dir.unwrap_or_else(DataDirectory::default_path);
        let listen = self.listen.unwrap_or_else(|| addresses::router_of(&data_directory));
        let options = Options { data_directory, listen, workers: self.workers };
        let done = if self.detach { options.detach() } else { options.serve() };
        done.map_err(|error| Failure::failed(format!("{error:#}")))
    }
}
