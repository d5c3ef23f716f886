//! `solum router`: started by the server, or by systemd as a unit of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::cli::Outcome;
use crate::cli::failure::Failure;
use crate::server::data_directory::DataDirectory;
use crate::server::router::Options;

#[derive(Debug, Args)]
pub(crate) struct Router {
    /// The server's data directory; /var/lib/solum for root, else ~/.local/share/solum
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where apps are reached
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Threads that serve; half of the machine's processors without this
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Start it in the background and return once it serves
    #[arg(long)]
    detach: bool,
}

impl Router {
    pub(crate) fn run(self) -> Outcome {
        let options = Options {
            data_directory: self.data_dir.unwrap_or_else(DataDirectory::default_path),
            listen: self.listen,
            workers: self.workers,
        };
        let done = if self.detach { options.detach() } else { options.serve() };
        done.map_err(|error| Failure::failed(format!("{error:#}")))
    }
}
