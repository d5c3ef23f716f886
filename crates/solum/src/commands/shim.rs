//! `solum shim`: what the process target starts for each instance.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Shim {
    /// The instance's directory
    directory: PathBuf,
}

impl Shim {
    pub(crate) fn run(self) -> ExitCode {
        deploy::shim::run(&self.directory)
    }
}
