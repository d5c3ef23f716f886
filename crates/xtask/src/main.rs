//! Chores of this repository: `cargo xtask check | demo | bench`.
//!
//! Nothing in here is shipped. Each chore says on its standard output what it found, and exits with
//! 0 when all is well, 1 when something is not, 2 when it was asked for something that it does not know.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to the person who started it"
)]

use std::process::ExitCode;

mod bench;
mod check;
mod demo;

const USAGE: &str = "\
usage: cargo xtask check                     hold the repository to its own rules
       cargo xtask demo [--once]             show a push becoming a running app
       cargo xtask bench push [OPTIONS]      from `git push` to the new version's first answer
       cargo xtask bench idle [OPTIONS]      memory of server, router and shims
       cargo xtask bench router [OPTIONS]    the router beside nginx and HAProxy
       cargo xtask bench workflow [--alone]  the workflow engine beside Restate
       cargo xtask bench analysis            the judge of canaries beside two others, simulated

Options of the benchmarks: --solum PATH (else it is built with the profile `quick`), --rounds N";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["check"] => check::run(),
        ["demo"] => demo::run(demo::Then::Wait),
        ["demo", "--once"] => demo::run(demo::Then::Stop),
        ["bench", name, ..] if bench::NAMES.contains(name) => bench::run(name, &arguments[2..]),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
