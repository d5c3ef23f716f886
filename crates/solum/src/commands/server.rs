//! `solum server`, and `solum server stop`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use control::{Isolation, MirrorBase};
use types::HostName;

use crate::cli::arguments::listen_address;
use crate::cli::failure::Failure;
use crate::cli::{Outcome, output};
use crate::server::data_directory::DataDirectory;
use crate::server::stop::Stopped;
use crate::server::{serve, stop};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Server {
    #[command(subcommand)]
    command: Option<ServerCommand>,
    #[command(flatten)]
    start: Start,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, Subcommand)]
enum ServerCommand {
    /// End the server; apps and router go on serving unless --all is given
    Stop(Stop),
}

#[derive(Debug, Args)]
struct Start {
    /// Where everything is kept; /var/lib/solum for root, else ~/.local/share/solum
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where the API and git listen; port 0 chooses a free one once. Without it where they did last, or 127.0.0.1:7070
    #[arg(long, value_name = "HOST:PORT", value_parser = listen_address)]
    listen: Option<SocketAddr>,
    /// Where apps are reached; port 0 chooses a free one once. Without it where they were last, or 127.0.0.1:8080
    #[arg(long, value_name = "HOST:PORT", value_parser = listen_address)]
    router_listen: Option<SocketAddr>,
    /// Apps are reached at APP-ENV.DOMAIN
    #[arg(long, value_name = "DOMAIN", default_value = "localhost")]
    domain: HostName,
    /// Run builds and apps without boxes, as plain processes that see this machine: only for code that you trust
    #[arg(long)]
    unboxed: bool,
    /// Where workflows get actions of other repositories: git repositories at DIR/owner/repo, or at URL/owner/repo
    #[arg(long, value_name = "DIR|URL")]
    actions_mirror: Option<MirrorBase>,
    /// How many days after its end the logs of a run are kept
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    keep_runs: u32,
}

#[derive(Debug, Args)]
struct Stop {
    /// Where the server's data is kept; /var/lib/solum for root, else ~/.local/share/solum
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Also end every app and the router
    #[arg(long)]
    all: bool,
}

impl Server {
    pub(crate) fn run(self) -> Outcome {
        match self.command {
            Some(ServerCommand::Stop(stop)) => stop.run(),
            None => self.start.run(),
        }
    }
}

impl Start {
    fn run(self) -> Outcome {
        let options = serve::Options {
            data_directory: self.data_dir.unwrap_or_else(DataDirectory::default_path),
            listen: self.listen,
            router_listen: self.router_listen,
            domain: self.domain,
            isolation: if self.unboxed { Isolation::Bare } else { Isolation::Boxed },
            actions_mirror: self.actions_mirror,
            run_logs_kept: DAY * self.keep_runs,
        };
        serve::run(&options).map_err(|error| Failure::failed(format!("{error:#}")))
    }
}

impl Stop {
    fn run(self) -> Outcome {
        let directory = self.data_dir.unwrap_or_else(DataDirectory::default_path);
        let stopped = stop::stop(&directory, self.all);
        match stopped.map_err(|error| Failure::failed(format!("{error:#}")))? {
            Stopped::Server if self.all => {
                output::say("The server, its apps and its router have ended.")
            }
            Stopped::Server => {
                output::say("The server has ended; its apps and its router go on serving.")
            }
            Stopped::NothingRan if self.all => {
                output::say("No server ran there; no app and no router runs there either now.")
            }
            Stopped::NothingRan => output::say("No server runs there."),
        }
        Ok(())
    }
}
