//! What git's hooks run: `solum hook pre-receive` and `solum hook proc-receive`.
//!
//! They decide nothing. They pass on to the server what git says, and to git what the server says, over the
//! server's socket. Everything here is synchronous and small, since every push waits for it to start. When the
//! server goes away they say so in words, and refuse what they do not know the outcome of.

mod channel;
mod pkt_line;
mod pre_receive;
mod proc_receive;
pub(crate) mod protocol;
pub(crate) mod socket;

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

pub use pre_receive::pre_receive;
pub use proc_receive::proc_receive;

pub(crate) const NAMES: [&str; 2] = ["pre-receive", "proc-receive"];

/// The variables by which the server tells the hooks whom to talk to, and about what.
pub(crate) const SOCKET_VARIABLE: &str = "SOLUM_HOOK_SOCKET";
pub(crate) const PUSH_VARIABLE: &str = "SOLUM_PUSH";

/// Runs the hook of this name, or of the file name of this path: the argument of `solum hook`.
#[must_use]
pub fn run(name: &OsStr) -> ExitCode {
    match Path::new(name).file_name().and_then(OsStr::to_str) {
        Some("pre-receive") => pre_receive(),
        Some("proc-receive") => proc_receive(),
        _ => {
            say("error: `solum hook` runs pre-receive or proc-receive, and is called by git");
            ExitCode::from(2)
        }
    }
}

/// A line for the person who pushes. Whether it arrives does not matter to the outcome.
fn say(line: &str) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
