//! The program `solum`: every subcommand, and the place where the parts are put together.
//!
//! The subcommands that people use talk to a server through `api::client` and know nothing else of it.

mod cli;
mod commands;
mod server;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
