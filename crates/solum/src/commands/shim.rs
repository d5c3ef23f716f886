//! `solum shim`: what the process target starts for each instance, and for each step of a job.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Shim {
    /// The directory is a step's
    #[arg(long)]
    step: bool,

    /// The instance's directory, or the step's
    directory: PathBuf,
}

impl Shim {
    pub(crate) fn run(self) -> ExitCode {
        // The server's own is strict. Apps' users find their files through directories that are made here; what is to be
        // private is made so by name.
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        if self.step {
            deploy::steps::run(&self.directory)
        } else {
            deploy::shim::run(&self.directory)
        }
    }
}
