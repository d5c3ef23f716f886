//! The shim: the small process that stands over one instance.
//!
//! It makes the instance's box, keeps its output, restarts it, and ends it. It is a process of its own so that apps
//! outlive the server, and it is synchronous and single-threaded so that hundreds of it cost little.
//!
//! A shim is told everything by `spec.json` in its instance's directory, and tells everything through `state.json`
//! there and to whoever connects to its socket (`protocol`). It holds the directory's lock while it
//! lives: there is never more than one.
//!
//! It never takes up again what was stopped: a stop is on disk before the first signal is sent. If the shim is
//! killed, the kernel kills its box; the state that it leaves behind then says that it was at work, and the
//! free lock that it no longer is.

mod backoff;
mod clients;
mod log;
mod port;
mod root;
mod supervise;

pub(crate) mod directory;
pub(crate) mod protocol;
pub(crate) mod spec;
pub(crate) mod state;

pub(crate) use log::file_path as log_file_path;
pub(crate) use supervise::take_lock;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use directory::InstanceDirectory;
use protocol::Report;
use spec::ShimSpec;

/// How `solum shim` ends when there was nothing to stand over.
pub(crate) const REFUSED: u8 = 125;

/// The whole of `solum shim DIRECTORY`. Returns when the instance has ended for good.
///
/// Standard output gets one line of JSON, once it is known whether the instance started. For a one-off (`exec`) it is the
/// command's own, and standard input a lifeline: when it closes, the command is killed.
#[must_use]
pub fn run(directory: &Path) -> ExitCode {
    let directory = InstanceDirectory::new(directory.to_owned());
    let spec = match ShimSpec::read(&directory) {
        Ok(spec) => spec,
        Err(error) => {
            say(&Report::Refused(error));
            return ExitCode::from(REFUSED);
        }
    };
    let attached = spec.attached;
    // A signal to the terminal or the process group of whoever started us is not for us. Fails only where we lead a
    // process group already.
    let _ = rustix::process::setsid();
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    let report =
        |report: &Report| if attached { directory.write_report(report) } else { say(report) };
    match supervise::Supervisor::start(&directory, spec) {
        Ok(mut started) => {
            started.publish();
            report(&started.report());
            if !attached {
                let_go_of_stdio();
            }
            started.stand_over();
            ExitCode::SUCCESS
        }
        Err(refusal) => {
            report(&refusal);
            if matches!(refusal, Report::Refused(_)) {
                ExitCode::from(REFUSED)
            } else {
                ExitCode::SUCCESS
            }
        }
    }
}

/// Tells whoever started us. That they may be gone changes nothing.
pub(crate) fn say(report: &Report) {
    if let Ok(mut line) = serde_json::to_vec(report) {
        line.push(b'\n');
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(&line).and_then(|()| stdout.flush());
    }
}

/// Whoever started us reads to the end of our output; and nothing of theirs is ours to hold.
pub(crate) fn let_go_of_stdio() {
    if let Ok(null) = std::fs::File::options().read(true).write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(&null);
        let _ = rustix::stdio::dup2_stdout(&null);
        let _ = rustix::stdio::dup2_stderr(&null);
    }
}
