//! `solum hook`: what git runs in the middle of a push.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct Hook {
    /// The file that git started: its name says which hook it is
    file: PathBuf,
}

impl Hook {
    pub(crate) fn run(self) -> ExitCode {
        match self.file.file_name().and_then(|name| name.to_str()) {
            Some("pre-receive") => source::hook::pre_receive(),
            Some("proc-receive") => source::hook::proc_receive(),
            _ => Failure::usage(format!("{} is no hook of Solum's", self.file.display())).report(),
        }
    }
}
