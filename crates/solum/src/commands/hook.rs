//! `solum hook`: what git runs in the middle of a push.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Hook {
    hook: Name,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    PreReceive,
    ProcReceive,
}

impl Hook {
    pub(crate) fn run(self) -> ExitCode {
        match self.hook {
            Name::PreReceive => source::hook::pre_receive(),
            Name::ProcReceive => source::hook::proc_receive(),
        }
    }
}
