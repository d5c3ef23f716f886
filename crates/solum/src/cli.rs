//! The command line: what there is, who carries it out, and how an error is shown.
//!
//! Stdout is data and stderr is talk. The exit status is 0 when it is done, 1 when it failed, 2 when the command was
//! used wrongly.

pub(crate) mod arguments;
pub(crate) mod checkout;
pub(crate) mod credentials;
pub(crate) mod failure;
pub(crate) mod follow;
pub(crate) mod graph;
pub(crate) mod live;
pub(crate) mod output;
pub(crate) mod prompt;
pub(crate) mod session;
pub(crate) mod setting_scope;
pub(crate) mod table;
pub(crate) mod terminal;
pub(crate) mod times;
pub(crate) mod tree;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{
    app, config, deploy, environment, exec, git_credential, hook, login, logs, promote, ps,
    release, rollback, router, run, scale, secret, server, shim, static_site, status, token,
    variable, workflow,
};
use failure::Failure;
use session::Session;

/// What a command ends with.
pub(crate) type Outcome = Result<(), Failure>;

#[derive(Debug, Parser)]
#[command(
    name = "solum",
    version,
    about = "From git push to running software",
    max_term_width = 100
)]
#[command(
    infer_subcommands = false,
    after_help = "SOLUM_URL and SOLUM_TOKEN name the server and a token for it, and win over what `solum login` stored."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make, list, show and delete apps
    #[command(subcommand)]
    App(app::App),
    /// List and show what was built
    #[command(subcommand)]
    Release(release::Release),
    /// List environments, and show what was deployed in them
    #[command(subcommand)]
    Env(environment::Environment),
    /// Set, unset and list an environment's variables
    #[command(subcommand)]
    Config(config::Config),
    /// Show what an app runs, and how it got there
    Status(status::Status),
    /// Show what an app's instances write
    Logs(logs::Logs),
    /// List an app's instances
    Ps(ps::Ps),
    /// Say how many instances of a process there shall be
    Scale(scale::Scale),
    /// Run a command beside an app
    Exec(exec::Exec),
    /// Deploy a release, or what somebody else built
    Deploy(deploy::Deploy),
    /// Bring what one environment serves into the next ones, without building it again
    Promote(promote::Promote),
    /// Go back to the release and config that served before
    Rollback(rollback::Rollback),
    /// List, show, watch, approve, retry and cancel runs
    #[command(subcommand)]
    Run(run::Run),
    /// List and start workflows; check, plan and simulate them; write out those that Solum brings
    #[command(subcommand)]
    Workflow(workflow::Workflow),
    /// Set, unset and list what workflows read as secrets
    #[command(subcommand)]
    Secret(secret::Secret),
    /// Set, unset and list what workflows read as variables
    #[command(subcommand)]
    Variable(variable::Variable),
    /// Make, list and revoke tokens
    #[command(subcommand)]
    Token(token::Token),
    /// Store the address of a server and a token for it
    Login(login::Login),
    /// Run the server, or end it
    Server(Box<server::Server>),
    /// Run the router, or replace the one that runs
    Router(router::Router),
    /// Print this program's version
    Version,
    /// Watch over one instance
    #[command(hide = true)]
    Shim(shim::Shim),
    /// Answer a hook of git's
    #[command(hide = true)]
    Hook(hook::Hook),
    /// Serve files
    #[command(hide = true)]
    Static(static_site::StaticSite),
    /// Answer git's questions for credentials (gitcredentials(7))
    #[command(hide = true)]
    GitCredential(git_credential::GitCredential),
}

impl Command {
    fn run(self) -> ExitCode {
        let done = match self {
            // These say themselves how they ended.
            Self::Shim(command) => return command.run(),
            Self::Hook(command) => return command.run(),
            Self::Server(command) => command.run(),
            Self::Router(command) => command.run(),
            Self::Static(command) => command.run(),
            Self::Version => {
                output::print(concat!(env!("CARGO_BIN_NAME"), " ", env!("CARGO_PKG_VERSION")))
            }
            command => command.ask_server(),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.report(),
        }
    }

    fn ask_server(self) -> Outcome {
        let session = Session::from_environment();
        match self {
            Self::Shim(_)
            | Self::Hook(_)
            | Self::Server(_)
            | Self::Router(_)
            | Self::Static(_)
            | Self::Version => Ok(()),
            Self::App(command) => command.run(&session),
            Self::Release(command) => command.run(&session),
            Self::Env(command) => command.run(&session),
            Self::Config(command) => command.run(&session),
            Self::Status(command) => command.run(&session),
            Self::Logs(command) => command.run(&session),
            Self::Ps(command) => command.run(&session),
            Self::Scale(command) => command.run(&session),
            Self::Exec(command) => command.run(&session),
            Self::Deploy(command) => command.run(&session),
            Self::Promote(command) => command.run(&session),
            Self::Rollback(command) => command.run(&session),
            Self::Run(command) => command.run(&session),
            Self::Workflow(command) => command.run(&session),
            Self::Secret(command) => command.run(&session),
            Self::Variable(command) => command.run(&session),
            Self::Token(command) => command.run(&session),
            Self::Login(command) => command.run(&session),
            Self::GitCredential(command) => command.run(&session),
        }
    }
}

pub(crate) fn main() -> ExitCode {
    Cli::parse().command.run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
